package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// boards are the committed files as the SDK reads them back, by uid.
func boards(t *testing.T) map[string]*dashboard.Dashboard {
	t.Helper()
	register()
	files, err := filepath.Glob("*.json")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*dashboard.Dashboard{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var d dashboard.Dashboard
		if err := d.UnmarshalJSONStrict(text); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		for _, p := range d.Panels {
			if p.RowPanel != nil && p.RowPanel.Panels == nil { // the SDK reads an empty list as none, and refuses to read none
				p.RowPanel.Panels = []dashboard.Panel{}
			}
		}
		out[*d.Uid] = &d
	}
	return out
}

func panels(d *dashboard.Dashboard) (out []*dashboard.Panel) {
	for _, p := range d.Panels {
		if p.Panel != nil {
			out = append(out, p.Panel)
		}
	}
	return out
}

func TestFilesAreWhatTheCodeWrites(t *testing.T) {
	dir := t.TempDir()
	if err := run(dir); err != nil {
		t.Fatal(err)
	}
	written, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	committed, err := filepath.Glob("*.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(written) != len(committed) || len(written) != 12 {
		t.Errorf("%d files are written, %d are here, and there are twelve dashboards", len(written), len(committed))
	}
	for _, w := range written {
		want, err := os.ReadFile(w)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Base(w))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
			t.Errorf("%s is not up to date: go generate ./dashboards\n%.2000s", filepath.Base(w), diff)
		}
	}
}

func TestFilesSurviveTheStrictRoundTrip(t *testing.T) {
	for uid, d := range boards(t) {
		if err := d.Validate(); err != nil {
			t.Errorf("%s: %v", uid, err)
		}
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		var again dashboard.Dashboard
		if err := again.UnmarshalJSONStrict(text); err != nil {
			t.Errorf("%s, read back twice: %v", uid, err)
		}
		if !d.Equals(again) {
			t.Errorf("%s is another after a round trip", uid)
		}
	}
	misspelt := []byte(`{"uid":"x","schemaVersion":42,"templating":{},"annotations":{},"refrsh":"1m"}`)
	var d dashboard.Dashboard
	if err := d.UnmarshalJSONStrict(misspelt); err == nil {
		t.Error("a misspelt key is read")
	}
}

// core are the panels that come with Grafana.
var core = map[string]bool{"stat": true, "timeseries": true, "table": true, "state-timeline": true, "bargauge": true, "histogram": true, "geomap": true}

// knownUnits are Grafana's own; ours besides begin with suffix.
func knownUnits() map[string]bool {
	return map[string]bool{
		units.Watt: true, units.WattHour: true, units.Celsius: true, units.PercentUnit: true, units.NoUnit: true, units.Short: true, "string": true, units.Seconds: true, units.BytesIEC: true,
		units.BytesPerSecondSI: true, units.Hertz: true, units.MetricTon: true, units.Euro: true,
	}
}

func TestEveryPanelIsWhole(t *testing.T) {
	for uid, d := range boards(t) {
		if d.Title == nil || d.Description == nil || !strings.HasPrefix(*d.Description, "For ") || !strings.HasSuffix(*d.Description, "?") {
			t.Errorf("%s says neither for whom it is nor which question it answers", uid)
		}
		ids, seen := map[uint32]bool{}, map[string]bool{}
		for _, p := range d.Panels {
			id := uint32(0)
			if p.RowPanel != nil {
				id = p.RowPanel.Id
			} else if p.Panel.Id != nil {
				id = *p.Panel.Id
			}
			if id == 0 || ids[id] {
				t.Errorf("%s: id %d is none, or stands twice", uid, id)
			}
			ids[id] = true
		}
		for _, p := range panels(d) {
			if p.Title == nil || *p.Title == "" {
				t.Errorf("%s, panel %d has no title", uid, *p.Id)
				continue
			}
			at := uid + ", " + *p.Title
			if seen[*p.Title] {
				t.Errorf("%s: two panels have that title", at)
			}
			seen[*p.Title] = true
			if !core[p.Type] {
				t.Errorf("%s: panel %s does not come with Grafana", at, p.Type)
			}
			if p.Description == nil || len(*p.Description) < 20 || !strings.HasSuffix(*p.Description, ".") {
				t.Errorf("%s: no help that is a sentence", at)
			}
			f := &p.FieldConfig.Defaults
			if f.Unit == nil || !knownUnits()[*f.Unit] && !strings.HasPrefix(*f.Unit, "suffix:") && !strings.HasPrefix(*f.Unit, "si:") {
				t.Errorf("%s: no unit that Grafana has", at)
			}
			if f.Thresholds == nil || len(f.Thresholds.Steps) == 0 || f.Thresholds.Steps[0].Value != nil {
				t.Errorf("%s: no thresholds", at)
			}
			if f.NoValue == nil && p.Type != "timeseries" {
				t.Errorf("%s: it does not say what it means that there is nothing", at)
			}
			if p.Datasource == nil || *p.Datasource.Uid != "${ds}" || len(p.Targets) == 0 {
				t.Errorf("%s: it asks nothing, or not the data source that is chosen", at)
			}
			// Without slashes Grafana puts its own ^ and $ around an expression.
			for _, x := range p.Transformations {
				if x.Id == "filterFieldsByName" || x.Id == "renameByRegex" {
					text, _ := json.Marshal(x.Options)
					if !regexp.MustCompile(`"(pattern|regex)":"/.*/"`).Match(text) {
						t.Errorf("%s: the expression of %s is not between slashes", at, text)
					}
				}
			}
			for _, o := range p.FieldConfig.Overrides {
				if s, ok := o.Matcher.Options.(string); o.Matcher.Id == "byRegexp" && (!ok || len(s) < 3 || s[0] != '/' || s[len(s)-1] != '/') {
					t.Errorf("%s: the expression %q is not between slashes", at, s)
				}
			}
			refs := map[string]bool{}
			for _, target := range p.Targets {
				a, ok := target.(ask)
				if !ok || a.Datasource != (source{plugin, "${ds}"}) || a.RefID == "" || refs[a.RefID] {
					t.Errorf("%s: query %v is not of the data source that is chosen, or its letter is another's", at, target)
				}
				refs[a.RefID] = true
			}
		}
	}
}

