package page

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// What the status says of a site's meters, as doc.go describes it.
type (
	siteFile struct {
		Version string `json:"version"`
		Taken   int64  `json:"taken"`
		Refused string `json:"refused"`
		Left    string `json:"unstated"`
	}
	figure struct {
		Name     string             `json:"kpi"`
		Unit     string             `json:"unit"`
		Value    *float64           `json:"value"`
		Reason   string             `json:"reason"`
		Detail   string             `json:"detail"`
		Category int                `json:"category"`
		From     int64              `json:"from"`
		To       int64              `json:"to"`
		Interim  bool               `json:"interim"`
		Coverage float64            `json:"coverage"`
		Needed   float64            `json:"coverage_needed"`
		Quality  map[string]float64 `json:"quality"`
		Flags    []string           `json:"flags"`
		Wrong    bool               `json:"wrong"`
		Grid     []grid             `json:"grid"`
	}
	grid struct {
		Provider string  `json:"provider"`
		Tier     string  `json:"tier"`
		Share    float64 `json:"share"`
		Revised  bool    `json:"revised"`
	}
	tree struct {
		From    int64  `json:"from"`
		To      int64  `json:"to"`
		Reason  string `json:"reason"`
		Stages  []gap  `json:"stages"`
		Odd     int    `json:"odd"`
		Unknown int    `json:"unknown"`
		All     int    `json:"all"`
	}
	gap struct {
		Stage    string   `json:"stage"`
		Name     string   `json:"name"`
		Above    float64  `json:"above_kwh"`
		Below    float64  `json:"below_kwh"`
		Children int      `json:"children"`
		Percent  *float64 `json:"gap_percent"`
		Low      float64  `json:"low_percent"`
		High     float64  `json:"high_percent"`
		Finding  string   `json:"finding"`
		Coverage float64  `json:"coverage"`
		Missing  []string `json:"missing"`
		Hint     string   `json:"hint"`
	}
)

// day is from the last midnight UTC until this minute.
func day(now time.Time) (from, to int64) {
	return now.UTC().Truncate(24 * time.Hour).UnixMilli(), now.Truncate(time.Minute).Add(time.Minute).UnixMilli()
}

// plant makes up the figures of a site with all meters, in the order of the page.
func plant(now time.Time) (list []figure) {
	from, to := day(now)
	for _, k := range []figure{
		{Name: "wue", Unit: "litres_per_kwh", Value: new(0.4127), Category: 1, Coverage: 0.9931},
		{Name: "cue", Unit: "kg_per_kwh", Value: new(0.3791), Coverage: 0.998},
		{Name: "erf", Unit: "ratio", Reason: "no heat meter", Detail: "none has role heat_reuse"},
		{Name: "ref", Unit: "ratio", Value: new(0.4183), Coverage: 0.998},
		{Name: "carbon_location", Unit: "kg", Value: new(41_873.2), Coverage: 0.998, Grid: []grid{{"entsoe", "2", 0.914, false}, {"entsoe", "3", 0.086, false}}},
		{Name: "carbon_market", Unit: "kg", Value: new(17_204.9), Coverage: 0.998},
		{Name: "carbon_scope1", Unit: "kg", Value: new(12.4), Coverage: 0.998},
		{Name: "cost", Unit: "EUR", Value: new(13_482.615), Coverage: 0.912, Flags: []string{"without the capacity charge, which is of whole months"}},
	} {
		k.From, k.To, k.Interim, k.Needed = from, to, k.Value != nil, 0.95
		k.Quality = map[string]float64{}
		if k.Value != nil {
			k.Quality["measured"], k.Quality["integrated"] = 0.981, 0.019
		}
		list = append(list, k)
	}
	return list
}

