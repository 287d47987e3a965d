package ledger

import (
	"errors"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
)

var (
	errCrash = errors.New("the machine stopped")
	errIO    = errors.New("input/output error")
)

// memory is a disk that forgets, when the power goes, what was not synced.
type memory struct {
	rng    *rand.Rand
	files  map[string]*inode // names now
	stored map[string]*inode // names that are durable
	left   int               // operations before the power goes; -1: never
	torn   bool              // the operation at which it goes is done in part
	broken int               // operations before one fails for once; -1: never
	ops    int
}

type inode struct {
	data   []byte
	synced []byte
}

func newMemory(rng *rand.Rand) *memory {
	return &memory{rng: rng, files: map[string]*inode{}, stored: map[string]*inode{}, left: -1, broken: -1}
}

// step counts an operation; done in part if it is the last.
func (m *memory) step() (part bool, err error) {
	m.ops++
	if m.broken == 0 {
		m.broken = -1
		return false, errIO
	}
	if m.broken > 0 {
		m.broken--
	}
	switch m.left {
	case -1:
		return false, nil
	case 0:
		if m.torn {
			m.torn = false
			return true, errCrash
		}
		return false, errCrash
	}
	m.left--
	return false, nil
}

// restart is the disk as the machine finds it when the power is back: of what
// was not synced, anything may have survived.
func (m *memory) restart() *memory {
	n := newMemory(m.rng)
	for name, f := range m.stored {
		if now := m.files[name]; now != f && m.rng.IntN(2) == 0 { // renamed over, and it held
			if now == nil {
				continue
			}
			f = now
		}
		n.keep(name, f)
	}
	for name, f := range m.files {
		if m.stored[name] == nil && m.rng.IntN(2) == 0 {
			n.keep(name, f)
		}
	}
	return n
}

func (m *memory) keep(name string, f *inode) {
	data := slices.Clone(f.synced)
	if len(f.data) > len(f.synced) && slices.Equal(f.data[:len(f.synced)], f.synced) {
		data = slices.Clone(f.data[:len(f.synced)+m.rng.IntN(len(f.data)-len(f.synced)+1)])
	} else if m.rng.IntN(2) == 0 {
		data = slices.Clone(f.data)
	}
	x := &inode{data, slices.Clone(data)}
	m.files[name], m.stored[name] = x, x
}

func (m *memory) ReadFile(name string) ([]byte, error) {
	f := m.files[name]
	if f == nil {
		return nil, fs.ErrNotExist
	}
	return slices.Clone(f.data), nil
}

func (m *memory) ReadHead(name string, n int) ([]byte, error) {
	b, err := m.ReadFile(name)
	return b[:min(n, len(b))], err
}

func (m *memory) Write(name string, b []byte) error {
	part, err := m.step()
	if part {
		b = b[:m.rng.IntN(len(b)+1)]
	} else if err != nil {
		return err
	}
	m.files[name] = &inode{data: slices.Clone(b)}
	return err
}

func (m *memory) Append(name string, size int64, b []byte) error {
	part, err := m.step()
	if part {
		b = b[:m.rng.IntN(len(b)+1)]
	} else if err != nil {
		return err
	}
	f := m.files[name]
	if f == nil {
		f = &inode{}
		m.files[name] = f
	}
	f.data = append(slices.Clone(f.data[:min(size, int64(len(f.data)))]), make([]byte, max(0, size-int64(len(f.data))))...)
	f.data = append(f.data, b...)
	return err
}

func (m *memory) Sync(name string) error {
	if _, err := m.step(); err != nil {
		return err
	}
	f := m.files[name]
	if f == nil {
		return fs.ErrNotExist
	}
	f.synced = slices.Clone(f.data)
	return nil
}

func (m *memory) Rename(from, to string) error {
	if _, err := m.step(); err != nil {
		return err
	}
	if m.files[from] == nil {
		return fs.ErrNotExist
	}
	m.files[to] = m.files[from]
	delete(m.files, from)
	return nil
}

func (m *memory) SyncDir(name string) error {
	if _, err := m.step(); err != nil {
		return err
	}
	for n := range m.stored {
		if path.Dir(n) == name && m.files[n] == nil {
			delete(m.stored, n)
		}
	}
	for n, f := range m.files {
		if path.Dir(n) == name {
			m.stored[n] = f
		}
	}
	return nil
}

func (m *memory) MkdirAll(string) error { return nil }

func (m *memory) List(name string) ([]string, error) {
	found := map[string]bool{}
	for n := range m.files {
		if rest, ok := strings.CutPrefix(n, name+"/"); ok {
			first, _, _ := strings.Cut(rest, "/")
			found[first] = true
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}
