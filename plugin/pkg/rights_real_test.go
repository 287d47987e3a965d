package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
)

// guarded is an aggregator of two sites, this machine's and a simulated one, that
// asks who is there.
type guarded struct {
	t         *testing.T
	binary    string
	url, list string
	lines     []string // of the list
}

func startGuarded(t *testing.T) *guarded {
	t.Helper()
	binary, err := server.path()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	g := &guarded{t: t, binary: binary, list: filepath.Join(dir, "principals.yaml")}
	g.write()
	cmd := exec.Command(g.binary, "all-in-one", "-data", filepath.Join(dir, "data"), "-listen", "127.0.0.1:0", "-hosts", "4", "-gpus", "4", "-principals", g.list, "-log", "error")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // how it ends is not asked
		_ = cmd.Wait()
	})
	found := make(chan string, 1)
	go func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			if u, ok := strings.CutPrefix(s.Text(), "page      "); ok {
				found <- strings.TrimSuffix(u, "/")
			}
		}
	}()
	select {
	case g.url = <-found:
	case <-time.After(time.Minute):
		t.Fatal("the aggregator did not come up")
	}
	return g
}

func (g *guarded) write() {
	g.t.Helper()
	text := "contact: desk@example.org\nprincipals:\n" + strings.Join(g.lines, "")
	if err := os.WriteFile(g.list, []byte(text), 0o600); err != nil {
		g.t.Fatal(err)
	}
}

// admit puts somebody on the list and is their data source.
func (g *guarded) admit(name string, flags ...string) *source {
	g.t.Helper()
	file := filepath.Join(g.t.TempDir(), "token")
	var said bytes.Buffer
	cmd := exec.Command(g.binary, append([]string{"token", "-name", name, "-o", file}, flags...)...)
	cmd.Stdout = &said
	if err := cmd.Run(); err != nil {
		g.t.Fatal(err)
	}
	token, err := os.ReadFile(file)
	if err != nil {
		g.t.Fatal(err)
	}
	g.lines = append(g.lines, said.String())
	g.write()
	return &source{uid: name, url: g.url, secure: map[string]string{"token": string(token)}}
}

// everything is all that an answer says, as text.
func everything(t *testing.T, r backend.DataResponse) string {
	t.Helper()
	if r.Error != nil {
		return r.Error.Error()
	}
	var b strings.Builder
	for _, f := range r.Frames {
		raw, err := data.FrameToJSON(f, data.IncludeAll)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(raw)
	}
	return b.String()
}

// names are those of a list of the editor's.
func (h *host) names(t *testing.T, s *source, path string) (names []string) {
	t.Helper()
	var l struct {
		Items []struct{ Text, Value string }
	}
	code, body := h.call(t, s, "GET", path, nil)
	if code != 200 {
		return nil
	}
	if err := json.Unmarshal([]byte(body), &l); err != nil {
		t.Fatalf("%s: %v: %s", path, err, body)
	}
	for _, i := range l.Items {
		names = append(names, i.Value)
	}
	return names
}

