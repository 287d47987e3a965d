package desk

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/report"
	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
)

var _ query.Reports = (*Desk)(nil)

// List implements query.Reports.
func (d *Desk) List(_ context.Context, sees func(site string) bool) (*query.ReportList, error) {
	a := &query.ReportList{Formats: report.Formats(), Sites: []query.ReportSite{}}
	years, err := d.Folder.years()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, s := range d.c.Sites() {
		names = append(names, s.Site.Token)
	}
	if d.c.Known != nil {
		names = append(names, d.c.Known()...)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if sees(name) {
			a.Sites = append(a.Sites, d.site(name, years))
		}
	}
	return a, nil
}

// site is a site of a list.
func (d *Desk) site(name string, kept []yearOf) query.ReportSite {
	x := query.ReportSite{Site: name, Years: []query.ReportYear{}}
	s, _, err := d.described(name)
	if err != nil {
		x.Missing = noFile
		return x
	}
	x.Name, x.Refused = s.Site.Name, s.Refused
	now := d.c.Now().In(s.Site.TimeZone)
	first, last := now.Year()+1, now.Year()
	if l, done, err := d.c.Open(s); err != nil {
		x.Missing = err.Error()
	} else {
		if at, ok := l.Began(name); ok {
			first = time.UnixMilli(at).In(s.Site.TimeZone).Year()
		}
		x.Simulated = l.Simulated(name)
		if err := done(); err != nil {
			x.Missing = err.Error()
		}
	}
	var years []int
	for y := max(first, last-50); y <= last; y++ {
		years = append(years, y)
	}
	for _, k := range kept {
		if k.site == name && !slices.Contains(years, k.year) {
			years = append(years, k.year)
		}
	}
	if len(years) == 0 && x.Missing == "" {
		x.Missing = "nothing was booked yet"
	}
	slices.SortFunc(years, func(a, b int) int { return b - a })
	for _, y := range years {
		x.Years = append(x.Years, d.year(s, y))
	}
	return x
}

func (d *Desk) year(s *Described, year int) query.ReportYear {
	_, end := s.span(year)
	y := query.ReportYear{Year: year, State: string(report.Draft), Version: 1, Over: !d.c.Now().Before(end), Versions: []query.ReportVersion{}}
	f, err := d.Folder.Filing(s.Site.Token, year)
	if err != nil {
		y.Wrong = err.Error()
		return y
	}
	if rules, _, err := rulesOf(f, s.Site.Country); err == nil {
		y.Due = rules.Due(year)
	}
	y.State, y.Version = string(f.State()), f.Version()
	for i := range f.Events {
		if e := &f.Events[i]; e.Action == report.ActLock {
			y.Versions = append(y.Versions, query.ReportVersion{Version: e.Version, At: e.At, By: e.By, SHA256: e.Record, Rules: e.Rules, Leaves: e.Leaves, Root: e.Root})
		}
	}
	return y
}

// A seen is a record that somebody looks at.
type seen struct {
	record  *report.Record
	bytes   []byte
	sha     string
	version int
	locked  bool
	filing  *report.Filing
	draft   *Draft // nil: it is locked
}

// look is the record that q names. What was locked is not made anew.
func (d *Desk) look(ctx context.Context, q query.ReportQuestion) (*seen, error) {
	if err := checkYear(q.Year); err != nil {
		return nil, err
	}
	if !metric.ValidName(q.Site) {
		return nil, fmt.Errorf("%w: no site %q", query.ErrNoSite, q.Site)
	}
	if _, _, err := d.described(q.Site); err != nil {
		return nil, err
	}
	f, err := d.Folder.Filing(q.Site, q.Year)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", query.ErrReport, err)
	}
	s := &seen{filing: f, version: cmp.Or(q.Version, f.Version())}
	if at := f.Locked(s.version); at != nil {
		if s.bytes, err = d.Folder.Record(f, s.version); err != nil {
			return nil, fmt.Errorf("%w: %w", query.ErrReport, err)
		}
		if s.record, err = report.ParseRecord(s.bytes); err != nil {
			return nil, fmt.Errorf("%w: %w", query.ErrReport, err)
		}
		s.sha, s.locked = at.Record, true
		return s, nil
	}
	if s.version != f.Version() {
		return nil, fmt.Errorf("%w: of %s, %d, there is no version %d", query.ErrNoReport, q.Site, q.Year, q.Version)
	}
	if s.draft, err = d.draft(ctx, q.Site, q.Year); err != nil {
		return nil, err
	}
	s.record, s.bytes, s.sha = s.draft.Record, s.draft.Bytes, s.draft.SHA256
	return s, nil
}

