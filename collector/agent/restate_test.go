package agent

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/collector/internal/carbon"
	"github.com/gigawatch/gigawatch/collector/internal/spool"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// grid is a source of one gauge that knows better afterwards.
type grid struct {
	mu   sync.Mutex
	list []carbon.Revision
}

func (g *grid) Name() string { return "grid" }

func (g *grid) Read(_ context.Context, _ time.Time, dst []metric.Raw) (*metric.Layout, []metric.Raw, error) {
	return gridLayout, append(dst, metric.Of(300)), nil
}

var gridLayout = &metric.Layout{
	Entities: []metric.Entity{{Kind: metric.Zone, Name: "BE", Parent: -1, Labels: []metric.Pair{{Name: "provider", Value: "entsoe"}, {Name: "tier", Value: "2"}}}},
	Columns:  []metric.Column{{Metric: metric.GridCarbonIntensity, Form: metric.Float, Count: 1}},
}

func (g *grid) Revisions(after uint64, most int) (list []carbon.Revision) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, r := range g.list {
		if r.Sequence > after && len(list) < most {
			list = append(list, r)
		}
	}
	return list
}

// knows adds a revision of some quarters, from one on that is so many before now.
func (g *grid) knows(q carbon.Quantity, before, quarters int, value float64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	from := time.Now().UTC().Truncate(metric.Quarter).Add(-time.Duration(before) * metric.Quarter)
	g.list = append(g.list, carbon.Revision{
		Sequence: uint64(100 + len(g.list)), At: time.Now().UTC().Truncate(time.Millisecond), Quantity: q,
		From: from, To: from.Add(time.Duration(quarters) * metric.Quarter),
		Word: carbon.Word{Value: value, Provider: "entsoe", Basis: carbon.Consumed, Tier: 1, Set: "lc"},
		Was:  &carbon.Word{Value: 1, Provider: "ember", Basis: carbon.Yearly, Tier: 5},
	})
}

// told are the words of records that restate: record, kind, provider, tier, hour
// and value of each quarter.
func told(list []heard) (out []string) {
	for _, h := range list {
		if h.Flags&metric.Restated == 0 {
			continue
		}
		width := h.Layout.Width()
		for i := range h.Ticks {
			at := 0
			for _, c := range h.Layout.Columns {
				e := &h.Layout.Entities[c.First]
				if v := h.Values[i*width+at]; v != metric.Missing {
					out = append(out, fmt.Sprintf("%d: %s %d/%d %s tier %s: %s %g", h.Sequence, e.Name, c.Metric, c.Point, e.Label("provider"), e.Label("tier"), h.TickTime(i).UTC().Format("02T15:04"), v.Float()))
				}
				at += c.Count
			}
		}
	}
	return out
}

func numbers(list []heard) (out []string) {
	for _, h := range list {
		mark := ""
		if h.Flags&metric.Restated != 0 {
			mark = "r"
		}
		out = append(out, fmt.Sprintf("%d%s", h.Sequence, mark))
	}
	return out
}

func gridStage(s *stage) *grid {
	s.config.Grid.Zone = "BE"
	return &grid{}
}

