package account

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Tally is one interval of an answer in the making.
type Tally struct {
	q        *Question
	from, to int64
	quantity Quantity // of the rows that count, for levels below the site
	reason   string
	lines    map[label]*Line
	final    bool
	category int // of IT energy; 0: it does not matter
	overflow bool

	jobs     map[Job]*jobLine
	crowded  bool              // there are more
	hosts    map[string]uint64 // without a record of jobs, and what they drew
	recorded uint64            // mJ whose jobs are
	all      uint64            // mJ

	drawn, export     Amount // by site
	outside           Amount
	office            []string // meters of what is taken off
	metered           bool     // there is anything that could be counted
	covered, expected int64
	moved             []moved

	basis *Basis
	known Meters

	traceRow   func(d *Device, p *Place, r *Row)
	traceShare func(host string, j *Job, r *JobRow, mj uint64)
}

// label is what tells lines of an interval apart.
type label struct {
	Place
	uuid, index, model string
}

// NewTally begins the answer to q for [from, to). category is where IT energy is
// metered there, 0 if nowhere.
func NewTally(q *Question, from, to int64, category int) *Tally {
	t := &Tally{q: q, from: from, to: to, final: true, lines: map[label]*Line{}}
	if t.quantity, t.reason = q.counts(category); t.reason == "" && q.Boundary == metric.IT {
		t.category = category
	}
	return t
}

// counts says which accounts of a site answer q, or why none do.
func (q *Question) counts(category int) (Quantity, string) {
	switch {
	case q.By.ByJobs() && q.Boundary < metric.Hosts:
		return Other, "the " + q.Boundary.String() + " boundary is not shared out among jobs: what lies outside their hosts is not theirs by any meter"
	case q.By.ByJobs():
		return Other, ""
	case q.Boundary == metric.GPUs:
		return GPUEnergy, ""
	case q.Boundary == metric.Hosts && q.By <= ByHost:
		return HostEnergy, ""
	case q.Boundary == metric.Facility && q.By != BySite:
		return Other, "the meters of the facility are of the whole site"
	case q.Boundary == metric.Facility:
		return Other, ""
	case q.Boundary == metric.IT && category == 0:
		return Other, "no IT meter: none has role ups_output, pdu_output or it_input"
	case q.Boundary == metric.IT && q.By == BySite:
		return categories[category-1], ""
	case q.Boundary == metric.IT && q.By <= ByRack && category > 1:
		return categories[category-1], ""
	}
	return Other, "the " + q.Boundary.String() + " boundary is not metered by " + q.By.String()
}

// NeedsRows reports whether the answer rests on the rows of hours. If it rests
// neither on them nor on those of jobs, their summaries are enough.
func (t *Tally) NeedsRows() bool { return t.reason == "" && t.q.By != BySite && !t.q.By.ByJobs() }

// NeedsJobs reports whether the answer rests on the rows of jobs.
func (t *Tally) NeedsJobs() bool { return t.reason == "" && t.q.By.ByJobs() }

// Open notes that an hour of the interval is not final.
func (t *Tally) Open() { t.final = false }

// AddDigest adds an hour to an answer by site.
func (t *Tally) AddDigest(d *Digest) {
	if t.reason != "" || t.q.By != BySite {
		return
	}
	t.note(d.moved)
	add := func(a *Amount, q Quantity) {
		t.metered = t.metered || q != Export && d.Metered&(1<<q) != 0
		sum, err := a.Add(d.Sums[q])
		t.overflow = t.overflow || err != nil
		*a = sum
	}
	if t.q.Boundary == metric.Facility {
		for _, q := range supplies {
			add(&t.drawn, q)
		}
		add(&t.export, Export)
		outside, err := t.outside.Add(d.Outside)
		t.outside, t.overflow = outside, t.overflow || err != nil
		for _, n := range d.office {
			if !slices.Contains(t.office, n) {
				t.office = append(t.office, n)
			}
		}
		t.covered += d.Covered[Other]
		t.expected += d.Expected[Other]
		return
	}
	add(&t.drawn, t.quantity)
	t.covered += d.Covered[t.quantity]
	t.expected += d.Expected[t.quantity]
}

// Wants reports whether rows of d count.
func (t *Tally) Wants(d *Device) bool { return d.Quantity == t.quantity && t.quantity != Other }

