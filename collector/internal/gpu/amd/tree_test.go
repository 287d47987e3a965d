package amd

import (
	"encoding/binary"
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

// unpack writes testdata/name.txtar, and table as the gpu_metrics of each AMD
// device in it.
func unpack(t testing.TB, name string, table []byte) *machine {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join("testdata", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{t: t, root: t.TempDir()}
	for _, f := range a.Files {
		m.write(f.Name, string(f.Data))
		if dir, ok := strings.CutSuffix(f.Name, "/vendor"); ok && strings.TrimSpace(string(f.Data)) == vendor && table != nil {
			m.write(dir+"/gpu_metrics", string(table))
		}
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

// A shape is where a C compiler puts the members of struct gpu_metrics_v1_N, and
// how large it makes it.
type shape struct {
	content             byte
	size, power, energy int
}

var shapes = []shape{
	{1, 96, 22, 24}, {2, 104, 22, 24}, {3, 120, 22, 24}, {4, 288, 10, 24}, {5, 360, 10, 88},
	{6, 384, 10, 88}, // as first proposed
	{6, 1664, 10, 16}, {7, 2208, 10, 24}, {8, 3872, 10, 24},
}

// table is a table of that shape: all bits set but the header, the power and
// the energy, as the kernel fills it.
func (s shape) table(watts uint16, energy uint64) []byte {
	b := make([]byte, s.size)
	for i := range b {
		b[i] = 0xff
	}
	binary.LittleEndian.PutUint16(b, uint16(s.size))
	b[2], b[3] = 1, s.content
	binary.LittleEndian.PutUint16(b[s.power:], watts)
	binary.LittleEndian.PutUint64(b[s.energy:], energy)
	return b
}

// An attribute is one of revision 1.9: value is what it holds, little endian,
// instances times.
type attribute struct {
	unit, kind, id uint64
	instances      int
	value          []byte
}

// attributes is a table of revision 1.9.
func attributes(list ...attribute) []byte {
	b := []byte{0, 0, 1, 9}
	b = binary.LittleEndian.AppendUint32(b, uint32(len(list)))
	for _, a := range list {
		b = binary.LittleEndian.AppendUint64(b, a.unit<<24|a.kind<<20|a.id<<10|uint64(a.instances))
		b = append(b, a.value...)
	}
	binary.LittleEndian.PutUint16(b, uint16(len(b)))
	return b
}

func u16(v uint16) []byte { return binary.LittleEndian.AppendUint16(nil, v) }
func u64(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }
