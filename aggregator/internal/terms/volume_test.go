package terms_test

import (
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
)

// An agreement without an end is one of every year to come: together they are more
// than 64 bits of millijoules hold, and each is not.
func TestALargeAgreementWithoutAnEndIsTaken(t *testing.T) {
	x := of(t, "contracts:\n  ppa:\n    - {name: parks, technology: wind_onshore, volume: 700 GWh, not_retired: 70 GWh, guarantees_retired: true, evidence: contract, first_day: 2026-07-01}\n")
	if _, err := account.NewBasis(x); err != nil {
		t.Fatal(err)
	}
	const perGWh = 3_600_000_000_000_000
	c := x.Contracts[0]
	if len(c.Volumes) != 75 || c.Volumes[1].Millijoules != 700*perGWh || c.Volumes[1].Unretired != 70*perGWh {
		t.Errorf("%d volumes, the second %+v", len(c.Volumes), c.Volumes[1])
	}
	half := float64(c.Volumes[0].Millijoules) / (700 * perGWh)
	if half < 0.503 || half > 0.505 || float64(c.Volumes[0].Unretired)/float64(c.Volumes[0].Millijoules) > 0.1000001 {
		t.Errorf("half a year is %v of one: %+v", half, c.Volumes[0])
	}
}
