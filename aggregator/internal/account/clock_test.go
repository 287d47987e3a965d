package account_test

import (
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
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
