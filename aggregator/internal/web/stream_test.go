package web_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/gigawatch/gigawatch/aggregator/internal/web"
	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// beat has n say a second every quarter of one until the test or stop ends.
func (n *now) beat(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			n.tick()
			select {
			case <-ctx.Done():
			case <-time.After(250 * time.Millisecond):
			}
		}
	}()
	t.Cleanup(func() { stop(); <-ended })
}

var errEnough = errors.New("enough")

func TestAStreamHasAnEventASecond(t *testing.T) {
	t.Parallel()
	n := newNow(2)
	first := n.closed()
	c := config(t)
	c.Live, c.Token = n, query.NewSecret(token)
	_, base := serve(t, c)
	client := query.Client{URL: base, Token: c.Token}
	for name, tc := range map[string]struct {
		q    query.LiveQuestion
		want string // of one event
	}{
		"of all sites": {query.LiveQuestion{Boundary: "host"}, "fra1// host 300 false, sim1// host 7000 true"},
		"of racks":     {query.LiveQuestion{Site: "fra1", By: "rack"}, "fra1/h1/r0001 host 100 false, fra1/h1/r0002 host 200 false"},
		"of halls":     {query.LiveQuestion{Site: "fra1", By: "hall", Boundary: "it"}, "fra1/h1/ it no IT meter false"},
	} {
		t.Run(name, func(t *testing.T) {
			var seconds []int64
			err := client.Live(t.Context(), tc.q, func(e *query.LiveEvent) error {
				var rows []string
				for _, r := range e.Rows {
					value := r.Reason
					if r.Watts != nil {
						value = fmt.Sprint(*r.Watts)
					}
					rows = append(rows, fmt.Sprintf("%s/%s/%s %s %s %t", r.Site, r.Hall, r.Rack, r.Boundary, value, r.Simulated))
				}
				if got := strings.Join(rows, ", "); got != tc.want {
					t.Errorf("got  %s\nwant %s", got, tc.want)
				}
				if e.Lost != 0 || e.Truncated {
					t.Errorf("%d lost, truncated %t", e.Lost, e.Truncated)
				}
				seconds = append(seconds, e.At.Unix())
				if len(seconds) == 1 && name == "of halls" {
					n.beat(t)
				}
				if len(seconds) == 1 && name != "of halls" {
					return errEnough // what is known comes at once
				}
				if len(seconds) == 4 {
					return errEnough
				}
				return nil
			})
			if !errors.Is(err, errEnough) {
				t.Fatalf("the stream ended with %v", err)
			}
			for i := 1; i < len(seconds); i++ {
				if seconds[i] <= seconds[i-1] {
					t.Errorf("seconds are %v", seconds)
				}
			}
			if seconds[0] < first.Unix() {
				t.Errorf("the first is %d, before %d", seconds[0], first.Unix())
			}
		})
	}
	var refused *query.Error
	if err := client.Live(t.Context(), query.LiveQuestion{Site: "nowhere"}, nil); !errors.As(err, &refused) || refused.Reason != query.NotFound {
		t.Errorf("of a site that there is not: %v", err)
	}
}

// pipes is a listener whose connections hold nothing back: what is not read stops
// the writer at once.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

