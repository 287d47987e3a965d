package query

import (
	"net/url"
	"strings"
	"time"
)

// A ReconciliationQuestion asks what each stage of a site's power tree shows,
// and what stands below it. From, To and Step are as in [EnergyQuestion].
type ReconciliationQuestion struct {
	Site     string
	Stages   []string // facility, ups, pdu, meter, hosts, gpus, rack, host; none: all
	From, To time.Time
	Step     time.Duration
	Findings []string // ok, lacking, exceeds, unknown; none: all
	Limit    int      // gaps at most
}

// Reconciliation is the answer.
type Reconciliation struct {
	Site        string    `json:"site"`
	From        time.Time `json:"from"`
	To          time.Time `json:"to"`
	StepSeconds int64     `json:"step_seconds"`
	Gaps        []Gap     `json:"gaps"` // by interval, then by stage and name
	Truncated   bool      `json:"truncated"`
}

// A Gap is what a stage shows less what stands below it, over the hours of
// [From, To) in which both are known.
type Gap struct {
	Stage    string    `json:"stage"`
	Name     string    `json:"name,omitempty"` // of what stands above; none: the whole site
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	AboveKWh *float64  `json:"above_kwh"` // nil: not known
	BelowKWh *float64  `json:"below_kwh"`
	Above    string    `json:"above_millijoules"`
	Below    string    `json:"below_millijoules"`
	Children int       `json:"children"`
	GapWh    *float64  `json:"gap_wh"` // above less below
	Percent  *float64  `json:"gap_percent"`
	Low      float64   `json:"expected_low_percent"`
	High     float64   `json:"expected_high_percent"`
	Finding  string    `json:"finding"` // ok; lacking: less is below than expected; exceeds: more is below than above; unknown
	Coverage float64   `json:"coverage"`
	Missing  []string  `json:"missing,omitempty"` // what was not known, some of it
}

// Values are the parameters of q.
func (q *ReconciliationQuestion) Values() url.Values {
	s := span{q.Site, q.From, q.To, q.Step, q.Limit}
	v := s.values()
	if len(q.Stages) > 0 {
		v.Set("stage", strings.Join(q.Stages, ","))
	}
	if len(q.Findings) > 0 {
		v.Set("finding", strings.Join(q.Findings, ","))
	}
	return v
}
