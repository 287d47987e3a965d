package host

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/rogpeppe/go-internal/txtar"
)

// A capture is a machine as files.
type capture struct {
	t    testing.TB
	root string
	s    *Source
}

func unpack(t testing.TB, name string) *capture {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join("testdata", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	c := &capture{t: t, root: t.TempDir()}
	for _, f := range a.Files {
		c.write(f.Name, string(f.Data))
	}
	for line := range strings.Lines(string(a.Comment)) {
		if from, to, ok := strings.Cut(strings.TrimSpace(line), " -> "); ok {
			c.link(strings.TrimPrefix(from, "link "), to)
		}
	}
	return c
}

func (c *capture) path(name string) string { return filepath.Join(c.root, filepath.FromSlash(name)) }

func (c *capture) write(name, text string) {
	c.t.Helper()
	if err := os.MkdirAll(filepath.Dir(c.path(name)), 0o777); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(c.path(name), []byte(text), 0o666); err != nil {
		c.t.Fatal(err)
	}
}

func (c *capture) link(name, to string) {
	c.t.Helper()
	if err := os.MkdirAll(filepath.Dir(c.path(name)), 0o777); err != nil {
		c.t.Fatal(err)
	}
	if err := os.Symlink(to, c.path(name)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *capture) open(change ...func(*Config)) {
	c.t.Helper()
	k := Config{Root: c.root, Place: metric.Place{Rack: "r1", Host: "n1"}}
	for _, f := range change {
		f(&k)
	}
	s, err := New(k)
	if err != nil {
		c.t.Fatal(err)
	}
	c.s = s
}

// read takes a reading and shows it as names and values.
func (c *capture) read() (*metric.Layout, map[string]string) {
	c.t.Helper()
	l, values, err := c.s.Read(c.t.Context(), time.Now(), []metric.Raw{42})
	if err != nil {
		c.t.Fatal(err)
	}
	return l, show(c.t, l, values[1:])
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
		for i := range col.Count {
			e := l.Entities[col.First+i]
			if e.Kind != d.Entity && d.Number != metric.CounterEpoch {
				t.Errorf("%s is measured of a %v, not of %v %s", d.Name, d.Entity, e.Kind, e.Name)
			}
			name := d.Name + " " + e.Name
			for j, label := range d.Labels {
				name += fmt.Sprintf(" %s=%s", label.Name, d.LabelValue(col.Point, j))
			}
			if e.Kind == metric.Port {
				name += " of " + l.Entities[e.Parent].Name
			}
			value := "missing"
			if values[at] != metric.Missing {
				value = fmt.Sprint(d.Value(values[at]))
			}
			if _, ok := m[name]; ok {
				t.Errorf("%s stands twice", name)
			}
			m[name] = value
			at++
		}
	}
	return m
}
