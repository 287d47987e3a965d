package agent

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// jobs is a source of who holds how much of GPU a, in parts of a million.
type jobs struct {
	mu     sync.Mutex
	held   map[string]int64
	each   func(now time.Time) map[string]int64 // nil: held
	fail   bool
	layout *metric.Layout
	names  []string // of layout
}

func (j *jobs) Name() string { return "jobs" }

func (j *jobs) set(held map[string]int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.held = held
}

func (j *jobs) Read(_ context.Context, now time.Time, dst []metric.Raw) (*metric.Layout, []metric.Raw, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.fail {
		return nil, dst, errors.New("no answer")
	}
	held := j.held
	if j.each != nil {
		held = j.each(now)
	}
	names := slices.Sorted(maps.Keys(held))
	if j.layout == nil || !slices.Equal(names, j.names) {
		l := &metric.Layout{Entities: metric.Place{Hall: "h01", Rack: "r0001", Host: "n1"}.Entities()}
		l.Entities = append(l.Entities, metric.Entity{Kind: metric.GPU, Name: "a", Parent: 2})
		for _, name := range names {
			l.Entities = append(l.Entities, metric.Entity{Kind: metric.Job, Name: name, Parent: 3})
		}
		if len(names) > 0 {
			l.Columns = []metric.Column{{Metric: metric.JobGPUShare, Form: metric.Int, First: 4, Count: len(names)}}
		}
		j.layout, j.names = l, names
	}
	for _, name := range names {
		dst = append(dst, metric.Raw(held[name]))
	}
	return j.layout, dst, nil
}

// shares is what a record says of who holds how much of GPU a.
func (h heard) shares() map[string]int64 {
	m := map[string]int64{}
	for _, e := range h.Layout.Entities {
		if v, ok := h.value(metric.JobGPUShare, e.Name); ok {
			m[e.Name] = int64(v)
		}
	}
	return m
}

// says is a record, shortened.
type says struct {
	Second int
	Shares map[string]int64
}

func story(list []heard) (out []says) {
	for _, h := range list {
		out = append(out, says{h.second(), h.shares()})
	}
	return out
}

const missing = int64(metric.Missing)

func TestALedgerRecordIsTakenWhereAnAllocationChanges(t *testing.T) {
	virtual(t, func(t *testing.T, s *stage) {
		s.acks = true
		j := &jobs{}
		s.start(Scheduled{Source: &fake{name: "gpu", gpus: []string{"a"}}}, Scheduled{Source: j})
		until(25)
		j.set(map[string]int64{"j1": 1_000_000}) // comes
		until(35)
		j.set(map[string]int64{"j1": 500_000}) // gives half back
		until(36)
		j.set(map[string]int64{"j1": 500_000, "j2": 500_000}) // which another takes
		until(41)
		j.set(map[string]int64{"j2": 500_000}) // ends, at the tick of a regular record
		until(47)
		j.set(nil)
		until(53)
		list := s.take(metric.Ledger)
		if at := int(phase("n1", 10*time.Second, time.Second) / time.Second); at != 2 {
			t.Fatalf("the phase of this name is %d", at)
		}
		none := map[string]int64{}
		want := []says{
			{2, none}, {12, none}, {22, none},
			{26, map[string]int64{"j1": 1_000_000}}, {32, map[string]int64{"j1": 1_000_000}},
			{36, map[string]int64{"j1": 500_000}}, {37, map[string]int64{"j1": 500_000, "j2": 500_000}},
			{42, map[string]int64{"j2": 500_000}},
			{48, none}, {52, none},
		}
		if d := cmp.Diff(want, story(list)); d != "" {
			t.Error(d)
		}
		for _, h := range list { // the counters are those of that very tick
			if v, _ := h.value(metric.GPUEnergyJoules, "a"); int64(v) != h.Time/1000 {
				t.Errorf("the record of second %d has the counter of %d", h.second(), int64(v)%3600)
			}
		}
		if d := cmp.Diff(upTo(1, uint64(len(list))), sequences(list)); d != "" {
			t.Error(d)
		}
		if n := s.counter(metricPutOff); n != 0 {
			t.Errorf("%d were put off", n)
		}
	})
}

func TestALedgerRecordIsTakenWhereAGPUAppears(t *testing.T) {
	virtual(t, func(t *testing.T, s *stage) {
		s.acks = true
		f := &fake{name: "gpu", gpus: []string{"a"}}
		s.start(Scheduled{Source: f})
		until(14)
		f.with(func() { f.gpus, f.layout = []string{"a", "b"}, nil })
		until(17)
		f.with(func() { f.gpus, f.layout = []string{"b"}, nil })
		until(19)
		f.with(func() { f.layout = nil }) // made anew, and says the same
		until(25)
		var got []int
		for _, h := range s.take(metric.Ledger) {
			got = append(got, h.second())
		}
		if d := cmp.Diff([]int{2, 12, 15, 18, 22}, got); d != "" {
			t.Error(d)
		}
	})
}

func TestAShareThatIsNotReadIsNotGivenBack(t *testing.T) {
	virtual(t, func(t *testing.T, s *stage) {
		s.acks = true
		j := &jobs{held: map[string]int64{"j1": 1_000_000}}
		fail := func(yes bool) {
			j.mu.Lock()
			j.fail = yes
			j.mu.Unlock()
		}
		s.start(Scheduled{Source: &fake{name: "gpu", gpus: []string{"a"}}}, Scheduled{Source: j})
		until(15)
		fail(true)
		until(17)
		fail(false)
		until(30)
		fail(true) // over a regular record, too
		until(33)
		fail(false)
		until(44)
		held, unread := map[string]int64{"j1": 1_000_000}, map[string]int64{"j1": missing}
		want := []says{{2, held}, {12, held}, {22, held}, {32, unread}, {34, held}, {42, held}}
		if d := cmp.Diff(want, story(s.take(metric.Ledger))); d != "" {
			t.Error(d)
		}
	})
}

func TestAllocationsThatFlapWaitForTheRegularRecords(t *testing.T) {
	for name, interval := range map[string]time.Duration{"every second": time.Second, "ten times a second": 100 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T, s *stage) {
				s.acks = true
				s.config.Interval = interval
				ticks := int64(0)
				j := &jobs{each: func(now time.Time) map[string]int64 {
					if ticks++; ticks%3 == 0 {
						return map[string]int64{"j1": 1_000_000 - now.Unix()%7}
					}
					return nil
				}}
				s.start(Scheduled{Source: &fake{name: "gpu", gpus: []string{"a"}}}, Scheduled{Source: j})
				until(599)
				list := s.take(metric.Ledger)
				regular, extra := 0, []heard{}
				at := phase("n1", 10*time.Second, interval).Milliseconds()
				for _, h := range list {
					if h.Time%10_000 == at {
						regular++
					} else {
						extra = append(extra, h)
					}
				}
				if regular < 59 || regular > 60 {
					t.Errorf("%d regular records in ten minutes", regular)
				}
				if n := len(extra); n < 9*extraMinute || n > 10*extraMinute {
					t.Errorf("%d records between them, want %d a minute", n, extraMinute)
				}
				for i := 1; i < len(extra); i++ {
					if apart := extra[i].Time - extra[i-1].Time; apart < 1000 {
						t.Errorf("two are %d ms apart, at second %d", apart, extra[i].second())
					}
				}
				if n := s.counter(metricPutOff); n < 30 {
					t.Errorf("%d counted as put off", n)
				}
				if d := cmp.Diff(upTo(1, uint64(len(list))), sequences(list)); d != "" {
					t.Error(d)
				}
			})
		})
	}
}
