package account_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// An agent that names ever more things is refused, and what is known stays.
func TestMoreThingsThanAreKept(t *testing.T) {
	for name, tc := range map[string]struct {
		c      account.Config
		layout func(i int) *metric.Layout
	}{
		"accounts": {account.Config{Accounts: 20}, func(i int) *metric.Layout { return board("n1", "GPU-1", fmt.Sprint("GPU-x", i)) }},
		"places": {account.Config{Places: 20}, func(i int) *metric.Layout {
			l := board("n1", "GPU-1")
			l.Entities[0].Name = fmt.Sprint("h", i) // its hall is renamed again and again
			return l
		}},
		"models": {account.Config{Traits: 20}, func(i int) *metric.Layout {
			l := board("n1", "GPU-1")
			l.Entities[3].Labels = []metric.Pair{{Name: "gpu", Value: "0"}, {Name: "model", Value: fmt.Sprint("model", i)}}
			return l
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := account.NewState(tc.c)
			e := newEmitter(t, s, "n1", tc.layout(0))
			refused := 0
			for i := range 60 {
				e.layout = tc.layout(i)
				v := make([]int64, e.layout.Width())
				v[0] = int64(i) * 1000
				alarms := kinds(e.send(noon+int64(i)*10*second, v...))
				if slices.Contains(alarms, account.Full) {
					refused++
				}
			}
			if refused < 35 {
				t.Errorf("refused %d times", refused)
			}
			if counted, _ := booked(s, "GPU-1"); counted != 59_000 {
				t.Errorf("the board that was known is booked %d mJ", counted)
			}
			before := len(s.Append(nil))
			for i := range 100 {
				e.layout = tc.layout(60 + i)
				e.send(noon+int64(60+i)*10*second, make([]int64, e.layout.Width())...)
			}
			if after := len(s.Append(nil)); after > before+500 { // an hour that begins
				t.Errorf("the state grew from %d to %d bytes", before, after)
			}
			if _, err := account.Decode(s.Append(nil), tc.c); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("places of new boards", func(t *testing.T) {
		s := account.NewState(account.Config{Places: 2})
		for i := range 3 {
			e := newEmitter(t, s, fmt.Sprint("n", i), board(fmt.Sprint("n", i), fmt.Sprint("GPU-", i)))
			if got := slices.Contains(kinds(e.send(noon, 1, watts(1), 1)), account.Full); got != (i == 2) {
				t.Errorf("host %d is refused: %t", i, got)
			}
		}
	})
}
