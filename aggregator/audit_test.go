package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/VictoriaMetrics/metrics"

	"github.com/gigawatch/gigawatch/aggregator/internal/checkpoint"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/aggregator/internal/statement"
)

// signedMonth is a folder of a month's books, signed as they grew, and the signed
// checkpoints in order.
func signedMonth(t *testing.T) (dir string, points [][]byte) {
	t.Helper()
	dir, err := quickFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	var c *checkpoints
	if err := makeMonth(dir, func(l *ledger.Ledger) error {
		if c == nil {
			c = newCheckpoints(dir, l, metrics.NewSet(), quietly())
		}
		c.keep()
		b, _, err := checkpoint.NewFolder(dir).Newest("vilvoorde")
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if n := len(points); err == nil && (n == 0 || !bytes.Equal(points[n-1], b)) {
			points = append(points, b)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if len(points) < 10 || c.refused.Get() != 0 {
		t.Fatalf("%d checkpoints, %d refused", len(points), c.refused.Get())
	}
	return dir, points
}

// verified is what verify prints.
func verified(args ...string) (string, error) {
	var out, bad bytes.Buffer
	err := verify(args, &out, &bad)
	return out.String(), err
}

func put(t testing.TB, name string, b []byte) string {
	t.Helper()
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Whoever has a proof, a checkpoint and public keys needs nothing else, neither the
// ledger nor trust in who keeps it.
func TestAnHourIsProvedToWhoHasPublicKeysAlone(t *testing.T) {
	dir, points := signedMonth(t)
	away := t.TempDir()
	at := func(name string) string { return filepath.Join(away, name) }
	line, err := verified("-data", dir)
	if err != nil || !strings.Contains(line, "checkpoints of 1 sites hold") || strings.Count(line, "\n") != 1 {
		t.Fatalf("%q, %v", line, err)
	}
	key := put(t, at("key.pub"), read(t, filepath.Join(dir, "checkpoint/vilvoorde/key.pub")))
	newest, err := verified("-data", dir, "-checkpoint")
	if err != nil || newest != string(points[len(points)-1]) || !strings.HasPrefix(newest, "vilvoorde.gigawatch/ledger\n750\n") {
		t.Fatalf("%q, %v", newest, err)
	}
	proof, err := verified("-data", dir, "-hour", "2025-12-17T09Z")
	if err != nil {
		t.Fatal(err)
	}
	file := put(t, at("hour"), read(t, filepath.Join(dir, "ledger/vilvoorde/hours/2025-12-17T09Z.hour")))
	put(t, at("proof"), []byte(proof))
	out, err := verified("-proof", at("proof"), "-key", key, "-file", file)
	if err != nil || !strings.Contains(out, "energy/v2 vilvoorde 2025-12-17T09Z ") {
		t.Errorf("%q, %v", out, err)
	}

	// A witness that saw an older checkpoint signs the newest, and the proof says so.
	var witness, bad bytes.Buffer
	watch := func(in string, args ...string) (string, error) {
		witness.Reset()
		err := witnessCommand(append([]string{"-data", at("witness")}, args...), strings.NewReader(in), &witness, &bad)
		return witness.String(), err
	}
	hub, err := watch("", "-name", "hub.example.org")
	if err != nil {
		t.Fatal(err)
	}
	put(t, at("hub.pub"), []byte(hub))
	if _, err := watch("old 0\n\n"+string(points[3]), "-key", key); err != nil {
		t.Fatal(err)
	}
	c, err := checkpoint.Parse(strings.Join(strings.SplitAfter(string(points[3]), "\n")[:3], ""))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ since, want string }{
		"from nothing":            {"0", "not from what was signed last"},
		"from where it was not":   {"7", "not from what was signed last"},
		"from more than there is": {"9999", "does not grow from 9999"},
	} {
		r, err := verified("-data", dir, "-checkpoint", "-since", tt.since)
		if err == nil {
			_, err = watch(r, "-key", key)
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r, err := verified("-data", dir, "-checkpoint", "-since", strings.TrimSpace(strings.Split(c.Text(), "\n")[1]))
	if err != nil {
		t.Fatal(err)
	}
	both, err := watch(r, "-key", key)
	if err != nil || !strings.HasPrefix(both, newest[:strings.Index(newest, "\n\n")]) {
		t.Fatalf("%q, %v", both, err)
	}
	put(t, at("both"), []byte(both))
	out, err = verified("-proof", at("proof"), "-key", key+","+at("hub.pub"), "-in", at("both"))
	if err != nil || !strings.Contains(out, "witnessed by hub.example.org at 20") {
		t.Errorf("%q, %v", out, err)
	}

	// Proofs can be of an older checkpoint, which somebody kept.
	put(t, at("older"), points[len(points)-4])
	proof, err = verified("-data", dir, "-hour", "2025-12-17T09Z", "-in", at("older"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, at("older proof"), []byte(proof))
	if _, err = verified("-proof", at("older proof"), "-key", key, "-in", at("older")); err != nil {
		t.Error(err)
	}

	// Anything else is refused.
	other := t.TempDir()
	stranger, err := checkpoint.NewFolder(other).Signer("vilvoorde")
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Replace([]byte(proof), []byte("index "), []byte("index 1"), 1)
	for name, args := range map[string][]string{
		"another key":        {"-proof", at("proof"), "-key", stranger.Verifier.String()},
		"another checkpoint": {"-proof", at("proof"), "-key", key, "-in", at("older")},
		"another place":      {"-proof", put(t, at("moved"), changed), "-key", key},
		"another file":       {"-proof", at("proof"), "-key", key, "-file", key},
		"no proof":           {"-proof", key, "-key", key},
		"no key":             {"-proof", at("proof"), "-key", "x+1+y"},
	} {
		if out, err := verified(args...); err == nil {
			t.Errorf("%s: %s", name, out)
		}
	}
}

// What is kept besides the ledger is held against it: each way in which they can
// disagree is named, and by which of them.
func TestVerifyNamesWhatDisagrees(t *testing.T) {
	master, points := signedMonth(t)
	folder := statement.NewFolder(master)
	older, err := checkpoint.Parse(strings.Join(strings.SplitAfter(string(points[2]), "\n")[:3], ""))
	if err != nil {
		t.Fatal(err)
	}
	if err := folder.Add("vilvoorde", statement.Line{Action: statement.ActSign, Leaves: older.Size, Root: headOf("vilvoorde", older).Root}, nil); err != nil {
		t.Fatal(err)
	}
	if line, err := verified("-data", master); err != nil || !strings.Contains(line, "statements of vilvoorde: 1 lines") {
		t.Fatalf("%q, %v", line, err)
	}
	const books, points1 = "ledger/vilvoorde/", "checkpoint/vilvoorde/"
	another := func(dir string) error { // keys, and so a checkpoint, of an impostor
		f := checkpoint.NewFolder(dir)
		if err := os.RemoveAll(filepath.Join(dir, "checkpoint")); err != nil {
			return err
		}
		c := older
		c.Root[0] ^= 1
		return f.Keep("vilvoorde", c, nil)
	}
	rewrite := func(name string, change func(b []byte) []byte) func(dir string) error {
		return func(dir string) error {
			path := filepath.Join(dir, name)
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return errors.Join(os.Chmod(path, 0o600), os.WriteFile(path, change(b), 0o600))
		}
	}
	flip := func(b []byte) []byte { b[len(b)/2] ^= 1; return b }
	for name, tt := range map[string]struct {
		change func(dir string) error
		want   string
	}{
		"a slot of the state":  {rewrite("ledger/state.0", flip), "state.0"},
		"an hour":              {rewrite(books+"hours/2025-12-17T09Z.hour", flip), "2025-12-17T09Z.hour was changed"},
		"a line of the log":    {rewrite(books+"log/leaves", flip), "log of vilvoorde, leaf 3"},
		"a hash of the log":    {rewrite(books+"log/hashes", flip), "log of vilvoorde, leaf 3"},
		"an hour that is gone": {func(dir string) error { return os.Remove(filepath.Join(dir, books, "hours/2025-12-17T09Z.hour")) }, "2025-12-17T09Z"},
		"an hour that nobody sealed": {func(dir string) error {
			return os.WriteFile(filepath.Join(dir, books, "hours/2020-01-01T00Z.hour"), nil, 0o600)
		}, "no leaf stands for"},
		"a log that lost its end": {func(dir string) error { return cutLog(filepath.Join(dir, books, "log"), 9) }, "leaf 7"},
		"a state that is gone": {func(dir string) error {
			return errors.Join(os.Remove(filepath.Join(dir, "ledger/state.0")), os.Remove(filepath.Join(dir, "ledger/state.1")))
		}, "there is no state"},
		"a checkpoint that was changed":     {rewrite(points1+"checkpoint", flip), "checkpoints of vilvoorde"},
		"a checkpoint of another log":       {another, "checkpoint of vilvoorde"},
		"a key that was changed":            {rewrite(points1+"key.pub", flip), "checkpoints of vilvoorde"},
		"a statement of another log":        {rewrite("statement/vilvoorde/log", func(b []byte) []byte { return bytes.Replace(b, []byte(`"log_root":"`), []byte(`"log_root":"00`), 1) }), "statements of vilvoorde, line 1"},
		"a statement of more than there is": {rewrite("statement/vilvoorde/log", func(b []byte) []byte { return bytes.Replace(b, []byte(`"log_leaves":`), []byte(`"log_leaves":9`), 1) }), "statements of vilvoorde, line 1"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(master)); err != nil {
				t.Fatal(err)
			}
			if err := tt.change(dir); err != nil {
				t.Fatal(err)
			}
			if line, err := verified("-data", dir); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%q, %v", line, err)
			}
		})
	}
}

// cutLog takes lines from the end of a log, and all hashes.
func cutLog(dir string, lines int) error {
	path := filepath.Join(dir, "leaves")
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	all := bytes.SplitAfter(b, []byte("\n"))
	if err := os.Remove(filepath.Join(dir, "hashes")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(path, bytes.Join(all[:len(all)-1-lines], nil), 0o600)
}

// A site whose books were put back to an older backup does not sign two logs: it says
// so, and goes on with its books.
func TestALogThatIsNotWhatWasSignedIsNotSigned(t *testing.T) {
	dir, points := signedMonth(t)
	folder := checkpoint.NewFolder(dir)
	_, c, err := folder.Newest("vilvoorde")
	if err != nil {
		t.Fatal(err)
	}
	l, err := viewLedger(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	set := metrics.NewSet()
	k := newCheckpoints(dir, l, set, quietly())
	s, err := folder.Signer("vilvoorde")
	if err != nil {
		t.Fatal(err)
	}
	ahead := c
	ahead.Size += 3
	signed, err := checkpoint.Sign(s, ahead)
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "checkpoint/vilvoorde/checkpoint"), signed)
	k.keep()
	k.keep()
	if k.refused.Get() != 1 {
		t.Errorf("refused %d times, want once", k.refused.Get())
	}
	if b, _, err := folder.Newest("vilvoorde"); err != nil || !bytes.Equal(b, signed) || bytes.Equal(b, points[len(points)-1]) {
		t.Errorf("%q, %v", b, err)
	}
}
