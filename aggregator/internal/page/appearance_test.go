package page

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func themes(t *testing.T, chrome context.Context) {
	f := newFake(t, both)
	p := open(t, chrome, f.URL, 1440, 900, "dark")
	p.live()
	dark := func() bool {
		return eval[bool](p, `(() => { const [r, g, b] = getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number); return r + g + b < 150; })()`)
	}
	toggle := func() { p.do(chromedp.Click(chromedp.ID("theme"))) }
	if !dark() {
		t.Error("the page is light on a dark system")
	}
	toggle()
	if dark() {
		t.Error("the toggle does not turn the light on")
	}
	p.do(chromedp.Reload())
	p.live()
	if dark() {
		t.Error("the choice is forgotten by a reload")
	}
	toggle() // back to the system's own: the page follows it again
	p.do(call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "light"}},
	}))
	if dark() {
		t.Error("the page does not follow the system")
	}
	p.quiet()
}

func widths(t *testing.T, chrome context.Context) {
	f := newFake(t, func(now time.Time, since int64) []fakeSite {
		return []fakeSite{site("a-site-with-a-very-long-name-of-its-own", 25, 64, now, since), machine(now, since), virtual(now, since), cluster(8, now, since)}
	})
	p := open(t, chrome, f.URL, 360, 740, "light")
	p.live()
	for _, width := range []int64{320, 360, 412, 768, 1024, 1280, 1920, 3840} {
		p.do(chromedp.EmulateViewport(width, 900), chromedp.Sleep(150*time.Millisecond))
		for _, name := range []string{"workshop", "here", "cluster", "a-site-with-a-very-long-name-of-its-own"} {
			eval[bool](p, `(document.querySelector('[data-site="`+name+`"]').click(), true)`)
			if over := eval[int](p, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
				t.Errorf("%s at %d px: %d px too wide", name, width, over)
			}
			for _, cut := range eval[[]string](p, `[...document.querySelectorAll(".big, .rows .fig, .ladder .fig, .meter .fig, .hosts .fig, .hosts dt, h2")]
				.filter((e) => e.clientWidth > 1 && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== "inline").map((e) => e.innerText)`) {
				t.Errorf("%s at %d px: %q is cut", name, width, cut)
			}
		}
	}
	p.quiet()
}

func keyboard(t *testing.T, chrome context.Context) {
	f := newFake(t, func(now time.Time, since int64) []fakeSite { return []fakeSite{site("demo", 2, 6, now, since)} })
	p := open(t, chrome, f.URL, 1440, 900, "light")
	p.live()
	p.do(chromedp.Focus(chromedp.ID("racks")), chromedp.KeyEvent(kb.ArrowRight))
	if got := p.text("racks-live"); !regexp.MustCompile(`^h01 · r0001\. Power [\d.]+ kW of 66\.0 kW, Hottest GPU \d+ °C, Hosts reporting 8 of 8, GPUs ok 64 of 64, State ok$`).MatchString(got) {
		t.Errorf("the first rack is read as %q", got)
	}
	p.do(chromedp.KeyEvent(kb.ArrowRight))
	if got := p.text("racks-live"); !strings.HasPrefix(got, "h01 · r0002. ") || !strings.HasSuffix(got, "State warning") {
		t.Errorf("the second rack is read as %q", got)
	}
	if !strings.HasPrefix(p.text("tip"), "h01 · r0002") {
		t.Errorf("the box says %q", p.text("tip"))
	}
	p.do(chromedp.KeyEvent(kb.Escape))
	p.until("the box gone", `document.getElementById("tip").hidden`)
	p.quiet()
}
