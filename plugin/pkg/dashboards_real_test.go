package main_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// drawn is what is drawn of a dashboard's panel, as far as it names columns.
type drawn struct {
	Title           string
	Targets         []asked
	FieldConfig     struct{ Overrides []override }
	Transformations []struct {
		ID      string
		Options struct{ Include struct{ Pattern string } }
	}
	text string
}

type override struct {
	Matcher struct {
		ID      string
		Options any
	}
	Properties []struct{ ID string }
}

// sized reports whether o is of how a column fits alone, which tables share.
func (o *override) sized() bool {
	for _, p := range o.Properties {
		if p.ID != "custom.width" && p.ID != "custom.cellOptions" && p.ID != "decimals" {
			return false
		}
	}
	return true
}

// panelsOf are the panels of a dashboard's file, with what a person chose put in.
func panelsOf(t *testing.T, file string, chosen *strings.Replacer) (out []drawn) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var d struct{ Panels []json.RawMessage }
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	for _, raw := range d.Panels {
		p := drawn{text: string(raw)}
		if err := json.Unmarshal([]byte(chosen.Replace(string(raw))), &p); err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
	return out
}

// lacking says what the site that breaks has not, of which a panel asks in q; "" if it
// has it.
func lacking(q asked) string {
	expr, _ := q["expr"].(string)
	for m, why := range map[string]string{
		"_active_ratio": "its boards are not profiled", "_throughput_": "its boards are not profiled", "host_gpus": "its hosts have no list of what they should have",
		"agent_s": "its hosts are played by one process, without spools and sources", "meter_failures": "its collectors may not have told of themselves yet",
		"meter_reading_age": "its collectors may not have told of themselves yet", "absent(": "it answers only where something is not known",
		"meter_state": "its meters do not break",
	} {
		if by, _ := q["metric"].(string); strings.Contains(expr, m) || strings.HasPrefix(by, m) {
			return why
		}
	}
	switch figures, _ := json.Marshal(q["kpis"]); {
	case strings.Contains(string(figures), `"cfe"`):
		return "it is of whole hours"
	case q["queryType"] == "annotations" && fmt.Sprint(q["what"]) == "[restatement]":
		return "nothing was taken in later"
	case q["queryType"] == "reconciliation":
		return "it is of hours that are over; those of a day are looked at in plugin/browser"
	}
	return ""
}

var only = flag.String("only", "", "dashboards whose panels are asked, by the names of their files; empty: all")

// Every panel of every dashboard gets an answer from the program and the
// aggregator, and every column that it names is in it. The site breaks all the time,
// so that alerts, findings, events and XIDs are there to be shown.
func TestPanelsGetWhatTheyShow(t *testing.T) {
	h := start(t)
	s := &source{uid: "breaking", url: aggregate(t, &breaking), json: map[string]any{}}
	files, err := filepath.Glob("../../dashboards/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("there are no dashboards", err)
	}
	answered := map[string]int{}
	end := time.Now().Add(5 * time.Minute)
	for _, file := range files {
		if name := strings.TrimSuffix(filepath.Base(file), ".json"); *only != "" && !slices.Contains(strings.Split(*only, ","), name) {
			continue
		}
		for i := range panelsOf(t, file, strings.NewReplacer()) {
			var names *columns
			var p drawn
			for try := 0; ; try++ {
				p = panelsOf(t, file, somebody(t, h, s, try))[i]
				names = columnsOf(t, h, s, &p)
				if names.check(&p); names.missing == "" || time.Now().After(end) {
					break
				}
				time.Sleep(300 * time.Millisecond)
			}
			if names.missing != "" {
				t.Errorf("%s, %s: %s", filepath.Base(file), p.Title, names.missing)
			}
			for _, q := range p.Targets {
				if names.rows > 0 {
					answered[fmt.Sprint(q["queryType"])]++
				}
			}
		}
	}
	for _, typ := range []string{"power_energy", "kpi", "health", "top", "map", "counts", "alerts", "report_status", "promql", "annotations", "live"} {
		if answered[typ] == 0 && *only == "" {
			t.Errorf("no panel shows anything of %s", typ)
		}
	}
}

