package ledger

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestTodayBeginsAtMidnightOrWithTheSite(t *testing.T) {
	w := newWorld(1, 1, 1)
	w.now += 20 * second // 11:50:20
	b := openBooks(t, w, newMemory(rand.New(rand.NewPCG(1, 1))))
	for range 12 {
		w.record(w.hosts[0])
		w.publish(w.hosts[0].spool[0])
		w.hosts[0].spool = nil
		b.read(w)
		w.spend(10 * second)
	}
	const layout = "2006-01-02T15:04:05"
	for name, tc := range map[string]struct{ site, now, from, to string }{
		"the site's first day":         {"s1", "2026-11-22T14:03:20", "2026-11-22T11:51:00", "2026-11-22T14:04:00"},
		"its first minute":             {"s1", "2026-11-22T11:50:40", "2026-11-22T11:51:00", "2026-11-22T11:52:00"},
		"its second minute":            {"s1", "2026-11-22T11:51:00", "2026-11-22T11:51:00", "2026-11-22T11:52:00"},
		"the next day":                 {"s1", "2026-11-23T09:00:00", "2026-11-23T00:00:00", "2026-11-23T09:01:00"},
		"midnight":                     {"s1", "2026-11-23T00:00:00", "2026-11-23T00:00:00", "2026-11-23T00:01:00"},
		"a site that never was":        {"s2", "2026-11-22T14:03:20", "2026-11-22T00:00:00", "2026-11-22T14:04:00"},
		"a clock from before the site": {"s1", "2026-11-21T14:03:20", "2026-11-22T11:51:00", "2026-11-22T11:52:00"},
	} {
		now, err := time.Parse(layout, tc.now)
		if err != nil {
			t.Fatal(err)
		}
		from, to := b.Today(tc.site, now.In(time.FixedZone("far east", 9*3600)))
		if got := time.UnixMilli(from).UTC().Format(layout); got != tc.from {
			t.Errorf("%s: from %s, want %s", name, got, tc.from)
		}
		if got := time.UnixMilli(to).UTC().Format(layout); got != tc.to {
			t.Errorf("%s: to %s, want %s", name, got, tc.to)
		}
	}
}
