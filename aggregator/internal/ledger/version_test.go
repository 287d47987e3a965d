package ledger

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// old is the disk of a program of another version: hours, restatements, a log and
// a state with an hour open. That of version 1 knew no jobs, that of 2 no quarters
// of meters.
func old(t testing.TB, version string) *memory {
	d := newMemory(nil)
	dir := "testdata/" + version
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		d.files[filepath.ToSlash(name)] = &inode{b, b}
		d.stored[filepath.ToSlash(name)] = d.files[filepath.ToSlash(name)]
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The books of the version before are read, checked and gone on with: what is
// sealed stays as it is, of no record of jobs.
func TestBooksOfTheVersionBeforeGoOn(t *testing.T) {
	d := old(t, "v1")
	before, err := check(d)
	if err != nil || before.Hours == 0 || before.Restatements == 0 {
		t.Fatalf("%v, %v", before, err)
	}
	w := newWorld(21, 2, 2)
	d.rng = w.rng
	l, err := open(config(), d)
	if err != nil {
		t.Fatal(err)
	}
	b := &books{l, d, 0}
	w.now = l.state.Latest("s1") // the hosts go on where they were, as new lives of their agents
	first, end := l.span("s1")
	all := account.Question{Site: "s1", Boundary: metric.GPUs, From: first * hourMs, To: (end + 9) * hourMs}
	ask := func(by account.Level) []account.Line {
		t.Helper()
		q := all
		q.By = by
		lines, err := b.Energy(q)
		if err != nil {
			t.Fatal(err)
		}
		return lines
	}
	lines := ask(account.ByJob)
	if len(lines) != 1 || lines[0].Reason != "no record of jobs is connected" || lines[0].Recorded != 0 || lines[0].Drawn != total(t, ask(account.BySite)[0].Energy) {
		t.Errorf("by job: %+v", lines)
	}
	sealed := map[string]string{}
	for name, f := range d.files {
		if strings.HasSuffix(name, ".hour") {
			sealed[name] = string(f.data)
		}
	}
	for _, h := range w.hosts {
		h.life, h.next, h.fresh = 9, 0, true
		for _, g := range h.boards {
			g.epoch = 99
		}
	}
	for range 6 * 100 {
		tick(t, w, b)
	}
	after, err := check(d)
	if err != nil || after.Hours <= before.Hours {
		t.Errorf("%v, %v", after, err)
	}
	for name, was := range sealed {
		if string(d.files[name].data) != was {
			t.Errorf("%s was changed", name)
		}
	}
	t.Log(`soak: {"row":25,"injected":1}`)
	lines = ask(account.ByJob)
	if len(lines) < 3 || !strings.Contains(lines[0].Reason, "on 2 hosts") || lines[0].Recorded == 0 || lines[0].Recorded >= lines[0].Drawn {
		t.Errorf("by job: %+v", lines)
	}
	if b = openBooks(t, w, d); fmt.Sprint(ask(account.ByJob)) != fmt.Sprint(lines) {
		t.Error("read again it is not the same")
	}
	leaves, _ := d.ReadFile(logDir("s1") + "/leaves")
	if n := strings.Count(string(leaves), "energy/v1"); n != before.Hours+before.Restatements || strings.Count(string(leaves), "energy/v2") == 0 {
		t.Errorf("the log:\n%s", leaves)
	}
	if _, err := b.Commit(time.UnixMilli(w.now)); err != nil {
		t.Error(err)
	}
}

// Those of version 2 as well: their minutes stand, and whose words they heard of
// the grid is not told.
func TestBooksOfVersion2GoOn(t *testing.T) {
	d := old(t, "v2")
	before, err := check(d)
	if err != nil || before.Hours == 0 || before.Restatements == 0 {
		t.Fatalf("%v, %v", before, err)
	}
	w := newWorld(21, 2, 2)
	d.rng = w.rng
	l, err := open(config(), d)
	if err != nil {
		t.Fatal(err)
	}
	b := &books{l, d, 0}
	hour := start / hourMs
	figures := func() []account.KPI {
		t.Helper()
		ks, err := b.KPIs("s1", account.KPIQuestion{Names: []string{"pue", "carbon_location"}, From: (hour + 1) * hourMs, To: (hour + 4) * hourMs})
		if err != nil {
			t.Fatal(err)
		}
		return ks
	}
	was := figures()
	if k := was[0]; k.Value == nil || *k.Value < 1.1999 || *k.Value > 1.2001 || k.Coverage != 1 || k.Quality[metric.Measured] != 1 {
		t.Errorf("PUE: %+v", k)
	}
	if k := was[1]; k.Value == nil || len(k.Grid) != 1 || k.Grid[0].Provider != "" || k.Grid[0].Share != 1 {
		t.Errorf("carbon: %+v", k)
	}
	// A program of before counted backups in, and they cannot be told apart now.
	if _, err := l.SetTerms("s1", account.Terms{Meters: []account.Meter{
		{Name: "grid_input", Quantity: account.GridInput}, {Name: "spare", Quantity: account.GridInput, Backup: "grid_input"},
	}}); err != nil {
		t.Fatal(err)
	}
	if k := figures()[0]; k.Value != nil {
		t.Errorf("PUE where a backup may be in: %+v", k)
	}
	if _, err := l.SetTerms("s1", account.Terms{Meters: []account.Meter{{Name: "grid_input", Quantity: account.GridInput}}}); err != nil {
		t.Fatal(err)
	}
	if k := figures()[0]; k.Value == nil || *k.Value != *was[0].Value || k.Terms == "" {
		t.Errorf("PUE by the same meters: %+v", k)
	}
	w.now = l.state.Latest("s1")
	for _, h := range w.hosts {
		h.life, h.next, h.fresh = 9, 0, true
		for _, g := range h.boards {
			g.epoch = 99
		}
	}
	for range 6 * 180 {
		tick(t, w, b)
	}
	after, err := check(d)
	if err != nil || after.Hours <= before.Hours {
		t.Errorf("%v, %v", after, err)
	}
	t.Log(`soak: {"row":25,"injected":1}`)
	if again := figures(); *again[1].Value != *was[1].Value {
		t.Errorf("carbon was %v, and is %v", *was[1].Value, *again[1].Value)
	}
}
