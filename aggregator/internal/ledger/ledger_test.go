package ledger

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

func TestADayOfHoursIsSealedAndAnswered(t *testing.T) {
	w := newWorld(1, 3, 2)
	d := newMemory(rand.New(rand.NewPCG(1, 1)))
	b := openBooks(t, w, d)
	for range 6 * 60 * 3 {
		for _, h := range w.hosts {
			w.record(h)
			for _, x := range h.spool {
				w.publish(x)
			}
			h.spool = nil
		}
		for b.read(w) {
		}
		if _, err := b.Commit(time.UnixMilli(w.now)); err != nil {
			t.Fatal(err)
		}
		w.spend(10 * second)
	}
	w.verify(t, b, true)
	sum, err := check(d)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(sum)
	if sum.Hours != 3 || sum.Restatements != 0 {
		t.Errorf("%d hours and %d restatements, want 3 and none", sum.Hours, sum.Restatements)
	}
	first := (start - start%3_600_000)
	for _, by := range []account.Level{account.BySite, account.ByHall, account.ByRack, account.ByHost, account.ByGPU} {
		lines, err := b.Energy(account.Question{Site: "s1", By: by, Boundary: metric.GPUs, From: first, To: first + 4*3_600_000})
		if err != nil {
			t.Fatal(err)
		}
		var total uint64
		for _, l := range lines {
			mj, _ := l.Energy.Total()
			total += mj
			if l.CoveredMillis != l.ExpectedMillis {
				t.Errorf("%v: %+v", by, l)
			}
		}
		life, _, _ := b.Life("s1", metric.GPUs)
		if total != life.Lo {
			t.Errorf("by %v: %d mJ, booked %d", by, total, life.Lo)
		}
	}
}
