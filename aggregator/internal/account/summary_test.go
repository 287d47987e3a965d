package account_test

import (
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

func TestWhereITIsMeteredIsAsStated(t *testing.T) {
	var d account.Digest
	d.Expected[account.UPSOutput], d.Expected[account.PDUOutput] = hour, 2*hour
	var c account.Category
	c.Add(&d)
	total := func(q account.Quantity) account.Wide {
		return map[account.Quantity]account.Wide{account.UPSOutput: {Lo: 40}, account.PDUOutput: {Lo: 95}}[q]
	}
	for name, tc := range map[string]struct {
		stated, category int
		by               account.Level
		best             int
	}{
		"nothing is stated":               {0, 1, account.BySite, 2},
		"the UPS feeds a part":            {2, 2, account.BySite, 2},
		"the UPS feeds all":               {1, 1, account.BySite, 1},
		"a rack knows of no UPS":          {1, 1, account.ByRack, 2},
		"none of what is stated is there": {3, 1, account.BySite, 2},
	} {
		b := basis(t, account.Terms{Category: tc.stated})
		if got := b.Best(&c, tc.by); got != tc.best {
			t.Errorf("%s: category %d, want %d", name, got, tc.best)
		}
		if _, got, ok := b.Inside(metric.IT, account.Wide{}, total); !ok || got != tc.category {
			t.Errorf("%s: a life of category %d, want %d", name, got, tc.category)
		}
	}
}
