package query

import (
	"fmt"
	"os"
	"strings"

	"github.com/gigawatch/gigawatch/collector/secret"
)

// A Secret is a string that no printing shows. The zero Secret is none.
type Secret = secret.Text

// NewSecret is s as a Secret; none if s is empty.
func NewSecret(s string) Secret { return secret.Of(s) }

// Tokens shorter than this can be guessed.
const minToken = 16

// ReadToken reads a bearer token from a file: one line of printable ASCII
// without spaces.
func ReadToken(path string) (Secret, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return Secret{}, fmt.Errorf("read token: %w", err)
	}
	t := strings.TrimSpace(string(b))
	if len(t) < minToken {
		return Secret{}, fmt.Errorf("read token: %s holds %d characters; at least %d are needed", path, len(t), minToken)
	}
	for _, c := range []byte(t) {
		if c <= ' ' || c > '~' {
			return Secret{}, fmt.Errorf("read token: %s holds a space or a character that is not printable ASCII", path)
		}
	}
	return NewSecret(t), nil
}
