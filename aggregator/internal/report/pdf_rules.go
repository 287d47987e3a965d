package report

import "strings"

// otherRules is what rules say of the year that the report is not made by: the limits
// of a country, and classes of a label that is proposed.
func (p *folio) otherRules(r *Record) {
	begun := false
	for i := range r.Previews {
		x := &r.Previews[i]
		if len(x.Classes)+len(x.Limits) == 0 {
			continue
		}
		if !begun {
			p.chapter("What other rules say of the year", "Limits of the country, and classes on scales that are not in force yet, held against the figures of this record. "+
				"That is the company's own reckoning and no finding of an authority, and no class here is a label of the Union.")
			begun = true
		}
		p.section(x.RuleSet.ID, 30)
		status := "adopted, not in force yet; "
		if x.RuleSet.Status == InForce {
			status = "in force; "
		}
		p.para(left, wide, plain, 8.5, grey, status+strings.Join(x.RuleSet.Law, "; "))
		p.y += 1.5
		if len(x.Classes) > 0 {
			t := p.table(8, lane{"Class of", 60, 0}, lane{"Class", 120, 0})
			for _, c := range x.Classes {
				if c.Missing != "" {
					t.row(white, cell{text: strings.ToUpper(c.Of)}, cell{text: "not known", sub: c.Missing, ink: grey})
					continue
				}
				t.row(white, cell{text: strings.ToUpper(c.Of)}, cell{text: c.Class, face: bold})
			}
			p.y += 3
		}
		if len(x.Limits) > 0 {
			p.limitTable(x.Limits)
			p.y += 3
		}
	}
}

func (p *folio) limitTable(list []Finding) {
	t := p.table(8, lane{"Limit of", 20, 0}, lane{"Limit", 26, 0}, lane{"Holds from", 24, 0}, lane{"This year", 28, 1}, lane{"Kept", 82, 0})
	for i := range list {
		x := &list[i]
		value := ""
		if x.Value != nil {
			value = grouped(x.Value.String())
		}
		back, ink := white, black
		if x.Is == LimitBroken {
			back, ink = rose, red
		}
		t.row(back, cell{text: strings.ToUpper(x.Of), face: bold}, cell{text: x.words()}, cell{text: x.Due}, cell{text: value}, cell{text: x.verdict(), sub: x.Why, ink: ink})
	}
}

// verdict is in words whether a limit is kept.
func (x *Finding) verdict() string {
	switch x.Is {
	case LimitBroken:
		return "not kept"
	case LimitUnknown:
		return "not known"
	case LimitAhead:
		const yet = "not in force yet; "
		switch x.Would {
		case LimitKept:
			return yet + "this year's figure would keep it"
		case LimitBroken:
			return yet + "this year's figure would not keep it"
		}
		return yet + "whether this year's figure would keep it is not known"
	}
	return "kept"
}
