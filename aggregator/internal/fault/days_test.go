package fault

import (
	"fmt"
	"testing"
	"time"
)

// TestAllOfItForThreeDays runs a site for three days under every fault there is, which the seeds draw
// for hours: half of them with clocks that are wrong, half with counters that are read wrongly.
// FAULT_DAYS=n runs n such sites from FAULT_FROM on.
func TestAllOfItForThreeDays(t *testing.T) {
	const hours = 72
	began := time.Now()
	var sites together
	t.Run("all", func(t *testing.T) {
		from := number("FAULT_FROM", 1)
		for n := range number("FAULT_DAYS", 2) {
			t.Run(fmt.Sprintf("seed %d", from+n), func(t *testing.T) {
				t.Parallel()
				sites.survives(t, all(from+n, hours))
			})
		}
	})
	t.Log(summary(sites.run, &sites.sum, time.Since(began)))
	for k := range kinds {
		if sites.sum.Injected[k.String()] == 0 && number("FAULT_DAYS", 2) > 1 {
			t.Errorf("%s: it never happened", k)
		}
	}
	injected := 0
	for _, n := range sites.sum.Injected {
		injected += n
	}
	t.Logf(`soak: {"row":27,"injected":%d,"seeds":%d,"mj":%d}`, injected, sites.run, sites.sum.difference)
}
