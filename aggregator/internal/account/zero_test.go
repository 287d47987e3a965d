package account_test

import (
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
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
