package site

// An ITPower is the installed power of IT in a time: the sum of the nominal power
// of network, servers and storage. Where there are none, that of the hosts of the
// racks is taken.
type ITPower struct {
	Power    Power
	Basis    string // installed, or rated: what power and cooling can carry
	Evidence string
	Span

	mark *mark
}

// mostITPowers bounds those of a site.
const mostITPowers = 2000

func (s *Site) readITPower(r *reader, v value) {
	for i, item := range v.items() {
		if i == mostITPowers {
			item.wrong("", "more than %d entries", mostITPowers)
			return
		}
		k := item.section()
		n, ok := powers.take(k.get("power"))
		p := ITPower{Power: Power(n), Basis: k.get("basis").choice("installed", "rated"), Evidence: k.get("evidence").text(), Span: k.span()}
		k.end()
		p.mark = k.mark()
		switch {
		case !ok && !k.has("power"):
			r.wrong(k.at("power"), "write power: 3500 kW", "missing: how much IT is installed")
		case ok && n == 0:
			r.wrong(k.at("power"), "leave the entry out while nothing is installed", "no power is installed")
		}
		if p.Basis == "" {
			p.Basis = "installed"
		}
		k.evidence(true, p.Evidence, "the installed power of IT")
		s.ITPower = append(s.ITPower, p)
	}
}

// judgeITPower complains of times that stand twice.
func (s *Site) judgeITPower(r *reader) {
	for i := range s.ITPower {
		p := &s.ITPower[i]
		for k := range s.ITPower[:i] {
			if o := &s.ITPower[k]; o.overlaps(p.Span) {
				r.wrong(p.mark.at("first_day"), "end one before the next begins", "two powers hold at once, %s (%s) and %s (%s)", o.Power, o.Span, p.Power, p.Span)
				return
			}
		}
		if p.Basis != s.ITPower[0].Basis {
			r.warn(p.mark.at("basis"), "write one of them throughout a year", "installed power is mixed with rated power: a mean of both is neither")
		}
	}
}
