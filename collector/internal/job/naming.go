package job

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/secret"
)

// A Naming says how a name leaves the host.
type Naming uint8

const (
	Keep Naming = iota // as it is
	Hash               // the first 64 bits of its HMAC-SHA-256 under the site's key: the same on every host
	Omit               // not at all
)

// ParseNaming reads keep, hash or omit.
func ParseNaming(s string) (Naming, error) {
	switch s {
	case "", "keep":
		return Keep, nil
	case "hash":
		return Hash, nil
	case "omit":
		return Omit, nil
	}
	return 0, fmt.Errorf("%q is not keep, hash or omit", s)
}

// of is the name that stands for name; "" if there is none.
func (n Naming) of(name string, key secret.Text) string {
	switch {
	case name == "" || n == Omit:
		return ""
	case n == Hash:
		h := hmac.New(sha256.New, []byte(key.Reveal()))
		h.Write([]byte(name))
		return hex.EncodeToString(h.Sum(nil)[:8])
	}
	text := strings.ToValidUTF8(name, "_")
	if len(text) <= metric.MaxText {
		return text
	}
	// Long names that begin alike stay apart.
	sum := sha256.Sum256([]byte(name))
	tail := "…" + hex.EncodeToString(sum[:8])
	return strings.ToValidUTF8(text[:metric.MaxText-len(tail)], "") + tail
}
