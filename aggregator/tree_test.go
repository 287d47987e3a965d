package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A PDU of one UPS that is said to hang below the other is found by the gaps of
// both.
func TestAMeterBelowTheWrongOneIsFound(t *testing.T) {
	const kwh = metric.MillijoulesPerKWh
	gap := func(stage account.Stage, name string, above, below uint64, f account.Finding) account.Gap {
		g := account.Gap{Stage: stage, Name: name, Above: account.Wide{Lo: above * kwh}, Below: account.Wide{Lo: below * kwh}, Low: -0.02, High: 0.02, Finding: f, Coverage: 1}
		g.Gap = g.Above.Float() - g.Below.Float()
		ratio := g.Gap / g.Above.Float()
		g.Ratio = &ratio
		return g
	}
	got := treeOf(&treeDay{gaps: []account.Gap{
		gap(account.StageFacility, "", 1000, 950, account.Balanced),
		gap(account.StageMeter, "ups-1", 100, 149, account.Exceeds),
		gap(account.StageMeter, "ups-2", 100, 99, account.Balanced),
		gap(account.StageMeter, "ups-3", 100, 50, account.Lacking),
		gap(account.StageRack, "r1", 20, 14, account.Lacking),
	}})
	var lines []string
	for _, s := range got.Stages {
		lines = append(lines, s.Stage+" "+s.Name+" "+s.Finding+" "+s.Hint)
	}
	if d := cmp.Diff([]string{
		"facility  ok ",
		"meter ups-3 lacking about as much exceeds at ups-1: a meter may hang below the wrong one of the two",
		"meter ups-1 exceeds about as much is lacking at ups-3: a meter may hang below the wrong one of the two",
		"meter ups-2 ok ",
		"rack r1 lacking less is metered below than comes in: a load without a meter, or a meter under another name or parent",
	}, lines); d != "" {
		t.Error(d)
	}
	if got.Odd != 3 || got.All != 5 || got.Unknown != 0 {
		t.Errorf("%+v", got)
	}
}

func TestThePageHasRoomForTheOddOnes(t *testing.T) {
	day := &treeDay{gaps: []account.Gap{{Stage: account.StageFacility, Finding: account.Balanced}}}
	for n := range 200 {
		g := account.Gap{Stage: account.StageRack, Name: string(rune('a'+n%26)) + string(rune('a'+n/26)), Low: -0.02, High: 0.02, Finding: account.Balanced}
		if n%50 == 7 {
			ratio := 0.1 + float64(n)/1000
			g.Ratio, g.Finding = &ratio, account.Lacking
		}
		day.gaps = append(day.gaps, g)
	}
	got := treeOf(day)
	if len(got.Stages) != mostGaps || got.All != 201 || got.Odd != 4 || got.Stages[0].Stage != "facility" {
		t.Fatalf("%+v", got)
	}
	for i, s := range got.Stages[1:5] {
		if s.Finding != "lacking" || i > 0 && *s.Percent > *got.Stages[i].Percent {
			t.Errorf("stage %d is %+v", i, s)
		}
	}
}

// The power tree is worked out again when an hour is over or the terms have
// changed, not at each commit.
func TestThePowerTreeIsKept(t *testing.T) {
	now := time.Date(2026, 11, 22, 14, 10, 40, 0, time.UTC)
	l := ran(t, emptyLedger(t), now.Add(-2*time.Hour), now)
	d := newToday(l, func([]live.Point) {}, quietly())
	first := d.reconcile("s1", "", nil, now)
	if len(first.gaps) == 0 || first.reason != "" {
		t.Fatalf("%+v", first)
	}
	for name, tc := range map[string]struct {
		terms string
		after time.Duration
		kept  bool
	}{
		"a minute later":   {"", time.Minute, true},
		"by other terms":   {"x", time.Minute, false},
		"in the next hour": {"", 50 * time.Minute, false},
		"after some while": {"", 25 * time.Minute, false},
		"at the same time": {"", 0, true},
	} {
		if got := d.reconcile("s1", tc.terms, first, now.Add(tc.after)); (got == first) != tc.kept {
			t.Errorf("%s: kept is %t, want %t", name, got == first, tc.kept)
		}
	}
}
