package page

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// short is a real site that began today, of which a meter of the grid and one of a
// rack are silent, and five agents name hosts that are others'.
func short(now time.Time, since int64) fakeSite {
	s := site("plant-north", 1, 12, now, since)
	s.Simulated = false
	s.Hosts, s.GPUs = counts{96, 96}, counts{768, 767}
	const reason = "1 of 2 grid_input meters is silent"
	s.Power["facility"] = powerNow{Coverage: 0.5, Reason: reason}
	for i := max(0, len(s.History.Facility)-60); i < len(s.History.Facility); i++ {
		s.History.Facility[i] = nil
	}
	from := now.UTC().Truncate(24 * time.Hour).Add(14*time.Hour + 3*time.Minute).UnixMilli()
	s.Today.From, s.PUE.From, s.PUE.To, s.PUE.Coverage = from, from, from+164*60_000, 0.9712
	h := &s.Halls[0]
	h.Watts, h.Reason = nil, "1 of 12 pdu_output meters is silent"
	h.Racks[0].State, h.Racks[0].Watts, h.Racks[0].Reason = "warn", nil, "1 of 2 pdu_output meters is silent"
	s.Agents = agents{Known: 101, Refused: 5}
	for n := 3; n < 7; n++ {
		s.Agents.Refusals = append(s.Agents.Refusals, fmt.Sprintf("agent n%05d-b: host n%05d and 8 more not counted, as agent n%05d came first", n, n, n))
	}
	return s
}

func lacking(t *testing.T, chrome context.Context) {
	f := newFake(t, func(now time.Time, since int64) []fakeSite { return []fakeSite{short(now, since)} })
	p := open(t, chrome, f.URL, 1440, 900, "light")
	p.live()
	want(p, map[string]string{
		"hero":         "1 of 2 grid_input meters is silent",
		"hero-note":    "So the power of the whole site is unknown.",
		"pue":          "1.213",
		"pue-period":   "14:03–16:47 UTC · 97.1 % covered",
		"carbon-since": "today · since 14:03 UTC",
		"agents":       "101 agents, 5 refused",
		"refusals": "Agent n00003-b: host n00003 and 8 more not counted, as agent n00003 came first " +
			"Agent n00004-b: host n00004 and 8 more not counted, as agent n00004 came first And 3 more",
	})
	if got := p.text("ladder"); !strings.Contains(got, "Facility 1 of 2 grid_input meters is silent IT UPS output") || !strings.Contains(got, "99.8 % covered") {
		t.Errorf("the ladder says %q", got)
	}
	p.do(chromedp.Focus(chromedp.ID("racks")), chromedp.KeyEvent(kb.Home))
	if got := p.text("racks-live"); !strings.Contains(got, "Power 1 of 2 pdu_output meters is silent, Hottest GPU") {
		t.Errorf("the rack is read as %q", got)
	}
	p.do(chromedp.Click(chromedp.CSS("#halls summary")))
	p.until("the hall's reason", `document.querySelector("#halls-rows td").title === "1 of 12 pdu_output meters is silent"`)
	sane(p)
	p.quiet()
}
