package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
)

// modelVersion is the version of all models of questions.
const modelVersion = 1

// A base is what every model has. Site is a name, several with commas between
// them, * for all; "" is the usual one.
type base struct {
	Version int      `json:"version,omitempty"`
	Site    string   `json:"site,omitempty"`
	Limit   int      `json:"limit,omitempty"`   // rows or series at most; 0: as many as the data source takes
	Filters []filter `json:"filters,omitempty"` // of a dashboard's ad-hoc filters
}

func (b *base) common() *base { return b }

// A model is a question of one type, with its defaults filled in by check, which
// says what to write where it cannot be asked.
type model interface {
	common() *base
	check() error
	answer(ctx *asking) (*result, error)
}

// A question is a model with the panel's or the rule's own terms.
type question struct {
	model
	refID     string
	typ       string
	from, to  time.Time
	interval  time.Duration
	points    int
	fromAlert bool
}

// kinds are the types of questions.
var kinds = map[string]func() model{
	"power_energy":   func() model { return new(powerModel) },
	"kpi":            func() model { return new(kpiModel) },
	"health":         func() model { return new(healthModel) },
	"top":            func() model { return new(topModel) },
	"map":            func() model { return new(mapModel) },
	"counts":         func() model { return new(countsModel) },
	"reconciliation": func() model { return new(reconciliationModel) },
	"alerts":         func() model { return new(alertsModel) },
	"report_status":  func() model { return new(reportModel) },
	"promql":         func() model { return new(promqlModel) },
	"annotations":    func() model { return new(annotationsModel) },
	"live":           func() model { return new(liveModel) },
}

func kindNames() string { return strings.Join(slices.Sorted(maps.Keys(kinds)), ", ") }

// grafanas are the keys that Grafana writes beside ours.
var grafanas = []string{
	"refId", "hide", "key", "queryType", "datasource", "datasourceId", "intervalMs", "maxDataPoints", "timeRange", "queryCachingTTL",
	"queryLibraryRef", "resultAssertions", "editorMode", "scopedVars",
}

// readQuestion reads a query as Grafana sends it. By code is by the text of one
// line under "code", read when editorMode is code.
func readQuestion(q backend.DataQuery, l limits, fromAlert bool) (*question, error) {
	out := &question{
		refID: q.RefID, typ: q.QueryType, from: q.TimeRange.From.UTC(), to: q.TimeRange.To.UTC(), interval: q.Interval,
		points: l.Points, fromAlert: fromAlert,
	}
	if q.MaxDataPoints > 0 {
		out.points = int(min(q.MaxDataPoints, int64(l.Points)))
	}
	if out.interval < time.Second {
		out.interval = time.Second
	}
	if !out.from.Before(out.to) {
		return nil, wrong("the time range ends before it begins; choose one that goes forward")
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(q.JSON, &keys); err != nil {
		return nil, wrong("the query is not a JSON object: %v", err)
	}
	byCode := string(keys["editorMode"]) == `"code"`
	beside := map[string]json.RawMessage{} // of a line, which cannot say them
	for _, k := range []string{"version", "filters"} {
		if v, ok := keys[k]; ok {
			beside[k] = v
		}
	}
	for _, k := range grafanas {
		delete(keys, k)
	}
	if code, ok := keys["code"]; ok {
		delete(keys, "code")
		if byCode && out.typ != "promql" {
			var text string
			if err := json.Unmarshal(code, &text); err != nil {
				return nil, wrong(`"code" is not a text; write one such as "power_energy by=rack boundary=it"`)
			}
			typ, read, err := readCode(text, macrosOf(out, stored).expand)
			if err != nil {
				return nil, err
			}
			for k, v := range beside {
				if _, said := read[k]; !said {
					read[k] = v
				}
			}
			out.typ, keys = typ, read
		}
	}
	if err := filled(keys); err != nil {
		return nil, err
	}
	fresh, ok := kinds[out.typ]
	if !ok {
		return nil, wrong("queryType %q is not known; write one of %s", out.typ, kindNames())
	}
	out.model = fresh()
	if err := decode(keys, out.model); err != nil {
		return nil, err
	}
	b := out.common()
	if b.Version != 0 && b.Version != modelVersion {
		return nil, wrong("version is %d; this plugin knows %d: update the plugin, or write the query anew", b.Version, modelVersion)
	}
	if b.Limit < 0 {
		return nil, wrong("limit is %d; write a positive number, or leave it out", b.Limit)
	}
	for i := range b.Filters {
		if err := b.Filters[i].check(); err != nil {
			return nil, err
		}
	}
	return out, out.check()
}

// filled refuses a place that is a dashboard's variable still: an alert rule has none,
// and would find nothing there for ever.
func filled(keys map[string]json.RawMessage) error {
	for _, k := range append(places(), "site", "gpu", "job", "tenant") {
		var v string
		if json.Unmarshal(keys[k], &v) == nil && v != "" && macroForm().FindString(v) == v {
			return wrong("%s=%s is not filled in: the dashboard has no such variable, and an alert rule has none at all; write the value itself", k, v)
		}
	}
	return nil
}

// decode reads keys strictly: a misspelt one would silently change what is asked.
func decode(keys map[string]json.RawMessage, m model) error {
	raw, err := json.Marshal(keys)
	if err != nil {
		return fmt.Errorf("encode query: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	err = d.Decode(m)
	if err == nil {
		return nil
	}
	var shape *json.UnmarshalTypeError
	if errors.As(err, &shape) {
		return wrong("%s is a %s; write a %s", shape.Field, shape.Value, typeName(shape.Type.Kind().String()))
	}
	if key, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return wrong("%s is not known; known are %s", key, strings.Join(keysOf(m), ", "))
	}
	return wrong("the query cannot be read: %v", err)
}

func typeName(kind string) string {
	switch {
	case strings.HasPrefix(kind, "int"), strings.HasPrefix(kind, "float"):
		return "number"
	case kind == "slice":
		return "list"
	case kind == "bool":
		return "true or false"
	}
	return "text"
}

// oneOf fills in the first of choices where v says nothing, and refuses what is
// none of them.
func oneOf(name string, v *string, choices ...string) error {
	if *v == "" {
		*v = choices[0]
	}
	if !slices.Contains(choices, *v) {
		return wrong("%s %q is not known; write one of %s", name, *v, strings.Join(choices, ", "))
	}
	return nil
}

// eachOf refuses what of list is none of choices.
func eachOf(name string, list []string, choices ...string) error {
	for _, v := range list {
		if !slices.Contains(choices, v) {
			return wrong("%s %q is not known; write some of %s", name, v, strings.Join(choices, ", "))
		}
	}
	return nil
}
