//go:build browser

package browser_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// object is JSON of an editor's state.
type object map[string]any

// built makes the page around the plugin, and is its folder.
func built(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat("../node_modules/esbuild"); err != nil {
		lacks(t, "the page's packages are not installed: make plugin")
	}
	dir := t.TempDir()
	if out, err := exec.Command("node", "page/build.mjs", dir).CombinedOutput(); err != nil {
		t.Fatalf("build the page: %v\n%s", err, out)
	}
	return dir
}

func TestBrowser(t *testing.T) {
	dist, chrome := dist(t), chromium(t)
	host, aggregator := built(t), *running
	if aggregator == "" {
		aggregator = startAggregator(t)
	}
	if *racks > 0 {
		aggregator = manyRacks(t, aggregator, *racks)
	}
	f := serve(t, startProgram(t, filepath.Join(dist, "gpx_gigawatch_linux_amd64")), dist, host, settings{URL: aggregator, JSON: []byte(`{"defaultSite":"simulated"}`)})
	warm(t, aggregator)
	p := open(t, chrome, f, 1200)
	t.Run("settings are written, saved and tested", func(t *testing.T) {
		p.show(t, scene{"config", "dark", 360, object{"url": "", "jsonData": object{"defaultSite": "simulated"}, "secureJsonFields": object{}}})
		configure(t, p, f, aggregator)
	})
	t.Run("a builder by mouse and keys", func(t *testing.T) {
		p.show(t, scene{"query", "dark", 2, object{}})
		build(t, p)
	})
	t.Run("a variable", func(t *testing.T) {
		p.show(t, scene{"variable", "dark", 360, object{"of": "rack", "site": "$site"}})
		p.click("button", "Preview")
		p.until("racks", `document.querySelector("[data-testid=values]")?.innerText.length > 2`)
		p.shot("variable")
	})
	t.Run("annotations", func(t *testing.T) {
		p.show(t, scene{"annotation", "dark", 360, object{"queryType": "annotations", "version": 1}})
		p.until("events", `document.body.innerText.includes("Events")`)
		p.shot("annotation")
	})
	for _, q := range []struct {
		name    string
		minutes int
		query   object
		rows    int // at least; -1: it is refused
	}{
		{"power of the site", 2, object{"queryType": "power_energy"}, 2},
		{"power of racks", 2, object{"queryType": "power_energy", "by": "rack", "boundary": "it"}, 2},
		{"power of hosts", 2, object{"queryType": "power_energy", "by": "host"}, 2},
		{"energy of tenants", 360, object{"queryType": "power_energy", "by": "tenant", "measure": "energy", "shape": "total"}, 1},
		{"a hint", 360, object{"queryType": "power_energy", "by": "rack", "boundary": "facility"}, -1},
		{"figures", 360, object{"queryType": "kpi", "kpis": []string{"pue", "carbon_location", "cost"}, "period": "today"}, 1},
		{"figures in a table", 360, object{"queryType": "kpi", "kpis": []string{"pue", "wue", "cue", "erf", "ref", "carbon_location"}, "shape": "table", "period": "today"}, 1},
		{"what needs a person", 360, object{"queryType": "health"}, 0},
		{"how many", 360, object{"queryType": "counts"}, 1},
		{"top", 360, object{"queryType": "top", "metric": "gpu_temperature_celsius"}, 5},
		{"rack map", 360, object{"queryType": "map"}, 1},
		{"live power", 2, object{"queryType": "live"}, 1},
		{"power tree", 360, object{"queryType": "reconciliation"}, 0},
		{"alerts", 360, object{"queryType": "alerts"}, 0},
		{"report", 360, object{"queryType": "report_status"}, 1},
		{"promql", 2, object{"queryType": "promql", "expr": "sum by (hall) (rack_power_watts{boundary=\"gpu\"})", "legend": "{{hall}}"}, 2},
		{"events", 360, object{"queryType": "annotations"}, 0},
		{"a line of code", 360, object{"queryType": "top", "editorMode": "code", "code": "top of=host site=$site limit=3"}, 3},
		{"a line that is wrong", 360, object{"queryType": "top", "editorMode": "code", "code": "top of=planet"}, -1},
	} {
		t.Run(q.name, func(t *testing.T) {
			q.query["refId"], q.query["version"] = "A", 1
			p.show(t, scene{"query", "dark", q.minutes, q.query})
			p.click("button", "Refresh")
			p.until("an answer", `document.querySelector("[data-testid=answer]")`)
			if *shots != "" {
				time.Sleep(300 * time.Millisecond) // the graph draws a moment later, for the picture
			}
			p.shot(q.name)
			rows, errs := eval[int](p, `Number(document.querySelector("[data-testid=answer]").dataset.rows)`), eval[int](p, `Number(document.querySelector("[data-testid=answer]").dataset.errors)`)
			switch {
			case q.rows < 0 && errs == 0:
				t.Error("it is answered, and should be refused")
			case q.rows >= 0 && errs > 0, rows < q.rows:
				t.Errorf("%d rows, at least %d wanted; the page says: %s", rows, q.rows, eval[string](p, "document.body.innerText"))
			}
		})
	}
	t.Run("dashboards", func(t *testing.T) { dashboards(t, chrome, f, aggregator) })
	t.Run("in daylight", func(t *testing.T) {
		p.show(t, scene{"query", "light", 2, object{"refId": "A", "version": 1, "queryType": "power_energy", "by": "rack", "boundary": "it"}})
		p.shot("light")
	})
}

