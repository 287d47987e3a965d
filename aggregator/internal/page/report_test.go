package page

import (
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// as opens the page of reports as somebody, who shows their token as browsers do.
func (b *bureau) as(t *testing.T, chrome context.Context, name, hash string, width, height int64, scheme string) *tab {
	t.Helper()
	p := open(t, chrome, "about:blank", width, height, scheme)
	header := network.Headers{"Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+b.token[name]))}
	p.do(call(network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: header}), chromedp.Navigate(b.URL+"/report"+hash))
	return p
}

// shown waits until a report is on screen.
func (p *tab) shown() {
	p.t.Helper()
	p.until("a report", `!document.getElementById("whole").hidden && document.querySelectorAll("#headline li").length > 0`)
}

// behind waits until the drill shows what it was asked for.
func (p *tab) behind(crumb string) {
	p.t.Helper()
	p.until("behind "+crumb, `!document.getElementById("drill").hidden && !document.getElementById("drill").classList.contains("stale") && document.getElementById("crumbs").innerText.includes(`+"`"+crumb+"`"+`)`)
}

// press presses the button with a text within an element.
func (p *tab) press(within, text string) {
	p.t.Helper()
	if !eval[bool](p, `((b) => b ? (b.focus(), true) : false)([...document.querySelectorAll("`+within+` button")].find((b) => b.innerText.includes(`+"`"+text+"`"+`)))`) {
		p.t.Fatalf("no button %q in %s: %s", text, within, eval[string](p, `document.querySelector("`+within+`").innerText`))
	}
	p.do(chromedp.KeyEvent(kb.Enter))
}

// sign answers the question before a step.
func (p *tab) sign(text string) {
	p.t.Helper()
	p.until("the question", `document.getElementById("ask").open`)
	if text != "" {
		p.do(chromedp.SendKeys(chromedp.ID("ask-text"), text))
	}
	p.do(chromedp.Click(chromedp.ID("ask-yes")))
	p.until("the answer", `!document.getElementById("ask").open || !document.getElementById("ask-wrong").hidden`)
	if wrong := p.text("ask-wrong"); wrong != "" {
		p.t.Fatalf("the step is refused: %s", wrong)
	}
}

func (p *tab) state(want string) {
	p.t.Helper()
	p.until(want, `document.querySelector("#way .now")?.innerText === "`+want+`"`)
}

// TestReportPage takes a report from its first draft to the note of its submission,
// by keyboard, on books of real hours.
func TestReportPage(t *testing.T) {
	chrome := browser(t)
	b := newBureau(t, time.November)
	p := b.as(t, chrome, "anna", "", 1280, 900, "light")
	p.shown()
	want(p, map[string]string{"you": "You are anna, energy", "name": "Esch gigafactory", "due": "due 2026-05-15"})
	if got := p.text("headline"); !strings.Contains(got, "PUE") || !strings.Contains(got, "GWh") || !strings.Contains(got, "covered") {
		t.Errorf("the headline is %q", got)
	}
	if got := p.text("issues"); !strings.HasPrefix(got, "To mend E_MISSING Outgoing data traffic") || !strings.Contains(got, "How: ") || !strings.Contains(got, "report.comment_W_") {
		t.Errorf("what is to be done: %q", got)
	}
	if got := p.text("todo"); !strings.HasPrefix(got, "1 to mend and") {
		t.Errorf("why it cannot be validated: %q", got)
	}
	sane(p)

	// From PUE to the proof of an hour, and back by the browser's own way.
	p.press("#headline", "PUE")
	p.behind("2025")
	p.press("#drill-parts", "December")
	p.behind("December")
	p.press("#drill-parts", "14 Dec")
	p.behind("day 14")
	p.press("#drill-parts", "13:00")
	p.behind("13:00")
	p.until("the proof checked", `document.querySelector("#drill .verdict.good")`)
	if got := eval[string](p, `document.getElementById("drill").innerText`); !strings.Contains(got, "ups-02") || !strings.Contains(got, "2025-12-14T12Z") || !strings.Contains(got, "the hour stands in the log") {
		t.Errorf("behind an hour: %s", got)
	}
	sane(p)
	p.do(chromedp.NavigateBack())
	p.behind("day 14")
	eval[bool](p, `(location.hash = "#esch/2025//e_it_kwh/2025-12-16", true)`)
	p.behind("day 16")
	if got := p.text("drill-more"); !strings.Contains(got, "Gaps in this time") {
		t.Errorf("a day with a gap: %q", got)
	}
	eval[bool](p, `(location.hash = "#esch/2025//e_res_goo_kwh", true)`)
	p.behind("guarantees")
	if got := p.text("drill-more"); !strings.Contains(got, "LU-1") || !strings.Contains(got, "register") {
		t.Errorf("behind guarantees: %q", got)
	}
	p.press("#drill", "Close")
	p.until("it closed", `document.getElementById("drill").hidden`)

	// The operator mends; then the way is open, for two.
	b.describe(t, mended)
	time.Sleep(2100 * time.Millisecond)
	p.do(chromedp.Reload())
	p.shown()
	if got := p.text("todo"); got != "Nothing is left to do before it can be signed." {
		t.Fatalf("%s\n%s", got, p.text("issues"))
	}
	p.press("#acts", "Validate")
	p.sign("")
	p.state("validated")
	p.press("#acts", "Lock")
	p.sign("")
	p.state("locked")
	if got := p.text("acts-why"); got != "Approve: it takes two: you locked it." {
		t.Errorf("who locked it may approve it: %q", got)
	}
	q := b.as(t, chrome, "ben", "#esch/2025", 1280, 900, "dark")
	q.shown()
	q.press("#acts", "Approve")
	q.sign("")
	q.state("approved")
	q.press("#acts", "Note the submission")
	q.sign("receipt 4711")
	q.state("submitted")
	if got := q.text("trail"); !strings.Contains(got, "Version 1 locked by anna, energy") || !strings.Contains(got, "approved by ben, energy") || !strings.Contains(got, "receipt 4711") {
		t.Errorf("who did what: %q", got)
	}
	q.quiet()
	// What is locked is looked into, too; the files come with their names.
	q.press("#headline", "information technology")
	q.behind("2025")
	for format, name := range map[string]string{"pdf": "report-esch-2025-v1-submitted.pdf", "xlsx": "report-esch-2025-v1-submitted.xlsx", "csv": "report-esch-2025-v1-submitted.csv", "json": "report-esch-2025-v1-submitted.json"} {
		got := eval[string](q, `(async () => { const a = [...document.querySelectorAll("#files a")].find((a) => a.href.includes("format=`+format+`"));
			const r = await fetch(a.href); return r.status + " " + r.headers.get("Content-Disposition") + ((await r.arrayBuffer()).byteLength > 1000 ? "" : " empty") })()`)
		if got != `200 attachment; filename="`+name+`"` {
			t.Errorf("%s: %s", format, got)
		}
	}
	// Statements, as files: not signed, and signed with a note.
	kept := `(window.kept ??= [], HTMLAnchorElement.prototype.click = function () { window.kept.push(this.download); }, true)`
	eval[bool](q, kept)
	eval[bool](q, `(document.getElementById("st-kind").value = "fleet", document.getElementById("st-kind").dispatchEvent(new Event("change")), document.getElementById("st-format").value = "csv", true)`)
	q.press("#st-card", "Download")
	q.until("a file", `window.kept.length === 1`)
	q.press("#st-card", "Download signed")
	q.until("a file with its note", `window.kept.length === 3`)
	if got := eval[string](q, `window.kept.join(" ")`); got != "fleet-esch-2025.csv fleet-esch-2025.csv fleet-esch-2025.csv.note" || !strings.Contains(q.text("st-says"), "signed by esch.gigawatch+") {
		t.Errorf("files are %s: %s", got, q.text("st-says"))
	}
	if eval[bool](q, `document.getElementById("st-tenant-label").checkVisibility()`) {
		t.Error("which tenant, of all sites, is asked")
	}
	eval[bool](q, `(document.getElementById("st-kind").value = "job", document.getElementById("st-kind").dispatchEvent(new Event("change")), true)`)
	q.press("#st-card", "Download")
	q.until("why not", `document.getElementById("st-says").innerText.includes("Neither a job nor a tenant is named")`)
	// A second look by the first: another took steps, and what is on screen is older.
	p.press("#acts", "Correct")
	p.sign("area of hall 2")
	p.state("draft")
	p.until("a choice of versions", `!document.getElementById("version-label").hidden`)

	v := b.as(t, chrome, "vera", "", 1280, 900, "light")
	v.until("a refusal", `!document.getElementById("banner").hidden`)
	if got := v.text("banner"); !strings.Contains(got, "You may not see this.") || !strings.Contains(got, "role energy or admin") || !strings.Contains(got, "energy-desk@example.org") {
		t.Errorf("a viewer is told %q", got)
	}
	// Statements of what they see stay open to them, and are not signed.
	if !eval[bool](v, `document.getElementById("st-card").checkVisibility() && !document.getElementById("st-sign").checkVisibility()`) {
		t.Error("a viewer has no statements, or may have them signed")
	}
	if eval[bool](v, `document.getElementById("pick").checkVisibility()`) {
		t.Error("a viewer is offered reports to choose, of which there are none")
	}
	// The card stands apart from the one above it, and says what it is of.
	if gap := eval[float64](q, `document.getElementById("st-card").getBoundingClientRect().top - document.getElementById("whole").getBoundingClientRect().bottom`); gap < 8 {
		t.Errorf("between the statements and the figures there are %v px", gap)
	}
	if got := q.text("st-aside"); got != "Without days, of all of 2025. By keys, unless you may have the names" || !eval[bool](q, `document.getElementById("st-says").classList.contains("alarm")`) {
		t.Errorf("the statements say %q, and what is wrong is not marked", got)
	}

	// Limits of a country are told with the figures, and whether each is kept.
	limits := eval[string](q, `import("./reportview.js").then(({ tables }) => (tables({annex1: [], annex2: [], annex3: [], internal: [], previews: [{rule_set: {id: "DE-X"}, figures: [], classes: [{of: "pue", class: "B"}],
		limits: [{of: "ref", least: "0.50", due: "2024-01-01", is: "broken", value: 0}, {of: "pue", most: "1.2", due: "2028-12-01", is: "ahead", would: "unknown", why: "nobody states it"}]}]}, null),
		document.getElementById("all").innerText))`)
	for _, want := range []string{"Class of PUE\tB", "REF at least 0.50, from 2024-01-01 on\tnot kept\tthis year 0", "PUE at most 1.2, from 2028-12-01 on\tnot in force yet; whether this year's figure would keep it is not known; nobody states it"} {
		if !strings.Contains(limits, want) {
			t.Errorf("the table of limits lacks %q: %q", want, limits)
		}
	}
	q.do(chromedp.Reload())
	q.shown()

	for _, width := range []int64{320, 412, 768, 1024, 1280, 1920} {
		q.do(chromedp.EmulateViewport(width, 900), chromedp.Sleep(150*time.Millisecond))
		if over := eval[int](q, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
			t.Errorf("at %d px: %d px too wide", width, over)
		}
	}
	// Everything that can be pressed has a name, and every field a label.
	for _, fault := range eval[[]string](q, `[...document.querySelectorAll("button, a, select, input")].filter((e) => e.checkVisibility() && !(e.innerText || e.getAttribute("aria-label") || e.labels?.length)).map((e) => e.outerHTML)`) {
		t.Errorf("it has no name: %s", fault)
	}
}

// TestReportShots draws the page of reports, for eyes to judge.
func TestReportShots(t *testing.T) {
	if *shots == "" {
		t.Skip("no -shots folder given")
	}
	if err := os.MkdirAll(*shots, 0o755); err != nil {
		t.Fatal(err)
	}
	chrome := browser(t)
	b := newBureau(t, time.January)
	shot := func(name, who, hash, scheme string, width, height int64, whole bool, ready func(p *tab)) {
		t.Run(name, func(t *testing.T) {
			p := b.as(t, chrome, who, hash, width, height, scheme)
			ready(p)
			time.Sleep(700 * time.Millisecond)
			capture := chromedp.CaptureScreenshot()
			if whole {
				capture = chromedp.FullScreenshot(100)
			}
			image, err := chromedp.Run(p.ctx, capture)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(*shots, "report-"+name+".png"), image, 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
	shown := func(p *tab) { p.t.Helper(); p.shown() }
	at := func(crumb string) func(p *tab) { return func(p *tab) { p.t.Helper(); p.shown(); p.behind(crumb) } }
	shot("draft", "anna", "", "light", 1440, 900, true, shown)
	shot("draft-dark", "anna", "", "dark", 1440, 900, false, shown)
	shot("phone", "anna", "", "light", 390, 844, true, shown)
	shot("year", "anna", "#esch/2025//e_it_kwh", "light", 1440, 900, false, at("2025"))
	shot("pue", "anna", "#esch/2025//pue", "dark", 1440, 900, false, at("2025"))
	shot("month", "anna", "#esch/2025//e_it_kwh/2025-02", "light", 1440, 900, true, at("February"))
	shot("day", "anna", "#esch/2025//e_dc_kwh/2025-07-14", "light", 1440, 900, false, at("day 14"))
	shot("hour", "anna", "#esch/2025//e_dc_kwh/2025-07-14T12Z", "light", 1440, 900, false, func(p *tab) {
		at("14:00")(p)
		p.until("the proof", `document.querySelector("#drill .verdict.good")`)
	})
	shot("guarantees", "anna", "#esch/2025//e_res_tot_kwh", "light", 1440, 900, false, at("2025"))
	shot("refused", "vera", "", "light", 1280, 600, false, func(p *tab) { p.until("a refusal", `!document.getElementById("banner").hidden`) })
	statement := func(kind, press, says string) func(p *tab) {
		return func(p *tab) {
			p.t.Helper()
			p.until("the form", `document.getElementById("st-card").checkVisibility()`)
			eval[bool](p, `((k) => (k.value = "`+kind+`", k.dispatchEvent(new Event("change")), true))(document.getElementById("st-kind"))`)
			if press != "" {
				eval[bool](p, `(HTMLAnchorElement.prototype.click = () => {}, document.getElementById("st-format").value = "csv", true)`) // no file is kept
				p.press("#st-card", press)
				p.until(says, "document.getElementById(\"st-says\").innerText.includes(`"+says+"`)")
			}
			eval[bool](p, `(document.getElementById("st-card").scrollIntoView({block: "center"}), true)`)
		}
	}
	shot("statement-tenant", "anna", "", "light", 1440, 420, false, statement("tenant", "", ""))
	shot("statement-job", "anna", "", "dark", 1440, 420, false, statement("job", "Download", "Neither a job nor a tenant"))
	shot("statement-signed", "anna", "", "light", 1024, 420, false, statement("fleet", "Download signed", "signed by"))
	shot("statement-viewer", "vera", "", "light", 1280, 700, false, statement("tenant", "", ""))
	shot("statement-phone", "anna", "", "light", 390, 900, false, statement("job", "", ""))
	b.describe(t, mended)
	time.Sleep(2100 * time.Millisecond)
	shot("ask", "anna", "", "light", 1280, 800, false, func(p *tab) {
		p.shown()
		p.press("#acts", "Validate")
		p.until("the question", `document.getElementById("ask").open`)
	})
	p := b.as(t, chrome, "anna", "", 1280, 900, "light")
	p.shown()
	p.press("#acts", "Validate")
	p.sign("")
	p.state("validated")
	p.press("#acts", "Lock")
	p.sign("")
	p.state("locked")
	shot("locked", "anna", "", "light", 1440, 900, false, shown)
	shot("approve", "ben", "", "dark", 1440, 900, false, shown)
	shot("hour-phone", "ben", "#esch/2025//e_it_kwh/2025-07-14T12Z", "dark", 390, 844, true, at("14:00"))
}
