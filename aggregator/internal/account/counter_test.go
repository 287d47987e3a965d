package account_test

import (
	"slices"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// Readings every 10 s of a board at 700 W, and what is made of them.
func TestCounterWhenItsReadings(t *testing.T) {
	type reading struct {
		at     int64 // seconds
		value  int64 // mJ
		watts  float64
		epoch  int64
		alarms []account.AlarmKind
	}
	const big = 1_000_000_000 // 1 MJ, as an old register shows
	for name, tc := range map[string]struct {
		readings           []reading
		counted, estimated uint64
		flags              account.Flags
	}{
		"come once: a baseline": {[]reading{{0, big, 700, 1, nil}}, 0, 0, 0},
		"rise":                  {[]reading{{0, big, 700, 1, nil}, {10, big + 7_000_000, 700, 1, nil}, {20, big + 14_000_001, 700, 1, nil}}, 14_000_001, 0, 0},
		"are missing between": {[]reading{{0, big, 700, 1, nil}, {10, missed, 700, 1, nil}, {20, big + 14_000_000, 700, 1, nil}},
			14_000_000, 0, 0},
		"begin anew in a new epoch: whole, and the residue beside": {
			[]reading{{0, big, 700, 1, nil}, {10, 2_800_000, 700, 2, nil}}, 2_800_000, 4_200_000, account.FlagReset},
		"begin anew twice": {
			[]reading{{0, big, 700, 1, nil}, {10, 2_800_000, 700, 2, nil}, {20, 700_000, 700, 3, nil}, {30, 7_700_000, 700, 3, nil}},
			2_800_000 + 7_700_000, 4_200_000 + 6_300_000, account.FlagReset},
		"begin anew after two days: the last power is believed for a quarter of an hour": {
			[]reading{{0, big, 700, 1, nil}, {172800, 7_000_000, 700, 2, nil}, {172810, 14_000_000, 700, 2, nil}},
			14_000_000, 700_000 * 900, account.FlagReset},
		"drop to zero and come back": {
			[]reading{{0, big, 700, 1, nil}, {10, 0, 700, 1, []account.AlarmKind{account.Quarantined}},
				{20, big + 14_000_000, 700, 1, []account.AlarmKind{account.Glitch}}}, 14_000_000, 0, account.FlagGlitch},
		"drop to zero in a new epoch and come back": {
			[]reading{{0, big, 700, 1, nil}, {10, 0, 700, 2, nil}, {20, big + 14_000_000, 700, 2, []account.AlarmKind{account.Glitch}}},
			14_000_000, 7_000_000, account.FlagGlitch},
		"drop, stay low and count on, though the epoch stays": {
			[]reading{{0, big, 700, 1, nil}, {10, 1_000_000, 700, 1, []account.AlarmKind{account.Quarantined}}, {20, 8_000_000, 700, 1, nil}},
			8_000_000, 6_000_400, account.FlagReset},
		"drop to what no ten seconds can count, and count on": {
			[]reading{{0, big, 700, 1, nil}, {10, big / 2, 700, 1, []account.AlarmKind{account.Quarantined}},
				{20, big/2 + 7_000_000, 700, 1, []account.AlarmKind{account.Rebased}}}, 7_000_000, 7_000_000, account.FlagRebased},
		"jump beyond physics for once": {
			[]reading{{0, big, 700, 1, nil}, {10, 9_200_000_000_000_000_000, 700, 1, []account.AlarmKind{account.Quarantined}},
				{20, big + 14_000_000, 700, 1, []account.AlarmKind{account.Glitch}}}, 14_000_000, 0, account.FlagGlitch},
		"jump beyond physics for good": {
			[]reading{{0, big, 700, 1, nil}, {10, 50 * big, 700, 1, []account.AlarmKind{account.Quarantined}},
				{20, 50*big + 7_000_000, 700, 1, []account.AlarmKind{account.Rebased}}}, 7_000_000, 7_000_000, account.FlagRebased},
		"jump about": {
			[]reading{{0, big, 700, 1, nil}, {10, 50 * big, 700, 1, []account.AlarmKind{account.Quarantined}},
				{20, 90 * big, 700, 1, []account.AlarmKind{account.Quarantined}}, {30, big + 21_000_000, 700, 1, []account.AlarmKind{account.Glitch}}},
			21_000_000, 0, account.FlagGlitch},
		"get another epoch and go on": { // the agent forgot what it called it
			[]reading{{0, big, 700, 1, nil}, {10, big + 7_000_000, 700, 77, nil}}, 7_000_000, 0, 0},
		"have no epoch": {
			[]reading{{0, big, 700, missed, nil}, {10, big + 7_000_000, 700, missed, nil}, {20, big + 14_000_000, 700, 5, nil}}, 14_000_000, 0, 0},
		"stand still under power": {
			append([]reading{{0, big, 700, 1, nil}, {890, big, 700, 1, nil}}, reading{900, big, 700, 1, []account.AlarmKind{account.Frozen}}), 0, 0, account.FlagFrozen},
		"stand still without power": {
			[]reading{{0, big, 0, 1, nil}, {3600, big, 0, 1, nil}}, 0, 0, 0},
		"are more than the board can draw by a little": {
			[]reading{{0, big, 700, 1, nil}, {10, big + 42_000_000, 700, 1, nil}}, 42_000_000, 0, 0},
		"are more than the board can draw": {
			[]reading{{0, big, 700, 1, nil}, {10, big + 42_000_001, 700, 1, []account.AlarmKind{account.Quarantined}}}, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := account.NewState(account.Config{})
			e := newEmitter(t, s, "n1", board("n1", "GPU-1"))
			for i, r := range tc.readings {
				if got := kinds(e.send(noon+r.at*second, r.value, watts(r.watts), r.epoch)); !slices.Equal(got, r.alarms) {
					t.Errorf("reading %d raises %v, want %v", i, got, r.alarms)
				}
			}
			counted, estimated := booked(s, "GPU-1")
			if counted != tc.counted || estimated != tc.estimated {
				t.Errorf("booked %d and estimated %d mJ, want %d and %d", counted, estimated, tc.counted, tc.estimated)
			}
			var flags account.Flags
			for _, h := range s.OpenHours("s1") {
				for _, r := range rows(s, h.Number, "GPU-1") {
					flags |= r.Flags
				}
			}
			if flags&tc.flags != tc.flags {
				t.Errorf("flags are %b, want %b among them", flags, tc.flags)
			}
			checkBooks(t, s)
		})
	}
}