// Two data sources of one aggregator with different rights, and a third of a tenant,
// in one process of the plugin: nobody reads what is another's, by no way there is.
func TestDataSourcesReadWhatTheirTokensMay(t *testing.T) {
	h, g := start(t), startGuarded(t)
	ours, theirs := g.admit("ours", "-sites", "simulated"), g.admit("theirs", "-sites", "here")
	until := func(what string, done func() bool) {
		t.Helper()
		for deadline := time.Now().Add(2 * time.Minute); !done(); time.Sleep(500 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("waited in vain: %s", what)
			}
		}
	}
	until("both sites are heard of, and jobs", func() bool {
		return len(h.names(t, theirs, "hosts?site=here")) == 1 && len(h.names(t, ours, "hosts?site=simulated")) == 4 && len(h.names(t, ours, "tenants?site=simulated")) > 0 &&
			!slices.ContainsFunc(h.ask(t, ours, nil, asked{"queryType": "power_energy", "measure": "energy", "by": "job", "boundary": "gpu", "site": "simulated", "from": time.Now().Add(-time.Hour), "to": time.Now()}), func(r backend.DataResponse) bool {
				return r.Error != nil || !strings.Contains(everything(t, r), `"tenant"`)
			})
	})
	machine := h.names(t, theirs, "hosts?site=here")[0]
	tenants := h.names(t, ours, "tenants?site=simulated")
	tenant := g.admit("tenant", "-sites", "simulated", "-tenants", tenants[0])
	until("the tenant is let in", func() bool { return len(h.names(t, tenant, "sites")) > 0 })

	for name, s := range map[string]*source{"ours": ours, "the tenant's": tenant} {
		if got := h.names(t, s, "sites"); !slices.Equal(got, []string{"simulated"}) {
			t.Errorf("%s: sites are %v", name, got)
		}
	}
	if got := h.names(t, theirs, "sites"); !slices.Equal(got, []string{"here"}) {
		t.Errorf("theirs: sites are %v", got)
	}

	// foreign reports whether a text tells of the other site: of its name, or of this
	// machine, which is its one host. The aggregator's own metrics have it as instance.
	foreign := func(text string) bool {
		return strings.Contains(text, fmt.Sprintf(`"host":%q`, machine)) || strings.Contains(text, fmt.Sprintf(`"value":%q`, machine)) || strings.Contains(text, `"site":"here"`) || strings.Contains(text, `"value":"here"`)
	}
	// cells are those of columns of text.
	cells := func(r backend.DataResponse) (out []string) {
		for _, f := range r.Frames {
			for _, field := range f.Fields {
				for i := range field.Len() {
					if v, ok := field.ConcreteAt(i); ok {
						if s, ok := v.(string); ok {
							out = append(out, s)
						}
					}
				}
			}
		}
		return out
	}
	questions := []asked{
		{"queryType": "power_energy"}, {"queryType": "power_energy", "by": "host"}, {"queryType": "power_energy", "by": "gpu"}, {"queryType": "power_energy", "measure": "energy", "by": "host", "boundary": "host"},
		{"queryType": "power_energy", "measure": "energy", "by": "job", "boundary": "gpu"}, {"queryType": "power_energy", "by": "tenant"}, {"queryType": "power_energy", "measure": "energy", "by": "tenant", "boundary": "gpu"},
		{"queryType": "kpi", "period": "today"}, {"queryType": "health"}, {"queryType": "health", "shape": "count"}, {"queryType": "top"}, {"queryType": "top", "of": "host"}, {"queryType": "top", "of": "rack"},
		{"queryType": "map"}, {"queryType": "counts"}, {"queryType": "reconciliation"}, {"queryType": "alerts"}, {"queryType": "report_status"}, {"queryType": "annotations"}, {"queryType": "live"}, {"queryType": "live", "by": "rack"},
	}
	for _, expr := range []string{
		`{__name__=~".+"}`, `{site="here"}`, `count by (site, host) ({__name__=~"host_.+"})`, `host_up or host_up{site="here"}`, `label_replace(host_up{site="here"}, "site", "simulated", "", "")`,
		`max_over_time(host_up{site=~"here|simulated"}[1m:10s])`, `host_up{site!="simulated"} @ end()`, `group by (tenant) (job_gpu_share_ratio)`,
	} {
		questions = append(questions, asked{"queryType": "promql", "mode": "instant", "expr": expr}, asked{"queryType": "promql", "expr": expr})
	}
	reached := 0
	for _, q := range questions {
		for _, site := range []string{"", "*", "here", "simulated,here", "simulated"} {
			for name, s := range map[string]*source{"ours": ours, "the tenant's": tenant} {
				c := asked{"from": time.Now().Add(-5 * time.Minute), "to": time.Now(), "interval": 10 * time.Second}
				for k, v := range q {
					c[k] = v
				}
				if site != "" {
					c["site"] = site
				}
				r := h.ask(t, s, nil, c)[0]
				text := everything(t, r)
				if foreign(text) || slices.Contains(cells(r), machine) || slices.Contains(cells(r), "here") {
					t.Errorf("%s: %v, site %q, tells of the other site: %.500s", name, q, site, text)
				}
				if name == "the tenant's" {
					for _, other := range tenants[1:] {
						if strings.Contains(text, fmt.Sprintf("%q", other)) {
							t.Errorf("%s: %v, site %q, tells of %s: %.500s", name, q, site, other, text)
						}
					}
				}
				if r.Error == nil && name == "ours" && site == "simulated" {
					reached++
				}
			}
		}
	}
	if reached < len(questions)-2 {
		t.Errorf("of %d questions of ours only %d are answered", len(questions), reached)
	}
	// A tenant's own is answered, the site's is refused in words that help.
	if r := h.ask(t, tenant, nil, asked{"queryType": "power_energy", "measure": "energy", "by": "job", "boundary": "gpu", "site": "simulated", "from": time.Now().Add(-time.Hour), "to": time.Now()})[0]; r.Error != nil {
		t.Errorf("the tenant's jobs: %v", r.Error)
	}
	if r := h.ask(t, tenant, nil, asked{"queryType": "counts", "site": "simulated"})[0]; r.Error == nil || !strings.Contains(r.Error.Error(), "the token may not read this") || !strings.Contains(r.Error.Error(), "Ask desk@example.org") {
		t.Errorf("of the whole site the tenant is told %v", r.Error)
	}

	// Lists of the editor and of variables, and what a dashboard's filters offer.
	for name, s := range map[string]*source{"ours": ours, "the tenant's": tenant} {
		for _, path := range []string{"hosts", "hosts?site=here", "hosts?site=*", "halls?site=here", "racks?site=here", "gpus?site=here", "jobs?site=here", "jobs", "tenants", "meters?site=here", "sites?match=here",
			"tag-values?key=site", "tag-values?key=host", "tag-values?key=device", "tag-values?key=tenant", "tag-values?key=mount", "tag-values?key=source&site=here"} {
			_, body := h.call(t, s, "GET", path, nil)
			if foreign(body) {
				t.Errorf("%s: %s tells of the other site: %.500s", name, path, body)
			}
			for _, other := range tenants[1:] {
				if name == "the tenant's" && strings.Contains(body, fmt.Sprintf("%q", other)) {
					t.Errorf("%s: %s tells of %s: %.500s", name, path, other, body)
				}
			}
		}
		for _, v := range []map[string]any{{"of": "host", "site": "here"}, {"of": "host", "site": "*"}, {"of": "label", "label": "host"}, {"of": "site"}} {
			if _, body := h.call(t, s, "POST", "variables", v); foreign(body) {
				t.Errorf("%s: variable %v tells of the other site: %.500s", name, v, body)
			}
		}
	}

	// Streams: one subscribes to one's own, and what is forced open without that says
	// nothing.
	for path, want := range map[string]pluginv2.SubscribeStreamResponse_Status{
		"live/rack/simulated": pluginv2.SubscribeStreamResponse_OK, "live/site/here": pluginv2.SubscribeStreamResponse_PERMISSION_DENIED, "live/rack/ghost": pluginv2.SubscribeStreamResponse_PERMISSION_DENIED,
	} {
		if got := h.subscribe(t, ours, path); got != want {
			t.Errorf("ours: subscription to %s is %v, want %v", path, got, want)
		}
	}
	for name, s := range map[string]*source{"ours": ours, "the tenant's": tenant} {
		next, stop := h.watch(t, s, "live/site/here")
		if frame, err := next(); err == nil {
			t.Errorf("%s: a stream of the other site says %s", name, frame)
		}
		stop()
	}
	next, _ := h.watch(t, tenant, "live/site/simulated")
	if frame, err := next(); err == nil {
		t.Errorf("the tenant's stream of the whole site says %s", frame)
	}

	// Whoever is struck from the list gets nothing more, by a stream that is open either.
	next, _ = h.watch(t, ours, "live/rack/simulated")
	if frame, err := next(); err != nil || foreign(frame) {
		t.Fatalf("our stream says %s, %v", frame, err)
	}
	g.lines = g.lines[1:]
	g.write()
	for deadline := time.Now().Add(30 * time.Second); ; {
		if _, err := next(); err != nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("our stream goes on without the right to it")
		}
	}
	if r := h.ask(t, ours, nil, asked{"queryType": "counts", "site": "simulated"})[0]; r.Error == nil {
		t.Errorf("struck from the list, we are answered %s", everything(t, r))
	}
	if got := h.ask(t, theirs, nil, asked{"queryType": "counts", "site": "here"})[0]; got.Error != nil {
		t.Errorf("theirs, who stay: %v", got.Error)
	}
}
