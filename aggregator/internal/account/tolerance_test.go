package account_test

import (
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
)

// Two meters feed 100 kWh, together, and one below them shows 95.
func TestWhatMayLackIsAsStated(t *testing.T) {
	s := stretch{meters: map[string][]uint64{"distribution-a": energies(60), "distribution-b": energies(40), "ups_output": energies(95)}}
	for name, tc := range map[string]struct {
		a, b      [2]float64
		low, high float64
		finding   account.Finding
	}{
		"nothing is stated":                {low: -0.02, high: 0.02, finding: account.Lacking},
		"of one of them":                   {a: [2]float64{-0.01, 0.06}, low: -0.01, high: 0.06, finding: account.Balanced},
		"of both: the wider counts":        {a: [2]float64{-0.01, 0.03}, b: [2]float64{-0.04, 0.02}, low: -0.04, high: 0.03, finding: account.Lacking},
		"losses that there must be":        {b: [2]float64{0.01, 0.06}, low: 0.01, high: 0.06, finding: account.Balanced},
		"more losses than there are":       {b: [2]float64{0.06, 0.08}, low: 0.06, high: 0.08, finding: account.Exceeds},
		"what lies below shows more of it": {a: [2]float64{-0.08, -0.01}, low: -0.08, high: -0.01, finding: account.Lacking},
	} {
		up := func(n string, x [2]float64) account.Meter {
			m := meter(n)
			m.Low, m.High = x[0], x[1]
			return m
		}
		b := basis(t, account.Terms{Meters: []account.Meter{up("distribution-a", tc.a), up("distribution-b", tc.b), meter("ups_output", "distribution-a", "distribution-b")}})
		r := account.NewReconciliation(b, noon, noon+hour, noon+hour, 1, []account.Stage{account.StageMeter})
		sheet := s.sheet(b, 0)
		r.Add(b.Resolve(sheet, noon+hour, false), sheet, nil, nil)
		gaps := r.Gaps()
		if len(gaps) != 1 || gaps[0].Low != tc.low || gaps[0].High != tc.high || gaps[0].Finding != tc.finding {
			t.Errorf("%s: %+v", name, gaps)
		}
	}
}
