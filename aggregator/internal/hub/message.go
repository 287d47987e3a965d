package hub

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/checkpoint"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
)

// What a site tells, by the last word of the subject.
const (
	tellsNow   = "now"
	tellsTerms = "terms"
	tellsHours = "hours"
)

func subject(site, what string) string { return "site." + site + ".rollup." + what }

// Subjects of all sites, and of what is said to one.
const everySite = "site.*.rollup.*"

func haveSubject(site string) string { return "hub." + site + ".have" }

// Now is the present of a site.
type Now struct {
	Site      string         `json:"site"`
	Life      int64          `json:"life"` // ms since 1970 when the program started: what it says grows with that, then with At
	At        int64          `json:"at"`   // ms since 1970
	Leaves    int64          `json:"leaves"`
	Root      string         `json:"root"`  // of the log, hexadecimal
	Terms     string         `json:"terms"` // version of what the operator states
	Simulated bool           `json:"simulated"`
	Power     [4]Power       `json:"power"` // by boundary: facility, it, host, gpu
	Halls     []Hall         `json:"halls"`
	Hosts     Count          `json:"hosts"`
	GPUs      Count          `json:"gpus"`
	States    map[string]int `json:"gpu_states"`
	Agents    int            `json:"agents"`
	Silent    int            `json:"agents_silent"`
	Freshness *float64       `json:"freshness_seconds"`
	Grid      *Grid          `json:"grid"` // nil: nothing is known of it
}

// A Grid is the carbon intensity in force, and whose word it is.
type Grid struct {
	GramsPerKWh float64 `json:"grams_per_kwh"`
	Zone        string  `json:"zone"`
	Factor      string  `json:"factor"`
	Provider    string  `json:"provider"`
	Tier        string  `json:"tier"`
}

// Power is in watts, or why there is none.
type Power struct {
	Watts  *float64 `json:"watts"`
	Reason string   `json:"reason,omitempty"`
}

// A Hall is one of a site, by name.
type Hall struct {
	Hall string `json:"hall"`
	Power
	Racks  int   `json:"racks"`
	Hosts  Count `json:"hosts"`
	GPUs   int   `json:"gpus"`
	GPUsOk int   `json:"gpus_ok"`
}

// A Count is how many there should be and how many report.
type Count struct {
	Expected  int `json:"expected"`
	Reporting int `json:"reporting"`
}

// Terms are what the operator of a site states, as far as figures rest on it.
type Terms struct {
	Site     string        `json:"site"`
	Life     int64         `json:"life"`
	At       int64         `json:"at"`
	Version  string        `json:"version"`
	Location string        `json:"location"` // of the IANA database
	Terms    account.Terms `json:"terms"`
}

// Hours are leaves of a site's log in order, and a checkpoint of the log with them.
type Hours struct {
	Site       string         `json:"site"`
	From       int64          `json:"from"`
	Fronts     []ledger.Front `json:"fronts"`
	Checkpoint []byte         `json:"checkpoint"`
}

// Have is how far the hub has come with a site.
type Have struct {
	Site      string `json:"site"`
	Leaves    int64  `json:"leaves"`
	Root      string `json:"root"` // hexadecimal; "" of none
	Terms     string `json:"terms"`
	Witnessed []byte `json:"witnessed,omitempty"` // the newest checkpoint that the hub signed
	Refused   string `json:"refused,omitempty"`   // why nothing more of the log is taken
}

// Bounds of what is sent and taken.
const (
	maxUnpacked = 8 << 20   // of a message
	maxMessage  = 1 << 20   // what a bus carries
	maxBatch    = 384 << 10 // of leaves and hours, which grow by a third on their way
	maxHalls    = 1000
	maxText     = 512
)

// domain keeps signatures of messages apart from those of checkpoints.
const domain = "gigawatch rollup 1\n"

func signedText(subject string, body []byte) []byte {
	return append([]byte(domain+subject+"\n"), body...)
}

// seal is a message as it is sent: a signature, and what is said as JSON in a Zstandard
// frame.
func seal(s *checkpoint.Signer, subject string, v any) ([]byte, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", subject, err)
	}
	body = packer().EncodeAll(body, nil)
	sig, err := s.Sign(signedText(subject, body))
	if err != nil {
		return nil, fmt.Errorf("sign %s: %w", subject, err)
	}
	if len(sig)+len(body) > maxMessage {
		return nil, fmt.Errorf("%s has %d bytes, and a bus carries %d", subject, len(sig)+len(body), maxMessage)
	}
	return append(sig, body...), nil
}

var (
	errForged = errors.New("it is not signed by the site that its subject names")
	errForm   = errors.New("it is not what its subject says")
)

// unseal reads a message that nobody vouches for.
func unseal(key checkpoint.Verifier, subject string, b []byte, v any) error {
	if len(b) < ed25519.SignatureSize || len(b) > maxMessage {
		return fmt.Errorf("%w: %d bytes", errForm, len(b))
	}
	sig, body := b[:ed25519.SignatureSize], b[ed25519.SignatureSize:]
	if !key.Verify(signedText(subject, body), sig) {
		return errForged
	}
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxUnpacked))
	if err != nil {
		return fmt.Errorf("unpack: %w", err)
	}
	defer z.Close()
	text, err := z.DecodeAll(body, nil)
	if err != nil {
		return fmt.Errorf("%w: %w", errForm, err)
	}
	return decode(text, v)
}

// packer is a compressor. It takes much memory, and lives as long as a message is
// made.
func packer() *zstd.Encoder {
	e, _ := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1)) // only bad options are refused
	return e
}

func decode(body []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%w: %w", errForm, err)
	}
	if d.More() {
		return fmt.Errorf("%w: something follows it", errForm)
	}
	return nil
}

// split takes a subject apart.
func split(subject string) (site, what string, ok bool) {
	f := strings.Split(subject, ".")
	if len(f) != 4 || f[0] != "site" || f[2] != "rollup" {
		return "", "", false
	}
	return f[1], f[3], true
}

// bounded says what of n is more than a site has.
func (n *Now) bounded() error {
	switch {
	case len(n.Halls) > maxHalls:
		return fmt.Errorf("%w: %d halls", errForm, len(n.Halls))
	case len(n.States) > 32:
		return fmt.Errorf("%w: %d states", errForm, len(n.States))
	}
	texts := []string{n.Root, n.Terms}
	for _, h := range n.Halls {
		texts = append(texts, h.Hall, h.Reason)
	}
	for _, p := range n.Power {
		texts = append(texts, p.Reason)
	}
	for state := range n.States {
		texts = append(texts, state)
	}
	if g := n.Grid; g != nil {
		texts = append(texts, g.Zone, g.Factor, g.Provider, g.Tier)
	}
	for _, s := range texts {
		if len(s) > maxText {
			return fmt.Errorf("%w: a text of %d bytes", errForm, len(s))
		}
	}
	return nil
}
