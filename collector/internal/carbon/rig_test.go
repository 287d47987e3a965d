package carbon

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// logged is a log that a test may read.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logged) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// A world answers for every provider, without a network, so that it works in
// virtual time too.
type world struct {
	mu     sync.Mutex
	answer map[string]http.HandlerFunc // by path
	asked  []asked
	turn   sync.Mutex     // of what answers read
	busy   map[string]int // requests on their way, by host
	most   int            // of them at once
}

type asked struct {
	at   time.Time
	path string
	r    *http.Request
}

func newWorld() *world {
	return &world{answer: map[string]http.HandlerFunc{}, busy: map[string]int{}}
}

func (w *world) on(path string, f http.HandlerFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer[path] = f
}

// change changes what answers read.
func (w *world) change(f func()) {
	w.turn.Lock()
	defer w.turn.Unlock()
	f()
}

// says answers path with a text that is made anew each time.
func (w *world) says(path string, text func() string) {
	w.on(path, func(rw http.ResponseWriter, _ *http.Request) { io.WriteString(rw, text()) })
}

func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.asked = append(w.asked, asked{time.Now(), r.URL.Path, r})
	w.busy[r.URL.Host]++
	w.most = max(w.most, w.busy[r.URL.Host])
	f := w.answer[r.URL.Path]
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		w.busy[r.URL.Host]--
		w.mu.Unlock()
	}()
	rec := httptest.NewRecorder()
	if f == nil {
		f = http.NotFound
	}
	w.turn.Lock()
	f(rec, r)
	w.turn.Unlock()
	resp := rec.Result()
	resp.Request = r
	return resp, r.Context().Err()
}

// times are when path was asked for.
func (w *world) times(path string) (list []time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.asked {
		if a.path == path {
			list = append(list, a.at)
		}
	}
	return list
}

// keyFile is a file with a key in it.
func keyFile(t testing.TB, key string) Key {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return Key{File: path}
}

const (
	theKey    = "s3cr3t/key+of=the-provider"
	inAddress = "s3cr3t-in-an-address"
)

// open makes a source of a world.
func open(t testing.TB, w *world, c Config) *Source {
	t.Helper()
	c.transport = w
	if c.pace == 0 {
		c.pace = -1
	}
	for i := range c.Providers {
		if p := &c.Providers[i]; p.URL == "" {
			p.URL = "http://127.0.0.1"
		}
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// run runs s until the end of the test, or until stop.
func run(t testing.TB, s *Source) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var ended sync.WaitGroup
	ended.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			ended.Wait()
		})
	}
	t.Cleanup(stop)
	return stop
}

// virtual runs f in virtual time, from noon of a day in January 2026.
func virtual(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)))
		f(t)
	})
}

// sleep lets virtual time pass.
func sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// shownAs is what a reading shows, one line a value.
func shownAs(t testing.TB, s *Source, now time.Time) string {
	t.Helper()
	l, values, err := s.Read(t.Context(), now, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Check(); err != nil {
		t.Fatal(err)
	}
	if len(values) != l.Width() {
		t.Fatalf("%d values, %d in the layout", len(values), l.Width())
	}
	var lines []string
	for i, c := range l.Columns {
		e := l.Entities[c.First]
		d := metric.Lookup(c.Metric)
		name := d.Name
		for k := range d.Labels {
			name += " " + d.LabelValue(c.Point, k)
		}
		line := fmt.Sprintf("%s %s", name, e.Name)
		for _, p := range e.Labels {
			line += " " + p.Value
		}
		lines = append(lines, fmt.Sprintf("%s = %.4g", line, d.Value(values[i])))
	}
	return strings.Join(lines, "\n")
}

// hours is an answer of Electricity Maps about the last n hours, the one that
// began before now included.
func hours(zone string, n int, row func(at time.Time) string) string {
	var rows []string
	this := time.Now().UTC().Truncate(time.Hour)
	for i := n - 1; i >= 0; i-- {
		rows = append(rows, row(this.Add(-time.Duration(i)*time.Hour)))
	}
	return fmt.Sprintf(`{"zone":%q,"history":[%s]}`, zone, strings.Join(rows, ","))
}

func intensity(zone, factor string, at time.Time, value any, estimated bool) string {
	return fmt.Sprintf(`{"zone":%q,"carbonIntensity":%v,"datetime":%q,"updatedAt":%q,"createdAt":%q,"emissionFactorType":%q,"isEstimated":%v,"estimationMethod":null}`,
		zone, value, at.Format("2006-01-02T15:04:05.000Z"), at.Add(40*time.Minute).Format("2006-01-02T15:04:05.000Z"), at.Format("2006-01-02T15:04:05.000Z"), factor, estimated)
}

const (
	historyPath = "/v3/carbon-intensity/history"
	latestPath  = "/v3/carbon-intensity/latest"
)

// maps makes w answer as Electricity Maps with what value says; "" is no row.
func (w *world) maps(zone string, value func(at time.Time) (v any, estimated bool)) {
	row := func(r *http.Request, at time.Time) string {
		v, estimated := value(at)
		return intensity(zone, r.URL.Query().Get("emissionFactorType"), at, v, estimated)
	}
	w.on(historyPath, func(rw http.ResponseWriter, r *http.Request) {
		io.WriteString(rw, hours(zone, 24, func(at time.Time) string { return row(r, at) }))
	})
	w.on(latestPath, func(rw http.ResponseWriter, r *http.Request) {
		io.WriteString(rw, row(r, time.Now().UTC().Truncate(time.Hour)))
	})
}
