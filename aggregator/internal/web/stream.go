package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// Names of the streams' own metrics.
const (
	MetricStreams    = "gigawatch_http_live_streams"
	MetricEvents     = "gigawatch_http_live_events_total"
	MetricEventsLost = "gigawatch_http_live_events_lost_total" // of readers that were too slow
)

const (
	streamTime = time.Hour              // after which the client has to come again
	heartbeat  = 15 * time.Second       // of a stream that has nothing to say
	sendTime   = 10 * time.Second       // for a reader to take an event
	roundTime  = 200 * time.Millisecond // between two rounds: sites that close a second nearly together are told of together
	backlog    = 2                      // events that wait for a reader
)

// A topic is what a stream is about.
type topic struct {
	site     string // "": all of them
	only     string // their names, each after a comma; "": all there are
	level    metric.EntityKind
	boundary int // negative: as they are metered
}

// has reports whether a site is among those it is about.
func (t *topic) has(site string) bool {
	return (t.site == "" || t.site == site) && (t.only == "" || strings.Contains(t.only+",", ","+site+","))
}

// An event is one second of a topic, for all its readers: the JSON of a
// [query.LiveEvent] without its first brace.
type event struct {
	second int64
	text   []byte
}

// reader is one stream.
type reader struct {
	events chan event

	// Guarded by streams.mu:
	begun  bool    // it was told of a first second
	missed []int64 // seconds whose events did not fit, oldest first; a reader that takes nothing is let go before they are many
}

// streams tell what a second came to, once it is closed, to all who listen: worked
// out and written once a topic, however many they are.
//
//	Closed ─▶ round: one event a topic ─▶ 2 wait a reader ─▶ stream
//	                                         └ full: lost, counted, said in the next
type streams struct {
	live Live

	mu     sync.Mutex
	topics map[topic]map[*reader]bool
	stop   chan struct{} // ends the rounds; nil: nobody listens
	over   bool
	ended  chan struct{} // closed when all streams have to end

	events, lost *metrics.Counter
}

func newStreams(l Live, set *metrics.Set) *streams {
	t := &streams{live: l, topics: map[topic]map[*reader]bool{}, ended: make(chan struct{}), events: set.NewCounter(MetricEvents), lost: set.NewCounter(MetricEventsLost)}
	set.NewGauge(MetricStreams, func() float64 {
		t.mu.Lock()
		defer t.mu.Unlock()
		n := 0
		for _, readers := range t.topics {
			n += len(readers)
		}
		return float64(n)
	})
	return t
}

func (t *streams) join(about topic) *reader {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := &reader{events: make(chan event, backlog)}
	if t.topics[about] == nil {
		t.topics[about] = map[*reader]bool{}
	}
	t.topics[about][r] = true
	if t.stop == nil {
		t.stop = make(chan struct{})
		go t.run(t.stop)
	}
	return r
}

func (t *streams) leave(about topic, r *reader) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.topics[about], r)
	if len(t.topics[about]) == 0 {
		delete(t.topics, about)
	}
	if len(t.topics) == 0 {
		close(t.stop)
		t.stop = nil
	}
}

// begin says that r has all up to a second, as it was told of that one: what did not
// fit until then it has not lost.
func (t *streams) begin(r *reader, second int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r.missed, r.begun = slices.DeleteFunc(r.missed, func(m int64) bool { return m <= second }), true
	t.lost.Add(len(r.missed))
}

// lostBefore is how many seconds before the given one r has lost and was not told of.
func (t *streams) lostBefore(r *reader, second int64) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(r.missed)
	r.missed = slices.DeleteFunc(r.missed, func(m int64) bool { return m < second })
	return n - len(r.missed)
}

// end ends all streams, those to come included.
func (t *streams) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.over {
		t.over = true
		close(t.ended)
	}
}

// run tells everybody of each second until stop is closed.
func (t *streams) run(stop <-chan struct{}) {
	told := map[topic]int64{}
	for {
		closed := t.live.Closed()
		t.round(told)
		select {
		case <-closed:
		case <-stop:
			return
		}
		select {
		case <-time.After(roundTime):
		case <-stop:
			return
		}
	}
}

// round tells the readers of every topic what is new.
func (t *streams) round(told map[topic]int64) {
	t.mu.Lock()
	topics := make([]topic, 0, len(t.topics))
	for about := range t.topics {
		topics = append(topics, about)
	}
	t.mu.Unlock()
	for _, about := range topics {
		e, err := t.event(about, told[about])
		if err != nil || e.text == nil {
			continue
		}
		told[about] = e.second
		t.mu.Lock()
		for r := range t.topics[about] {
			select {
			case r.events <- e:
			default:
				if r.missed = append(r.missed, e.second); r.begun {
					t.lost.Inc()
				}
			}
		}
		t.mu.Unlock()
	}
}