// warm waits until the simulated site has something to show.
func warm(t *testing.T, aggregator string) {
	t.Helper()
	enough := url.Values{"query": {`count_over_time(site_power_watts{boundary="facility"}[5m]) >= 3 and on() count_over_time(rack_power_watts{boundary="it"}[5m]) >= 3 and on() count_over_time(gpu_power_watts[5m]) >= 3`}}
	for deadline := time.Now().Add(90 * time.Second); ; time.Sleep(500 * time.Millisecond) {
		said := "no answer"
		if r, err := http.Get(aggregator + "/api/v1/query?" + enough.Encode()); err == nil {
			b, _ := io.ReadAll(r.Body) // what is cut off is not enough either
			r.Body.Close()
			if said = string(b); strings.Contains(said, `"value":`) {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("the simulated site shows nothing: %s", said)
		}
	}
}

// configure writes a wrong address, reads what is wrong, and writes a right one.
func configure(t *testing.T, p *tab, f *facade, aggregator string) {
	p.shot("config empty")
	p.click("input", "Address")
	p.do(chromedp.KeyEvent("http://127.0.0.1:9"))
	p.click("button", "Save & test")
	p.until("a refusal", `document.querySelector("[data-testid=said][data-ok=false]")`)
	p.shot("config refused")
	if said := eval[string](p, `document.querySelector("[data-testid=said]").innerText`); !strings.Contains(said, "nothing answers at its address") {
		t.Errorf("Save & test says %q", said)
	}
	p.click("input", "Address")
	p.do(chromedp.KeyEvent(strings.Repeat(kb.Backspace, len("http://127.0.0.1:9")) + aggregator))
	p.click("button", "Save & test")
	p.until("success", `document.querySelector("[data-testid=said][data-ok=true]")`)
	p.shot("config saved")
	said := eval[string](p, `document.querySelector("[data-testid=said]").innerText`)
	for _, want := range []string{"It works", "simulated", "may read"} {
		if !strings.Contains(said, want) {
			t.Errorf("Save & test says %q, without %q", said, want)
		}
	}
	if want := fmt.Sprintf(`"url":%q`, aggregator); !strings.Contains(string(f.saved.JSON), want) {
		t.Errorf("saved is %s, without %s", f.saved.JSON, want)
	}
	p.click("button", "Add an aggregator")
	p.click("button", "Certificates")
	p.click("button", "Limits")
	p.shot("config all")
}

// build asks for the power of a hall's racks without a line of code.
func build(t *testing.T, p *tab) {
	p.click("input[role=combobox]", "Site")
	p.do(chromedp.KeyEvent(kb.Escape))
	eval[bool](p, `(document.querySelector('[role=radiogroup][aria-label="One line for each"] input:checked').focus(), true)`)
	p.do(chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.ArrowRight))
	p.until("racks by keys", `window.state?.by === "rack"`)
	p.click("input", "GPUs")
	p.until("an answer", `document.querySelector("[data-testid=answer]")`)
	p.click("input[role=combobox]", "Hall")
	p.until("halls", `document.querySelectorAll("[role=option]").length > 1`)
	p.shot("builder with a list")
	p.do(chromedp.KeyEvent(kb.Escape))
	p.click("input[role=combobox]", "Question")
	p.until("questions", `document.querySelectorAll("[role=option]").length > 5`)
	p.shot("builder picker")
	p.do(chromedp.KeyEvent(kb.Escape))
	p.click("input", "Code")
	p.until("the line", `document.querySelector("input[value='power_energy by=rack boundary=gpu']")`)
	p.shot("builder as code")
	if got := eval[string](p, `JSON.stringify(window.state)`); !strings.Contains(got, `"editorMode":"code"`) {
		t.Errorf("the query is %s", got)
	}
}