func TestWhatIsKnownBetterTravelsAmongTheRecords(t *testing.T) {
	virtual(t, func(t *testing.T, s *stage) {
		s.acks = true
		g := gridStage(s)
		until(0)
		s.start(Scheduled{Source: g})
		until(15)
		s.take(metric.Ledger)
		g.knows(carbon.Lifecycle, 4, 2, 250)
		g.knows(carbon.Lifecycle, 2, 1, 260)
		g.knows(carbon.Price, 4, 1, -7)
		until(45)
		list := s.take(metric.Ledger)
		r := list[0]
		if r.Flags != metric.Gap|metric.Restated || r.Skipped != 1 || r.Interval != 900_000 || len(r.Layout.Entities) != 1 {
			t.Errorf("%+v", r.Batch)
		}
		e := &r.Layout.Entities[0]
		if e.Label(metric.LabelReason) != "consumed instead of yearly of ember" || e.Label(metric.LabelSet) != "lc" {
			t.Errorf("%+v", e)
		}
		n := r.Sequence
		want := []string{
			fmt.Sprintf("%d: BE 500/0 entsoe tier 1: 31T23:00 250", n), fmt.Sprintf("%d: BE 501/0 entsoe tier 1: 31T23:00 -7", n),
			fmt.Sprintf("%d: BE 500/0 entsoe tier 1: 31T23:15 250", n), fmt.Sprintf("%d: BE 500/0 entsoe tier 1: 31T23:30 260", n),
		}
		if d := cmp.Diff(want, told(list)); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff([]string{fmt.Sprintf("%dr", n), fmt.Sprint(n + 1), fmt.Sprint(n + 2), fmt.Sprint(n + 3)}, numbers(list)); d != "" {
			t.Error(d)
		}
	})
}

// What the aggregator has said to be durable is not told in another record after a
// restart; what it has not is, beside the one in the spool.
func TestWhatIsKnownBetterOutlivesTheAgent(t *testing.T) {
	virtual(t, func(t *testing.T, s *stage) {
		s.acks = true
		g := gridStage(s)
		until(0)
		stop := s.start(Scheduled{Source: g})
		seen := map[string][]uint64{} // by value, in which records it was told
		told := func(second int) {
			until(second)
			for _, h := range s.take(metric.Ledger) {
				for _, line := range told([]heard{h}) {
					v := line[strings.LastIndex(line, " ")+1:]
					if !slices.Contains(seen[v], h.Sequence) {
						seen[v] = append(seen[v], h.Sequence)
					}
				}
			}
		}
		until(15)
		g.knows(carbon.Lifecycle, 4, 1, 250)
		told(45)
		stop()
		stop = s.start(Scheduled{Source: g})
		told(75)
		s.set1(func() { s.acks = false })
		g.knows(carbon.Lifecycle, 3, 1, 260)
		told(100)
		if len(seen["250"]) != 1 || len(seen["260"]) != 1 {
			t.Errorf("told in records %v", seen)
		}
		stop()
		s.start(Scheduled{Source: g})
		told(130)
		if len(seen["250"]) != 1 || len(seen["260"]) != 2 {
			t.Errorf("after another restart, told in records %v", seen)
		}
	})
}

// Thinning keeps a record that restates, and the one before it: that may be the
// last of a life, which the record after it ends.
func TestARecordThatRestatesIsSparedWithTheOneBeforeIt(t *testing.T) {
	q := &classes{memoryQueue: memoryQueue{limit: 9}}
	l := newLedgerLane("s", "n1", q, 1, 0)
	if err := l.record(time.Now(), 0, 0, gridLayout, []metric.Raw{metric.Of(300)}); err != nil {
		t.Fatal(err)
	}
	if err := l.restate(time.UnixMilli(0), gridLayout, []metric.Raw{metric.Of(300), metric.Of(310)}); err != nil {
		t.Fatal(err)
	}
	if q.seen[1] != spool.Turn || l.last != 2 {
		t.Errorf("%v, last %d", q.seen, l.last)
	}
}

// One revision may span weeks.
func TestALongRevisionTakesSeveralRecords(t *testing.T) {
	virtual(t, func(t *testing.T, s *stage) {
		s.acks = true
		g := gridStage(s)
		until(0)
		s.start(Scheduled{Source: g})
		until(15)
		s.take(metric.Ledger)
		g.knows(carbon.Direct, 1000, 1000, 12)
		until(50)
		list := s.take(metric.Ledger)
		lines := told(list)
		if len(lines) != 1000 || !strings.Contains(lines[0], "500/1") {
			t.Errorf("%d quarters are told: %v", len(lines), lines[:min(3, len(lines))])
		}
		records := 0
		for _, h := range list {
			if h.Flags&metric.Restated != 0 {
				records++
			}
		}
		if records != 3 {
			t.Errorf("in %d records", records)
		}
	})
}

