package rule_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/health"
	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
	table "github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A machine is a host with its agent.
type machine struct {
	name   string
	layout *metric.Layout
	values []metric.Raw
	up     bool
	late   bool
}

// columns of a machine, each of its GPUs but those of the host.
var columns = []struct {
	metric metric.Number
	point  uint32
}{
	{metric.HostUp, 0}, {metric.HostGPUs, 0}, {metric.HostPowerWatts, 0}, {metric.AgentSpoolDropped, 0},
	{metric.GPUState, 0}, {metric.GPUMemoryTemperature, 0}, {metric.GPUTemperature, 0}, {metric.GPUSMClock, 0}, {metric.GPUUtilization, 0},
	{metric.GPURecoveryAction, 0}, {metric.GPURowRemapFailed, 0}, {metric.GPUXIDEvents, 79}, {metric.GPUXIDTime, 79},
	{metric.GPUSlowdownSeconds, 5}, {metric.GPUXIDEvents, 45}, {metric.GPUXIDTime, 45}, {metric.GPUXIDEvents, 95}, {metric.GPUXIDTime, 95},
}

func newMachine(hall, rack, host string, gpus int, job string) *machine {
	m := &machine{name: host, up: true}
	l := &metric.Layout{Entities: metric.Place{Hall: hall, Rack: rack, Host: host}.Entities()}
	at := len(l.Entities) - 1
	for i := range gpus {
		l.Entities = append(l.Entities, metric.Entity{Kind: metric.GPU, Name: fmt.Sprintf("GPU-%s-%d", host, i), Parent: at, Labels: []metric.Pair{{Name: "gpu", Value: fmt.Sprint(i)}}})
	}
	for i := range gpus {
		if job != "" {
			l.Entities = append(l.Entities, metric.Entity{Kind: metric.Job, Name: job, Parent: at + 1 + i})
		}
	}
	for _, c := range columns {
		d := metric.Lookup(c.metric)
		first, n := at, 1
		if d.Entity == metric.GPU {
			first, n = at+1, gpus
		}
		if n == 0 {
			continue
		}
		l.Columns = append(l.Columns, metric.Column{Metric: c.metric, Form: d.Form, Point: c.point, First: first, Count: n})
		v := metric.Raw(0)
		switch c.metric {
		case metric.HostUp:
			v = 1
		case metric.HostGPUs:
			v = metric.Raw(gpus)
		case metric.HostPowerWatts:
			v = metric.Of(8000)
		case metric.GPUMemoryTemperature, metric.GPUTemperature:
			v = metric.Of(60)
		case metric.GPUSMClock:
			v = 1_900_000_000
		case metric.GPUUtilization:
			v = metric.Of(1)
		case metric.GPUXIDTime:
			v = metric.Missing
		}
		for range n {
			m.values = append(m.values, v)
		}
	}
	m.layout = l
	return m
}

// set is a value of the k-th GPU, or of the host, from now on.
func (m *machine) set(n metric.Number, point uint32, k int, v metric.Raw) {
	at := 0
	for _, c := range m.layout.Columns {
		if c.Metric == n && c.Point == point {
			m.values[at+k] = v
			return
		}
		at += c.Count
	}
	panic(fmt.Sprint("no column of metric ", n))
}

// xid happens on the k-th GPU now.
func (m *machine) xid(k int, code uint32) {
	at := 0
	for _, c := range m.layout.Columns {
		if c.Metric == metric.GPUXIDEvents && c.Point == code {
			m.values[at+k]++
		}
		at += c.Count
	}
	m.set(metric.GPUXIDTime, code, k, metric.Raw(time.Now().UnixMilli()))
}

// stage is an evaluator beside a health in a bubble of time, and the machines that
// report to both.
type stage struct {
	*rule.Evaluator
	t        *testing.T
	health   *health.Health
	config   rule.Config
	files    string
	log      bytes.Buffer
	metrics  *metrics.Set
	machines []*machine
	removed  map[string]bool // hosts that the inventory has no more
	held     []health.Held   // agents of which nothing is taken
	deaf     bool            // the bus is away
	late     bool            // the ledger lane is
	inbox    inbox
	sink     func([]rule.Message) // besides; nil: nobody
}

// inbox is what receivers were told.
type inbox struct {
	began time.Time
	lines []string // "12s CRITICAL HostSilent n1"
	now   map[string]rule.Message
}

func (b *inbox) take(list []rule.Message) {
	for _, m := range list {
		get := func(name string) string {
			for _, p := range m.Labels {
				if p.Name == name {
					return p.Value
				}
			}
			return ""
		}
		what := get("alertname")
		for _, name := range []string{"hall", "rack", "host", "gpu"} {
			if v := get(name); v != "" {
				what += " " + v
			}
		}
		_, firing := b.now[m.Key()]
		at := fmt.Sprintf("%ds ", int(time.Since(b.began).Round(time.Second).Seconds()))
		switch {
		case m.Ended && firing:
			b.lines = append(b.lines, at+"over: "+what)
			delete(b.now, m.Key())
		case !m.Ended && !firing:
			b.lines = append(b.lines, at+what)
			b.now[m.Key()] = m
		}
	}
}

// inBubble runs f on a stage.
func inBubble(t *testing.T, machines []*machine, f func(s *stage)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, files: dir, machines: machines}
		s.config.Rules = table.Table()
		s.inbox = inbox{began: time.Now(), now: map[string]rule.Message{}}
		s.start()
		f(s)
		if t.Failed() {
			t.Log(s.log.String())
		}
	})
}

