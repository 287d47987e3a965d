//go:build browser

package browser_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

var (
	shots   = flag.String("shots", "", "folder to write pictures of the editors and answers to")
	past    = flag.Int("past", 26, "hours that the simulated site has behind it")
	running = flag.String("aggregator", "", "address of an aggregator that runs; empty: a simulated site is started")
)

// chromium starts the browser for one test and its subtests.
func chromium(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		lacks(t, "no Chromium: make packages")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("lang", "en"),
	)
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	return ctx
}

// tab is one page, what it complained about and what it asked for.
type tab struct {
	t   *testing.T
	ctx context.Context
	own string // where all it asks must be

	mu         sync.Mutex
	complaints []string
}

// open opens the page.
func open(t *testing.T, browser context.Context, f *facade, wide int64) *tab {
	t.Helper()
	p := &tab{t: t, own: f.URL}
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext(), chromedp.WithListener(p.listen))
	t.Cleanup(cancel)
	p.ctx = ctx
	// The tab lives as long as the context of its first action: it must have no timeout.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	enable := chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
		return err
	})
	p.do(chromedp.EmulateViewport(wide, 900), enable, chromedp.Navigate(f.URL))
	p.until("the module", "window.show")
	return p
}

// scene is one editor with its state: What is config, query, variable or
// annotation. Answers are of the last minutes.
type scene struct {
	What  string `json:"what"`
	Mode  string `json:"mode"` // dark, light
	Over  int    `json:"over"` // minutes
	Start any    `json:"start"`
}

// show shows a scene for one test.
func (p *tab) show(t *testing.T, s scene) {
	t.Helper()
	p.t = t
	t.Cleanup(p.quiet)
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	eval[bool](p, fmt.Sprintf("(window.show(%s), true)", raw))
	p.until("the editor", `document.querySelector("#root input")`)
}

// expected are complaints of Grafana's own packages outside Grafana.
var expected = []string{
	"/health",              // the browser logs that a check failed, which the page shows
	"/public/fonts/",       // Grafana's server has them; no package does
	"/unicons/spinner.svg", // so it is with this picture
	"legacy DataSourceSrv", // the stand-in is not filled as Grafana fills its own
}

func (p *tab) complain(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.complaints = append(p.complaints, fmt.Sprintf(format, args...))
}

func (p *tab) listen(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		p.complain("exception: %s", text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			var said []string
			for _, a := range e.Args {
				said = append(said, strings.Trim(string(a.Value), `"`)+a.Description)
			}
			p.complain("console: %s", strings.Join(said, " "))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			p.complain("log: %s %s", e.Entry.Text, e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		if u := e.Request.URL; !strings.HasPrefix(u, p.own+"/") && !strings.HasPrefix(u, "data:") && !strings.HasPrefix(u, "blob:") {
			p.complain("asks %s, which is not Grafana's", u)
		}
	}
}

// quiet fails the test if the page complained.
func (p *tab) quiet() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
complaints:
	for _, c := range p.complaints {
		for _, e := range expected {
			if strings.Contains(c, e) {
				continue complaints
			}
		}
		p.t.Errorf("the page complained: %s", c)
	}
	p.complaints = nil
}

func (p *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		p.t.Fatal(err)
	}
}

func eval[T any](p *tab, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, time.Minute)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("evaluate %s: %v", expression, err)
	}
	return v
}

// until waits for a JavaScript condition.
func (p *tab) until(what, condition string) {
	p.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		// An error here is a page that is just being loaded.
		if met, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool]("Boolean("+condition+")")); err == nil && met {
			return
		}
	}
	p.shot("failed " + what)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.t.Fatalf("%s: not within 20 s; complaints: %q; the page says: %s", what, p.complaints, eval[string](p, "document.body.innerText"))
}

// click clicks what has a text, or a name by its label.
func (p *tab) click(role, name string) {
	p.t.Helper()
	find := fmt.Sprintf(`[...document.querySelectorAll(%q)].find((e) => [e.innerText, e.getAttribute("aria-label"), document.getElementById(e.getAttribute("aria-labelledby"))?.innerText, ...[...(e.labels ?? [])].map((l) => l.innerText)].some((s) => s?.trim().startsWith(%q)))`, role, name)
	p.until(role+" "+name, find)
	p.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Run(ctx, chromedp.Evaluate[bool](fmt.Sprintf(`((e) => { e.scrollIntoView({block: "center"}); e.focus(); e.click(); return true })(%s)`, find)))
		return err
	}))
}

// shot keeps a picture of the whole page, where pictures are asked for.
func (p *tab) shot(name string) {
	p.t.Helper()
	dir := *shots
	if dir == "" {
		return
	}
	p.keep(dir, name)
}

// keep keeps a picture of the whole page in dir.
func (p *tab) keep(dir, name string) {
	p.t.Helper()
	p.keepShot(dir, name, chromedp.FullScreenshot(100))
}

func (p *tab) keepShot(dir, name string, shot chromedp.Action[[]byte]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, 30*time.Second)
	defer cancel()
	b, err := chromedp.Run(ctx, shot)
	if err != nil {
		p.t.Fatalf("screenshot: %v", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".png"), b, 0o644); err != nil {
		p.t.Fatal(err)
	}
}
