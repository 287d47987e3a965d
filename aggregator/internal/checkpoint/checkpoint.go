package checkpoint

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A Checkpoint is how far a log reaches: the hash of its tree over so many leaves.
type Checkpoint struct {
	Origin string // names the log
	Size   int64
	Root   tlog.Hash
}

// Origin is the name of the log of a site's ledger.
func Origin(site string) string { return site + ".gigawatch/ledger" }

// Text is what is signed.
func (c Checkpoint) Text() string { return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, c.Root) }

// Parse reads a text, which must be as [Checkpoint.Text] writes it.
func Parse(text string) (c Checkpoint, err error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 {
		return c, fmt.Errorf("read checkpoint: %d lines, want 3", len(lines)-1)
	}
	c.Origin = lines[0]
	if c.Size, err = strconv.ParseInt(lines[1], 10, 64); err != nil || c.Size < 0 {
		return c, fmt.Errorf("read checkpoint: %.40q is no size", lines[1])
	}
	if c.Root, err = tlog.ParseHash(lines[2]); err != nil {
		return c, fmt.Errorf("read checkpoint: %.60q is no hash", lines[2])
	}
	if c.Origin == "" || c.Text() != text {
		return c, errors.New("read checkpoint: it is written otherwise than this program does")
	}
	return c, nil
}

// maxNote bounds what is read as a signed checkpoint.
const maxNote = 64 << 10

// Errors of what was signed.
var (
	ErrSignature = errors.New("the signature is not of that key")
	ErrOrigin    = errors.New("it is of another log")
)

// Open reads a signed checkpoint by the key of its log, whose name is the origin.
func Open(signed []byte, key Verifier, others ...Verifier) (Checkpoint, *note.Note, error) {
	if len(signed) > maxNote {
		return Checkpoint{}, nil, fmt.Errorf("read checkpoint: %d bytes", len(signed))
	}
	known := []note.Verifier{key}
	for _, o := range others {
		known = append(known, o)
	}
	n, err := note.Open(signed, note.VerifierList(known...))
	if err != nil {
		return Checkpoint{}, nil, fmt.Errorf("read checkpoint: %w: %w", ErrSignature, err)
	}
	if !signedBy(n, key) {
		return Checkpoint{}, nil, fmt.Errorf("read checkpoint: %w: %s did not sign it", ErrSignature, key.Name())
	}
	c, err := Parse(n.Text)
	if err != nil {
		return Checkpoint{}, nil, err
	}
	if c.Origin != key.Name() {
		return Checkpoint{}, nil, fmt.Errorf("read checkpoint: %w: of %.100q, and the key is of %q", ErrOrigin, c.Origin, key.Name())
	}
	return c, n, nil
}

// Sign is c as its log signs it. Who calls it knows that c is of the log.
func Sign(s *Signer, c Checkpoint) ([]byte, error) {
	b, err := note.Sign(&note.Note{Text: c.Text()}, s)
	if err != nil {
		return nil, fmt.Errorf("sign checkpoint of %s: %w", c.Origin, err)
	}
	return b, nil
}

func signedBy(n *note.Note, key Verifier) bool {
	for _, s := range n.Sigs {
		if s.Name == key.Name() && s.Hash == key.KeyHash() {
			return true
		}
	}
	return false
}