// unmetered makes up the figures of a site without a meter.
func unmetered(now time.Time) (list []figure) {
	const grid = "none has role grid_input"
	for _, k := range []figure{
		{Name: "wue", Reason: "no water meter", Detail: "none has role water_total"}, {Name: "cue", Reason: "no grid meter", Detail: grid},
		{Name: "erf", Reason: "no heat meter", Detail: "none has role heat_reuse"}, {Name: "ref", Reason: "no facility meter", Detail: "none has role grid_input, generator_output or onsite_generation"},
		{Name: "carbon_location", Reason: "no grid meter", Detail: grid}, {Name: "carbon_market", Reason: "no contracts are configured, and no residual mix", Detail: "the grid's own factor does not stand for it"},
		{Name: "carbon_scope1", Reason: "no meter of what is generated on site, and no fuel besides is stated"}, {Name: "cost", Reason: "no tariff is configured"},
	} {
		k.From, k.To = day(now)
		list = append(list, k)
	}
	return list
}

// trunk makes up a power tree in which a meter hangs below the wrong UPS.
func trunk(now time.Time) *tree {
	to := now.Truncate(time.Hour)
	const hint = "a meter may hang below the wrong one of the two"
	return &tree{From: to.Add(-6 * time.Hour).UnixMilli(), To: to.UnixMilli(), Odd: 2, Unknown: 1, All: 38, Stages: []gap{
		{Stage: "facility", Above: 52_410, Below: 51_002, Children: 3, Percent: new(2.69), Low: -2, High: 10, Finding: "ok", Coverage: 1},
		{Stage: "ups", Above: 43_190, Below: 42_844, Children: 64, Percent: new(0.80), Low: -2, High: 3, Finding: "ok", Coverage: 1},
		{Stage: "meter", Name: "ups-03", Above: 10_790, Below: 11_377, Children: 17, Percent: new(-5.44), Low: -2, High: 2, Finding: "exceeds", Coverage: 1,
			Hint: "about as much is lacking at ups-04: " + hint},
		{Stage: "meter", Name: "ups-04", Above: 10_812, Below: 10_215, Children: 15, Percent: new(5.52), Low: -2, High: 2, Finding: "lacking", Coverage: 1,
			Hint: "about as much exceeds at ups-03: " + hint},
		{Stage: "meter", Name: "ups-01+ups-02", Above: 21_588, Below: 21_252, Children: 32, Percent: new(1.56), Low: -2, High: 2, Finding: "ok", Coverage: 1},
		{Stage: "hosts", Above: 43_190, Below: 40_301, Children: 256, Percent: new(6.69), Low: -2, High: 15, Finding: "ok", Coverage: 0.83},
		{Stage: "rack", Name: "r0017", Finding: "unknown", Low: -2, High: 15, Missing: []string{"r0017-pdu-b"}, Hint: "not known: r0017-pdu-b"},
	}}
}

// lines are what a reader sees of each item of a list, part by part.
func lines(p *tab, id string) []string {
	p.t.Helper()
	list := eval[[]string](p, `[...document.querySelectorAll("#`+id+` > li")].map((li) => [...li.querySelectorAll("span:not(span span)")]
		.filter((e) => e.checkVisibility()).map((e) => e.innerText).filter(Boolean).join(" | "))`)
	for i := range list {
		list[i] = strings.ReplaceAll(list[i], "\u202f", " ")
	}
	return list
}

