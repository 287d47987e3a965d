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

// A meter that began anew, was read at zero, and reads zero again for a while when there is more: what it
// counted before that is little, so that what it shows in the end could go on from there. What flowed says
// which it is.
func TestAMeterThatBeganAnewAndReadsZeroLater(t *testing.T) {
	const per = 50_000_000 // mJ: of ten seconds at 5 kW
	for name, tc := range map[string]struct {
		began int64 // s: when it began anew, or 0: it did not
		zeros []int64
		back  int64
	}{
		"a minute after it began": {60, []int64{60, 120}, 130},
		"after a silence":         {60, []int64{60, 180, 190}, 200},
		"and it had not begun":    {0, []int64{60, 180, 190}, 200},
		"nor after five minutes":  {0, []int64{60, 360}, 370},
	} {
		t.Run(name, func(t *testing.T) {
			s := account.NewState(account.Config{})
			l := meters("r1-pdu")
			l.Columns = append(l.Columns, metric.Column{Metric: metric.CounterEpoch, Form: metric.Int, Point: metric.EpochPoint(metric.MeterEnergyJoules, 0), Count: 1})
			e := newEmitter(t, s, "pdu", l)
			shown := func(at int64) int64 {
				if tc.began > 0 && at >= tc.began {
					return per * (at - tc.began) / 10
				}
				return per * at / 10
			}
			e.send(noon-10*second, 383_901_418_899_557, 1)
			for at := int64(0); at < 60; at += 10 { // its own beginning, which is known for one
				e.send(noon+at*second, shown(at), 2)
			}
			for _, at := range tc.zeros {
				e.send(noon+at*second, 0, 3)
			}
			last := tc.back + 40
			for at := tc.back; at <= last; at += 10 {
				e.send(noon+at*second, shown(at), 3)
			}
			want := uint64(shown(last))
			if tc.began > 0 {
				want += per * 50 / 10 // before
			}
			if counted, _ := booked(s, "r1-pdu"); counted != want {
				t.Errorf("booked %d mJ, want %d", counted, want)
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
