package bmc

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"time"
)

// A gate keeps refused credentials from being tried again and again.
type gate struct {
	refused [sha256.Size]byte // fingerprint
	at      time.Time
	why     error
}

// pardon is how long refused credentials are not tried again.
const pardon = 15 * time.Minute

// check is an error while the credentials of user are not to be tried.
func (g *gate) check(user, secret, file string) error {
	if g.why == nil || g.refused != fingerprint(user, secret) || time.Since(g.at) >= pardon {
		return nil
	}
	return later{fmt.Errorf("%w; tried again when %s changes, or after %v", g.why, file, pardon), time.Minute}
}

// shut remembers that the credentials of user were refused, and is the error.
func (g *gate) shut(user, secret string, why error) error {
	*g = gate{fingerprint(user, secret), time.Now(), why}
	return later{why, time.Minute}
}

func fingerprint(user, secret string) [sha256.Size]byte {
	return sha256.Sum256([]byte(user + "\x00" + secret))
}

// readSecret is the first line of a file, which may be put right at any time.
func readSecret(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", later{fmt.Errorf("read credentials: %w", err), time.Minute}
	}
	line, _, _ := strings.Cut(string(b), "\n")
	if line = strings.TrimRight(line, "\r"); line == "" {
		return "", later{fmt.Errorf("read credentials: %s is empty", path), time.Minute}
	}
	return line, nil
}
