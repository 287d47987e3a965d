package main

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

// moment is a series at a second.
type moment struct {
	series string
	second int64
}

// stored are the samples of a range selector, by what name makes of the labels.
func (p *process) stored(t *testing.T, selector string, name func(map[string]string) string) map[moment]float64 {
	t.Helper()
	var a struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Values [][2]any
			}
		}
	}
	if err := p.get("/api/v1/query?query="+url.QueryEscape(selector), &a); err != nil {
		t.Fatal(err)
	}
	out := map[moment]float64{}
	for _, r := range a.Data.Result {
		for _, v := range r.Values {
			at, _ := v[0].(float64)
			watts, err := strconv.ParseFloat(fmt.Sprint(v[1]), 64)
			if err != nil {
				t.Fatal(err)
			}
			out[moment{name(r.Metric), int64(at)}] = watts
		}
	}
	return out
}

// agree holds what the present said against what was stored of the same second,
// and wants enough of both.
func agree(t *testing.T, what string, said, stored map[moment]float64, enough int) {
	t.Helper()
	both := 0
	for m, v := range stored {
		got, ok := said[m]
		if !ok {
			continue
		}
		if both++; got != v {
			t.Errorf("%s of %s at %d: the present said %v, stored is %v", what, m.series, m.second, got, v)
		}
	}
	if both < enough {
		t.Errorf("%s: %d of %d said and %d stored are of the same second; want %d", what, both, len(said), len(stored), enough)
	}
}

func TestThePresentAgreesWithTheSeriesOfTheSameSecond(t *testing.T) {
	t.Parallel()
	p := start(t, "all-in-one", "-hosts", "8", "-gpus", "4", "-seed", "11", "-data", t.TempDir(), "-listen", "127.0.0.1:0")
	client := &query.Client{URL: p.url}
	p.await(time.Minute, "the simulated site's GPUs", func() bool {
		a, err := client.Top(t.Context(), query.TopQuestion{Site: simulatedSite, Limit: 100})
		return err == nil && len(a.Rows) == 32
	})
	gpus, racks, sites := map[moment]float64{}, map[moment]float64{}, map[moment]float64{}
	events := 0
	errDone := errors.New("done")
	note := func(into map[moment]float64, series func(*query.LiveRow) string) func(e *query.LiveEvent) error {
		return func(e *query.LiveEvent) error {
			for i := range e.Rows {
				if r := &e.Rows[i]; r.Watts != nil {
					into[moment{series(r), e.At.Unix()}] = *r.Watts
				}
			}
			if events++; events == 25 {
				return errDone
			}
			return nil
		}
	}
	ended := make(chan error, 1)
	go func() {
		ended <- client.Live(t.Context(), query.LiveQuestion{Site: simulatedSite, By: "rack", Boundary: "host"}, note(racks, func(r *query.LiveRow) string { return r.Rack }))
	}()
	for done := false; !done; {
		select {
		case err := <-ended:
			if done = true; !errors.Is(err, errDone) {
				t.Fatalf("the stream ended with %v:\n%s", err, p.output())
			}
		case <-time.After(300 * time.Millisecond):
		}
		a, err := client.Top(t.Context(), query.TopQuestion{Site: simulatedSite, Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		if !a.Simulated || a.Considered != 32 {
			t.Errorf("%d GPUs, simulated %t", a.Considered, a.Simulated)
		}
		for _, r := range a.Rows {
			gpus[moment{r.UUID, r.At.Unix()}] = r.Value
		}
	}
	events = 20
	if err := client.Live(t.Context(), query.LiveQuestion{Site: simulatedSite}, note(sites, func(r *query.LiveRow) string { return r.Boundary })); !errors.Is(err, errDone) {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Second) // stored within
	label := func(name string) func(map[string]string) string {
		return func(l map[string]string) string { return l[name] }
	}
	agree(t, "power", gpus, p.stored(t, `gpu_power_watts{site="simulated"}[1m]`, label("uuid")), 32)
	agree(t, "power", racks, p.stored(t, `rack_power_watts{site="simulated",boundary="host"}[1m]`, label("rack")), 10)
	agree(t, "power", sites, p.stored(t, `site_power_watts{site="simulated"}[1m]`, label("boundary")), 4)

	counts, err := client.Counts(t.Context(), simulatedSite)
	if err != nil {
		t.Fatal(err)
	}
	known := p.instant(`site_gpus{site="simulated"}`, "state")
	if float64(counts.GPUs.Expected) != known["expected"] || counts.Hosts.Expected != 8 || counts.GPUs.Reporting == 0 {
		t.Errorf("counts are %+v, the series say %v", counts, known)
	}
	items, err := client.Inventory(t.Context(), query.InventoryQuestion{Site: simulatedSite, Kind: "gpu"})
	if err != nil || items.Total != 32 {
		t.Errorf("inventory: %d GPUs, %v", items.Total, err)
	}
	here, err := client.Inventory(t.Context(), query.InventoryQuestion{Site: hereSite, Kind: "host"})
	if err != nil || here.Total != 1 || here.Items[0].Simulated {
		t.Errorf("this host: %+v, %v", here, err)
	}
	p.stop()
}
