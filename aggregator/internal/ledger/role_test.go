package ledger

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A role that is set right counts for hours that were sealed long before and for
// the one that is open, in all answers, and no file of the books changes.
func TestARoleIsSetRightOfSealedAndOpenHours(t *testing.T) {
	d := newMemory(rand.New(rand.NewPCG(1, 1)))
	p := newPlant(t, d, start, 60*second, "grid_input-a", "grid_input-c", "distribution-ups")
	kw := map[string]uint64{"grid_input-a": 120, "grid_input-c": 15, "distribution-ups": 100}
	first := start - start%hourMs
	p.now = first
	p.run(2*time.Hour, kw)
	p.settle()
	sealed := lines(t, d, "")
	p.run(30*time.Minute, kw)
	energy := func(b metric.Boundary) account.Line {
		t.Helper()
		ls, err := p.b.Energy(account.Question{Site: "s1", Boundary: b, From: first, To: first + 6*hourMs})
		if err != nil {
			t.Fatal(err)
		}
		return ls[0]
	}
	if k := p.kpi("pue", first, first+2*hourMs); k.Value != nil || !strings.Contains(k.Reason, "no IT meter") {
		t.Fatalf("before: %+v", k)
	}
	hold, _, _ := p.b.Life("s1", metric.Facility)
	if _, err := p.b.SetTerms("s1", account.Terms{Meters: []account.Meter{
		{Name: "grid_input-a", Quantity: account.GridInput}, {Name: "grid_input-c", Quantity: account.Cooling, Parents: []string{"grid_input-a"}},
		{Name: "distribution-ups", Quantity: account.UPSOutput, Parents: []string{"grid_input-a"}},
	}}); err != nil {
		t.Fatal(err)
	}
	if k := p.is("pue", first, first+2*hourMs, 1.2); k.Coverage != 1 || !flagged(k, "role_corrected") || k.Terms == "" {
		t.Errorf("%+v", k)
	}
	if k := p.is("pue", first+3*hourMs, first+4*hourMs, 1.2); k.Coverage != 45.0/50 { // three quarters of the open hour
		t.Errorf("%+v", k)
	}
	const kwh = uint64(metric.MillijoulesPerKWh)
	for b, want := range map[metric.Boundary]uint64{metric.Facility: 300 * kwh, metric.IT: 250 * kwh} {
		l := energy(b)
		if got, err := l.Energy.Total(); err != nil || got != want || l.Note == "" {
			t.Errorf("%v is %d mJ, want %d; %q, %q", b, got, want, l.Note, l.Reason)
		}
		if life, category, ok := p.b.Life("s1", b); !ok || life.Lo != want || b == metric.IT && category != 1 {
			t.Errorf("since the beginning %v is %v mJ at %d, want %d", b, life, category, want)
		}
	}
	if now, _, _ := p.b.Life("s1", metric.Facility); now.Lo >= hold.Lo {
		t.Errorf("what a feed was thought to bring still counts: %v, before %v", now, hold)
	}
	gaps, err := p.b.Reconcile("s1", first, first+2*hourMs, []account.Stage{account.StageFacility, account.StageMeter})
	if err != nil || len(gaps) != 2 || gaps[0].Above.Lo != 240*kwh || gaps[0].Below.Lo != 230*kwh || gaps[1].Below.Lo != 230*kwh {
		t.Errorf("%+v, %v", gaps, err)
	}
	if now := lines(t, d, ""); !bytes.Equal([]byte(strings.Join(now[:len(sealed)], "\n")), []byte(strings.Join(sealed, "\n"))) {
		t.Errorf("the log has changed: %v, before %v", now, sealed)
	}
	if _, err := p.b.SetTerms("s1", account.Terms{}); err != nil {
		t.Fatal(err)
	}
	if life, _, _ := p.b.Life("s1", metric.Facility); life != hold {
		t.Errorf("nothing is stated, and it is %v, before %v", life, hold)
	}
}
