package main_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
)

func (h *host) subscribe(t *testing.T, s *source, path string) pluginv2.SubscribeStreamResponse_Status {
	t.Helper()
	r, err := h.Stream.SubscribeStream(t.Context(), &pluginv2.SubscribeStreamRequest{PluginContext: s.context(), Path: path})
	if err != nil {
		t.Fatal(err)
	}
	return r.Status
}

// watch is a stream as Grafana runs it; stop ends it.
func (h *host) watch(t *testing.T, s *source, path string) (next func() (string, error), stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c, err := h.Stream.RunStream(ctx, &pluginv2.RunStreamRequest{PluginContext: s.context(), Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cancel)
	return func() (string, error) {
		p, err := c.Recv()
		if err != nil {
			return "", err
		}
		return string(p.Data), nil
	}, cancel
}

func TestStreamGoesOn(t *testing.T) {
	f := newFake(t, "north")
	h, s := start(t), f.source("")
	if got := h.subscribe(t, s, "live/site/north"); got != pluginv2.SubscribeStreamResponse_OK {
		t.Fatalf("subscription is %v", got)
	}
	next, stop := h.watch(t, s, "live/site/north")
	first, err := next()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"schema"`, `"unit":"watt"`, `"boundary":"facility"`, "1000000", "null"} {
		if !strings.Contains(first, want) {
			t.Errorf("first frame is %s; want %s in it", first, want)
		}
	}
	second, err := next()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(second, `"schema"`) || !strings.Contains(second, `"data"`) {
		t.Errorf("second frame is %s; want its data alone", second)
	}
	stop()
	for deadline := time.Now().Add(20 * time.Second); f.live.Load() > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the aggregator still streams to nobody")
		}
	}
}

func TestStreamComesBackAfterTheAggregatorWasGone(t *testing.T) {
	f := newFake(t, "north")
	f.lost.Store(true)
	h, s := start(t), f.source("")
	next, _ := h.watch(t, s, "live/site/north")
	for i := range 3 { // two, then the connection is lost
		if _, err := next(); err != nil {
			t.Fatalf("frame %d: %v", i, err)
		}
		if i == 1 {
			f.lost.Store(false)
		}
	}
}

func TestChannelsThatAreNot(t *testing.T) {
	f := newFake(t, "north")
	h, s := start(t), f.source("")
	for path, want := range map[string]pluginv2.SubscribeStreamResponse_Status{
		"live/rack/north": pluginv2.SubscribeStreamResponse_OK, "live/hall/north/it": pluginv2.SubscribeStreamResponse_OK,
		"": pluginv2.SubscribeStreamResponse_NOT_FOUND, "live": pluginv2.SubscribeStreamResponse_NOT_FOUND, "live/gpu/north": pluginv2.SubscribeStreamResponse_NOT_FOUND,
		"live/site/no.rth": pluginv2.SubscribeStreamResponse_NOT_FOUND, "live/site/*": pluginv2.SubscribeStreamResponse_NOT_FOUND, "live/site/north/all": pluginv2.SubscribeStreamResponse_NOT_FOUND,
		"live/site/north/it/more": pluginv2.SubscribeStreamResponse_NOT_FOUND, "live/site/north,south": pluginv2.SubscribeStreamResponse_NOT_FOUND,
		"live/site/south": pluginv2.SubscribeStreamResponse_PERMISSION_DENIED,
	} {
		if got := h.subscribe(t, s, path); got != want {
			t.Errorf("subscription to %q is %v, want %v", path, got, want)
		}
	}
	p, err := h.Stream.PublishStream(t.Context(), &pluginv2.PublishStreamRequest{PluginContext: s.context(), Path: "live/site/north", Data: []byte("{}")})
	if err != nil || p.Status != pluginv2.PublishStreamResponse_PERMISSION_DENIED {
		t.Errorf("publishing is %v, %v", p, err)
	}
}

func TestStreamsAreBounded(t *testing.T) {
	f := newFake(t, "north")
	h, s := start(t), f.source("")
	s.json = map[string]any{"limits": map[string]any{"streams": 1}}
	next, stop := h.watch(t, s, "live/site/north")
	if _, err := next(); err != nil {
		t.Fatal(err)
	}
	second, _ := h.watch(t, s, "live/rack/north")
	if _, err := second(); err == nil || !strings.Contains(err.Error(), "raise limits.streams") {
		t.Errorf("a second stream: %v", err)
	}
	stop()
}

func TestLiveQueryNamesItsChannel(t *testing.T) {
	f := newFake(t, "north")
	f.silent.Store(true)
	s := f.source("")
	frame := start(t).one(t, s, asked{"queryType": "live", "by": "rack"})[0]
	if got := frame.Meta.Channel; got != "ds/"+s.uid+"/live/rack/north" {
		t.Errorf("channel %q", got)
	}
	if said := frame.Meta.Notices[0].Text; !strings.Contains(said, "no host reports") {
		t.Errorf("notice %q", said)
	}
}

// A viewer of one data source reads nothing of another's.
func TestTwoDataSourcesWithDifferentRights(t *testing.T) {
	f := newFake(t, "north", "south")
	f.rights = map[string][]string{"token-of-a": {"north"}, "token-of-b": {"south"}}
	h := start(t)
	a, b := f.source("token-of-a"), f.source("token-of-b")
	for _, s := range []*source{b, a} { // whoever comes first leaves nothing to the other
		mine, other := "north", "south"
		if s == b {
			mine, other = other, mine
		}
		for _, typ := range []string{"power_energy", "kpi", "health", "top", "map", "counts", "reconciliation", "alerts", "report_status", "annotations", "live"} {
			for _, site := range []string{"", "*", mine} {
				q := asked{"queryType": typ}
				if site != "" {
					q["site"] = site
				}
				r := h.ask(t, s, nil, q)[0]
				if r.Error != nil {
					t.Errorf("%s of %q: %v", typ, site, r.Error)
					continue
				}
				for _, frame := range r.Frames {
					raw, err := frame.MarshalJSON()
					if err != nil {
						t.Fatal(err)
					}
					if strings.Contains(string(raw), other) {
						t.Errorf("%s of %q shows the other's site: %s", typ, site, raw)
					}
				}
			}
			if typ == "alerts" {
				continue // the aggregator gives what the token may see
			}
			if r := h.ask(t, s, nil, asked{"queryType": typ, "site": other})[0]; r.Error == nil || strings.Contains(r.Error.Error(), "there are "+other) {
				t.Errorf("%s of the other's site: %v", typ, r.Error)
			}
		}
		for _, path := range []string{"sites", "halls", "racks", "hosts", "jobs", "tenants", "halls?site=*", "tag-values?key=site", "tag-values?key=host"} {
			if code, body := h.call(t, s, "GET", path, nil); code != 200 || strings.Contains(body, other) || !strings.Contains(body, mine) {
				t.Errorf("resource %s: %d %s", path, code, body)
			}
		}
		if code, body := h.call(t, s, "GET", "racks?site="+other, nil); code == 200 {
			t.Errorf("racks of the other's site: %s", body)
		}
		if got := h.subscribe(t, s, "live/site/"+other); got != pluginv2.SubscribeStreamResponse_PERMISSION_DENIED {
			t.Errorf("subscription to the other's site is %v", got)
		}
		next, stop := h.watch(t, s, "live/site/"+other)
		if frame, err := next(); err == nil {
			t.Errorf("a stream of the other's site: %s", frame)
		}
		stop()
	}
	// Both streams at once are two, each by its own token.
	nextA, _ := h.watch(t, a, "live/site/north")
	nextB, _ := h.watch(t, b, "live/site/south")
	for _, next := range []func() (string, error){nextA, nextB} {
		if _, err := next(); err != nil {
			t.Fatal(err)
		}
	}
	if n := f.live.Load(); n != 2 {
		t.Errorf("%d streams are open, want 2", n)
	}
}
