package carbon

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"strings"
)

// A generation is what a zone generates, by slot and type, with the intensities
// that were worked out of it.
type generation struct {
	mixes map[slot]*mix
	grams [2]map[slot]float64 // lifecycle, direct
}

func newGeneration() *generation { return &generation{mixes: map[slot]*mix{}} }

// errNotYet says that a slot cannot be judged yet.
var errNotYet = errors.New("not published yet")

// take adds a document A75 about a zone, and is when that was made. Series of
// what plants consume, such as pumps, are left out.
func (g *generation) take(b []byte, eic string) (published int64, err error) {
	doc, err := parseDocument(b, "GL_MarketDocument", "A75")
	if err != nil {
		return 0, err
	}
	room := mostSteps
	said := map[slot]*mix{}
	for i := range doc.Series {
		s := &doc.Series[i]
		if s.Into == "" && s.OutOf != "" {
			continue
		}
		if s.Into != eic || s.OutOf != "" {
			return 0, fmt.Errorf("generation of %q where %s is wanted", s.Into, eic)
		}
		if s.Unit != "MAW" {
			return 0, fmt.Errorf("generation in %q where MAW is wanted", s.Unit)
		}
		n, ok := typeOf(s.Plant)
		if !ok {
			return 0, fmt.Errorf("type of generation %q is not known", s.Plant)
		}
		steps, err := s.steps(&room)
		if err != nil {
			return 0, fmt.Errorf("generation of %s: %w", s.Plant, err)
		}
		var bad error
		fill(steps, func(at slot, mw float64) {
			m := said[at]
			if m == nil {
				m = emptyMix()
				said[at] = m
			}
			switch {
			case bad != nil:
			case math.Abs(mw) > mostMegawatts:
				bad = fmt.Errorf("%s generates %v MW", s.Plant, mw)
			case !math.IsNaN(m[n]) && m[n] != mw:
				bad = fmt.Errorf("%s generates both %v and %v MW at %s", s.Plant, m[n], mw, utc(at.start()).Format("2006-01-02T15:04Z"))
			}
			m[n] = mw
		})
		if bad != nil {
			return 0, bad
		}
	}
	for at, m := range said {
		old := g.mixes[at]
		if old == nil {
			g.mixes[at] = m
			continue
		}
		for n, mw := range m {
			if !math.IsNaN(mw) {
				old[n] = mw
			}
		}
	}
	return doc.published(), nil
}

// figures are the intensities of the slots whose mix is complete, from first to
// end; check says what else is wrong with one. The error says why the newest that
// was left out was.
func (g *generation) figures(q Quantity, set *factorSet, first, end slot, check func(slot) error) (list []figure, why error) {
	if g.grams[q] == nil {
		g.grams[q] = map[slot]float64{}
	}
	day, storage := slot(-1), math.NaN()
	for at := first; at < end; at++ {
		m := g.mixes[at]
		if m == nil {
			continue
		}
		if at/aDay != day {
			day = at / aDay
			storage = g.meanBefore(q, day*aDay)
		}
		err := g.incomplete(at)
		if err == nil {
			err = check(at)
		}
		var grams float64
		if err == nil {
			grams, err = set.intensity(m, storage)
		}
		switch {
		case errors.Is(err, errNotYet):
			continue
		case err != nil:
			why = fmt.Errorf("mix of %s: %w", utc(at.start()).Format("2006-01-02T15:04Z"), err)
			continue
		}
		why = nil
		grams = math.Round(grams*1e4) / 1e4 // the order of a sum is no news
		g.grams[q][at] = grams
		list = append(list, figure{from: at.start(), to: (at + 1).start(), value: grams, basis: Generated, set: set.Name})
	}
	return list, why
}

// meanBefore is the mean intensity of the thirty days before a slot, at which
// storage gives back; NaN if nothing is known of them.
func (g *generation) meanBefore(q Quantity, before slot) float64 {
	sum, n := 0.0, 0
	for at := before - meanDays*aDay; at < before; at++ {
		if v, ok := g.grams[q][at]; ok {
			sum += v
			n++
		}
	}
	if n == 0 {
		return math.NaN()
	}
	return sum / float64(n)
}

// What counts as usual: types that came on half of the days and are not a trifle.
const (
	usualDays  = 7
	fewestDays = 3
	trifle     = 0.005
)

// incomplete says which types of generation are missing that are usual at this
// time of the day: some are published later than others, and a part of a mix has
// another intensity than the whole.
func (g *generation) incomplete(at slot) error {
	var came [types]int
	var sum [types]float64
	days, total := 0, 0.0
	for d := range slot(usualDays) {
		m := g.mixes[at-(d+1)*aDay]
		if m == nil {
			continue
		}
		days++
		total += m.total()
		for n, mw := range m {
			if !math.IsNaN(mw) {
				came[n]++
				sum[n] += max(0, mw)
			}
		}
	}
	if days < fewestDays {
		return nil // nothing to compare with
	}
	var missing []string
	for n, mw := range g.mixes[at] {
		if math.IsNaN(mw) && 2*came[n] >= days && sum[n] > trifle*total {
			missing = append(missing, typeName(n))
		}
	}
	if missing != nil {
		return fmt.Errorf("incomplete: without %s", strings.Join(missing, ", "))
	}
	return nil
}

// prune forgets mixes and intensities before slots.
func (g *generation) prune(mixes, grams slot) {
	maps.DeleteFunc(g.mixes, func(at slot, _ *mix) bool { return at < mixes })
	for q := range g.grams {
		maps.DeleteFunc(g.grams[q], func(at slot, _ float64) bool { return at < grams })
	}
}
