package account_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// word is a zone as a restating batch names it.
func word(provider, tier, found string) metric.Entity {
	return metric.Entity{Kind: metric.Zone, Name: "DE-LU", Parent: -1, Labels: []metric.Pair{
		{Name: metric.LabelFound, Value: found}, {Name: metric.LabelProvider, Value: provider}, {Name: metric.LabelReason, Value: "better"},
		{Name: metric.LabelSet, Value: "lc"}, {Name: metric.LabelTier, Value: tier},
	}}
}

// restating is a batch of ticks from noon on, tick after tick.
func restating(e *emitter, l *metric.Layout, values ...float64) *metric.Batch {
	b := e.batch(noon)
	b.Flags |= metric.Gap | metric.Restated
	b.Skipped, b.Layout, b.Time, b.Boottime, b.Interval = 1, l, noon, 0, metric.Quarter.Milliseconds()
	b.Ticks = len(values) / l.Width()
	for _, v := range values {
		b.Values = append(b.Values, metric.Of(v))
	}
	return b
}

// nan is what is not restated.
var nan = metric.Missing.Float()

func TestRestatementsAreReadAsRevisions(t *testing.T) {
	const found = "2026-11-22T16:00:00.123Z"
	at := time.Date(2026, 11, 22, 16, 0, 0, 123e6, time.UTC).UnixMilli()
	quarter := func(n int64, v float64, quarters int64) account.Interval {
		return account.Interval{From: noon + n*900*second, To: noon + (n+quarters)*900*second, Value: v, Fetched: at}
	}
	e := newEmitter(t, account.NewState(account.Config{}), "grid", &metric.Layout{})
	l := &metric.Layout{
		Entities: []metric.Entity{word("entsoe", "1", found), word("energycharts", "2", found), {Kind: metric.Host, Name: "n1", Parent: -1}},
		Columns: []metric.Column{
			{Metric: metric.GridCarbonIntensity, Form: metric.Float, Point: 0, First: 0, Count: 2},
			{Metric: metric.GridPrice, Form: metric.Float, First: 0, Count: 1},
			{Metric: metric.GridCarbonIntensity, Form: metric.Float, Point: 7, First: 0, Count: 1},
			{Metric: metric.HostPowerWatts, Form: metric.Float, First: 2, Count: 1},
		},
	}
	got, err := account.Restatement(restating(e, l,
		300, nan, -5, 1, 1,
		300, nan, nan, 1, 1,
		310, 77, nan, 1, 1))
	if err != nil {
		t.Fatal(err)
	}
	want := []account.Revision{
		{Kind: account.Lifecycle, Zone: "DE-LU", Provider: "entsoe", Tier: "1", Set: "lc", Reason: "better", Intervals: []account.Interval{quarter(0, 300, 2), quarter(2, 310, 1)}},
		{Kind: account.Lifecycle, Zone: "DE-LU", Provider: "energycharts", Tier: "2", Set: "lc", Reason: "better", Intervals: []account.Interval{quarter(2, 77, 1)}},
		{Kind: account.Price, Zone: "DE-LU", Provider: "entsoe", Tier: "1", Set: "lc", Reason: "better", Intervals: []account.Interval{quarter(0, -5, 1)}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestRestatementsThatCannotBeAreRefused(t *testing.T) {
	const found = "2026-11-22T16:00:00Z"
	e := newEmitter(t, account.NewState(account.Config{}), "grid", &metric.Layout{})
	of := func(w metric.Entity) *metric.Layout {
		return &metric.Layout{Entities: []metric.Entity{w}, Columns: []metric.Column{{Metric: metric.GridCarbonIntensity, Form: metric.Float, Count: 1}}}
	}
	for situation, tc := range map[string]struct {
		spoil func(b *metric.Batch)
		want  string
	}{
		"no layout":         {func(b *metric.Batch) { b.Layout = nil }, "ticks of a quarter"},
		"other ticks":       {func(b *metric.Batch) { b.Interval = 1000 }, "ticks of a quarter"},
		"between quarters":  {func(b *metric.Batch) { b.Time += 1000 }, "ticks of a quarter"},
		"before 1970":       {func(b *metric.Batch) { b.Time = -b.Interval }, "ticks of a quarter"},
		"too few values":    {func(b *metric.Batch) { b.Values = b.Values[1:] }, "0 values for 1 ticks"},
		"a broken layout":   {func(b *metric.Batch) { b.Layout.Columns[0].Count = 2 }, "column 0"},
		"found at no time":  {func(b *metric.Batch) { b.Layout = of(word("entsoe", "1", "soon")) }, "found at no time"},
		"nobody's word":     {func(b *metric.Batch) { b.Layout = of(word("", "1", found)) }, "a provider are needed"},
		"more than can be":  {func(b *metric.Batch) { b.Values[0] = metric.Of(1e9) }, "cannot be"},
		"in a distant past": {func(b *metric.Batch) { b.Layout = of(word("entsoe", "1", "0001-01-01T00:00:00Z")) }, "heard at"},
	} {
		b := restating(e, of(word("entsoe", "1", found)), 300)
		tc.spoil(b)
		if _, err := account.Restatement(b); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %s", situation, err, tc.want)
		}
	}
}

// What is restated is a record among the others: it holds none of their readings,
// moves no clock, and who held what before holds it after. A program of before it
// takes it for a gap, and books nothing of it.
func TestARestatementIsARecordOfNoReadings(t *testing.T) {
	a := claim{0, "a", "", 1e6}
	l := &metric.Layout{Entities: []metric.Entity{word("entsoe", "1", "2026-11-22T16:00:00Z")}, Columns: []metric.Column{{Metric: metric.GridCarbonIntensity, Form: metric.Float, Count: 1}}}
	state := func(every int64, old bool) string {
		s := account.NewState(account.Config{})
		e := newEmitter(t, s, "n1", node("n1", 1, a))
		e.boot = noon - hour
		var alarms []account.AlarmKind
		for i := range int64(361) {
			if every > 0 && i%every == every-1 {
				b := restating(e, l, 300)
				if old {
					b.Flags &^= metric.Restated
				}
				if !s.Takes(b, noon+i*10*second) {
					t.Error("the next record is not taken")
				}
				if o := s.Apply(b, noon+i*10*second); o.Verdict != account.Accepted || len(o.Alarms) > 0 {
					t.Fatalf("%v, %+v", o, o.Alarms)
				}
				if s.Takes(b, noon+i*10*second) {
					t.Error("it is taken twice")
				}
			}
			alarms = append(alarms, kinds(e.send(noon+i*10*second, values([]int64{i * 6}, i*8, a)...))...)
		}
		checkJobs(t, s)
		text := fmt.Sprint(drawn(s), alarms)
		for _, n := range []string{"GPU-n1-0", "n1"} {
			for _, r := range rows(s, noon/hour, n) {
				if old {
					r.Flags &^= account.FlagGap
				}
				text += fmt.Sprintf(" %s %+v", n, r)
			}
		}
		return text
	}
	want := state(0, false)
	if d := cmp.Diff(want, state(7, false)); d != "" {
		t.Errorf("with restatements between: %s", d)
	}
	if d := cmp.Diff(want, state(7, true)); d != "" {
		t.Errorf("to a program of before: %s", d)
	}
}

// Who holds a board is not in doubt for a record that says nothing of it: the
// holder changes right after.
func TestAChangeOfJobsAfterARestatementIsNoDoubt(t *testing.T) {
	s := account.NewState(account.Config{})
	a, b := claim{0, "a", "", 1e6}, claim{0, "b", "", 1e6}
	l := &metric.Layout{Entities: []metric.Entity{word("entsoe", "1", "2026-11-22T16:00:00Z")}, Columns: []metric.Column{{Metric: metric.GridCarbonIntensity, Form: metric.Float, Count: 1}}}
	e := newEmitter(t, s, "n1", node("n1", 1, a))
	e.send(noon, values([]int64{0}, 0, a)...)
	if o := s.Apply(restating(e, l, 300), noon+5*second); o.Verdict != account.Accepted {
		t.Fatal(o)
	}
	e.layout = node("n1", 1, b)
	e.send(noon+10*second, values([]int64{60}, 80, b)...)
	if d := cmp.Diff(map[string][2]uint64{"a": {60, 80}}, drawn(s)); d != "" {
		t.Error(d)
	}
}
