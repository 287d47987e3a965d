package account

import (
	"cmp"
	"slices"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// quarters are what a row of a meter holds, by the quarter of its hour: markets
// and settlements are kept by it, and so is whose word counts where a feed has
// two meters, or a reading was corrected.
type quarters [4]slot

const quarter = 15 * minute

// quartersOf are those of a row, made if need be.
func (h *openHour) quartersOf(row uint32) *quarters {
	q := h.quarters[row]
	if q == nil {
		if h.quarters == nil {
			h.quarters = map[uint32]*quarters{}
		}
		q = new(quarters)
		h.quarters[row] = q
	}
	return q
}

// A MeterRow is what one register of a meter counted in an hour, in one quality,
// by the quarter. Amounts and times are modulo 2^64 and 2^32 in a restatement.
type MeterRow struct {
	Name     string
	Metric   metric.Number
	Point    uint32
	Quantity Quantity
	Quality  metric.Quality
	Amount   [4]uint64 // mJ or mL
	Covered  [4]uint32 // ms
	Expected [4]uint32 // ms; on one row of a register
}

// Compare orders rows by register, then by quality.
func (r *MeterRow) Compare(o *MeterRow) int {
	return cmp.Or(cmp.Compare(r.Name, o.Name), cmp.Compare(r.Metric, o.Metric), cmp.Compare(r.Point, o.Point), cmp.Compare(r.Quality, o.Quality))
}

// meterRows are the rows of meters of an open hour up to until: of every register
// that has any or is expected to.
func (s *site) meterRows(h *openHour, until int64) []MeterRow {
	if !h.quarterly {
		return nil
	}
	var out []MeterRow
	for n := range s.counters {
		c := &s.counters[n]
		if c.kind != metric.Meter {
			continue
		}
		from := len(out)
		for i := h.first(uint32(n)); i != 0; i = h.rows[i-1].next {
			qs := h.quarters[i-1]
			if qs == nil {
				continue
			}
			q := h.rows[i-1].mark.quality()
			at := from
			for at < len(out) && out[at].Quality != q { // it may have stood at two places
				at++
			}
			if at == len(out) {
				out = append(out, c.meterRow(q))
			}
			for k, t := range qs {
				out[at].Amount[k] += t.Amount
				out[at].Covered[k] += uint32(t.Covered)
			}
		}
		if h.late {
			continue
		}
		first, last := c.expected(h.number, until)
		if first >= last {
			continue
		}
		if from == len(out) {
			out = append(out, c.meterRow(metric.Measured))
		}
		for k := range int64(4) {
			start := h.number*hour + k*quarter
			out[from].Expected[k] = uint32(max(0, min(last, start+quarter)-max(first, start)))
		}
	}
	slices.SortFunc(out, func(a, b MeterRow) int { return a.Compare(&b) })
	return out
}

func (c *counter) meterRow(q metric.Quality) MeterRow {
	return MeterRow{Name: c.name, Metric: c.metric, Point: uint32(c.point), Quantity: c.quantity, Quality: q}
}

// differMeters adds to out what must be added to have to make it want.
func differMeters(want *Hour, have []*Hour, out *Hour) {
	type at struct {
		name   string
		metric metric.Number
		point  uint32
		q      metric.Quality
	}
	rows := map[at]MeterRow{}
	sum := func(h *Hour, sign uint64) {
		for i := range h.Meters {
			r := &h.Meters[i]
			k := at{r.Name, r.Metric, r.Point, r.Quality}
			x, ok := rows[k]
			if !ok {
				x = MeterRow{Name: r.Name, Metric: r.Metric, Point: r.Point, Quantity: r.Quantity, Quality: r.Quality}
			}
			for k := range x.Amount {
				x.Amount[k] += sign * r.Amount[k]
				x.Covered[k] += uint32(sign) * r.Covered[k]
				x.Expected[k] += uint32(sign) * r.Expected[k]
			}
			rows[k] = x
		}
	}
	sum(want, 1)
	for _, h := range have {
		if (len(h.Meters) == 0) != (len(want.Meters) == 0) && h.Summary.metered() {
			return // one of them was kept without quarters
		}
		sum(h, ^uint64(0)) // minus one
	}
	for _, r := range rows {
		if r.Amount != [4]uint64{} || r.Covered != [4]uint32{} || r.Expected != [4]uint32{} {
			out.Meters = append(out.Meters, r)
		}
	}
	slices.SortFunc(out.Meters, func(a, b MeterRow) int { return a.Compare(&b) })
}

// differWords adds to out what want says and have does not.
func differWords(want *Hour, have []*Hour, out *Hour) {
	var now, before wordTable
	now.put(want.Words)
	for _, h := range have {
		before.put(h.Words)
	}
	for k := range now {
		for m, w := range now[k] {
			if was := before[k][m]; w != nil && was != nil && w.alike(was) {
				now[k][m] = nil
			}
		}
	}
	out.Words = now.words()
}
