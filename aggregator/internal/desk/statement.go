package desk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/names"
	"github.com/gigawatch/gigawatch/aggregator/internal/report"
	"github.com/gigawatch/gigawatch/aggregator/internal/statement"
	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/site"
)

// Bounds of a statement.
const (
	mostSpan = 800 * 24 * time.Hour
	mostJobs = 1000
)

// A Stated is a statement that was made.
type Stated struct {
	Out    report.Statement // as it is handed out
	Issues []report.Issue

	kept  report.Statement // as it is kept: by key
	claim statement.Claim
	names bool
}

// State makes a statement of the sites that sees lets through.
func (d *Desk) State(ctx context.Context, q query.StatementQuestion, by query.ReportReader, sees func(string) bool) (*Stated, error) {
	sites := slices.DeleteFunc(slices.Clone(d.c.Sites()), func(s *Described) bool {
		return !sees(s.Site.Token) || q.Site != "" && s.Site.Token != q.Site
	})
	if q.Site != "" && !sees(q.Site) {
		return nil, fmt.Errorf("%w: no site %q", query.ErrNoSite, q.Site)
	}
	if q.Site != "" {
		if _, _, err := d.described(q.Site); err != nil {
			return nil, err
		}
	}
	switch {
	case !slices.Contains(query.StatementKinds(), q.Kind):
		return nil, fmt.Errorf("%w: no statement is of %q", query.ErrNoReport, q.Kind)
	case len(sites) == 0:
		return nil, fmt.Errorf("%w: %s", query.ErrNoReport, noFile)
	case q.Kind == query.StatementOfESRS || q.Kind == query.StatementOfFleet:
		return d.ofRecords(ctx, &q, sites)
	case len(sites) > 1:
		return nil, fmt.Errorf("%w: which site, of %d", query.ErrAsked, len(sites))
	case q.Kind == query.StatementOfJobs && len(q.Jobs) == 0 && q.Tenant == "":
		return nil, fmt.Errorf("%w: neither a job nor a tenant is named", query.ErrAsked)
	case len(q.Jobs) > mostJobs:
		return nil, fmt.Errorf("%w: %d jobs, and the limit is %d", query.ErrAsked, len(q.Jobs), mostJobs)
	}
	if q.Names && !q.Mine {
		if err := MayName(sites[0].Site, by.Name); err != nil {
			return nil, err
		}
	}
	from, to, err := statedSpan(&q, sites[0].Site)
	if err != nil {
		return nil, err
	}
	select { // as records: one at a time
	case d.one <- struct{}{}:
		defer func() { <-d.one }()
	case <-ctx.Done():
		return nil, query.ErrMaking
	case <-d.ctx.Done():
		return nil, d.ctx.Err()
	}
	return d.ofLedger(ctx, &q, sites[0], from, to)
}

// MayName says why somebody may not have names; nil if they may.
func MayName(s *site.Site, name string) error {
	for i := range s.People {
		if p := &s.People[i]; p.Name == name {
			if slices.Contains(p.May, site.MayNames) {
				return nil
			}
			return fmt.Errorf("%w: %s %w see names: under people of the site file, may: lacks %s", query.ErrNames, name, report.ErrMayNot, site.MayNames)
		}
	}
	return fmt.Errorf("%w: %q %w see names: no such person stands under people of the site file", query.ErrNames, name, report.ErrMayNot)
}

// statedSpan is the time that q asks for.
func statedSpan(q *query.StatementQuestion, s *site.Site) (from, to time.Time, err error) {
	whole := func(first site.Date, months int) {
		from, to = s.MidnightOf(first), s.MidnightOf(first.AddMonths(months))
	}
	switch said := q.From != "" || q.To != ""; {
	case q.Year != 0 && (q.Month != "" || said), q.Month != "" && said, q.Year == 0 && q.Month == "" && !said:
		return from, to, fmt.Errorf("%w: want a year, a month, or from and to", query.ErrAsked)
	case q.Year != 0:
		if err := checkYear(q.Year); err != nil {
			return from, to, err
		}
		whole(site.Date{Year: q.Year, Month: time.January, Day: 1}, 12)
		return from, to, nil
	case q.Month != "":
		t, err := time.Parse("2006-01", q.Month)
		if err != nil {
			return from, to, fmt.Errorf("%w: month %.20q is none, such as 2026-11", query.ErrAsked, q.Month)
		}
		whole(site.Date{Year: t.Year(), Month: t.Month(), Day: 1}, 1)
		return from, to, nil
	}
	for _, x := range []struct {
		name, text string
		to         *time.Time
	}{{"from", q.From, &from}, {"to", q.To, &to}} {
		if t, err := time.ParseInLocation(time.DateOnly, x.text, s.TimeZone); err == nil {
			*x.to = t
			continue
		}
		if *x.to, err = time.Parse(time.RFC3339, x.text); err != nil {
			return from, to, fmt.Errorf("%w: %s %.40q is no day such as 2026-11-02 and no time such as 2026-11-02T10:00:00Z", query.ErrAsked, x.name, x.text)
		}
	}
	if n := to.Sub(from); n <= 0 || n > mostSpan {
		return from, to, fmt.Errorf("%w: from %s to %s is nothing, or more than %d days", query.ErrAsked, q.From, q.To, int(mostSpan.Hours()/24))
	}
	return from, to, nil
}

