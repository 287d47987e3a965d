package meter

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"sync"
	"time"
)

// A memory is a file that outlasts the agent: the lives of registers.
type memory struct {
	path string // "" forgets

	mu    sync.Mutex // guards the rest
	lives map[string]life
	dirty bool
}

// The file. Another version is not read.
type remembered struct {
	Version int             `json:"version"`
	Lives   map[string]life `json:"registers"`
}

const memoryVersion = 1

// forget is how long a register that is not configured is remembered.
const forget = 400 * 24 * time.Hour

// openMemory reads the file at path. The error says why it could not be read;
// the memory is good even so.
func openMemory(path string) (*memory, error) {
	m := &memory{path: path, lives: map[string]life{}}
	if path == "" {
		return m, nil
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return m, fmt.Errorf("read lives of meters: %w", err)
	}
	var r remembered
	if err := json.Unmarshal(b, &r); err != nil {
		return m, fmt.Errorf("read lives of meters from %s: %w", path, err)
	}
	if r.Version != memoryVersion {
		return m, fmt.Errorf("read lives of meters from %s: version %d, want %d", path, r.Version, memoryVersion)
	}
	for name, l := range r.Lives {
		if l.whole() && time.Since(l.At) < forget {
			m.lives[name] = l
		}
	}
	return m, nil
}

// whole reports whether l can be gone on with.
func (l *life) whole() bool {
	within := func(n int64) bool { return n > -turn && n < turn }
	return l.Epoch > 0 && l.Size.valid() && l.Left < l.Size.Den && l.Shown >= 0 && within(l.Shown) && within(l.Count) && l.Filled >= 0 && within(l.Filled) &&
		(l.Before == nil || l.Before.Left < l.Size.Den && within(l.Before.Count))
}

// of is what is known of a register.
func (m *memory) of(name string) (life, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l, ok := m.lives[name]
	return l, ok
}

// keep notes what is to be remembered of a register with the next save.
func (m *memory) keep(name string, l life) {
	if l.Aside != nil {
		a := *l.Aside
		l.Aside = &a
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lives[name], m.dirty = l, true
}

// save replaces the file in one step, if there is something new.
func (m *memory) save() error {
	m.mu.Lock()
	was := m.dirty
	r := remembered{memoryVersion, maps.Clone(m.lives)}
	m.dirty = false
	m.mu.Unlock()
	if m.path == "" || !was {
		return nil
	}
	b, err := json.Marshal(r)
	if err == nil {
		err = os.WriteFile(m.path+".new", b, 0o600)
	}
	if err == nil {
		err = os.Rename(m.path+".new", m.path)
	}
	if err != nil {
		m.mu.Lock()
		m.dirty = true
		m.mu.Unlock()
		return fmt.Errorf("remember the lives of meters: %w", err)
	}
	return nil
}
