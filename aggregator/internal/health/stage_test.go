package health_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/health"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// cell is one value of a tick: a metric at a point, of the k-th of its things.
type cell struct {
	metric metric.Number
	point  uint32
	k      int
}

// machine is a host with its agent. Its layouts are made as the agent makes them:
// place, boards, what is on the host; one pointer until something changes.
type machine struct {
	key, site string
	place     metric.Place
	boards    []metric.Entity // without their parent
	devices   []metric.Entity // likewise
	columns   []cell          // k is unused; in order
	values    map[cell]metric.Raw
	skew      time.Duration // of its clock
	ahead     time.Duration // of all clocks
	up        bool
	simulated bool
	changed   bool

	layout *metric.Layout
	index  []cell
	newest []metric.Raw
}

// points are those of a metric whose labels are these.
func point(n metric.Number, labels ...string) uint32 {
	p, ok := metric.Lookup(n).Point(labels...)
	if !ok {
		panic(fmt.Sprint(n, labels))
	}
	return p
}

func newMachine(host string, gpus int) *machine {
	m := &machine{key: "fra1/" + host, site: "fra1", place: metric.Place{Hall: "h1", Rack: "r" + host[1:], Host: host}, up: true, changed: true,
		values: map[cell]metric.Raw{{metric.HostUp, 0, 0}: 1}}
	for i := range gpus {
		m.boards = append(m.boards, board(host, i))
	}
	for i := range gpus {
		m.values[cell{metric.GPUEnergyJoules, 0, i}] = 1_000_000
	}
	m.has(metric.HostUp, 0)
	m.has(metric.HostGPUs, 0)
	m.has(metric.HostGPUs, 1)
	if gpus > 0 {
		for _, n := range []metric.Number{metric.GPUState, metric.GPUPowerWatts, metric.GPURowRemapPending, metric.GPURowRemapFailed, metric.GPUPagesPending,
			metric.GPUSRAMThreshold, metric.GPUMemoryUnrepairable, metric.GPUPCIeReplays, metric.GPUEnergyJoules} {
			m.has(n, 0)
		}
		for _, n := range []metric.Number{metric.GPUECCErrors, metric.GPURemappedRows, metric.GPURetiredPages, metric.GPUSlowdownSeconds, metric.GPUNVLinkErrors} {
			for p := range metric.Lookup(n).Points() {
				m.has(n, uint32(p))
			}
		}
		for _, end := range []string{"now", "max"} {
			p := point(metric.GPUPCIeWidth, end)
			m.has(metric.GPUPCIeWidth, p)
			for i := range gpus {
				m.values[cell{metric.GPUPCIeWidth, p, i}] = 16
			}
		}
	}
	return m
}

func board(host string, i int) metric.Entity {
	return metric.Entity{Kind: metric.GPU, Name: fmt.Sprintf("GPU-%s-%d", host, i), Labels: []metric.Pair{{Name: "gpu", Value: strconv.Itoa(i)}, {Name: "model", Value: "H200"}}}
}

// has makes a column part of the layout; what is not set is zero.
func (m *machine) has(n metric.Number, point uint32) {
	if c := (cell{n, point, 0}); !slices.Contains(m.columns, c) {
		m.columns, m.changed = append(m.columns, c), true
	}
}

// lacks takes a column out.
func (m *machine) lacks(n metric.Number) {
	m.columns = slices.DeleteFunc(m.columns, func(c cell) bool { return c.metric == n })
	m.changed = true
}

// on puts a device, port or sensor on the host.
func (m *machine) on(kind metric.EntityKind, name string) {
	m.devices, m.changed = append(m.devices, metric.Entity{Kind: kind, Name: name}), true
}

// set is m's value of a metric of its k-th thing from now on.
func (m *machine) set(n metric.Number, point uint32, k int, v metric.Raw) {
	m.has(n, point)
	m.values[cell{n, point, k}] = v
}

func (m *machine) add(n metric.Number, point uint32, k int, v metric.Raw) {
	m.set(n, point, k, m.values[cell{n, point, k}]+v)
}

// state is what is known of a board: all its values are missing unless it is ok.
func (m *machine) state(k int, v metric.Raw) { m.set(metric.GPUState, 0, k, v) }

// energy is what a board's counter shows.
func (m *machine) energy(k int, v metric.Raw) { m.set(metric.GPUEnergyJoules, 0, k, v) }

// xid happens n times on a board, now by the host's clock.
func (m *machine) xid(k int, code uint32, n int) {
	m.add(metric.GPUXIDEvents, code, k, metric.Raw(n))
	m.set(metric.GPUXIDTime, code, k, metric.Raw(m.now().Add(m.skew).UnixMilli()))
}

// agentAnew is what a restart of the agent does: events are those since.
func (m *machine) agentAnew() {
	m.lacks(metric.GPUXIDEvents)
	m.lacks(metric.GPUXIDTime)
	m.lacks(metric.NVSwitchErrors)
	for c := range m.values {
		if c.metric == metric.GPUXIDEvents || c.metric == metric.GPUXIDTime || c.metric == metric.NVSwitchErrors {
			delete(m.values, c)
		}
	}
}

func (m *machine) now() time.Time { return time.Now().Add(m.ahead) }