// ofLedger makes the statement of jobs or of tenants.
func (d *Desk) ofLedger(ctx context.Context, q *query.StatementQuestion, s *Described, from, to time.Time) (x *Stated, err error) {
	name := s.Site.Token
	book, err := names.Open(d.c.Data, name, d.c.Now)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", query.ErrReport, err)
	}
	named := func(of string) string { // a key may stand for a name
		if n, ok := book.Name(of); ok {
			return n.Name
		}
		return of
	}
	l, done, err := d.c.Open(s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	const around = 31 * 24 * time.Hour // months that the time touches
	books, _, err := held(l, "statement of ", name, from.Add(-around), to.Add(around))
	if err != nil {
		return nil, err
	}
	books.Terms = s.Basis.Version()
	now := d.c.Now().Truncate(time.Hour)
	x = &Stated{names: q.Names, claim: statement.Claim{Site: name, Kind: q.Kind, Leaves: books.Leaves, Root: books.Root}}
	if q.Kind == query.StatementOfTenant {
		t, err := report.TenantsOf(report.TenantInput{Site: s.Site, Basis: s.Basis, Ledger: ending{l, ctx}, Books: books, From: from, To: to, Until: now, Tenant: named(q.Tenant), Program: d.c.Program})
		if err != nil {
			return nil, notStated(err)
		}
		return x, x.tenants(q, t, book)
	}
	in := report.JobInput{Site: s.Site, Basis: s.Basis, Ledger: ending{l, ctx}, Books: books, From: from, To: earlier(to, now), Tenant: named(q.Tenant), Program: d.c.Program}
	for _, j := range q.Jobs {
		in.Jobs = append(in.Jobs, named(j))
	}
	if in.About, err = parseAbout(q.About); err != nil {
		return nil, err
	}
	j, err := report.JobOf(in)
	if err != nil {
		return nil, notStated(err)
	}
	return x, x.jobs(j, book)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// notStated is why a statement could not be made, as callers tell kinds of it apart.
func notStated(err error) error {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, report.ErrNothing):
		return fmt.Errorf("%w: %w", query.ErrNothing, err)
	}
	return fmt.Errorf("%w: %w", query.ErrReport, err)
}

// parseAbout reads what is stated of a job.
func parseAbout(text json.RawMessage) (a report.JobAbout, err error) {
	if len(text) == 0 || string(text) == "null" {
		return a, nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil {
		return a, fmt.Errorf("%w: about: %s", query.ErrAsked, strings.TrimPrefix(err.Error(), "json: "))
	}
	return a, nil
}

func (x *Stated) tenants(q *query.StatementQuestion, t *report.TenantStatement, book *names.Book) (err error) {
	if q.Own {
		if t, err = t.Own(); err != nil {
			return err
		}
	}
	hidden, err := t.Hidden(book)
	if err != nil {
		return err
	}
	x.claim.Period, x.claim.Whose = strings.ReplaceAll(t.Period, " to ", "/"), hidden.Tenant
	x.Out, x.kept, x.Issues = t, hidden, t.Issues
	if !x.names {
		x.Out = hidden
	}
	return nil
}

func (x *Stated) jobs(j *report.JobStatement, book *names.Book) error {
	hidden, err := j.Hidden(book)
	if err != nil {
		return err
	}
	if x.claim.Period = j.Start + "/" + j.End; len(hidden.Jobs) == 1 {
		x.claim.Whose = hidden.Jobs[0].Job
	}
	x.Out, x.kept, x.Issues = j, hidden, j.Issues
	if !x.names {
		x.Out = hidden
	}
	return nil
}

// ofRecords makes what follows from the records of sites: as they were locked, or as
// they are now.
func (d *Desk) ofRecords(ctx context.Context, q *query.StatementQuestion, sites []*Described) (*Stated, error) {
	if q.Year == 0 {
		return nil, fmt.Errorf("%w: want a year", query.ErrAsked)
	}
	if err := checkYear(q.Year); err != nil {
		return nil, err
	}
	var parts []report.ESRSPart
	for _, s := range sites {
		seen, err := d.look(ctx, query.ReportQuestion{Site: s.Site.Token, Year: q.Year})
		if err == nil && !seen.locked && seen.filing.Newest() != nil && seen.filing.State() != report.Draft && seen.filing.State() != report.Validated {
			seen, err = d.look(ctx, query.ReportQuestion{Site: s.Site.Token, Year: q.Year, Version: seen.filing.Newest().Version})
		}
		if err != nil {
			return nil, err
		}
		parts = append(parts, report.ESRSPart{Site: s.Site, State: seen.filing.State(), Record: seen.record, Bytes: seen.bytes})
	}
	first := parts[0].Record
	x := &Stated{claim: statement.Claim{Site: first.Site, Kind: q.Kind, Period: fmt.Sprint(q.Year), Leaves: first.Ledger.Leaves, Root: first.Ledger.Root}}
	if q.Kind == query.StatementOfESRS {
		s, err := report.ESRSOf(q.Year, parts, d.c.Program)
		if err != nil {
			return nil, notStated(err)
		}
		x.Out, x.kept, x.Issues = s, s, s.Issues
		return x, nil
	}
	sets, err := report.Sets()
	if err != nil {
		return nil, err
	}
	rules, _ := report.For(sets, q.Year, "")
	if rules == nil {
		return nil, fmt.Errorf("%w: no rules are known for %d", query.ErrNoReport, q.Year)
	}
	s, err := report.FleetStatementOf(q.Year, parts, rules, d.c.Program)
	if err != nil {
		return nil, notStated(err)
	}
	x.Out, x.kept = s, s
	for i := range parts {
		if r := parts[i].Record; r.Ledger.Simulated {
			x.Issues = append(x.Issues, report.Issue{Code: "E_SIMULATED", Severity: report.Error, Text: r.Site + ": readings come from a model and not from meters", Fix: "leave this site out"})
		}
	}
	return x, nil
}
