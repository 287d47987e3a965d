package ledger

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A view answers as the ledger does whose folder it is, while that has it open, and
// a byte that was changed anywhere is found and its hour named.
func TestALedgerIsViewedProvedAndHeldAgainstItsLog(t *testing.T) {
	dir := t.TempDir()
	lock, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	d, err := openFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.root.Close()
	from := start + 10*60*second
	p := newPlant(t, d, from, 10*60*second, "grid_input", "ups_output", "water_total")
	p.run(5*time.Hour, map[string]uint64{"grid_input": 120, "ups_output": 100, "water_total": 3})
	p.settle()

	v, err := View(dir, config())
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	k, err := v.KPI("s1", "pue", from, from+5*hourMs)
	if err != nil || k.Value == nil || *k.Value != 1.2 {
		t.Errorf("PUE is %+v, %v", k, err)
	}
	var grid, hours uint64
	err = v.Branches("s1", from, from+5*hourMs, func(h *account.HourBranches) bool {
		hours++
		bs := h.Branches
		if !h.Sealed || len(bs) != 3 || bs[0].Quantity != account.GridInput || bs[1].Meter != "ups_output" {
			t.Errorf("sealed %t, branches %+v", h.Sealed, bs)
		}
		for _, q := range bs[0].Quarters {
			if !q.Full {
				t.Errorf("a quarter is not known: %+v", q)
			}
			grid += q.Amount[metric.Measured]
		}
		return true
	})
	if err != nil || hours != 5 || grid != 600*uint64(metric.MillijoulesPerKWh) {
		t.Errorf("%d mJ in %d hours, %v", grid, hours, err)
	}

	h, err := v.Head("s1")
	if err != nil || h.Leaves < 5 {
		t.Fatalf("head %+v, %v", h, err)
	}
	ps, err := v.Prove(h, from/hourMs+2)
	if err != nil || len(ps) != 1 {
		t.Fatalf("%d proofs, %v", len(ps), err)
	}
	var rp tlog.RecordProof
	for _, x := range ps[0].Hashes {
		b, err := base64.StdEncoding.DecodeString(x)
		if err != nil {
			t.Fatal(err)
		}
		rp = append(rp, tlog.Hash(b))
	}
	root, err := v.logs["s1"].root(h.Leaves)
	if err != nil {
		t.Fatal(err)
	}
	if err := tlog.CheckRecord(rp, h.Leaves, root, ps[0].Leaf, tlog.RecordHash([]byte(ps[0].Line))); err != nil {
		t.Error(err)
	}
	if n, err := v.Verify("s1", from, from+5*hourMs); err != nil || n != 5 {
		t.Errorf("%d files, %v", n, err)
	}
	if err := v.Extends(Head{"s1", 2, h.Root}); err == nil {
		t.Error("a log that began otherwise is taken")
	}
	p.run(2*time.Hour, map[string]uint64{"grid_input": 120})
	p.settle()
	later, err := View(dir, config())
	if err != nil {
		t.Fatal(err)
	}
	defer later.Close()
	if err := later.Extends(h); err != nil {
		t.Error(err)
	}
	later.changed = true
	if _, err := later.Commit(time.UnixMilli(p.now)); err == nil {
		t.Error("a view is written to")
	}

	name := filepath.Join(dir, filepath.FromSlash(hourFile("s1", from/hourMs+3, 0)))
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-1] ^= 1
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	want := hourName(from/hourMs + 3)
	if _, err := later.Verify("s1", from, from+5*hourMs); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("a changed byte is %v, want the name of %s", err, want)
	}
}