// While nobody listens, what is told is bounded; then all of it comes.
func TestWhatIsKnownBetterWaitsForTheAggregator(t *testing.T) {
	virtual(t, func(t *testing.T, s *stage) {
		g := gridStage(s)
		until(0)
		s.start(Scheduled{Source: g})
		until(15)
		s.cut(true)
		for i := range 100 {
			g.knows(carbon.Lifecycle, 200-i, 1, float64(i))
			time.Sleep(10 * time.Millisecond) // each is found at a time of its own
		}
		until(600)
		if n := s.counter(metricRestated); n != inFlight {
			t.Errorf("%d records wait, want %d", n, inFlight)
		}
		s.set1(func() { s.acks, s.next = true, 1 })
		s.cut(false)
		until(1800)
		seen := map[string]bool{}
		for _, line := range told(s.take(metric.Ledger)) {
			_, line, _ = strings.Cut(line, ": ")
			seen[line] = true
		}
		if len(seen) != 100 {
			t.Errorf("%d quarters are told, want 100", len(seen))
		}
	})
}

// An aggregator that goes on from an older state has lost what was restated.
func TestAnAggregatorThatLostRecordsIsToldAgain(t *testing.T) {
	virtual(t, func(t *testing.T, s *stage) {
		s.acks = true
		g := gridStage(s)
		until(0)
		s.start(Scheduled{Source: g})
		until(15)
		g.knows(carbon.Lifecycle, 4, 1, 250)
		until(45)
		list := s.take(metric.Ledger)
		last := list[len(list)-1]
		s.set1(func() { s.acks = false })
		s.tell(last.Incarnation, 1)
		until(70)
		if again := told(s.take(metric.Ledger)); len(again) == 0 || !strings.HasSuffix(again[0], " 250") {
			t.Errorf("told again: %v", again)
		}
	})
}

// When words were found is told in the order of their sequence, even by a clock
// that was set back; and what another zone's cursor says is not believed.
func TestALaterWordWasFoundLater(t *testing.T) {
	dir := t.TempDir()
	c := &Config{Spool: SpoolConfig{Dir: dir}, Grid: GridConfig{Zone: "BE"}}
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	g := &grid{}
	for i, when := range []time.Time{at, at.Add(-time.Hour), at.Add(-time.Hour), at.Add(-time.Minute), at.Add(time.Minute)} {
		g.list = append(g.list, carbon.Revision{Sequence: uint64(i + 1), At: when, From: at.Add(-time.Hour), To: at, Word: carbon.Word{Value: float64(i), Provider: "entsoe", Basis: carbon.Consumed, Tier: 1}})
	}
	r := newRestater(g, c, slog.New(slog.NewTextHandler(t.Output(), nil)))
	var found []string
	for range 10 {
		l, _, _, upTo := r.next(false)
		if l == nil {
			break
		}
		found = append(found, fmt.Sprintf("%d %s %s", upTo.Revision, l.Entities[0].Label(metric.LabelFound)[11:], l.Entities[0].Label(metric.LabelReason)))
		r.sent = upTo
	}
	want := []string{
		"1 12:00:00.000Z consumed where nothing was known", "3 12:00:00.001Z consumed where nothing was known",
		"4 12:00:00.002Z consumed where nothing was known", "5 12:01:00.000Z consumed where nothing was known",
	}
	if d := cmp.Diff(want, found); d != "" {
		t.Error(d)
	}
	path := filepath.Join(dir, "state", "restated.json")
	for text, revision := range map[string]uint64{
		`{"zone":"BE","revision":4,"record":9}`: 4, `{"zone":"FR","revision":4,"record":9}`: 0, `{"zone":"BE","rev`: 0, "": 0,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if r := newRestater(g, c, slog.New(slog.NewTextHandler(t.Output(), nil))); r.cursor.Revision != revision || r.cursor.Zone != "BE" {
			t.Errorf("%q: %+v", text, r.cursor)
		}
	}
}
