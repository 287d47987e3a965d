package web_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/health"
	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// ward is a health that says always the same, and remembers what was reset.
type ward struct {
	sites []string
	fault error
	limit int
	reset []string
}

func (*ward) at(minutes int) int64 {
	return time.Date(2026, 11, 22, 10, minutes, 0, 123e6, time.UTC).UnixMilli()
}

func (w *ward) Sites() []string { return w.sites }

func (w *ward) Report(site string, limit int, _ time.Time) *health.Report {
	w.limit = limit
	r := &health.Report{Site: site, At: time.UnixMilli(w.at(30)), Table: "2025-10-29", Hosts: [health.States]int{health.OK: 7, health.Unknown: 1}, GPUs: [health.States]int{health.OK: 62, health.Failed: 2}}
	if site != "fra1" {
		r.Simulated = true
		return r
	}
	lost := health.Finding{Cause: "lost", State: health.Failed, Action: health.Reboot, Evidence: "the GPU answers nothing", Advice: "restart the host.", Since: w.at(5), Last: w.at(5), Stands: true}
	xid := health.Finding{Cause: "xid_79", State: health.Failed, Action: health.Reboot, Evidence: "XID 79: GPU has fallen off the bus", Advice: "restart the host.", Since: w.at(4), Last: w.at(6), Count: 2}
	gpu := health.Who{Kind: "gpu", Hall: "h1", Rack: "r1", Host: "n1", GPU: "3", UUID: "GPU-3", Model: "H200"}
	r.Blind = &health.Finding{Cause: "blind", State: health.Unknown, Action: health.CheckNetwork, Evidence: "5 of 8 hosts fell silent together", Advice: "look at the bus.", Since: w.at(1), Stands: true}
	r.Common = []health.Common{{Finding: health.Finding{Cause: "xid_45", State: health.Watch, Action: health.None, Evidence: "60 times", Advice: "nothing", Since: w.at(2), Last: w.at(3), Count: 60}, Hosts: 4}}
	r.Subjects = []health.Verdict{{Who: gpu, State: health.Failed, Since: lost.Since, Findings: []health.Finding{lost, xid}}}
	r.Cut = 11
	r.Aside = []health.SetAside{{Who: health.Who{Kind: "host", Host: "n2"}, Aside: health.Aside{Cause: "fabric_rate_1", Evidence: "port 1 runs at 100 of 400 Gbit/s", By: "ada", At: w.at(0)}}}
	return r
}

func (w *ward) Reset(site, subject, cause, by string) ([]string, error) {
	w.reset = append(w.reset, fmt.Sprint(site, " ", subject, " ", cause, " ", by))
	return []string{"lost", "xid_79"}, w.fault
}

func TestHealth(t *testing.T) {
	w := &ward{sites: []string{"ber2", "fra1"}}
	c := config(t)
	c.Health = w
	_, base := serve(t, c)
	golden(t, "health.json", indented(t, get(t, base+"/api/v1/health?site=fra1").body))
	golden(t, "health_all.json", indented(t, get(t, base+"/api/v1/health?limit=5").body))
	if w.limit != 5 {
		t.Errorf("asked for %d subjects, want 5", w.limit)
	}
	client := query.Client{URL: base}
	a, err := client.Health(t.Context(), "fra1", 17)
	if err != nil {
		t.Fatal(err)
	}
	if s := a.Sites[0]; len(a.Sites) != 1 || w.limit != 17 || s.Subjects[0].UUID != "GPU-3" || s.Subjects[0].Cause != "lost" || s.Subjects[0].Last != nil ||
		s.Subjects[0].Findings[1].Last.UnixMilli() != w.at(6) || s.GPUs["failed"] != 2 || s.Aside[0].By != "ada" || s.Blind == nil {
		t.Errorf("the client read %+v, limit %d", a, w.limit)
	}
	if _, err = client.Health(t.Context(), "", 0); err != nil || w.limit != 1000 {
		t.Errorf("without a limit: %d, %v", w.limit, err)
	}
	var e *query.Error
	if _, err = client.Health(t.Context(), "ham3", 0); !errors.As(err, &e) || e.Status != 404 {
		t.Errorf("of a site that is not there: %v", err)
	}
	for path, want := range map[string]string{
		"health?site=ham3":          `404 not_found parameter "site": no site "ham3"`,
		"health?site=a/b":           `400 bad_data parameter "site": "a/b" is not a site's name`,
		"health?limit=0":            `400 bad_data parameter "limit": "0" is not a number from 1 to 100000`,
		"health?limit=all":          `400 bad_data parameter "limit": "all" is not`,
		"health?limit=100001":       `400 bad_data parameter "limit"`,
		"health?state=failed":       `400 bad_data parameter "state": unknown; known are site, limit`,
		"health?site=fra1&site=fra": `400 bad_data parameter "site": given 2 times`,
	} {
		r := get(t, base+"/api/v1/"+path)
		reason, message := r.failure(t)
		if got := fmt.Sprint(r.code, " ", reason, " ", message); !strings.HasPrefix(got, want) {
			t.Errorf("%s: answer is %s, want %s", path, got, want)
		}
	}
}

