//go:build browser

package browser_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

var (
	pictures = flag.String("pictures", "../../out/dashboards", "folder to write pictures of the dashboards to")
	only     = flag.String("only", "", "dashboards to draw, by the names of their files; empty: all")
	watch    = flag.Int("watch", 0, "seconds to look at each dashboard before its picture is taken")
	since    = flag.Int("since", 3, "minutes of which there are time series; graphs of them are not longer")
)

// told is what the page says of what it shows.
type told struct {
	Errors    []string
	Variables []struct {
		Name, Value string
		Values      int
	}
	Panels map[string]shown
}

// shown is a panel as the page says it is.
type shown struct {
	ID      int
	Title   string
	Type    string
	Rows    int
	Frames  int
	Empty   bool
	Said    string
	Errors  []string
	Notices []string
	Bare    []string
	Lost    []string
	Live    bool
}

// dashboards draws every panel of every dashboard, with live figures, and keeps a
// picture of each.
func dashboards(t *testing.T, chrome context.Context, f *facade, aggregator string) {
	files, err := filepath.Glob("../../dashboards/*.json")
	if err != nil || len(files) != 12 {
		t.Fatalf("there are %d dashboards: %v", len(files), err)
	}
	p := open(t, chrome, f, 1600)
	p.do(chromedp.EmulateViewport(1600, 3600)) // tables are drawn as far as the window reaches
	var began int64
	if *since > 0 {
		began = time.Now().Add(-time.Duration(*since) * time.Minute).UnixMilli()
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		if *only != "" && !slices.Contains(strings.Split(*only, ","), name) {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) { draw(t, p, aggregator, name, text, object{"mode": "dark", "notBefore": began}) })
		if name == "site" || name == "energy" {
			t.Run(name+" in daylight", func(t *testing.T) {
				draw(t, p, aggregator, name+"-light", text, object{"mode": "light", "notBefore": began})
			})
		}
	}
}

