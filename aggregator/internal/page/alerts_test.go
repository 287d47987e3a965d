package page

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// rackDown is a site of which a rack is down, r0006 as ever, and of which more stands than is sent.
func rackDown(now time.Time, since int64) []fakeSite {
	s := site("demo", 2, 6, now, since)
	s.Simulated = false
	s.Hosts = counts{96, 88}
	s.Alerts = []alert{
		{"RackDown", "critical", "Rack r0006 (h01) is down", now.Add(-7*time.Minute - 5*time.Second).UnixMilli(), "8 of its hosts fell silent. Of them no alerts are sent.",
			"Look at the rack's PDUs and breakers, then at its switch. If PDUs show load, it is the network.", 8, ""},
		{"GPUMemoryHot", "warning", "Memory of GPU 3 of n00007 (h01 r0002) is too hot", now.Add(-2 * time.Hour).UnixMilli(), "96.4 °C; the memory is built for up to 95 °C.", "Compare with the other GPUs of the host: one alone is its heat sink, all are its air or coolant.", 0, ""},
	}
	s.AlertsMore = 31
	s.Held = []held{{"GPUMemoryErrorsRising", "cap", 12}, {"HostPowerMissing", "window", 3}}
	s.Windows = []window{
		{"w-1", []string{"rack=r0004"}, now.Add(-time.Hour).UnixMilli(), now.Add(3 * time.Hour).UnixMilli(), "ada", "a new switch", true, 3},
		{"w-2", []string{}, now.Add(20 * time.Hour).UnixMilli(), now.Add(26 * time.Hour).UnixMilli(), "facility", "the yearly test of the UPS", false, 0},
	}
	return []fakeSite{s}
}

// What fires says what is wrong, since when, on what evidence and what to do first;
// what is not sent is counted, and who is at work stands beneath.
func TestAlertsOnThePage(t *testing.T) {
	chrome := browser(t)
	at := time.Now()
	f := newFake(t, rackDown)
	for _, width := range []int64{1440, 360} {
		p := open(t, chrome, f.URL, width, 1000, "light")
		p.live()
		want(p, map[string]string{"alerts-empty": "", "alerts-count": "2 of 33 shown"})
		said := p.text("alerts")
		for _, part := range []string{
			"RackDown critical Rack r0006 (h01) is down for 7 min · 8 more are part of it", "8 of its hosts fell silent. Of them no alerts are sent.", "Look at the rack's PDUs and breakers",
			"GPUMemoryHot warning Memory of GPU 3 of n00007 (h01 r0002) is too hot for 2 h", "96.4 °C; the memory is built for up to 95 °C.",
		} {
			if !strings.Contains(said, part) {
				t.Errorf("the alerts say %q, want %q", said, part)
			}
		}
		hour := func(at time.Time) string { return at.Add(3 * time.Hour).UTC().Format("15:") }
		until := hour(at)
		if !strings.Contains(p.text("quiet"), "until "+until) {
			until = hour(time.Now()) // it has just begun
		}
		for _, part := range []string{
			"12 GPUMemoryErrorsRising not sent: too many at once", "3 HostPowerMissing not sent: in maintenance",
			"Maintenance of rack=r0004, until " + until, "UTC: a new switch (ada), holds back 3", "Maintenance of all of the site, 20", "the yearly test of the UPS (facility)",
		} {
			if quiet := p.text("quiet"); !strings.Contains(quiet, part) {
				t.Errorf("beneath it says %q, want %q", quiet, part)
			}
		}
		sane(p)
		if eval[bool](p, "document.documentElement.scrollWidth > document.documentElement.clientWidth") {
			t.Errorf("at %d the page is wider than its window", width)
		}
		if *shots != "" && width > 1000 {
			image, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
			if err == nil {
				err = os.WriteFile(filepath.Join(*shots, "rack-down.png"), image, 0o644)
			}
			if err != nil {
				t.Error(err)
			}
		}
	}
}

// While an alert says that hosts are silent, nothing beside it says that all report: as in
// the minute in which it is held.
func TestHostsAreNotSaidToReportBesideARackThatIsDown(t *testing.T) {
	chrome := browser(t)
	f := newFake(t, func(now time.Time, since int64) []fakeSite {
		list := rackDown(now, since)
		list[0].Hosts, list[0].GPUs = counts{96, 96}, counts{768, 768}
		return list
	})
	p := open(t, chrome, f.URL, 1440, 900, "light")
	p.live()
	want(p, map[string]string{"hosts": "Hosts 96 of 96 see alerts", "gpus": "GPUs 768 of 768 all reporting"})
}

// A site of which a rack is down is seen while another is looked at.
func TestAlertsOfAnotherSite(t *testing.T) {
	chrome := browser(t)
	f := newFake(t, func(now time.Time, since int64) []fakeSite {
		well := site("alpha", 1, 2, now, since)
		well.Simulated = false
		return append([]fakeSite{well}, rackDown(now, since)...)
	})
	p := open(t, chrome, f.URL, 1440, 1000, "light")
	p.live()
	if said := p.text("sites"); strings.Count(said, "1 critical") != 1 || !strings.Contains(said, "demo") {
		t.Errorf("the strip says %q", said)
	}
	sane(p)
}

// What is wrong with the aggregator is marked as its own, and is no site's; who is not
// told what it says is told that it is so.
func TestAlertsOfTheAggregatorItself(t *testing.T) {
	chrome := browser(t)
	f := newFake(t, func(now time.Time, since int64) (list []fakeSite) {
		for i, name := range []string{"alpha", "beta"} {
			s := site(name, 1, 2, now, since)
			s.Simulated = false
			began := now.Add(-12 * time.Minute).UnixMilli()
			s.Alerts = []alert{
				{"StoreFailing", "critical", "The time-series store takes nothing", began, "no space left on device", "Make room on its disk.", 0, "aggregator"},
				{"AlertsUndelivered", "critical", "", began, "", "", 0, "aggregator"},
			}[i : i+1]
			list = append(list, s)
		}
		return list
	})
	p := open(t, chrome, f.URL, 1440, 1000, "light")
	p.live()
	const withheld = "What it says is shown to those who see every site."
	if said := p.text("alerts"); !strings.Contains(said, "StoreFailing critical The time-series store takes nothing of the aggregator · for 12 min no space left on device Make room on its disk.") || strings.Contains(said, withheld) {
		t.Errorf("who sees every site reads %q", said)
	}
	if said := p.text("sites"); strings.Contains(said, "critical") {
		t.Errorf("the strip says %q", said)
	}
	eval[bool](p, `(document.querySelector("[data-site=beta]").click(), true)`)
	p.until("the other site", `document.getElementById("alerts").innerText.includes("AlertsUndelivered")`)
	if said := p.text("alerts"); !strings.Contains(said, "AlertsUndelivered critical of the aggregator · for 12 min "+withheld) {
		t.Errorf("who sees some sites reads %q", said)
	}
	sane(p)
}
