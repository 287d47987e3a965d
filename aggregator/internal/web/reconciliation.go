package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
)

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
	a := query.Reconciliation{Site: q.site, From: q.from, To: q.to, StepSeconds: int64(q.step / time.Second), Gaps: []query.Gap{}}
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
func gapShown(g *account.Gap) query.Gap {
	a := query.Gap{
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
