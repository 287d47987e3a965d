package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/rights"
	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// Entries of one answer.
const (
	someEntries = 1000
	mostEntries = 10_000
)

// parseExplain reads whether the entries of a figure are asked for, from which one
// on, and how many.
func parseExplain(v url.Values) (explain bool, from, limit int, err error) {
	switch v.Get("explain") {
	case "", "0", "false":
		return false, 0, 0, nil
	case "1", "true":
	default:
		return false, 0, 0, badParameter("explain", "%q is neither 1 nor 0", v.Get("explain"))
	}
	limit = someEntries
	for _, x := range []struct {
		name string
		to   *int
	}{{"entries_from", &from}, {"limit", &limit}} {
		if s := v.Get(x.name); s != "" {
			if *x.to, err = strconv.Atoi(s); err != nil || *x.to < 0 {
				return false, 0, 0, badParameter(x.name, "%q is no count", s)
			}
		}
	}
	if v.Get("largest") != "" {
		return false, 0, 0, badParameter("largest", "one figure is explained at a time")
	}
	return true, from, min(max(limit, 1), mostEntries), nil
}

// explain answers q with its figure and the entries that it is the sum of.
func (s *Server) explain(w http.ResponseWriter, r *http.Request, q account.Question, from, limit int) {
	if scope := scopeOf(r.Context()); !scope.Whole() { // entries name hosts, and those are not a tenant's to know
		s.fail(w, r, s.lacks(rights.From(r.Context()), "sees %v; what a figure is the sum of is of a whole site", scope))
		return
	}
	x, err := s.explained(r.Context(), q, from, limit)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	a := query.Energy{
		Site: q.Site, By: q.By.String(), Boundary: q.Boundary.String(), From: time.UnixMilli(q.From).UTC(), To: time.UnixMilli(q.To).UTC(),
		StepSeconds: (q.To - q.From) / 1000, Lines: []query.EnergyLine{energyLine(&x.Line, q.By)}, Truncated: from+len(x.Entries) < x.Total,
		Explained: &query.Explanation{Entries: []query.EnergyEntry{}, From: from, Total: x.Total, Millijoules: x.Sum.String()},
	}
	if a.Truncated {
		a.Explained.Next = from + len(x.Entries)
	}
	for i := range x.Entries {
		a.Explained.Entries = append(a.Explained.Entries, energyEntry(&x.Entries[i]))
	}
	s.succeed(w, r, a)
}

// explained asks the ledger, unless the caller has left meanwhile.
func (s *Server) explained(ctx context.Context, q account.Question, from, limit int) (*account.Explanation, error) {
	if err := overdueOrGone(ctx); err != nil {
		return nil, err
	}
	x, err := s.c.Ledger.Explain(q, from, limit)
	if err != nil {
		return nil, fmt.Errorf("explain energy of %s: %w", q.Site, asked(err))
	}
	return x, nil
}

// energyEntry is e as readers see it.
func energyEntry(e *account.Entry) query.EnergyEntry {
	d := &e.Device
	out := query.EnergyEntry{
		Kind: string(e.Kind), Hour: time.UnixMilli(e.Hour).UTC(), File: e.File, Device: d.Name,
		Hall: e.Place.Hall, Rack: e.Place.Rack, Host: e.Place.Host, Job: e.Job.Name, Tenant: e.Job.Tenant,
		Quality: e.Quality.String(), Millijoules: query.SignedExact(e.Millijoules), Why: e.Why,
	}
	if e.Leaf >= 0 {
		out.Leaf = &e.Leaf
	}
	if d.Name != "" {
		out.Of, out.Metric, out.Role = d.Kind.String(), metric.Lookup(d.Metric).Name, d.Role
	}
	if d.Quantity != account.Other {
		out.Role = d.Quantity.String()
	}
	return out
}