// start starts the aggregator, with what its files say.
func (s *stage) start() {
	s.t.Helper()
	log := slog.New(slog.NewTextHandler(&s.log, nil))
	var err error
	if s.health, err = health.New(health.Config{File: filepath.Join(s.files, "health.json"), Held: func() []health.Held { return s.held }}); err != nil {
		s.t.Fatal(err)
	}
	s.metrics = metrics.NewSet()
	c := s.config
	c.File, c.WindowsFile = filepath.Join(s.files, "alerts.json"), filepath.Join(s.files, "windows.json")
	c.Logger, c.Metrics, c.Self = log, s.metrics, "here"
	c.Health, c.Hosts, c.Connected = judged(s.health), s.expected, func() bool { return !s.deaf }
	c.Send = func(list []rule.Message) {
		s.inbox.take(list)
		if s.sink != nil {
			s.sink(list)
		}
	}
	if s.Evaluator, err = rule.New(c); err != nil {
		s.t.Fatal(err)
	}
}

// judged and hosts are health as the evaluator asks it.
func judged(h *health.Health) func(bool, time.Time) []rule.Judgement {
	return func(all bool, now time.Time) (out []rule.Judgement) {
		for _, c := range h.Changes(all, now) {
			j := rule.Judgement{Site: c.Site, Hall: c.Hall, Rack: c.Rack, Host: c.Host, GPU: c.GPU, UUID: c.UUID, Simulated: c.Simulated}
			for _, f := range c.Findings {
				j.Findings = append(j.Findings, rule.Finding{Cause: f.Cause, State: f.State.String(), Action: string(f.Action), Evidence: f.Evidence, Advice: f.Advice, Since: f.Since, Last: f.Last, Count: f.Count, Stands: f.Stands})
			}
			out = append(out, j)
		}
		return out
	}
}

func hosts(h *health.Health) func() []rule.Host {
	return func() (out []rule.Host) {
		for _, x := range h.Hosts(nil) {
			out = append(out, rule.Host(rule.Host{Site: x.Site, Hall: x.Hall, Rack: x.Rack, Name: x.Name, Simulated: x.Simulated, Heard: x.Heard, Held: x.Held}))
		}
		return out
	}
}

// expected are the hosts of the inventory.
func (s *stage) expected() []rule.Host {
	return slices.DeleteFunc(hosts(s.health)(), func(h rule.Host) bool { return s.removed[h.Name] })
}

// restart ends the aggregator as a power cut does, and starts it again after a while.
// Which hosts there are was written long before.
func (s *stage) restart(after time.Duration) {
	s.t.Helper()
	ctx, end := context.WithCancel(s.t.Context())
	end()
	if err := s.health.Run(ctx); err != nil {
		s.t.Fatal(err)
	}
	time.Sleep(after)
	s.start()
}

func (s *stage) tick(m *machine, received time.Time) {
	s.health.Observe(health.Tick{Key: "fra1/" + m.name, Site: "fra1", Layout: m.layout, Millis: received.UnixMilli(), Values: m.values, Received: received, Late: m.late})
	s.Observe(rule.Tick{Key: "fra1/" + m.name, Site: "fra1", Agent: m.name, Layout: m.layout, Values: m.values, Received: received, Late: m.late})
}

// runs lets time pass, and all who are up report every second.
func (s *stage) runs(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		if !s.deaf {
			for _, m := range s.machines {
				if m.up {
					s.tick(m, time.Now())
				}
			}
		}
		time.Sleep(time.Second)
		s.health.Sweep(time.Now())
		s.Step(time.Now())
	}
}

// settles lets a minute pass, and begins to count.
func (s *stage) settles() {
	s.runs(time.Minute)
	s.inbox.began, s.inbox.lines = time.Now(), nil
}

// told are the lines that are not of what ends, in their order.
func (s *stage) told() (lines []string) {
	for _, l := range s.inbox.lines {
		if !strings.Contains(l, "over: ") {
			lines = append(lines, l)
		}
	}
	return lines
}

func (s *stage) want(when string, lines ...string) {
	s.t.Helper()
	if d := cmp.Diff(lines, slices.Clip(s.inbox.lines)); d != "" {
		s.t.Errorf("%s (-want +got):\n%s", when, d)
	}
	s.inbox.lines = nil
}

// site is so many racks of so many hosts in each hall.
func racks(halls, racks, hosts, gpus int) (list []*machine) {
	for h := range halls {
		for r := range racks {
			for n := range hosts {
				list = append(list, newMachine(fmt.Sprintf("h%d", h+1), fmt.Sprintf("h%dr%02d", h+1, r+1), fmt.Sprintf("h%dr%02dn%02d", h+1, r+1, n+1), gpus, ""))
			}
		}
	}
	return list
}

// in are the machines of a rack, or of a hall.
func (s *stage) in(prefix string) (list []*machine) {
	for _, m := range s.machines {
		if strings.HasPrefix(m.name, prefix) {
			list = append(list, m)
		}
	}
	return list
}

// within reports whether a line of an inbox is of a time.
func within(line string, from, to int) bool {
	var at int
	if _, err := fmt.Sscanf(line, "%ds", &at); err != nil {
		return false
	}
	return from <= at && at <= to
}

// sortedPairs are labels, by name and value.
func sortedPairs(list ...string) (out []metric.Pair) {
	for i := 0; i < len(list); i += 2 {
		out = append(out, metric.Pair{Name: list[i], Value: list[i+1]})
	}
	return out
}
