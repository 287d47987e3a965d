package ledger

import (
	"fmt"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A host is cut off for four hours: its hours are sealed without it when the
// grace ends, and restated when its spool arrives. No figure is edited.
func TestLateRecordsRestateAndNeverEdit(t *testing.T) {
	w := newWorld(8, 2, 1)
	b := openBooks(t, w, newMemory(w.rng))
	lone := w.hosts[1]
	step := func() {
		w.spend(10 * second)
		for _, h := range w.hosts {
			w.record(h)
			for _, x := range h.spool {
				if h.cut == 0 {
					w.publish(x)
				}
			}
		}
		for b.read(w) {
		}
		if _, err := b.Commit(time.UnixMilli(w.now)); err != nil {
			t.Fatal(err)
		}
		for _, h := range w.hosts {
			if d, ok := b.Durable("s1", h.name); ok && h.cut == 0 {
				h.acknowledge(d.Sequence)
			}
		}
	}
	for range 30 {
		step()
	}
	lone.cut = 1
	for range 6 * 60 * 5 {
		step()
	}
	hour := (start+600*second)/hourMs + 1 // well inside the cut
	q := account.Question{Site: "s1", By: account.ByHost, Boundary: metric.GPUs, From: hour * hourMs, To: (hour + 1) * hourMs}
	ask := func() []account.Line {
		lines, err := b.Energy(q)
		if err != nil {
			t.Fatal(err)
		}
		return lines
	}
	first := ask()
	if len(first) != 2 || !first[0].Final || first[1].CoveredMillis != 0 || first[1].ExpectedMillis != hourMs || !first[1].Energy.IsZero() {
		t.Fatalf("sealed without it: %+v", first)
	}
	sum, err := check(b.disk)
	if err != nil || sum.Restatements != 0 {
		t.Fatalf("%v, %v", sum, err)
	}
	name := hourFile("s1", hour, 0)
	file, _ := b.disk.ReadFile(name)

	lone.cut = 0
	step()
	pending := ask()
	if pending[1].Final || pending[1].CoveredMillis != hourMs {
		t.Errorf("with its spool: %+v", pending[1])
	}
	for range 6 * 20 {
		step()
	}
	last := ask()
	if fmt.Sprint(last[0].Energy, last[1].Energy, last[1].CoveredMillis) != fmt.Sprint(pending[0].Energy, pending[1].Energy, pending[1].CoveredMillis) || !last[1].Final {
		t.Errorf("restated: %+v, before %+v", last, pending)
	}
	if mj, _ := last[1].Energy.Total(); mj != lone.boards[0].perSecond*3600 {
		t.Errorf("it drew %d mJ in that hour, want %d", mj, lone.boards[0].perSecond*3600)
	}
	if again, _ := b.disk.ReadFile(name); string(again) != string(file) {
		t.Error("the sealed file was edited")
	}
	if sum, err = check(b.disk); err != nil || sum.Restatements < 4 {
		t.Errorf("%v, %v", sum, err)
	}
	w.verify(t, b, true)
	// A new process answers the same from the files.
	b = openBooks(t, w, b.disk)
	if again := ask(); fmt.Sprint(again) != fmt.Sprint(last) {
		t.Errorf("after a restart: %+v, before %+v", again, last)
	}
}

// Gaps in what is sealed do not come from silence: hours of nothing are sealed
// too, after the grace, and an aggregator that was away waits for its agents.
func TestSilenceIsSealedAndAbsenceIsNot(t *testing.T) {
	w := newWorld(9, 1, 1)
	b := openBooks(t, w, newMemory(w.rng))
	for range 120 {
		tick(t, w, b)
	}
	w.spend(9 * hourMs) // everything is off; only time passes
	for range 61 {
		w.spend(60 * second)
		if _, err := b.Commit(time.UnixMilli(w.now)); err != nil {
			t.Fatal(err)
		}
	}
	if sum, err := check(b.disk); err != nil || sum.Hours != 9 {
		t.Fatalf("%v, %v; want 9 hours", sum, err)
	}
	b = openBooks(t, w, b.disk)
	w.spend(5 * hourMs) // the aggregator was off
	if _, err := b.Commit(time.UnixMilli(w.now)); err != nil {
		t.Fatal(err)
	}
	if sum, err := check(b.disk); err != nil || sum.Hours != 9 {
		t.Errorf("%v, %v; nothing more may be sealed before its agents had their time", sum, err)
	}
	for range 120 {
		tick(t, w, b)
	}
	if sum, err := check(b.disk); err != nil || sum.Hours < 14 {
		t.Errorf("%v, %v", sum, err)
	}
	w.verify(t, b, true)
}

// The newest state is lost just after it sealed hours without a host, and the
// host's records come before the older state gets as far: what the log holds and
// what is booked are set against each other, and the difference is a restatement.
func TestOlderStateComesToAnotherEndThanTheLog(t *testing.T) {
	w := newWorld(12, 2, 1)
	d := newMemory(w.rng)
	b := openBooks(t, w, d)
	lone := w.hosts[1]
	step := func() {
		w.spend(10 * second)
		for _, h := range w.hosts {
			w.record(h)
			for _, x := range h.spool {
				if h.cut == 0 {
					w.publish(x)
				}
			}
		}
		for b.read(w) {
		}
		if _, err := b.Commit(time.UnixMilli(w.now)); err != nil {
			t.Fatal(err)
		}
		for _, h := range w.hosts {
			if d, ok := b.Durable("s1", h.name); ok && h.cut == 0 {
				h.acknowledge(d.Sequence)
			}
		}
	}
	for range 30 {
		step()
	}
	lone.cut = 1
	for len(b.logs) == 0 || len(b.logs["s1"].leaves) == 0 {
		step()
	}
	was := len(b.logs["s1"].leaves)
	name := ledgerDir + "/" + slotName(b.slot)
	d.files[name].data[40] ^= 1
	b = openBooks(t, w, d)
	if len(b.logs["s1"].pending) != was {
		t.Fatalf("%d leaves are unknown to the older state, want %d", len(b.logs["s1"].pending), was)
	}
	lone.cut = 0
	for range 6 * 60 {
		step()
		if _, err := check(d); err != nil {
			t.Fatal(err)
		}
	}
	w.verify(t, b, true)
	sum, err := check(d)
	if err != nil || sum.Restatements == 0 {
		t.Errorf("%v, %v; want a restatement", sum, err)
	}
	hour := start / hourMs
	lines, err := b.Energy(account.Question{Site: "s1", By: account.ByHost, Boundary: metric.GPUs, From: hour * hourMs, To: (hour + 1) * hourMs})
	if err != nil || len(lines) != 2 || !lines[1].Final || lines[1].CoveredMillis != lines[1].ExpectedMillis {
		t.Errorf("%+v, %v", lines, err)
	}
}
