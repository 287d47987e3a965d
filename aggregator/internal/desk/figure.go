package desk

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/aggregator/internal/report"
	"github.com/gigawatch/gigawatch/aggregator/query"
)

// hourForm names an hour in UTC.
const hourForm = "2006-01-02T15Z"

// Figure implements query.Reports.
func (d *Desk) Figure(ctx context.Context, q query.ReportQuestion, name, at string) (*query.ReportFigure, error) {
	s, err := d.look(ctx, q)
	if err != nil {
		return nil, err
	}
	f, err := find(s.record, name)
	if err != nil {
		return nil, err
	}
	of := inputs(s.record, f)
	keys := []string{f.Key}
	for _, x := range of {
		keys = append(keys, x.Key)
	}
	a := &query.ReportFigure{
		Site: q.Site, Year: q.Year, Version: s.version, Locked: s.locked, Key: f.Key, At: at, Of: []query.ReportInput{},
		Issues: issues(s.record, func(field string) bool { return slices.Contains(keys, field) }),
	}
	within := at
	if t, err := time.Parse(hourForm, at); err == nil {
		within = t.In(zoneOf(s.record)).Format("2006-01-02")
	}
	a.Figure, err = json.Marshal(f)
	if err == nil {
		err = besides(a, s.record, of, keys, within)
	}
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(of, func(x *report.Figure) bool { return report.Metered(x.Key) && x.Value != nil }) {
		return a, noHours(f.Key, at)
	}
	return a, d.zoom(ctx, a, s, of, at)
}

// noHours refuses a time of a figure that is made of no hours.
func noHours(key, at string) error {
	if at == "" {
		return nil
	}
	return fmt.Errorf("%w: %s is made of no hours", query.ErrNoReport, key)
}

// find is the figure of a record by its key, or by its symbol if that is of one only.
func find(r *report.Record, name string) (f *report.Figure, err error) {
	if f = r.Figure(name); f != nil {
		return f, nil
	}
	var keys []string
	for i := range r.Figures {
		if x := &r.Figures[i]; x.Symbol != "" && strings.EqualFold(x.Symbol, name) {
			f, keys = x, append(keys, x.Key)
		}
	}
	switch len(keys) {
	case 0:
		return nil, fmt.Errorf("%w: the record has no figure %q", query.ErrNoReport, name)
	case 1:
		return f, nil
	}
	return nil, fmt.Errorf("%w: %q is the symbol of %s: say which", query.ErrNoReport, name, strings.Join(keys, " and "))
}

// inputs are the figures that f is a quotient of, or f itself.
func inputs(r *report.Record, f *report.Figure) (of []*report.Figure) {
	over, by, ok := strings.Cut(strings.TrimSuffix(f.Method, ", m³ in litres"), " / ")
	if ok && report.Metered(by) {
		for _, key := range []string{over, by} {
			if x := r.Figure(key); x != nil {
				of = append(of, x)
			}
		}
		return of
	}
	return []*report.Figure{f}
}

func zoneOf(r *report.Record) *time.Location {
	if z, err := time.LoadLocation(r.Period.TimeZone); err == nil {
		return z
	}
	return time.UTC
}

// besides fills in what else a record has of some figures: meters, their gaps in a
// time, evidence, and what counts of renewable energy.
func besides(a *query.ReportFigure, r *report.Record, of []*report.Figure, keys []string, within string) (err error) {
	put := func(to *json.RawMessage, v any, n int) {
		if n > 0 && err == nil {
			*to, err = json.Marshal(v)
		}
	}
	var names []string
	for _, x := range of {
		names = append(names, x.Meters...)
	}
	var meters []report.Meter
	for i := range r.Meters {
		if slices.Contains(names, r.Meters[i].ID) {
			meters = append(meters, r.Meters[i])
		}
	}
	put(&a.Meters, meters, len(meters))
	var gaps []report.Gap
	for i := range r.Gaps {
		if g := &r.Gaps[i]; slices.Contains(names, g.Meter) && touches(g, within) {
			gaps = append(gaps, *g)
		}
	}
	put(&a.Gaps, gaps, len(gaps))
	var written []report.Evidence
	for i := range r.Evidence {
		if slices.Contains(keys, r.Evidence[i].Key) || slices.Contains(keys, "pd_it_kw") && r.Evidence[i].Key == "it_power" {
			written = append(written, r.Evidence[i])
		}
	}
	put(&a.Written, written, len(written))
	wanted := func(kinds ...string) bool {
		return slices.ContainsFunc(kinds, func(k string) bool { return slices.Contains(keys, k) })
	}
	behind := map[string]any{}
	if wanted("e_res_goo_kwh", "e_res_tot_kwh", "e_res_ppa_kwh", "e_res_os_kwh", "ref") && len(r.Guarantees) > 0 {
		behind["guarantees"] = r.Guarantees
	}
	if wanted("e_res_ppa_kwh", "e_res_tot_kwh", "ref") && len(r.Agreements) > 0 {
		behind["agreements"] = r.Agreements
	}
	put(&a.Behind, behind, len(behind))
	return err
}

// touches reports whether a gap lies in a month or day, "" being all of the year.
func touches(g *report.Gap, within string) bool {
	from, err := time.Parse(time.RFC3339, g.From)
	if within == "" || err != nil {
		return true
	}
	to := from.Add(time.Duration(g.Minutes)*time.Minute - time.Second)
	n := len(within)
	return from.Format(time.DateOnly)[:n] <= within && within <= to.Format(time.DateOnly)[:n]
}