// somebody is what a person may have chosen: places and a GPU of which there is
// something to tell, another one at each try, as any of them may be silent.
func somebody(t *testing.T, h *host, s *source, try int) *strings.Replacer {
	t.Helper()
	of := func(list string) string {
		for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(time.Second) {
			var a struct{ Items []struct{ Value string } }
			if _, body := h.call(t, s, "GET", list, nil); json.Unmarshal([]byte(body), &a) == nil && len(a.Items) > 0 {
				return a.Items[try%len(a.Items)].Value
			}
		}
		t.Fatalf("there is nothing in %s", list)
		return ""
	}
	var seen struct {
		Data struct {
			Result []struct{ Metric map[string]string }
		}
	}
	const events = `max by (hall, rack, host, uuid) (gpu_xid_events_total{site="simulated"}) and on (uuid) gpu_power_watts`
	for end := time.Now().Add(2 * time.Minute); len(seen.Data.Result) == 0; time.Sleep(time.Second) {
		r, err := http.Get(s.url + "/api/v1/query?query=" + url.QueryEscape(events))
		if err != nil {
			t.Fatal(err)
		}
		err = json.NewDecoder(r.Body).Decode(&seen)
		r.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if time.Now().After(end) {
			t.Fatal("no GPU has had an XID")
		}
	}
	is := seen.Data.Result[try%len(seen.Data.Result)].Metric
	return strings.NewReplacer("$site", "simulated", "$hall", is["hall"], "$rack", is["rack"], "$host", is["host"], "$gpu", is["uuid"], "$job", of("jobs?site=simulated"), `"$tenant"`, `""`, "$tenant", ".*")
}

// storedEvery is the step that Grafana gives to a panel of ten minutes of such a
// width: no finer than what is stored.
const storedEvery = 10 * time.Second

// columns are the names that an answer's columns have, and what is wrong with it.
type columns struct {
	raw, shown map[string]bool
	rows       int
	missing    string
}

func columnsOf(t *testing.T, h *host, s *source, p *drawn) *columns {
	t.Helper()
	c := &columns{raw: map[string]bool{}, shown: map[string]bool{}}
	for _, q := range p.Targets {
		q["from"], q["to"], q["interval"] = time.Now().Add(-10*time.Minute), time.Now(), storedEvery
		r := h.ask(t, s, nil, q)[0]
		if r.Error != nil {
			c.missing = r.Error.Error()
			return c
		}
		rows := 0
		for _, f := range r.Frames {
			n, _ := f.RowLen()
			if f.Meta != nil && f.Meta.Type == data.FrameTypeTable { // of words, perhaps
				rows += n
			}
			for _, field := range f.Fields {
				c.raw[field.Name] = true
				if field.Config != nil {
					c.shown[field.Config.DisplayNameFromDS] = true
				}
				if n > 0 && (field.Type() == data.FieldTypeNullableFloat64 && known(field) || field.Type() == data.FieldTypeInt64) {
					rows += n
				}
			}
		}
		c.rows += rows
		if rows == 0 && lacking(q) == "" {
			text, _ := json.Marshal(q)
			c.missing = "nothing answers " + string(text) + ": " + notices(r.Frames)
		}
	}
	return c
}

func known(f *data.Field) bool {
	for i := range f.Len() {
		if v, err := f.NullableFloatAt(i); err == nil && v != nil {
			return true
		}
	}
	return false
}

// check holds the columns that p names against those that there are; not all are
// there from the first second.
func (c *columns) check(p *drawn) {
	if len(c.raw) == 0 || c.missing != "" {
		return
	}
	lacks := func(format string, args ...any) { c.missing = fmt.Sprintf(format, args...) }
	for _, m := range regexp.MustCompile(`__data\.fields\.(\w+)`).FindAllStringSubmatch(p.text, -1) {
		if !c.raw[m[1]] && !strings.Contains(p.text, `"groupingToMatrix"`) && !strings.Contains(p.text, `"reduce"`) && c.rows > 0 {
			lacks("there is no column %s to make a link of; there are %v", m[1], c.raw)
		}
	}
	changed := false
	for _, x := range p.Transformations {
		switch x.ID {
		case "filterFieldsByName":
			pattern, err := regexp.Compile(strings.Trim(x.Options.Include.Pattern, "/"))
			if err != nil {
				lacks("%v", err)
				continue
			}
			found := false
			for n := range c.shown {
				found = found || pattern.MatchString(n)
			}
			if !found && c.rows > 0 {
				lacks("%s is the name of no column; there are %v", pattern, c.shown)
			}
		case "groupingToMatrix", "groupBy", "reduce", "renameByRegex", "calculateField":
			changed = true
		}
	}
	for _, o := range p.FieldConfig.Overrides {
		name, ok := o.Matcher.Options.(string)
		if changed || !ok || o.Matcher.ID != "byName" || c.rows == 0 || o.sized() {
			continue
		}
		if !c.raw[name] && !c.shown[name] {
			lacks("there is no column %q; there are %v", name, c.shown)
		}
	}
}
