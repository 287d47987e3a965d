package ledger

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A backup that is taken out of the site's file, of hours that are sealed and of
// the one that is open.
func TestAMeterThatIsNotStatedAnyMoreCountsInNothing(t *testing.T) {
	d := newMemory(rand.New(rand.NewPCG(1, 1)))
	p := newPlant(t, d, start, 60*second, "grid_input-a", "grid_input-b", "ups_output", "pdu_output-x")
	first := start - start%hourMs
	p.now = first
	kw := map[string]uint64{"grid_input-a": 120, "grid_input-b": 121, "ups_output": 100, "pdu_output-x": 97}
	grid, ups, pdu := account.Meter{Name: "grid_input-a", Quantity: account.GridInput}, account.Meter{Name: "ups_output", Quantity: account.UPSOutput}, account.Meter{Name: "pdu_output-x", Quantity: account.PDUOutput}
	second := account.Meter{Name: "grid_input-b", Quantity: account.GridInput, Backup: "grid_input-a"}
	state := func(ms ...account.Meter) {
		t.Helper()
		if _, err := p.b.SetTerms("s1", account.Terms{Meters: ms}); err != nil {
			t.Fatal(err)
		}
	}
	state(grid, second, ups, pdu)
	p.run(2*time.Hour, kw)
	p.settle()
	p.run(30*time.Minute, kw)
	const kwh = uint64(metric.MillijoulesPerKWh)
	hold := func(when string, missing ...string) {
		t.Helper()
		if k := p.is("pue", first, first+2*hourMs, 1.2); k.Coverage != 1 || flagged(k, "unstated_meters") != (len(missing) > 0) {
			t.Errorf("%s: %+v", when, k)
		}
		lines, err := p.b.Energy(account.Question{Site: "s1", Boundary: metric.Facility, From: first, To: first + 6*hourMs})
		if err != nil {
			t.Fatal(err)
		}
		if mj, err := lines[0].Energy.Total(); err != nil || mj != 300*kwh || strings.Contains(lines[0].Note, "does not name") != (len(missing) > 0) {
			t.Errorf("%s: the facility drew %d mJ; %q", when, mj, lines[0].Note)
		}
		if life, _, ok := p.b.Life("s1", metric.Facility); !ok || life.Lo != 300*kwh {
			t.Errorf("%s: since the beginning %v", when, life)
		}
		gaps, err := p.b.Reconcile("s1", first, first+2*hourMs, []account.Stage{account.StageFacility})
		if err != nil || len(gaps) != 1 || gaps[0].Above.Lo != 240*kwh {
			t.Errorf("%s: %+v, %v", when, gaps, err)
		}
		if have := p.b.Unstated("s1"); !slices.Equal(have, missing) {
			t.Errorf("%s: %v are not stated, want %v", when, have, missing)
		}
	}
	hold("all are stated")
	state(grid, ups, pdu)
	hold("the backup is not", "grid_input-b")
	racks := func() account.Line {
		t.Helper()
		lines, err := p.b.Energy(account.Question{Site: "s1", By: account.ByRack, Boundary: metric.IT, From: first, To: first + 2*hourMs})
		if err != nil {
			t.Fatal(err)
		}
		return lines[0]
	}
	if mj, _ := racks().Energy.Total(); mj != 194*kwh {
		t.Errorf("racks drew %d mJ", mj)
	}
	state(grid, second, ups)
	if l := racks(); l.Reason == "" {
		t.Errorf("a PDU that is not stated counts: %+v", l)
	}
	state()
	if life, _, _ := p.b.Life("s1", metric.Facility); life.Lo != 602*kwh+kwh/2 || len(p.b.Unstated("s1")) != 0 {
		t.Errorf("nothing is stated: %v, %v", life, p.b.Unstated("s1"))
	}
}