func TestEnergyIsSplitOverTheHoursItSpans(t *testing.T) {
	type part struct {
		amount  uint64
		covered uint32
		quality metric.Quality
	}
	for name, tc := range map[string]struct {
		from, to int64 // seconds about noon
		mj       int64
		want     map[int64][]part // by hour about noon
	}{
		"within an hour":                   {10, 20, 7, map[int64][]part{0: {{7, 10_000, metric.Measured}}}},
		"up to the edge":                   {-10, 0, 7, map[int64][]part{-1: {{7, 10_000, metric.Measured}}}},
		"from the edge":                    {0, 10, 7, map[int64][]part{0: {{7, 10_000, metric.Measured}}}},
		"over an edge, one mJ left over":   {-7, 3, 11, map[int64][]part{-1: {{8, 7000, metric.Measured}}, 0: {{3, 3000, metric.Measured}}}},
		"over two edges":                   {-1800, 5400, 1001, map[int64][]part{-1: {{250, 1800_000, metric.CounterBridged}}, 0: {{501, 3600_000, metric.CounterBridged}}, 1: {{250, 1800_000, metric.CounterBridged}}}},
		"over a gap":                       {0, 26, 100, map[int64][]part{0: {{100, 26_000, metric.CounterBridged}}}},
		"over one record that was missing": {0, 25, 100, map[int64][]part{0: {{100, 25_000, metric.Measured}}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := account.NewState(account.Config{})
			e := newEmitter(t, s, "n1", board("n1", "GPU-1"))
			e.send(noon+tc.from*second, 500, watts(1), 1)
			e.send(noon+tc.to*second, 500+tc.mj, watts(1), 1)
			for h := int64(-2); h < 4; h++ {
				var got []part
				for _, r := range rows(s, noon/hour+h, "GPU-1") {
					got = append(got, part{r.Amount, r.Covered, r.Quality})
				}
				if !slices.Equal(got, tc.want[h]) {
					t.Errorf("hour %+d: %v, want %v", h, got, tc.want[h])
				}
			}
			checkBooks(t, s)
		})
	}
}

// V5: the total over a gap is measured, its quarters are a guess.
func TestCounterOverAGapAsInVectorV5(t *testing.T) {
	s := account.NewState(account.Config{Interval: 900 * second})
	e := newEmitter(t, s, "plant", meters("grid_input"))
	const kWh = metric.MillijoulesPerKWh
	for _, r := range [][2]int64{{0, 1000}, {900, 1030}, {1800, 1061}, {5400, 1181}, {6300, 1212}, {7200, 1240}} {
		e.send(noon+r[0]*second, r[1]*kWh)
	}
	var got []uint64
	for h := range int64(2) {
		u := s.Summarize("s1", noon/hour+h, noon+2*hour)
		for q := range 4 {
			var sum uint64
			for m := range 15 {
				sum += u.Amount[account.GridInput][15*q+m]
			}
			got = append(got, sum/kWh)
		}
	}
	if want := []uint64{30, 31, 30, 30, 30, 30, 31, 28}; !slices.Equal(got, want) {
		t.Errorf("quarters are %v kWh, want %v", got, want)
	}
	if counted, _ := booked(s, "grid_input"); counted != 240*kWh {
		t.Errorf("counted %d mJ, want 240 kWh", counted)
	}
	checkBooks(t, s)
}
