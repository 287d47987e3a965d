package main

import (
	"strconv"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

// Statuses of figures and issues, in the words of the aggregator's page of reports.
const (
	toMend    = "to mend"
	toComment = "to comment on"
	settled   = "commented on"
	notShown  = "not shown"
)

// statusConfig colours what is said of reports.
func statusConfig() data.FieldConfig {
	c := data.FieldConfig{DisplayNameFromDS: "Status"}
	colours := data.ValueMapper{}
	for i, x := range [][2]string{
		{"ready", "green"}, {toComment, "orange"}, {"missing", "purple"}, {toMend, "red"}, {settled, "green"}, {notShown, "#8E8E99"},
		{"draft", "yellow"}, {"validated", "blue"}, {"locked", "blue"}, {"approved", "blue"}, {"submitted", "green"},
	} {
		colours[x[0]] = data.ValueMappingResult{Color: x[1], Index: i}
	}
	c.Mappings = data.ValueMappings{colours}
	return c
}

// figuresOf is a row a figure.
func figuresOf(lists []*reported) *table {
	t := newTable(data.FrameTypeTable, text("site", "Site"), text("year", "Year"), text("point", "Point"), text("figure", "Figure"), column("status", statusConfig(), ""), text("value", "Value"), text("known", "Known"),
		number("coverage", "Coverage", unitShare), text("what", "What it lacks"))
	for _, r := range lists {
		if r.why != "" {
			t.row(r.site.Site, strconv.Itoa(r.year), "", "", notShown, "", "", (*float64)(nil), r.why)
		}
		for _, f := range r.figures() {
			status, what := r.readiness(&f)
			var coverage *float64
			if f.Coverage != nil {
				coverage = toTenths(*f.Coverage / 100)
			}
			t.row(r.site.Site, strconv.Itoa(r.year), f.Point, f.Title, status, f.written(), f.Quality, coverage, what)
		}
	}
	return t
}

// toDo is a row an issue, the worst first.
func toDo(lists []*reported) *table {
	t := newTable(data.FrameTypeTable, text("site", "Site"), text("year", "Year"), column("status", statusConfig(), ""), text("code", "Code"), text("figure", "Figure"), text("what", "What is wrong"), text("fix", "How to mend it"),
		text("rule", "Rule"), text("comment", "Comment"))
	for _, r := range lists {
		if r.why != "" {
			t.row(r.site.Site, strconv.Itoa(r.year), notShown, "", "", r.why, "", "", "")
		}
		for i := range r.issues {
			x := &r.issues[i]
			t.row(r.site.Site, strconv.Itoa(r.year), issueStatus(x), x.Code, x.Title, x.Text, howTo(x), x.Rule, x.Comment)
		}
	}
	return t
}

func issueStatus(x *query.ReportIssue) string {
	switch {
	case x.Severity == "E":
		return toMend
	case x.Open:
		return toComment
	}
	return settled
}

// howTo says what to do about an issue; where a comment settles it, where that is written.
func howTo(x *query.ReportIssue) string {
	switch {
	case !x.Open:
		return ""
	case x.Write == "":
		return x.Fix
	case x.Fix == "":
		return "say in the site file why it is so: " + x.Write
	}
	return x.Fix + "; or say in the site file why it is so: " + x.Write
}

// stepsOf is a row a year: how far its report has come.
func stepsOf(lists []*reported) *table {
	t := newTable(data.FrameTypeTable, text("site", "Site"), text("year", "Year"), column("status", statusConfig(), ""), text("version", "Version"), text("over", "The year"), text("due", "Due"),
		text("step", "Last step"), when("at", "When"), text("what", "What to know"))
	for _, r := range lists {
		s := &r.site
		if r.why != "" {
			t.row(s.Site, "", notShown, "", "", "", "", (*time.Time)(nil), r.why)
		}
		for i := range s.Years {
			y := &s.Years[i]
			over, what := "is over", s.Refused
			if !y.Over {
				over = "goes on"
			}
			status := y.State
			if y.Wrong != "" {
				status, what = notShown, y.Wrong
			}
			step, at := lastStep(r.trails, y.Year)
			t.row(s.Site, strconv.Itoa(y.Year), status, strconv.Itoa(y.Version), over, y.Due, step, at, what)
		}
	}
	return t
}

// lastStep is what was done last on a year, by whom, and when.
func lastStep(trails map[int]query.ReportEvent, year int) (step string, at *time.Time) {
	e, ok := trails[year]
	if !ok {
		return "", nil
	}
	done := map[string]string{"validate": "validated", "lock": "locked", "approve": "approved", "submit": "submitted", "correct": "corrected"}[e.Action]
	if done == "" {
		done = e.Action
	}
	step = done + " by " + e.By
	if e.Role != "" {
		step += " (" + e.Role + ")"
	}
	if e.Text != "" {
		step += ": " + e.Text
	}
	if when, err := time.Parse(time.RFC3339, e.At); err == nil {
		at = &when
	}
	return step, at
}

// openOnes are how many issues are open, and how many figures are ready. Where it is not
// known they are there without values; a rule has none then.
func openOnes(lists []*reported, several, rule bool) (out []series) {
	now := time.Now().UTC()
	for _, r := range lists {
		ready, all := 0, r.figures()
		for i := range all {
			if status, _ := r.readiness(&all[i]); status == "ready" {
				ready++
			}
		}
		if rule && r.why != "" {
			continue
		}
		for _, x := range []struct {
			name, title string
			n           int
		}{{"to_mend", "To mend", r.report.Mend}, {"to_comment_on", "To comment on", r.report.Comment}, {"figures_ready", "Figures ready", ready}, {"figures", "Figures", len(all)}} {
			one := series{name: x.name, display: x.title, labels: labelsOf("site", r.site.Site), times: []time.Time{now}, values: []*float64{nil}}
			if r.why == "" {
				v := float64(x.n)
				one.values[0] = &v
			}
			if several {
				one.display += " " + r.site.Site
			}
			out = append(out, one)
		}
	}
	return out
}

// readyOnes are for rules: 1 of each figure that is ready, else 0.
func readyOnes(lists []*reported) *table {
	t := newTable(data.FrameTypeNumericLong, text("site", "Site"), text("figure", "Figure"), number("ready", "Ready", ""))
	for _, r := range lists {
		for _, f := range r.figures() {
			n := 0.0
			if status, _ := r.readiness(&f); status == "ready" {
				n = 1
			}
			t.row(r.site.Site, f.Key, &n)
		}
	}
	return t
}
