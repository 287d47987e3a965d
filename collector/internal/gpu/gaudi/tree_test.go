package gaudi

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/rogpeppe/go-internal/txtar"
)

// A machine is a sys file system, written from the layouts that the kernel
// documents.
type machine struct {
	t    testing.TB
	root string
	d    *Driver
	r    gpu.Reading
}

// unpack writes testdata/name.txtar.
func unpack(t testing.TB, name string) *machine {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join("testdata", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{t: t, root: t.TempDir()}
	for _, f := range a.Files {
		m.write(f.Name, string(f.Data))
	}
	for line := range strings.Lines(string(a.Comment)) {
		if from, to, ok := strings.Cut(strings.TrimSpace(line), " -> "); ok {
			m.link(strings.TrimPrefix(from, "link "), to)
		}
	}
	return m
}

func (m *machine) path(name string) string { return filepath.Join(m.root, filepath.FromSlash(name)) }

func (m *machine) write(name, text string) {
	m.t.Helper()
	if err := os.MkdirAll(filepath.Dir(m.path(name)), 0o777); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(m.path(name), []byte(text), 0o666); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) link(name, to string) {
	m.t.Helper()
	if err := os.MkdirAll(filepath.Dir(m.path(name)), 0o777); err != nil {
		m.t.Fatal(err)
	}
	if err := os.Symlink(to, m.path(name)); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) remove(name string) {
	m.t.Helper()
	if err := os.RemoveAll(m.path(name)); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) open() {
	m.t.Helper()
	d, err := Open(Config{Root: m.root})
	if err != nil {
		m.t.Fatal(err)
	}
	m.d = d
}

func (m *machine) read() []gpu.Board {
	m.t.Helper()
	if err := m.d.Read(m.t.Context(), time.Now(), &m.r); err != nil {
		m.t.Fatal(err)
	}
	return m.r.Boards
}

// values are those of b that are there, in base units.
func values(b gpu.Board) map[gpu.Slot]float64 {
	v := map[gpu.Slot]float64{}
	for s, raw := range b.Values {
		if raw != metric.Missing {
			v[gpu.Slot(s)] = gpu.Slot(s).Def().Value(raw)
		}
	}
	return v
}
