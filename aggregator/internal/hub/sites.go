package hub

import (
	"os"
	"slices"
	"time"
)

// A State is what the hub knows of a site.
type State struct {
	Site    string
	Now     *Now // nil: it was never heard
	Heard   time.Time
	Refused string // why nothing more of its log is taken; "": it is
}

// Sites are all that may speak, by name.
func (h *Hub) Sites() (all []State) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, s := range h.sites {
		all = append(all, State{name, s.now, s.heard, s.refused})
	}
	slices.SortFunc(all, func(a, b State) int {
		if a.Site < b.Site {
			return -1
		}
		return 1
	})
	return all
}

// Simulated reports whether a site says that its readings come from a model.
func (h *Hub) Simulated(site string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.sites[site]
	return s != nil && s.now != nil && s.now.Simulated
}

// Checkpoint is the newest of a site's log that the hub signed, as both did.
func (h *Hub) Checkpoint(site string, _ bool) ([]byte, error) {
	key, ok := h.c.Keys[site]
	if !ok {
		return nil, os.ErrNotExist
	}
	_, signed, err := h.c.Witness.Last(key)
	if err == nil && signed == nil {
		err = os.ErrNotExist
	}
	return signed, err
}
