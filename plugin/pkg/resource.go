package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A choice is one value of a variable or of a list in the editor.
type choice struct {
	Text  string `json:"text"`
	Value string `json:"value"`
	Title string `json:"title,omitempty"` // of a metric, as people call it
	query.Item
}

// choices are an answer of a list.
type choices struct {
	Items     []choice `json:"items"`
	Total     int      `json:"total"`
	Truncated bool     `json:"truncated"`
	Notes     []string `json:"notes,omitempty"`
}

const (
	usualChoices = 1000
	maxChoices   = 10_000
)

// resources are what the editor and variables ask for.
func (d *instance) resources() http.Handler {
	mux := http.NewServeMux()
	for path, kind := range map[string]string{"/sites": "site", "/halls": "hall", "/racks": "rack", "/hosts": "host", "/gpus": "gpu", "/jobs": "job", "/tenants": "tenant", "/meters": "meter"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			a, err := d.list(r.Context(), kind, r.URL.Query())
			reply(w, a, err)
		})
	}
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) { a, err := metricList(r.URL.Query()); reply(w, a, err) })
	mux.HandleFunc("GET /metrics/{name}", func(w http.ResponseWriter, r *http.Request) {
		def := metric.ByName(r.PathValue("name"))
		if def == nil {
			reply[any](w, nil, &query.Error{Status: http.StatusNotFound, Reason: query.NotFound, Message: "there is no such metric in the catalogue"})
			return
		}
		reply(w, described(def), nil)
	})
	mux.HandleFunc("GET /kpis", func(w http.ResponseWriter, _ *http.Request) {
		var out choices
		for _, k := range query.KPINames() {
			out.Items = append(out.Items, choice{Text: figureTitle(k), Value: k})
		}
		out.Total = len(out.Items)
		reply(w, &out, nil)
	})
	mux.HandleFunc("GET /tag-keys", func(w http.ResponseWriter, _ *http.Request) {
		var out choices
		for _, k := range labelNames() {
			out.Items = append(out.Items, choice{Text: k, Value: k})
		}
		out.Total = len(out.Items)
		reply(w, &out, nil)
	})
	mux.HandleFunc("GET /tag-values", func(w http.ResponseWriter, r *http.Request) {
		a, err := d.tagValues(r.Context(), r.URL.Query())
		reply(w, a, err)
	})
	mux.HandleFunc("POST /variables", func(w http.ResponseWriter, r *http.Request) {
		a, err := d.variable(w, r)
		reply(w, a, err)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		reply[any](w, nil, &query.Error{Status: http.StatusNotFound, Reason: query.NotFound, Message: "no such path: " + r.Method + " " + r.URL.Path})
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), d.settings.timeout)
		defer cancel()
		var err error
		func() {
			defer recovered(&err)
			mux.ServeHTTP(w, r.WithContext(ctx))
		}()
		if err != nil {
			reply[any](w, nil, err)
		}
	})
}

// reply answers with a, or with err in words.
func reply[T any](w http.ResponseWriter, a T, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	var body any = a
	if err != nil {
		status := http.StatusBadGateway
		var m *mistake
		var q *query.Error
		switch {
		case errors.As(err, &m):
			status = http.StatusBadRequest
		case errors.As(err, &q):
			if status = q.Status; status == http.StatusUnauthorized { // Grafana would take it for its own
				status = http.StatusForbidden
			}
		case backend.IsPluginError(err):
			status = http.StatusInternalServerError
		}
		w.WriteHeader(status)
		body = map[string]string{"error": err.Error(), "message": err.Error()}
	}
	_ = json.NewEncoder(w).Encode(body) // who asked may have gone
}

// listBounds reads match and limit.
func listBounds(v url.Values) (match string, limit int, err error) {
	match, limit = v.Get("match"), usualChoices
	if len(match) > 200 {
		return "", 0, wrong("match has %d characters; at most 200 are taken", len(match))
	}
	if s := v.Get("limit"); s != "" {
		if limit, err = strconv.Atoi(s); err != nil || limit < 1 || limit > maxChoices {
			return "", 0, wrong("limit %q is not a number from 1 to %d", s, maxChoices)
		}
	}
	return match, limit, nil
}

// list is what there is of a kind, within site, hall, rack and host.
func (d *instance) list(ctx context.Context, kind string, v url.Values) (*choices, error) {
	for k := range v {
		if !slices.Contains([]string{"site", "hall", "rack", "host", "match", "limit"}, k) {
			return nil, wrong("parameter %q is not known; known are site, hall, rack, host, match, limit", k)
		}
	}
	match, limit, err := listBounds(v)
	if err != nil {
		return nil, err
	}
	out := &choices{Items: []choice{}}
	if kind == "site" {
		sites, failed, err := d.fleet.sites(ctx)
		if err != nil {
			return nil, err
		}
		out.Notes = texts(failed)
		for _, s := range sites {
			if matches(s.name, match) {
				c := choice{Text: s.name, Value: s.name, Item: query.Item{Kind: kind, Name: s.name, Simulated: s.simulated}}
				if s.simulated {
					c.Text += " (simulated)"
				}
				out.add(c, limit)
			}
		}
		return out, nil
	}
	said := v.Get("site")
	if said == "" && d.fleet.usual == "" {
		said = all
	}
	sites, unasked, err := d.fleet.chosen(ctx, said)
	if err != nil {
		return nil, err
	}
	q := query.InventoryQuestion{Kind: kind, Hall: v.Get("hall"), Rack: v.Get("rack"), Host: v.Get("host"), Match: match, Limit: limit}
	lists, of, failed, _, err := ofEach(ctx, sites, func(ctx context.Context, s siteOf) (*query.Inventory, error) {
		q := q
		q.Site = s.name
		return d.fleet.inventory(ctx, s.by, q)
	})
	if err != nil {
		return nil, err
	}
	out.Notes = append(texts(unasked), failed...)
	for i, l := range lists {
		for _, it := range l.Items {
			it.Site = of[i].name
			out.add(chosenAs(kind, it), limit)
		}
		if l.Reason != "" {
			out.Notes = append(out.Notes, of[i].name+": "+l.Reason)
		}
		out.Total += max(0, l.Total-len(l.Items))
		out.Truncated = out.Truncated || l.Truncated
	}
	slices.SortStableFunc(out.Items, func(a, b choice) int { return natural(a.Text, b.Text) })
	return out, nil
}

func (c *choices) add(x choice, limit int) {
	if c.Total++; len(c.Items) >= limit {
		c.Truncated = true
		return
	}
	c.Items = append(c.Items, x)
}

// chosenAs is what people read and what is written into a query.
func chosenAs(kind string, it query.Item) choice {
	c := choice{Text: it.Name, Value: it.Name, Item: it}
	switch kind {
	case "gpu":
		c.Text, c.Value = strings.TrimSpace(it.Host+" gpu "+it.GPU), it.UUID
		if c.Value == "" {
			c.Value = it.Name
		}
	case "job":
		if it.Tenant != "" {
			c.Text += " (" + it.Tenant + ")"
		}
	case "meter":
		if it.Role != "" {
			c.Text += " (" + strings.ReplaceAll(it.Role, "_", " ") + ")"
		}
	}
	return c
}

// matches reports whether name holds match, in any case.
func matches(name, match string) bool {
	return match == "" || strings.Contains(strings.ToLower(name), strings.ToLower(match))
}