func ofToday(t *testing.T, chrome context.Context) {
	f := newFake(t, func(now time.Time, since int64) []fakeSite {
		s := site("demo", 1, 2, now, since)
		s.PUE.Coverage, s.PUE.Wrong = 0.912, true
		s.PUE.Flags = []string{"below 1, which cannot be"}
		return []fakeSite{s}
	})
	p := open(t, chrome, f.URL, 1440, 900, "light")
	p.live()
	want := []string{
		"WUE | 0.413 L/kWh | 99.3 % covered · 98.1 % measured",
		"CUE | 0.379 kg CO₂e/kWh | 99.8 % covered · 98.1 % measured",
		"ERF | No heat meter | none has role heat_reuse",
		"REF | 0.418 | 99.8 % covered · 98.1 % measured",
		"Carbon, location | 41.87 t CO₂e | 99.8 % covered · 98.1 % measured · 91.4 % entsoe tier 2, 8.6 % entsoe tier 3",
		"Carbon, market | 17.20 t CO₂e | 99.8 % covered · 98.1 % measured",
		"Carbon, on site | 12.40 kg CO₂e | 99.8 % covered · 98.1 % measured",
		"Cost | 13 482.61 EUR | 91.2 % covered, a whole day needs 95.0 % · 98.1 % measured · without the capacity charge, which is of whole months",
	}
	if got := lines(p, "figures"); !slices.Equal(got, want) {
		t.Errorf("the figures are\n%s", strings.Join(got, "\n"))
	}
	if got := p.text("pue-period"); !strings.HasSuffix(got, " UTC · 91.2 % covered, a whole day needs 95.0 %") {
		t.Errorf("PUE is of %q", got)
	}
	if got := p.text("pue-quality"); got != "98.1 % measured, 1.9 % integrated · below 1, which cannot be" {
		t.Errorf("PUE is known as %q", got)
	}
	sane(p)
	p.quiet()
}

func mismapped(t *testing.T, chrome context.Context) {
	f := newFake(t, func(now time.Time, since int64) []fakeSite {
		return []fakeSite{site("demo", 1, 2, now, since), machine(now, since)}
	})
	p := open(t, chrome, f.URL, 360, 900, "dark")
	p.live()
	want := []string{
		"Site | 52.4 MWh → 51.0 MWh | 2.7 %",
		"UPS | 43.2 MWh → 42.8 MWh | 0.8 %",
		"ups-03 | 10.8 MWh → 11.4 MWh | −5.4 % more below | About as much is lacking at ups-04: a meter may hang below the wrong one of the two",
		"ups-04 | 10.8 MWh → 10.2 MWh | 5.5 % less below | About as much exceeds at ups-03: a meter may hang below the wrong one of the two",
		"ups-01 + ups-02 | 21.6 MWh → 21.3 MWh | 1.6 %",
		"Hosts | 43.2 MWh → 40.3 MWh | 6.7 %",
		"Rack r0017 | not known | Not known: r0017-pdu-b",
	}
	if got := lines(p, "tree"); !slices.Equal(got, want) {
		t.Errorf("the power tree is\n%s", strings.Join(got, "\n"))
	}
	if got := p.text("tree-aside"); !strings.HasPrefix(got, "2 of 38 odd · 1 not known · ") {
		t.Errorf("beside it stands %q", got)
	}
	if wide := eval[float64](p, `document.querySelector("#tree > li").getBoundingClientRect().width`); wide > 360 {
		t.Errorf("a stage is %.0f px wide", wide)
	}
	p.do(chromedp.Click(chromedp.CSS(`[data-site="workshop"]`)))
	p.until("the site without meters", `document.getElementById("tree").hidden && document.querySelector("#figures .fig").innerText === "No water meter"`)
	sane(p)
	p.quiet()
}

func refusedFile(t *testing.T, chrome context.Context) {
	f := newFake(t, func(now time.Time, since int64) []fakeSite {
		s := site("demo", 1, 2, now, since)
		s.TimeZone = "Asia/Tokyo"
		s.File = &siteFile{Version: "1f", Taken: 1795366020000, Refused: `site.yaml:41: meters.ups-03.parent: there is no meter "main-1"`, Left: "grid-b, office"}
		return []fakeSite{s}
	})
	p := open(t, chrome, f.URL, 900, 900, "light")
	p.live()
	want(p, map[string]string{
		"file": `The site file is not in force site.yaml:41: meters.ups-03.parent: there is no meter "main-1". Figures rest on what the file said at 01:47 GMT+9.`,
		"left": `Meters count in nothing The site file does not name grid-b, office. A meter that was taken away stays in it, with its last day.`,
	})
	sane(p)
	p.quiet()
}