// AddRow adds a row of an hour to an answer below the site.
func (t *Tally) AddRow(d *Device, p *Place, r *Row) {
	if !t.Wants(d) {
		return
	}
	var l label
	switch t.q.By {
	case ByGPU:
		l.uuid, l.index, l.model = d.Name, d.Index, d.Model
		fallthrough
	case ByHost:
		l.Host = p.Host
		if d.Kind == metric.Host {
			l.Host = d.Name
		}
		fallthrough
	case ByRack:
		l.Rack = p.Rack
		fallthrough
	default:
		l.Hall = p.Hall
	}
	if !t.q.Of.holds(&l) {
		return
	}
	line := t.lines[l]
	if line == nil {
		line = &Line{Hall: l.Hall, Rack: l.Rack, Host: l.Host, UUID: l.uuid, GPU: l.index, Model: l.model, From: t.from, To: t.to}
		t.lines[l] = line
	}
	sum := line.Energy[r.Quality] + r.Amount
	if r.Amount < 1<<63 && sum < r.Amount {
		t.overflow = true
	}
	line.Energy[r.Quality] = sum
	if t.traceRow != nil {
		t.traceRow(d, p, r)
	}
	line.CoveredMillis += int64(int32(r.Covered)) // a restatement may take away
	line.ExpectedMillis += int64(int32(r.Expected))
}

// Lines is the answer for the interval, in the order of its labels.
func (t *Tally) Lines() []Line {
	lines := t.list()
	as, not, none := notes(t.moved)
	less := ""
	if mj, err := t.outside.Total(); err == nil && len(t.office) > 0 {
		slices.Sort(t.office)
		less = fmt.Sprintf("%s kWh are taken off, used outside of the data centre: %s", Number(float64(mj)/metric.MillijoulesPerKWh), some(t.office))
	}
	says := slices.DeleteFunc([]string{less, as, not, none}, func(s string) bool { return s == "" })
	for i := range lines {
		lines[i].Note = strings.Join(says, "; ")
	}
	return lines
}

func (t *Tally) list() []Line {
	nothing := Line{From: t.from, To: t.to, Reason: t.reason, Final: t.final, Category: t.category}
	switch {
	case t.reason != "" && t.q.Boundary == metric.IT && t.q.By == BySite:
		if names := t.basis.silent(t.from, t.to, t.known, categories[:]...); len(names) > 0 {
			nothing.Reason = nothingOf(names)
		}
		return []Line{nothing}
	case t.reason != "":
		return []Line{nothing}
	case t.overflow:
		nothing.Reason = ErrOverflow.Error() + "; ask for a shorter time"
		return []Line{nothing}
	case t.q.By == BySite:
		return []Line{t.whole(nothing)}
	case t.q.By.ByJobs():
		return t.jobLines(nothing)
	case len(t.lines) == 0:
		nothing.Reason = "no meter of it in this time"
		return []Line{nothing}
	}
	sorted := slices.SortedFunc(maps.Values(t.lines), (*Line).compare)
	lines := make([]Line, 0, len(sorted))
	for _, l := range sorted {
		l.CoveredMillis, l.Final, l.Category = min(l.CoveredMillis, l.ExpectedMillis), t.final, t.category
		lines = append(lines, *l)
	}
	return lines
}

// compare orders lines by place, then boards as they stand in their host. Many
// lines are compared: it stops at the first difference.
func (l *Line) compare(o *Line) int {
	if c := cmp.Compare(l.Hall, o.Hall); c != 0 {
		return c
	}
	if c := cmp.Compare(l.Rack, o.Rack); c != 0 {
		return c
	}
	if c := cmp.Compare(l.Host, o.Host); c != 0 {
		return c
	}
	if c := cmp.Compare(len(l.GPU), len(o.GPU)); c != 0 { // 9 before 10
		return c
	}
	if c := cmp.Compare(l.GPU, o.GPU); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(l.UUID, o.UUID), cmp.Compare(l.Model, o.Model))
}

// whole is the line of the whole site.
func (t *Tally) whole(l Line) Line {
	l.CoveredMillis, l.ExpectedMillis = t.covered, t.expected
	if !t.metered {
		l.Reason = t.nothing()
		return l
	}
	if t.covered == 0 && t.expected > 0 && t.drawn.IsZero() {
		l.Reason = t.nothing()
		return l
	}
	if t.q.Boundary != metric.Facility {
		l.Energy = t.drawn
		return l
	}
	left, ok := t.drawn.less(t.export)
	if !ok {
		l.Reason = "more is exported than comes in; a meter counts the wrong way or is missing"
		return l
	}
	if left, ok = left.less(t.outside); !ok {
		l.Reason = "more is used outside, by " + some(t.office) + ", than comes in; a meter counts the wrong way or is missing"
		return l
	}
	l.Energy = left
	return l
}