func TestHealthOfNobody(t *testing.T) {
	c := config(t)
	c.Health = &ward{}
	_, base := serve(t, c)
	if r := get(t, base+"/api/v1/health"); r.code != 200 || r.body != `{"status":"success","data":{"sites":[]}}`+"\n" {
		t.Errorf("answer is %d: %s", r.code, r.body)
	}
}

func TestHealthReset(t *testing.T) {
	full := url.Values{"site": {"fra1"}, "subject": {"GPU-3"}, "cause": {"lost"}, "by": {"ada"}}
	but := func(pairs ...string) url.Values {
		v := url.Values{}
		for k := range full {
			v.Set(k, full.Get(k))
		}
		for i := 0; i < len(pairs); i += 2 {
			if v.Set(pairs[i], pairs[i+1]); pairs[i+1] == "" {
				v.Del(pairs[i])
			}
		}
		return v
	}
	bearer := http.Header{"Authorization": {"Bearer " + token}}
	with := func(pairs ...string) http.Header {
		h := bearer.Clone()
		for i := 0; i < len(pairs); i += 2 {
			h.Set(pairs[i], pairs[i+1])
		}
		return h
	}
	for name, tc := range map[string]struct {
		form   url.Values
		header http.Header
		fault  error
		want   string // code, reason, message
		reset  string
	}{
		"all is said":                         {full, bearer, nil, `200 {"site":"fra1","subject":"GPU-3","causes":["lost","xid_79"]}`, "fra1 GPU-3 lost ada"},
		"every cause":                         {but("cause", ""), bearer, nil, `200 {"site"`, "fra1 GPU-3  ada"},
		"by the page itself":                  {full, with("Sec-Fetch-Site", "same-origin"), nil, "200 ", "fra1 GPU-3 lost ada"},
		"no token":                            {full, nil, nil, "401 unauthorized a bearer token", ""},
		"another token":                       {full, http.Header{"Authorization": {"Bearer no"}}, nil, "401 unauthorized", ""},
		"a page of another origin":            {full, with("Sec-Fetch-Site", "cross-site"), nil, "403 forbidden cross-origin request", ""},
		"a page of another port":              {full, with("Sec-Fetch-Site", "same-site"), nil, "403 forbidden", ""},
		"an old browser, from another origin": {full, with("Origin", "https://evil.example"), nil, "403 forbidden", ""},
		"no site":                             {but("site", ""), bearer, nil, `400 bad_data parameter "site"`, ""},
		"a site that is not there":            {but("site", "ham3"), bearer, nil, `404 not_found parameter "site": no site "ham3"`, ""},
		"no subject":                          {but("subject", ""), bearer, nil, `400 bad_data parameter "subject": it is needed`, ""},
		"nobody says so":                      {but("by", ""), bearer, nil, `400 bad_data parameter "by": it is needed`, ""},
		"a novel":                             {but("by", strings.Repeat("a", 256)), bearer, nil, `400 bad_data parameter "by": it is longer than 255 bytes`, ""},
		"control characters":                  {but("by", "ada\x1b[2J"), bearer, nil, `400 bad_data parameter "by"`, ""},
		"a long cause":                        {but("cause", strings.Repeat("a", 256)), bearer, nil, `400 bad_data parameter "cause"`, ""},
		"a misspelt name":                     {but("casue", "lost"), bearer, nil, `400 bad_data parameter "casue": unknown`, ""},
		"nothing is known":                    {full, bearer, fmt.Errorf("reset health: %w", health.ErrNothing), "404 not_found reset health: nothing is known", "fra1 GPU-3 lost ada"},
		"it fails":                            {full, bearer, errors.New("disk on fire"), "500 internal internal error", "fra1 GPU-3 lost ada"},
	} {
		t.Run(name, func(t *testing.T) {
			w := &ward{sites: []string{"fra1"}, fault: tc.fault}
			c := config(t)
			c.Health, c.Token = w, query.NewSecret(token)
			_, base := serve(t, c)
			r := request(t, "POST", base+"/api/v1/health/reset", tc.form.Encode())
			for k, v := range tc.header {
				r.Header[k] = v
			}
			a := do(t, r)
			var e struct {
				Data                     json.RawMessage
				ErrorType, Error, Status string
			}
			if err := json.Unmarshal([]byte(a.body), &e); err != nil {
				t.Fatal(err, a.body)
			}
			got := fmt.Sprint(a.code, " ", string(e.Data))
			if a.code != 200 {
				got = fmt.Sprint(a.code, " ", e.ErrorType, " ", e.Error)
			}
			if !strings.HasPrefix(got, tc.want) {
				t.Errorf("answer is %s, want %s", got, tc.want)
			}
			if d := cmp.Diff(tc.reset, strings.Join(w.reset, "; ")); d != "" {
				t.Errorf("what was reset (-want +got): %s", d)
			}
		})
	}
}