func TestPanelsDoNotOverlap(t *testing.T) {
	for uid, d := range boards(t) {
		taken := map[[2]uint32]bool{}
		for _, p := range d.Panels {
			g := &dashboard.GridPos{}
			if p.RowPanel != nil {
				g = p.RowPanel.GridPos
			} else {
				g = p.Panel.GridPos
			}
			if g.W == 0 || g.H == 0 || g.X+g.W > 24 {
				t.Errorf("%s: a panel is %d wide at %d, and %d high", uid, g.W, g.X, g.H)
			}
			for x := g.X; x < g.X+g.W; x++ {
				for y := g.Y; y < g.Y+g.H; y++ {
					if taken[[2]uint32{x, y}] {
						t.Fatalf("%s: two panels overlap at %d, %d", uid, x, y)
					}
					taken[[2]uint32{x, y}] = true
				}
			}
		}
	}
}

var word = regexp.MustCompile(`[a-z][a-z0-9]*(?:_[a-z0-9]+)+`)

// functions of PromQL that look like metrics.
var functions = map[string]bool{
	"avg_over_time": true, "max_over_time": true, "min_over_time": true, "day_of_year": true, "clamp_min": true,
}

func TestEveryMetricIsInTheCatalogue(t *testing.T) {
	for uid, d := range boards(t) {
		for _, p := range panels(d) {
			for _, target := range p.Targets {
				a := target.(ask)
				if a.Kind == "top" && metric.ByName(a.Metric) == nil {
					t.Errorf("%s, %s: no metric %s", uid, *p.Title, a.Metric)
				}
				quoted := regexp.MustCompile(`"[^"]*"|\$[a-z_]+`)
				for _, w := range word.FindAllString(quoted.ReplaceAllString(a.Expr, ""), -1) {
					if !functions[w] && metric.ByName(w) == nil {
						t.Errorf("%s, %s: no metric %s", uid, *p.Title, w)
					}
				}
			}
		}
	}
}

// PromQL over every GPU takes seconds at a hundred thousand of them.
func TestNoPromQLOverEveryGPU(t *testing.T) {
	few := map[string]string{
		"gpu_xid_events_total":     "only boards that had one have a series",
		`gpu_state{state=~"lost"}`: "only boards that were not ok have a series",
	}
	for uid, d := range boards(t) {
		for _, p := range panels(d) {
			for _, target := range p.Targets {
				a := target.(ask)
				for _, m := range regexp.MustCompile(`([a-z][a-z0-9_]+)\{([^}]*)\}`).FindAllStringSubmatch(a.Expr, -1) {
					def := metric.ByName(m[1])
					if def == nil || few[m[1]] != "" || strings.Contains(m[2], `state=~"lost`) && few[m[1]+`{state=~"lost"}`] != "" {
						continue
					}
					fixed := strings.Contains(m[2], `host="$host"`) || strings.Contains(m[2], `uuid="$gpu"`) || strings.Contains(m[2], `job="$job"`)
					if inHost(def.Entity) && !fixed {
						t.Errorf("%s, %s: %s is of every %s", uid, *p.Title, m[1], def.Entity)
					}
				}
				if a.Kind == "power_energy" && a.Measure != "energy" && (a.By == "gpu" && a.Host == "" || a.By == "host" && a.Host == "" && a.Rack == "") {
					t.Errorf("%s, %s: power of every %s", uid, *p.Title, a.By)
				}
			}
		}
	}
}

func inHost(k metric.EntityKind) bool {
	switch k {
	case metric.Host, metric.GPU, metric.Device, metric.Port, metric.Mount, metric.Sensor, metric.Job:
		return true
	}
	return false
}

