package meter

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

var water, _ = FluidOf("water")

// An instrument is a reader that says what its test lets it say.
type instrument struct {
	gives []Kind
	read  func(ctx context.Context) ([]Value, error)

	mu    sync.Mutex
	asked int
	busy  int
	most  int // at once
}

func (i *instrument) Gives() []Kind { return i.gives }

func (i *instrument) Read(ctx context.Context) ([]Value, error) {
	i.mu.Lock()
	i.asked++
	i.busy++
	i.most = max(i.most, i.busy)
	i.mu.Unlock()
	defer func() {
		i.mu.Lock()
		i.busy--
		i.mu.Unlock()
	}()
	return i.read(ctx)
}

func (i *instrument) times() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked
}

// stage is held while instruments are read by always, and while a test changes
// what they say.
var stage sync.Mutex

func change(f func()) {
	stage.Lock()
	defer stage.Unlock()
	f()
}

// always gives the same kinds with what f says of them.
func always(f func() ([]Value, error), kinds ...Kind) *instrument {
	return &instrument{gives: kinds, read: func(context.Context) ([]Value, error) {
		stage.Lock()
		defer stage.Unlock()
		return f()
	}}
}

// steady is a device that draws so many watts and counts them in Wh.
func steady(watts float64) *instrument {
	began := time.Now()
	return always(func() ([]Value, error) {
		return []Value{
			{Quantity: Power, Number: watts},
			{Quantity: Energy, Register: Register{Steps: 1000 + uint64(watts*time.Since(began).Hours()), Size: Size{wh, 1}}},
		}, nil
	}, Kind{Quantity: Power}, Kind{Quantity: Energy})
}

// A rig is a source that runs in a bubble.
type rig struct {
	t    *testing.T
	s    *Source
	stop func()
}

// under runs f in a bubble with a source of c.
func under(t *testing.T, c Config, f func(r *rig)) {
	t.Helper()
	if c.State == "" {
		c.State = filepath.Join(t.TempDir(), "state", "meters.json")
	}
	if c.State == "none" {
		c.State = ""
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stopped := false
	r := &rig{t, s, func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}}
	defer r.stop()
	f(r)
}

// after lets time pass, and is what the source shows then.
func (r *rig) after(d time.Duration) shown {
	r.t.Helper()
	time.Sleep(d)
	synctest.Wait()
	l, v, err := r.s.Read(r.t.Context(), time.Now(), nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return shown{r.t, l, v}
}

// shown is a reading of a source.
type shown struct {
	t      *testing.T
	layout *metric.Layout
	values []metric.Raw
}

// of is the value of a metric of a meter, at a point of it if that has a name.
func (s shown) of(n metric.Number, meter string) metric.Raw {
	s.t.Helper()
	at := 0
	for _, c := range s.layout.Columns {
		for k := range c.Count {
			e := &s.layout.Entities[c.First+k]
			name := e.Name
			if e.Kind == metric.Point {
				name = s.layout.Entities[e.Parent].Name + " " + name
			}
			if c.Metric == n && name == meter {
				return s.values[at+k]
			}
		}
		at += c.Count
	}
	s.t.Fatalf("%s has no metric %d", meter, n)
	return 0
}

func (s shown) watts(meter string) float64 { return s.of(metric.MeterPowerWatts, meter).Float() }

// counter is a count with its epoch and quality.
func (s shown) counter(n metric.Number, meter string) (value, epoch metric.Raw, q metric.Quality) {
	s.t.Helper()
	at := 0
	for _, c := range s.layout.Columns {
		for k := range c.Count {
			if s.layout.Entities[c.First+k].Name == meter {
				switch {
				case c.Metric == n:
					value = s.values[at+k]
				case c.Metric == metric.CounterEpoch && c.Point == metric.EpochPoint(n, 0):
					epoch = s.values[at+k]
				case c.Metric == metric.CounterQuality && c.Point == metric.EpochPoint(n, 0):
					q = metric.Quality(s.values[at+k])
				}
			}
		}
		at += c.Count
	}
	return value, epoch, q
}
