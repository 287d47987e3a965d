//go:build browser

package browser_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// Good news is believed where the aggregator knows of nothing else.
func TestGoodNewsIsHeldAgainstTheAggregator(t *testing.T) {
	bad := map[string]string{
		"/api/v1/health":         `{"sites":[{"subjects":[{"kind":"gpu","hall":"h1","rack":"r1","host":"n1","uuid":"GPU-1","state":"failed"}]}]}`,
		"/api/v1/top":            `{"rows":[{"host":"n1","value":2}]}`,
		"/api/v1/query":          `{"resultType":"vector","result":[{"metric":{},"value":[1,"1"]}]}`,
		"/api/v1/alerts":         `{"alerts":[{"labels":{"site":"simulated"}}]}`,
		"/api/v1/imports":        `{"imports":[{"id":"i1"}]}`,
		"/api/v1/reconciliation": `{"gaps":[{"stage":"rack","finding":"lacking"}]}`,
	}
	good := map[string]string{
		"/api/v1/health": `{"sites":[{"subjects":[]}]}`, "/api/v1/top": `{"rows":[{"host":"n1","value":0}]}`, "/api/v1/query": `{"resultType":"vector","result":[]}`,
		"/api/v1/alerts": `{"alerts":[]}`, "/api/v1/imports": `{"imports":[]}`, "/api/v1/reconciliation": `{"gaps":[{"stage":"rack","finding":"ok"},{"stage":"ups","finding":"lacking"}]}`,
	}
	issues := fmt.Sprintf("/api/v1/report/simulated/%d/issues", time.Now().Year())
	bad[issues], good[issues] = `{"issues":[{"code":"E_COVERAGE"}]}`, `{"issues":[]}`
	serve := func(says map[string]string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if says[r.URL.Path] == "" {
				http.NotFound(w, r)
				return
			}
			_, _ = w.Write([]byte(`{"status":"success","data":` + says[r.URL.Path] + `}`)) // who asked may have gone
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	well, unwell, mute := serve(good), serve(bad), serve(nil)
	elsewhere := map[string]string{"site": simulated, "host": "n2"}
	for said := range goodNews {
		x := &shown{Title: "Remappings that failed", Said: said}
		if why := (&witness{well, map[string]string{}}).untrue(x); why != "" {
			t.Errorf("where nothing is wrong: %s", why)
		}
		if why := (&witness{unwell, map[string]string{}}).untrue(x); !strings.Contains(why, "the aggregator knows of ") {
			t.Errorf("where something is wrong %q is believed: %s", said, why)
		}
		if why := (&witness{mute, map[string]string{}}).untrue(x); !strings.Contains(why, "cannot be told") {
			t.Errorf("of who does not answer %q is believed: %s", said, why)
		}
		if why := (&witness{unwell, elsewhere}).untrue(x); said == "Nothing needs a person" && why != "" {
			t.Errorf("of another host: %s", why)
		}
	}
}

// Nothing happened where none of what can happen did.
func TestWhatHappenedIsOfEachKind(t *testing.T) {
	const quiet = `{"sites":[{"subjects":[]}]}`
	at := func(d time.Duration) string { return time.Now().Add(-d).UTC().Format(time.RFC3339) }
	for name, c := range map[string]struct {
		health, meters, imports string
		untrue                  bool
	}{
		"nothing":                     {quiet, "", "", false},
		"a verdict":                   {`{"sites":[{"subjects":[{"findings":[{"since":"` + at(time.Hour) + `","last":null}]}]}]}`, "", "", true},
		"an old verdict":              {`{"sites":[{"subjects":[{"findings":[{"since":"` + at(48*time.Hour) + `","last":null}]}]}]}`, "", "", false},
		"an old one that came again":  {`{"sites":[{"subjects":[{"findings":[{"since":"` + at(48*time.Hour) + `","last":"` + at(time.Hour) + `"}]}]}]}`, "", "", true},
		"a meter that was not well":   {quiet, `{"metric":{},"value":[1,"1"]}`, "", true},
		"readings that were taken in": {quiet, "", `{"id":"i1"}`, true},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			says := map[string]string{"/api/v1/health": c.health, "/api/v1/query": `{"resultType":"vector","result":[` + c.meters + `]}`, "/api/v1/imports": `{"imports":[` + c.imports + `]}`}
			_, _ = w.Write([]byte(`{"status":"success","data":` + says[r.URL.Path] + `}`)) // who asked may have gone
		}))
		why := (&witness{s.URL, map[string]string{}}).untrue(&shown{Title: "What happened", Said: "Nothing happened in the range"})
		s.Close()
		if (why != "") != c.untrue || strings.Contains(why, "cannot be told") {
			t.Errorf("%s: %q", name, why)
		}
	}
}
