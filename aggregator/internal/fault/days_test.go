package fault

import "testing"

// TestAllOfItForThreeDays runs a site for three days under every fault there is, which the seeds draw
// for hours: half of them with clocks that are wrong, half with counters that are read wrongly.
// FAULT_DAYS=n runs n such sites from FAULT_FROM on.
func TestAllOfItForThreeDays(t *testing.T) {
	var seeds []uint64
	from, sites := number("FAULT_FROM", 1), number("FAULT_DAYS", 2)
	for n := range sites {
		seeds = append(seeds, from+n)
	}
	var all together
	all.survive(t, seeds, everything)
	injected := 0
	for k := range kinds {
		n := all.sum.Injected[k.String()]
		if n == 0 && sites > 1 {
			t.Errorf("%s: it never happened", k)
		}
		injected += n
	}
	t.Logf(`soak: {"row":27,"injected":%d,"seeds":%d,"mj":%d}`, injected, all.run, all.sum.difference)
}
