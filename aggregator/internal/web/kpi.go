package web

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
	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
)

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
	a := query.KPIs{Site: q.site, From: q.from, To: q.to, StepSeconds: int64(q.step / time.Second), TimeZone: s.c.Ledger.Place(q.site).String(), KPIs: []query.KPI{}}
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
func kpiShown(k *account.KPI) query.KPI {
	a := query.KPI{
		Name: k.Name, Unit: k.Unit, From: time.UnixMilli(k.From).UTC(), To: time.UnixMilli(k.To).UTC(), Period: k.Period, Part: k.Part,
		Value: finite(k.Value), Raw: finite(k.Raw), Reason: k.Reason, Category: k.Category, Point: k.Point, Coverage: k.Coverage, Needed: k.Needed,
		Quality: qualityShown(k.Quality), Restated: k.Restated, Method: k.Method, Terms: k.Terms, Inputs: []query.Input{},
	}
	if a.Value == nil && k.Value != nil {
		a.Reason = strings.TrimPrefix(a.Reason+"; the figure is not a finite number", "; ")
	}
	if finite(&a.Coverage) == nil {
		a.Coverage = 0
	}
	for _, f := range k.Flags {
		a.Flags = append(a.Flags, query.Flag(f))
	}
	for _, in := range k.Inputs {
		a.Inputs = append(a.Inputs, query.Input{Name: in.Name, Unit: in.Unit, Value: finite(in.Value), Exact: in.Exact, Quality: qualityShown(in.Quality)})
	}
	for _, c := range k.Components {
		a.Components = append(a.Components, query.Component{Name: c.Name, Value: finite(c.Value), Reason: c.Reason})
	}
	for _, g := range k.Grid {
		a.Grid = append(a.Grid, query.GridShare{
			Zone: g.Zone, Provider: g.Provider, Tier: g.Tier, Factor: g.Kind.String(), Set: g.Set, Revised: g.Revised,
			KWh: g.Energy.Float() / metric.MillijoulesPerKWh, Share: g.Share,
		})
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
