//go:build browser

package browser_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

// A witness is who is asked whether good news in an empty panel is true: the
// aggregator itself, past the plugin.
type witness struct {
	aggregator string
	chosen     map[string]string // of the board's variables; what is all is missing
}

// goodNews is what stands in an empty panel where that is good news, and how many
// things there are at the aggregator of which it says that there are none.
var goodNews = map[string]func(w *witness, panel string) (int, error){
	"0":                      func(w *witness, panel string) (int, error) { return w.unwell("failed", "degraded", "unknown") },
	"Nothing needs a person": func(w *witness, panel string) (int, error) { return w.unwell("failed", "degraded", "unknown") },
	"None":                   func(w *witness, panel string) (int, error) { return w.top("gpu", flags[panel], "") },
	"No XID was seen":        func(w *witness, panel string) (int, error) { return w.grown("gpu_xid_events_total", "") },
	"All are ok": func(w *witness, panel string) (int, error) {
		return w.series(`gpu_state{%s,state=~"lost|blank|stale|unreachable"} == 1`)
	},
	"All meters are well":                func(w *witness, panel string) (int, error) { return w.series(`meter_state{%s,state!="ok"} == 1`) },
	"No reading failed in the range":     func(w *witness, panel string) (int, error) { return w.grown("meter_failures_total", "") },
	"No alert fires or is pending":       func(w *witness, panel string) (int, error) { return w.alerts() },
	"Nothing happened in the range":      func(w *witness, panel string) (int, error) { return w.events(24 * time.Hour) },
	"Nothing was corrected in the range": func(w *witness, panel string) (int, error) { return w.imports() },
	"Nothing was taken in":               func(w *witness, panel string) (int, error) { return w.imports() },
	"Nothing was given up":               func(w *witness, panel string) (int, error) { return w.top("host", "agent_spool_dropped_total", "1h") },
	"No source failed": func(w *witness, panel string) (int, error) {
		return w.top("sensor", "agent_source_failures_total", "15m")
	},
	"Nothing is to be done":                        func(w *witness, panel string) (int, error) { return w.openIssues() },
	"All that can be held against another adds up": func(w *witness, panel string) (int, error) { return w.apart() },
}

// flags are what panels that say "None" are of.
var flags = map[string]string{"Rows that wait for a reset": "gpu_row_remap_pending", "Remappings that failed": "gpu_row_remap_failed", "What the driver asks for": "gpu_recovery_action"}

// untrue is why good news are none; "" if they are true.
func (w *witness) untrue(x *shown) string {
	n, err := goodNews[x.Said](w, x.Title)
	switch {
	case err != nil:
		return fmt.Sprintf("%s says %q, and whether that is so cannot be told: %v", x.Title, x.Said, err)
	case n > 0:
		return fmt.Sprintf("%s says %q, and the aggregator knows of %d", x.Title, x.Said, n)
	}
	return ""
}

func (w *witness) get(path string, v url.Values, answer any) error {
	c := http.Client{Timeout: 20 * time.Second}
	r, err := c.Get(w.aggregator + path + "?" + v.Encode())
	if err != nil {
		return err
	}
	defer r.Body.Close()
	var e query.Envelope
	if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	if e.Status != "success" {
		return fmt.Errorf("%s says %s", path, e.Message)
	}
	return json.Unmarshal(e.Data, answer)
}

func (w *witness) site() string { return cmp.Or(w.chosen["site"], simulated) }

func (w *witness) health() (a query.HealthReport, err error) {
	v := url.Values{"limit": {"1000"}}
	if w.chosen["site"] != "" {
		v.Set("site", w.chosen["site"])
	}
	err = w.get("/api/v1/health", v, &a)
	return a, err
}

