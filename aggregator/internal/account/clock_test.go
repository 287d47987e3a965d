package account_test

import (
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A board at exactly 100 W under an agent whose clocks do what they do: the total
// is exact whatever happens, and the hours are as right as the case allows.
func TestTotalsAreExactWhenTheWallClock(t *testing.T) {
	const minutes = 20
	for name, tc := range map[string]struct {
		skew  func(i int64) int64 // ms, of record i
		boot  bool                // the boot clock is known
		delay func(i int64) int64 // ms from reading to arrival
		off   int64               // mJ that may lie in the wrong hour
		flags bool
	}{
		"is right":                         {skew: func(int64) int64 { return 0 }, boot: true},
		"is right and the only one":        {skew: func(int64) int64 { return 0 }},
		"is right and records come late":   {skew: func(int64) int64 { return 0 }, boot: true, delay: func(i int64) int64 { return 7200*second - i*5*second }},
		"drifts":                           {skew: func(i int64) int64 { return i * 5 }, boot: true, off: 100_000 * 2},
		"is set forward by an hour":        {skew: func(i int64) int64 { return 3600 * second * (i / 60) }, boot: true, flags: true},
		"is set back by an hour":           {skew: func(i int64) int64 { return -3600 * second * (i / 60) }, boot: true, flags: true},
		"is set back by an hour, alone":    {skew: func(i int64) int64 { return -3600 * second * (i / 60) }, flags: true},
		"is set forward by an hour, alone": {skew: func(i int64) int64 { return 3600 * second * (i / 60) }, flags: true},
		"is set right after a wrong start": {skew: func(i int64) int64 { return 3600 * second * (i/60 - 1) }, boot: true, flags: true, off: 59 * 1e6},
		"stands in the year 2000":          {skew: func(i int64) int64 { return -800_000_000 * second }, boot: true, flags: true},
		"is an hour ahead for good":        {skew: func(i int64) int64 { return 3600 * second }, boot: true, flags: true},
		"is an hour behind for good":       {skew: func(i int64) int64 { return -3600 * second }, boot: true, flags: true, off: 30 * 1e6},
		"jumps about":                      {skew: func(i int64) int64 { return (i * 7919 % 13) * 600 * second }, boot: true, flags: true, off: 1e6},
	} {
		t.Run(name, func(t *testing.T) {
			s := account.NewState(account.Config{})
			e := newEmitter(t, s, "n1", board("n1", "GPU-1"))
			start := noon - minutes*60*second/2
			if tc.boot {
				e.boot = start - 1000*second
			}
			flagged := false
			for i := range int64(minutes*6 + 1) {
				e.skew = tc.skew(i)
				if tc.delay != nil {
					e.delay = tc.delay(i)
				}
				flagged = len(e.send(start+i*10*second, i*1e6, watts(100), 1)) > 0 || flagged
			}
			if counted, _ := booked(s, "GPU-1"); counted != minutes*6*1e6 {
				t.Errorf("booked %d mJ, want %d", counted, int64(minutes*6*1e6))
			}
			if flagged != tc.flags {
				t.Errorf("flagged is %t", flagged)
			}
			var before uint64
			for _, r := range rows(s, noon/hour-1, "GPU-1") {
				before += r.Amount
			}
			if d := int64(before) - minutes*3*1e6; max(d, -d) > tc.off {
				t.Errorf("%d mJ lie in the wrong hour, at most %d may", d, tc.off)
			}
		})
	}
}

// An agent was cut off, and all that it sends when it is back arrives at once: where its clocks
// do not say when it was read, what was drawn is booked even so.
func TestABacklogIsBookedWholeWhen(t *testing.T) {
	const silent = 20 * 60 * second // from the middle on
	for name, tc := range map[string]struct {
		year2000 bool
		boots    func(i int64) int64 // ms before the first record at which it booted; 0: unknown
	}{
		"its wall clock stands in the year 2000": {true, func(int64) int64 { return 1000 * second }},
		"and it boots in the middle": {true, func(i int64) int64 {
			if i < 60 {
				return 1000 * second
			}
			return -600*second - silent
		}},
		"it has the wall clock alone, which is set right in the middle": {true, func(i int64) int64 { return 0 }},
		"its boot clock is lost in the middle": {false, func(i int64) int64 {
			if i < 60 {
				return 1000 * second
			}
			return 0
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := account.NewState(account.Config{})
			e := newEmitter(t, s, "n1", board("n1", "GPU-1"))
			for i := range int64(121) {
				at := noon + i*10*second
				if i >= 60 {
					at += silent
				}
				if e.boot = 0; tc.boots(i) != 0 {
					e.boot = noon - tc.boots(i)
				}
				e.skew = 0
				if tc.year2000 && (i < 60 || e.boot != 0) {
					e.skew = -800_000_000 * second
				}
				e.delay = noon + 7200*second - at
				e.send(at, (at-noon)*100, watts(100), 1)
			}
			if counted, _ := booked(s, "GPU-1"); int64(counted) != 100*(1200*second+silent) {
				t.Errorf("booked %d mJ, want %d", counted, 100*(1200*second+silent))
			}
		})
	}
}

// Where no clock ran between two readings, the numbers of the records tell how long it
// may have been, and of an agent that counts from one again they tell nothing.
func TestWithoutAClockRecordsAreOne(t *testing.T) {
	for name, tc := range map[string]struct {
		anew    bool   // the agent's numbers begin again
		records uint64 // until it is read again
		leaps   int64  // mJ
		want    uint64
	}{
		"what two records may have drawn":              {records: 2, leaps: 20e6, want: 20e6},
		"what ten may not":                             {records: 10, leaps: 4e9},
		"a register that leaps as the numbers do":      {anew: true, records: 1, leaps: 200e9},
		"and one that leaps by what a record may draw": {anew: true, records: 1, leaps: 2e6, want: 2e6},
	} {
		t.Run(name, func(t *testing.T) {
			s := account.NewState(account.Config{})
			e := newEmitter(t, s, "n1", board("n1", "GPU-1"))
			const read = 100
			for i := range int64(read) { // a backlog: all of it arrives at once, with a clock that is ahead
				e.delay = noon - (noon + i*10*second)
				e.skew = 3600 * second
				e.send(noon+i*10*second, 5e9+i, watts(0), 1)
			}
			if tc.anew {
				e.incarnation, e.sequence, e.flags = 2, 0, metric.Fresh
			}
			e.sequence += tc.records - 1
			at := noon + read*10*second
			e.delay, e.skew = noon-at, -29*365*24*3600*second
			b := e.batch(at, 5e9+read-1+tc.leaps, watts(0), 1)
			if tc.records > 1 {
				g := *b
				g.Flags, g.Sequence, g.Skipped, g.Layout, g.Values = metric.Gap, b.Sequence-1, tc.records-1, &metric.Layout{}, nil
				if o := s.Apply(&g, noon); o.Verdict != account.Accepted {
					t.Fatalf("%v, %s", o.Verdict, o.Reason)
				}
			}
			if o := s.Apply(b, noon); o.Verdict != account.Accepted {
				t.Fatalf("%v, %s", o.Verdict, o.Reason)
			}
			if counted, _ := booked(s, "GPU-1"); counted != tc.want+read-1 {
				t.Errorf("booked %d mJ, want %d", counted, tc.want+read-1)
			}
		})
	}
}
