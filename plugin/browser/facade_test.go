//go:build browser

package browser_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"

	"github.com/gigawatch/gigawatch/plugin/handshake"
)

// settings are a data source as Grafana's page saves it.
type settings struct {
	URL    string            `json:"url"`
	JSON   json.RawMessage   `json:"jsonData"`
	Secure map[string]string `json:"secureJsonData"`
}

// facade answers as Grafana's server does to its page, of one data source.
type facade struct {
	*httptest.Server
	program *handshake.Program

	mu      sync.Mutex
	saved   settings
	version int64
}

// serve starts the façade; host is the folder of the built page.
func serve(t *testing.T, p *handshake.Program, dist, host string, saved settings) *facade {
	t.Helper()
	f := &facade{program: p, saved: saved, version: 1}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "page/index.html") })
	mux.Handle("GET /host.js", http.FileServer(http.Dir(host)))
	mux.Handle("GET /host.css", http.FileServer(http.Dir(host)))
	mux.Handle("GET /public/plugins/"+id+"/", http.StripPrefix("/public/plugins/"+id+"/", http.FileServer(http.Dir(dist))))
	icons := filepath.Join("..", "node_modules", "@grafana", "ui", "dist", "public")
	mux.Handle("GET /public/build/", http.StripPrefix("/public/build/", http.FileServer(http.Dir(icons))))
	mux.HandleFunc("PUT /settings", f.save)
	mux.HandleFunc("POST /api/ds/query", f.query)
	mux.HandleFunc("GET /api/datasources/uid/gw/health", f.health)
	mux.HandleFunc("/api/datasources/uid/gw/resources/", f.resources)
	mux.HandleFunc("GET /live", f.live)
	f.Server = httptest.NewServer(mux)
	t.Cleanup(f.Close)
	return f
}

func (f *facade) context() *pluginv2.PluginContext {
	f.mu.Lock()
	defer f.mu.Unlock()
	raw := f.saved.JSON
	if len(raw) == 0 {
		raw = []byte("{}")
	}
	return &pluginv2.PluginContext{OrgId: 1, PluginId: id, DataSourceInstanceSettings: &pluginv2.DataSourceInstanceSettings{
		Uid: "gw", Name: "Gigawatch", Url: f.saved.URL, JsonData: raw, DecryptedSecureJsonData: f.saved.Secure, LastUpdatedMS: f.version,
	}}
}

func (f *facade) save(w http.ResponseWriter, r *http.Request) {
	var s settings
	if err := json.NewDecoder(r.Body).Decode(&s); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.saved, f.version = s, f.version+1
	fmt.Fprintln(w, "{}")
}

func (f *facade) query(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Queries []json.RawMessage `json:"queries"`
		From    string            `json:"from"`
		To      string            `json:"to"`
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	from, _ := strconv.ParseInt(asked.From, 10, 64)
	to, _ := strconv.ParseInt(asked.To, 10, 64)
	req := &pluginv2.QueryDataRequest{PluginContext: f.context()}
	for _, raw := range asked.Queries {
		var q struct {
			RefID    string `json:"refId"`
			Type     string `json:"queryType"`
			Points   int64  `json:"maxDataPoints"`
			Interval int64  `json:"intervalMs"`
		}
		if err := json.Unmarshal(raw, &q); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		req.Queries = append(req.Queries, &pluginv2.DataQuery{
			RefId: q.RefID, QueryType: q.Type, MaxDataPoints: q.Points, IntervalMS: q.Interval, Json: raw,
			TimeRange: &pluginv2.TimeRange{FromEpochMS: from, ToEpochMS: to},
		})
	}
	got, err := f.program.Data.QueryData(r.Context(), req)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	answer := backend.NewQueryDataResponse()
	status := http.StatusOK
	for ref, a := range got.Responses {
		r := backend.DataResponse{Status: backend.Status(a.Status), ErrorSource: backend.ErrorSource(a.ErrorSource)}
		if a.Error != "" {
			r.Error, status = errors.New(a.Error), http.StatusMultiStatus
		}
		if r.Frames, err = data.UnmarshalArrowFrames(a.Frames); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		answer.Responses[ref] = r
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // who asked may have gone
}

func (f *facade) health(w http.ResponseWriter, r *http.Request) {
	got, err := f.program.Diagnostics.CheckHealth(r.Context(), &pluginv2.CheckHealthRequest{PluginContext: f.context()})
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	details := json.RawMessage(got.JsonDetails)
	if len(details) == 0 {
		details = []byte("{}")
	}
	w.Header().Set("Content-Type", "application/json")
	if got.Status != pluginv2.CheckHealthResponse_OK {
		w.WriteHeader(http.StatusBadRequest)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"status": got.Status.String(), "message": got.Message, "details": details}) // who asked may have gone
}

func (f *facade) resources(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/api/datasources/uid/gw/resources/")
	got, err := f.program.Resource.CallResource(r.Context(), &pluginv2.CallResourceRequest{PluginContext: f.context(), Method: r.Method, Path: path, Url: path + "?" + r.URL.RawQuery, Body: body})
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	a, err := got.Recv()
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(int(a.Code))
	_, _ = w.Write(a.Body) // who asked may have gone
}

// live is a channel of Grafana Live, as Server-Sent Events.
func (f *facade) live(w http.ResponseWriter, r *http.Request) {
	frames, err := f.program.Stream.RunStream(r.Context(), &pluginv2.RunStreamRequest{PluginContext: f.context(), Path: r.URL.Query().Get("path")})
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	for {
		p, err := frames.Recv()
		if err != nil { // who asked may have gone
			return
		}
		fmt.Fprintf(w, "data: %s\n\n", p.Data)
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
	}
}
