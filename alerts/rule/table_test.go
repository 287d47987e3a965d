package rule_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// root is where the module is.
const root = "../../"

// own are Gigawatch's own metrics that rules look at, with their labels.
var own = map[string][]string{
	"gigawatch_stream_telemetry_lag_seconds":         nil,
	"gigawatch_stream_commit_failures_total":         nil,
	"gigawatch_stream_rejected_total":                {"lane", "reason"},
	"gigawatch_stream_quarantined_agents":            nil,
	"gigawatch_health_quarantined":                   {"site", "hall", "rack", "host"},
	"gigawatch_stream_ledger_stream_gaps_total":      nil,
	"gigawatch_bus_stream_stuck":                     {"stream"},
	"gigawatch_ledger_lost_states_total":             nil,
	"gigawatch_recording_store_failures_total":       nil,
	"gigawatch_store_wal_write_failures_total":       nil,
	"gigawatch_store_samples_dropped_total":          {"reason"},
	"gigawatch_store_remote_samples_failed_total":    {"remote"},
	"gigawatch_site_file_refused":                    {"site"},
	"gigawatch_data_free_bytes":                      nil,
	"gigawatch_data_size_bytes":                      nil,
	"gigawatch_certificate_expiry_timestamp_seconds": {"certificate"},
	rule.MetricLatency:                               {"site", "quantile"},
	rule.MetricCanaryHot:                             {"site"},
	rule.MetricCanaryMissed:                          {"site"},
	rule.MetricSuppressed:                            {"site"},
	rule.MetricUndelivered:                           {"receiver"},
}

func TestEachRuleIsWhole(t *testing.T) {
	boards := sources(t, "dashboards", "*.json")
	names := map[string]bool{}
	camel := regexp.MustCompile(`^[A-Z][A-Za-z]+$`)
	sentence := regexp.MustCompile(`^[A-Z{].*\.$`)
	action := regexp.MustCompile(`\{\{.*?\}\}`) // of a template
	for _, r := range rule.Table() {
		t.Run(r.Name, func(t *testing.T) {
			if !camel.MatchString(r.Name) || names[r.Name] {
				t.Error("its name is not in CamelCase, or stands twice")
			}
			names[r.Name] = true
			if !slices.Contains(rule.Owners(), r.Owner) {
				t.Errorf("owner %q is not known", r.Owner)
			}
			gears := 0
			for _, has := range []bool{r.Judged != nil, r.Watch != nil, r.Ask != ""} {
				if has {
					gears++
				}
			}
			if r.Ask == "" && (r.Known != "" || r.Still != "") {
				t.Error("only what asks says what is known, and what goes on")
			}
			if gears != 1 || (r.Ask == "") == (r.Prom == "") {
				t.Error("it has not exactly one of Judged, Watch and Ask, and PromQL for the first two")
			}
			if r.Summary == "" || strings.HasSuffix(r.Summary, ".") || strings.Contains(r.Summary, "$value") || len(action.ReplaceAllString(r.Summary, "")) > 100 {
				t.Errorf("summary %q is not one line about what is wrong and where", r.Summary)
			}
			for _, text := range []string{r.Evidence, r.Do} {
				if !sentence.MatchString(text) || len(action.ReplaceAllString(text, "")) > 260 {
					t.Errorf("%q is not a few sentences", text)
				}
			}
			for _, l := range regexp.MustCompile(`\$labels\.(\w+)`).FindAllStringSubmatch(r.Summary+r.Evidence+r.Do, -1) {
				if !slices.Contains(slices.Concat(r.Level.Labels(), r.Extra), l[1]) {
					t.Errorf("its text has label %s, which its alerts do not have", l[1])
				}
			}
			if !strings.Contains(boards, strconv.Quote(r.Board)) {
				t.Errorf("there is no dashboard %q", r.Board)
			}
			if r.For%time.Second != 0 || r.For < 0 || r.Hold < time.Minute || r.Hold < min(r.For, time.Hour) {
				t.Errorf("it fires after %v and for %v: less than a minute, or than what it waited for", r.For, r.Hold)
			}
			if r.Direct && r.Severity != rule.Critical {
				t.Error("it goes the direct way and is not critical")
			}
			if r.Severity == rule.Critical && r.For > 2*time.Minute {
				t.Errorf("it is critical and waits %v", r.For)
			}
		})
	}
}

