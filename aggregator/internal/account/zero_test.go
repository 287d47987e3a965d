package account_test

import (
	"slices"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A gateway that has just started answers zeros for its meters for a while. Megawatts may flow
// through a meter, so that no reading of it is beyond physics.
func TestAMeterThatReadsZeroForAWhileHasBegunNoLifetime(t *testing.T) {
	const big, per = 8_000_000_000_000, 7_000_000 // mJ: 2.2 MWh, and of ten seconds
	for name, tc := range map[string]struct {
		from, to int64 // s: of the zeros
	}{
		"once":                            {30, 30},
		"three times":                     {30, 50},
		"twice after an hour's silence":   {3610, 3620},
		"for eight minutes":               {30, 510},
		"once, and again after a silence": {30, 1000},
	} {
		t.Run(name, func(t *testing.T) {
			s := account.NewState(account.Config{})
			e := newEmitter(t, s, "pdu", meters("grid_input-a"))
			for _, at := range []int64{0, 10, 20} {
				e.send(noon+at*second, big+per*at/10)
			}
			for at := tc.from; at <= tc.to; at += 10 {
				if name != "once, and again after a silence" || at == tc.from || at == tc.to {
					e.send(noon+at*second, 0)
				}
			}
			last := tc.to + 30
			for at := tc.to + 10; at <= last; at += 10 {
				e.send(noon+at*second, big+per*at/10)
			}
			if counted, _ := booked(s, "grid_input-a"); counted != uint64(per*last/10) {
				t.Errorf("booked %d mJ, want %d", counted, per*last/10)
			}
			checkBooks(t, s)
		})
	}
}

// What may have flowed through a meter in hours of silence is much, and no reading for that.
func TestNonsenseAfterALongSilenceIsNotBooked(t *testing.T) {
	const big, per = 8_000_000_000_000, 7_000_000 // mJ: 2.2 MWh, and of ten seconds
	for _, silence := range []int64{10, 3600, 3 * 3600, 24 * 3600} {
		s := account.NewState(account.Config{})
		e := newEmitter(t, s, "pdu", meters("grid_input-a"))
		for _, at := range []int64{0, 10, 20} {
			e.send(noon+at*second, big+per*at/10)
		}
		at := 20 + silence
		alarms := kinds(e.send(noon+at*second, 3_997_000_000_000_000_000))
		at += 10
		alarms = append(alarms, kinds(e.send(noon+at*second, big+per*at/10))...)
		if want := []account.AlarmKind{account.Quarantined, account.Glitch}; !slices.Equal(alarms, want) {
			t.Errorf("after %d s: alarms %v, want %v", silence, alarms, want)
		}
		if counted, _ := booked(s, "grid_input-a"); counted != uint64(per*at/10) {
			t.Errorf("after %d s: booked %d mJ, want %d", silence, counted, per*at/10)
		}
		checkBooks(t, s)
	}
}

// A board that reads zero for a while soon after a restart: what it showed before is little, so
// that all it shows when it comes back could have been drawn since the zeros.
func TestABoardThatReadsZeroSoonAfterItBeganAnew(t *testing.T) {
	const per = 400_000 * 2 // mJ: of two seconds at 400 W
	for name, tc := range map[string]struct {
		zeros []int64 // s after the restart
		back  int64   // s: when it is read again
		after int64   // epoch of the zeros and from then on
	}{
		"once":                             {[]int64{60}, 80, 2},
		"twice":                            {[]int64{60, 80}, 100, 2},
		"twice, then nobody reads":         {[]int64{60, 80}, 500, 2},
		"three times, far apart":           {[]int64{60, 700, 1400}, 1700, 2},
		"for half an hour":                 {[]int64{60, 360, 660, 960, 1260, 1560, 1860}, 1880, 2},
		"once, and that is called a life":  {[]int64{60}, 80, 3},
		"twice, and that is called a life": {[]int64{60, 80}, 100, 3},
		"twice, called a life, and nobody reads for a while": {[]int64{60, 80}, 500, 3},
	} {
		t.Run(name, func(t *testing.T) {
			s := account.NewState(account.Config{})
			e := newEmitter(t, s, "n1", board("n1", "GPU-1"))
			shown := func(at int64) int64 { return per * at / 2 }
			e.send(noon-10*second, 572_037_641_034, watts(400), 1)
			for _, at := range []int64{10, 20, 40} {
				e.send(noon+at*second, shown(at), watts(400), 2)
			}
			for _, at := range tc.zeros {
				e.send(noon+at*second, 0, watts(400), tc.after)
			}
			last := tc.back + 20
			for at := tc.back; at <= last; at += 10 {
				e.send(noon+at*second, shown(at), watts(400), tc.after)
			}
			if counted, _ := booked(s, "GPU-1"); counted != uint64(shown(last)) {
				t.Errorf("booked %d mJ, want %d", counted, shown(last))
			}
			checkBooks(t, s)
		})
	}
}

// Its agent, which saw the register fall, calls that another life.
func TestABoardThatReadsZeroIsTheSameHoweverLongNobodyReadsIt(t *testing.T) {
	for _, zeros := range [][]int64{{10}, {10, 2000}} {
		s := account.NewState(account.Config{})
		e := newEmitter(t, s, "n1", board("n1", "GPU-1"))
		const big = 572_037_641_034
		e.send(noon, big, watts(400), 1)
		for _, at := range zeros {
			e.send(noon+at*second, 0, watts(400), 2)
		}
		e.send(noon+3000*second, big+3000*400_000, watts(400), 2)
		if counted, _ := booked(s, "GPU-1"); counted != 3000*400_000 {
			t.Errorf("booked %d mJ, want %d", counted, 3000*400_000)
		}
		checkBooks(t, s)
	}
}

// One that did begin anew, and read zero at first, is booked from there.
func TestABoardThatReadsZeroAndHasBegunAnew(t *testing.T) {
	for name, epoch := range map[string]int64{"the agent knows": 2, "the agent does not": 1} {
		t.Run(name, func(t *testing.T) {
			s := account.NewState(account.Config{})
			e := newEmitter(t, s, "n1", board("n1", "GPU-1"))
			const big = 572_037_641_034
			e.send(noon, big, watts(400), 1)
			e.send(noon+10*second, big+4_000_000, watts(400), 1)
			for at := int64(20); at <= 100; at += 10 {
				e.send(noon+at*second, 400_000*(at-20), watts(400), epoch)
			}
			if counted, _ := booked(s, "GPU-1"); counted != 4_000_000+80*400_000 {
				t.Errorf("booked %d mJ, want %d", counted, 4_000_000+80*400_000)
			}
			checkBooks(t, s)
		})
	}
}

// What a register shows after zeros could go on from before them, or have come since it began anew there. It
// is taken to go on where it can: load falls more often than a register begins anew unseen just before it is
// read wrongly. The last row is that, in truth, and the alarm says what was decided.
func TestARegisterThatReadsZeroGoesOnWhereItCan(t *testing.T) {
	const kJ, kWh = 1_000_000, 3600 * 1_000_000 // mJ
	type rd struct {
		at, value int64 // s, mJ
		watts     float64
		epoch     int64
	}
	type registers int
	const (
		meter registers = iota // without its power
		powered
		gpu
	)
	for name, tc := range map[string]struct {
		kind  registers
		reads []rd
		want  uint64
		anew  bool // and it is seen that it began anew
	}{
		"without load meanwhile, it shows what it did": {meter, []rd{{0, 999_000 * kJ, 0, 1}, {10, 0, 0, 2}, {20, 50 * kJ, 0, 2}, {60, 250 * kJ, 0, 2}, {130, 600 * kJ, 0, 2},
			{140, 0, 0, 3}, {200, 0, 0, 3}, {250, 0, 0, 3}, {260, 600 * kJ, 0, 3}, {270, 600 * kJ, 0, 3}, {280, 600 * kJ, 0, 3}}, 600 * kJ, false},
		"load falls": {meter, []rd{{0, 999_000 * kJ, 0, 1}, {10, 0, 0, 2}, {60, 250 * kJ, 0, 2}, {70, 300 * kJ, 0, 2},
			{80, 0, 0, 3}, {140, 0, 0, 3}, {190, 0, 0, 3}, {200, 560 * kJ, 0, 3}, {210, 580 * kJ, 0, 3}}, 580 * kJ, false},
		"its power is the same at both ends, and falls between": {powered, []rd{{0, 999_000 * kJ, 5000, 1}, {10, 0, 5000, 2}, {60, 250 * kJ, 5000, 2}, {70, 300 * kJ, 5000, 2},
			{80, 0, 5000, 3}, {140, 0, 5000, 3}, {190, 0, 5000, 3}, {200, 400 * kJ, 5000, 3}, {210, 450 * kJ, 5000, 3}}, 450 * kJ, false},
		"so does a board's": {gpu, []rd{{-10, 572_037_641_034, 700, 1}, {0, 0, 700, 2}, {60, 42 * kJ, 700, 2}, {120, 84 * kJ, 700, 2},
			{130, 0, 700, 3}, {250, 0, 700, 3}, {260, 103 * kJ, 700, 3}, {270, 110 * kJ, 700, 3}}, 110 * kJ, false},
		"its steps are coarse": {meter, []rd{{0, 99_000 * kWh, 0, 1}, {10, 0, 0, 2}, {72, kWh, 0, 2}, {710, 9 * kWh, 0, 2}, {720, 10 * kWh, 0, 2},
			{730, 0, 0, 3}, {780, 0, 0, 3}, {840, 0, 0, 3}, {850, 11 * kWh, 0, 3}, {860, 11 * kWh, 0, 3}, {870, 12 * kWh, 0, 3}}, 12 * kWh, false},
		"its agent calls it another life when it is back": {gpu, []rd{{-10, 572_037_641_034, 400, 1}, {0, 0, 400, 2}, {20, 8 * kJ, 400, 2}, {40, 16 * kJ, 400, 2},
			{50, 0, 400, 3}, {160, 0, 400, 3}, {170, 68 * kJ, 400, 4}, {180, 72 * kJ, 400, 4}}, 72 * kJ, false},
		"its agent calls it the life of before": {gpu, []rd{{-10, 572_037_641_034, 400, 1}, {0, 0, 400, 2}, {20, 8 * kJ, 400, 2}, {40, 16 * kJ, 400, 2},
			{50, 0, 400, 3}, {160, 0, 400, 3}, {170, 68 * kJ, 400, 2}, {180, 72 * kJ, 400, 2}}, 72 * kJ, false},
		"it began anew, and load rises": {meter, []rd{{0, 70 * kJ, 0, 1}, {10, 80 * kJ, 0, 1}, {20, 90 * kJ, 0, 1}, {30, 100 * kJ, 0, 1},
			{40, 0, 0, 1}, {50, 50 * kJ, 0, 1}, {60, 160 * kJ, 0, 1}, {70, 270 * kJ, 0, 1}}, 300 * kJ, true},
		"it began anew twice, and load comes after minutes": {meter, []rd{{0, 999_000 * kJ, 0, 1}, {10, 10 * kJ, 0, 2}, {20, 40 * kJ, 0, 2},
			{30, 0, 0, 3}, {40, 0, 0, 3}, {330, 0, 0, 3}, {340, 30 * kJ, 0, 3}, {350, 80 * kJ, 0, 3}, {360, 130 * kJ, 0, 3}}, 170 * kJ, true},
		"it began anew, and again when load came after an hour": {meter, []rd{{0, 999_000 * kJ, 0, 1}, {10, 999_050 * kJ, 0, 1}, {20, 0, 0, 2}, {30, 0, 0, 2},
			{4000, 0, 0, 2}, {4010, 50 * kJ, 0, 2}, {4020, 40 * kJ, 0, 3}, {4030, 90 * kJ, 0, 3}, {4040, 140 * kJ, 0, 3}}, 240 * kJ, true},
		"it began anew just before it is read wrongly": {meter, []rd{{0, 999_000 * kJ, 0, 1}, {10, 0, 0, 2}, {60, 250 * kJ, 0, 2},
			{70, 0, 0, 3}, {180, 0, 0, 3}, {190, 600 * kJ, 0, 3}, {200, 650 * kJ, 0, 3}}, 650 * kJ, false}, // and not 900
	} {
		t.Run(name, func(t *testing.T) {
			s := account.NewState(account.Config{})
			device, l := "r1-pdu", meters("r1-pdu")
			life := metric.Column{Metric: metric.CounterEpoch, Form: metric.Int, Point: metric.EpochPoint(metric.MeterEnergyJoules, 0), Count: 1}
			switch tc.kind {
			case gpu:
				device, l = "GPU-1", board("n1", "GPU-1")
			case powered:
				l.Columns = append(l.Columns, metric.Column{Metric: metric.MeterPowerWatts, Form: metric.Float, Count: 1}, life)
			default:
				l.Columns = append(l.Columns, life)
			}
			e := newEmitter(t, s, "n1", l)
			var alarms []account.AlarmKind
			for _, r := range tc.reads {
				values := []int64{r.value, watts(r.watts), r.epoch}
				if tc.kind == meter {
					values = []int64{r.value, r.epoch}
				}
				alarms = append(alarms, kinds(e.send(noon+r.at*second, values...))...)
			}
			if counted, _ := booked(s, device); counted != tc.want {
				t.Errorf("booked %d mJ, want %d", counted, tc.want)
			}
			if slices.Contains(alarms, account.Glitch) == tc.anew {
				t.Errorf("alarms %v", alarms)
			}
			checkBooks(t, s)
		})
	}
}

// A board's rating bounds what it can have counted in the seconds since the last zero.
func TestABoardThatBeganAnewAndReadsZeroLater(t *testing.T) {
	const per = 4_000_000 // mJ: of ten seconds at 400 W
	s := account.NewState(account.Config{})
	e := newEmitter(t, s, "n1", board("n1", "GPU-1"))
	e.send(noon-10*second, 572_037_641_034, watts(400), 1)
	for _, zero := range []int64{0, 190} {
		e.send(noon+zero*second, 0, watts(400), 2)
	}
	for at := int64(200); at <= 240; at += 10 {
		e.send(noon+at*second, per*at/10, watts(400), 2)
	}
	if counted, _ := booked(s, "GPU-1"); counted != per*24 {
		t.Errorf("booked %d mJ, want %d", counted, per*24)
	}
	checkBooks(t, s)
}
