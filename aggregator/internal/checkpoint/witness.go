package checkpoint

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/gigawatch/gigawatch/aggregator/internal/durable"
)

// A Request asks a witness to sign a checkpoint: the body of tlog-witness.
//
//	old SIZE
//	base64 of each hash of the proof
//
//	the signed checkpoint
type Request struct {
	Old    int64 // leaves of the checkpoint that the witness signed last; 0: none
	Proof  tlog.TreeProof
	Signed []byte
}

// maxProof bounds the hashes of a proof: no log has 2^63 leaves.
const maxProof = 63

// Text is the request as it is sent.
func (r *Request) Text() []byte {
	b := fmt.Appendf(nil, "old %d\n", r.Old)
	for _, h := range r.Proof {
		b = fmt.Appendf(b, "%s\n", h)
	}
	return append(append(b, '\n'), r.Signed...)
}

// ParseRequest reads a request.
func ParseRequest(b []byte) (r Request, err error) {
	if len(b) > maxNote {
		return r, fmt.Errorf("read request: %d bytes", len(b))
	}
	head, signed, ok := strings.Cut(string(b), "\n\n")
	lines := strings.Split(head, "\n")
	size, old := strings.CutPrefix(lines[0], "old ")
	if !ok || !old || len(lines) > 1+maxProof {
		return r, errors.New("read request: it does not begin with old SIZE and the hashes of a proof")
	}
	if r.Old, err = strconv.ParseInt(size, 10, 64); err != nil || r.Old < 0 || size != strconv.FormatInt(r.Old, 10) {
		return r, fmt.Errorf("read request: %.40q is no size", size)
	}
	if r.Proof, err = parseHashes(lines[1:]); err != nil {
		return r, fmt.Errorf("read request: %w", err)
	}
	r.Signed = []byte(signed)
	return r, nil
}

func parseHashes(lines []string) (hashes []tlog.Hash, err error) {
	for _, l := range lines {
		h, err := tlog.ParseHash(l)
		if err != nil {
			return nil, fmt.Errorf("%.60q is no hash", l)
		}
		hashes = append(hashes, h)
	}
	return hashes, nil
}

// What a witness refuses besides.
var (
	ErrShrink = errors.New("the log has become shorter")
	ErrOld    = errors.New("the proof is not from what was signed last")
)

// A Witness signs checkpoints of logs that others keep, each if it follows from the
// one before.
type Witness struct {
	dir string
	*Signer
}

// NewWitness is that of a data folder. Its key is made under name if there is none
// yet.
func NewWitness(data, name string) (*Witness, error) {
	dir := filepath.Join(data, "witness")
	s, err := signer(dir, name, ofWitness)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(dir, "seen"), 0o750); err != nil {
		return nil, fmt.Errorf("make folder of witness: %w", err)
	}
	return &Witness{dir, s}, nil
}

func (w *Witness) file(origin string) string {
	return filepath.Join(w.dir, "seen", url.PathEscape(origin))
}

// Last is the checkpoint that was signed last of the log of a key, as both signed
// it; nil if there is none.
func (w *Witness) Last(key Verifier) (c Checkpoint, signed []byte, err error) {
	signed, err = os.ReadFile(w.file(key.Name()))
	if errors.Is(err, os.ErrNotExist) {
		return Checkpoint{}, nil, nil
	}
	if err != nil {
		return c, nil, fmt.Errorf("read what was witnessed: %w", err)
	}
	// It is the witness's own word that counts: a site may have a new key.
	n, err := note.Open(signed, note.VerifierList(w.Verifier))
	if err == nil {
		c, err = Parse(n.Text)
	}
	if err == nil && c.Origin != key.Name() {
		err = ErrOrigin
	}
	if err != nil {
		return c, nil, fmt.Errorf("read what was witnessed, %s: %w", w.file(key.Name()), err)
	}
	return c, signed, nil
}

// Sign signs the checkpoint of a request besides the log that key is of, and returns
// it with both signatures. It refuses, saying so, what does not follow from what it
// signed last.
func (w *Witness) Sign(key Verifier, r Request) (signed []byte, err error) {
	lock, err := durable.Lock(filepath.Join(w.dir, "lock"), 0o640)
	if err != nil {
		return nil, fmt.Errorf("lock witness: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	c, n, err := Open(r.Signed, key)
	if err != nil {
		return nil, err
	}
	last, before, err := w.Last(key)
	switch {
	case err != nil:
		return nil, err
	case before == nil && r.Old == 0:
	case c.Size < last.Size:
		return nil, fmt.Errorf("witness %s: %w: it has %d leaves, and had %d", c.Origin, ErrShrink, c.Size, last.Size)
	case c.Size == last.Size && c.Root != last.Root:
		return nil, fmt.Errorf("witness %s: %w: %d leaves had the hash %s, and have %s", c.Origin, ErrFork, c.Size, last.Root, c.Root)
	case r.Old != last.Size:
		return nil, fmt.Errorf("witness %s: %w: it is from %d leaves, and %d were signed", c.Origin, ErrOld, r.Old, last.Size)
	case last.Size > 0:
		if err := tlog.CheckTree(r.Proof, c.Size, c.Root, last.Size, last.Root); err != nil {
			return nil, fmt.Errorf("witness %s: %w: %d leaves do not follow from the %d that were signed: %w", c.Origin, ErrFork, c.Size, last.Size, err)
		}
	}
	n.UnverifiedSigs = nil // whose they are is not known here
	if signed, err = note.Sign(n, w.Signer); err != nil {
		return nil, fmt.Errorf("witness %s: %w", c.Origin, err)
	}
	if err := durable.Replace(w.file(c.Origin), signed, 0o644); err != nil {
		return nil, fmt.Errorf("keep what is witnessed: %w", err)
	}
	return signed, nil
}
