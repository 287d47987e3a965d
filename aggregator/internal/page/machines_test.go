package page

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// shown is each host's line as a reader sees it: name, state and figures.
func shown(p *tab) []string {
	p.t.Helper()
	return eval[[]string](p, `[...document.querySelectorAll("#machines > li")].map((li) => [...li.querySelectorAll(".name, .state, .fig")]
		.map((e) => e.innerText.replaceAll("\u202f", " ")).filter(Boolean).join(" | "))`)
}

func oneHost(t *testing.T, chrome context.Context) {
	f := newFake(t, func(now time.Time, since int64) []fakeSite {
		s := virtual(now, since)
		s.Machines[0].CPU, s.Machines[0].Load = new(0.312), new(0.9)
		return []fakeSite{s, site("demo", 1, 2, now, since)}
	})
	p := open(t, chrome, f.URL, 1440, 900, "light")
	p.live()
	if got, want := shown(p), []string{"vm | 31 % | 5.27 of 15.6 GiB | 13 % | 0.90 | –"}; !slices.Equal(got, want) {
		t.Errorf("the host is shown as %q, want %q", got, want)
	}
	if got := eval[string](p, `document.querySelector("#machines .heat .fig").title`); got != "Not measured" {
		t.Errorf("the missing sensor is explained with %q", got)
	}
	if got := eval[string](p, `document.querySelector("[data-site=here] .fig").innerText.replaceAll("\u202f", " ")`); got != "1/1 hosts · CPU 31 %" {
		t.Errorf("the tab says %q", got)
	}
	if share := eval[float64](p, `(() => { const b = document.querySelector("#machines .cpu .bar"); return b.firstElementChild.getBoundingClientRect().width / b.clientWidth; })()`); share < 0.30 || share > 0.32 {
		t.Errorf("the bar of 31 %% fills %.3f", share)
	}
	first := `(() => { const top = (q) => document.querySelector(q).getBoundingClientRect().top; return top(".hosts") < top(".power"); })()`
	for _, width := range []int64{360, 900, 1440} {
		p.do(chromedp.EmulateViewport(width, 900), chromedp.Sleep(150*time.Millisecond))
		if !eval[bool](p, first) {
			t.Errorf("at %d px the host's figures stand below the power that is not known", width)
		}
	}
	want(p, map[string]string{"chart": "", "h-worst": "", "h-racks": "", "energy-aside": "", "machines-silent": ""})
	sane(p)
	p.do(chromedp.Click(chromedp.CSS(`[data-site="demo"]`)))
	p.until("the demo site", `document.getElementById("hero").innerText.endsWith("kW")`)
	want(p, map[string]string{"h-machines": "", "h-racks": "Racks", "h-worst": "GPUs to look at first"})
	p.quiet()
}

func fewHosts(t *testing.T, chrome context.Context) {
	f := newFake(t, func(now time.Time, since int64) []fakeSite {
		s := cluster(8, now, since)
		s.Machines[0].MemoryTotal, s.Machines[2].CPU, s.Machines[2].Disk = nil, nil, new(0.9999)
		return []fakeSite{s}
	})
	p := open(t, chrome, f.URL, 1440, 900, "light")
	p.live()
	got := shown(p)
	if len(got) != 8 {
		t.Fatalf("%d hosts are shown: %q", len(got), got)
	}
	for i, line := range []string{
		"node-01.cluster | 5 % | 10.0 GiB | 10 % | 0.40 | 41 °C",
		"node-02.cluster | silent | – | – | – | – | –",
		"node-03.cluster | – | 130 of 512 GiB | 99 % | 23.00 | 52 °C",
	} {
		if got[i] != line {
			t.Errorf("host %d is shown as %q, want %q", i+1, got[i], line)
		}
	}
	want(p, map[string]string{"machines-silent": "1 silent"})
	if titles := eval[[]string](p, `[...document.querySelectorAll("#machines .silent .fig")].map((e) => e.title)`); len(titles) != 5 || strings.Join(slices.Compact(titles), "") != "This host is silent" {
		t.Errorf("a silent host's figures are explained with %q", titles)
	}
	bars := `[...document.querySelectorAll("#machines > li:nth-child(1) .memory .bar, #machines > li:nth-child(2) .bar")].filter((e) => e.checkVisibility({visibilityProperty: true})).length`
	if n := eval[int](p, bars); n != 0 {
		t.Errorf("%d bars of what is not known", n)
	}
	sane(p)
	p.quiet()
}
