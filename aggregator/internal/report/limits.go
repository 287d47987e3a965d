package report

import (
	"math/big"
	"time"

	"github.com/gigawatch/gigawatch/collector/site"
)

// What a limit comes to in a year.
const (
	LimitKept    = "kept"
	LimitBroken  = "broken"
	LimitUnknown = "unknown" // the figure, or when the site began
	LimitAhead   = "ahead"   // it is due after the year began; Would says what the figure of the year would be
)

// A Finding is a limit that the rules of a country set, held against the year.
type Finding struct {
	Of    string   `json:"of"`
	Least string   `json:"least,omitempty"`
	Most  string   `json:"most,omitempty"`
	Due   string   `json:"due"` // from when on it holds
	Value *Decimal `json:"value,omitempty"`
	Is    string   `json:"is"`
	Would string   `json:"would,omitempty"` // of one that is ahead: kept or broken by the figure of this year
	Why   string   `json:"why,omitempty"`

	open bool // it is unknown for want of what the limit leaves out
}

// limits holds the limits of a set against the figures of its preview. Those for
// sites that began at other times are left out.
func (b *build) limits(s *Set, p *Preview) {
	if v, _, _, ok := b.stated("connected_load_kw"); ok && s.Threshold.Kilowatts > 0 && v.Cmp(big.NewRat(s.Threshold.Kilowatts, 1)) < 0 {
		return // they are for larger ones
	}
	began, known := b.began()
	for i := range s.Limits {
		l := &s.Limits[i]
		x := Finding{Of: l.Of, Least: l.Least, Most: l.Most, Due: l.From}
		from, before := dateOf(l.StartedFrom), dateOf(l.StartedBefore)
		staged := l.StartedFrom != "" || l.StartedBefore != ""
		switch {
		case staged && !known:
			x.Is, x.Why = LimitUnknown, "report.in_operation_since is not stated"
			p.Limits = append(p.Limits, x)
			continue
		case l.StartedFrom != "" && began.Compare(from) < 0, l.StartedBefore != "" && began.Compare(before) >= 0:
			continue
		case l.AfterYears > 0:
			x.Due = began.AddMonths(12 * l.AfterYears).String()
		}
		var f *Figure
		for k := range p.Figures {
			if p.Figures[k].Key == l.Of {
				f = &p.Figures[k]
			}
		}
		is := LimitUnknown
		least, most, open := b.leftOut(l, f)
		switch {
		case f == nil || !f.known():
			x.Why = l.Of + " is not known"
			if f != nil && f.Missing != "" {
				x.Why += ": " + f.Missing
			}
		default:
			x.Value = f.Value
			if d, ok := decimalOf(least, 9); ok && l.Without != "" && open == "" {
				x.Value = &d
			}
			switch {
			case l.Most != "" && above(least, l.Most) || l.Least != "" && below(most, l.Least):
				is = LimitBroken
			case open != "" && (l.Most != "" && above(most, l.Most) || l.Least != "" && below(least, l.Least)):
				x.Why, x.open = open, true
			default:
				is = LimitKept
			}
		}
		// The mean of a year counts: of the first that lies in the time of the limit whole.
		if dateOf(x.Due).Compare(site.Date{Year: b.Year, Month: time.January, Day: 1}) > 0 {
			x.Is, x.Would = LimitAhead, is
		} else {
			x.Is = is
		}
		p.Limits = append(p.Limits, x)
	}
}

// leftOut is what a figure comes to, at least and at most, where a limit leaves some
// energy out of it; open says why that is not known. Without such a limit both are the
// figure.
func (b *build) leftOut(l *Limit, f *Figure) (least, most *big.Rat, open string) {
	if f == nil || !f.known() {
		return nil, nil, ""
	}
	dc, it, ok := b.both("e_dc_kwh", "e_it_kwh")
	if l.Without == "" || !ok || it.Sign() <= 0 {
		return f.exact, f.exact, ""
	}
	heat := b.num("e_reuse_kwh")
	if is, said := truth(b.text("heat_upgrade")); said && !is || heat != nil && heat.Sign() <= 0 {
		return f.exact, f.exact, ""
	}
	v, _, why, stated := b.stated(l.Without)
	switch {
	case stated && v.Sign() >= 0 && v.Cmp(lessOf(dc, it)) <= 0:
		x := new(big.Rat).Quo(lessOf(dc, v), it)
		return x, x, ""
	case stated:
		why = "report." + l.Without + " is " + number(v) + " kWh, and " + number(lessOf(dc, it)) + " kWh are not of IT"
	case why == "":
		why = "this limit leaves out of PUE the electricity that heat pumps take to make waste heat warmer before it is handed over, and nobody states how much that is: write report." + l.Without + ", or report.heat_upgrade: no where there are no such heat pumps"
	}
	return big.NewRat(1, 1), f.exact, why
}

// words say the limit.
func (x *Finding) words() string {
	if x.Least != "" {
		return "at least " + x.Least
	}
	return "at most " + x.Most
}

// checkLimits raises what is broken, or cannot be told.
func (b *build) checkLimits() {
	for i := range b.r.Previews {
		p := &b.r.Previews[i]
		for k := range p.Limits {
			x := &p.Limits[k]
			than := x.words()
			switch {
			case x.open:
				b.issue("W_HEAT_UPGRADE", x.Of, "%s: whether %s is %s, as it has to be from %s on, is not known: %s", p.RuleSet.ID, x.Of, than, x.Due, x.Why)
			case x.Is == LimitBroken:
				b.issue("W_LIMIT", x.Of, "%s: %s is %s, and has to be %s since %s", p.RuleSet.ID, x.Of, x.Value, than, x.Due)
			case x.Is == LimitUnknown:
				b.issue("W_LIMIT_UNKNOWN", x.Of, "%s: whether %s is %s is not known: %s", p.RuleSet.ID, x.Of, than, x.Why)
			}
		}
	}
}
