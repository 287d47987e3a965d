package account

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// Components of a cost, in the order in which they are shown.
const (
	costEnergy = iota
	costGridFee
	costCapacity
	costTax
	costCO2
	components
)

var componentNames = [components]string{"energy", "grid_fee", "capacity", "tax", "co2"}

// bill is what the grid's energy costs. Sums are billionths of the currency.
type bill struct {
	sum     [components]int64 // over the cells in which all of them are known
	own     [components]int64 // over those in which the one is
	known   [components]int64 // minutes of these
	peaks   map[month]uint64  // mJ of the highest quarter of an hour
	rising  int64             // quarter that is being added up from its minutes
	drawn   uint64            // of it
	minutes int64             // likewise
	lacking int64             // minutes without a tariff
	cut     bool              // a month with a capacity charge is not whole
}

// A month is one of the site's calendar.
type month struct {
	year  int
	month time.Month
}

// billionths is mj at a price in millionths for a kWh.
func billionths(mj uint64, price int64) int64 {
	v, negative := uint64(price), price < 0
	if negative {
		v = -v
	}
	q, _ := product(mj, v).over(metric.MillijoulesPerKWh / 1000)
	if negative {
		return -int64(q)
	}
	return int64(q)
}

// add adds a cell; false if not all that it costs is known.
func (x *bill) add(b *Basis, c *cell) bool {
	t := b.tariff(c.from)
	if t == nil {
		x.lacking += c.minutes
		return false
	}
	mj, at := c.amount[GridInput], time.UnixMilli(c.from).In(b.Location)
	var v [components]int64
	known := [components]bool{true, true, true, true, true}
	part, _ := share(mj, uint64(t.SpotShare), whole)
	v[costEnergy] = billionths(mj-part, t.Fixed)
	if t.SpotShare > 0 {
		known[costEnergy] = c.knows(itemSpot)
		v[costEnergy] += billionths(part, t.SpotAdder) + int64(float64(int64(c.amount[itemSpot]))*float64(t.SpotShare)/whole)
	}
	fee, priced := t.gridFee(at)
	v[costGridFee], known[costGridFee] = billionths(mj, fee), priced
	v[costTax] = billionths(mj, t.Tax)
	if t.CO2 != 0 {
		known[costCO2] = !c.has(itemFuel) || c.knows(itemFuel)
		q, _ := product(c.amount[itemFuel], uint64(abs(t.CO2))).over(1_000_000) // µg × millionths for a kg
		if v[costCO2] = int64(q); t.CO2 < 0 {
			v[costCO2] = -v[costCO2]
		}
	}
	all := true
	for i := range components {
		if known[i] {
			x.own[i] += v[i]
			x.known[i] += c.minutes
		}
		all = all && known[i]
	}
	x.peak(b, c, at)
	if !all {
		return false
	}
	for i := range components {
		x.sum[i] += v[i]
	}
	return true
}

// peak looks for the highest quarter of an hour of a month.
func (x *bill) peak(b *Basis, c *cell, at time.Time) {
	if q := c.from / quarter; q != x.rising {
		x.rising, x.drawn, x.minutes = q, 0, 0
	}
	x.drawn += c.amount[GridInput]
	if x.minutes += c.minutes; x.minutes < 15 {
		return
	}
	if x.peaks == nil {
		x.peaks = map[month]uint64{}
	}
	m := month{at.Year(), at.Month()}
	x.peaks[m] = max(x.peaks[m], x.drawn)
}

// capacity is the charge for the peaks of the months that lie in the period.
func (x *bill) capacity(b *Basis, q *KPIQuestion) (sum int64, charged bool) {
	for _, m := range slices.SortedFunc(maps.Keys(x.peaks), func(a, b month) int { return (a.year-b.year)*12 + int(a.month-b.month) }) {
		from := time.Date(m.year, m.month, 1, 0, 0, 0, 0, b.Location)
		to := from.AddDate(0, 1, 0)
		t := b.tariff(max(from.UnixMilli(), q.From))
		if t == nil || t.Capacity == 0 {
			continue
		}
		if charged = true; from.UnixMilli() < q.From || to.UnixMilli() > q.To {
			x.cut = true
			continue
		}
		// mJ in a quarter of an hour to kW: 900 s, 10^6 mJ to the kJ.
		n, _ := product(x.peaks[m], uint64(abs(t.Capacity))).over(900_000) // billionths
		if t.Capacity < 0 {
			sum -= int64(n)
		} else {
			sum += int64(n)
		}
	}
	return sum, charged
}

// components lists what the cost consists of: over the time in which all of it is
// known, or where that is not enough each over its own.
func (f *figures) components(k *KPI, together bool) {
	if f.formula.name != "cost" {
		return
	}
	x := &f.bill
	sum, charged := x.capacity(f.b, f.q)
	for i, name := range componentNames {
		c := Component{Name: name}
		v := float64(x.own[i]) / 1e9
		switch {
		case i == costCapacity && x.cut:
			c.Reason = "charged by the whole month; ask for whole months"
		case i == costCapacity && !charged:
			v = 0
			c.Value = &v
		case i == costCapacity:
			v = float64(sum) / 1e9
			c.Value = &v
		case together:
			v = float64(x.sum[i]) / 1e9
			c.Value = &v
		case f.over == 0 || float64(x.known[i]) < f.b.enough(f.q)*float64(f.over):
			c.Reason = fmt.Sprintf("known for %d of %d minutes", x.known[i], f.over)
		default:
			c.Value = &v
		}
		k.Components = append(k.Components, c)
	}
}

// unpriced says for how long no tariff holds.
func (f *figures) unpriced() string {
	if f.bill.lacking > 0 {
		return fmt.Sprintf("; no tariff holds for %d of them", f.bill.lacking)
	}
	return ""
}
