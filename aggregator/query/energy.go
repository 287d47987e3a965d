package query

import (
	"net/url"
	"strconv"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// MaxLargest bounds EnergyQuestion.Largest.
const MaxLargest = 1000

// An EnergyQuestion asks the ledger for energy. From and To are on whole hours,
// half-open; the zero EnergyQuestion asks for today, of the only site, whole.
type EnergyQuestion struct {
	Site     string // "": the only one
	By       string // site, hall, rack, host, gpu, job or tenant; "": site
	Boundary metric.Boundary
	From, To time.Time     // zero: the start of the site's day, and the end of this hour
	Step     time.Duration // a whole number of hours; 0: one interval
	Limit    int           // lines at most; 0: as many as the server gives
	Largest  int           // of the things, so many that have the most in the whole time, and all others added up as one more; 0: all
	Of       Selection     // of the lines, those that are given

	Explain     bool // tell what the one figure is the sum of; Limit is of entries then
	EntriesFrom int  // the first of them
}

// A Selection narrows energy by hall, rack, host, GPU, job or tenant to the lines of some
// of them; "" stands for all.
type Selection struct {
	Hall, Rack, Host string
	GPU              string // its UUID, or its index
	Job, Tenant      string
}

// Energy is the answer.
type Energy struct {
	Site        string       `json:"site"`
	By          string       `json:"by"`
	Boundary    string       `json:"boundary"`
	From        time.Time    `json:"from"`
	To          time.Time    `json:"to"`
	StepSeconds int64        `json:"step_seconds"` // the whole span where there is one interval
	Lines       []EnergyLine `json:"lines"`        // by interval, then as the ledger orders them
	Truncated   bool         `json:"truncated"`    // there are more lines than were given, or entries

	Explained *Explanation `json:"explained,omitempty"` // of the one line, where it was asked for
}

// An EnergyLine is the energy of one thing in one interval [From, To).
type EnergyLine struct {
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Hall   string    `json:"hall,omitempty"`
	Rack   string    `json:"rack,omitempty"`
	Host   string    `json:"host,omitempty"`
	GPU    string    `json:"gpu,omitempty"`
	UUID   string    `json:"uuid,omitempty"`
	Model  string    `json:"model,omitempty"`
	Job    string    `json:"job,omitempty"`
	Tenant string    `json:"tenant,omitempty"`

	Things int `json:"things,omitempty"` // that are added up here, as they are not among the largest; 0: it is one thing

	// By job or tenant: job; unallocated, what nobody held; unknown, what no record
	// says who held; unrecorded, where no record of jobs is connected.
	Allocation string   `json:"allocation,omitempty"`
	GPUSeconds *float64 `json:"gpu_seconds,omitempty"` // boards' time held

	Millijoules *uint64            `json:"millijoules,string"`     // exact; nil: not known
	KWh         *float64           `json:"kwh"`                    // Millijoules to three decimals
	Parts       map[string]Exact   `json:"millijoules_by_quality"` // Millijoules, by how they are known
	Quality     map[string]float64 `json:"quality"`                // the same as shares
	Category    int                `json:"category,omitempty"`     // where IT energy is metered: 1 UPS output, 2 PDU output, 3 IT input
	Coverage    *float64           `json:"coverage"`               // share of the time that is known; by job or tenant, of the energy inside the boundary that jobs are recorded of; nil: nothing was expected
	Final       bool               `json:"final"`                  // the ledger will not change it but by a correction
	Reason      string             `json:"reason,omitempty"`       // why Millijoules is nil
	Note        string             `json:"note,omitempty"`         // what a reader must know of it: meters whose role was set right
}

// Exact is a count that travels as a decimal string, because readers of JSON
// round large numbers.
type Exact uint64

// MarshalText is the decimal string.
func (e Exact) MarshalText() ([]byte, error) { return strconv.AppendUint(nil, uint64(e), 10), nil }

// UnmarshalText reads a decimal string.
func (e *Exact) UnmarshalText(b []byte) error {
	n, err := strconv.ParseUint(string(b), 10, 64)
	*e = Exact(n)
	return err
}

func (q *EnergyQuestion) span() span { return span{q.Site, q.From, q.To, q.Step, q.Limit} }

// Values are the parameters of q.
func (q *EnergyQuestion) Values() url.Values {
	s := q.span()
	v := s.values()
	if q.By != "" {
		v.Set("by", q.By)
	}
	v.Set("boundary", q.Boundary.String())
	if q.Largest > 0 {
		v.Set("largest", strconv.Itoa(q.Largest))
	}
	if q.Explain {
		v.Set("explain", "1")
	}
	if q.EntriesFrom > 0 {
		v.Set("entries_from", strconv.Itoa(q.EntriesFrom))
	}
	for k, of := range map[string]string{"hall": q.Of.Hall, "rack": q.Of.Rack, "host": q.Of.Host, "gpu": q.Of.GPU, "job": q.Of.Job, "tenant": q.Of.Tenant} {
		if of != "" {
			v.Set(k, of)
		}
	}
	return v
}
