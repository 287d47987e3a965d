package page

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

var shots = flag.String("shots", "", "folder to write screenshots of the page to")

// TestShots draws the page in every state worth a look, for eyes to judge.
func TestShots(t *testing.T) {
	if *shots == "" {
		t.Skip("no -shots folder given")
	}
	if err := os.MkdirAll(*shots, 0o755); err != nil {
		t.Fatal(err)
	}
	chrome := browser(t)
	small := func(now time.Time, since int64) []fakeSite {
		return []fakeSite{site("demo", 1, 2, now, since), machine(now, since)}
	}
	large := func(now time.Time, since int64) []fakeSite {
		return []fakeSite{site("giga", 25, 64, now, since), machine(now, since)}
	}
	many := func(now time.Time, since int64) []fakeSite {
		north, south := site("north", 2, 6, now, since), site("south", 3, 16, now, since)
		north.Simulated, south.Simulated = false, false
		north.Alerts = []alert{
			{"RackDown", "critical", "Rack r0006 (h01) is down", now.Add(-7 * time.Minute).UnixMilli(), "8 of its hosts fell silent. Of them no alerts are sent.",
				"Look at the rack's PDUs and breakers, then at its switch. If PDUs show load, it is the network.", 8, ""},
			{"GPUMemoryHot", "warning", "Memory of GPU 3 of n00007 (h01 r0002) is too hot", now.Add(-2 * time.Hour).UnixMilli(), "96.4 °C; the memory is built for up to 95 °C.", "Compare with the other GPUs of the host.", 0, ""},
		}
		return []fakeSite{north, south, machine(now, since), site("demo", 1, 2, now, since)}
	}
	real := func(now time.Time, since int64) []fakeSite {
		return []fakeSite{virtual(now, since), machine(now, since), cluster(8, now, since), site("demo", 1, 2, now, since)}
	}
	lacks := func(now time.Time, since int64) []fakeSite {
		return []fakeSite{short(now, since), site("demo", 1, 2, now, since)}
	}
	stale := func(now time.Time, since int64) []fakeSite {
		s := site("demo", 4, 12, now, since)
		s.TimeZone = "Europe/Luxembourg"
		s.File = &siteFile{Version: "1f", Taken: now.Add(-2 * time.Hour).UnixMilli(), Refused: "site.yaml:41: meters.ups-03.parent: there is no meter \"main-1\"; did you mean main-01?"}
		return []fakeSite{s}
	}
	alone := func(now time.Time, since int64) []fakeSite { return []fakeSite{site("demo", 4, 12, now, since)} }

	first := func(all func(time.Time, int64) []fakeSite, n int) func(time.Time, int64) []fakeSite {
		return func(now time.Time, since int64) []fakeSite { return all(now, since)[:n] }
	}

	for _, shot := range []struct {
		name          string
		sites         func(time.Time, int64) []fakeSite
		width, height int64
		scheme        string
		before        func(p *tab, f *fake)
		whole         bool
	}{
		{name: "light", sites: small, width: 1440, height: 900, scheme: "light"},
		{name: "dark", sites: small, width: 1440, height: 900, scheme: "dark"},
		{name: "phone", sites: small, width: 360, height: 780, scheme: "light", whole: true},
		{name: "phone-large", sites: large, width: 360, height: 780, scheme: "dark", whole: true},
		{name: "many", sites: many, width: 1440, height: 900, scheme: "dark"},
		{name: "tablet", sites: alone, width: 900, height: 1200, scheme: "light", whole: true},
		{name: "whole", sites: stale, width: 1440, height: 900, scheme: "light", whole: true},
		{name: "whole-dark", sites: stale, width: 1440, height: 900, scheme: "dark", whole: true},
		{name: "whole-phone", sites: stale, width: 360, height: 780, scheme: "dark", whole: true},
		{name: "alone", sites: alone, width: 1920, height: 1080, scheme: "light"},
		{name: "large-light", sites: large, width: 1440, height: 900, scheme: "light"},
		{name: "large-dark", sites: large, width: 1920, height: 1080, scheme: "dark", before: heat},
		{name: "wall", sites: large, width: 3840, height: 2160, scheme: "dark"},
		{name: "real", sites: small, width: 1440, height: 900, scheme: "light", before: choose("workshop")},
		{name: "real-phone", sites: small, width: 360, height: 780, scheme: "dark", before: choose("workshop"), whole: true},
		{name: "virtual", sites: real, width: 1440, height: 900, scheme: "light"},
		{name: "virtual-dark", sites: real, width: 1920, height: 1080, scheme: "dark"},
		{name: "virtual-phone", sites: real, width: 360, height: 780, scheme: "light", whole: true},
		{name: "virtual-tablet", sites: real, width: 900, height: 1200, scheme: "dark", whole: true},
		{name: "cluster", sites: real, width: 1440, height: 900, scheme: "light", before: choose("cluster")},
		{name: "cluster-dark", sites: real, width: 1440, height: 900, scheme: "dark", before: choose("cluster")},
		{name: "cluster-phone", sites: real, width: 360, height: 780, scheme: "light", before: choose("cluster"), whole: true},
		{name: "lacking", sites: lacks, width: 1440, height: 900, scheme: "light"},
		{name: "lacking-dark", sites: lacks, width: 1440, height: 900, scheme: "dark"},
		{name: "lacking-phone", sites: lacks, width: 360, height: 780, scheme: "light", whole: true},
		{name: "fleet", sites: five, width: 1400, height: 900, scheme: "light"},
		{name: "fleet-dark", sites: five, width: 1400, height: 900, scheme: "dark", whole: true},
		{name: "fleet-silent", sites: five, width: 1400, height: 900, scheme: "light", before: choose("mad1"), whole: true},
		{name: "fleet-unheard", sites: five, width: 1400, height: 900, scheme: "light", before: choose("hel1"), whole: true},
		{name: "fleet-refused", sites: five, width: 1400, height: 900, scheme: "dark", before: choose("sto1"), whole: true},
		{name: "fleet-one", sites: first(five, 1), width: 1400, height: 900, scheme: "light", whole: true},
		{name: "fleet-three", sites: first(five, 3), width: 1400, height: 900, scheme: "light"},
		{name: "fleet-many", sites: dozens, width: 1400, height: 900, scheme: "light", whole: true},
		{name: "fleet-tablet", sites: five, width: 900, height: 1200, scheme: "light", whole: true},
		{name: "fleet-phone", sites: five, width: 360, height: 780, scheme: "light", whole: true},
		{name: "fleet-phone-many", sites: dozens, width: 390, height: 844, scheme: "dark", whole: true},
		{name: "fleet-wall", sites: dozens, width: 3840, height: 2160, scheme: "dark"},
		{name: "banner", sites: small, width: 1440, height: 900, scheme: "light", before: func(p *tab, f *fake) {
			f.down()
			p.until("a banner", `!document.getElementById("banner").hidden`)
		}},
		{name: "tip", sites: large, width: 1440, height: 900, scheme: "light", before: func(p *tab, _ *fake) {
			p.do(chromedp.Focus(chromedp.ID("racks")), chromedp.KeyEvent(kb.ArrowDown))
			eval[bool](p, `(() => { const c = document.getElementById("racks"); const b = c.getBoundingClientRect();
				c.dispatchEvent(new PointerEvent("pointermove", {clientX: b.left + 200, clientY: b.top + 120})); return true })()`)
		}},
		{name: "unvendored", sites: small, width: 1440, height: 900, scheme: "light"},
	} {
		t.Run(shot.name, func(t *testing.T) {
			f := newFake(t, shot.sites)
			if shot.name == "unvendored" {
				f.pages = bare(t)
				f.down()
				f.up(t)
			}
			p := open(t, chrome, f.URL, shot.width, shot.height, shot.scheme)
			p.live()
			time.Sleep(1500 * time.Millisecond)
			if shot.before != nil {
				shot.before(p, f)
				time.Sleep(700 * time.Millisecond)
			}
			capture := chromedp.CaptureScreenshot()
			if shot.whole {
				capture = chromedp.FullScreenshot(100)
			}
			image, err := chromedp.Run(p.ctx, capture)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(*shots, shot.name+".png"), image, 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func heat(p *tab, _ *fake) {
	eval[bool](p, `(document.querySelector("#racks-mode input[value=heat]").click(), true)`)
}

func choose(site string) func(*tab, *fake) {
	return func(p *tab, _ *fake) {
		p.do(chromedp.Click(chromedp.CSS(`[data-site="` + site + `"]`)))
	}
}
