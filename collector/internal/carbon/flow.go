package carbon

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// A node is a zone of a network in one slot.
type node struct {
	generated float64 // MW
	intensity float64 // of that, g/kWh
	fixed     bool    // its consumption has that intensity too: nothing else is known of it
}

var errSingular = errors.New("flows go in circles without a source")

// consumed is the intensity of what each zone consumes, by proportional sharing:
// what leaves a zone has the mix of all that entered it and was generated in it.
// Into each zone i from each j flow flows[i][j] MW.
//
//	x_i · (P_i + Σ_j F_ji) = P_i · e_i + Σ_j F_ji · x_j
//
// A zone into which nothing comes has NaN.
func consumed(zones []node, flows [][]float64) ([]float64, error) {
	n := len(zones)
	a := make([][]float64, n)
	empty := make([]bool, n)
	for i := range a {
		a[i] = make([]float64, n+1)
		z := &zones[i]
		if z.fixed {
			a[i][i], a[i][n] = 1, z.intensity
			continue
		}
		through := z.generated
		for j, f := range flows[i] {
			through += f
			a[i][j] -= f
		}
		if through == 0 {
			empty[i], a[i][i] = true, 1
			continue
		}
		a[i][i] += through
		a[i][n] = z.generated * z.intensity
	}
	x, err := solve(a)
	if err != nil {
		return nil, err
	}
	for i := range x {
		if empty[i] {
			x[i] = math.NaN()
		}
	}
	return x, nil
}

// solve is Gauss's elimination with pivots; each row ends with its right side.
func solve(a [][]float64) ([]float64, error) {
	n := len(a)
	for c := range n {
		pivot := c
		for r := c + 1; r < n; r++ {
			if math.Abs(a[r][c]) > math.Abs(a[pivot][c]) {
				pivot = r
			}
		}
		if math.Abs(a[pivot][c]) < 1e-9 {
			return nil, errSingular
		}
		a[c], a[pivot] = a[pivot], a[c]
		for r := c + 1; r < n; r++ {
			k := a[r][c] / a[c][c]
			for i := c; i <= n; i++ {
				a[r][i] -= k * a[c][i]
			}
		}
	}
	x := make([]float64, n)
	for r := n - 1; r >= 0; r-- {
		x[r] = a[r][n]
		for i := r + 1; i < n; i++ {
			x[r] -= a[r][i] * x[i]
		}
		x[r] /= a[r][r]
	}
	return x, nil
}

// fetchTraced asks for the generation of the zones around and for the flows
// between them, and traces them.
func (e *entsoe) fetchTraced(ctx context.Context, now time.Time) ([]delivery, error) {
	from, to, done := e.window("traced", now, wide)
	for _, name := range e.trace[1:] {
		g := e.others[name]
		if g == nil {
			g = newGeneration()
			e.others[name] = g
		}
		if _, err := e.askGeneration(ctx, e.zones[name].EIC, g, from, to); err != nil && !errors.Is(err, errNoData) {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	for i, name := range e.trace {
		for _, other := range e.trace[i+1:] {
			if !e.borders(name, other) {
				continue
			}
			if err := e.askBorder(ctx, e.code(name), e.code(other), from, to); err != nil {
				return nil, fmt.Errorf("%s and %s: %w", name, other, err)
			}
		}
	}
	done()
	var list []delivery
	var why error
	for q := range Quantity(len(e.sets)) {
		d := delivery{vendor: e.traced, quantity: q}
		for _, g := range e.others { // so that each has its mean for storage
			g.figures(q, e.sets[q], slotOf(from), slotOf(to), func(slot) error { return nil })
		}
		for at := slotOf(from); at < slotOf(to); at++ {
			x, err := e.traceAt(q, at)
			if err != nil {
				why = fmt.Errorf("flows of %s: %w", utc(at.start()).Format("2006-01-02T15:04Z"), err)
				continue
			}
			why = nil
			d.figures = append(d.figures, figure{from: at.start(), to: (at + 1).start(), value: math.Round(x*1e4) / 1e4,
				basis: Consumed, set: e.sets[q].Name, fetched: now.Unix()})
		}
		list = append(list, d)
	}
	return list, why
}

func (e *entsoe) borders(a, b string) bool {
	for _, n := range e.neighbours(a) {
		if n == b {
			return true
		}
	}
	return false
}

// traceAt is the intensity of what the own zone consumes in a slot.
func (e *entsoe) traceAt(q Quantity, at slot) (float64, error) {
	zones := make([]node, len(e.trace))
	flows := make([][]float64, len(e.trace))
	for i, name := range e.trace {
		g := e.own
		if i > 0 {
			g = e.others[name]
		}
		flows[i] = make([]float64, len(e.trace))
		grams, known := g.grams[q][at]
		switch m := g.mixes[at]; {
		case known && m != nil:
			zones[i] = node{generated: m.total(), intensity: grams}
		case i == 0:
			return 0, errors.New("generation of the zone itself is not known")
		default:
			// What the yearly table says of it is better than nothing.
			fixed, ok := e.yearly(q, name)
			if !ok {
				return 0, fmt.Errorf("generation of %s is not known", name)
			}
			zones[i] = node{intensity: fixed, fixed: true}
		}
	}
	for i, name := range e.trace {
		for j, other := range e.trace[:i] {
			if !e.borders(name, other) {
				continue
			}
			in, out, ok := e.flowAt(e.code(name), e.code(other), at)
			switch {
			case ok:
				flows[i][j], flows[j][i] = in, out
			case i == 0 || j == 0:
				return 0, fmt.Errorf("flow between %s and %s is not known", name, other)
			}
		}
	}
	x, err := consumed(zones, flows)
	if err != nil {
		return 0, err
	}
	if math.IsNaN(x[0]) {
		return 0, errNothing
	}
	return x[0], nil
}
