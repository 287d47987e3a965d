package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

// reportModel asks how far the report on the calendar year that the range ends in has
// come. All of it is the aggregator's word, as its page of reports shows it.
type reportModel struct {
	base
	Shape string `json:"shape,omitempty"` // figures: a row each, whether it is ready; issues: what is to be done; steps: a row a year of the site; open: numbers
}

func (m *reportModel) check() error {
	return oneOf("shape", &m.Shape, "figures", "issues", "steps", "open")
}

// reported is what an aggregator says of a site's report.
type reported struct {
	site   query.ReportSite
	year   int
	report query.Report
	record record
	issues []query.ReportIssue
	trails map[int]query.ReportEvent // the last step on a year, where one was taken
	why    string                    // there is nothing of it to show; "": there is
}

// record is what is looked at of one.
type record struct {
	Period struct {
		Open  bool   `json:"open"`
		Until string `json:"until"`
	} `json:"period"`
	Figures    []recordFigure `json:"annex2"`
	Indicators []recordFigure `json:"annex3"`
}

type recordFigure struct {
	Key      string      `json:"key"`
	Point    string      `json:"point"`
	Title    string      `json:"title"`
	Unit     string      `json:"unit"`
	Value    json.Number `json:"value"`
	Is       *bool       `json:"is"`
	List     []string    `json:"list"`
	None     bool        `json:"none"`
	Missing  string      `json:"missing"`
	Quality  string      `json:"quality"`
	Coverage *float64    `json:"coverage_pct"`
}

func (m *reportModel) answer(a *asking) (*result, error) {
	sites, notes, err := a.sites()
	if err != nil {
		return nil, err
	}
	year := yearOf(a.to)
	lists, _, failed, err := each(a, sites, func(ctx context.Context, s siteOf) (*reported, error) { return m.ask(ctx, s, year, a.fromAlert) })
	if err != nil {
		return nil, err
	}
	out := &result{notes: warnings(append(notes, failed...))}
	for _, r := range lists {
		if r.why != "" {
			out.notes = append(out.notes, warning("%s: %s", r.site.Site, r.why))
		}
	}
	switch {
	case a.fromAlert && m.Shape == "figures":
		out.frames = data.Frames{readyOnes(lists).frame}
	case a.fromAlert || m.Shape == "open":
		out.frames = asNumbers(openOnes(lists, several(sites), a.fromAlert))
	case m.Shape == "issues":
		out.frames = data.Frames{toDo(lists).frame}
	case m.Shape == "steps":
		out.frames = data.Frames{stepsOf(lists).frame}
	default:
		out.frames = data.Frames{figuresOf(lists).frame}
	}
	return out, nil
}

// yearOf is the calendar year that a range ends in, wherever the year of whoever chose it
// ends: a year of a few hours has no report yet.
func yearOf(to time.Time) int { return to.Add(-12*time.Hour - time.Millisecond).UTC().Year() }

// ask asks for a site's report, for as much as m shows of it. That there is none to show
// is no error to a person; to a rule it is one where there should be.
func (m *reportModel) ask(ctx context.Context, s siteOf, year int, rule bool) (*reported, error) {
	r := &reported{site: query.ReportSite{Site: s.name}, year: year, trails: map[int]query.ReportEvent{}}
	withheld := func(err error) (*reported, error) {
		if r.why = whyNot(err); r.why == "" || rule {
			return nil, err
		}
		return r, nil
	}
	list, err := ask[query.ReportList](ctx, s.by, "/api/v1/report", url.Values{"site": {s.name}})
	if err != nil {
		return withheld(err)
	}
	if len(list.Sites) > 0 {
		r.site = list.Sites[0]
	}
	at := slices.IndexFunc(r.site.Years, func(y query.ReportYear) bool { return y.Year == year })
	switch {
	case r.site.Missing != "":
		r.why = r.site.Missing
	case m.Shape == "steps" && !rule:
		return r, r.steps(ctx, s)
	case at < 0:
		r.why = "there is no report on " + strconv.Itoa(year) + ": choose a time range that ends in another year"
	default:
		if r.why = r.site.Years[at].Wrong; r.why == "" {
			if err := r.whole(ctx, s); err != nil {
				return withheld(err)
			}
		}
	}
	return r, nil
}

