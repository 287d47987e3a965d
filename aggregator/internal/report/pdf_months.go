package report

import (
	"strings"
)

// series is one figure of all months.
func (r *Record) series(of func(*Month) *Decimal) (values []*Decimal, low, high float64, any bool) {
	for i := range r.Months {
		d := of(&r.Months[i])
		values = append(values, d)
		if d == nil {
			continue
		}
		if v := d.Float(); !any {
			low, high, any = v, v, true
		} else {
			low, high = min(low, v), max(high, v)
		}
	}
	return values, low, high, any
}

func (r *Record) monthNames() (names []string) {
	for i := range r.Months {
		names = append(names, r.Months[i].Month)
	}
	return names
}

// byMonth are PUE, energy and load of each month.
func (p *folio) byMonth(r *Record) {
	p.chapter("Efficiency and load by month", "Each month as the record has it, by the clocks of "+r.Period.TimeZone+". What was not read is estimated and in it; a month of which nothing is known is left open.")
	if len(r.Months) == 0 {
		p.para(left, wide, plain, 9, grey, "No month is known: nothing of the period is over, or no meter was read.")
		return
	}
	p.section("PUE", 60)
	values, low, high, any := r.series(func(m *Month) *Decimal { return m.PUE })
	if any {
		from := min(1, low)
		g := p.plot(46, from, high+(high-from)*0.12+0.001, "PUE, total energy by energy of IT; the axis does not begin at 0", r.monthNames())
		g.curve(values, blue)
		for i, v := range values {
			if v == nil {
				g.unknown(i)
				continue
			}
			g.label(i, v.Float(), scale{by: 1}.short(v.Float()))
		}
	} else {
		p.nothing("PUE", r.Figure("pue"))
	}
	p.section("Mean load of IT", 60)
	if values, _, high, any = r.series(func(m *Month) *Decimal { return m.Load }); any {
		p.bars(values, high, "kW", blue, r.monthNames())
	} else {
		p.nothing("The load of IT", r.Figure("e_it_kwh"))
	}
	p.section("Energy", 60)
	all, _, most, any := r.series(func(m *Month) *Decimal { return m.Facility })
	it, _, mostIT, anyIT := r.series(func(m *Month) *Decimal { return m.IT })
	if any || anyIT {
		sc := scaleOf(max(most, mostIT), "kWh")
		g := p.plot(46, 0, max(most, mostIT)/sc.by*1.08, sc.unit, r.monthNames())
		for i := range r.Months {
			if all[i] == nil && it[i] == nil {
				g.unknown(i)
			}
			if all[i] != nil {
				g.bar(i, 0, 1, all[i].Float()/sc.by, sky)
				g.label(i, all[i].Float()/sc.by, sc.short(all[i].Float()))
			}
			if it[i] != nil {
				g.bar(i, 0, 1, it[i].Float()/sc.by, blue)
			}
		}
		p.legend(mark{sky, "total energy, with the number above the bar"}, mark{blue, "of it, energy of IT"})
	} else {
		p.nothing("Energy", r.Figure("e_dc_kwh"))
	}
	p.section("The same in numbers", 40)
	p.monthTable(r)
	for _, x := range []struct {
		title, unit string
		of          func(*Month) *Decimal
		c           ink
	}{
		{"Water", "m³", func(m *Month) *Decimal { return m.Water }, sky}, {"Heat handed over", "kWh", func(m *Month) *Decimal { return m.Reuse }, rust},
	} {
		if values, _, high, any := r.series(x.of); any {
			p.section(x.title, 60)
			p.bars(values, high, x.unit, x.c, r.monthNames())
		}
	}
}

// bars draws one figure of all months, with its values.
func (p *folio) bars(values []*Decimal, high float64, unit string, c ink, months []string) {
	sc := scaleOf(high, unit)
	g := p.plot(46, 0, max(high/sc.by*1.08, 1e-6), sc.unit, months)
	for i, v := range values {
		if v == nil {
			g.unknown(i)
			continue
		}
		g.bar(i, 0, 1, v.Float()/sc.by, c)
		g.label(i, v.Float()/sc.by, sc.short(v.Float()))
	}
}

// nothing says why there is no diagram.
func (p *folio) nothing(what string, f *Figure) {
	t := what + " is not known of any month."
	if f != nil && f.Missing != "" {
		t = what + " is not known of any month: " + strings.TrimSuffix(f.Missing, ".") + "."
	}
	p.para(left, wide, plain, 9, red, t)
	p.y += 2
}

func (p *folio) monthTable(r *Record) {
	t := p.table(8, lane{"Month", 18, 0}, lane{"Total energy, kWh", 32, 1}, lane{"Energy of IT, kWh", 32, 1}, lane{"PUE", 18, 1}, lane{"Load of IT, kW", 27, 1}, lane{"Water, m³", 24, 1}, lane{"Heat reused, kWh", 29, 1})
	rows := make([][]cell, len(r.Months))
	for i := range r.Months {
		rows[i] = []cell{{text: r.Months[i].Month}}
	}
	for _, of := range []func(*Month) *Decimal{
		func(m *Month) *Decimal { return m.Facility }, func(m *Month) *Decimal { return m.IT }, func(m *Month) *Decimal { return m.PUE },
		func(m *Month) *Decimal { return m.Load }, func(m *Month) *Decimal { return m.Water }, func(m *Month) *Decimal { return m.Reuse },
	} {
		places := 0 // as many for all of a column, so that points stand below each other
		for i := range r.Months {
			if d := of(&r.Months[i]); d != nil {
				_, fraction, _ := strings.Cut(d.String(), ".")
				places = max(places, len(fraction))
			}
		}
		for i := range r.Months {
			c := numberCell(of(&r.Months[i]))
			if d := of(&r.Months[i]); d != nil {
				c.text = grouped(d.Rat().FloatString(places))
			}
			rows[i] = append(rows[i], c)
		}
	}
	for _, row := range rows {
		t.row(white, row...)
	}
}

// numberCell is a number, or that it is not known.
func numberCell(d *Decimal) cell {
	if d == nil {
		return cell{text: "not known", ink: red}
	}
	return cell{text: grouped(d.String())}
}
