package query

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
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

func (q *KPIQuestion) values() url.Values {
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

// kpiQuery is a question as it was read.
type kpiQuery struct {
	span
	account.KPIQuestion
	calendar *account.Calendar
}

func parseKPI(v url.Values, now time.Time) (q kpiQuery, err error) {
	if err := known(v, "site", "kpi", "from", "to", "step", "category", "part", "limit"); err != nil {
		return q, err
	}
	if c, ok := account.ParseCalendar(v.Get("step")); ok {
		q.calendar = &c
		v = cloneWithout(v, "step")
	}
	if q.span, err = parseSpan(v, now); err != nil {
		return q, err
	}
	if s := v.Get("category"); s != "" {
		if q.Category, err = strconv.Atoi(s); err != nil || q.Category < 1 || q.Category > 3 {
			return q, badParameter("category", "%q is none of 1, 2, 3", s)
		}
	}
	all := account.KPINames()
	if q.Part = v.Get("part"); q.Part != "" {
		all = []string{"pue"}
	}
	s := v.Get("kpi")
	if s == "" {
		q.Names = all
		return q, nil
	}
	for name := range strings.SplitSeq(s, ",") {
		name = strings.TrimSpace(name)
		switch {
		case !slices.Contains(all, name):
			return q, badParameter("kpi", "%q is none of %s", name, strings.Join(all, ", "))
		case slices.Contains(q.Names, name):
			return q, badParameter("kpi", "%s is asked for twice", name)
		}
		q.Names = append(q.Names, name)
	}
	return q, nil
}

func cloneWithout(v url.Values, name string) url.Values {
	out := url.Values{}
	for k, list := range v {
		if k != name {
			out[k] = list
		}
	}
	return out
}

func (s *Server) kpi(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	q, err := parseKPI(r.Form, now)
	if err == nil {
		err = s.settle(&q.span, r.Form, now)
	}
	first := q.from // of the steps
	if err == nil {
		first, err = s.today(&q.span, r.Form, now)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if q.step == 0 && q.calendar == nil {
		q.step, first = q.to.Sub(q.from), q.from
	}
	a := KPIs{Site: q.site, From: q.from, To: q.to, StepSeconds: int64(q.step / time.Second), TimeZone: s.c.Ledger.Place(q.site).String(), KPIs: []KPI{}}
	if q.calendar != nil {
		a.Calendar = r.Form.Get("step")
	}
	for from, to := range s.steps(&q, first) {
		if len(a.KPIs) == q.limit {
			a.Truncated = true
			break
		}
		if err := overdueOrGone(r.Context()); err != nil {
			s.fail(w, r, err)
			return
		}
		q.KPIQuestion.From, q.KPIQuestion.To = from.UnixMilli(), to.UnixMilli()
		ks, err := s.c.Ledger.KPIs(q.site, q.KPIQuestion)
		if err != nil {
			s.fail(w, r, asked(fmt.Errorf("read figures of %s: %w", q.site, err)))
			return
		}
		for i := range ks {
			if a.Truncated = len(a.KPIs) == q.limit; a.Truncated {
				break
			}
			a.KPIs = append(a.KPIs, kpiShown(&ks[i]))
		}
	}
	s.succeed(w, r, &a)
}

// steps yields the intervals of q, the first of which may begin before its time.
func (s *Server) steps(q *kpiQuery, first time.Time) func(func(from, to time.Time) bool) {
	return func(yield func(from, to time.Time) bool) {
		for at := first; at.Before(q.to); {
			next := at.Add(q.step)
			if q.calendar != nil {
				_, end := s.c.Ledger.Around(q.site, *q.calendar, at.UnixMilli())
				next = time.UnixMilli(end).UTC()
			}
			from, to := at, next
			if from.Before(q.from) {
				from = q.from
			}
			if to.After(q.to) {
				to = q.to
			}
			if from.Before(to) && !yield(from, to) { // else it is before the site began
				return
			}
			at = next
		}
	}
}

// today fills in what was not said of the time in q, and tells where its steps
// begin: with the day, though the site may be younger.
func (s *Server) today(q *span, said url.Values, now time.Time) (first time.Time, err error) {
	from, to := s.c.Ledger.Today(q.site, now)
	first = q.from
	if said.Get("from") == "" {
		q.from = time.UnixMilli(from).UTC()
		midnight, _ := s.c.Ledger.Around(q.site, account.ByDay, from)
		first = time.UnixMilli(midnight).UTC()
	}
	if said.Get("to") == "" {
		q.to = time.UnixMilli(to).UTC()
	}
	if !q.from.Before(q.to) {
		return first, badParameter("to", "%s is not after from, %s", q.to.Format(time.RFC3339), q.from.Format(time.RFC3339))
	}
	return first, nil
}

// kpiShown is k as readers see it.
func kpiShown(k *account.KPI) KPI {
	a := KPI{
		Name: k.Name, Unit: k.Unit, From: time.UnixMilli(k.From).UTC(), To: time.UnixMilli(k.To).UTC(), Period: k.Period, Part: k.Part,
		Value: finite(k.Value), Raw: finite(k.Raw), Reason: k.Reason, Category: k.Category, Point: k.Point, Coverage: k.Coverage, Needed: k.Needed,
		Quality: qualityShown(k.Quality), Restated: k.Restated, Method: k.Method, Terms: k.Terms, Inputs: []Input{},
	}
	if a.Value == nil && k.Value != nil {
		a.Reason = strings.TrimPrefix(a.Reason+"; the figure is not a finite number", "; ")
	}
	if finite(&a.Coverage) == nil {
		a.Coverage = 0
	}
	for _, f := range k.Flags {
		a.Flags = append(a.Flags, Flag{f.Code, f.Text, f.Wrong})
	}
	for _, in := range k.Inputs {
		a.Inputs = append(a.Inputs, Input{in.Name, in.Unit, finite(in.Value), in.Exact, qualityShown(in.Quality)})
	}
	for _, c := range k.Components {
		a.Components = append(a.Components, Component{c.Name, finite(c.Value), c.Reason})
	}
	for _, g := range k.Grid {
		a.Grid = append(a.Grid, GridShare{g.Zone, g.Provider, g.Tier, g.Kind.String(), g.Set, g.Revised, g.Energy.Float() / metric.MillijoulesPerKWh, g.Share})
	}
	return a
}

func qualityShown(shares [metric.Qualities]float64) map[string]float64 {
	out := map[string]float64{}
	for q, share := range shares {
		if share > 0 && finite(&share) != nil {
			out[metric.Quality(q).String()] = share
		}
	}
	return out
}

// finite is v, or nil where JSON has no number for it.
func finite(v *float64) *float64 {
	if v == nil || math.IsNaN(*v) || math.IsInf(*v, 0) {
		return nil
	}
	return v
}
