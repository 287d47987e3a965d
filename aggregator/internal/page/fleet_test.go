package page

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// far is what a hub says of a site besides.
type far struct {
	Heard   *int64         `json:"heard"`
	Silent  float64        `json:"silent_seconds"`
	Present bool           `json:"present"`
	Sealed  *int64         `json:"sealed"`
	Behind  *int64         `json:"behind"`
	Refused string         `json:"refused"`
	States  map[string]int `json:"gpu_states"`
	Halls   []place        `json:"halls"`
}

type place struct {
	Hall   string   `json:"hall"`
	Watts  *float64 `json:"watts"`
	Reason string   `json:"reason,omitempty"`
	Racks  int      `json:"racks"`
	Hosts  counts   `json:"hosts"`
	GPUs   int      `json:"gpus"`
	GPUsOk int      `json:"gpus_ok"`
}

// MarshalJSON writes a count below zero as one that is not known.
func (c counts) MarshalJSON() ([]byte, error) {
	known := func(n int) *int {
		if n < 0 {
			return nil
		}
		return &n
	}
	return json.Marshal(map[string]*int{"expected": known(c.Expected), "reporting": known(c.Reporting)})
}

// remote is a site as a hub tells it that hears it.
func remote(name string, halls, racks int, now time.Time, since int64) fakeSite {
	s := site(name, halls, racks, now, since)
	hour := now.Truncate(time.Hour)
	s.Simulated, s.TimeZone = false, "UTC"
	s.Hub = &far{Heard: new(now.Add(-3 * time.Second).UnixMilli()), Silent: 3, Present: true, Sealed: new(hour.UnixMilli()), Behind: new(int64(0)), States: map[string]int{"ok": s.GPUs.Reporting, "lost": s.GPUs.Expected - s.GPUs.Reporting}}
	for _, h := range s.Halls {
		x := place{Hall: h.Hall, Watts: h.Watts, Racks: len(h.Racks)}
		for _, r := range h.Racks {
			x.Hosts.Expected, x.Hosts.Reporting, x.GPUs, x.GPUsOk = x.Hosts.Expected+r.Hosts, x.Hosts.Reporting+r.Reporting, x.GPUs+r.GPUs, x.GPUsOk+r.OK
		}
		s.Hub.Halls = append(s.Hub.Halls, x)
	}
	s.Halls, s.Worst, s.Alerts, s.AlertsWhy = []hall{}, []gpu{}, nil, "the site's own aggregator watches over it"
	s.Tree = &tree{Stages: []gap{}, Reason: "the power tree stays on the site"}
	s.Today.To, s.PUE.To = hour.UnixMilli(), hour.UnixMilli()
	return s
}

// mute makes of s one that fell silent some time ago.
func mute(s fakeSite, now time.Time, ago time.Duration) fakeSite {
	const reason = "the site is silent"
	heard := now.Add(-ago)
	s.Hub.Heard, s.Hub.Silent, s.Hub.Present, s.Hub.Behind, s.Hub.Halls, s.Hub.States = new(heard.UnixMilli()), ago.Seconds(), false, nil, []place{}, map[string]int{}
	s.Hub.Sealed = new(heard.Truncate(time.Hour).UnixMilli())
	s.Hosts.Reporting, s.GPUs.Reporting, s.Freshness, s.Carbon.Grams, s.Carbon.Reason = -1, -1, nil, nil, reason
	for b := range s.Power {
		s.Power[b] = powerNow{Reason: reason}
	}
	s.History = history{Step: 1000}
	return s
}

// unheard is a site that the hub waits for.
func unheard(name string, now time.Time) fakeSite {
	const reason, nothing = "the site was not heard yet", "none of its sealed hours is here yet"
	s := mute(remote(name, 1, 1, now, 0), now, 20*time.Minute)
	s.Hub.Heard, s.Hub.Sealed, s.Hosts, s.GPUs, s.Agents = nil, nil, counts{-1, -1}, counts{-1, -1}, agents{}
	s.Today, s.Figures, s.PUE, s.Carbon = nil, []figure{}, pue{Reason: nothing}, carbon{Reason: reason}
	for b := range s.Power {
		s.Power[b], s.Energy[b] = powerNow{Reason: reason}, energyDay{Reason: nothing}
	}
	return s
}

// five are a hub's sites in every state worth a look, and one that is simulated.
func five(now time.Time, since int64) []fakeSite {
	behind, demo := remote("osl1", 4, 64, now, since), remote("lab", 1, 4, now, since)
	behind.Hub.Behind, behind.Hub.Sealed = new(int64(7)), new(now.Truncate(time.Hour).Add(-7*time.Hour).UnixMilli())
	demo.Simulated = true
	forked := remote("sto1", 3, 32, now, since)
	forked.Hub.Refused = "the log has become shorter: it has 411 leaves, and had 412"
	return []fakeSite{remote("fra1", 12, 64, now, since), remote("lux1", 25, 64, now, since), mute(remote("mad1", 6, 64, now, since), now, 3*time.Hour+12*time.Minute), behind, forked, unheard("hel1", now), demo}
}