// compile makes the layout.
func (m *machine) compile() {
	if !m.changed {
		return
	}
	m.changed = false
	l := &metric.Layout{Simulated: m.simulated, Entities: m.place.Entities()}
	host := len(l.Entities) - 1
	first := map[metric.EntityKind][2]int{metric.Host: {host, 1}}
	for _, group := range [][]metric.Entity{m.boards, m.devices} {
		for _, e := range group {
			e.Parent = host
			f := first[e.Kind]
			if f[1] == 0 {
				f[0] = len(l.Entities)
			}
			f[1]++
			first[e.Kind] = f
			l.Entities = append(l.Entities, e)
		}
	}
	m.index = m.index[:0]
	for _, c := range m.columns {
		d := metric.Lookup(c.metric)
		f := first[d.Entity]
		if f[1] == 0 {
			continue
		}
		l.Columns = append(l.Columns, metric.Column{Metric: c.metric, Form: d.Form, Point: c.point, First: f[0], Count: f[1]})
		for k := range f[1] {
			m.index = append(m.index, cell{c.metric, c.point, k})
		}
	}
	if err := l.Check(); err != nil {
		panic(err)
	}
	m.layout = l
}

// tick is what the agent says now.
func (m *machine) tick() health.Tick {
	m.compile()
	values := make([]metric.Raw, len(m.index))
	for i, c := range m.index {
		v, ok := m.values[c]
		d := metric.Lookup(c.metric)
		switch {
		case c.metric == metric.GPUXIDTime && !ok:
			v = metric.Missing
		case c.metric == metric.HostGPUs && c.point == 0 && !ok:
			v = metric.Raw(len(m.boards))
		case d.Entity == metric.GPU && c.metric != metric.GPUState && c.metric != metric.GPUXIDEvents && c.metric != metric.GPUXIDTime && m.values[cell{metric.GPUState, 0, c.k}] != metric.GPUOk:
			v = metric.Missing
		case c.metric == metric.GPUEnergyJoules:
			v = m.values[c]
			m.values[c] += 700_000
		}
		values[i] = v
	}
	m.newest = values
	return health.Tick{Key: m.key, Site: m.site, Layout: m.layout, Millis: m.now().Add(m.skew).UnixMilli(), Values: values, Received: m.now()}
}

// stage is a health in a bubble of time, and the machines that report to it.
type stage struct {
	*health.Health
	t        *testing.T
	config   health.Config
	log      *bytes.Buffer
	set      *metrics.Set
	machines []*machine
}

// inBubble runs f on a stage with machines of eight GPUs each.
func inBubble(t *testing.T, hosts int, f func(s *stage)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, log: &bytes.Buffer{}, config: health.Config{File: filepath.Join(dir, "health.json")}}
		for i := range hosts {
			s.machines = append(s.machines, newMachine(fmt.Sprintf("n%d", i+1), 8))
		}
		s.start()
		f(s)
		if t.Failed() {
			t.Log(s.log)
		}
	})
}

// start starts the aggregator, with what its files say.
func (s *stage) start() {
	s.t.Helper()
	c := s.config
	s.set = metrics.NewSet()
	c.Logger, c.Metrics = slog.New(slog.NewTextHandler(s.log, nil)), s.set
	var err error
	if s.Health, err = health.New(c); err != nil {
		s.t.Fatal(err)
	}
}

// runs lets time pass, and all who are up report every second.
func (s *stage) runs(d time.Duration) { s.every(time.Second, d) }

// passes lets much time pass, with as few reports as do.
func (s *stage) passes(d time.Duration) { s.every(20*time.Second, d) }

// leaps lets very much time pass at once, and all report at its end.
func (s *stage) leaps(d time.Duration) {
	time.Sleep(d)
	s.runs(2 * time.Second)
}

func (s *stage) every(step, d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		for _, m := range s.machines {
			if m.up {
				s.Observe(m.tick())
			}
		}
		time.Sleep(step)
		s.Sweep(time.Now())
	}
}

// lines is the report: state, who, and the causes, with their state where it is
// not the worst.
func (s *stage) lines() []string {
	s.t.Helper()
	r := s.Report("fra1", 0, time.Now())
	if r == nil {
		s.t.Fatal("there is no report")
	}
	lines := []string{}
	if r.Blind != nil {
		lines = append(lines, "blind: "+r.Blind.Evidence)
	}
	for _, c := range r.Common {
		lines = append(lines, fmt.Sprintf("common on %d hosts: %s × %d", c.Hosts, c.Cause, c.Count))
	}
	for _, v := range r.Subjects {
		who := v.Host
		if v.Kind == "gpu" {
			who += "/" + v.GPU
		}
		var causes []string
		for _, f := range v.Findings {
			c := f.Cause
			if f.State != v.State {
				c += "(" + f.State.String() + ")"
			}
			causes = append(causes, c)
		}
		lines = append(lines, fmt.Sprintf("%s %s: %s", v.State, who, strings.Join(causes, " ")))
	}
	return lines
}

func (s *stage) want(when string, lines ...string) {
	s.t.Helper()
	if lines == nil {
		lines = []string{}
	}
	if d := cmp.Diff(lines, s.lines()); d != "" {
		s.t.Errorf("%s (-want +got):\n%s", when, d)
	}
}

// finding is the one of that cause of a subject.
func (s *stage) finding(who, cause string) health.Finding {
	s.t.Helper()
	for _, v := range s.Report("fra1", 0, time.Now()).Subjects {
		if v.Kind == "host" && v.Host == who || v.UUID == who {
			for _, f := range v.Findings {
				if f.Cause == cause {
					return f
				}
			}
		}
	}
	s.t.Fatalf("%s has no %s: %q", who, cause, s.lines())
	return health.Finding{}
}
