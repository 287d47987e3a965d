package query

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
)

// A KPIQuestion asks for figures of a site. From, To and Step are as in
// [EnergyQuestion], save that without From and To they are of today as the status
// page means it: since the site's midnight, or its first minute if that is later,
// up to now.
type KPIQuestion struct {
	Site     string
	KPIs     []string // as [KPINames]; none: all
	From, To time.Time
	Step     time.Duration
	Calendar string // day, month or year, by the site's midnight, instead of Step
	Category int    // where IT energy is metered; 0: the outermost point that is
	Part     string // of the site, whose partial PUE it is
	Limit    int    // figures at most
}

// KPINames are the figures there are.
func KPINames() []string { return account.KPINames() }

// KPIs is the answer.
type KPIs struct {
	Site        string    `json:"site"`
	From        time.Time `json:"from"`
	To          time.Time `json:"to"`
	StepSeconds int64     `json:"step_seconds"` // 0: a calendar's
	Calendar    string    `json:"calendar,omitempty"`
	TimeZone    string    `json:"time_zone"` // by which the site's days are cut
	KPIs        []KPI     `json:"kpis"`      // by interval, then in the order asked for
	Truncated   bool      `json:"truncated"`
}

// A KPI is one figure over [From, To), or the reason why there is none.
type KPI struct {
	Name       string             `json:"kpi"`
	Unit       string             `json:"unit"`
	From       time.Time          `json:"from"`
	To         time.Time          `json:"to"`
	Period     string             `json:"period,omitempty"` // annual: twelve months; interim: another time; partial: of a part of the site
	Part       string             `json:"part,omitempty"`
	Value      *float64           `json:"value"`
	Raw        *float64           `json:"raw,omitempty"`      // where Value is bounded: what it would be
	Reason     string             `json:"reason,omitempty"`   // why Value is nil, or what to know of it
	Category   int                `json:"category,omitempty"` // where IT energy is metered: 1 UPS output, 2 PDU output, 3 IT input; of WUE, as the operator states
	Point      string             `json:"it_point,omitempty"` // role of the meters of IT energy
	Coverage   float64            `json:"coverage"`
	Needed     float64            `json:"coverage_needed,omitempty"` // the least of Coverage of which there is a figure, once the period is over
	Quality    map[string]float64 `json:"quality"`                   // shares of the energy, by how it is known
	Restated   bool               `json:"restated,omitempty"`
	Flags      []Flag             `json:"flags,omitempty"`
	Method     string             `json:"method,omitempty"`
	Terms      string             `json:"terms,omitempty"` // version of what the operator states
	Inputs     []Input            `json:"inputs"`
	Components []Component        `json:"components,omitempty"` // of a cost
	Grid       []GridShare        `json:"grid,omitempty"`       // whose word on the grid counts, for which share of its energy
}

// An Input is a figure that a KPI rests on.
type Input struct {
	Name    string             `json:"name"`
	Unit    string             `json:"unit"`
	Value   *float64           `json:"value"`             // nil: not known
	Exact   string             `json:"exact,omitempty"`   // a decimal integer in the unit it is counted in: mJ, mL or mg
	Quality map[string]float64 `json:"quality,omitempty"` // shares of it, by how it is known
}

// A Flag is what a reader must know of a figure.
type Flag struct {
	Code  string `json:"code"`
	Text  string `json:"text"`
	Wrong bool   `json:"wrong,omitempty"` // the figure must not be reported
}

// A Component is a part of a cost, in the unit of the KPI.
type Component struct {
	Name   string   `json:"name"`
	Value  *float64 `json:"value"`
	Reason string   `json:"reason,omitempty"`
}

// A GridShare is the energy for which one provider's word on the grid counts.
type GridShare struct {
	Zone     string  `json:"zone,omitempty"`
	Provider string  `json:"provider,omitempty"` // none: not kept
	Tier     string  `json:"tier,omitempty"`
	Factor   string  `json:"factor"` // lifecycle or direct; price
	Set      string  `json:"set,omitempty"`
	Revised  bool    `json:"revised,omitempty"`
	KWh      float64 `json:"kwh"`
	Share    float64 `json:"share"`
}

// Values are the parameters of q.
func (q *KPIQuestion) Values() url.Values {
	s := span{q.Site, q.From, q.To, q.Step, q.Limit}
	v := s.values()
	if len(q.KPIs) > 0 {
		v.Set("kpi", strings.Join(q.KPIs, ","))
	}
	if q.Calendar != "" {
		v.Set("step", q.Calendar)
	}
	if q.Category != 0 {
		v.Set("category", strconv.Itoa(q.Category))
	}
	if q.Part != "" {
		v.Set("part", q.Part)
	}
	return v
}