// zoom fills in what a figure has in months, in days, in hours, or in one hour.
func (d *Desk) zoom(ctx context.Context, a *query.ReportFigure, s *seen, of []*report.Figure, at string) (err error) {
	trace, today, err := d.traces(ctx, a, s)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(of, func(x *report.Figure) bool { return trace.Has(x.Key) }) {
		return noHours(a.Key, at)
	}
	hour, isHour := time.Time{}, false
	parts := func(t *report.Trace, key string) ([]report.Part, bool) { return t.Months(key) }
	a.By = "month"
	switch {
	case at == "":
	case matches("2006-01", at):
		a.By, parts = "day", func(t *report.Trace, key string) ([]report.Part, bool) { return t.Days(key, at) }
	case matches(time.DateOnly, at):
		a.By, parts = "hour", func(t *report.Trace, key string) ([]report.Part, bool) { return t.Hours(key, at) }
	default:
		if hour, err = time.Parse(hourForm, at); err != nil {
			return fmt.Errorf("%w: %q is neither a month, nor a day, nor an hour in UTC such as %d-07-15T12Z", query.ErrNoReport, at, a.Year)
		}
		isHour, a.By = true, "meter"
		day := hour.In(zoneOf(s.record)).Format(time.DateOnly)
		parts = func(t *report.Trace, key string) (of []report.Part, ok bool) {
			all, _ := t.Hours(key, day)
			for _, p := range all {
				if p.Name == at {
					of = append(of, p)
				}
			}
			return of, len(of) > 0
		}
	}
	for _, f := range of {
		in := query.ReportInput{Key: f.Key}
		if in.Figure, err = json.Marshal(f); err != nil {
			return err
		}
		if trace.Has(f.Key) {
			ps, ok := parts(trace, f.Key)
			if !ok {
				return fmt.Errorf("%w: %s has nothing of %s", query.ErrNoReport, f.Key, at)
			}
			if today != nil {
				now, _ := parts(today, f.Key)
				report.Differ(ps, now)
			}
			if in.Parts, err = json.Marshal(ps); err != nil {
				return err
			}
		}
		a.Of = append(a.Of, in)
	}
	if isHour {
		return d.hour(a, s, trace, hour)
	}
	return nil
}

// traces are the hours behind a record, and where it is locked those that the ledger
// has today, nil if that cannot be told. A record that was locked without its hours is
// shown with those of today.
func (d *Desk) traces(ctx context.Context, a *query.ReportFigure, s *seen) (behind, today *report.Trace, err error) {
	if s.draft != nil {
		a.From = ofLedger
		return s.draft.Trace, nil, nil
	}
	if behind, err = d.Folder.Trace(s.filing, s.version); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", query.ErrReport, err)
	}
	now, err := d.draft(ctx, a.Site, a.Year)
	switch {
	case err != nil && (behind == nil || ctx.Err() != nil):
		return nil, nil, err
	case err != nil: // what was locked stands, whatever became of the ledger
		a.From, a.Today = ofLock, err.Error()
		return behind, nil, nil
	}
	if f := now.Record.Figure(a.Key); f != nil && f.Value != nil {
		if was := s.record.Figure(a.Key); was.Value == nil || was.Value.Cmp(*f.Value) != 0 {
			a.Now = f.Value.String()
		}
	}
	if behind == nil {
		a.From = ofLedger
		return now.Trace, nil, nil
	}
	a.From = ofLock
	return behind, now.Trace, nil
}

// What parts are of.
const (
	ofLock   = "locked"
	ofLedger = "ledger"
)

func matches(form, s string) bool {
	t, err := time.Parse(form, s)
	return err == nil && t.Format(form) == s
}

// hour fills in the meters of an hour, and the proof that it stands in the log.
func (d *Desk) hour(a *query.ReportFigure, s *seen, trace *report.Trace, at time.Time) (err error) {
	of, _, err := d.described(a.Site)
	if err != nil {
		return err
	}
	l, done, err := d.c.Open(of)
	if err != nil {
		return err
	}
	defer func() {
		if e := done(); err == nil {
			err = e
		}
	}()
	from := at.UnixMilli()
	var branches *account.HourBranches
	if err := l.Branches(a.Site, from, from+1, func(h *account.HourBranches) bool { branches = h; return true }); err != nil {
		return errRefused("report on "+a.Site, err)
	}
	for i := range a.Of {
		if a.Of[i].Meters, err = json.Marshal(trace.MetersOf(a.Of[i].Key, branches)); err != nil {
			return err
		}
	}
	h := ledger.Head{Site: a.Site, Leaves: s.record.Ledger.Leaves, Root: s.record.Ledger.Root}
	if s.draft != nil {
		h = s.draft.Head
	}
	x := &query.ReportHour{Hour: a.At, Leaves: h.Leaves, Root: h.Root}
	if x.Files, err = l.Verify(a.Site, from, from+1); err != nil {
		return errRefused("report on "+a.Site, err)
	}
	if err := l.Extends(h); err != nil {
		return errRefused("report on "+a.Site, err)
	}
	proofs, err := l.Prove(h, from/time.Hour.Milliseconds())
	if err != nil {
		return err
	}
	if len(proofs) == 0 {
		proofs, x.Why = []ledger.Proof{}, "the hour is not sealed yet, or nothing was booked in it: no leaf of the log is of it"
	}
	x.Proofs, err = json.Marshal(proofs)
	a.Hour = x
	return err
}