// event is what the sites of a topic came to in their newest second, if that is
// after the given one.
func (t *streams) event(about topic, after int64) (e event, err error) {
	sites := t.live.SiteNames()
	for i := range sites {
		if about.has(sites[i].Site) {
			e.second = max(e.second, sites[i].Second)
		}
	}
	if e.second <= after {
		return event{}, nil
	}
	a := query.LiveEvent{At: secondOf(e.second), Rows: []query.LiveRow{}}
	now := time.Now()
	for i := range sites {
		if !about.has(sites[i].Site) {
			continue
		}
		p, powers, _ := t.live.Powers(sites[i].Site, about.level, about.boundary, now)
		for k := range powers {
			if a.Truncated = len(a.Rows) == mostRacks; a.Truncated {
				break
			}
			a.Rows = append(a.Rows, liveRow(p, &powers[k], e.second))
		}
	}
	b, err := json.Marshal(&a)
	e.text = bytes.TrimPrefix(b, []byte("{"))
	return e, err
}

func liveRow(p live.Present, x *live.PlacePower, second int64) query.LiveRow {
	r := query.LiveRow{Site: p.Site, Hall: x.Hall, Rack: x.Rack, Boundary: x.Boundary, Watts: x.Watts, Reason: x.Reason, Simulated: p.Simulated}
	if p.Second != second {
		r.At = secondOf(p.Second)
	}
	return r
}

// topicOf reads what a stream is to be about.
func (s *Server) topicOf(ctx context.Context, v url.Values) (about topic, err error) {
	if err = known(v, "site", "by", "boundary"); err != nil {
		return about, err
	}
	level, err := chosen(v, "by", "site", "hall", "rack")
	if err != nil {
		return about, err
	}
	about = topic{level: []metric.EntityKind{metric.Site, metric.Hall, metric.Rack}[level], boundary: -1}
	if t := v.Get("boundary"); t != "" {
		b, ok := metric.ParseBoundary(t)
		if !ok {
			return about, badParameter("boundary", "%q is none of facility, it, host, gpu", t)
		}
		about.boundary = int(b)
	}
	if v.Get("site") != "" {
		about.site, err = s.liveSite(ctx, v)
	} else if sites, all := scopeOf(ctx).Sites(); !all {
		about.only = "," + strings.Join(sites, ",")
	}
	return about, err
}

// stream answers with an event a second.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	if s.c.Live == nil {
		s.notYet(w, r)
		return
	}
	about, err := s.topicOf(r.Context(), r.Form)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	in := s.streams.join(about)
	defer s.streams.leave(about, in)
	first, err := s.streams.event(about, -1)
	if err != nil {
		s.fail(w, r, fmt.Errorf("encode event: %w", err))
		return
	}
	s.streams.begin(in, first.second)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // proxies are not to keep it
	out := sink{w: w, c: http.NewResponseController(w)}
	if out.write([]byte("retry: 2000\n\n")) != nil || s.send(&out, in, first) != nil {
		return // the client has gone; the tally has what came of it
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for last := first.second; ; {
		select {
		case <-r.Context().Done():
			return
		case <-s.streams.ended:
			return
		case <-beat.C:
			err = out.write([]byte(":\n\n"))
		case e := <-in.events:
			if e.second <= last {
				continue
			}
			last = e.second
			err = s.send(&out, in, e)
		}
		if err != nil {
			return
		}
	}
}

// send writes an event, with how many before it were lost.
func (s *Server) send(out *sink, in *reader, e event) error {
	lost := s.streams.lostBefore(in, e.second)
	head := fmt.Sprintf("id: %d\ndata: {", e.second)
	if lost > 0 {
		head += fmt.Sprintf(`"lost":%d,`, lost)
	}
	s.streams.events.Inc()
	return out.write([]byte(head), e.text, []byte("\n\n"))
}

// sink writes at once, or not at all.
type sink struct {
	w http.ResponseWriter
	c *http.ResponseController
}

func (k *sink) write(parts ...[]byte) error {
	_ = k.c.SetWriteDeadline(time.Now().Add(sendTime)) // not every writer can; the server's can
	for _, b := range parts {
		if _, err := k.w.Write(b); err != nil {
			return err
		}
	}
	if err := k.c.Flush(); !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}
