package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/klauspost/compress/snappy"
	"github.com/prometheus/prometheus/prompb"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/sim"
)

// A feed is a site as senders of Prometheus remote write see it.
type feed struct {
	site       string
	world      *sim.World
	agents     []feedAgent
	values     []metric.Raw
	full, thin *request
}

// A feedAgent remembers the labels of what an agent reads.
type feedAgent struct {
	layout *metric.Layout
	defs   []*metric.Def    // by value
	labels [][]prompb.Label // by value; of a state as it was last
	states []metric.Raw     // by value
}

func newFeed(c sim.Config) (*feed, error) {
	w, err := sim.New(c)
	if err != nil {
		return nil, err
	}
	return &feed{site: c.Site, world: w, agents: make([]feedAgent, w.Agents()), full: newRequest(), thin: newRequest()}, nil
}

// run feeds each whole second's samples until length has passed, as the fleet
// does, then what is left of a request. tick is told how long it has been.
func (f *feed) run(ctx context.Context, length time.Duration, tick func(since time.Duration)) {
	began := time.Now()
	for now := began.Truncate(time.Second).Add(time.Second); now.Before(began.Add(length)); now = now.Add(time.Second) {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(now)):
		}
		f.world.Step(now)
		for i := range f.agents {
			f.read(i, now)
		}
		f.full.send()
		f.thin.send()
		tick(time.Since(began))
	}
}

// read takes what agent i says now. What is missing is not sent.
func (f *feed) read(i int, now time.Time) {
	var alive bool
	if f.values, alive = f.world.Telemetry(i, f.values[:0]); !alive {
		return
	}
	a := &f.agents[i]
	if l := f.world.Agent(i).Telemetry; a.layout != l {
		*a = newFeedAgent(f.site, l)
	}
	millis, due := now.UnixMilli(), now.Unix()%10 == int64(i%10)
	for k, raw := range f.values {
		if raw == metric.Missing {
			continue
		}
		v := a.defs[k].Value(raw)
		if a.defs[k].Kind == metric.State {
			v = 1
			if a.states[k] != raw {
				a.states[k] = raw
				a.label(f.site, k, uint32(raw))
			}
		}
		f.full.add(a.labels[k], millis, v)
		if due {
			f.thin.add(a.labels[k], millis, v)
		}
	}
}

func newFeedAgent(site string, l *metric.Layout) feedAgent {
	w := l.Width()
	a := feedAgent{layout: l, defs: make([]*metric.Def, 0, w), labels: make([][]prompb.Label, w), states: make([]metric.Raw, w)}
	for _, c := range l.Columns {
		for range c.Count {
			k := len(a.defs)
			a.defs = append(a.defs, metric.Lookup(c.Metric))
			a.states[k] = metric.Missing
			a.label(site, k, c.Point)
		}
	}
	return a
}

// label makes the labels of value k as the store does: what comes first stands.
func (a *feedAgent) label(site string, k int, point uint32) {
	d, e := a.defs[k], a.entity(k)
	ls := []prompb.Label{{Name: "__name__", Value: d.Name}, {Name: "site", Value: site}}
	add := func(name, value string) {
		if value != "" && !slices.ContainsFunc(ls, func(l prompb.Label) bool { return l.Name == name }) {
			ls = append(ls, prompb.Label{Name: name, Value: value})
		}
	}
	if a.layout.Simulated {
		add("simulated", "true")
	}
	for i := range d.Labels {
		add(d.Labels[i].Name, d.LabelValue(point, i))
	}
	for ; e >= 0; e = a.layout.Entities[e].Parent {
		entity := &a.layout.Entities[e]
		add(entity.Kind.NameLabel(), entity.Name)
		for _, p := range entity.Labels {
			add(p.Name, p.Value)
		}
	}
	slices.SortFunc(ls, func(x, y prompb.Label) int { return cmp.Compare(x.Name, y.Name) })
	a.labels[k] = ls
}

// entity is the one that value k is measured of.
func (a *feedAgent) entity(k int) int {
	for _, c := range a.layout.Columns {
		if k < c.Count {
			return c.First + k
		}
		k -= c.Count
	}
	return -1
}

// perRequest is how many samples a sender puts together.
const perRequest = 8000

// A request is filled with samples and then sent to all who are to have it.
type request struct {
	to      []*sender
	sent    int // samples, in all requests
	message prompb.WriteRequest
	samples []prompb.Sample
	plain   []byte
}

func newRequest() *request {
	return &request{message: prompb.WriteRequest{Timeseries: make([]prompb.TimeSeries, 0, perRequest)}, samples: make([]prompb.Sample, 0, perRequest)}
}

func (r *request) add(ls []prompb.Label, millis int64, v float64) {
	n := len(r.samples)
	r.samples = append(r.samples, prompb.Sample{Timestamp: millis, Value: v})
	r.message.Timeseries = append(r.message.Timeseries, prompb.TimeSeries{Labels: ls, Samples: r.samples[n : n+1]})
	if n+1 == perRequest {
		r.send()
	}
}

func (r *request) send() {
	n := len(r.samples)
	if n == 0 {
		return
	}
	size := r.message.Size()
	r.plain = slices.Grow(r.plain[:0], size)[:size]
	if _, err := r.message.MarshalToSizedBuffer(r.plain); err != nil {
		panic(err) // of a buffer that it measured itself
	}
	body := snappy.Encode(nil, r.plain)
	for _, s := range r.to {
		s.requests <- samples{body, n}
	}
	r.sent += n
	r.samples, r.message.Timeseries = r.samples[:0], r.message.Timeseries[:0]
}

// samples are a request ready to go.
type samples struct {
	body []byte
	n    int
}

// A sender posts requests to one peer in their order. When too many wait, the
// feed waits.
type sender struct {
	url      string
	requests chan samples
	done     chan struct{}
	sent     int
	slowest  time.Duration
	err      error // the first; nothing is posted after it
}

func newSender(ctx context.Context, url string) *sender {
	s := &sender{url: url, requests: make(chan samples, 256), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		for r := range s.requests {
			if s.err != nil {
				continue
			}
			began := time.Now()
			s.err = s.post(ctx, r.body)
			s.slowest = max(s.slowest, time.Since(began))
			s.sent += r.n
		}
	}()
	return s
}

// close waits for what is under way.
func (s *sender) close() error {
	close(s.requests)
	<-s.done
	return s.err
}

func (s *sender) post(ctx context.Context, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Encoding", "snappy")
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("X-Prometheus-Remote-Write-Version", "0.1.0")
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	answer, err := io.ReadAll(r.Body)
	if err == nil && r.StatusCode/100 != 2 {
		err = fmt.Errorf("remote write: %s: %s", r.Status, answer)
	}
	return err
}
