package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/checkpoint"
	"github.com/gigawatch/gigawatch/aggregator/internal/hub"
	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
)

func TestTheExampleOfAHubIsInOrder(t *testing.T) {
	c, err := parseHub("hub.yaml", hubExample)
	if err != nil || len(c.Keys) != 1 || c.Name == "" {
		t.Errorf("%+v, %v", c, err)
	}
	for want, change := range map[string]string{
		`it is of "fra1.gigawatch/ledger"`: strings.Replace(string(hubExample), "name: fra1,", "name: osl1,", 1),
		"it is no key":                     strings.Replace(string(hubExample), "key: fra1.gigawatch", "key: fra2.gigawatch", 1),
		"name: missing":                    strings.Replace(string(hubExample), "\nname: hub.example.org", "", 1),
		"sites: missing":                   strings.Replace(string(hubExample), "\nsites:\n  - {", "\n# - {", 1),
		"there is one: embedded":           strings.Replace(string(hubExample), "  urls: [nats://127.0.0.1:4222]", "  urls: []", 1),
	} {
		if _, err := parseHub("hub.yaml", []byte(change)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v", want, err)
		}
	}
}

func TestTheWayToAHub(t *testing.T) {
	for name, tc := range map[string]struct{ text, err string }{
		"by the site's own bus":       {text: "{}"},
		"by the hub's":                {text: "{urls: [tls://h], credentials: c, ca: a}"},
		"of two sites, each its own":  {text: "{urls: [tls://h], credentials: 'c-{site}'}"},
		"no sites":                    {text: "{}", err: "hub: sites are missing"},
		"credentials, and no address": {text: "{credentials: c}", err: "hub.urls: missing"},
		"in the clear":                {text: "{urls: [nats://h]}", err: "in the clear"},
		"no key":                      {text: "{key: nonsense}", err: "hub.key: "},
		"one's credentials for two":   {text: "{urls: [tls://h], credentials: c}", err: "hub.credentials: each site has its own"},
	} {
		sites := "[{name: a}]"
		switch name {
		case "no sites":
			sites = "[]"
		case "of two sites, each its own", "one's credentials for two":
			sites = "[{name: a}, {name: b}]"
		}
		c, err := parseConfig("c.yaml", []byte("data: d\nbus: {embedded: {}}\nsites: "+sites+"\nhub: "+tc.text+"\n"))
		if tc.err == "" && (err != nil || !c.Hub.Tell) || tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
			t.Errorf("%s: %v, want %q", name, err, tc.err)
		}
	}
}

// body is what an aggregator answers.
func body(t *testing.T, url string) (status int, text string) {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(b)
}