func TestWhatIsWatchedFiresAndClearsApart(t *testing.T) {
	for _, r := range rule.Table() {
		w := r.Watch
		if w == nil {
			continue
		}
		d := metric.Lookup(w.Metric)
		if d == nil {
			t.Errorf("%s: metric %d is not in the catalogue", r.Name, w.Metric)
			continue
		}
		for _, p := range w.Points {
			if int(p) >= d.Points() {
				t.Errorf("%s: %s has no point %d", r.Name, d.Name, p)
			}
		}
		right := map[rule.Test]bool{
			rule.Above:     w.Clear < w.Fire && w.Over == 0,
			rule.Below:     w.Clear > w.Fire && w.Over == 0,
			rule.RateAbove: w.Clear <= w.Fire && w.Over > 0 && d.Kind == metric.Counter,
			rule.PeerBelow: w.Clear > w.Fire && w.Clear < 1 && w.MinPeers > 1 && r.Level == rule.GPU,
			rule.Missing:   w.Over > 0 && w.Fire == 0 && w.Clear == 0,
		}
		if !right[w.Test] {
			t.Errorf("%s: %v, fires at %v, clears at %v, over %v", r.Name, w.Test, w.Fire, w.Clear, w.Over)
		}
		if (w.While == 0) != (w.AtLeast == 0) || w.While != 0 && metric.Lookup(w.While) == nil {
			t.Errorf("%s: only while metric %d is at least %v", r.Name, w.While, w.AtLeast)
		}
		if !strings.Contains(r.Prom, d.Name) {
			t.Errorf("%s: its PromQL does not look at %s", r.Name, d.Name)
		}
	}
}

func TestPromQLNamesWhatIsThere(t *testing.T) {
	code := sources(t, "aggregator", "*.go") + sources(t, "collector", "*.go") + sources(t, "alerts/rule", "own.go")
	constants := constantsOf(t)
	language := parser.NewParser(parser.Options{})
	for _, r := range rule.Table() {
		expr, err := language.ParseExpr(r.Expr())
		if err != nil {
			t.Errorf("%s: %v\n%s", r.Name, err, r.Expr())
			continue
		}
		if r.Known != "" {
			known, err := language.ParseExpr(r.Known)
			if err != nil {
				t.Errorf("%s: %v\n%s", r.Name, err, r.Known)
				continue
			}
			expr = &parser.BinaryExpr{Op: parser.LOR, LHS: expr, RHS: known}
		}
		allowed := slices.Concat([]string{"site", "simulated", "le", "quantile", "instance"}, r.Extra)
		parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
			v, ok := n.(*parser.VectorSelector)
			if !ok || v.Name == "ALERTS" {
				return nil
			}
			if extra, ok := own[v.Name]; ok {
				if !strings.Contains(code, strconv.Quote(v.Name)) && !strings.Contains(code, `"`+v.Name+"{") {
					t.Errorf("%s: nothing shows %s", r.Name, v.Name)
				}
				allowed = append(allowed, extra...)
				return nil
			}
			d := metric.ByName(v.Name)
			if d == nil {
				t.Errorf("%s: %q is no metric", r.Name, v.Name)
				return nil
			}
			if !strings.Contains(code, "metric."+constants[v.Name]) {
				t.Errorf("%s: nothing writes %s", r.Name, v.Name)
			}
			has := labelsOf(d)
			allowed = append(allowed, has...)
			for _, m := range v.LabelMatchers {
				if m.Name == model.MetricNameLabel {
					continue
				}
				if !slices.Contains(has, m.Name) {
					t.Errorf("%s: %s has no label %s", r.Name, v.Name, m.Name)
				}
				for _, l := range d.Labels {
					for _, value := range strings.Split(m.Value, "|") {
						if l.Name == m.Name && l.Values != nil && !slices.Contains(l.Values, value) {
							t.Errorf("%s: %s has no %s %q", r.Name, v.Name, l.Name, value)
						}
					}
				}
			}
			return nil
		})
		parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
			var used []string
			switch n := n.(type) {
			case *parser.AggregateExpr:
				used = n.Grouping
			case *parser.BinaryExpr:
				if n.VectorMatching != nil {
					used = slices.Concat(n.VectorMatching.MatchingLabels, n.VectorMatching.Include)
				}
			}
			for _, l := range used {
				if !slices.Contains(allowed, l) {
					t.Errorf("%s: nothing it looks at has label %s", r.Name, l)
				}
			}
			return nil
		})
	}
}

