package account

import "github.com/gigawatch/gigawatch/collector/metric"

// A Level says by what the lines of an answer are told apart.
type Level uint8

const (
	BySite Level = iota
	ByHall
	ByRack
	ByHost
	ByGPU
	ByJob
	ByTenant
)

var levels = [...]string{"site", "hall", "rack", "host", "gpu", "job", "tenant"}

func (l Level) String() string {
	if int(l) < len(levels) {
		return levels[l]
	}
	return "unknown"
}

// ParseLevel is the level called name.
func ParseLevel(name string) (Level, bool) {
	for i, s := range levels {
		if s == name {
			return Level(i), true
		}
	}
	return 0, false
}

// A Question asks for the energy of a site inside a boundary. Times are
// milliseconds since 1970 UTC, on whole hours; the interval is half-open.
type Question struct {
	Site     string
	By       Level
	Boundary metric.Boundary
	From, To int64
	Step     int64     // a whole number of hours; 0: one interval
	Of       Selection // of the lines, those that are given; nothing else changes
}

// A Selection narrows lines to those of some things; "" stands for all.
type Selection struct {
	Hall, Rack, Host string
	GPU              string // its UUID, or its index
	Job, Tenant      string
}

// misplaced is what of p lines by l do not tell; "" if they tell all.
func (p *Selection) misplaced(l Level) string {
	for _, x := range []struct {
		name, of string
		from, to Level
	}{{"hall", p.Hall, ByHall, ByGPU}, {"rack", p.Rack, ByRack, ByGPU}, {"host", p.Host, ByHost, ByGPU}, {"gpu", p.GPU, ByGPU, ByGPU}, {"job", p.Job, ByJob, ByJob}, {"tenant", p.Tenant, ByJob, ByTenant}} {
		if x.of != "" && (l < x.from || l > x.to) {
			return x.name
		}
	}
	return ""
}

func (p *Selection) holds(l *label) bool {
	return (p.Hall == "" || p.Hall == l.Hall) && (p.Rack == "" || p.Rack == l.Rack) && (p.Host == "" || p.Host == l.Host) &&
		(p.GPU == "" || p.GPU == l.uuid || p.GPU == l.index)
}

func (p *Selection) holdsJob(j *Job) bool {
	return (p.Job == "" || p.Job == j.Name) && (p.Tenant == "" || p.Tenant == j.Tenant)
}

// A QuestionError says which part of a question cannot be answered.
type QuestionError struct{ Field, Problem string }

func (e *QuestionError) Error() string { return e.Field + ": " + e.Problem }

// maxIntervals bounds an answer.
const maxIntervals = 100_000

// Check says what is wrong with q, a [*QuestionError]; nil if nothing.
func (q *Question) Check() error {
	bad := func(field, problem string) error { return &QuestionError{field, problem} }
	switch {
	case q.By > ByTenant:
		return bad("by", "no such level")
	case q.Boundary > metric.GPUs:
		return bad("boundary", "no such boundary")
	case q.From < 0 || q.From%hour != 0:
		return bad("from", "not on a whole hour since 1970")
	case q.To%hour != 0:
		return bad("to", "not on a whole hour")
	case q.To <= q.From:
		return bad("to", "not after from")
	case q.To > 1<<45:
		return bad("to", "more than a thousand years from now")
	case q.Step < 0 || q.Step%hour != 0:
		return bad("step", "not a whole number of hours")
	case q.Step > 0 && (q.To-q.From)/q.Step > maxIntervals:
		return bad("step", "gives more than 100,000 intervals")
	}
	if of := q.Of.misplaced(q.By); of != "" {
		return bad(of, "lines by "+q.By.String()+" do not say it")
	}
	return nil
}

// step is how long an interval of q is.
func (q *Question) step() int64 {
	if q.Step == 0 {
		return q.To - q.From
	}
	return q.Step
}

// Intervals yields the intervals of q in order; the last may be shorter.
func (q *Question) Intervals(yield func(from, to int64) bool) {
	for from := q.From; from < q.To; from += q.step() {
		if !yield(from, min(from+q.step(), q.To)) {
			return
		}
	}
}

// A Line is the energy of one thing in one interval [From, To). Labels outside
// the level asked for are empty, save where they follow from it.
type Line struct {
	Hall, Rack, Host, UUID, GPU, Model, Job, Tenant string

	From, To int64
	Energy   Amount

	CoveredMillis  int64 // time for which the energy is known, summed over what is counted
	ExpectedMillis int64 // time for which it should be

	Category int // where IT energy is metered: 1 UPS output, 2 PDU output, 3 IT input; 0: it does not matter here

	Things int // that it adds up, where it is of all but the largest; 0: it is of one

	Final  bool   // every hour of the interval is sealed
	Reason string // why there is no figure; "" if there is one
	Note   string // what a reader must know of it: meters whose role was set right

	// Of a line by job or tenant:
	Allocation      Allocation
	HeldMillis      int64 // boards' time held, summed over boards
	Means           [Gauges]Mean
	Recorded, Drawn uint64 // mJ inside the boundary whose jobs are recorded, and all of it; the same on each line of an interval
}

// ByJobs reports whether lines by l are of jobs or of those who run them.
func (l Level) ByJobs() bool { return l == ByJob || l == ByTenant }

// An Input is a figure that a KPI rests on.
type Input struct {
	Name, Unit string
	Value      *float64                  // nil: not known
	Exact      string                    // the same as a decimal integer in the thousandth of Unit, as it is counted; "" where there is none
	Quality    [metric.Qualities]float64 // shares of it, by how it is known; all 0: it does not matter here
}

// A Flag is what a reader must know of a figure.
type Flag struct {
	Code, Text string
	Wrong      bool // something is: the figure must not be reported
}

// A Component is a part of a cost.
type Component struct {
	Name   string
	Value  *float64 // in the unit of the KPI
	Reason string   // why Value is nil
}

// A GridShare is the part of the grid's energy for which one provider's word
// counts.
type GridShare struct {
	GridSource
	Energy Wide // mJ
	Share  float64
}

// A KPI is one figure of a site over [From, To), or the reason why there is none.
type KPI struct {
	Name, Unit string
	From, To   int64  // milliseconds since 1970 UTC
	Period     string // annual: twelve months; interim: another time; partial: of a part of the site
	Part       string
	Value      *float64
	Raw        *float64                  // where Value is bounded: what it would be
	Reason     string                    // why Value is nil, or what the reader must know of it: it is interim, it cannot be
	Category   int                       // where IT energy is metered: 1 UPS output, 2 PDU output, 3 IT input; of water, as the operator states; 0: it does not matter here, or is not stated
	Point      string                    // role of the meters of IT energy; "": none are needed
	Coverage   float64                   // share of the minutes that are over for which all that is needed is known
	Needed     float64                   // the least of Coverage of which there is a figure, once the period is over
	Quality    [metric.Qualities]float64 // shares of the energy, by how it is known
	Method     string
	Terms      string // version of what the operator states; "": nothing
	Restated   bool   // it rests on what came to be known after its hour was sealed
	Flags      []Flag
	Inputs     []Input
	Grid       []GridShare
	Components []Component
}