// interesting is what a person would choose: the simulated site, and a GPU there
// of which something is to be told, that is not lost.
func interesting(t *testing.T, aggregator string) map[string][]string {
	t.Helper()
	prefer := map[string][]string{"site": {"simulated"}}
	r, err := http.Get(aggregator + "/api/v1/health?site=simulated&limit=200")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var a struct {
		Data struct {
			Sites []struct {
				Subjects []struct{ Hall, Rack, Host, UUID, State string }
			}
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
		t.Fatalf("read what needs a person: %v", err)
	}
	for _, s := range a.Data.Sites {
		for _, x := range s.Subjects {
			if x.UUID != "" && x.State == "degraded" {
				prefer["hall"], prefer["rack"], prefer["host"], prefer["gpu"] = []string{x.Hall}, []string{x.Rack}, []string{x.Host}, []string{x.UUID}
				return prefer
			}
		}
	}
	return prefer
}

// panelsIn is how many panels a dashboard's file has, rows left out.
func panelsIn(t *testing.T, text []byte) (n int) {
	t.Helper()
	var d struct{ Panels []struct{ Type string } }
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	for _, p := range d.Panels {
		if p.Type != "row" {
			n++
		}
	}
	return n
}

// draw shows a dashboard and holds what it shows against what it should. Things
// break at the site all the time: what was chosen may have fallen silent, and then
// something else is.
func draw(t *testing.T, p *tab, aggregator, name string, text []byte, wish object) {
	p.t = t
	t.Cleanup(p.quiet)
	var wrong []string
	for range 3 {
		wish["prefer"] = interesting(t, aggregator)
		is := show(t, p, name, text, wish)
		for _, x := range is.Panels {
			for _, n := range x.Notices {
				t.Logf("%s: %s", x.Title, n)
			}
		}
		if wrong = append(is.wrong(aggregator), eval[[]string](p, overlapping)...); len(wrong) == 0 {
			return
		}
		t.Logf("looked at again: %q", wrong)
		time.Sleep(10 * time.Second)
	}
	for _, w := range wrong {
		t.Error(w)
	}
}

// show draws a dashboard once, and keeps its picture.
func show(t *testing.T, p *tab, name string, text []byte, wish object) (is told) {
	t.Helper()
	raw, err := json.Marshal(wish)
	if err != nil {
		t.Fatal(err)
	}
	eval[bool](p, fmt.Sprintf("(window.board(%s, %s), true)", text, raw))
	p.until("all panels", fmt.Sprintf(`window.report.errors.length || Object.keys(window.report.panels).length >= %d && Object.values(window.report.panels).every((x) => !x.live || x.type !== "timeseries" || x.rows > 2)`, panelsIn(t, text)))
	time.Sleep(time.Duration(*watch)*time.Second + 500*time.Millisecond) // graphs are drawn a moment later
	p.until("tables", `[...document.querySelectorAll("[role=grid]")].every((g) => (g.querySelector("[role=columnheader]") ?? g).offsetWidth)`)
	eval[bool](p, `new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(true), 400))))`)
	p.keepShot(*pictures, name, window(1600, eval[float64](p, `document.querySelector("[data-testid=board]").offsetHeight`)))
	if err := json.Unmarshal([]byte(eval[string](p, "JSON.stringify(window.report)")), &is); err != nil {
		t.Fatal(err)
	}
	return is
}

// wrong is what should not be.
func (is *told) wrong(aggregator string) (list []string) {
	w := &witness{aggregator, map[string]string{}}
	for _, v := range is.Variables {
		if v.Value != "$__all" {
			w.chosen[v.Name] = v.Value
		}
	}
	say := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	for _, e := range is.Errors {
		say("%s", e)
	}
	for _, v := range is.Variables {
		if v.Values == 0 || v.Value == "" {
			say("$%s has no values", v.Name)
		}
	}
	for _, x := range is.Panels {
		for _, e := range x.Errors {
			say("%s: %s", x.Title, e)
		}
		if len(x.Lost) > 0 {
			say("%s: settings that are not applied: %v", x.Title, x.Lost)
		}
		if x.Type == "table" && x.Frames > 1 {
			say("%s: %d frames, of which a table shows one", x.Title, x.Frames)
		}
		switch {
		case !x.Empty:
		case goodNews[x.Said] != nil:
			if why := w.untrue(&x); why != "" {
				say("%s", why)
			}
		case !saysWhy(x.Said):
			say("%s is empty and says %q", x.Title, x.Said)
		}
		for _, b := range x.Bare {
			if !plain[b] {
				say("%s: %s has no unit", x.Title, b)
			}
		}
	}
	return list
}

// window is a picture of what the window shows: tables are drawn no further.
func window(wide, high float64) chromedp.Action[[]byte] {
	return func(ctx context.Context, t *chromedp.Target) ([]byte, error) {
		r, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: page.CaptureScreenshotFormatPng, Clip: &page.Viewport{Width: wide, Height: high, Scale: 1}})
		if err != nil {
			return nil, err
		}
		return r.Data, nil
	}
}

// plain are numbers of no unit: they are ratios of like things.
var plain = map[string]bool{"PUE": true, "PUE today": true}

// lacking is what the simulated site has not, and the panel says so.
var lacking = []string{
	"Profiling is off on this host",                    // its boards are not profiled
	"The agent does not say",                           // its hosts are played by one process, without spools and sources
	"The host has no GPUs, or its driver does not say", // its hosts have no list of what they should have
}

// young is what is said of what is there and was not read yet, once of each line: what
// stands still is stored every two minutes, and a counter says something by two readings.
var young = regexp.MustCompile(`^(([^:]+: n|N)ot read (twice within minutes )?in this time ?)+$`)

func saysWhy(said string) bool {
	return slices.Contains(lacking, said) || *running == "" && young.MatchString(said)
}

// overlapping is which panels stand on others, stick out, or have a title that is cut.
const overlapping = `(() => {
	const all = [...document.querySelectorAll("[data-testid=place]")].map((e) => ({title: e.dataset.title, r: e.getBoundingClientRect(), e}));
	const out = all.filter((a) => a.r.right > 1600).map((a) => a.title + " sticks out");
	for (const a of all) for (const b of all) if (a !== b && a.r.left < b.r.right - 1 && b.r.left < a.r.right - 1 && a.r.top < b.r.bottom - 1 && b.r.top < a.r.bottom - 1) out.push(a.title + " stands on " + b.title);
	for (const a of all) for (const h of a.e.querySelectorAll("h2")) if (h.scrollWidth > h.clientWidth) out.push(a.title + ": the title is cut");
	return out;
})()`
