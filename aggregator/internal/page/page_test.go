package page

import (
	"encoding/json"
	"io/fs"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// bare is the page of a build that lacks the chart library.
func bare(t *testing.T) http.Handler {
	t.Helper()
	h := Handler().(*handler)
	for name := range h.files {
		if strings.HasPrefix(name, "/vendor/") {
			delete(h.files, name)
		}
	}
	return h
}

// vendored says whether this build has the chart library. CI must have it.
func vendored(t *testing.T) bool {
	t.Helper()
	_, err := fs.Stat(static, "static/vendor/uPlot.esm.js")
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatalf("the chart library is not installed: %v", err)
	}
	return err == nil
}

// own calls check with every file of ours that the page is made of.
func own(t *testing.T, check func(name, text string)) {
	t.Helper()
	err := fs.WalkDir(static, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(name, "/vendor/") {
			return err
		}
		text, err := fs.ReadFile(static, name)
		check(strings.TrimPrefix(name, "static/"), string(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func get(h http.Handler, method, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestHandler(t *testing.T) {
	h := Handler()
	for _, test := range []struct {
		name, method, target string
		code                 int
		kind                 string
	}{
		{"the page", "GET", "/", 200, "text/html; charset=utf-8"},
		{"the page by name", "GET", "/index.html", 200, "text/html; charset=utf-8"},
		{"the page's head", "HEAD", "/", 200, "text/html; charset=utf-8"},
		{"the page of reports", "GET", "/report", 200, "text/html; charset=utf-8"},
		{"a module", "GET", "/app.js", 200, "text/javascript; charset=utf-8"},
		{"a style sheet", "GET", "/style.css", 200, "text/css; charset=utf-8"},
		{"the icon", "GET", "/favicon.svg", 200, "image/svg+xml"},
		{"a query is no part of the name", "GET", "/?site=demo", 200, "text/html; charset=utf-8"},
		{"no such file", "GET", "/nothing", 404, "application/json"},
		{"no way out", "GET", "/../page.go", 404, "application/json"},
		{"no folder", "GET", "/vendor/", 404, "application/json"},
		{"nothing can be written", "POST", "/", 405, "application/json"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := get(h, test.method, test.target)
			if w.Code != test.code || w.Header().Get("Content-Type") != test.kind {
				t.Errorf("answered %d %s, want %d %s", w.Code, w.Header().Get("Content-Type"), test.code, test.kind)
			}
			if w.Code == 200 && !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'self'") {
				t.Errorf("policy %q", w.Header().Get("Content-Security-Policy"))
			}
			var e struct{ Status, ErrorType, Error string }
			if test.code >= 400 && (json.Unmarshal(w.Body.Bytes(), &e) != nil || e.Status != "error" || e.ErrorType == "" || e.Error == "") {
				t.Errorf("the error is %s", w.Body)
			}
			if (w.Body.Len() == 0) != (test.method == "HEAD") {
				t.Errorf("body of %d bytes", w.Body.Len())
			}
		})
	}
}

func TestUnchangedFileIsNotSentAgain(t *testing.T) {
	first := get(Handler(), "GET", "/app.js")
	tag := first.Header().Get("ETag")
	if tag == "" {
		t.Fatal("no ETag")
	}
	if w := get(Handler(), "GET", "/app.js", "If-None-Match", tag); w.Code != http.StatusNotModified || w.Body.Len() != 0 {
		t.Errorf("with the same tag: %d and %d bytes", w.Code, w.Body.Len())
	}
	if w := get(Handler(), "GET", "/app.js", "If-None-Match", `"old"`); w.Code != http.StatusOK {
		t.Errorf("with an old tag: %d", w.Code)
	}
}

// The policy forbids inline code; a browser would drop it silently.
func TestNothingInline(t *testing.T) {
	inline := regexp.MustCompile(`(?i)<script(?:\s+type="[^"]*")?>|<style|\sstyle="|\son[a-z]+="`)
	own(t, func(name, text string) {
		if strings.HasSuffix(name, ".html") && inline.MatchString(text) {
			t.Errorf("%s: inline code %q", name, inline.FindString(text))
		}
	})
}

func TestOwnFilesOnly(t *testing.T) {
	address := regexp.MustCompile(`(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}`)
	reference := regexp.MustCompile(`(?:from |import\()"(\./[^"]+)"|(?:src|href)="([^"#]+)"`)
	answers := map[string]bool{"api/v1/status": true, "api/v1/report": true, ".": true, "readyz": true, "metrics": true}
	h := Handler()
	own(t, func(name, text string) {
		for _, found := range address.FindAllString(text, -1) {
			if found != "http://www.w3.org" { // the name of SVG, never asked for
				t.Errorf("%s: another host: %s", name, found)
			}
		}
		for _, m := range reference.FindAllStringSubmatch(text, -1) {
			target := path.Clean(m[1] + m[2])
			if strings.HasPrefix(target, "vendor/") || answers[target] {
				continue
			}
			if w := get(h, "GET", "/"+target); w.Code != 200 {
				t.Errorf("%s refers to %s: %d", name, target, w.Code)
			}
		}
	})
}

func TestLibraryIsPinned(t *testing.T) {
	manifest, err := os.ReadFile("package.json")
	if err != nil {
		t.Fatal(err)
	}
	lock, err := os.ReadFile("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`"uplot": "\d+\.\d+\.\d+"`).Match(manifest) {
		t.Error("package.json does not name one exact version")
	}
	if !regexp.MustCompile(`"integrity": "sha512-`).Match(lock) {
		t.Error("package-lock.json has no checksum")
	}
	if found := regexp.MustCompile(`"resolved"|//`).Find(lock); found != nil {
		t.Errorf("package-lock.json names a host: %s", found)
	}
}

// luminance is WCAG's relative luminance of "#rrggbb".
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	v, err := strconv.ParseUint(strings.TrimPrefix(hex, "#"), 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	linear := func(c uint64) float64 {
		s := float64(c&0xff) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(v>>16) + 0.7152*linear(v>>8) + 0.0722*linear(v)
}

func TestContrast(t *testing.T) {
	text, err := fs.ReadFile(static, "static/theme.css")
	if err != nil {
		t.Fatal(err)
	}
	colors := make(map[string][2]string)
	for _, m := range regexp.MustCompile(`--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)`).FindAllStringSubmatch(string(text), -1) {
		colors[m[1]] = [2]string{m[2], m[3]}
	}
	for _, pair := range []struct {
		front, back string
		least       float64
	}{
		{"ink", "card", 4.5}, {"ink", "page", 4.5}, {"ink-2", "card", 4.5}, {"ink-2", "page", 4.5}, {"ink-2", "track", 4.5},
		{"ok", "card", 3}, {"warn", "card", 4.5}, {"bad", "card", 4.5}, {"bad", "page", 4.5}, {"warn", "page", 4.5}, {"accent", "card", 4.5},
		{"banner-ink", "banner", 4.5}, {"caution-ink", "caution", 4.5}, {"sim", "sim-wash", 4.5}, {"sim", "sim-stripe", 4.5},
		{"facility", "card", 3}, {"it", "card", 3}, {"host", "card", 3}, {"gpu", "card", 3},
	} {
		front, back := colors[pair.front], colors[pair.back]
		for i, scheme := range []string{"light", "dark"} {
			if front[i] == "" || back[i] == "" {
				t.Fatalf("no colour %s or %s", pair.front, pair.back)
			}
			a, b := luminance(t, front[i]), luminance(t, back[i])
			if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); ratio < pair.least {
				t.Errorf("%s on %s, %s: %.2f:1, want %.1f:1", pair.front, pair.back, scheme, ratio, pair.least)
			}
		}
	}
	for _, ramp := range []string{"power", "heat"} {
		for i, scheme := range []string{"light", "dark"} {
			for stop := 2; stop <= 5; stop++ {
				low, high := luminance(t, colors[ramp+"-"+strconv.Itoa(stop-1)][i]), luminance(t, colors[ramp+"-"+strconv.Itoa(stop)][i])
				if (i == 0) != (high < low) {
					t.Errorf("%s, %s: lightness does not run one way at stop %d", ramp, scheme, stop)
				}
			}
		}
	}
}
