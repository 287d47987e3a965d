package main_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

// of answers for one site otherwise than for the others.
func (f *fake) of(path, site string, w http.HandlerFunc) {
	f.answer(path, func(rw http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if q.Get("site") == site || strings.Contains(q.Get("query"), `site="`+site+`"`) {
			w(rw, r)
			return
		}
		switch path {
		case "/api/v1/energy":
			f.energy(rw, r, q.Get("site"))
		case "/api/v1/query":
			f.series(rw, r, f.sites)
		}
	})
}

func TestSaveAndTest(t *testing.T) {
	f := newFake(t, "north", "simulated")
	f.rights = map[string][]string{"all": {"north", "simulated"}, "few": {"north"}, "none": {}}
	h := start(t)
	check := func(s *source, want backend.HealthStatus, says ...string) string {
		t.Helper()
		status, text, details := h.health(t, s)
		for _, w := range says {
			if !strings.Contains(text, w) {
				t.Errorf("it says %q; want %q in it", text, w)
			}
		}
		if status != want {
			t.Errorf("status is %v, want %v: %s", status, want, text)
		}
		return details
	}
	details := check(f.source("all"), backend.HealthStatusOk, "Gigawatch v9", "north, fresh to 2 s, 122 of 125 hosts", "simulated (simulated)", "may read alerts, health, ledger, live, time series")
	if !strings.Contains(details, `"clock_skew_seconds":`) || !strings.Contains(details, `"rights":{"ledger":"yes","live":"yes","time series":"yes"}`) {
		t.Errorf("details %s", details)
	}
	check(f.source("wrong"), backend.HealthStatusError, "it does not know the token")
	check(f.source("none"), backend.HealthStatusOk, "no site yet: no collector has spoken, or the token may read none")

	f.of("/api/v1/energy", "simulated", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, 404, query.NotFound, `parameter "site": no site "simulated"`)
	})
	f.of("/api/v1/query", "simulated", func(w http.ResponseWriter, _ *http.Request) {
		succeed(w, map[string]any{"resultType": "vector", "result": []any{}})
	})
	check(f.source("all"), backend.HealthStatusOk, "may read alerts, health, ledger, live, time series", "no ledger yet of simulated", "no time series yet of simulated")
	f.of("/api/v1/energy", "simulated", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, 403, query.Forbidden, "the ledger is not yours")
	})
	check(f.source("all"), backend.HealthStatusOk, "may read alerts, health, ledger, live", "may not read ledger of simulated (the token may not read this")
	f.answer("/api/v1/energy", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, 403, query.Forbidden, "the ledger is not yours")
	})
	check(f.source("all"), backend.HealthStatusOk, "may read alerts, health, live", "may not read ledger of any site")

	late := newFake(t, "north")
	late.answer("/api/v1/status/buildinfo", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
		succeed(w, map[string]string{"version": "v9"})
	})
	if _, text, _ := h.health(t, late.source("")); !strings.Contains(text, "its clock is -3600 s off this one") && !strings.Contains(text, "its clock is -3599 s off") {
		t.Errorf("of a late clock it says %q", text)
	}
}

// Of many sites it says in a few lines what a person must know.
func TestSaveAndTestOfManySites(t *testing.T) {
	var sites []string
	for i := range 30 {
		sites = append(sites, fmt.Sprintf("s%02d", i))
	}
	f := newFake(t, sites...)
	f.answer("/api/v1/counts", func(w http.ResponseWriter, r *http.Request) {
		site, fresh := r.URL.Query().Get("site"), 1.5
		if site == "s07" {
			fresh = 300
		}
		succeed(w, query.Counts{Site: site, Hosts: query.HostCount{Expected: 10, Reporting: 9}, Freshness: &fresh})
	})
	f.answer("/api/v1/energy", func(w http.ResponseWriter, r *http.Request) {
		switch site := r.URL.Query().Get("site"); {
		case slices.Contains(sites[:9], site):
			refuse(w, 404, query.NotFound, "no site \""+site+"\"")
		case site == "s20":
			refuse(w, 403, query.Forbidden, "not yours")
		default:
			f.energy(w, r, site)
		}
	})
	_, text, _ := start(t).health(t, f.source(""))
	for _, want := range []string{"30 sites, 29 of them fresh to 2 s, 270 of 300 hosts", "s07, nothing new for 300 s", "may read alerts, health, ledger, live, time series",
		"no ledger yet of s00, s01, s02, s03, s04 and 4 more", "may not read ledger of s20 ("} {
		if !strings.Contains(text, want) {
			t.Errorf("it says %q; want %q in it", text, want)
		}
	}
	if len(text) > 600 {
		t.Errorf("%d bytes are more than people read: %s", len(text), text)
	}
}
