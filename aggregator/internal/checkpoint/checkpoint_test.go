package checkpoint_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/gigawatch/gigawatch/aggregator/internal/checkpoint"
)

// trunk is a log in memory.
type trunk struct {
	lines  []string
	hashes []tlog.Hash
}

func (l *trunk) ReadHashes(indexes []int64) (out []tlog.Hash, err error) {
	for _, i := range indexes {
		out = append(out, l.hashes[i])
	}
	return out, nil
}

func (l *trunk) add(t testing.TB, lines ...string) {
	t.Helper()
	for _, s := range lines {
		h, err := tlog.StoredHashes(int64(len(l.lines)), []byte(s), l)
		if err != nil {
			t.Fatal(err)
		}
		l.lines, l.hashes = append(l.lines, s), append(l.hashes, h...)
	}
}

func (l *trunk) at(t testing.TB, n int64) checkpoint.Checkpoint {
	t.Helper()
	root, err := tlog.TreeHash(n, l)
	if err != nil {
		t.Fatal(err)
	}
	return checkpoint.Checkpoint{Origin: checkpoint.Origin("s1"), Size: n, Root: root}
}

func (l *trunk) grown(t testing.TB, from, to int64) (p tlog.TreeProof) {
	t.Helper()
	if from == 0 {
		return nil
	}
	p, err := tlog.ProveTree(to, from, l)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func grow(t testing.TB, n int, as string) *trunk {
	l := &trunk{}
	for i := range n {
		l.add(t, fmt.Sprint(as, i))
	}
	return l
}

func signer(t testing.TB) *checkpoint.Signer {
	t.Helper()
	s, err := checkpoint.NewFolder(t.TempDir()).Signer("s1")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sign(t testing.TB, s *checkpoint.Signer, c checkpoint.Checkpoint) []byte {
	t.Helper()
	b, err := note.Sign(&note.Note{Text: c.Text()}, s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The key and the signature of a log are those of golang.org/x/mod/sumdb/note, and so
// of every other reader of signed notes.
func TestWhatALogSignsIsReadByOthers(t *testing.T) {
	s, l := signer(t), grow(t, 9, "a")
	v, err := note.NewVerifier(s.String())
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open(sign(t, s, l.at(t, 9)), note.VerifierList(v))
	if err != nil || n.Text != "s1.gigawatch/ledger\n9\n"+l.at(t, 9).Root.String()+"\n" {
		t.Errorf("%+v, %v", n, err)
	}
	w, err := checkpoint.NewWitness(t.TempDir(), "hub.example.org")
	if err != nil {
		t.Fatal(err)
	}
	if k, err := checkpoint.ParseKey(w.String()); err != nil || k.String() != w.String() {
		t.Errorf("%v, %v", k, err)
	}
	for i := range w.String() {
		b := []byte(w.String())
		if b[i] ^= 1; strings.EqualFold(string(b), w.String()) {
			continue
		}
		if k, err := checkpoint.ParseKey(string(b)); err == nil {
			t.Errorf("byte %d was changed: %v", i, k)
		}
	}
}

// A witness signs what follows from what it signed last, and says why it does not.
func TestAWitnessRefusesForksAndShrinking(t *testing.T) {
	s, l, dir := signer(t), grow(t, 40, "a"), t.TempDir()
	fork := &trunk{}
	fork.add(t, l.lines[:7]...)
	fork.add(t, grow(t, 33, "b").lines...)
	for _, step := range []struct {
		name     string
		of       *trunk
		old, now int64
		want     error
	}{
		{"a proof from what it never saw", l, 3, 5, checkpoint.ErrOld},
		{"the first", l, 0, 10, nil},
		{"the same again", l, 10, 10, nil},
		{"as if for the first time", l, 0, 12, checkpoint.ErrOld},
		{"less", l, 10, 10 - 1, checkpoint.ErrShrink},
		{"as much of another", fork, 10, 10, checkpoint.ErrFork},
		{"more of another", fork, 10, 20, checkpoint.ErrFork},
		{"more", l, 10, 33, nil},
		{"from before that", l, 10, 40, checkpoint.ErrOld},
		{"all", l, 33, 40, nil},
	} {
		w, err := checkpoint.NewWitness(dir, "hub") // another process each time
		if err != nil {
			t.Fatal(err)
		}
		before, _, err := w.Last(s.Verifier)
		if err != nil {
			t.Fatal(err)
		}
		r := checkpoint.Request{Old: step.old, Signed: sign(t, s, step.of.at(t, step.now))}
		if step.old <= step.now {
			r.Proof = step.of.grown(t, step.old, step.now)
		}
		if r, err = checkpoint.ParseRequest(r.Text()); err != nil {
			t.Fatal(err)
		}
		signed, err := w.Sign(s.Verifier, r)
		if !errors.Is(err, step.want) {
			t.Errorf("%s: %v, want %v", step.name, err, step.want)
		}
		after, _, err := w.Last(s.Verifier)
		if err != nil || step.want != nil && after != before || step.want == nil && after != l.at(t, step.now) {
			t.Errorf("%s: signed last is %+v, %v", step.name, after, err)
		}
		if step.want == nil {
			p := checkpoint.Proof{Line: l.lines[4], Index: 4}
			if p.Hashes, err = tlog.ProveRecord(step.now, 4, l); err != nil {
				t.Fatal(err)
			}
			if _, seen, err := p.Check(signed, s.Verifier, w.Verifier); err != nil || len(seen) != 1 || seen[0].Name != "hub" {
				t.Errorf("%s: %v, %v", step.name, seen, err)
			}
		}
	}
	w, err := checkpoint.NewWitness(dir, "hub")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Sign(signer(t).Verifier, checkpoint.Request{Old: 40, Signed: sign(t, s, l.at(t, 40))}); !errors.Is(err, checkpoint.ErrSignature) {
		t.Errorf("by a key of somebody else: %v", err)
	}
	spoilt := filepath.Join(dir, "witness/seen/s1.gigawatch%2Fledger")
	b, err := os.ReadFile(spoilt)
	if err != nil {
		t.Fatal(err)
	}
	b[30] ^= 1
	if err := os.WriteFile(spoilt, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Sign(s.Verifier, checkpoint.Request{Signed: sign(t, s, l.at(t, 40))}); err == nil {
		t.Error("what was signed last cannot be read, and it signs")
	}
}

// A site signs no two logs either.
func TestASiteSignsOneLogOnly(t *testing.T) {
	f, l := checkpoint.NewFolder(t.TempDir()), grow(t, 9, "a")
	bad := errors.New("another")
	if err := f.Keep("s1", l.at(t, 5), func(checkpoint.Checkpoint) error { return bad }); err != nil {
		t.Errorf("the first: %v", err)
	}
	if err := f.Keep("s1", l.at(t, 9), func(old checkpoint.Checkpoint) error { return bad }); !errors.Is(err, checkpoint.ErrFork) {
		t.Errorf("another: %v", err)
	}
	if _, c, err := f.Newest("s1"); err != nil || c != l.at(t, 5) {
		t.Errorf("%+v, %v", c, err)
	}
	if err := f.Keep("s1", l.at(t, 9), func(old checkpoint.Checkpoint) error { return nil }); err != nil {
		t.Error(err)
	}
	signed, c, err := f.Newest("s1")
	if err != nil || c != l.at(t, 9) {
		t.Errorf("%+v, %v", c, err)
	}
	w, err := checkpoint.NewWitness(t.TempDir(), "hub")
	if err != nil {
		t.Fatal(err)
	}
	key, err := f.Key("s1")
	if err != nil {
		t.Fatal(err)
	}
	both, err := w.Sign(key, checkpoint.Request{Signed: signed})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Witness("s1", signed, w.Verifier); !errors.Is(err, checkpoint.ErrSignature) {
		t.Errorf("no witness signed it: %v", err)
	}
	if err := f.Witness("s1", both, w.Verifier); err != nil {
		t.Error(err)
	}
	if b, _, err := f.Witnessed("s1"); err != nil || !bytes.Equal(b, both) {
		t.Errorf("%q, %v", b, err)
	}
}

// Of a proof, each bit counts.
func TestAProofThatWasChangedIsRefused(t *testing.T) {
	s, l := signer(t), grow(t, 21, "a")
	p := checkpoint.Proof{Line: l.lines[13], Index: 13, Signed: sign(t, s, l.at(t, 21))}
	var err error
	if p.Hashes, err = tlog.ProveRecord(21, 13, l); err != nil {
		t.Fatal(err)
	}
	text := append(p.Text(), p.Text()...)
	ps, err := checkpoint.ParseProofs(text)
	if err != nil || len(ps) != 2 {
		t.Fatalf("%d proofs, %v", len(ps), err)
	}
	one := p.Text()
	if _, _, err := ps[1].Check(ps[1].Signed, s.Verifier); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		b := bytes.Clone(one)
		i := rng.IntN(len(b))
		b[i] ^= 1 << rng.IntN(8)
		ps, err := checkpoint.ParseProofs(b)
		if err != nil {
			continue
		}
		// Base64 has bits to spare before its padding: the same bytes are the same proof.
		same := len(ps) == 1 && ps[0].Line == p.Line && ps[0].Index == p.Index && fmt.Sprint(ps[0].Hashes) == fmt.Sprint(p.Hashes)
		if _, _, err := ps[0].Check(ps[0].Signed, s.Verifier); err == nil && !same {
			t.Fatalf("byte %d was changed: %q", i, b)
		}
	}
}

func FuzzForms(f *testing.F) {
	s, l := signer(f), grow(f, 5, "a")
	r := checkpoint.Request{Old: 3, Proof: l.grown(f, 3, 5), Signed: sign(f, s, l.at(f, 5))}
	f.Add(r.Text())
	p := checkpoint.Proof{Line: "a1", Index: 1, Signed: r.Signed}
	f.Add(p.Text())
	f.Add([]byte(l.at(f, 5).Text()))
	f.Add([]byte(s.String()))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := checkpoint.ParseRequest(b); err == nil && len(r.Proof) > 63 {
			t.Errorf("%d hashes", len(r.Proof))
		}
		if ps, err := checkpoint.ParseProofs(b); err == nil && len(ps) == 0 {
			t.Error("no proofs, and no error")
		}
		if c, err := checkpoint.Parse(string(b)); err == nil && c.Text() != string(b) {
			t.Errorf("%q is read as %q", b, c.Text())
		}
		if k, err := checkpoint.ParseKey(string(b)); err == nil && k.String() != strings.TrimSpace(string(b)) {
			t.Errorf("%q is read as %q", b, k)
		}
	})
}
