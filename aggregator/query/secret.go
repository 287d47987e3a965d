package query

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"os"
	"strings"
)

// A Secret is a string that no printing shows. The zero Secret is none.
type Secret struct {
	s *string // a pointer, so that fmt shows an address where it cannot call methods
}

const redacted = "[redacted]"

// NewSecret is s as a Secret; none if s is empty.
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{&s}
}

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

// IsZero reports whether s is none.
func (s Secret) IsZero() bool { return s.s == nil }

// Matches compares in a time that says nothing of s.
func (s Secret) Matches(shown string) bool {
	if s.s == nil {
		return false
	}
	a, b := sha256.Sum256([]byte(*s.s)), sha256.Sum256([]byte(shown))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// reveal is the secret itself, for the one place that sends it.
func (s Secret) reveal() string {
	if s.s == nil {
		return ""
	}
	return *s.s
}

func (s Secret) String() string {
	if s.s == nil {
		return ""
	}
	return redacted
}

// Format writes the same as String, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// MarshalText covers JSON, YAML and XML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue is what slog shows.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
