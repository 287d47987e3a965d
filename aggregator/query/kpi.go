package query

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// kpiNames are the figures there are, in the order they are answered.
const kpiNames = "pue,wue,cue,erf,ref,carbon_location,carbon_market,cost"

// A KPIQuestion asks for figures of a site. From, To and Step are as in
// [EnergyQuestion], save that without From and To they are of today as the status
// page means it: since midnight UTC, or since the site's first minute if that is
// later, up to now.
type KPIQuestion struct {
	Site     string
	KPIs     []string // pue wue cue erf ref carbon_location carbon_market cost; none: all
	From, To time.Time
	Step     time.Duration
	Limit    int // figures at most
}

// KPIs is the answer.
type KPIs struct {
	Site        string    `json:"site"`
	From        time.Time `json:"from"`
	To          time.Time `json:"to"`
	StepSeconds int64     `json:"step_seconds"`
	KPIs        []KPI     `json:"kpis"` // by interval, then in the order asked for
	Truncated   bool      `json:"truncated"`
}

// A KPI is one figure over [From, To), or the reason why there is none.
type KPI struct {
	Name     string             `json:"kpi"`
	Unit     string             `json:"unit"`
	From     time.Time          `json:"from"`
	To       time.Time          `json:"to"`
	Value    *float64           `json:"value"`
	Reason   string             `json:"reason,omitempty"`   // why Value is nil, or what to know of it
	Category int                `json:"category,omitempty"` // where IT energy is metered: 1 UPS output, 2 PDU output, 3 IT input
	Coverage float64            `json:"coverage"`
	Quality  map[string]float64 `json:"quality"` // shares of the energy, by how it is known
	Method   string             `json:"method,omitempty"`
	Inputs   []Input            `json:"inputs"`
}

// An Input is a figure that a KPI rests on.
type Input struct {
	Name  string   `json:"name"`
	Unit  string   `json:"unit"`
	Value *float64 `json:"value"`           // nil: not known
	Exact string   `json:"exact,omitempty"` // a decimal integer in the unit it is counted in: mJ, mL or mg
}

func (q *KPIQuestion) values() url.Values {
	s := span{q.Site, q.From, q.To, q.Step, q.Limit}
	v := s.values()
	if len(q.KPIs) > 0 {
		v.Set("kpi", strings.Join(q.KPIs, ","))
	}
	return v
}

func parseKPI(v url.Values, now time.Time) (q span, names []string, err error) {
	if err := known(v, "site", "kpi", "from", "to", "step", "limit"); err != nil {
		return q, nil, err
	}
	if q, err = parseSpan(v, now); err != nil {
		return q, nil, err
	}
	all := strings.Split(kpiNames, ",")
	s := v.Get("kpi")
	if s == "" {
		return q, all, nil
	}
	for name := range strings.SplitSeq(s, ",") {
		name = strings.TrimSpace(name)
		switch {
		case !slices.Contains(all, name):
			return q, nil, badParameter("kpi", "%q is none of %s", name, strings.Join(all, ", "))
		case slices.Contains(names, name):
			return q, nil, badParameter("kpi", "%s is asked for twice", name)
		}
		names = append(names, name)
	}
	return q, names, nil
}

func (s *Server) kpi(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	q, names, err := parseKPI(r.Form, now)
	if err == nil {
		err = s.settle(&q)
	}
	first := q.from // of the steps
	if err == nil {
		first, err = s.today(&q, r.Form, now)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if q.step == 0 {
		q.step, first = q.to.Sub(q.from), q.from
	}
	a := KPIs{Site: q.site, From: q.from, To: q.to, StepSeconds: int64(q.step / time.Second), KPIs: []KPI{}}
	for ; first.Before(q.to) && !a.Truncated; first = first.Add(q.step) {
		from, to := first, first.Add(q.step)
		if from.Before(q.from) {
			from = q.from
		}
		if to.After(q.to) {
			to = q.to
		}
		if !from.Before(to) { // before the site began
			continue
		}
		for _, name := range names {
			if len(a.KPIs) == q.limit {
				a.Truncated = true
				break
			}
			if err := overdueOrGone(r.Context()); err != nil {
				s.fail(w, r, err)
				return
			}
			k, err := s.c.Ledger.KPI(q.site, name, from.UnixMilli(), to.UnixMilli())
			if err != nil {
				s.fail(w, r, fmt.Errorf("read %s of %s: %w", name, q.site, err))
				return
			}
			a.KPIs = append(a.KPIs, kpiShown(&k))
		}
	}
	s.succeed(w, r, &a)
}

// today fills in what was not said of the time in q, and tells where its steps
// begin: with the day, though the site may be younger.
func (s *Server) today(q *span, said url.Values, now time.Time) (first time.Time, err error) {
	from, to := s.c.Ledger.Today(q.site, now)
	first = q.from
	if said.Get("from") == "" {
		q.from = time.UnixMilli(from).UTC()
		first = q.from.Truncate(24 * time.Hour)
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
		Name: k.Name, Unit: k.Unit, From: time.UnixMilli(k.From).UTC(), To: time.UnixMilli(k.To).UTC(),
		Value: finite(k.Value), Reason: k.Reason, Category: k.Category, Coverage: k.Coverage,
		Quality: map[string]float64{}, Method: k.Method, Inputs: []Input{},
	}
	if a.Value == nil && k.Value != nil {
		a.Reason = strings.TrimPrefix(a.Reason+"; the figure is not a finite number", "; ")
	}
	if finite(&a.Coverage) == nil {
		a.Coverage = 0
	}
	for q, share := range k.Quality {
		if share > 0 && finite(&share) != nil {
			a.Quality[metric.Quality(q).String()] = share
		}
	}
	for _, in := range k.Inputs {
		a.Inputs = append(a.Inputs, Input{in.Name, in.Unit, finite(in.Value), in.Exact})
	}
	return a
}

// finite is v, or nil where JSON has no number for it.
func finite(v *float64) *float64 {
	if v == nil || math.IsNaN(*v) || math.IsInf(*v, 0) {
		return nil
	}
	return v
}
