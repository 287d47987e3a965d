package statement

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/gigawatch/gigawatch/aggregator/internal/durable"
)

// form is the first line of notes; readers refuse another.
const form = "gigawatch statement 1"

// A Claim is what a note says of a file.
type Claim struct {
	Site, Kind, Period string
	Whose              string // key of a tenant or a job; "": of all
	Format             string
	SHA256             string
	Bytes              int64
	Leaves             int64 // of the ledger's log that it rests on, and the hash of its tree
	Root               string
}

// Of is c of a file.
func (c Claim) Of(file []byte) Claim {
	sum := sha256.Sum256(file)
	c.SHA256, c.Bytes = hex.EncodeToString(sum[:]), int64(len(file))
	return c
}

func (c *Claim) text() string {
	whose := c.Whose
	if whose == "" {
		whose = "all"
	}
	return fmt.Sprintf("%s\nsite %s\nkind %s\nperiod %s\nwhose %s\nformat %s\nsha256 %s\nbytes %d\nledger %d %s\n",
		form, c.Site, c.Kind, c.Period, whose, c.Format, c.SHA256, c.Bytes, c.Leaves, c.Root)
}

// parse reads the text of a note, which must be as text writes it.
func parse(text string) (c Claim, err error) {
	lines := strings.Split(text, "\n")
	if lines[0] != form {
		return c, fmt.Errorf("it begins with %.40q and not with %q", lines[0], form)
	}
	var ledger string
	for i, x := range []struct {
		name string
		to   *string
	}{{"site", &c.Site}, {"kind", &c.Kind}, {"period", &c.Period}, {"whose", &c.Whose}, {"format", &c.Format}, {"sha256", &c.SHA256}, {"bytes", new(string)}, {"ledger", &ledger}} {
		if i+1 >= len(lines) {
			return c, fmt.Errorf("it lacks %s", x.name)
		}
		value, ok := strings.CutPrefix(lines[i+1], x.name+" ")
		if !ok {
			return c, fmt.Errorf("line %d does not say %s", i+2, x.name)
		}
		*x.to = value
		if x.name == "bytes" {
			if c.Bytes, err = strconv.ParseInt(value, 10, 64); err != nil {
				return c, fmt.Errorf("bytes: %w", err)
			}
		}
	}
	leaves, root, _ := strings.Cut(ledger, " ")
	if c.Leaves, err = strconv.ParseInt(leaves, 10, 64); err != nil {
		return c, fmt.Errorf("ledger: %w", err)
	}
	c.Root = root
	if c.Whose == "all" {
		c.Whose = ""
	}
	if c.text() != text {
		return c, errors.New("it is written otherwise than this program does")
	}
	return c, nil
}

// A Signer signs for a site.
type Signer struct {
	signer note.Signer
	Public string // the key that Verify takes
}

// Key is the signing key of a site, made if there is none yet.
func (f Folder) Key(site string) (*Signer, error) {
	path := filepath.Join(f.dir(site), "key")
	private, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		if err := f.held(site, func() error { return makeKey(path, site) }); err != nil {
			return nil, err
		}
		private, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read signing key: %w", err)
	}
	public, err := os.ReadFile(path + ".pub")
	if err != nil {
		return nil, fmt.Errorf("read signing key: %w", err)
	}
	s := &Signer{Public: strings.TrimSpace(string(public))}
	if s.signer, err = note.NewSigner(strings.TrimSpace(string(private))); err != nil {
		return nil, fmt.Errorf("read signing key %s: %w", path, err)
	}
	switch v, err := note.NewVerifier(s.Public); {
	case err != nil:
		return nil, fmt.Errorf("read signing key %s.pub: %w", path, err)
	case v.KeyHash() != s.signer.KeyHash() || v.Name() != s.signer.Name():
		return nil, fmt.Errorf("read signing key %s: it does not go with %s.pub", path, path)
	}
	return s, nil
}

// makeKey makes one, unless another process just has. The public half is there
// first: a private one alone is of no use to anybody.
func makeKey(path, site string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	private, public, err := note.GenerateKey(rand.Reader, site+".gigawatch")
	if err != nil {
		return fmt.Errorf("make signing key: %w", err)
	}
	if err := durable.Replace(path+".pub", []byte(public+"\n"), 0o644); err != nil {
		return fmt.Errorf("keep signing key: %w", err)
	}
	if err := durable.Replace(path, []byte(private+"\n"), 0o600); err != nil {
		return fmt.Errorf("keep signing key: %w", err)
	}
	return nil
}

// Sign is the note on a file.
func (s *Signer) Sign(c Claim) ([]byte, error) {
	for _, x := range []string{c.Site, c.Kind, c.Period, c.Whose, c.Format, c.SHA256, c.Root} {
		if strings.ContainsAny(x, "\n\r") {
			return nil, fmt.Errorf("sign statement: %q has several lines", x)
		}
	}
	b, err := note.Sign(&note.Note{Text: c.text()}, s.signer)
	if err != nil {
		return nil, fmt.Errorf("sign statement: %w", err)
	}
	return b, nil
}

// Errors of Verify.
var (
	ErrSignature = errors.New("the signature is not of that key")
	ErrFile      = errors.New("the file is not the one that was signed")
)

// Verify holds a file against the note on it, by a public key. It needs nothing
// else.
func Verify(file, signed []byte, public string) (c Claim, err error) {
	v, err := note.NewVerifier(strings.TrimSpace(public))
	if err != nil {
		return c, fmt.Errorf("verify statement: key: %w", err)
	}
	n, err := note.Open(signed, note.VerifierList(v))
	if err != nil {
		return c, fmt.Errorf("verify statement: %w: %w", ErrSignature, err)
	}
	if c, err = parse(n.Text); err != nil {
		return c, fmt.Errorf("verify statement: note: %w", err)
	}
	if is := c.Of(file); is.SHA256 != c.SHA256 || is.Bytes != c.Bytes {
		return c, fmt.Errorf("verify statement: %w: it has SHA-256 %s and %d bytes, and %s and %d were signed", ErrFile, is.SHA256, is.Bytes, c.SHA256, c.Bytes)
	}
	return c, nil
}
