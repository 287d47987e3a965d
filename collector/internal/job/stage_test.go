package job

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// uuid is that of board i of the stage.
func uuid(i int) string { return fmt.Sprintf("GPU-8a2c0000-1111-2222-3333-00000000000%x", i) }

// boardsOf are n boards; divided says how some are, by their index.
func boardsOf(n int, divided map[int][]gpu.Instance) []gpu.Identity {
	list := make([]gpu.Identity, n)
	for i := range list {
		list[i] = gpu.Identity{UUID: uuid(i), Index: i, Model: "NVIDIA H100 80GB HBM3", PCI: fmt.Sprintf("00000000:%02X:00.0", 0x10+i),
			Serial: fmt.Sprintf("165302100%04d", i), Instances: divided[i]}
	}
	return list
}

// mig are two instances that are all of a board.
func mig() []gpu.Instance {
	return []gpu.Instance{{UUID: "MIG-1", Index: 1, Parts: 3, Of: 7}, {UUID: "MIG-2", Index: 2, Parts: 4, Of: 7}}
}

// A stage is a host on which jobs run.
type stage struct {
	t      testing.TB
	root   string
	boards []gpu.Identity
	c      Config
	s      *Source
	layout *metric.Layout
}

// newStage is a host with eight boards and an empty folder of either kind.
func newStage(t testing.TB, change ...func(*Config)) *stage {
	t.Helper()
	g := &stage{t: t, root: t.TempDir(), boards: boardsOf(8, nil)}
	g.c = Config{Place: metric.Place{Hall: "h1", Host: "n1"}, Root: g.root, Boards: func() []gpu.Identity { return g.boards }}
	for _, f := range change {
		f(&g.c)
	}
	for _, dir := range []*string{&g.c.Mapping, &g.c.Drop} {
		if *dir != "" {
			*dir = g.path(*dir)
			if err := os.MkdirAll(*dir, 0o777); err != nil {
				t.Fatal(err)
			}
		}
	}
	g.open()
	return g
}

func (g *stage) open() {
	g.t.Helper()
	var err error
	if g.s, err = New(g.c); err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { g.s.Close() })
}

// unpack writes testdata/name.txtar; variables of an environ stand one a line.
func (g *stage) unpack(name string) {
	g.t.Helper()
	a, err := txtar.ParseFile(filepath.Join("testdata", name+".txtar"))
	if err != nil {
		g.t.Fatal(err)
	}
	for _, f := range a.Files {
		text := string(f.Data)
		if filepath.Base(f.Name) == "environ" {
			text = strings.ReplaceAll(text, "\n", "\x00")
		}
		g.write(f.Name, text)
	}
	for line := range strings.Lines(string(a.Comment)) {
		if from, to, ok := strings.Cut(strings.TrimSpace(line), " -> "); ok {
			g.link(strings.TrimPrefix(from, "link "), to)
		}
	}
}

func (g *stage) path(name string) string { return filepath.Join(g.root, filepath.FromSlash(name)) }

func (g *stage) write(name, text string) {
	g.t.Helper()
	if err := os.MkdirAll(filepath.Dir(g.path(name)), 0o777); err != nil {
		g.t.Fatal(err)
	}
	if err := os.WriteFile(g.path(name), []byte(text), 0o666); err != nil {
		g.t.Fatal(err)
	}
}

func (g *stage) link(name, to string) {
	g.t.Helper()
	if err := os.MkdirAll(filepath.Dir(g.path(name)), 0o777); err != nil {
		g.t.Fatal(err)
	}
	if err := os.Symlink(to, g.path(name)); err != nil {
		g.t.Fatal(err)
	}
}

func (g *stage) remove(name string) {
	g.t.Helper()
	if err := os.RemoveAll(g.path(name)); err != nil {
		g.t.Fatal(err)
	}
}

// finish sets a file's age, so that it is not taken for one being written.
func (g *stage) finish(name string) {
	g.t.Helper()
	old := time.Now().Add(-time.Minute)
	if err := os.Chtimes(g.path(name), old, old); err != nil {
		g.t.Fatal(err)
	}
}

