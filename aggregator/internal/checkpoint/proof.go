package checkpoint

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A Proof shows that a line stands in a log: a tlog-proof, whose extra data is the
// line.
//
//	c2sp.org/tlog-proof@v1
//	extra BASE64
//	index N
//	base64 of each hash of the proof
//
//	the signed checkpoint
type Proof struct {
	Line   string
	Index  int64
	Hashes tlog.RecordProof
	Signed []byte // the checkpoint
}

const proofForm = "c2sp.org/tlog-proof@v1"

// Text is the proof as a file.
func (p *Proof) Text() []byte {
	b := fmt.Appendf(nil, "%s\nextra %s\nindex %d\n", proofForm, base64.StdEncoding.EncodeToString([]byte(p.Line)), p.Index)
	for _, h := range p.Hashes {
		b = fmt.Appendf(b, "%s\n", h)
	}
	return append(append(b, '\n'), p.Signed...)
}

// maxProofs bounds how many stand in one file.
const maxProofs = 4096

// ParseProofs reads a file of proofs, one after another.
func ParseProofs(b []byte) (ps []Proof, err error) {
	if len(b) > maxProofs*(maxNote/16) {
		return nil, fmt.Errorf("read proof: %d bytes", len(b))
	}
	if len(b) == 0 {
		return nil, errors.New("read proof: the file is empty")
	}
	for rest := string(b); rest != ""; {
		one := rest
		if i := strings.Index(rest[1:], "\n"+proofForm+"\n"); i >= 0 {
			one = rest[:i+2]
		}
		rest = rest[len(one):]
		p, err := parseProof(one)
		if err != nil {
			return nil, fmt.Errorf("read proof %d: %w", len(ps)+1, err)
		}
		ps = append(ps, p)
	}
	return ps, nil
}

func parseProof(s string) (p Proof, err error) {
	head, signed, ok := strings.Cut(s, "\n\n")
	lines := strings.Split(head, "\n")
	if !ok || len(lines) < 3 || lines[0] != proofForm || len(lines) > 3+maxProof {
		return p, fmt.Errorf("it is no %s", proofForm)
	}
	extra, ok := strings.CutPrefix(lines[1], "extra ")
	line, err := base64.StdEncoding.DecodeString(extra)
	if !ok || err != nil {
		return p, errors.New("it does not hold the line that it is of")
	}
	index, ok := strings.CutPrefix(lines[2], "index ")
	if p.Index, err = strconv.ParseInt(index, 10, 64); !ok || err != nil || p.Index < 0 {
		return p, fmt.Errorf("%.40q is no index", lines[2])
	}
	if p.Hashes, err = parseHashes(lines[3:]); err != nil {
		return p, err
	}
	p.Line, p.Signed = string(line), []byte(signed)
	return p, nil
}

// Check holds the proof against a checkpoint, which is read by the log's key, and
// says until when witnesses saw the log grow only. A checkpoint other than the
// proof's own must be of as many leaves.
func (p *Proof) Check(signed []byte, key Verifier, witnesses ...Verifier) (c Checkpoint, seen []Seen, err error) {
	c, n, err := Open(signed, key, witnesses...)
	if err != nil {
		return c, nil, err
	}
	if err := tlog.CheckRecord(p.Hashes, c.Size, c.Root, p.Index, tlog.RecordHash([]byte(p.Line))); err != nil {
		return c, nil, fmt.Errorf("leaf %d is not in the log of %s as of %d leaves: %w", p.Index, c.Origin, c.Size, err)
	}
	for _, w := range witnesses {
		if at, ok := witnessed(n, w); ok {
			seen = append(seen, Seen{w.Name(), at})
		}
	}
	return c, seen, nil
}

// Seen is who witnessed a checkpoint, and when, in seconds since 1970.
type Seen struct {
	Name string
	At   int64
}

func witnessed(n *note.Note, w Verifier) (at int64, ok bool) {
	for _, s := range n.Sigs {
		raw, err := base64.StdEncoding.DecodeString(s.Base64)
		if err != nil || s.Name != w.Name() || s.Hash != w.KeyHash() || len(raw) < 4 {
			continue
		}
		if at, _, ok := stamped(raw[4:]); ok && w.kind == ofWitness {
			return int64(at), true
		}
	}
	return 0, false
}