// A hub and a site, each a process with a bus of its own: what the hub answers is what
// the site does, word for word, and after either was killed as well.
func TestAHubAnswersAsItsSitesDo(t *testing.T) {
	dir, err := quickFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	there, here := filepath.Join(dir, "site"), filepath.Join(dir, "hub")
	if err := makeMonth(there, unsigned); err != nil {
		t.Fatal(err)
	}
	signer, err := checkpoint.NewFolder(there).Signer("vilvoorde")
	if err != nil {
		t.Fatal(err)
	}
	witness, err := checkpoint.NewWitness(here, "hub.example.org")
	if err != nil {
		t.Fatal(err)
	}
	bus := freePort(t)
	hubFile := put(t, filepath.Join(dir, "hub.yaml"), fmt.Appendf(nil, "name: hub.example.org\ndata: %s\nlisten: 127.0.0.1:0\nbus: {embedded: {listen: %s}}\nsites: [{name: vilvoorde, key: %s}]\n", here, bus, signer.Verifier))
	siteFile := put(t, filepath.Join(dir, "site.yaml"), fmt.Appendf(nil, "data: %s\nlisten: 127.0.0.1:0\nbus: {embedded: {}}\nsites: [{name: vilvoorde}]\nhub: {key: %s, urls: [nats://%s]}\n", there, witness.Verifier, bus))
	hub := start(t, "hub", "-config", hubFile)
	site := start(t, "serve", "-config", siteFile)
	const span = "?site=vilvoorde&from=2025-12-01T00:00:00Z&to=2026-01-01T00:00:00Z"
	alike := func(when string) {
		t.Helper()
		hub.await(90*time.Second, when+": all hours", func() bool {
			return hub.own("gigawatch_hub_site_leaves_behind") == 0 && hub.own("gigawatch_hub_messages_total") > 2
		})
		for _, path := range []string{"/api/v1/energy" + span + "&step=1h", "/api/v1/energy" + span + "&boundary=it", "/api/v1/kpi" + span + "&kpi=pue,wue,erf"} {
			there, want := body(t, site.url+path)
			here, have := body(t, hub.url+path)
			if there != http.StatusOK || here != there || have != want {
				t.Fatalf("%s, %s: the site says %d %.300s, and the hub %d %.300s", when, path, there, want, here, have)
			}
		}
	}
	alike("at first")
	if status, text := body(t, hub.url+"/api/v1/energy"+span+"&by=host&boundary=gpu"); status != http.StatusBadRequest || !strings.Contains(text, "whole sites only") {
		t.Errorf("by host: %d %s", status, text)
	}
	var fleet struct{ Data query.Fleet }
	var whole struct{ Data query.Energy }
	err = errors.Join(hub.get("/api/v1/fleet?from=2025-12-01T00:00:00Z&to=2026-01-01T00:00:00Z", &fleet), site.get("/api/v1/energy"+span, &whole))
	if err != nil || fleet.Data.Real == nil || len(whole.Data.Lines) != 1 || *fleet.Data.Real.Energy["facility"].Millijoules != strconv.FormatUint(*whole.Data.Lines[0].Millijoules, 10) {
		t.Errorf("%+v, %v", fleet, err)
	}
	if status, text := body(t, hub.url+"/api/v1/reconciliation"+span); status != http.StatusBadRequest || !strings.Contains(text, "stay on the site") {
		t.Errorf("reconciliation: %d %s", status, text)
	}
	for _, url := range []string{hub.url + "/api/v1/checkpoint?site=vilvoorde", site.url + "/api/v1/checkpoint?site=vilvoorde&witnessed=true"} {
		status, text := 0, ""
		hub.await(time.Minute, "a checkpoint that both signed", func() bool { status, text = body(t, url); return status == http.StatusOK })
		c, n, err := checkpoint.Open([]byte(text), signer.Verifier, witness.Verifier)
		if err != nil || len(n.Sigs) != 2 || c.Size != 750 {
			t.Errorf("%s: %q, %v", url, text, err)
		}
	}
	told := func() (x hubSite) {
		t.Helper()
		var status struct {
			Hub   string
			Sites []hubSite
		}
		if err := hub.get("/api/v1/status", &status); err != nil || len(status.Sites) != 1 || status.Hub != "hub.example.org" {
			t.Fatalf("%+v, %v", status, err)
		}
		return status.Sites[0]
	}
	sealed := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	if x := told(); x.Power["facility"].Reason == "" || !x.Hub.Present || x.Hub.Heard == nil || x.Hub.Behind == nil || *x.Hub.Behind != 0 || x.Hub.Sealed == nil || *x.Hub.Sealed < sealed || x.Hosts.Reporting == nil {
		t.Errorf("%+v", x)
	}
	if status, _ := body(t, hub.url+"/"); status != http.StatusOK {
		t.Errorf("the page: %d", status)
	}

	hub.kill()
	if err := os.RemoveAll(filepath.Join(here, "mirror/ledger/vilvoorde/hours/2025-12-17T09Z.hour")); err != nil {
		t.Fatal(err)
	}
	hub = start(t, "hub", "-config", hubFile)
	alike("after the hub was killed, and lost an hour")
	site.kill()
	if _, have := body(t, hub.url+"/api/v1/energy"+span); !strings.Contains(have, `"final":true`) {
		t.Errorf("the site is away, and the hub says %s", have)
	}
	// Who asks before the site is heard again gets its hours, and no count of its hosts.
	hub.kill()
	hub = start(t, "hub", "-config", hubFile)
	if x := told(); x.Power["facility"].Reason != "the site was not heard yet" || x.Hub.Present || x.Hub.Heard != nil || x.Hub.Behind != nil || x.Hub.Sealed == nil || x.Hosts != (countStatus{}) || x.GPUs != (countStatus{}) {
		t.Errorf("%+v", x)
	}
	site = start(t, "serve", "-config", siteFile)
	alike("after the site was killed")
}

// hubSite is what a hub's page is told of a site.
type hubSite struct {
	Power       map[string]struct{ Reason string }
	Hosts, GPUs countStatus
	Hub         farStatus
}

// What a site said is shown for as long as it is of now, and no longer.
func TestWhatASilentSiteSaidIsNotOfNow(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	watts, fresh := 1e6, 0.5
	said := &hub.Now{Hosts: hub.Count{Expected: 8, Reporting: 7}, Freshness: &fresh, Grid: &hub.Grid{GramsPerKWh: 300}}
	said.Power[metric.Facility].Watts = &watts
	for name, tc := range map[string]struct {
		s      hub.State
		reason string
	}{
		"heard":       {hub.State{Now: said, Heard: now.Add(-quietFor)}, ""},
		"silent":      {hub.State{Now: said, Heard: now.Add(-quietFor - time.Second)}, "the site is silent"},
		"never heard": {hub.State{Heard: now}, "the site was not heard yet"},
	} {
		reason := silence(&tc.s, now)
		st := presentAt(&tc.s, reason, now)
		f := st.Power["facility"]
		if reason != tc.reason || f.Reason != tc.reason || (f.Watts != nil) != (reason == "") || (st.Grid != nil) != (reason == "") || (st.Freshness != nil) != (reason == "") {
			t.Errorf("%s: %q, %+v", name, reason, st)
		}
		if st.Freshness != nil && *st.Freshness != fresh+quietFor.Seconds() {
			t.Errorf("%s: readings of %v s ago", name, *st.Freshness)
		}
	}
}

func TestOfASiteWithoutSealedHoursTheHubSaysSo(t *testing.T) {
	const none = "none of its sealed hours is here yet"
	x := &siteStatus{Energy: map[string]energyStatus{"it": {Reason: "nothing in the ledger yet"}}}
	if unsealed(x); x.PUE.Reason != none || x.Carbon.Reason != none || x.Energy["it"].Reason != none {
		t.Errorf("%+v", x)
	}
	x = &siteStatus{Today: &dayStatus{}, Energy: map[string]energyStatus{"it": {Reason: "as the ledger says"}}}
	if unsealed(x); x.PUE.Reason != "" || x.Energy["it"].Reason != "as the ledger says" {
		t.Errorf("%+v", x)
	}
}