func TestCausesAreOfTheHealthJudgement(t *testing.T) {
	code := sources(t, "aggregator/internal/health", "*.go") + sources(t, "alerts/rule", "cause.go")
	xids, err := os.ReadFile(root + "aggregator/internal/health/xid.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rule.Table() {
		if r.Judged == nil {
			continue
		}
		for _, c := range slices.Concat(r.Judged.Causes, r.Judged.But) {
			found := strings.Contains(code, strconv.Quote(strings.TrimSuffix(c, "*")))
			if n, ok := strings.CutPrefix(c, "xid_"); ok && n != "*" {
				found = strings.Contains(string(xids), "{xid: "+n+",")
			}
			if n, ok := strings.CutPrefix(c, "gpus_"); ok && n != "missing" {
				found = strings.Contains(code, strconv.Quote(n))
			}
			if !found {
				t.Errorf("%s: the health judgement has no cause %s", r.Name, c)
			}
		}
		for _, a := range r.Judged.Actions {
			if !strings.Contains(code, strconv.Quote(a)) {
				t.Errorf("%s: there is no action %s", r.Name, a)
			}
		}
		for _, s := range r.Judged.States {
			if !slices.Contains([]string{"watch", "unknown", "degraded", "failed"}, s) {
				t.Errorf("%s: there is no state %s", r.Name, s)
			}
		}
	}
}

// What PromQL takes for failed and degraded is what the table of the health judgement
// does, so that both gears sort XIDs alike.
func TestXIDsAreSortedByTheTableOfTheHealthJudgement(t *testing.T) {
	text, err := os.ReadFile(root + "aggregator/internal/health/xid.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "\ndate: "+rule.XIDDate+"\n") {
		t.Errorf("the table is not of %s", rule.XIDDate)
	}
	byName := map[string]rule.Rule{}
	others := map[string]bool{}
	for _, r := range rule.Table() {
		byName[r.Name] = r
		if r.Judged != nil {
			for _, c := range r.Judged.Causes {
				others[c] = true
			}
		}
	}
	want := map[string][]string{}
	for _, m := range regexp.MustCompile(`\{xid: (\d+), state: (\w+),`).FindAllStringSubmatch(string(text), -1) {
		if !others["xid_"+m[1]] {
			want[m[2]] = append(want[m[2]], m[1])
		}
	}
	for name, state := range map[string]string{"GPUFailed": "failed", "GPUDegraded": "degraded"} {
		r := byName[name]
		if codes := strings.Join(want[state], "|"); !strings.Contains(r.Prom, `xid=~"`+codes+`"`) {
			t.Errorf("%s: want XIDs %s in\n%s", name, codes, r.Prom)
		}
		for _, c := range r.Judged.But {
			if !others[c] {
				t.Errorf("%s leaves %s to a rule that there is not", name, c)
			}
		}
		for c := range others {
			if strings.HasPrefix(c, "xid_") && c != "xid_*" && !slices.Contains(r.Judged.But, c) {
				t.Errorf("%s has %s, and another rule has it as well", name, c)
			}
		}
	}
}

// labelsOf are all that a metric's series may have.
func labelsOf(d *metric.Def) []string {
	above := map[metric.EntityKind][]string{
		metric.Site: {}, metric.Hall: {"hall"}, metric.Rack: {"hall", "rack"}, metric.Host: {"hall", "rack", "host"},
		metric.GPU:    {"hall", "rack", "host", "gpu", "uuid", "model"},
		metric.Device: {"hall", "rack", "host", "device"}, metric.Port: {"hall", "rack", "host", "device", "port"},
		metric.Mount: {"hall", "rack", "host", "mount"}, metric.Sensor: {"hall", "rack", "host", "sensor"},
		metric.Meter: {"hall", "rack", "meter", "role"}, metric.Point: {"hall", "rack", "meter", "role", "point"},
		metric.Zone: {"zone", "provider", "tier"}, metric.Job: {"hall", "rack", "host", "gpu", "uuid", "model", "job", "tenant"},
	}
	out := slices.Concat([]string{"site", "simulated"}, above[d.Entity])
	for _, l := range d.Labels {
		out = append(out, l.Name)
	}
	return out
}

// sources is the text of files below a folder, tests left out.
func sources(t *testing.T, folder, pattern string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(root+folder, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && e.Name() == "node_modules" {
			return filepath.SkipDir
		}
		if ok, _ := filepath.Match(pattern, e.Name()); !ok || e.IsDir() || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		b.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// constantsOf are the names of metrics in Go, by those in PromQL.
func constantsOf(t *testing.T) map[string]string {
	out := map[string]string{}
	for _, m := range regexp.MustCompile(`\{(\w+), "([a-z0-9_]+)", `).FindAllStringSubmatch(sources(t, "collector/metric", "catalogue.go"), -1) {
		out[m[2]] = m[1]
	}
	return out
}
