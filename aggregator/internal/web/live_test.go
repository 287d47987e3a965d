package web_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// now is a present that is fed by hand: of a real site, with two racks of a host
// of two GPUs each, and of a simulated one, with one rack.
type now struct {
	*live.Live
	second int64
	hosts  []nowHost
}

type nowHost struct {
	site, name string
	layout     *metric.Layout
	watts      float64
	mute       bool
}

func newNow(racks int) *now {
	n := &now{Live: live.New(live.Config{Metrics: metrics.NewSet()}), second: time.Now().Unix() - 4}
	for i := range racks {
		n.host("fra1", fmt.Sprintf("n%d", i+1), fmt.Sprintf("r%04d", i+1), float64(100*(i+1)), false)
	}
	n.host("sim1", "n1", "r0001", 7000, true)
	for range 4 {
		n.tick()
	}
	return n
}

func (n *now) host(site, name, rack string, watts float64, simulated bool) {
	es := metric.Place{Hall: "h1", Rack: rack, Host: name}.Entities()
	for g := range 2 {
		es = append(es, metric.Entity{Kind: metric.GPU, Name: fmt.Sprintf("GPU-%s-%s-%d", site, name, g), Parent: 2, Labels: []metric.Pair{{Name: "gpu", Value: fmt.Sprint(g)}, {Name: "model", Value: "NVIDIA H200"}}})
	}
	n.hosts = append(n.hosts, nowHost{site: site, name: name, watts: watts, layout: &metric.Layout{Simulated: simulated, Entities: es, Columns: []metric.Column{
		{Metric: metric.HostUp, Form: metric.Int, First: 2, Count: 1},
		{Metric: metric.HostPowerWatts, Form: metric.Float, First: 2, Count: 1},
		{Metric: metric.GPUPowerWatts, Form: metric.Float, First: 3, Count: 2},
		{Metric: metric.GPUMemoryTemperature, Form: metric.Float, First: 3, Count: 2},
		{Metric: metric.GPUState, Form: metric.Int, First: 3, Count: 2},
	}}})
}

// tick says a second of everybody, which closes the one before the last.
func (n *now) tick() {
	n.second++
	at := time.Unix(n.second, 0)
	for i := range n.hosts {
		h := &n.hosts[i]
		if h.mute {
			continue
		}
		n.Observe(h.site+"/"+h.name, h.site, h.layout, at.UnixMilli(), []metric.Raw{
			1, metric.Of(h.watts), metric.Of(h.watts / 4), metric.Of(h.watts / 2), metric.Of(80), metric.Missing, metric.GPUOk, metric.GPULost,
		}, at.Add(600*time.Millisecond))
	}
}

// closed is the newest second that is closed.
func (n *now) closed() time.Time { return time.Unix(n.SiteNames()[0].Second, 0).UTC() }

