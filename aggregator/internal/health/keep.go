package health

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// kept is the file.
type kept struct {
	Version int                 `json:"version"`
	Sites   map[string]keptSite `json:"sites"`
}

type keptSite struct {
	Simulated bool                   `json:"simulated,omitempty"`
	Hosts     map[string]int64       `json:"hosts"`
	Subjects  map[string]keptSubject `json:"subjects"`
}

type keptSubject struct {
	Findings []Finding        `json:"findings,omitempty"`
	Aside    map[string]bool  `json:"aside,omitempty"`
	Events   map[string]int64 `json:"events,omitempty"`
}

const keptVersion = 1

// load takes up what was kept. A damaged file is put aside: findings can be made
// anew, and nothing is accounted by them.
func (h *Health) load() error {
	if h.c.File == "" {
		return nil
	}
	b, err := os.ReadFile(h.c.File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read health: %w", err)
	}
	var k kept
	if err := json.Unmarshal(b, &k); err != nil {
		h.log.Warn("what was kept of health is damaged and put aside", "file", h.c.File, "error", err)
		return os.Rename(h.c.File, h.c.File+".damaged")
	}
	if k.Version > keptVersion {
		return fmt.Errorf("read health: %s is of version %d; this program knows %d", h.c.File, k.Version, keptVersion)
	}
	for name, ks := range k.Sites {
		s := h.site(name)
		s.simulated = ks.Simulated
		for host, heard := range ks.Hosts {
			s.hosts[host] = heard
		}
		for name, x := range ks.Subjects {
			s.subjects[name] = &subject{name: name, findings: x.Findings, aside: x.Aside, events: x.Events}
		}
	}
	return nil
}

// save replaces the file in one step.
func (h *Health) save(now time.Time) error {
	h.mu.Lock()
	k := kept{Version: keptVersion, Sites: map[string]keptSite{}}
	for name, s := range h.sites {
		ks := keptSite{s.simulated, map[string]int64{}, map[string]keptSubject{}}
		for host, heard := range s.hosts {
			ks.Hosts[host] = heard
		}
		for name, x := range s.subjects {
			ks.Subjects[name] = keptSubject{x.findings, x.aside, x.events}
		}
		k.Sites[name] = ks
	}
	b, err := json.Marshal(k)
	h.dirty, h.saved = false, now
	h.mu.Unlock()
	if h.c.File == "" {
		return nil
	}
	if err == nil {
		err = os.WriteFile(h.c.File+".new", b, 0o600)
	}
	if err == nil {
		err = os.Rename(h.c.File+".new", h.c.File)
	}
	if err != nil {
		h.mu.Lock()
		h.dirty = true
		h.mu.Unlock()
		return fmt.Errorf("keep health: %w", err)
	}
	return nil
}
