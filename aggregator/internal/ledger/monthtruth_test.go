package ledger

import (
	"slices"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A lesson is what the ledger must know of a month, worked out by the rules and
// not by its code.
type lesson struct {
	*month
	stage
	known    map[string][]known
	words    [2][]word
	restated map[int64]bool // hours, for what came late
}

// A stage is what has come besides the readings.
type stage struct{ prior, settled, invoiced, revised bool }

// known is what is known of a meter in a quarter.
type known struct {
	amount  uint64
	quality metric.Quality
	full    bool
	by      string // flag of a figure that rests on it
}

// word is what is said of the grid in a quarter.
type word struct {
	value   int64
	heard   bool
	revised bool
}

func (m *month) learn(s stage) *lesson {
	l := &lesson{month: m, stage: s, known: map[string][]known{}, restated: map[int64]bool{}}
	for _, n := range monthMeters {
		for _, mj := range m.truth[n] {
			l.known[n] = append(l.known[n], known{mj, metric.Measured, true, ""})
		}
	}
	for _, s := range m.silent {
		for _, n := range monthMeters {
			l.bridge(n, s, metric.CounterBridged)
		}
	}
	for n, c := range m.known {
		l.bridge(n, m.around(c), metric.Manual)
	}
	for n, c := range m.lost {
		s := m.around(c)
		for i := s.from; i < s.to; i++ {
			l.known[n][i] = known{}
		}
		if early := c.from - m.ms(s.from); early > 0 { // what the old one still showed
			l.known[n][s.from] = known{amount: m.truth[n][s.from] * uint64(early) / uint64(quarterMs)}
		}
	}
	l.standIn()
	for i := m.settled.from; i < m.settled.to; i++ {
		switch k := (known{m.settledWh(i) * kWhMJ / 1000, metric.Corrected, true, "corrected"}); {
		case s.settled:
			l.known[gridB][i] = k
		case s.prior && i < m.settled.from+4:
			k.amount = priorMJ
			l.known[gridB][i] = k
		}
	}
	l.known[rain] = make([]known, m.quarters)
	if s.invoiced {
		l.spread(rain, stretch{0, m.quarters}, rainML, known{quality: metric.Manual, full: true, by: "corrected"})
	}
	l.hear()
	l.late()
	return l
}

// around is the quarters that a change touches.
func (m *month) around(c change) stretch {
	return stretch{int((c.from - m.from) / quarterMs), int((c.to - m.from + quarterMs - 1) / quarterMs)}
}

// bridge notes that a meter was not read in a time whose total is known.
func (l *lesson) bridge(meter string, s stretch, q metric.Quality) {
	var total uint64
	for i := s.from; i < s.to; i++ {
		total += l.truth[meter][i]
	}
	l.spread(meter, s, total, known{quality: q, full: true})
}

// spread shares a total out evenly.
func (l *lesson) spread(meter string, s stretch, total uint64, k known) {
	n := uint64(s.to - s.from)
	for i := range n {
		k.amount = total*(i+1)/n - total*i/n
		l.known[meter][s.from+int(i)] = k
	}
}

// standIn fills in what others tell: the backup of grid-a, and of ups-1 what comes
// to the bar less what else leaves it.
func (l *lesson) standIn() {
	s := l.around(l.lost[gridA])
	for i := s.from; i < s.to; i++ {
		l.known[gridA][i] = known{l.known[gridA2][i].amount, metric.Measured, true, "backup_meter"}
	}
	l.complete()
}

func (l *lesson) complete() {
	s := l.around(l.lost[ups1])
	for i := s.from; i < s.to; i++ {
		left := l.of(i, gridA, gridB, solar, diesel) - l.of(i, export, ups2, cooling, office)
		l.known[ups1][i] = known{left, metric.EstimatedProfile, true, "completed_branch"}
	}
}

// hear notes what is said: a word holds until the next, for two hours at most.
func (l *lesson) hear() {
	for of := range l.words {
		for i := range l.quarters {
			w := word{value: l.first[of][i], heard: true}
			for _, s := range l.silent {
				if s.has(i) {
					w = word{value: l.first[of][s.from], heard: i < s.from+8}
				}
			}
			if l.revised && l.anew(of, i) {
				w = word{l.final[of][i], true, true}
			}
			l.words[of] = append(l.words[of], w)
		}
	}
}

// late notes which hours were sealed before all of them came: two hours after
// their end where the agent is not heard, at once where it is.
func (l *lesson) late() {
	note := func(from, to, patience int64) {
		for number := from / hourMs; (number+1)*hourMs < to; number++ {
			if last := (to - 1) / commits * commits; (number+1)*hourMs+patience <= last {
				l.restated[number] = true
			}
		}
	}
	for _, s := range l.silent {
		note(l.ms(s.from), l.ms(s.to), 2*hourMs)
	}
	note(l.ms(l.cut.from)-monthStep, l.ms(l.cut.to), 2*hourMs)
	for _, c := range l.month.known {
		note(c.from, c.to, 0)
	}
}

// of is what meters showed in a quarter, together.
func (l *lesson) of(i int, meters ...string) (sum uint64) {
	for _, n := range meters {
		sum += l.known[n][i].amount
	}
	return sum
}

// whole reports whether all of them are known in a quarter.
func (l *lesson) whole(i int, meters []string) bool {
	return !slices.ContainsFunc(meters, func(n string) bool { return !l.known[n][i].full })
}
