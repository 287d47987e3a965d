package bmc

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// A memory is a file that outlasts the agent: what came of the trial of a
// register.
type memory struct {
	path string // "" forgets
	kept verdict
}

// A verdict is what is kept.
type verdict struct {
	ID       string    `json:"id"`
	Believed bool      `json:"believed"`
	Why      string    `json:"why,omitempty"` // not
	At       time.Time `json:"at"`
}

// appeal is how long a register that was not believed is not tried again.
const appeal = 7 * 24 * time.Hour

func (m *memory) load() error {
	b, err := os.ReadFile(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read verdict: %w", err)
	}
	if err := json.Unmarshal(b, &m.kept); err != nil {
		m.kept = verdict{}
		return fmt.Errorf("read verdict from %s: %w", m.path, err)
	}
	return nil
}

// of is what is known of a register; nothing if its trial is long ago.
func (m *memory) of(id string) verdict {
	if age := time.Since(m.kept.At); m.kept.ID != id || !m.kept.Believed && (age < 0 || age > appeal) {
		return verdict{}
	}
	return m.kept
}

// keep replaces the file in one step.
func (m *memory) keep(v verdict) error {
	v.At = time.Now().UTC()
	m.kept = v
	if m.path == "" {
		return nil
	}
	b, err := json.Marshal(v)
	if err == nil {
		err = os.WriteFile(m.path+".new", b, 0o600)
	}
	if err == nil {
		err = os.Rename(m.path+".new", m.path)
	}
	if err != nil {
		return fmt.Errorf("keep verdict: %w", err)
	}
	return nil
}