func TestABoundaryHasOneColour(t *testing.T) {
	colours := map[string]string{}
	for uid, d := range boards(t) {
		for _, p := range panels(d) {
			for _, o := range p.FieldConfig.Overrides {
				name, colour := "", ""
				for _, x := range o.Properties {
					switch x.Id {
					case "displayName":
						name, _ = x.Value.(string)
					case "color":
						if c, ok := x.Value.(map[string]any); ok {
							colour, _ = c["fixedColor"].(string)
						}
					}
				}
				for _, b := range boundaries() {
					if name != boundaryName(b) || colour == "" {
						continue
					}
					if was := colours[name]; was != "" && was != colour {
						t.Errorf("%s, %s: %s is %s here, and %s elsewhere", uid, *p.Title, name, colour, was)
					}
					colours[name] = colour
				}
			}
		}
	}
	if len(colours) != len(boundaries()) {
		t.Errorf("boundaries with a colour: %v", colours)
	}
}

// What is not known has no colour of what is good or bad: no data is no fault.
func TestWhatIsNotKnownIsNeutral(t *testing.T) {
	neutral := func(mappings any) bool {
		text, err := json.Marshal(mappings)
		return err == nil && strings.Contains(string(text), `{"type":"special","options":{"match":"null+nan","result":{"color":"text"}}}`) ||
			strings.Contains(string(text), `{"options":{"match":"null+nan","result":{"color":"text"}},"type":"special"}`)
	}
	for uid, d := range boards(t) {
		for _, p := range panels(d) {
			values, _ := json.Marshal(p.Options)
			figure := p.Type == "bargauge" || p.Type == "stat" && !strings.Contains(string(values), `"values":true`) // what stands on tiles, the data source says
			if figure && *p.FieldConfig.Defaults.NoValue != "0" && !neutral(p.FieldConfig.Defaults.Mappings) {
				t.Errorf("%s, %s: what is not known is coloured as if it were", uid, *p.Title)
			}
			for _, o := range p.FieldConfig.Overrides {
				lit, plain := false, false
				for _, x := range o.Properties {
					text, _ := json.Marshal(x.Value)
					lit = lit || strings.Contains(string(text), "color-text")
					plain = plain || x.Id == "mappings" && neutral(x.Value)
				}
				if lit && !plain {
					t.Errorf("%s, %s, %v: what is not known is coloured as if it were", uid, *p.Title, o.Matcher.Options)
				}
			}
		}
	}
}

// That a thing is not there, and that it was not read, are told apart; what is good
// news is neither.
func TestWhatWasNotReadIsNotSaidToBeMissing(t *testing.T) {
	counter := regexp.MustCompile(`rate\(|increase\(`)
	asked := 0
	for uid, d := range boards(t) {
		for _, p := range panels(d) {
			for _, target := range p.Targets {
				a := target.(ask)
				if a.Kind != "promql" || p.FieldConfig.Defaults.NoValue == nil {
					continue
				}
				empty := *p.FieldConfig.Defaults.NoValue
				missing := regexp.MustCompile(`^The (board|driver|agent|host) (does not say|has no)|^No .*(meter|provider|source of power|sensor|interface|disk|port|system)|^Profiling is off|: no .*meter`).MatchString(empty)
				if missing != (a.Unread != "") {
					t.Errorf("%s, %s: it says %q where nothing is there, and %q where it was not read", uid, *p.Title, empty, a.Unread)
				}
				if missing {
					asked++
				}
				if named := p.Type == "timeseries" && len(a.RefID) > 1; named && missing && a.Legend != a.RefID {
					t.Errorf("%s, %s: what was not read has no name but %q", uid, *p.Title, a.RefID)
				}
				if a.Unread != "" && counter.MatchString(a.Expr) != strings.Contains(a.Unread, "twice") {
					t.Errorf("%s, %s: %q of %s", uid, *p.Title, a.Unread, a.Expr)
				}
			}
		}
	}
	if asked < 30 {
		t.Errorf("%d queries tell it apart", asked)
	}
}

// Power of long steps is their mean: a moment says nothing of them.
func TestPowerOfTheBalanceIsTheMeanOfEachStep(t *testing.T) {
	for _, p := range panels(boards(t)["gigawatch-energy"]) {
		if *p.Title != "Where power comes from" && *p.Title != "Where power goes" {
			continue
		}
		if !strings.HasSuffix(*p.Description, "Each point is the mean of the time up to it, not a moment.") {
			t.Errorf("%s: it does not say that points are means", *p.Title)
		}
		for _, target := range p.Targets {
			if a := target.(ask); !strings.HasPrefix(a.Expr, "avg_over_time(sum(meter_power_watts{") || !strings.HasSuffix(a.Expr, "[$__interval:$__part])") {
				t.Errorf("%s: %s is of moments", *p.Title, a.Expr)
			}
		}
	}
}
