package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
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

// mayBeEmpty reports whether a well site has nothing to say to q, or a simulated
// one lacks what it is about.
func mayBeEmpty(q asked) bool {
	expr, _ := q["expr"].(string)
	for _, m := range []string{"gpu_xid_events", `state!="ok"`, `state=~"lost|`, "_active_ratio", "_throughput_", "host_gpus", "agent_s", "meter_failures", "meter_reading_age"} {
		if strings.Contains(expr, m) {
			return true
		}
	}
	if by, _ := q["metric"].(string); strings.HasPrefix(by, "agent_s") {
		return true
	}
	figures, _ := json.Marshal(q["kpis"])
	if strings.Contains(string(figures), `"cfe"`) { // it is of whole hours
		return true
	}
	return q["queryType"] == "alerts" || q["queryType"] == "annotations" || q["queryType"] == "health" || q["queryType"] == "reconciliation"
}

// Every panel of every dashboard gets an answer from the program and the
// aggregator, and every column that it names is in it.
func TestPanelsGetWhatTheyShow(t *testing.T) {
	h := start(t)
	s := &source{uid: "real", url: aggregate(t), json: map[string]any{}}
	first := func(list string) string {
		for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(time.Second) {
			var a struct{ Items []struct{ Value string } }
			if _, body := h.call(t, s, "GET", list, nil); json.Unmarshal([]byte(body), &a) == nil && len(a.Items) > 0 {
				return a.Items[0].Value
			}
		}
		t.Fatalf("there is nothing in %s", list)
		return ""
	}
	host := first("hosts?site=simulated")
	chosen := strings.NewReplacer("$site", "simulated", "$hall", first("halls?site=simulated"), "$rack", first("racks?site=simulated"), "$host", host,
		"$gpu", first("gpus?site=simulated&host="+host), "$job", first("jobs?site=simulated&host="+host), `"$tenant"`, `""`, "$tenant", "")
	files, err := filepath.Glob("../../dashboards/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("there are no dashboards", err)
	}
	end := time.Now().Add(3 * time.Minute)
	for _, file := range files {
		for _, p := range panelsOf(t, file, chosen) {
			at := filepath.Base(file) + ", " + p.Title
			var names *columns
			for {
				names = columnsOf(t, h, s, &p)
				if names.check(&p); names.missing == "" || time.Now().After(end) {
					break
				}
				time.Sleep(time.Second)
			}
			if names.missing != "" {
				t.Errorf("%s: %s", at, names.missing)
			}
		}
	}
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
		if rows == 0 && !mayBeEmpty(q) {
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
