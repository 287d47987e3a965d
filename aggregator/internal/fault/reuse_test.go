package fault

import (
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/sim"
)

// TestARecordThatHasTheNumberOfOneThatAPowerCutTookIsBooked lets the power of an agent go between the
// sending of a record and its sync: the next has its number, and is the last before a board begins anew.
func TestARecordThatHasTheNumberOfOneThatAPowerCutTookIsBooked(t *testing.T) {
	again := 0
	for seed := range uint64(12) {
		virtual(t, func(t *testing.T) {
			r := newRun(t, options{Seed: seed, Hosts: 1, GPUs: 1, Interval: 10 * time.Second, Hours: 1})
			r.lane = newLane()
			defer func() {
				if r.reading != nil {
					r.kill(false)
				}
			}()
			for range 10 {
				r.live()
			}
			c := r.collectors[0]
			time.Sleep(r.o.Interval)
			r.step++
			r.world.Step(time.Now())
			c.step()
			r.aggregate()
			sent := c.newest
			c.stop(3, true)
			for range 2 {
				r.live()
			}
			// It is healed, and counts anew, from the second reading on.
			if !r.world.Break(sim.UncorrectedECC, 0, 0, time.Millisecond) {
				t.Fatal("no board begins anew")
			}
			r.live()
			if c.began < sent && c.newest == c.began+1 {
				again++
			}
			low := c.oracle.low[0]
			r.live()
			if c.oracle.low[0].began != low.began+1 {
				t.Error("the board has not begun anew")
			}
			for range 20 {
				r.live()
			}
			r.heal()
		})
	}
	if again == 0 {
		t.Error("no number was used again")
	}
}