func TestThePresentIsAnsweredOfOneSite(t *testing.T) {
	n := newNow(2)
	c := config(t)
	c.Live = n
	c.Where = func(site string) (float64, float64, bool) { return 50.1, 8.7, site == "fra1" }
	_, base := serve(t, c)
	client := query.Client{URL: base}
	at, reading := n.closed(), time.Unix(n.second, 0).UTC()
	ptr := func(v float64) *float64 { return &v }
	item := func(kind, name string) query.Item {
		return query.Item{Kind: kind, Name: name, Site: "fra1", Hall: "h1", Rack: "r0001", Host: "n1"}
	}
	gpu := item("gpu", "GPU-fra1-n1-0")
	gpu.GPU, gpu.UUID, gpu.Model = "0", "GPU-fra1-n1-0", "NVIDIA H200"
	row := func(host, rack, gpu string, v float64) query.TopRow {
		return query.TopRow{Hall: "h1", Rack: rack, Host: host, GPU: gpu, UUID: "GPU-fra1-" + host + "-" + gpu, Model: "NVIDIA H200", At: reading, Value: v}
	}
	for name, tc := range map[string]struct {
		ask  func() (any, error)
		want any
	}{
		"sites": {
			func() (any, error) { return client.Inventory(t.Context(), query.InventoryQuestion{Kind: "site"}) },
			&query.Inventory{Items: []query.Item{{Kind: "site", Name: "fra1", Site: "fra1", Latitude: ptr(50.1), Longitude: ptr(8.7)}, {Kind: "site", Name: "sim1", Site: "sim1", Simulated: true}}, Total: 2},
		},
		"hosts, cut": {
			func() (any, error) {
				return client.Inventory(t.Context(), query.InventoryQuestion{Site: "fra1", Limit: 1})
			},
			&query.Inventory{Items: []query.Item{item("host", "n1")}, Total: 2, Truncated: true},
		},
		"a GPU": {
			func() (any, error) {
				return client.Inventory(t.Context(), query.InventoryQuestion{Site: "fra1", Kind: "gpu", Hall: "h1", Rack: "r0001", Host: "n1", Match: "n1/0"})
			},
			&query.Inventory{Items: []query.Item{gpu}, Total: 1},
		},
		"GPUs by power": {
			func() (any, error) {
				return client.Top(t.Context(), query.TopQuestion{Site: "fra1", Limit: 2})
			},
			&query.Top{Site: "fra1", Of: "gpu", By: "gpu_power_watts", Unit: "watts", At: &at, Considered: 4, Truncated: true,
				Rows: []query.TopRow{row("n2", "r0002", "1", 100), row("n1", "r0001", "1", 50)}},
		},
		"GPUs by a metric": {
			func() (any, error) {
				return client.Top(t.Context(), query.TopQuestion{Site: "fra1", By: "gpu_memory_temperature_celsius", Rack: "r0001"})
			},
			&query.Top{Site: "fra1", Of: "gpu", By: "gpu_memory_temperature_celsius", Unit: "celsius", At: &at, Considered: 2, Missing: 1,
				Rows: []query.TopRow{row("n1", "r0001", "0", 80)}},
		},
		"the least of the simulated": {
			func() (any, error) {
				return client.Top(t.Context(), query.TopQuestion{Site: "sim1", Of: "host", Ascending: true})
			},
			&query.Top{Site: "sim1", Simulated: true, Of: "host", By: "host_power_watts", Unit: "watts", At: &at, Considered: 1,
				Rows: []query.TopRow{{Hall: "h1", Rack: "r0001", Host: "n1", At: reading, Value: 7000}}},
		},
		"racks by power": {
			func() (any, error) {
				return client.Top(t.Context(), query.TopQuestion{Site: "fra1", Of: "rack", By: "power", Limit: 1})
			},
			&query.Top{Site: "fra1", Of: "rack", By: "rack_power_watts", Unit: "watts", At: &at, Considered: 2, Truncated: true,
				Rows: []query.TopRow{{Hall: "h1", Rack: "r0002", Boundary: "host", At: at, Value: 200}}},
		},
		"halls": {
			func() (any, error) { return client.Top(t.Context(), query.TopQuestion{Site: "fra1", Of: "hall"}) },
			&query.Top{Site: "fra1", Of: "hall", By: "hall_power_watts", Unit: "watts", At: &at, Considered: 1,
				Rows: []query.TopRow{{Hall: "h1", Boundary: "host", At: at, Value: 300}}},
		},
		"the map": {
			func() (any, error) { return client.Map(t.Context(), "fra1", "gpus_not_ok") },
			&query.RackMap{Site: "fra1", Of: "gpus_not_ok", Unit: "count", At: &at, Racks: []query.MapRack{
				{Hall: "h1", Rack: "r0001", Value: ptr(1), State: "bad", Hosts: 1, Reporting: 1, GPUs: 2, GPUsOk: 1},
				{Hall: "h1", Rack: "r0002", Value: ptr(1), State: "bad", Hosts: 1, Reporting: 1, GPUs: 2, GPUsOk: 1},
			}, Total: 2},
		},
		"counts": {
			func() (any, error) {
				a, err := client.Counts(t.Context(), "fra1")
				if err == nil {
					a.Freshness = nil
				}
				return a, err
			},
			&query.Counts{Site: "fra1", At: &at, Hosts: query.HostCount{Expected: 2, Reporting: 2},
				GPUs:   query.GPUCount{Expected: 4, Reporting: 2, States: map[string]int{"ok": 2, "lost": 2, "blank": 0, "stale": 0, "unreachable": 0, "silent": 0, "unknown": 0}},
				Agents: query.AgentCounts{Known: 2}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := tc.ask()
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

func TestQuestionsOfThePresentThatAreRefused(t *testing.T) {
	c := config(t)
	c.Live = newNow(1)
	_, base := serve(t, c)
	for path, want := range map[string]string{
		"top":                                                          `bad_data parameter "site": needed, as 2 sites are known`,
		"live?site=x&by=gpu":                                           `bad_data parameter "by": "gpu" is none of site, hall, rack`,
		"live?site=nowhere":                                            `not_found parameter "site": no site "nowhere"`,
		"live?boundary=rack":                                           `bad_data parameter "boundary": "rack" is none of facility, it, host, gpu`,
		"top?site=no%20name":                                           `bad_data parameter "site": "no name" is not a site's name`,
		"map?site=nowhere":                                             `not_found parameter "site": no site "nowhere"`,
		"counts?sites=fra1":                                            `bad_data parameter "sites": unknown; known are site`,
		"map?site=fra1&value=cost":                                     `bad_data parameter "value": "cost" is none of power, temperature, gpus_not_ok, hosts_silent, utilization`,
		"inventory?site=fra1&kind=dog":                                 `bad_data parameter "kind": "dog" is none of host, site, hall, rack, gpu, meter, job, tenant`,
		"inventory?site=fra1&limit=0":                                  `bad_data parameter "limit": "0" is not a number from 1 to 10000`,
		"inventory?match=" + strings.Repeat("x", 300):                  `bad_data parameter "match": 300 bytes long; the limit is 255`,
		"top?site=fra1&limit=1001":                                     `bad_data parameter "limit": "1001" is not a number from 1 to 1000`,
		"top?site=fra1&order=up":                                       `bad_data parameter "order": "up" is none of desc, asc`,
		"top?site=fra1&of=job":                                         `bad_data parameter "of": "job" is none of gpu, host, rack, hall, sensor`,
		"top?site=fra1&of=rack&host=n1":                                `bad_data parameter "host": a rack is in no host`,
		"top?site=fra1&by=host_load1":                                  `bad_data parameter "by": host_load1 is of a host, not of a gpu`,
		"top?site=fra1&by=gpu_state":                                   `bad_data parameter "by": gpu_state is not one present value a gpu: it is a gauge of 1 labels`,
		"top?site=fra1&by=gpu_xid_events_total":                        `bad_data parameter "by": gpu_xid_events_total is not one present value a gpu: it is a counter of 1 labels`,
		"top?site=fra1&of=hall&by=temperature":                         `bad_data parameter "by": "temperature" is neither power, temperature or utilization where a hall has it, nor a metric of the catalogue`,
		"top?site=fra1&of=host&by=agent_spool_dropped_total":           `bad_data parameter "over": "" is not whole minutes up to 1h0m0s: a counter is ranked by what it rose`,
		"top?site=fra1&of=host&by=agent_spool_dropped_total&over=90s":  `bad_data parameter "over": "90s" is not whole minutes up to 1h0m0s: a counter is ranked by what it rose`,
		"top?site=fra1&of=host&by=agent_spool_dropped_total&over=2h":   `bad_data parameter "over": "2h" is not whole minutes up to 1h0m0s: a counter is ranked by what it rose`,
		"top?site=fra1&of=host&by=agent_spool_bytes&over=5m":           `bad_data parameter "over": agent_spool_bytes does not count anything: it is what it is now`,
		"top?site=fra1&of=host&by=agent_spool_bytes&lane=slow":         `bad_data parameter "lane": "slow" is none of telemetry, ledger`,
		"top?site=fra1&lane=ledger":                                    `bad_data parameter "lane": gpu_power_watts is of no lane`,
		"top?site=fra1&of=host&by=agent_source_failures_total&over=5m": `bad_data parameter "by": agent_source_failures_total is of a sensor, not of a host`,
		"top?site=fra1&of=sensor":                                      `bad_data parameter "by": "" is neither power, temperature or utilization where a sensor has it, nor a metric of the catalogue`,
		"top?site=fra1&site=sim1":                                      `bad_data parameter "site": given 2 times`,
	} {
		t.Run(path, func(t *testing.T) {
			reason, message := get(t, base+"/api/v1/"+path).failure(t)
			if got := reason + " " + message; got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestWithoutAPresentNothingIsAnswered(t *testing.T) {
	_, base := serve(t, config(t))
	for _, path := range []string{"inventory", "top", "map", "counts", "live"} {
		if r := get(t, base+"/api/v1/"+path); r.code != http.StatusNotImplemented {
			t.Errorf("%s is answered %d", path, r.code)
		}
	}
}

// wide is a present of more racks than a map tells; one is silent, and one is hot.
type wide struct{ *now }

func (wide) Map(string, live.MapValue, time.Time) (p live.Present, racks []live.MapRack, ok bool) {
	for i := range 20_002 {
		watts := 40_000 + float64(i%7)
		r := live.MapRack{Hall: "h1", Value: &watts}
		switch r.Rack, r.State = fmt.Sprintf("r%05d", i), "ok"; i {
		case 10:
			r.State, r.Value = "silent", nil
		case 20_000:
			r.State, watts = "warn", 1
		}
		racks = append(racks, r)
	}
	return p, racks, true
}

func TestAMapOfTooManyRacksTellsTheWorst(t *testing.T) {
	c := config(t)
	c.Live = wide{newNow(1)}
	_, base := serve(t, c)
	client := query.Client{URL: base}
	got, err := client.Map(t.Context(), "fra1", "power")
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Racks) != 20_000 || got.Total != 20_002 || !got.Truncated {
		t.Errorf("%d of %d racks are told, cut %t", len(got.Racks), got.Total, got.Truncated)
	}
	var first []string
	for _, r := range got.Racks[:3] {
		first = append(first, r.Rack+" "+r.State)
	}
	if d := cmp.Diff([]string{"r00010 silent", "r20000 warn", "r00006 ok"}, first); d != "" {
		t.Errorf("the first (-want +got)\n%s", d)
	}
}

func TestASilentHostIsMissingFromThePresent(t *testing.T) {
	n := newNow(2)
	n.hosts[1].mute = true
	for range 4 {
		n.tick()
	}
	c := config(t)
	c.Live = n
	_, base := serve(t, c)
	client := query.Client{URL: base}
	top, err := client.Top(t.Context(), query.TopQuestion{Site: "fra1"})
	if err != nil || top.Missing != 2 || slices.ContainsFunc(top.Rows, func(r query.TopRow) bool { return r.Host == "n2" }) {
		t.Errorf("top: %+v, %v", top, err)
	}
	shown, err := client.Map(t.Context(), "fra1", "power")
	if err != nil || shown.Racks[1].Value != nil || shown.Racks[1].Reason == "" || shown.Racks[1].State != "silent" || shown.Racks[0].Boundary != "host" {
		t.Errorf("map: %+v, %v", shown, err)
	}
	raw := get(t, base+"/api/v1/map?site=fra1").body
	var a struct {
		Data struct{ Racks []map[string]any }
	}
	if err := json.Unmarshal([]byte(raw), &a); err != nil {
		t.Fatal(err)
	}
	if v, ok := a.Data.Racks[1]["value"]; v != nil || !ok {
		t.Errorf("the value of the silent rack is %v", v)
	}
	var no *query.Error
	if _, err := client.Top(t.Context(), query.TopQuestion{}); !errors.As(err, &no) || no.Reason != query.BadData {
		t.Errorf("of no site in particular: %v", err)
	}
}
