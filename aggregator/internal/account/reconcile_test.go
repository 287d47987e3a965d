package account

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// In whichever order rows come, all machines drew as much, and the same are told as
// not known: the first by name.
func TestTheOrderOfRowsChangesNothing(t *testing.T) {
	var rows []ReconciledRow
	for i := range 40 {
		for part := range 2 { // a host whose row was cut in two
			rows = append(rows, ReconciledRow{
				Device: &Device{Kind: metric.Host, Name: fmt.Sprintf("n%02d", i)}, Place: &Place{Rack: "r1", Host: fmt.Sprintf("n%02d", i)},
				Row: Row{Amount: uint64(1000*i + part), Covered: uint32(i%2) * 1000, Expected: 1000},
			})
		}
	}
	compare := cmp.AllowUnexported(Machines{}, side{})
	want := MachinesOf(rows)
	if d := cmp.Diff(side{mj: 1560040, count: 40, missing: []string{"n00", "n02", "n04", "n06", "n08", "n10", "n12", "n14", "n16", "n18"}}, want.hosts, compare); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	seed := rand.Uint64()
	t.Logf("seed: %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 10 {
		r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		if d := cmp.Diff(want, MachinesOf(rows), compare); d != "" {
			t.Fatalf("(-in order +shuffled):\n%s", d)
		}
	}
}
