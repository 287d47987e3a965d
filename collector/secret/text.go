package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
)

// A Text is a string that no printing shows. The zero Text is none.
type Text struct {
	s *string // a pointer, so that fmt shows an address where it cannot call methods
}

const redacted = "[redacted]"

// Of is s as a Text; none if s is empty.
func Of(s string) Text {
	if s == "" {
		return Text{}
	}
	return Text{&s}
}

// IsZero reports whether t is none.
func (t Text) IsZero() bool { return t.s == nil }

// Reveal is the string itself, for the one place that hands it over.
func (t Text) Reveal() string {
	if t.s == nil {
		return ""
	}
	return *t.s
}

// Len is how many bytes it has.
func (t Text) Len() int { return len(t.Reveal()) }

// Matches compares in a time that says nothing of t. None matches nothing.
func (t Text) Matches(shown string) bool {
	if t.s == nil {
		return false
	}
	a, b := sha256.Sum256([]byte(*t.s)), sha256.Sum256([]byte(shown))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

func (t Text) String() string {
	if t.s == nil {
		return ""
	}
	return redacted
}

// Format writes the same as String, whatever the verb.
func (t Text) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(t.String())) }

// MarshalText covers JSON, YAML and XML.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// LogValue is what slog shows.
func (t Text) LogValue() slog.Value { return slog.StringValue(t.String()) }