// Holders are shares in millionths, by board and job: "3 4711" or, with a
// tenant, "3 4711/physics"; the host is "host"; -1 is missing.
type holders map[string]int64

const missing = -1

// read takes a reading, checks what is always true of one, and shows it; nil
// holders mean that the record of jobs does not answer.
func (g *stage) read() holders {
	g.t.Helper()
	l, values, err := g.s.Read(g.t.Context(), time.Now(), []metric.Raw{42})
	if err != nil {
		g.t.Fatal(err)
	}
	if values[0] != 42 {
		g.t.Fatal("the values before were overwritten")
	}
	g.layout = l
	held, answers, err := show(l, values[1:], g.boards)
	if err != nil {
		g.t.Fatal(err)
	}
	if !answers {
		for k, v := range held {
			if v != missing {
				g.t.Errorf("%s has a share though nobody answers", k)
			}
		}
		return nil
	}
	return held
}

func (g *stage) expect(want holders) {
	g.t.Helper()
	if d := cmp.Diff(want, g.read()); d != "" {
		g.t.Errorf("holders (-want +got):\n%s\n%s", d, g.s.Describe())
	}
}

// describes reports a word that Describe does not say.
func (g *stage) describes(want ...string) {
	g.t.Helper()
	for _, w := range want {
		if !strings.Contains(g.s.Describe(), w) {
			g.t.Errorf("Describe does not say %q: %s", w, g.s.Describe())
		}
	}
}

// show checks a reading of boards, and shows it.
func show(l *metric.Layout, values []metric.Raw, boards []gpu.Identity) (held holders, answers bool, err error) {
	if err := l.Check(); err != nil {
		return nil, false, err
	}
	if len(values) != l.Width() {
		return nil, false, fmt.Errorf("%d values for a layout of %d", len(values), l.Width())
	}
	names := map[string]bool{}
	held = holders{}
	sums := map[int]metric.Raw{}
	at, marks := 0, 0
	for _, c := range l.Columns {
		for i := c.First; i < c.First+c.Count; i++ {
			e, v := &l.Entities[i], values[at]
			at++
			if c.Metric == metric.CounterQuality {
				marks++
				answers = v == metric.Raw(metric.Measured)
				if c.Point != metric.EpochPoint(metric.JobHostShare, 0) || e.Kind != metric.Host || !answers && v != metric.Missing {
					return nil, false, fmt.Errorf("quality %d at point %d of %v", v, c.Point, e.Kind)
				}
				continue
			}
			p := l.Entities[e.Parent]
			key := "host"
			switch {
			case c.Metric == metric.JobGPUShare && p.Kind == metric.GPU:
				b := -1
				for k := range boards {
					if cmp.Equal(boards[k].Entity(p.Parent), p) {
						b = k
					}
				}
				if b < 0 {
					return nil, false, fmt.Errorf("board %+v is none of the host's", p)
				}
				key = fmt.Sprint(boards[b].Index)
			case c.Metric != metric.JobHostShare || p.Kind != metric.Host:
				return nil, false, fmt.Errorf("metric %d of a %v under a %v", c.Metric, e.Kind, p.Kind)
			}
			if e.Kind != metric.Job || c.Point != 0 || c.Form != metric.Int {
				return nil, false, fmt.Errorf("metric %d of a %v, form %d, point %d", c.Metric, e.Kind, c.Form, c.Point)
			}
			key += " " + e.Name
			if t := e.Label("tenant"); t != "" {
				key += "/" + t
			}
			if !utf8.ValidString(key) {
				return nil, false, fmt.Errorf("name %q is no text", key)
			}
			if id := fmt.Sprint(e.Parent, key); names[id] {
				return nil, false, fmt.Errorf("%s stands twice", key)
			} else {
				names[id] = true
			}
			if v == metric.Missing {
				held[key] = missing
				continue
			}
			if sums[e.Parent] += v; v < 0 || sums[e.Parent] > Whole {
				return nil, false, fmt.Errorf("share %d of %s, %d together", v, key, sums[e.Parent])
			}
			held[key] = int64(v)
		}
	}
	if marks != 1 {
		return nil, false, fmt.Errorf("%d columns say whether the record of jobs answers", marks)
	}
	return held, answers, nil
}
