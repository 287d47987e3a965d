package report

import (
	"math/big"
	"strings"
)

// yearOnYear holds the record beside that of a year before.
func (p *folio) yearOnYear(r, was *Record) {
	p.chapter("Year on year", "This record beside that of "+was.Period.From+" to "+was.Period.To+" of the same site. The change is of the two values as they stand here.")
	if r.RuleSet.ID != was.RuleSet.ID {
		p.para(left, wide, plain, 9, amber, "The records go by different rules, "+was.RuleSet.ID+" and "+r.RuleSet.ID+": figures of the same name may be defined otherwise.")
	}
	if r.Period.Partial || was.Period.Partial || r.Period.Open || was.Period.Open || max(r.Period.Hours-was.Period.Hours, was.Period.Hours-r.Period.Hours) > 25 {
		p.para(left, wide, plain, 9, amber, "The periods are not equally long ("+grouped(big.NewInt(was.Period.Hours).String())+" and "+grouped(big.NewInt(r.Period.Hours).String())+" hours): energy and water of them cannot be compared as they are.")
	}
	p.section("Indicators and figures", 40)
	t := p.table(8, lane{"Symbol", 22, 0}, lane{"Indicator", 55, 0}, lane{was.label(), 34, 1}, lane{r.label(), 34, 1}, lane{"Unit", 19, 0}, lane{"Change", 16, 1})
	any := false
	for _, list := range [][]Figure{r.Indicators, r.Figures} {
		for i := range list {
			f := &list[i]
			old := was.Figure(f.Key)
			if f.Is != nil || f.List != nil || f.None || !f.known() && !old.known() {
				continue
			}
			any = true
			unit, sub := f.shortUnit()
			symbol := f.Symbol
			if symbol == "" {
				symbol = strings.ToUpper(f.Key)
			}
			t.row(white, cell{text: symbol, face: bold}, cell{text: f.Title, sub: sub}, oneOf(old), oneOf(f), cell{text: unit}, cell{text: change(old, f)})
		}
	}
	if !any {
		t.row(white, cell{text: "No figure is known of either year.", ink: grey, span: len(t.lanes)})
	}
	p.section("Total energy by month", 60)
	p.twoYears(r, was, func(m *Month) *Decimal { return m.Facility }, "kWh", 0)
	p.section("PUE by month", 60)
	p.twoYears(r, was, func(m *Month) *Decimal { return m.PUE }, "", 1)
}

func (r *Record) label() string { return big.NewInt(int64(r.Period.Year)).String() }

// oneOf is a value of one year.
func oneOf(f *Figure) cell {
	switch {
	case f == nil:
		return cell{text: "not asked for", ink: grey}
	case f.Value == nil:
		return cell{text: "not known", ink: red}
	}
	return cell{text: grouped(f.Value.String())}
}

// change is by how much of the old value the new one differs.
func change(old, f *Figure) string {
	if !old.known() || !f.known() || old.Value.Sign() == 0 {
		return ""
	}
	v := new(big.Rat).Quo(lessOf(f.rat(), old.rat()), new(big.Rat).Abs(old.rat()))
	d, ok := decimalOf(v.Mul(v, big.NewRat(100, 1)), 1)
	switch {
	case !ok:
		return ""
	case d.Sign() > 0:
		return "+" + grouped(d.String()) + " %"
	}
	return grouped(d.String()) + " %"
}

// twoYears draws a figure of the same months of both.
func (p *folio) twoYears(r, was *Record, of func(*Month) *Decimal, unit string, from float64) {
	old := map[string]*Decimal{}
	most, least, any := 0.0, from, false
	for _, x := range []*Record{was, r} {
		if _, low, high, some := x.series(of); some {
			most, least, any = max(most, high), min(least, low), true
		}
	}
	if !any || len(r.Months) == 0 {
		p.para(left, wide, plain, 9, grey, "It is not known of any month.")
		return
	}
	for i := range was.Months {
		if m := &was.Months[i]; len(m.Month) == len("2006-01") {
			old[m.Month[5:]] = of(m)
		}
	}
	sc := scaleOf(most, unit)
	label := sc.unit
	if from > 0 {
		label = "PUE; the axis does not begin at 0"
	}
	g := p.plot(46, least/sc.by, least/sc.by+(most-least)/sc.by*1.08+1e-6, label, r.monthNames())
	now, _, _, _ := r.series(of)
	before := make([]*Decimal, len(now))
	for i := range r.Months {
		if m := r.Months[i].Month; len(m) == len("2006-01") {
			before[i] = old[m[5:]]
		}
		if now[i] == nil && before[i] == nil {
			g.unknown(i)
		}
	}
	if from > 0 {
		g.curve(before, stone)
		g.curve(now, blue)
	} else {
		for i := range now {
			for k, d := range []*Decimal{before[i], now[i]} {
				if d != nil {
					g.bar(i, k, 2, d.Float()/sc.by, []ink{stone, blue}[k])
				}
			}
		}
	}
	p.legend(mark{stone, was.label()}, mark{blue, r.label()})
}
