package query

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
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

func (q *ReconciliationQuestion) values() url.Values {
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

// findings are those there are.
var findings = [...]account.Finding{account.Balanced, account.Lacking, account.Exceeds, account.Unknown}

func parseReconciliation(v url.Values, now time.Time) (q span, stages []account.Stage, wanted []account.Finding, err error) {
	if err = known(v, "site", "stage", "from", "to", "step", "finding", "limit"); err != nil {
		return q, nil, nil, err
	}
	if q, err = parseSpan(v, now); err != nil {
		return q, nil, nil, err
	}
	for name := range strings.SplitSeq(v.Get("stage"), ",") {
		if v.Get("stage") == "" {
			break
		}
		s, ok := account.ParseStage(strings.TrimSpace(name))
		if !ok {
			return q, nil, nil, badParameter("stage", "%q is none of facility, ups, pdu, meter, hosts, gpus, rack, host", name)
		}
		stages = append(stages, s)
	}
	for name := range strings.SplitSeq(v.Get("finding"), ",") {
		if v.Get("finding") == "" {
			break
		}
		f := account.Finding(strings.TrimSpace(name))
		if !slices.Contains(findings[:], f) {
			return q, nil, nil, badParameter("finding", "%q is none of ok, lacking, exceeds, unknown", name)
		}
		wanted = append(wanted, f)
	}
	return q, stages, wanted, nil
}

func (s *Server) reconciliation(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	q, stages, wanted, err := parseReconciliation(r.Form, now)
	if err == nil {
		err = s.settle(&q, r.Form, now)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if q.step == 0 {
		q.step = q.to.Sub(q.from)
	}
	a := Reconciliation{Site: q.site, From: q.from, To: q.to, StepSeconds: int64(q.step / time.Second), Gaps: []Gap{}}
	for from := q.from; from.Before(q.to) && !a.Truncated; from = from.Add(q.step) {
		if err := overdueOrGone(r.Context()); err != nil {
			s.fail(w, r, err)
			return
		}
		to := from.Add(q.step)
		if to.After(q.to) {
			to = q.to
		}
		gaps, err := s.c.Ledger.Reconcile(q.site, from.UnixMilli(), to.UnixMilli(), stages)
		if err != nil {
			s.fail(w, r, asked(fmt.Errorf("reconcile %s: %w", q.site, err)))
			return
		}
		for i := range gaps {
			if len(wanted) > 0 && !slices.Contains(wanted, gaps[i].Finding) {
				continue
			}
			if a.Truncated = len(a.Gaps) == q.limit; a.Truncated {
				break
			}
			a.Gaps = append(a.Gaps, gapShown(&gaps[i]))
		}
	}
	s.succeed(w, r, &a)
}

// asked is err, or what was wrong with the question if that is why.
func asked(err error) error {
	var q *account.QuestionError
	if errors.As(err, &q) {
		return badParameter(q.Field, "%s", q.Problem)
	}
	return err
}

// gapShown is g as readers see it.
func gapShown(g *account.Gap) Gap {
	a := Gap{
		Stage: g.Stage.String(), Name: g.Name, From: time.UnixMilli(g.From).UTC(), To: time.UnixMilli(g.To).UTC(), Above: g.Above.String(), Below: g.Below.String(),
		Children: g.Children, Low: 100 * g.Low, High: 100 * g.High, Finding: string(g.Finding), Coverage: g.Coverage, Missing: g.Missing,
	}
	if g.Finding == account.Unknown {
		return a
	}
	above, below, wh := g.Above.Float()/metric.MillijoulesPerKWh, g.Below.Float()/metric.MillijoulesPerKWh, g.Gap/(metric.MillijoulesPerKWh/1000)
	a.AboveKWh, a.BelowKWh, a.GapWh = &above, &below, &wh
	if g.Ratio != nil {
		percent := 100 * *g.Ratio
		a.Percent = &percent
	}
	return a
}