func (w *witness) unwell(states ...string) (n int, err error) {
	a, err := w.health()
	for _, s := range a.Sites {
		if s.Blind != nil {
			n++
		}
		for _, x := range s.Subjects {
			here := slices.Contains(states, x.State)
			for k, is := range map[string]string{"hall": x.Hall, "rack": x.Rack, "host": x.Host, "gpu": x.UUID} {
				here = here && (w.chosen[k] == "" || w.chosen[k] == is)
			}
			if here {
				n++
			}
		}
	}
	return n, err
}

func (w *witness) top(of, by, over string) (n int, err error) {
	v := url.Values{"site": {w.site()}, "of": {of}, "by": {by}, "limit": {"20"}}
	if over != "" {
		v.Set("over", over)
	}
	var a query.Top
	err = w.get("/api/v1/top", v, &a)
	for _, r := range a.Rows {
		if r.Value > 0 {
			n++
		}
	}
	return n, err
}

// series is how many there are of expr now, whose place is put in.
func (w *witness) series(expr string) (int, error) {
	place := "site=" + strconv.Quote(w.site())
	for k, label := range map[string]string{"host": "host", "gpu": "uuid"} {
		if v := w.chosen[k]; v != "" {
			place += fmt.Sprintf(",%s=%q", label, v)
		}
	}
	var a struct{ Result []json.RawMessage }
	err := w.get("/api/v1/query", url.Values{"query": {strings.ReplaceAll(expr, "%s", place)}}, &a)
	return len(a.Result), err
}

// grown is how many counters rose in minutes, of which the panel has drawn the last.
func (w *witness) grown(name, matchers string) (int, error) {
	of := name + "{%s" + matchers + "}"
	return w.series(fmt.Sprintf("max_over_time(%s[%dm]) - min_over_time(%[1]s[%[2]dm]) > 0", of, max(1, *since-1)))
}

func (w *witness) alerts() (n int, err error) {
	var a struct {
		Alerts []struct{ Labels map[string]string }
	}
	err = w.get("/api/v1/alerts", nil, &a)
	for _, x := range a.Alerts {
		if s := x.Labels["site"]; s == "" || s == w.site() {
			n++
		}
	}
	return n, err
}

// events are those of the last hours: verdicts that began or came again in them, meters
// that were not well and had been, and what was taken in.
func (w *witness) events(within time.Duration) (n int, err error) {
	from := time.Now().Add(-within)
	a, err := w.health()
	if err != nil {
		return 0, err
	}
	for _, s := range a.Sites {
		for _, x := range s.Subjects {
			if slices.ContainsFunc(x.Findings, func(f query.Finding) bool { return f.Since.After(from) || f.Last != nil && f.Last.After(from) }) {
				n++
			}
		}
	}
	meters, err := w.series(fmt.Sprintf(`max_over_time(meter_state{%%s,state!="ok"}[%dm]) == 1 unless meter_state{%%s} offset %[1]dm == 1`, int(within.Minutes())))
	if err != nil {
		return 0, err
	}
	imports, err := w.imports()
	return n + meters + imports, err
}

func (w *witness) imports() (int, error) {
	var a query.ImportList
	err := w.get("/api/v1/imports", url.Values{"site": {w.site()}}, &a)
	return len(a.Imports), err
}

// openIssues are the rules that the report on this year breaks.
func (w *witness) openIssues() (int, error) {
	var a query.ReportIssues
	err := w.get(fmt.Sprintf("/api/v1/report/%s/%d/issues", w.site(), time.Now().Year()), nil, &a)
	return len(a.Issues), err
}

// apart are the stages that the last whole hours show not to add up.
func (w *witness) apart() (n int, err error) {
	to := time.Now().Truncate(time.Hour)
	var a query.Reconciliation
	err = w.get("/api/v1/reconciliation", url.Values{"site": {w.site()}, "from": {to.Add(-time.Hour).Format(time.RFC3339)}, "to": {to.Format(time.RFC3339)}}, &a)
	for _, g := range a.Gaps {
		if (g.Finding == "lacking" || g.Finding == "exceeds") && slices.Contains([]string{"pdu", "meter", "rack", "host"}, g.Stage) {
			n++
		}
	}
	return n, err
}
