package main_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
)

// Two organizations have a data source of the same name each, with a token of its
// own. They ask the same things of the same aggregator at the same time: what one
// gets, waits for or keeps is never the other's.
func TestNothingIsSharedBetweenTokens(t *testing.T) {
	f := newFake(t, "north", "south")
	f.rights, f.slow = map[string][]string{"token-of-a": {"north"}, "token-of-b": {"south"}}, true
	h := start(t)
	a, b := f.source("token-of-a"), f.source("token-of-b")
	a.uid, b.uid, b.org = "gigawatch", "gigawatch", 2
	var wait sync.WaitGroup
	for _, c := range []struct {
		s           *source
		mine, other string
	}{{a, "north", "south"}, {b, "south", "north"}} {
		hold := func(what, got string) {
			if strings.Contains(got, c.other) {
				t.Errorf("%s of %s shows %s: %.400s", what, c.mine, c.other, got)
			}
		}
		for i := range 12 {
			for _, path := range []string{"sites", "halls?site=*", "racks", "hosts?match=" + c.other, "tag-values?key=site", "tag-values?key=host", "../../" + c.other, "jobs"} {
				wait.Go(func() {
					if _, body := h.call(t, c.s, "GET", path, nil); !strings.Contains(path, c.other) {
						hold("resource "+path, body)
					}
				})
			}
			wait.Go(func() {
				for j, r := range h.ask(t, c.s, nil, asked{"queryType": "kpi", "site": "*"}, asked{"queryType": "counts"}, asked{"queryType": "power_energy", "measure": "energy", "by": "job", "site": "*"},
					asked{"queryType": "promql", "expr": "x", "mode": "instant"}, asked{"queryType": "annotations"}, asked{"queryType": "live"}) {
					for _, frame := range r.Frames {
						raw, err := frame.MarshalJSON()
						if err != nil {
							t.Error(err)
						}
						hold(fmt.Sprintf("answer %d, round %d,", j, i), string(raw))
					}
				}
			})
			wait.Go(func() {
				for _, site := range []string{c.other, c.mine + "," + c.other, c.other + "," + c.mine, " " + c.other, c.other + "/it", "../" + c.other} {
					for _, typ := range []string{"kpi", "live", "power_energy", "top"} {
						if r := h.ask(t, c.s, nil, asked{"queryType": typ, "site": site})[0]; r.Error == nil {
							t.Errorf("%s of %q is answered to %s", typ, site, c.mine)
						}
					}
				}
			})
			wait.Go(func() {
				if got := h.subscribe(t, c.s, "live/site/"+c.other); got != pluginv2.SubscribeStreamResponse_PERMISSION_DENIED {
					t.Errorf("%s subscribes to %s: %v", c.mine, c.other, got)
				}
				if got := h.subscribe(t, c.s, "live/site/"+c.mine); got != pluginv2.SubscribeStreamResponse_OK {
					t.Errorf("%s subscribes to itself: %v", c.mine, got)
				}
			})
		}
		wait.Go(func() {
			next, stop := h.watch(t, c.s, "live/site/"+c.mine)
			defer stop()
			for range 5 {
				frame, err := next()
				if err != nil {
					t.Error(err)
					return
				}
				hold("stream", frame)
			}
		})
	}
	wait.Wait()
}

// A token that is written anew counts at once, even if Grafana's time of change is
// the same; what the one before could read is gone, its stream too.
func TestAnotherTokenIsAnotherDataSource(t *testing.T) {
	f := newFake(t, "north", "south")
	f.rights = map[string][]string{"token-of-a": {"north"}, "token-of-b": {"south"}}
	h := start(t)
	s := f.source("token-of-a")
	next, _ := h.watch(t, s, "live/site/north")
	if _, err := next(); err != nil {
		t.Fatal(err)
	}
	if _, body := h.call(t, s, "GET", "sites", nil); !strings.Contains(body, "north") {
		t.Errorf("sites are %s", body)
	}
	s.secure = map[string]string{"token": "token-of-b"}
	if _, body := h.call(t, s, "GET", "sites", nil); strings.Contains(body, "north") || !strings.Contains(body, "south") {
		t.Errorf("with the other token sites are %s", body)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			if _, err := next(); err != nil {
				return
			}
		}
	}()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Error("the stream of the token before goes on")
	}
}
