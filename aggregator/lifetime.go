package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"sync"

	"github.com/gigawatch/gigawatch/aggregator/internal/durable"
)

// lifetimes are the counters of sites as they are shown: what was drawn since the
// ledger began, going up only. What the ledger says of that steps when what is
// stated of a site changes, as when a role is set right: then the counter goes on
// from where it stands, for who reads it takes a step for energy that was drawn
// just then.
type lifetimes struct {
	file string // in which they outlive the process; "": they do not
	log  *slog.Logger

	mu sync.Mutex
	of map[string]*lifetime // by site and what is counted
}

// lifetime is one counter.
type lifetime struct {
	Terms string  `json:"terms"` // by which the ledger counts, as of Shown
	Ahead float64 `json:"ahead"` // of what the ledger says
	Shown float64 `json:"shown"`

	here bool // it was shown by this process
}

// lifetimesFile is in the data folder.
const lifetimesFile = "counters.json"

// newLifetimes goes on with what is in file, if there is one.
func newLifetimes(file string, log *slog.Logger) *lifetimes {
	l := &lifetimes{file: file, log: log, of: map[string]*lifetime{}}
	if file == "" {
		return l
	}
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, &l.of)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.Error("counters of sites not read, they begin anew", "file", file, "error", err)
		l.of = map[string]*lifetime{}
	}
	for k, x := range l.of {
		if x == nil {
			delete(l.of, k)
		}
	}
	return l
}

// show is the counter called key of which the ledger says v, by a version of what
// is stated.
func (l *lifetimes) show(key, terms string, v float64) float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	x := l.of[key]
	if x == nil {
		x = &lifetime{Terms: terms, here: true}
		l.of[key] = x
	}
	// What changed while nobody looked may as well have been drawn.
	if changed := x.Terms != terms; changed && (x.here || v+x.Ahead < x.Shown) {
		x.Ahead = x.Shown - v
		defer l.keep()
	}
	x.Terms, x.here = terms, true
	// Export is booked apart from what comes in, so that a difference may step back
	// for a moment; a counter must not.
	x.Shown = max(x.Shown, v+x.Ahead)
	return x.Shown
}

// save keeps the counters as they stand.
func (l *lifetimes) save() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keep()
}

func (l *lifetimes) keep() {
	if l.file == "" {
		return
	}
	b, err := json.Marshal(l.of)
	if err == nil {
		err = durable.Replace(l.file, b, 0o644)
	}
	if err != nil {
		l.log.Error("counters of sites not kept", "file", l.file, "error", err)
	}
}
