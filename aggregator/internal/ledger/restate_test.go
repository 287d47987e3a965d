package ledger

import (
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// restating is the plant's next record, in which a provider now says something of
// quarters of an hour from a time on.
func (p *plant) restating(zone, provider, tier string, found, from int64, grams ...float64) *metric.Batch {
	p.sequence++
	b := &metric.Batch{
		Site: "s1", Agent: "plant", Lane: metric.Ledger, Flags: metric.Gap | metric.Restated, Incarnation: 1, Sequence: p.sequence, Skipped: 1,
		Time: from, Interval: metric.Quarter.Milliseconds(), Ticks: len(grams),
		Layout: &metric.Layout{
			Entities: []metric.Entity{{Kind: metric.Zone, Name: zone, Parent: -1, Labels: []metric.Pair{
				{Name: metric.LabelFound, Value: time.UnixMilli(found).UTC().Format(time.RFC3339Nano)}, {Name: metric.LabelProvider, Value: provider},
				{Name: metric.LabelReason, Value: "measured"}, {Name: metric.LabelSet, Value: "lc-2"}, {Name: metric.LabelTier, Value: tier}}}},
			Columns: []metric.Column{{Metric: metric.GridCarbonIntensity, Form: metric.Float, Count: 1}},
		},
	}
	for _, g := range grams {
		b.Values = append(b.Values, metric.Of(g))
	}
	return b
}

func (p *plant) apply(b *metric.Batch) account.Outcome {
	p.messages++
	return p.b.Apply(b, time.UnixMilli(p.now), "L/1", p.messages)
}

// A record that restates is durable with the others: what a crash takes back of
// the figures it takes back of the watermark too.
func TestARestatingRecordIsTakenOnce(t *testing.T) {
	p, d := atNoon(t)
	b := p.restating("BE", "electricitymaps", "1", p.now, noon+2*hourMs, 400, 400, 500, 500)
	restated := func(when string, grams float64) {
		t.Helper()
		k := p.is("carbon_location", noon, noon+3*hourMs, grams/1000)
		if want := grams != 108_000; k.Restated != want {
			t.Errorf("%s: restated %v", when, k.Restated)
		}
	}
	restated("before", 108_000)
	if o := p.apply(b); o.Verdict != account.Accepted {
		t.Fatal(o)
	}
	restated("at once", 126_000)
	if w, _ := p.b.Durable("s1", "plant"); w.Sequence == b.Sequence {
		t.Error("it is called durable before a commit")
	}
	p.reopen(d) // before a commit
	restated("after a crash", 108_000)
	for range 2 {
		p.apply(b)
	}
	p.commit()
	if w, _ := p.b.Durable("s1", "plant"); w.Sequence != b.Sequence {
		t.Errorf("durable up to %d, want %d", w.Sequence, b.Sequence)
	}
	p.reopen(d)
	restated("after a commit and a crash", 126_000)
	if o := p.apply(b); o.Verdict != account.Duplicate {
		t.Error(o)
	}
	// The same in another record, and what was found before it, change nothing.
	for _, found := range []int64{p.now, p.now - 1} {
		var b *metric.Batch
		if found < p.now {
			b = p.restating("BE", "entsoe", "3", found, noon+2*hourMs, 1, 1, 1, 1)
		} else {
			b = p.restating("BE", "electricitymaps", "1", found, noon+2*hourMs, 400, 400, 500, 500)
		}
		if o := p.apply(b); o.Verdict != account.Accepted {
			t.Error(o)
		}
		restated("told again", 126_000)
	}
	// Readings go on behind it.
	p.run(time.Hour, map[string]uint64{"grid_input": 120, "ups_output": 100})
	p.settle()
	restated("sealed", 126_000)
	if _, err := check(d); err != nil {
		t.Error(err)
	}
}

// What can never be taken holds up nothing.
func TestARestatingRecordThatIsNoneIsPassedOver(t *testing.T) {
	p, d := atNoon(t)
	if _, err := p.b.SetTerms("s1", account.Terms{Zone: "BE"}); err != nil {
		t.Fatal(err)
	}
	foreign := p.restating("FR", "eco2mix", "1", p.now, noon, 1, 1, 1, 1)
	crooked := p.restating("BE", "entsoe", "1", p.now, noon+1, 1)
	simulated := p.restating("BE", "entsoe", "1", p.now, noon, 1)
	simulated.Layout.Simulated = true
	if o := p.apply(foreign); o.Verdict != account.Invalid || o.Reason == "" {
		t.Errorf("another zone's: %+v", o)
	}
	if o := p.apply(crooked); o.Verdict != account.Invalid || o.Reason == "" {
		t.Errorf("between quarters: %+v", o)
	}
	if o := p.apply(simulated); o.Verdict != account.Invalid {
		t.Errorf("a model's: %+v", o)
	}
	p.sequence-- // that one is not its site's at all
	p.run(10*time.Minute, map[string]uint64{"grid_input": 120, "ups_output": 100})
	if k := p.is("carbon_location", noon, noon+3*hourMs, 108); k.Restated {
		t.Error("something of it was taken")
	}
	p.settle()
	if _, err := check(d); err != nil {
		t.Error(err)
	}
}

// While more waits to be sealed than can be, the record is not taken: its agent
// keeps it, and sends it again.
func TestARestatingRecordWaitsWhileTooMuchDoes(t *testing.T) {
	p, _ := atNoon(t)
	last, _ := p.b.Durable("s1", "plant")
	flood := account.Correction{Meter: "grid_input", Metric: metric.MeterEnergyJoules, Quality: metric.Manual, Import: "flood"}
	n := int64(0)
	for ; ; n++ {
		if err := p.b.state.Correct("s1", n, flood); err != nil {
			break
		}
	}
	b := p.restating("BE", "electricitymaps", "1", p.now, noon+2*hourMs, 400, 400, 500, 500)
	if o := p.apply(b); o.Verdict != account.Hole || o.Reason == "" {
		t.Errorf("after %d hours: %+v", n, o)
	}
	if w, _ := p.b.Durable("s1", "plant"); w != last {
		t.Errorf("durable up to %+v, was %+v", w, last)
	}
	if _, at := p.b.Position(); at != p.messages {
		t.Errorf("the stream stands at %d, want %d", at, p.messages)
	}
}
