package report

import (
	"slices"
	"strings"
)

// figureLanes are those of a table of figures.
func figureLanes() []lane {
	return []lane{{"Point", 11, 0}, {"Symbol", 20, 0}, {"Indicator", 60, 0}, {"Value", 34, 1}, {"Unit", 19, 0}, {"Quality", 18, 0}, {"Known", 18, 1}}
}

// keyFigures are those that are asked for.
func (p *folio) keyFigures(r *Record) {
	p.chapter("Key performance indicators", "Annex II and Annex III of Delegated Regulation (EU) 2024/1364, as the record has them. “Known” is how much of the period is covered by readings; "+
		"what was estimated counts as not covered. A figure that is not there says why; it is not zero.")
	p.section("Annex II: what is reported", 20)
	p.figureTable(r.Figures, true)
	p.y += 2
	p.section("Annex III: indicators, as the database will compute them", 30)
	list := slices.Clone(r.Indicators)
	for i := range list {
		if list[i].Symbol == "" {
			list[i].Symbol = strings.ToUpper(list[i].Key)
		}
	}
	p.figureTable(list, true)
}

// figureTable lists figures; strict marks those that are missing as a fault.
func (p *folio) figureTable(list []Figure, strict bool) {
	t := p.table(8, figureLanes()...)
	for i := range list {
		f := &list[i]
		value := f.cells("")[5]
		if f.Value != nil {
			value = grouped(value)
		}
		known := ""
		if f.Coverage != nil {
			known = grouped(f.Coverage.String()) + "\u00a0%"
		}
		head := []cell{{text: f.Point}, {text: f.Symbol, face: bold}, {text: f.Title, sub: f.behind()}}
		unit, sub := f.shortUnit()
		head[2].sub = strings.TrimSuffix(strings.TrimPrefix(sub+"; "+head[2].sub, "; "), "; ")
		switch {
		case f.Missing != "" && strict:
			t.row(rose, append(head, cell{text: "not known", sub: f.Missing, face: bold, ink: red, span: 4})...)
		case f.Missing != "":
			t.row(white, append(head, cell{text: "not known", sub: f.Missing, ink: grey, span: 4})...)
		case f.Is != nil:
			t.row(white, append(head, cell{text: value, face: bold}, cell{}, cell{text: f.Quality}, cell{text: known})...)
		case f.Value == nil: // kinds
			t.row(white, append(head, cell{text: value, face: bold, span: 2}, cell{text: f.Quality}, cell{text: known})...)
		default:
			t.row(white, append(head, cell{text: value, face: bold}, cell{text: unit}, cell{text: f.Quality}, cell{text: known})...)
		}
	}
	if len(list) == 0 {
		t.row(white, cell{text: "none", ink: grey, span: len(t.lanes)})
	}
}

// shortUnit is the unit, or where that is too long to stand beside a value, what to
// say below the figure's name.
func (f *Figure) shortUnit() (unit, sub string) {
	if unit = unitWords(f.Unit); len([]rune(unit)) > 10 {
		return "", "unit: " + unit
	}
	return unit, ""
}

// behind is what a figure rests on.
func (f *Figure) behind() string {
	var out []string
	if f.At != "" {
		out = append(out, f.At)
	}
	if len(f.Meters) > 0 {
		out = append(out, "meters: "+shortList(f.Meters))
	}
	if f.Missing == "" && f.Evidence != "" {
		out = append(out, "evidence: "+f.Evidence)
	}
	for _, n := range f.Notes {
		out = append(out, "note: "+n)
	}
	if f.Unknown != "" {
		out = append(out, "not known of the rule: "+f.Unknown)
	}
	return strings.Join(out, "; ")
}
