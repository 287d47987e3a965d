// Package secret reads passwords and tokens from files, and keeps refused ones
// from being tried again and again: devices lock accounts.
//
//	file ─▶ Read ─▶ Gate ─▶ device
//	                 ▲         │
//	                 └─────────┘ refused
//
// Invariants:
//   - No secret is in an error.
//   - A file may be put right at any time.
package secret

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"time"
)

// Read is the first line of a file.
func Read(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read credentials: %w", err)
	}
	line, _, _ := strings.Cut(string(b), "\n")
	if line = strings.TrimRight(line, "\r"); line == "" {
		return "", fmt.Errorf("read credentials: %s is empty", path)
	}
	return line, nil
}

// A Gate keeps refused credentials out. The zero Gate is open.
type Gate struct {
	refused [sha256.Size]byte // fingerprint
	at      time.Time
	why     error
}

// pardon is how long refused credentials are not tried again.
const pardon = 15 * time.Minute

// Check is an error while the credentials of user, from a file, are not to be
// tried.
func (g *Gate) Check(user, secret, file string) error {
	if g.why == nil || g.refused != fingerprint(user, secret) || time.Since(g.at) >= pardon {
		return nil
	}
	return fmt.Errorf("%w; tried again when %s changes, or after %v", g.why, file, pardon)
}

// Shut remembers why the credentials of user were refused.
func (g *Gate) Shut(user, secret string, why error) {
	*g = Gate{fingerprint(user, secret), time.Now(), why}
}

func fingerprint(user, secret string) [sha256.Size]byte {
	return sha256.Sum256([]byte(user + "\x00" + secret))
}
