package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"

	"github.com/gigawatch/gigawatch/plugin/handshake"
)

const id = handshake.PluginID

// A built is a program that is built once, and only if a test starts it.
type built struct {
	name, tags, of string

	once sync.Once
	err  error
}

var (
	folder  string                                                                          // of what is built, and of what it writes
	program = built{name: "gpx_gigawatch", tags: "dedupelabels,arrow_json_stdlib", of: "."} // as it is shipped
	server  = built{name: "aggregator", tags: "dedupelabels", of: "../../aggregator"}
)

func (b *built) path() (string, error) {
	path := filepath.Join(folder, b.name)
	b.once.Do(func() {
		if out, err := exec.Command("go", "build", "-tags", b.tags, "-o", path, b.of).CombinedOutput(); err != nil {
			b.err = fmt.Errorf("build %s: %w\n%s", b.name, err, out)
		}
	})
	return path, b.err
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "gpx")
	if err != nil {
		panic(err)
	}
	folder = dir
	code := m.Run()
	simulated.end()
	breaking.end()
	_ = os.RemoveAll(dir) // a folder of temporary files
	os.Exit(code)
}

// host is what Grafana is to the program: the other end of its handshake.
type host struct{ *handshake.Program }

// start runs the program.
func start(t *testing.T) *host {
	t.Helper()
	path, err := program.path()
	if err != nil {
		t.Fatal(err)
	}
	p, err := handshake.Start(path, &lines{t: t})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return &host{p}
}

// lines keeps what the program logs, for tests of what it must not say.
type lines struct {
	t  *testing.T
	mu sync.Mutex
	b  strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// source is a data source as Grafana keeps it.
type source struct {
	org    int64 // 0: the first
	uid    string
	url    string
	json   map[string]any
	secure map[string]string
}

func (s *source) context() *pluginv2.PluginContext {
	raw, err := json.Marshal(s.json)
	if err != nil || s.json == nil {
		raw = []byte("{}")
	}
	uid := s.uid
	if uid == "" {
		uid = "one"
	}
	return &pluginv2.PluginContext{OrgId: max(1, s.org), PluginId: id, DataSourceInstanceSettings: &pluginv2.DataSourceInstanceSettings{
		Uid: uid, Name: uid, Url: s.url, JsonData: raw, DecryptedSecureJsonData: s.secure, LastUpdatedMS: 1,
	}}
}

// now is when the tests' fake world is.
var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// asked is a question as a panel or a rule has it.
type asked map[string]any

// ask sends questions with refIDs A, B, …; each gets an answer or the test fails.
func (h *host) ask(t *testing.T, s *source, headers map[string]string, qs ...asked) []backend.DataResponse {
	t.Helper()
	req := &pluginv2.QueryDataRequest{PluginContext: s.context(), Headers: headers}
	for i, q := range qs {
		from, to, interval := now.Add(-time.Hour), now, time.Minute
		m := asked{}
		for k, v := range q {
			switch k {
			case "from":
				from = v.(time.Time)
			case "to":
				to = v.(time.Time)
			case "interval":
				interval = v.(time.Duration)
			default:
				m[k] = v
			}
		}
		m["refId"], m["datasource"] = string(rune('A'+i)), map[string]any{"type": id, "uid": s.uid}
		raw, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		typ, _ := q["queryType"].(string)
		points := int64(1000)
		if n, ok := q["maxDataPoints"].(int); ok {
			points = int64(n)
		}
		req.Queries = append(req.Queries, &pluginv2.DataQuery{
			RefId: string(rune('A' + i)), QueryType: typ, MaxDataPoints: points, IntervalMS: interval.Milliseconds(), Json: raw,
			TimeRange: &pluginv2.TimeRange{FromEpochMS: from.UnixMilli(), ToEpochMS: to.UnixMilli()},
		})
	}
	resp, err := h.Data.QueryData(t.Context(), req)
	if err != nil {
		t.Fatalf("query data: %v", err)
	}
	out := make([]backend.DataResponse, len(qs))
	for i := range qs {
		a, ok := resp.Responses[string(rune('A'+i))]
		if !ok {
			t.Fatalf("no response for %c", 'A'+i)
		}
		if a.Error != "" {
			out[i] = backend.DataResponse{Error: fmt.Errorf("%s", a.Error), ErrorSource: backend.ErrorSource(a.ErrorSource), Status: backend.Status(a.Status)}
			continue
		}
		frames, err := data.UnmarshalArrowFrames(a.Frames)
		if err != nil {
			t.Fatalf("frames of %c: %v", 'A'+i, err)
		}
		out[i] = backend.DataResponse{Frames: frames}
	}
	return out
}

// one asks one question that must be answered.
func (h *host) one(t *testing.T, s *source, q asked) data.Frames {
	t.Helper()
	r := h.ask(t, s, nil, q)[0]
	if r.Error != nil {
		t.Fatalf("%v: %v", q, r.Error)
	}
	return r.Frames
}

// call asks for a resource.
func (h *host) call(t *testing.T, s *source, method, path string, body any) (int, string) {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	bare, _, _ := strings.Cut(path, "?")
	c, err := h.Resource.CallResource(t.Context(), &pluginv2.CallResourceRequest{PluginContext: s.context(), Method: method, Path: bare, Url: path, Body: raw})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Recv()
	if err != nil {
		t.Fatal(err)
	}
	return int(resp.Code), string(resp.Body)
}

// notices are all that the frames say besides their figures.
func notices(frames data.Frames) string {
	var out []string
	for _, f := range frames {
		if f.Meta != nil {
			for _, n := range f.Meta.Notices {
				out = append(out, n.Text)
			}
		}
	}
	return strings.Join(out, "\n")
}
