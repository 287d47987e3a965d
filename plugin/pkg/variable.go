package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A variableModel is what a dashboard's variable asks for.
type variableModel struct {
	Version int    `json:"version,omitempty"`
	Of      string `json:"of"` // site, hall, rack, host, gpu, job, tenant, meter, metric, label
	Site    string `json:"site,omitempty"`
	Hall    string `json:"hall,omitempty"`
	Rack    string `json:"rack,omitempty"`
	Host    string `json:"host,omitempty"`
	Label   string `json:"label,omitempty"` // whose values, of label
	Match   string `json:"match,omitempty"`
	Limit   int    `json:"limit,omitempty"`
	RefID   string `json:"refId,omitempty"`
}

const maxVariable = 64 << 10

func (d *instance) variable(w http.ResponseWriter, r *http.Request) (*choices, error) {
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxVariable))
	if err != nil {
		return nil, wrong("the variable's query is longer than %d bytes", maxVariable)
	}
	var m variableModel
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&m); err != nil {
		return nil, wrong("the variable's query cannot be read: %v; write one such as {\"of\":\"rack\",\"site\":\"north\"}", err)
	}
	if m.Version != 0 && m.Version != modelVersion {
		return nil, wrong("version is %d; this plugin knows %d", m.Version, modelVersion)
	}
	if err := oneOf("of", &m.Of, "site", "hall", "rack", "host", "gpu", "job", "tenant", "meter", "metric", "label"); err != nil {
		return nil, err
	}
	v := url.Values{}
	for k, s := range map[string]string{"site": m.Site, "hall": m.Hall, "rack": m.Rack, "host": m.Host, "match": m.Match} {
		if s != "" {
			v.Set(k, s)
		}
	}
	if m.Limit != 0 {
		v.Set("limit", strconv.Itoa(m.Limit))
	}
	switch m.Of {
	case "metric":
		for _, k := range []string{"site", "hall", "rack", "host"} {
			v.Del(k)
		}
		return metricList(v)
	case "label":
		v.Set("key", m.Label)
		return d.tagValues(r.Context(), v)
	}
	return d.list(r.Context(), m.Of, v)
}

// tagValues are the values of a label: of places from the inventory, of closed
// labels from the catalogue, of others from the time series.
func (d *instance) tagValues(ctx context.Context, v url.Values) (*choices, error) {
	key := v.Get("key")
	if !regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`).MatchString(key) {
		return nil, wrong("key %q is not a label's name; choose one of /tag-keys", key)
	}
	match, limit, err := listBounds(v)
	if err != nil {
		return nil, err
	}
	within := url.Values{}
	for k, s := range v {
		if k != "key" {
			within[k] = s
		}
	}
	switch key {
	case "site", "hall", "rack", "host", "job", "tenant", "meter":
		return d.list(ctx, key, within)
	case "uuid":
		return d.list(ctx, "gpu", within)
	}
	out := &choices{Items: []choice{}}
	if closed := closedValues(key); len(closed) > 0 {
		for _, s := range closed {
			if matches(s, match) {
				out.add(choice{Text: s, Value: s}, limit)
			}
		}
		return out, nil
	}
	seen := map[string]bool{}
	for _, c := range d.fleet.callers {
		values, err := cached(ctx, d.fleet.cache, c.name+" label "+key, func(ctx context.Context) (*[]string, error) {
			a, err := ask[[]string](ctx, c, "/api/v1/label/"+key+"/values", nil)
			return a, advised(c.name, err)
		})
		if err != nil {
			if len(d.fleet.callers) == 1 {
				return nil, err
			}
			out.Notes = append(out.Notes, err.Error())
			continue
		}
		for _, s := range *values {
			seen[s] = true
		}
	}
	for _, s := range sortedKeys(seen) {
		if matches(s, match) {
			out.add(choice{Text: s, Value: s}, limit)
		}
	}
	return out, nil
}

// closedValues are those that the catalogue gives a label, in its order.
func closedValues(key string) (out []string) {
	for d := range metric.All {
		for _, l := range d.Labels {
			if l.Name != key {
				continue
			}
			for _, v := range l.Values {
				if !slices.Contains(out, v) {
					out = append(out, v)
				}
			}
		}
	}
	return out
}

// A description is one metric of the catalogue.
type description struct {
	Name   string              `json:"name"`
	Unit   string              `json:"unit"`
	Shown  string              `json:"grafana_unit"`
	Kind   string              `json:"kind"`
	Of     string              `json:"of"`
	Help   string              `json:"help"`
	Labels map[string][]string `json:"labels"`
}

func described(d *metric.Def) description {
	out := description{Name: d.Name, Unit: string(d.Unit), Shown: configOf(d).Unit, Kind: d.Kind.String(), Of: d.Entity.String(), Help: d.Help, Labels: map[string][]string{}}
	for _, l := range d.Labels {
		out.Labels[l.Name] = append([]string{}, l.Values...)
	}
	return out
}

// ranks reports whether things of a level can be ranked by d: it is one value each
// that is known now.
func ranks(d *metric.Def, of string) bool {
	switch {
	case d.Entity.String() != of:
		return false
	case strings.HasPrefix(d.Name, "agent_"): // each of itself; of a counter, what it rose
		return true
	case d.Kind != metric.Gauge:
		return false
	case of == "gpu", of == "host":
		return len(d.Labels) == 0 || d.Number == metric.HostPowerWatts
	}
	return d.Number == metric.RackPowerWatts || d.Number == metric.HallPowerWatts
}

// metricList is the catalogue, without what series never hold; of what is ranked,
// what that can be ranked by.
func metricList(v url.Values) (*choices, error) {
	match, limit, err := listBounds(v)
	if err != nil {
		return nil, err
	}
	of := v.Get("of")
	out := &choices{Items: []choice{}}
	for d := range metric.All {
		switch {
		case d.Number == metric.CounterEpoch, d.Number == metric.CounterQuality, !matches(d.Name, match) && !matches(metricTitle(d), match), of != "" && (d.Kind == metric.Counter || !ranks(d, of)):
			continue
		}
		out.add(choice{Text: d.Name, Value: d.Name, Title: metricTitle(d), Item: query.Item{Kind: d.Kind.String(), Name: d.Name}}, limit)
	}
	return out, nil
}
