package ledger

import (
	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// quarterMs is a quarter of an hour.
const quarterMs = hourMs / 4

func appendWord(c columns, h *account.Hour, i int, _ bool) {
	w := &h.Words[i]
	c.byte(0, byte(w.Kind))
	c.byte(1, w.From)
	c.byte(2, w.To)
	c.int(3, w.Value)
	for k, s := range []string{w.Zone, w.Provider, w.Tier, w.Set, w.Reason} {
		c.string(4+k, s)
	}
	c.int(9, w.Fetched)
}

// readWord reads a word. Those of a file of their own are revised, those beside
// what was counted are not.
func readWord(c []reader, h *account.Hour, _ bool) {
	w := account.Word{Kind: account.GridKind(c[0].byte()), From: c[1].byte(), To: c[2].byte(), Value: c[3].int()}
	for k, s := range []*string{&w.Zone, &w.Provider, &w.Tier, &w.Set, &w.Reason} {
		*s = c[4+k].again()
	}
	w.Fetched = c[9].int()
	if kind, of := h.Subject.Kind(); of {
		if w.Revised = true; w.Kind != kind {
			c[0].fail()
		}
	} else if h.Subject != account.Counted {
		c[0].fail()
	}
	h.Words = append(h.Words, w)
}

// appendMeter writes amounts as what each quarter has more than the one before,
// and what is whole as zero.
func appendMeter(c columns, h *account.Hour, i int, _ bool) {
	m := &h.Meters[i]
	c.string(0, m.Name)
	c.uint(1, uint64(m.Metric))
	c.uint(2, uint64(m.Point))
	c.byte(3, byte(m.Quantity))
	c.byte(4, byte(m.Quality))
	before := uint64(0)
	for k := range 4 {
		c.int(5, int64(m.Amount[k]-before))
		before = m.Amount[k]
		covered, expected := int64(int32(m.Covered[k])), int64(int32(m.Expected[k]))
		if !h.Late {
			covered, expected = quarterMs-covered, quarterMs-expected
		}
		c.int(6, covered)
		c.int(7, expected)
	}
}

func readMeter(c []reader, h *account.Hour, _ bool) {
	m := account.MeterRow{Name: c[0].again(), Metric: metric.Number(c[1].below(1 << 16)), Point: uint32(c[2].below(1 << 32)),
		Quantity: account.Quantity(c[3].byte()), Quality: metric.Quality(c[4].byte())}
	if m.Name == "" || m.Quantity >= account.Quantities || m.Quality >= metric.Qualities || h.Subject != account.Counted {
		c[0].fail()
		m.Quality = 0
	}
	before := uint64(0)
	for k := range 4 {
		before += uint64(c[5].int())
		covered, expected := c[6].int(), c[7].int()
		if !h.Late {
			covered, expected = quarterMs-covered, quarterMs-expected
		}
		if covered != int64(int32(covered)) || expected != int64(int32(expected)) {
			c[6].fail()
		}
		m.Amount[k], m.Covered[k], m.Expected[k] = before, uint32(covered), uint32(expected)
	}
	h.Meters = append(h.Meters, m)
}

func appendCorrection(c columns, h *account.Hour, i int, _ bool) {
	x := &h.Corrected[i]
	c.string(0, x.Meter)
	c.uint(1, uint64(x.Metric))
	c.byte(2, x.Quarter)
	c.byte(3, byte(x.Quality))
	c.uint(4, x.Amount)
	c.byte(5, byte(flag(x.Withdrawn)))
	c.string(6, x.Import)
	c.string(7, x.Reason)
	c.int(8, x.At)
}

func readCorrection(c []reader, h *account.Hour, _ bool) {
	x := account.Correction{Meter: c[0].again(), Metric: metric.Number(c[1].below(1 << 16)), Quarter: c[2].byte(), Quality: metric.Quality(c[3].byte()),
		Amount: c[4].uint(), Withdrawn: c[5].below(2) == 1, Import: c[6].again(), Reason: c[7].again(), At: c[8].int()}
	if h.Subject != account.CorrectedReadings {
		c[0].fail()
	}
	h.Corrected = append(h.Corrected, x)
}

// noted reports whether the quarters of meters of h are what its rows say, and
// whether what h is about is all that it holds. An hour of a program that kept no
// quarters has none.
func noted(h *account.Hour) bool {
	if h.Subject != account.Counted {
		return h.Late && len(h.Places)+len(h.Devices)+len(h.Rows)+len(h.Hosts)+len(h.Jobs)+len(h.Shares)+len(h.Meters) == 0 &&
			(h.Subject == account.CorrectedReadings) == (len(h.Corrected) > 0) && (h.Subject != account.CorrectedReadings) == (len(h.Words) > 0)
	}
	if len(h.Meters) == 0 {
		return true
	}
	type at struct {
		name   string
		metric metric.Number
		point  uint32
		q      metric.Quality
	}
	sums := map[at]uint64{}
	for i := range h.Rows {
		r := &h.Rows[i]
		if d := &h.Devices[r.Device]; d.Kind == metric.Meter {
			sums[at{d.Name, d.Metric, d.Point, r.Quality}] += r.Amount
		}
	}
	for i := range h.Meters {
		m := &h.Meters[i]
		for _, v := range m.Amount {
			sums[at{m.Name, m.Metric, m.Point, m.Quality}] -= v
		}
	}
	for _, v := range sums {
		if v != 0 {
			return false
		}
	}
	return true
}