// The real one, from a tick to a reset.
func TestHealthFromATickToAReset(t *testing.T) {
	h, err := health.New(health.Config{})
	if err != nil {
		t.Fatal(err)
	}
	l := &metric.Layout{
		Entities: append(metric.Place{Hall: "h1", Rack: "r1", Host: "n1"}.Entities(),
			metric.Entity{Kind: metric.GPU, Name: "GPU-0", Parent: 2, Labels: []metric.Pair{{Name: "gpu", Value: "0"}, {Name: "model", Value: "H200"}}}),
		Columns: []metric.Column{{Metric: metric.HostUp, Form: metric.Int, First: 2, Count: 1}, {Metric: metric.GPUState, Form: metric.Int, First: 3, Count: 1}},
	}
	now := time.Now()
	h.Observe(health.Tick{Key: "fra1/n1", Site: "fra1", Layout: l, Millis: now.UnixMilli(), Values: []metric.Raw{1, metric.GPULost}, Received: now})
	c := config(t)
	c.Health = h
	_, base := serve(t, c)
	client := query.Client{URL: base}
	a, err := client.Health(t.Context(), "fra1", 0)
	if err != nil {
		t.Fatal(err)
	}
	if v := a.Sites[0].Subjects; len(v) != 1 || v[0].Cause != "lost" || v[0].State != "failed" || v[0].UUID != "GPU-0" || v[0].Rack != "r1" || v[0].Since.UnixMilli() != now.UnixMilli() {
		t.Fatalf("it says %+v", v)
	}
	r := do(t, request(t, "POST", base+"/api/v1/health/reset", "site=fra1&subject=GPU-0&by=ada"))
	if r.code != 200 {
		t.Fatalf("answer is %d: %s", r.code, r.body)
	}
	if a, err = client.Health(t.Context(), "", 0); err != nil || len(a.Sites[0].Subjects) != 0 || len(a.Sites[0].Aside) != 1 {
		t.Errorf("after the reset: %+v, %v", a, err)
	}
	if r := do(t, request(t, "POST", base+"/api/v1/health/reset", "site=fra1&subject=GPU-0&by=ada")); r.code != 404 {
		t.Errorf("once more: answer is %d: %s", r.code, r.body)
	}
}
