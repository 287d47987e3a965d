package account

import (
	"maps"
	"slices"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// encodeFacts writes the quarters of an hour's meters, and what was said of the
// grid.
func (h *openHour) encodeFacts(e *encoder) {
	e.bools(h.quarterly)
	e.uint(uint64(len(h.quarters)))
	last := uint32(0)
	for _, row := range slices.Sorted(maps.Keys(h.quarters)) {
		e.uint(uint64(row - last))
		last = row
		for _, t := range h.quarters[row] {
			e.uint(t.Amount)
			e.uint(t.Covered)
		}
	}
	for _, said := range h.grid {
		e.bools(said != nil)
		if said == nil {
			continue
		}
		for _, x := range said {
			e.byte(x.source)
			if x.source != 0 {
				e.int(int64(x.value))
			}
		}
	}
}

func (s *site) decodeFacts(d *decoder, h *openHour) {
	h.quarterly = d.byte()&1 != 0
	row := uint64(0)
	for i := range d.count(9) {
		step := d.below(uint64(len(h.rows)))
		if row += step; d.err == nil && (row >= uint64(len(h.rows)) || i > 0 && step == 0 || !h.quarterly ||
			s.counters[h.rows[row].account].kind != metric.Meter) {
			d.fail("quarters of row %d", row)
		}
		qs := h.quartersOf(uint32(row))
		for k := range qs {
			qs[k] = slot{d.uint(), d.below(1 << 32)}
		}
		if d.err != nil {
			return
		}
	}
	for k := range GridKinds {
		if d.byte()&1 == 0 {
			continue
		}
		for m := range h.said(k) {
			x := said{source: d.byte()}
			if x.source == 0 {
				continue
			}
			if n := int(x.source) - 1; x.source != forgotten && (n >= len(s.grid) || s.grid[n].kind != k) {
				d.fail("word of source %d", n)
			}
			x.value = d.gridValue(k)
			h.grid[k][m] = x
		}
	}
}

// decodeGrams reads the carbon intensities of a program that did not keep whose
// they are.
func (h *openHour) decodeGrams(d *decoder) {
	for m := range 60 {
		if g := d.below(maxGrams + 2); g > 0 {
			h.said(Lifecycle)[m] = said{int32(g - 1), forgotten}
		}
	}
}

func (d *decoder) gridValue(k GridKind) int32 {
	v := d.int()
	if !k.sane(v) {
		d.fail("%d cannot be a %s", v, k)
		return 0
	}
	return int32(v)
}

func (d *decoder) gridSource() (g gridSource) {
	if d.format < 3 {
		g.zone, g.provider, g.tier = d.string(), d.string(), d.string()
		grams := d.below(maxGrams + 2)
		if g.spoke = grams > 0; g.spoke {
			g.value = int32(grams - 1)
		}
	} else {
		g.kind = GridKind(d.below(uint64(GridKinds)))
		g.zone, g.provider, g.tier = d.string(), d.string(), d.string()
		g.spoke = d.byte()&1 != 0
		g.value = d.gridValue(g.kind)
	}
	g.time, g.filled = d.since(0), d.since(0)
	return g
}

// encodeOverlays writes what lies over hours and is not sealed.
func (s *site) encodeOverlays(e *encoder) {
	e.uint(uint64(len(s.overlays)))
	for _, k := range s.overlaysInOrder() {
		v := s.overlays[k]
		e.int(k.number)
		e.byte(byte(k.subject))
		e.bools(k.closing)
		e.int(v.opened)
		e.uint(uint64(len(v.words)))
		for i := range v.words {
			v.words[i].encode(e)
		}
		e.uint(uint64(len(v.corrections)))
		for _, c := range v.sorted() {
			c.encode(e)
		}
	}
}

func (w *Word) encode(e *encoder) {
	e.byte(byte(w.Kind))
	e.byte(w.From)
	e.byte(w.To)
	e.int(w.Value)
	for _, s := range []string{w.Zone, w.Provider, w.Tier, w.Set, w.Reason} {
		e.string(s)
	}
	e.int(w.Fetched)
}

func (c *Correction) encode(e *encoder) {
	e.string(c.Meter)
	e.uint(uint64(c.Metric))
	e.byte(c.Quarter)
	e.byte(byte(c.Quality))
	e.uint(c.Amount)
	e.bools(c.Withdrawn)
	e.string(c.Import)
	e.string(c.Reason)
	e.int(c.At)
}

func (s *site) decodeOverlays(d *decoder) {
	for range d.count(6) {
		k := overlayKey{number: d.number(), subject: Subject(d.below(uint64(Subjects)))}
		k.closing = d.byte()&1 != 0
		v := &overlay{opened: d.since(0), corrections: map[cellKey]Correction{}}
		kind, grid := k.subject.Kind()
		for range d.count(10) {
			w := d.word()
			if v.words = append(v.words, w); !grid || w.Kind != kind {
				d.fail("word of hour %d is of %s", k.number, w.Kind)
			}
		}
		if !ValidWords(v.words) {
			d.fail("words of hour %d", k.number)
		}
		for range d.count(9) {
			c := d.correction()
			if !c.valid() || k.subject != CorrectedReadings || v.corrections[c.key()] != (Correction{}) {
				d.fail("correction of hour %d", k.number)
			}
			v.corrections[c.key()] = c
		}
		if k.subject == Counted || s.overlays[k] != nil {
			d.fail("overlay of hour %d stands twice, or lies over nothing", k.number)
		}
		if d.err != nil {
			return
		}
		s.overlays[k] = v
	}
}

func (d *decoder) word() Word {
	w := Word{Kind: GridKind(d.byte()), From: d.byte(), To: d.byte(), Value: d.int(), Revised: true}
	for _, t := range []*string{&w.Zone, &w.Provider, &w.Tier, &w.Set, &w.Reason} {
		*t = d.string()
	}
	w.Fetched = d.int()
	return w
}

func (d *decoder) correction() Correction {
	return Correction{
		Meter: d.string(), Metric: metric.Number(d.below(1 << 16)), Quarter: d.byte(), Quality: metric.Quality(d.byte()),
		Amount: d.uint(), Withdrawn: d.byte()&1 != 0, Import: d.string(), Reason: d.string(), At: d.int(),
	}
}
