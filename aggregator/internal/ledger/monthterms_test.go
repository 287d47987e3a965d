package ledger

import (
	"fmt"
	"strings"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// terms are what the operator of the month's plant states.
func (m *month) terms() account.Terms {
	bar := []string{gridA, gridB, solar, diesel}
	meter := func(name string, parents ...string) account.Meter {
		return account.Meter{Name: name, Quantity: quantityOf(name), Parents: parents}
	}
	backup, gen, back, fresh, reused, shop := meter(gridA2), meter(diesel), meter(heatBack), meter(mains), meter(rain), meter(office, bar...)
	backup.Backup, gen.Fuel = gridA, "diesel"
	back.Less, shop.Less = true, true
	fresh.Scope, reused.Scope = account.Fresh, account.Reused
	var wind []account.Volume // 100 kWh in each of some hours
	for i := 0; i < m.quarters; i += 4 {
		if m.blows(i) {
			wind = append(wind, account.Volume{From: m.ms(i), To: m.ms(i + 4), Millijoules: 100 * kWhMJ})
		}
	}
	return account.Terms{
		Location: m.zone, Zone: "BE", WaterCategory: 2, HeatSelfUse: 50_000,
		Meters: []account.Meter{meter(gridA), backup, meter(gridB), meter(solar), gen, meter(export, bar...), meter(ups1, bar...), meter(ups2, bar...),
			meter(cooling, bar...), shop, meter(heatOut), back, fresh, reused},
		Parts:     []account.Part{{Name: "east", Supply: []string{ups2, cooling}, IT: []string{ups2}}},
		Fuels:     []account.Fuel{{Name: "diesel", Milligrams: 820_000}},
		Residuals: []account.Residual{{Year: m.year, Milligrams: 420_000}},
		Contracts: []account.Contract{
			{Name: "wind", Kind: account.PPA, Milligrams: 11_000, Renewable: true, CarbonFree: true, Volumes: wind},
			{Name: "certificates", Kind: account.GuaranteeOrigin, Renewable: true, Volumes: []account.Volume{{From: m.from, To: m.to, Millijoules: 200_000 * kWhMJ}}},
		},
		Tariffs: []account.Tariff{{
			Name: "flat and spot", Currency: "EUR", Fixed: 90_000, SpotShare: 400_000, SpotAdder: 3_000, GridFee: 9_000, Tax: 20_500, Capacity: 10_000_000, CO2: 55_000,
			Bands: []account.Band{{Name: "day", Days: 0b0111110, From: 7 * 60, To: 22 * 60, Price: 24_000}},
		}},
	}
}

// blows reports whether the wind of the agreement does in quarter i.
func (m *month) blows(i int) bool { h := m.time(i).Hour(); return h >= 10 && h < 15 }

// settledWh is what the settlement says of quarter i of grid-b.
func (m *month) settledWh(i int) uint64 {
	more := uint64(3000)
	if m.seed != 0 {
		more = uint64(i % 7 * 555)
	}
	return m.truth[gridB][i]*1000/kWhMJ + more
}

// settlement is the grid operator's file.
func (m *month) settlement() string {
	var b strings.Builder
	b.WriteString("Lastgang DE0001;;\r\nDatum;Uhrzeit;Verbrauch [kWh]\r\n")
	for i := m.settled.from; i < m.settled.to; i++ {
		at, wh := m.time(i), m.settledWh(i)
		fmt.Fprintf(&b, "%s;%s;%d,%03d\r\n", at.Format("02.01.2006"), at.Format("15:04"), wh/1000, wh%1000)
	}
	return b.String()
}

// prior is an hour of what the grid operator said before, in another file.
func (m *month) prior() account.Import {
	i := account.Import{ID: "prior", Quality: metric.Corrected}
	for n := m.settled.from; n < m.settled.from+4; n++ {
		i.Readings = append(i.Readings, account.Reading{Meter: gridB, Metric: metric.MeterEnergyJoules, From: m.ms(n), To: m.ms(n + 1), Amount: priorMJ})
	}
	return i
}

const priorMJ = 77 * kWhMJ

// revision is the provider's last word on what differs from its first, or was not
// heard.
func (m *month) revision(k account.GridKind, fetched int64) account.Revision {
	r := account.Revision{Kind: k, Zone: "BE", Provider: "entsoe", Tier: "1", Set: "final", Reason: "metered"}
	of := 0
	if k == account.Price {
		of = 1
	}
	for i := range m.quarters {
		if m.anew(of, i) {
			r.Intervals = append(r.Intervals, account.Interval{From: m.ms(i), To: m.ms(i + 1), Value: float64(m.final[of][i]) / 1000, Fetched: fetched})
		}
	}
	return r
}

// anew reports whether the provider's last word on quarter i is another than its
// first; of is 0 for carbon and 1 for prices.
func (m *month) anew(of, i int) bool {
	return of == 0 && m.revised.has(i) || m.silent[0].has(i) || m.silent[1].has(i)
}

// invoice is that of the rain water.
func (m *month) invoice() account.Import {
	return account.Import{ID: "rain", Reason: "invoice", Quality: metric.Manual,
		Readings: []account.Reading{{Meter: rain, Metric: metric.MeterWater, From: m.from, To: m.to, Amount: rainML}}}
}
