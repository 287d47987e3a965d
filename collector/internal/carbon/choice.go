package carbon

// A choice is what a slot uses: a figure and whose it is.
type choice struct {
	figure
	provider string
}

// A vendor is one provider's name with what it has said.
type vendor struct {
	name    string
	shelves [quantities]shelf
}

func (v *vendor) at(q Quantity, at slot) (figure, bool) {
	f, ok := v.shelves[q].figures[at]
	return f, ok
}

// said is the best of what providers have said of the slot itself.
func (s *Source) said(q Quantity, at slot) (best choice, ok bool) {
	for _, v := range s.vendors {
		if f, has := v.at(q, at); has && (!ok || f.basis.Tier() < best.basis.Tier()) {
			best, ok = choice{f, v.name}, true
		}
	}
	return best, ok
}

// choose is the best evidence for a slot that there is now.
func (s *Source) choose(q Quantity, at slot) (choice, bool) {
	if c, ok := s.said(q, at); ok || q == Price {
		return c, ok
	}
	for _, v := range s.vendors {
		if f, ok := v.at(q, at-aWeek); ok && f.basis.measured() {
			f.from, f.to, f.basis = at.start(), (at + 1).start(), WeekBefore
			return choice{f, v.name}, true
		}
	}
	for _, v := range s.vendors {
		if f, ok := v.monthMean(q, at); ok {
			return choice{f, v.name}, true
		}
	}
	if t := s.yearly; t != nil && t.Factor == q.String() {
		if grams, ok := t.Grams[s.area.Country]; ok {
			return choice{figure{from: at.start(), to: (at + 1).start(), value: grams, basis: Yearly, set: t.Name, fetched: s.loaded}, t.Provider}, true
		}
	}
	return choice{}, false
}

// A mean of thirty days needs some of them.
const (
	meanDays  = 30
	fewestFor = 7
)

// monthMean is the mean of what was measured at the same time of the thirty days
// before, by one set of factors: that of the newest.
func (v *vendor) monthMean(q Quantity, at slot) (figure, bool) {
	mean := figure{from: at.start(), to: (at + 1).start(), basis: MonthMean}
	n := 0
	for day := range slot(meanDays) {
		f, ok := v.at(q, at-(day+1)*aDay)
		if !ok || !f.basis.measured() || n > 0 && f.set != mean.set {
			continue
		}
		mean.set = f.set
		mean.fetched = max(mean.fetched, f.fetched)
		mean.published = max(mean.published, f.published)
		mean.value += f.value
		n++
	}
	mean.value /= float64(max(n, 1))
	return mean, n >= fewestFor
}

// rank is the place of a provider in the order; those that are gone come last.
func (s *Source) rank(provider string) int {
	for i, v := range s.vendors {
		if v.name == provider {
			return i
		}
	}
	return len(s.vendors)
}