// dozens are 24 sites, two of them silent and one not heard yet.
func dozens(now time.Time, since int64) (all []fakeSite) {
	for i := range 23 {
		s := remote(fmt.Sprintf("site-%02d", i+1), 1+i%7, 32, now, since)
		if i == 4 || i == 17 {
			s = mute(s, now, time.Duration(1+i*i)*time.Minute)
		}
		all = append(all, s)
	}
	return append(all, unheard("site-24", now))
}

// TestFleet drives the page of a hub.
func TestFleet(t *testing.T) {
	chrome := browser(t)
	f := newFake(t, five)
	p := open(t, chrome, f.URL, 1400, 900, "light")
	p.live()
	line := func(site string) string {
		p.t.Helper()
		return strings.Join(strings.Fields(strings.ReplaceAll(eval[string](p, `(document.querySelector('#fleet-rows tr`+site+`')?.innerText || "")`), "\u202f", " ")), " ")
	}
	want(p, map[string]string{"name": "hub hub.example.org", "fleet-aside": "1 silent · 1 log refused · 1 never heard · 1 catching up · 3 live", "strip": "", "h-tree": "", "h-alerts": "", "banner": "", "which-name": "fra1", "which-heard": "live"})
	for row, parts := range map[string][]string{
		".sum":               {"All 6 real sites 2 live", "of 4 sites"},
		`[data-site="fra1"]`: {"live", "6 135/6 144", "1.213"},
		`[data-site="mad1"]`: {"silent for 3 h – – – –", "1.213"},
		`[data-site="osl1"]`: {"7 h on the way"},
		`[data-site="sto1"]`: {"log refused"},
		`[data-site="hel1"]`: {"never heard – – – – – – – –"},
		`[data-site="lab"]`:  {"simulated"},
	} {
		for _, part := range parts {
			if got := line(row); !strings.Contains(got, part) {
				t.Errorf("%s says %q, which lacks %q", row, got, part)
			}
		}
	}
	if got := p.text("places-rows"); !strings.HasPrefix(got, "h01 ") || !strings.Contains(got, "511/512") && !strings.Contains(got, "/4 096") {
		t.Errorf("the halls are %q", got)
	}
	sane(p)

	// A site that is not heard: no count of what reports, and what is to be done.
	p.do(chromedp.Focus(chromedp.CSS(`[data-site="hel1"] button`)), chromedp.KeyEvent(kb.Enter))
	p.until("what is wrong", `document.getElementById("unheard").innerText.startsWith("It was not heard since the hub started 20")`)
	if got := p.text("unheard"); !strings.Contains(got, "hub.yaml") {
		t.Errorf("what is to be done: %q", got)
	}
	want(p, map[string]string{"hosts": "Hosts not known", "banner": "", "hero": "The site was not heard yet", "pue": "None of its sealed hours is here yet", "figures": "WUE None of its sealed hours is here yet CUE None of its sealed hours is here yet ERF None of its sealed hours is here yet REF None of its sealed hours is here yet Carbon, location None of its sealed hours is here yet Carbon, market None of its sealed hours is here yet Carbon, on site None of its sealed hours is here yet Cost None of its sealed hours is here yet", "h-places": "", "agents": ""})
	sane(p)
	p.do(chromedp.Click(chromedp.CSS(`[data-site="mad1"] .c-power`)))
	p.until("what else is wrong", `document.getElementById("unheard").innerText.startsWith("It is silent for 3")`)
	want(p, map[string]string{"hosts": "Hosts not known 3 072 expected", "which-heard": "silent for 3 h", "pulse-word": "Live", "banner": ""})
	p.do(chromedp.Click(chromedp.CSS(`[data-site="sto1"] button`)))
	if got := p.text("unheard"); !strings.Contains(got, "411 leaves, and had 412") {
		t.Errorf("a log that is refused: %q", got)
	}
	for _, width := range []int64{320, 360, 412, 768, 1024, 1280, 1920, 3840} {
		p.do(chromedp.EmulateViewport(width, 900), chromedp.Sleep(150*time.Millisecond))
		for _, name := range []string{"fra1", "mad1", "hel1"} {
			eval[bool](p, `(document.querySelector('[data-site="`+name+`"]').click(), true)`)
			if over := eval[int](p, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
				t.Errorf("%s at %d px: %d px too wide", name, width, over)
			}
			if cut := eval[int](p, `[...document.querySelectorAll(".fleet, .fleet td, .fleet th, .places td")].filter((e) => e.clientWidth > 1 && e.scrollWidth > e.clientWidth + 1).length`); cut > 0 {
				t.Errorf("%s at %d px: %d cells are cut", name, width, cut)
			}
		}
	}
	p.quiet()

	// On a phone, who chooses a site comes to see it.
	f.sites = dozens
	q := open(t, chrome, f.URL, 390, 844, "dark")
	q.live()
	eval[bool](q, `(document.querySelector('[data-site="site-02"] button').click(), true)`)
	q.until("the site in sight", `document.getElementById("site").getBoundingClientRect().top < 100`)
	q.quiet()
}
