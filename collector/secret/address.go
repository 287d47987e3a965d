package secret

import (
	"fmt"
	"log/slog"
	"net/url"
	"strings"
)

// An Address is that of a server, of which printing shows the scheme, host and path:
// what else it has may be a secret. The zero Address is none.
type Address struct{ whole Text }

// At is text as an Address; none if it is empty.
func At(text string) Address { return Address{Of(text)} }

// IsZero reports whether a is none.
func (a Address) IsZero() bool { return a.whole.IsZero() }

// Equal reports whether b is the same address.
func (a Address) Equal(b Address) bool { return a.Reveal() == b.Reveal() }

// Reveal is all of it, for the one place that speaks to the server.
func (a Address) Reveal() string { return a.whole.Reveal() }

// Parse is all of it in parts. The error says nothing of it.
func (a Address) Parse() (*url.URL, error) {
	u, err := url.Parse(a.Reveal())
	if err != nil {
		return nil, fmt.Errorf("it is no address") // the parser's error would show it whole
	}
	return u, nil
}

func (a Address) String() string { return Shown(a.Reveal()) }

// Format writes the same as String, whatever the verb.
func (a Address) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(a.String())) }

// MarshalText covers JSON, YAML and XML.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// LogValue is what slog shows.
func (a Address) LogValue() slog.Value { return slog.StringValue(a.String()) }

// Query are the values of its query, as far as they are long enough to be secrets:
// a server may say them back.
func (a Address) Query() (list []Text) {
	u, err := url.Parse(a.Reveal())
	if err != nil {
		return nil
	}
	for _, values := range u.Query() {
		for _, v := range values {
			if len(v) >= shortest {
				list = append(list, Of(v))
			}
		}
	}
	return list
}

// nowhere is what is shown of an address that cannot be taken apart.
const nowhere = "(no address)"

// Shown is what is shown of an address: its scheme, host and path.
func Shown(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" && strings.Contains(u.Path, "@") { // a user and a password, and something forgotten before them
		return nowhere
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}
