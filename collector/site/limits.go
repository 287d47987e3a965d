package site

import "go.yaml.in/yaml/v3"

// A Tolerance is what meters below one may lack of what it shows, as shares of it,
// before a reconciliation says so: losses on the way, and what meters err by. Less
// than zero is more than it shows.
type Tolerance struct{ Least, Most Share }

// Coverage is how much of a period must be known for its figures to be shown; 0:
// what is usual.
type Coverage struct {
	Period Share
	Year   Share // of twelve months and more
}

// deviations are shares that may be below zero.
var deviations = scale{"share", "3 %", true, []unit{{"%", 1e4, 1, true}}}

// deviation is v as a share of at most the whole.
func (v value) deviation() (Share, bool) {
	n, ok := deviations.take(v)
	if ok && (n > 1e6 || n < -1e6) {
		v.wrong("", "%s is more than all", Share(n))
		return 0, false
	}
	return Share(n), ok
}

// tolerance is one share, of both signs, or least and most; nil if it was left out
// or is none.
func (v value) tolerance() *Tolerance {
	if !v.given() {
		return nil
	}
	if v.n.Kind == yaml.ScalarNode {
		n, ok := v.deviation()
		switch {
		case !ok:
			return nil
		case n <= 0:
			v.wrong("write how far two meters may be apart, such as 3 %; or least: and most:", "%s is no tolerance", n)
			return nil
		}
		return &Tolerance{-n, n}
	}
	k := v.section()
	least, low := k.get("least").deviation()
	most, high := k.get("most").deviation()
	k.end()
	switch {
	case v.n.Kind != yaml.MappingNode: // which was said
		return nil
	case !k.has("least") || !k.has("most"):
		k.r.wrong(k.place, "write least: -1 % and most: 6 %", "want both, to know from where to where it is as expected")
		return nil
	case !low || !high:
		return nil
	case least >= most:
		k.r.wrong(k.at("least"), "exchange them, or write them apart: no two meters agree to the last digit", "%s is not below %s", least, most)
		return nil
	}
	return &Tolerance{least, most}
}

func (s *Site) readCoverage(r *reader, v value) {
	k := v.section()
	const unsaid = -1
	for _, x := range []struct {
		key    string
		needed *Share
	}{{"period", &s.Coverage.Period}, {"year", &s.Coverage.Year}} {
		v := k.get(x.key)
		needed := v.share(unsaid)
		*x.needed = max(0, needed)
		switch {
		case needed == unsaid:
		case needed == 0:
			v.wrong("leave it out for what is usual: 95 % of a period, 99 % of a year", "with none needed, a figure of nothing would be shown")
		case needed < littleKnown:
			r.warn(v.place, "write 95 %, or what the report's rules ask for", "figures of which only %s are known will be shown", needed)
		}
	}
	k.end()
	if c := s.Coverage; c.Year != 0 && c.Year < c.Period {
		r.warn(k.at("year"), "a year is what reports are of: ask as much of it", "less of a year must be known, %s, than of a shorter time, %s", c.Year, c.Period)
	}
}

// littleKnown is so little that figures rest on guesses.
const littleKnown = 800_000

// judgeTolerances complains of those that are held against nothing.
func (s *Site) judgeTolerances(r *reader) {
	told := map[*mark]bool{}
	for i := range s.Meters {
		m := &s.Meters[i]
		if m.Tolerance == nil || told[m.mark] {
			continue
		}
		if n := s.tree.Node(m.ID); n >= 0 && m.BackupOf == "" && len(s.tree.Nodes[n].Children) > 0 {
			continue
		}
		told[m.mark] = true
		r.warn(m.mark.at("tolerance"), "write it at the meter upstream, and parent: at those below it", "no meter stands below %s: there is nothing to hold it against", m.ID)
	}
}
