package ledger

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// While a meter says nothing no answer says that there is none of its role, nor
// gives a figure without a reason; whether a file names it or not.
func TestAMeterThatIsSilentIsNamed(t *testing.T) {
	for name, stated := range map[string][]account.Meter{
		"no file": nil,
		"a file": {
			{Name: "grid_input-a", Quantity: account.GridInput}, {Name: "grid_input-b", Quantity: account.GridInput}, {Name: "ups_output", Quantity: account.UPSOutput},
		},
	} {
		p := newPlant(t, newMemory(rand.New(rand.NewPCG(1, 1))), start, 60*second, "grid_input-a", "grid_input-b", "ups_output")
		if _, err := p.b.SetTerms("s1", account.Terms{Meters: stated}); err != nil {
			t.Fatal(err)
		}
		first := start - start%hourMs
		p.now = first
		kw := map[string]uint64{"grid_input-a": 70, "grid_input-b": 50, "ups_output": 100}
		p.run(20*time.Minute, kw)
		p.silent = map[string]bool{"grid_input-b": true}
		look := func(when string, from, to int64, names ...string) {
			t.Helper()
			for _, n := range []string{"pue", "carbon_location", "ref"} {
				k := p.kpi(n, from, to)
				if k.Value == nil && strings.Contains(k.Reason, "none has role") {
					t.Errorf("%s, %s, %s: %q", name, when, n, k.Reason)
				}
				if n == "pue" && k.Value == nil {
					for _, x := range names {
						if !strings.Contains(k.Reason, x) {
							t.Errorf("%s, %s: %q does not name %s", name, when, k.Reason, x)
						}
					}
				}
			}
			for b := metric.Facility; b <= metric.IT; b++ {
				lines, err := p.b.Energy(account.Question{Site: "s1", Boundary: b, From: from - from%hourMs, To: to + (hourMs-to%hourMs)%hourMs})
				if err != nil {
					t.Fatal(err)
				}
				if l := lines[0]; strings.Contains(l.Reason, "none has role") || l.Reason == "" && l.Energy.IsZero() {
					t.Errorf("%s, %s, %s: %+v", name, when, b, l)
				}
			}
		}
		for n := range 110 {
			p.run(time.Minute, kw)
			if n > 1 && n%7 == 0 || n > 35 && n < 45 {
				look("while it is silent", p.now-60*second, p.now, "grid_input-b")
				look("since it is", first+21*60*second, p.now+60*second, "grid_input-b")
				look("in the next hour", p.now-p.now%hourMs+hourMs, p.now-p.now%hourMs+2*hourMs, "grid_input-a", "grid_input-b")
			}
		}
		p.settle()
		look("before the ledger began", first-5*hourMs, first-4*hourMs, "grid_input-a", "grid_input-b")
		look("since it was sealed", first+hourMs, first+90*60*second, "grid_input-b")
	}
}
