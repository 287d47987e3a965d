package gpu

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// fake is a driver whose boards a test holds in its hands.
type fake struct {
	boards   []Board
	events   []Event // of the next reading
	sockets  []Socket
	switches []Switch
	err      error
	frozen   bool // the engine answers, with what it knew before
	closed   bool
}

func (f *fake) Name() string { return "fake" }

func (f *fake) Close() error { f.closed = true; return nil }

func (f *fake) Read(_ context.Context, now time.Time, r *Reading) error {
	if f.err != nil {
		r.Refused = []string{"refused: " + f.err.Error() + "."}
		return f.err
	}
	if !f.frozen {
		for i := range f.boards {
			f.boards[i].Time = now.UnixMicro()
		}
	}
	r.Found, r.Refused = fmt.Sprintf("fake 1.0: %d boards", len(f.boards)), nil
	r.Boards, r.Sockets, r.Switches = slices.Clone(f.boards), f.sockets, f.switches
	r.Events, f.events = f.events, nil
	return nil
}

// healthy are n boards that draw 100 W and have drawn 1000 J.
func healthy(n int) *fake {
	f := &fake{}
	for i := range n {
		b := Board{UUID: fmt.Sprintf("GPU-%d", i), Index: i, Model: "H100", PCI: fmt.Sprintf("00000000:%02X:00.0", 0x3b+i), Driver: "550.54"}
		b.Clear()
		b.Values[Power] = metric.Of(100)
		b.Values[Energy] = 1_000_000
		b.Values[Temperature] = metric.Of(40)
		f.boards = append(f.boards, b)
	}
	return f
}

// blank takes all that board i says.
func (f *fake) blank(i int) { f.boards[i].Clear() }

// draw makes board i draw so many watts for the second that comes.
func (f *fake) draw(i int, watts float64) {
	f.boards[i].Values[Power] = metric.Of(watts)
	f.boards[i].Values[Energy] += metric.Raw(watts * 1000)
}

// stage is a host with a source that reads fake boards. Its ticks are a second
// apart.
type stage struct {
	t      *testing.T
	root   string
	d      *fake
	c      Config
	s      *Source
	layout *metric.Layout
}

func newStage(t *testing.T, d *fake, change ...func(*Config)) *stage {
	t.Helper()
	g := &stage{t: t, root: t.TempDir(), d: d}
	g.write("proc/sys/kernel/random/boot_id", "6a1c94f2-2d5c-4d0c-9f0b-7c1c1e8f3d11\n")
	g.write("dev/kmsg", "")
	g.c = Config{Driver: d, Place: metric.Place{Rack: "r1", Host: "n1"}, Root: g.root, State: filepath.Join(g.root, "lives")}
	for _, f := range change {
		f(&g.c)
	}
	g.start()
	return g
}

// start starts the agent, once more if it runs.
func (g *stage) start() {
	g.t.Helper()
	g.stop()
	s, err := New(g.c)
	if err != nil {
		g.t.Fatal(err)
	}
	g.s = s
}

func (g *stage) stop() {
	if g.s != nil {
		if err := g.s.Close(); err != nil {
			g.t.Error(err)
		}
		g.s = nil
	}
}

func (g *stage) write(name, text string) {
	g.t.Helper()
	path := filepath.Join(g.root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		g.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		g.t.Fatal(err)
	}
}

// log adds lines to the kernel's log.
func (g *stage) log(lines ...string) {
	g.t.Helper()
	f, err := os.OpenFile(filepath.Join(g.root, "dev/kmsg"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		g.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(strings.Join(lines, "\n") + "\n"); err != nil {
		g.t.Fatal(err)
	}
}

// read takes a reading now and shows it by names and values.
func (g *stage) read() map[string]string {
	g.t.Helper()
	l, values, err := g.s.Read(g.t.Context(), time.Now(), []metric.Raw{42})
	if err != nil {
		g.t.Fatal(err)
	}
	g.layout = l
	return show(g.t, l, values[1:])
}

// tick takes a reading a second later.
func (g *stage) tick() map[string]string {
	g.t.Helper()
	time.Sleep(time.Second)
	return g.read()
}

func show(t testing.TB, l *metric.Layout, values []metric.Raw) map[string]string {
	t.Helper()
	if err := l.Check(); err != nil {
		t.Fatal(err)
	}
	if len(values) != l.Width() {
		t.Fatalf("%d values for a layout of %d", len(values), l.Width())
	}
	m := map[string]string{}
	at := 0
	for _, col := range l.Columns {
		d := metric.Lookup(col.Metric)
		if d.Form != col.Form {
			t.Errorf("%s has the form %d", d.Name, col.Form)
		}
		for i := range col.Count {
			e := l.Entities[col.First+i]
			if e.Kind != d.Entity && d.Number != metric.CounterEpoch && d.Number != metric.CounterQuality {
				t.Errorf("%s is measured of a %v, not of %v %s", d.Name, d.Entity, e.Kind, e.Name)
			}
			name := d.Name + " " + e.Name
			switch {
			case d.Number == metric.CounterEpoch || d.Number == metric.CounterQuality:
				name += " " + metric.Lookup(metric.Number(col.Point>>16)).Name
				if p := col.Point & 0xffff; p > 0 {
					name += fmt.Sprint(" ", p)
				}
			case d.Kind != metric.State:
				for j, label := range d.Labels {
					name += fmt.Sprintf(" %s=%s", label.Name, d.LabelValue(col.Point, j))
				}
			}
			v := values[at]
			at++
			if _, ok := m[name]; ok {
				t.Errorf("%s stands twice", name)
			}
			switch {
			case v == metric.Missing:
				m[name] = "missing"
			case d.Kind == metric.State:
				m[name] = d.Labels[0].Values[v]
			case d.Number == metric.CounterEpoch:
				m[name] = fmt.Sprintf("%x", int64(v))
			default:
				m[name] = fmt.Sprint(d.Value(v))
			}
		}
	}
	return m
}

// states are those of the boards of a reading, by index.
func (g *stage) states(got map[string]string) string {
	var all []string
	for _, e := range g.layout.Entities {
		if e.Kind == metric.GPU {
			all = append(all, got["gpu_state "+e.Name])
		}
	}
	return strings.Join(all, " ")
}
