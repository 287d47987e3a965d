package bmc

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/tree"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/rogpeppe/go-internal/txtar"
)

// A rig is a source at work on a machine made of files.
type rig struct {
	t    testing.TB
	root string
	log  logged
	s    *Source
	stop func()
}

func newRig(t testing.TB, captures ...string) *rig {
	t.Helper()
	r := &rig{t: t, root: t.TempDir()}
	for _, name := range captures {
		a, err := txtar.ParseFile(filepath.Join("testdata", "sys", name+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			r.write(f.Name, string(f.Data))
		}
	}
	return r
}

func rigTree(r *rig) tree.Tree { return tree.Under(r.root) }

func (r *rig) path(name string) string { return filepath.Join(r.root, filepath.FromSlash(name)) }

func (r *rig) write(name, text string) {
	r.t.Helper()
	if err := os.MkdirAll(filepath.Dir(r.path(name)), 0o777); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(r.path(name), []byte(text), 0o666); err != nil {
		r.t.Fatal(err)
	}
}

// config is c on this rig's machine.
func (r *rig) config(c Config) Config {
	c.Root, c.Place, c.Logger = r.root, metric.Place{Rack: "r1", Host: "n1"}, slog.New(slog.NewTextHandler(&r.log, nil))
	return c
}

// start runs a source until the test or stop ends it.
func (r *rig) start(c Config, change ...func(*Source)) {
	r.t.Helper()
	s, err := New(r.config(c))
	if err != nil {
		r.t.Fatal(err)
	}
	for _, f := range change {
		f(s)
	}
	r.s = s
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			r.t.Errorf("Run ends with %v", err)
		}
	})
	r.t.Cleanup(r.stop)
}

// A shown is what a source shows of one value of the label source.
type shown struct {
	watts, joules, age float64 // NaN becomes -1
	epoch              metric.Raw
	quality            string
}

func (r *rig) read() map[string]shown {
	r.t.Helper()
	l, values, err := r.s.Read(context.Background(), time.Now(), []metric.Raw{42})
	if err != nil {
		r.t.Fatal(err)
	}
	if err := l.Check(); err != nil {
		r.t.Fatal(err)
	}
	if values = values[1:]; len(values) != l.Width() {
		r.t.Fatalf("%d values for a layout of %d", len(values), l.Width())
	}
	if e := l.Entities[len(l.Entities)-1]; e.Kind != metric.Host || e.Name != "n1" {
		r.t.Fatalf("the host is %v", e)
	}
	m := map[string]shown{}
	for i, c := range l.Columns {
		d, v := metric.Lookup(c.Metric), values[i]
		point := c.Point
		if c.Metric == metric.CounterEpoch || c.Metric == metric.CounterQuality {
			if point>>16 != uint32(metric.HostEnergyJoules) {
				r.t.Fatalf("%s of counter %d", d.Name, point)
			}
			point &= 0xffff
		}
		label := metric.Lookup(metric.HostPowerWatts).LabelValue(point, 0)
		x := m[label]
		value := -1.0
		if v != metric.Missing {
			value = d.Value(v)
		}
		switch c.Metric {
		case metric.HostPowerWatts:
			x.watts = value
		case metric.HostEnergyJoules:
			x.joules = value
		case metric.HostPowerAge:
			x.age = value
		case metric.CounterEpoch:
			x.epoch = v
		case metric.CounterQuality:
			x.quality = metric.Quality(v).String()
		default:
			r.t.Fatalf("column of %s", d.Name)
		}
		m[label] = x
	}
	return m
}

// watts are the powers shown, by source; -1 is missing.
func (r *rig) watts() map[string]float64 {
	m := map[string]float64{}
	for label, x := range r.read() {
		m[label] = x.watts
	}
	return m
}

// says checks the description.
func (r *rig) says(want ...string) {
	r.t.Helper()
	said := r.s.Describe()
	for _, w := range want {
		if w, not := strings.CutPrefix(w, "!"); strings.Contains(said, w) == not {
			r.t.Errorf("says %q; %q expected: %v", said, w, !not)
		}
	}
	if strings.Contains(said, "\n") {
		r.t.Errorf("says more than a line: %q", said)
	}
}

// logged is a log that can be read while it is written.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// meter is an instrument that a test plays.
type meter struct {
	called string
	mu     sync.Mutex
	sample sample
	err    error
	takes  time.Duration
	hangs  chan struct{}
	reads  int
	closed int
}

func (m *meter) name() string { return m.called }

func (m *meter) read(ctx context.Context) (sample, error) {
	m.mu.Lock()
	s, err, takes, hangs := m.sample, m.err, m.takes, m.hangs
	m.reads++
	m.mu.Unlock()
	s.about = "meter " + m.called
	if hangs != nil {
		<-hangs
	}
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		return s, ctx.Err()
	}
	return s, err
}

func (m *meter) close(context.Context) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed++
}

func (m *meter) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.reads
}

func (m *meter) set(change func(*meter)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(m)
}

// node replaces the meters of the source bmc.
func node(period time.Duration, meters ...*meter) func(*Source) {
	return func(s *Source) {
		c := s.channels[0]
		s.settled.Add(len(meters) - len(c.pollers))
		c.pollers = nil
		for _, m := range meters {
			c.pollers = append(c.pollers, s.poller(m, period, ""))
		}
	}
}

func diff(t testing.TB, what string, got, want map[string]float64) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func near(a, b, by float64) bool { return a-b <= by && b-a <= by }

func (x shown) String() string {
	return fmt.Sprintf("%.3f W, %.3f J, %.1f s old, epoch %d, %s", x.watts, x.joules, x.age, x.epoch, x.quality)
}
