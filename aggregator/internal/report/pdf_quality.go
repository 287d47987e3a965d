package report

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// qualityMarks are how joules came to be known, best first.
func qualityMarks() []struct {
	name string
	mark
} {
	of := func(q metric.Quality, c ink, text string) struct {
		name string
		mark
	} {
		return struct {
			name string
			mark
		}{q.String(), mark{c, text}}
	}
	return []struct {
		name string
		mark
	}{
		of(metric.Measured, blue, "measured"), of(metric.CounterBridged, sky, "counted on over a gap"), of(metric.Integrated, leaf, "summed from power"),
		of(metric.Manual, violet, "put in by hand"), of(metric.Corrected, stone, "corrected"),
		of(metric.EstimatedProfile, orange, "estimated by its own profile"), of(metric.EstimatedStatic, rust, "estimated by a constant"),
	}
}

// quality is how well the figures are known.
func (p *folio) quality(r *Record) {
	p.chapter("Quality and coverage", "How each metered figure came to be known, and how much of the period its readings cover.")
	p.section("By figure", 40)
	p.shares(r)
	p.section("Coverage by month", 60)
	values, _, _, any := r.series(func(m *Month) *Decimal { return m.Coverage })
	if any {
		p.para(left, wide, plain, 8.5, grey, "How much of the month readings of the facility's and IT meters cover.")
		g := p.plot(40, 0, 100, "%", r.monthNames())
		for i, v := range values {
			if v == nil {
				g.unknown(i)
				continue
			}
			g.bar(i, 0, 1, v.Float(), blue)
			g.label(i, v.Float(), v.String())
		}
	} else {
		p.para(left, wide, plain, 9, grey, "Not known: the record has no coverage of its months.")
	}
	p.section("Longest gaps", 30)
	p.gapTable(r)
	p.section("Meters, those least known first", 30)
	p.meterTable(r)
}

// shares are bars of a whole, by quality.
func (p *folio) shares(r *Record) {
	used := map[string]bool{}
	var list []*Figure
	for i := range r.Figures {
		if f := &r.Figures[i]; f.known() && len(f.Shares) > 0 {
			list = append(list, f)
			for name := range f.Shares {
				used[name] = true
			}
		}
	}
	if len(list) == 0 {
		p.para(left, wide, plain, 9, grey, "Not known: no figure of the record rests on meters.")
		return
	}
	const name, tail = 74.0, 24.0
	for _, f := range list {
		p.need(8)
		p.set(plain, 8.5, black)
		title := f.Title
		if f.Symbol != "" {
			title = f.Symbol + "  " + title
		}
		p.write(left, p.y, name, 0, p.one(title, name-2))
		x, w := left+name, wide-name-tail
		p.box(x, p.y, w, 4, paper)
		for _, q := range qualityMarks() {
			if d, ok := f.Shares[q.name]; ok && d.Sign() > 0 {
				part := min(w*d.Float(), left+name+w-x)
				p.box(x, p.y, part, 4, q.ink)
				x += part
			}
		}
		known := "not known"
		if f.Coverage != nil {
			known = f.Coverage.String() + " %"
		}
		p.fillWith(white)
		p.set(plain, 8.5, black)
		p.write(right-tail, p.y, tail, 1, known)
		p.y += 6.5
	}
	p.set(plain, 7.5, grey)
	p.write(right-60, p.y-1, 60, 1, "covered by readings")
	p.y += 3.5
	var marks []mark
	for _, q := range qualityMarks() {
		if used[q.name] {
			marks = append(marks, q.mark)
		}
	}
	p.legend(marks...)
	p.para(left, wide, plain, 7.5, grey, "A share that is too small to see here stands in the record under shares of the figure.")
}

// mostRows bounds tables of meters and gaps: the workbook has them all.
const mostRows = 25

func (p *folio) meterTable(r *Record) {
	list := slices.Clone(r.Meters)
	slices.SortStableFunc(list, func(a, b Meter) int {
		switch {
		case a.Coverage == nil && b.Coverage == nil:
			return 0
		case a.Coverage == nil:
			return -1
		case b.Coverage == nil:
			return 1
		}
		return cmp.Or(a.Coverage.Cmp(*b.Coverage), cmp.Compare(b.LongestGap, a.LongestGap))
	})
	if len(list) == 0 {
		p.para(left, wide, plain, 9, red, "No meter was read.")
		return
	}
	t := p.table(8, lane{"Meter", 40, 0}, lane{"Role", 32, 0}, lane{"Read", 32, 1}, lane{"Estimated besides", 27, 1}, lane{"Unit", 12, 0}, lane{"Known", 17, 1}, lane{"Longest gap", 20, 1})
	for i := range list[:min(len(list), mostRows)] {
		m := &list[i]
		estimated, known, role := "", cell{text: "not known", ink: red}, m.Role
		if m.Estimated != nil {
			estimated = grouped(m.Estimated.String())
		}
		if m.Coverage != nil {
			known = cell{text: m.Coverage.String() + " %"}
		}
		if m.TakenOff {
			role += ", taken off"
		}
		t.row(white, cell{text: m.ID, sub: m.Point}, cell{text: role}, cell{text: grouped(m.Amount.String())}, cell{text: estimated}, cell{text: m.Unit}, known, cell{text: lasting(m.LongestGap)})
	}
	p.more(len(list)-mostRows, "meter", "meters")
}

func (p *folio) gapTable(r *Record) {
	switch {
	case len(r.Meters) == 0:
		p.para(left, wide, plain, 9, grey, "Not known: no meter was read.")
		return
	case len(r.Gaps) == 0:
		p.para(left, wide, plain, 9, grey, "No meter was silent for more than a quarter of an hour.")
		return
	}
	t := p.table(8, lane{"Meter", 40, 0}, lane{"From", 45, 0}, lane{"Long", 20, 1}, lane{"Estimated", 25, 1}, lane{"Unit", 12, 0}, lane{"By", 38, 0})
	for i := range r.Gaps[:min(len(r.Gaps), mostRows)] {
		g := &r.Gaps[i]
		t.row(white, cell{text: g.Meter}, cell{text: g.From}, cell{text: lasting(g.Minutes)}, numberCell(g.Estimated), cell{text: g.Unit}, cell{text: g.Method})
	}
	p.more(len(r.Gaps)-mostRows, "gap", "gaps")
}

// more says that a table does not have all.
func (p *folio) more(n int, one, many string) {
	if n > 0 {
		p.y += 1
		p.para(left, wide, plain, 8, grey, "And "+plural(n, one, many)+" more: the workbook of this record has them all.")
	}
}

// lasting is a time of minutes.
func lasting(minutes int64) string {
	switch {
	case minutes == 0:
		return "none"
	case minutes < 60:
		return fmt.Sprintf("%d min", minutes)
	}
	return fmt.Sprintf("%s h %02d min", grouped(fmt.Sprint(minutes/60)), minutes%60)
}
