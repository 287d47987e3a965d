package secret

import (
	"crypto/sha256"
	"fmt"
	"time"
)

// A Gate keeps refused credentials out. The zero Gate is open.
type Gate struct {
	refused [sha256.Size]byte // fingerprint
	at      time.Time
	why     error
}

// Pardon is how long refused credentials are not tried again.
const Pardon = 15 * time.Minute

// Check is an error while the credentials of user, from a file or elsewhere, are not
// to be tried.
func (g *Gate) Check(user string, t Text, from string) error {
	if g.why == nil || g.refused != fingerprint(user, t) || time.Since(g.at) >= Pardon {
		return nil
	}
	return fmt.Errorf("%w; tried again when %s changes, or after %v", g.why, from, Pardon)
}

// Shut remembers why the credentials of user were refused.
func (g *Gate) Shut(user string, t Text, why error) {
	*g = Gate{fingerprint(user, t), time.Now(), why}
}

func fingerprint(user string, t Text) [sha256.Size]byte {
	return sha256.Sum256([]byte(user + "\x00" + t.Reveal()))
}