func reportPath(site string, year int) string {
	return "/api/v1/report/" + url.PathEscape(site) + "/" + strconv.Itoa(year)
}

// whole asks for the record and what is to be done.
func (r *reported) whole(ctx context.Context, s siteOf) error {
	report, err := ask[query.Report](ctx, s.by, reportPath(s.name, r.year), nil)
	if err != nil {
		return err
	}
	r.report = *report
	if err := json.Unmarshal(report.Record, &r.record); err != nil {
		return wrong("the record of %s on %d cannot be read: update the plugin, or the aggregator (%v)", s.name, r.year, err)
	}
	issues, err := ask[query.ReportIssues](ctx, s.by, reportPath(s.name, r.year)+"/issues", nil)
	if err != nil {
		return err
	}
	r.issues = issues.Issues
	return nil
}

// steps asks for the last step of each year on which one was taken.
func (r *reported) steps(ctx context.Context, s siteOf) error {
	for _, y := range r.site.Years {
		if y.Wrong != "" || y.State == "draft" && y.Version == 1 {
			continue
		}
		t, err := ask[query.ReportTrail](ctx, s.by, reportPath(s.name, y.Year)+"/steps", nil)
		if err != nil {
			return err
		}
		if n := len(t.Trail); n > 0 {
			r.trails[y.Year] = t.Trail[n-1]
		}
	}
	return nil
}

// whyNot says why an aggregator shows no report, and what to do about it; "" where that
// is an error as any other.
func whyNot(err error) string {
	var q *query.Error
	var late interface{ Timeout() bool }
	switch making := query.ErrMaking.Error() + ", of all hours of the year: this panel has it once it is refreshed"; {
	case errors.As(err, &q) && q.Status == http.StatusForbidden:
		return "this data source's token may not read reports: " + q.Message
	case errors.As(err, &q) && strings.HasPrefix(q.Message, query.ErrMaking.Error()):
		return making
	case errors.As(err, &q) && q.Status == http.StatusNotImplemented:
		return "this aggregator makes no reports: ask that of the site"
	case errors.As(err, &q) && q.Reason == query.NotFound && !strings.HasPrefix(q.Message, "no such path"):
		return q.Message
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &late) && late.Timeout():
		return making
	}
	return ""
}

// open are the issues of a figure that are not settled.
func (r *reported) open(field string) (mend, comment []string) {
	for i := range r.issues {
		x := &r.issues[i]
		if x.Field != field || !x.Open {
			continue
		}
		if text := x.Code + ": " + x.Text; x.Severity == "E" {
			mend = append(mend, text)
		} else {
			comment = append(comment, text)
		}
	}
	return mend, comment
}

// readiness is whether a figure is ready, and what it lacks.
func (r *reported) readiness(f *recordFigure) (status, what string) {
	mend, comment := r.open(f.Key)
	lacks := append(mend, comment...)
	if !slices.ContainsFunc(lacks, func(text string) bool { return strings.Contains(text, f.Missing) }) {
		lacks = append([]string{f.Missing}, lacks...)
	}
	switch what = strings.Join(lacks, "; "); {
	case len(mend) > 0:
		return toMend, what
	case f.Missing != "":
		return "missing", what
	case len(comment) > 0:
		return toComment, what
	}
	return "ready", what
}

// figures are those that the law asks for.
func (r *reported) figures() []recordFigure {
	return slices.Concat(r.record.Figures, r.record.Indicators)
}

// written is f as it stands in the record.
func (f *recordFigure) written() string {
	switch {
	case f.Is != nil && *f.Is:
		return "yes"
	case f.Is != nil:
		return "no"
	case len(f.List) > 0:
		return strings.Join(f.List, ", ")
	case f.None:
		return "none"
	case f.Value == "":
		return ""
	}
	whole, rest, cut := strings.Cut(f.Value.String(), ".")
	sign := ""
	if digits, ok := strings.CutPrefix(whole, "-"); ok {
		sign, whole = "−", digits
	}
	const narrow = "\u202f" // a space that no line is broken at
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + narrow + whole[i:]
	}
	if cut {
		whole += "." + rest
	}
	if f.Unit != "" && f.Unit != "1" {
		whole += narrow + strings.NewReplacer("m3", "m³", "m2", "m²").Replace(f.Unit)
	}
	return sign + whole
}