func TestASlowReaderLosesEventsAndIsToldSo(t *testing.T) {
	t.Parallel()
	n := newNow(500) // events larger than any buffer on the way
	c := config(t)
	c.Live, c.Metrics = n, metrics.NewSet()
	s, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	ln := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
	h := s.HTTPServer()
	go h.Serve(ln)
	t.Cleanup(func() { h.Close() })
	mine, theirs := net.Pipe()
	ln.conns <- theirs
	if _, err := io.WriteString(mine, "GET /api/v1/live?site=fra1&by=rack HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	n.beat(t)
	lost := c.Metrics.GetOrCreateCounter(web.MetricEventsLost)
	for deadline := time.Now().Add(time.Minute); lost.Get() < 3; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nothing was lost")
		}
	}
	// Read again, it is told, and goes on.
	resp, err := http.ReadResponse(bufio.NewReader(mine), nil)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for told, last := 0, int64(0); told < 3; {
		if !lines.Scan() {
			t.Fatalf("the stream ended: %v", lines.Err())
		}
		if id, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
			second, err := strconv.ParseInt(id, 10, 64)
			if err != nil || second <= last {
				t.Errorf("second %s after %d", id, last)
			}
			last = second
		}
		if rest, ok := strings.CutPrefix(lines.Text(), `data: {"lost":`); ok {
			number, _, _ := strings.Cut(rest, ",")
			k, err := strconv.Atoi(number)
			if err != nil {
				t.Fatal(err)
			}
			told += k
		}
	}
	mine.Close()
	awaitStreams(t, c.Metrics, 0)
}

func awaitStreams(t *testing.T, set *metrics.Set, want float64) {
	t.Helper()
	g := set.GetOrCreateGauge(web.MetricStreams, nil)
	for deadline := time.Now().Add(time.Minute); g.Get() != want; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%g streams, want %g", g.Get(), want)
		}
	}
}

func TestStreamsAreBoundedAndGivenBack(t *testing.T) {
	t.Parallel()
	n := newNow(1)
	c := config(t)
	c.Live, c.Metrics, c.Limits = n, metrics.NewSet(), web.Limits{Streams: 2}
	_, base := serve(t, c)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	open := func() *http.Response {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/api/v1/live", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		return resp
	}
	for range 2 {
		if resp := open(); resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
			t.Fatalf("answered %s", resp.Status)
		}
	}
	awaitStreams(t, c.Metrics, 2)
	if r := get(t, base+"/api/v1/live"); r.code != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" || !strings.Contains(r.body, "of the lane stream 2 run at once") {
		t.Errorf("one too many is answered %d: %s", r.code, r.body)
	}
	// All else is answered meanwhile.
	if r := get(t, base+"/api/v1/counts?site=fra1"); r.code != http.StatusOK {
		t.Errorf("counts are answered %d", r.code)
	}
	leave()
	awaitStreams(t, c.Metrics, 0)
	ctx, leave = context.WithCancel(t.Context())
	defer leave()
	if resp := open(); resp.StatusCode != http.StatusOK {
		t.Errorf("after all have gone: %s", resp.Status)
	}
}

func TestStreamsEndWithTheServer(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.Live = newNow(1)
	addr, stop, ended := start(t, c)
	began := make(chan struct{}, 1)
	stream := make(chan error, 1)
	go func() {
		client := query.Client{URL: "http://" + addr}
		stream <- client.Live(context.Background(), query.LiveQuestion{}, func(*query.LiveEvent) error {
			began <- struct{}{}
			return nil
		})
	}()
	wait(t, began, "the stream begins")
	stop()
	if err := wait(t, stream, "the stream ends"); !errors.Is(err, io.EOF) {
		t.Errorf("the stream ended with %v", err)
	}
	if err := wait(t, ended, "Serve returns"); err != nil {
		t.Errorf("Serve returned %v", err)
	}
}

// A stream of what nobody measures says so.
func TestAStreamOfWhatNobodyMeasures(t *testing.T) {
	t.Parallel()
	n := &now{Live: newNow(0).Live, second: time.Now().Unix() - 4}
	c := config(t)
	c.Live = n
	_, base := serve(t, c)
	client := query.Client{URL: base}
	err := client.Live(t.Context(), query.LiveQuestion{Boundary: metric.Facility.String()}, func(e *query.LiveEvent) error {
		if len(e.Rows) != 1 || e.Rows[0].Watts != nil || e.Rows[0].Reason != "no facility meter" {
			t.Errorf("%+v", e)
		}
		return errEnough
	})
	if !errors.Is(err, errEnough) {
		t.Errorf("the stream ended with %v", err)
	}
}