// Report implements query.Reports.
func (d *Desk) Report(ctx context.Context, q query.ReportQuestion, by query.ReportReader) (*query.Report, error) {
	s, err := d.look(ctx, q)
	if err != nil {
		return nil, err
	}
	a := &query.Report{
		You: by, Site: q.Site, Year: q.Year, Version: s.version, State: string(s.filing.State()), Locked: s.locked, SHA256: s.sha,
		Metered: report.Keys(), Next: s.next(by), Trail: events(s.filing), Record: s.bytes,
	}
	a.Mend, a.Comment = s.record.Open()
	if s.draft != nil {
		a.Made = s.draft.Made
	}
	return a, nil
}

// next are the steps that there are, and why by may not take one.
func (s *seen) next(by query.ReportReader) (out []query.ReportNext) {
	for _, action := range report.Actions() {
		n := query.ReportNext{Action: action, Why: s.hinders(action, by)}
		n.May = n.Why == ""
		out = append(out, n)
	}
	return out
}

// nobody is why somebody without a name takes no step.
const nobody = "a step is taken by somebody whom the server knows by name: list principals in the aggregator's configuration, and show the token of one"

// hinders says why by may not take a step on s now; "" if they may.
func (s *seen) hinders(action string, by query.ReportReader) string {
	mend, comment := s.record.Open()
	locker := s.filing.Newest()
	signs := action == report.ActValidate || action == report.ActLock
	switch {
	case !s.filing.Can(action):
		return fmt.Sprintf("version %d is %s", s.filing.Version(), s.filing.State())
	case s.version != s.filing.Version():
		return fmt.Sprintf("version %d is worked on", s.filing.Version())
	case signs && mend+comment > 0:
		return fmt.Sprintf("%d to mend, %d to comment on", mend, comment)
	case by.Name == "":
		return nobody
	case action == report.ActApprove && locker != nil && locker.By == by.Name:
		return "it takes two: you locked it"
	case action == report.ActApprove && locker != nil && locker.Role == "":
		return "it was locked by the command, under a name that was typed: approve it there"
	}
	return ""
}

func events(f *report.Filing) []query.ReportEvent {
	out := []query.ReportEvent{}
	for i := range f.Events {
		e := &f.Events[i]
		out = append(out, query.ReportEvent{
			At: e.At, Action: e.Action, By: e.By, Role: e.Role, Account: e.Account, Version: e.Version, SHA256: e.Record, Leaves: e.Leaves, Root: e.Root, Text: e.Text, Line: e.Prev,
		})
	}
	return out
}

// Trail implements query.Reports.
func (d *Desk) Trail(_ context.Context, site string, year int) (*query.ReportTrail, error) {
	if err := checkYear(year); err != nil {
		return nil, err
	}
	if _, _, err := d.described(site); err != nil {
		return nil, err
	}
	f, err := d.Folder.Filing(site, year)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", query.ErrReport, err)
	}
	return &query.ReportTrail{Site: site, Year: year, State: string(f.State()), Version: f.Version(), Trail: events(f)}, nil
}

// Issues implements query.Reports.
func (d *Desk) Issues(ctx context.Context, q query.ReportQuestion) (*query.ReportIssues, error) {
	s, err := d.look(ctx, q)
	if err != nil {
		return nil, err
	}
	a := &query.ReportIssues{Issues: issues(s.record, nil)}
	a.Mend, a.Comment = s.record.Open()
	return a, nil
}

// issues are those of r that wanted lets through, the worst first; nil wants all.
func issues(r *report.Record, wanted func(field string) bool) []query.ReportIssue {
	out := []query.ReportIssue{}
	for i := range r.Issues {
		x := &r.Issues[i]
		if wanted != nil && !wanted(x.Field) {
			continue
		}
		y := query.ReportIssue{Code: x.Code, Severity: x.Severity, Open: x.Open(), Field: x.Field, Text: x.Text, Fix: x.Fix, Comment: x.Comment}
		if c := report.RuleOf(x.Code); c != nil {
			y.Rule, y.Fix = c.Rule, cmp.Or(y.Fix, c.Fix)
		}
		if x.Severity == report.Warning {
			y.Write = "report.comment_" + x.Code
		}
		if f := r.Figure(x.Field); f != nil {
			y.Title = f.Title
		}
		for j := range r.About {
			if r.About[j].Key == x.Field {
				y.Title = r.About[j].Title
			}
		}
		out = append(out, y)
	}
	rank := func(x *query.ReportIssue) int {
		switch {
		case x.Severity == report.Error:
			return 0
		case x.Open:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(out, func(a, b query.ReportIssue) int { return rank(&a) - rank(&b) })
	return out
}
