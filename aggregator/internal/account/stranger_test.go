package account_test

import (
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// drawing is the layout of a meter of IT with its power and the epoch of its
// counter.
func drawing(name string) *metric.Layout {
	l := meters("it_input-" + name)
	l.Columns = append(l.Columns,
		metric.Column{Metric: metric.MeterPowerWatts, Form: metric.Float, First: 0, Count: 1},
		metric.Column{Metric: metric.CounterEpoch, Form: metric.Int, Point: metric.EpochPoint(metric.MeterEnergyJoules, 0), First: 0, Count: 1})
	return l
}

// An agent that has lost what it knew of a meter, or that takes it over, shows
// the register whole: what it counted before anybody knew of it, and what was
// counted already under another name, is not energy of the gap.
func TestARegisterOfAStrangerIsNotBookedWhole(t *testing.T) {
	const mwh = 3_600_000_000_000 // mJ
	const tick = 10 * second
	for situation, tc := range map[string]struct {
		before, shows int64 // of the register as it was first read, and as the stranger reads it
		last          int64 // in the epoch that was booked last
		epoch         int64 // that of last; the stranger's is 1
	}{
		"its life was a later one of a changed device":       {500 * mwh, 20 * mwh, 0, 2},
		"its count went on from the device before":           {500 * mwh, 20 * mwh, 500 * mwh, 1},
		"its register is as small as what was counted of it": {0, mwh / 100, mwh / 200, 2},
	} {
		t.Run(situation, func(t *testing.T) {
			s := account.NewState(account.Config{})
			a := newEmitter(t, s, "a", drawing("m"))
			const power, each = 10_000, 10_000 * 1000 * 10
			at := noon
			for i := range int64(6) {
				a.send(at, tc.before+i*each, watts(power), 1)
				at += tick
			}
			for i := range int64(90) {
				a.send(at, tc.last+i*each, watts(power), tc.epoch)
				at += tick
			}
			was, also := booked(s, "it_input-m")
			b := newEmitter(t, s, "b", drawing("m"))
			at += 2 * 60 * second
			from := at
			for i := range int64(7) {
				b.send(at, tc.shows+i*each, watts(power), 1)
				at += tick
			}
			counted, estimated := booked(s, "it_input-m")
			more, most := int64(counted+estimated-was-also), (at-from+3*60*second)*power
			if more > most || more < most/3 {
				t.Errorf("%d mJ are booked of %d mJ at most, %d of them estimated", more, most, int64(estimated-also))
			}
			checkBooks(t, s)
		})
	}
}

// One that began while nobody read it is booked as far as what flows allows.
func TestARegisterThatBeganWhileNobodyReadItIsBooked(t *testing.T) {
	s := account.NewState(account.Config{})
	a := newEmitter(t, s, "a", drawing("m"))
	const power, each = 10_000, 10_000 * 1000 * 10
	for i := range int64(6) {
		a.send(noon+i*10*second, 1e15+i*each, watts(power), 1)
	}
	was, _ := booked(s, "it_input-m")
	a.send(noon+hour, 2*1800*power*1000, watts(power), 2)
	if counted, _ := booked(s, "it_input-m"); counted-was != 2*1800*power*1000 {
		t.Errorf("%d mJ are booked", counted-was)
	}
	checkBooks(t, s)
}
