package account_test

import (
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

func TestBatchIsBookedOnce(t *testing.T) {
	type sent struct {
		incarnation, sequence uint64
		flags                 metric.Flags
		skipped               uint64
		after                 int64 // s
		want                  account.Verdict
	}
	const fresh, gap, began, oldest = metric.Fresh, metric.Gap, metric.Began, metric.Oldest
	for name, batches := range map[string][]sent{
		"in order":                   {{1, 1, fresh, 0, 0, account.Accepted}, {1, 2, 0, 0, 0, account.Accepted}, {1, 3, 0, 0, 0, account.Accepted}},
		"twice":                      {{1, 1, fresh, 0, 0, account.Accepted}, {1, 1, fresh, 0, 0, account.Duplicate}, {1, 2, 0, 0, 0, account.Accepted}, {1, 1, fresh, 0, 0, account.Duplicate}},
		"after a hole":               {{1, 1, fresh, 0, 0, account.Accepted}, {1, 3, 0, 0, 0, account.Hole}, {1, 2, 0, 0, 0, account.Accepted}, {1, 3, 0, 0, 0, account.Accepted}},
		"in the next life":           {{1, 1, fresh, 0, 0, account.Accepted}, {2, 2, began, 0, 0, account.Accepted}},
		"from the life before":       {{2, 1, fresh, 0, 0, account.Accepted}, {2, 2, 0, 0, 0, account.Accepted}, {1, 3, 0, 0, 0, account.Zombie}, {1, 2, 0, 0, 0, account.Duplicate}},
		"with a spool that is fresh": {{1, 1, fresh, 0, 0, account.Accepted}, {1, 2, 0, 0, 0, account.Accepted}, {2, 1, fresh, 0, 0, account.Accepted}, {2, 2, 0, 0, 0, account.Accepted}, {1, 3, 0, 0, 0, account.Zombie}},
		"fresh in the same life":     {{1, 1, fresh, 0, 0, account.Accepted}, {1, 1, fresh, 0, 0, account.Duplicate}},
		"standing for a gap":         {{1, 1, fresh, 0, 0, account.Accepted}, {1, 5, gap, 4, 0, account.Accepted}, {1, 6, 0, 0, 0, account.Accepted}, {1, 4, 0, 0, 0, account.Duplicate}},
		"standing for some of a gap": {{1, 1, fresh, 0, 0, account.Accepted}, {1, 5, gap, 3, 0, account.Hole}},
		"standing for known ones":    {{1, 1, fresh, 0, 0, account.Accepted}, {1, 2, 0, 0, 0, account.Accepted}, {1, 4, gap, 4, 0, account.Accepted}, {1, 5, 0, 0, 0, account.Accepted}},
		"first of a thinned spool":   {{3, 7, gap, 7, 0, account.Accepted}, {3, 8, 0, 0, 0, account.Accepted}},
		"of an agent not seen here before, whose older ones are gone": {
			{3, 500, 0, 0, 0, account.Hole}, {3, 501, 0, 0, 10, account.Hole}, {3, 500, 0, 0, 60, account.Hole}, {3, 500, 0, 0, 60, account.Accepted}, {3, 501, 0, 0, 0, account.Accepted}},
		"of an agent not seen here before, whose older ones were delayed": {
			{3, 500, 0, 0, 0, account.Hole}, {3, 499, 0, 0, 60, account.Hole}, {3, 500, 0, 0, 70, account.Hole}, {3, 499, 0, 0, 40, account.Hole}, {3, 499, 0, 0, 60, account.Accepted}},
		"of a new agent, whose first was lost again and again": {
			{3, 2, 0, 0, 0, account.Hole}, {3, 3, 0, 0, 60, account.Hole}, {3, 70, 0, 0, 70, account.Hole}, {3, 2, 0, 0, 80, account.Hole}, {3, 1, fresh, 0, 60, account.Accepted}},
		"after a hole that nothing fills": {
			{1, 1, fresh, 0, 0, account.Accepted}, {1, 9, 0, 0, 10, account.Hole}, {1, 9, 0, 0, 90, account.Hole}, {1, 10, 0, 0, 90, account.Hole}, {1, 9, 0, 0, 90, account.Hole},
			{1, 9, 0, 0, 90, account.Hole}, {1, 9, 0, 0, 90, account.Hole}, {1, 9, 0, 0, 90, account.Hole}, {1, 9, 0, 0, 60, account.Accepted}},
		"after a hole, some on their way for long": { // of those that are there none is passed over
			{1, 1, fresh, 0, 0, account.Accepted}, {1, 9, 0, 0, 10, account.Hole}, {1, 12, 0, 0, 80, account.Hole}, {1, 15, 0, 0, 80, account.Hole}, {1, 11, 0, 0, 80, account.Hole}, {1, 15, 0, 0, 80, account.Hole},
			{1, 14, 0, 0, 80, account.Hole}, {1, 15, 0, 0, 80, account.Hole}, {1, 13, 0, 0, 80, account.Hole}, {1, 14, 0, 0, 80, account.Hole}, {1, 2, 0, 0, 80, account.Accepted}},
		"after a hole, the oldest beyond it lost meanwhile": {
			{1, 1, fresh, 0, 0, account.Accepted}, {1, 9, 0, 0, 10, account.Hole},
			{1, 12, 0, 0, 80, account.Hole}, {1, 12, 0, 0, 80, account.Hole}, {1, 12, 0, 0, 80, account.Hole}, {1, 12, 0, 0, 80, account.Hole},
			{1, 12, 0, 0, 80, account.Hole}, {1, 12, 0, 0, 80, account.Hole}, {1, 12, 0, 0, 80, account.Hole}, {1, 12, 0, 0, 80, account.Hole},
			{1, 12, 0, 0, 80, account.Hole}, {1, 12, 0, 0, 80, account.Hole}, {1, 12, 0, 0, 80, account.Hole}, {1, 12, 0, 0, 80, account.Hole},
			{1, 12, 0, 0, 80, account.Hole}, {1, 12, 0, 0, 80, account.Hole}, {1, 12, 0, 0, 80, account.Hole}, {1, 12, 0, 0, 80, account.Accepted}},
		"after a hole and a long silence": {
			{1, 1, fresh, 0, 0, account.Accepted}, {1, 9, 0, 0, 10, account.Hole}, {1, 9, 0, 0, 900, account.Hole}, {1, 2, 0, 0, 0, account.Accepted}},
		"in a life that uses numbers again, for a power cut took theirs": {
			{1, 1, fresh, 0, 0, account.Accepted}, {1, 2, 0, 0, 0, account.Accepted}, {1, 3, 0, 0, 0, account.Accepted},
			{2, 2, began, 0, 0, account.Accepted}, {2, 3, 0, 0, 0, account.Accepted}, {2, 2, began, 0, 0, account.Duplicate}, {1, 3, 0, 0, 0, account.Duplicate}, {1, 4, 0, 0, 0, account.Zombie}},
		"in such a life, the first of them late": {
			{1, 1, fresh, 0, 0, account.Accepted}, {1, 2, 0, 0, 0, account.Accepted}, {1, 3, 0, 0, 0, account.Accepted},
			{2, 3, 0, 0, 0, account.Hole}, {2, 2, began, 0, 0, account.Accepted}, {2, 3, 0, 0, 0, account.Accepted}},
		"in such a life, the first of them after a hole": {{1, 1, fresh, 0, 0, account.Accepted}, {2, 3, began, 0, 0, account.Hole}, {1, 2, 0, 0, 0, account.Accepted}, {2, 3, began, 0, 0, account.Accepted}},
		"in a life whose first number is beyond the known one, the first of them late": {
			{1, 1, fresh, 0, 0, account.Accepted}, {1, 2, 0, 0, 0, account.Accepted}, {2, 3, 0, 0, 0, account.Hole}, {2, 2, began, 0, 0, account.Accepted}, {2, 3, 0, 0, 0, account.Accepted}},
		"in a life after one of which nothing came yet": {
			{1, 1, fresh, 0, 0, account.Accepted}, {1, 2, 0, 0, 0, account.Accepted}, {1, 3, 0, 0, 0, account.Accepted},
			{9, 3, began, 4, 0, account.Hole}, {9, 4, 0, 0, 0, account.Hole}, {5, 1, fresh, 0, 0, account.Accepted}, {9, 3, began, 4, 0, account.Hole}, {5, 2, 0, 0, 0, account.Accepted},
			{9, 3, began, 4, 0, account.Accepted}, {9, 4, 0, 0, 0, account.Accepted}},
		"in a life after one that was lost for good": {
			{1, 1, fresh, 0, 0, account.Accepted}, {1, 2, 0, 0, 0, account.Accepted}, {1, 3, 0, 0, 0, account.Accepted},
			{9, 3, began, 4, 0, account.Hole}, {9, 3, began, 4, 80, account.Hole}, {9, 3, began, 4, 80, account.Hole}, {9, 3, began, 4, 80, account.Hole}, {9, 3, began, 4, 80, account.Hole},
			{9, 3, began, 4, 80, account.Hole}, {9, 3, began, 4, 80, account.Hole}, {9, 3, began, 4, 80, account.Hole}, {9, 3, began, 4, 80, account.Accepted}, {9, 4, 0, 0, 0, account.Accepted}},
		"standing for a gap of a life after one of which nothing came yet": {
			{1, 1, fresh, 0, 0, account.Accepted}, {1, 2, 0, 0, 0, account.Accepted}, {9, 4, gap, 2, 0, account.Hole}, {5, 1, fresh, 0, 0, account.Accepted}, {9, 4, gap, 2, 0, account.Hole},
			{5, 2, 0, 0, 0, account.Accepted}, {9, 4, gap | oldest, 2, 0, account.Accepted}, {9, 5, 0, 0, 0, account.Accepted}},
		"standing for the beginning of a life of which nothing is left": {
			{1, 1, fresh, 0, 0, account.Accepted}, {1, 2, 0, 0, 0, account.Accepted}, {1, 3, 0, 0, 0, account.Accepted}, {9, 2, gap | oldest, 2, 0, account.Accepted}, {9, 3, 0, 0, 0, account.Accepted}},
		"in a life that follows one that nobody can follow": {{1, 1, fresh, 0, 0, account.Accepted}, {9, 2, began, 99, 0, account.Accepted}},
		"in such a life, the first of them lost for good": {
			{1, 1, fresh, 0, 0, account.Accepted}, {1, 2, 0, 0, 0, account.Accepted}, {1, 3, 0, 0, 0, account.Accepted},
			{2, 3, 0, 0, 0, account.Hole}, {2, 3, 0, 0, 80, account.Hole}, {2, 3, 0, 0, 80, account.Hole}, {2, 3, 0, 0, 80, account.Hole}, {2, 3, 0, 0, 80, account.Hole},
			{2, 3, 0, 0, 80, account.Hole}, {2, 3, 0, 0, 80, account.Hole}, {2, 3, 0, 0, 80, account.Hole}, {2, 3, 0, 0, 80, account.Accepted}},
		"without a number":      {{1, 0, fresh, 0, 0, account.Invalid}},
		"with a gap of nothing": {{1, 1, gap, 0, 0, account.Invalid}},
		"with a gap too long":   {{1, 1, gap, 2, 0, account.Invalid}},
	} {
		t.Run(name, func(t *testing.T) {
			s := account.NewState(account.Config{})
			l, now := board("n1", "GPU-1"), noon
			var last [2]uint64
			for i, x := range batches {
				now += x.after * second
				b := &metric.Batch{
					Site: "s1", Agent: "n1", Lane: metric.Ledger, Flags: x.flags, Incarnation: x.incarnation, Sequence: x.sequence, Skipped: x.skipped,
					Time: noon + int64(x.sequence)*10*second, Ticks: 1, Layout: l, Values: []metric.Raw{metric.Raw(x.sequence * 1e6), metric.Of(100), 1},
				}
				o := s.Apply(b, now)
				if o.Verdict != x.want {
					t.Errorf("batch %d is %v (%s), want %v", i, o.Verdict, o.Reason, x.want)
				}
				if o.Verdict == account.Accepted {
					last = [2]uint64{x.incarnation, x.sequence}
				}
				if w, ok := s.Durable("s1", "n1"); ok != (last[1] > 0) || ok && (w.Incarnation != last[0] || w.Sequence != last[1]) {
					t.Errorf("batch %d: the watermark is %+v, want %v", i, w, last)
				}
			}
			checkBooks(t, s)
		})
	}
}

func TestWhatCannotBeReadIsPassedOverAndHarmsNothing(t *testing.T) {
	good := func() *metric.Batch {
		return &metric.Batch{Site: "s1", Agent: "n1", Lane: metric.Ledger, Incarnation: 1, Sequence: 2, Time: noon + 10*second,
			Ticks: 1, Layout: board("n1", "GPU-1"), Values: []metric.Raw{2e6, metric.Of(100), 1}}
	}
	for name, spoil := range map[string]func(*metric.Batch){
		"no layout":            func(b *metric.Batch) { b.Layout = nil },
		"a layout that is bad": func(b *metric.Batch) { b.Layout.Entities[1].Parent = 7 },
		"too few values":       func(b *metric.Batch) { b.Values = b.Values[:2] },
		"too many values":      func(b *metric.Batch) { b.Values = append(b.Values, 1) },
		"no tick":              func(b *metric.Batch) { b.Ticks = 0 },
		"ticks without number": func(b *metric.Batch) { b.Ticks = 1 << 40 },
		"an interval of years": func(b *metric.Batch) { b.Ticks, b.Interval, b.Values = 2, 1<<60, append(b.Values, b.Values...) },
	} {
		t.Run(name, func(t *testing.T) {
			s := account.NewState(account.Config{})
			e := newEmitter(t, s, "n1", board("n1", "GPU-1"))
			e.send(noon, 1e6, watts(100), 1)
			b := good()
			spoil(b)
			if o := s.Apply(b, noon+10*second); o.Verdict != account.Invalid || o.Reason == "" {
				t.Errorf("it is %v, %q", o.Verdict, o.Reason)
			}
			e.sequence++ // it will come again for ever otherwise
			e.send(noon+20*second, 3e6, watts(100), 1)
			if counted, _ := booked(s, "GPU-1"); counted != 2e6 {
				t.Errorf("booked %d mJ, want 2000000", counted)
			}
			checkBooks(t, s)
		})
	}
	s := account.NewState(account.Config{Sites: 1, Agents: 1, Accounts: 1})
	b := good()
	b.Sequence, b.Layout = 1, board("n1", "GPU-1", "GPU-2")
	b.Values = []metric.Raw{1, 2, metric.Of(1), metric.Of(1), 1, 1}
	if o := s.Apply(b, noon+10*second); o.Verdict != account.Accepted || len(o.Alarms) != 1 || o.Alarms[0].Kind != account.Full {
		t.Errorf("one account too many: %+v", o)
	}
	b.Agent = "n2"
	if o := s.Apply(b, noon); o.Verdict != account.Invalid {
		t.Errorf("one agent too many: %+v", o)
	}
	b.Site = "s2"
	if o := s.Apply(b, noon); o.Verdict != account.Invalid {
		t.Errorf("one site too many: %+v", o)
	}
	b.Site = "no site"
	if o := s.Apply(b, noon); o.Verdict != account.Invalid {
		t.Errorf("a name that is none: %+v", o)
	}
	b.Site, b.Lane = "s1", metric.Telemetry
	if o := s.Apply(b, noon); o.Verdict != account.Invalid {
		t.Errorf("a batch of telemetry: %+v", o)
	}
}
