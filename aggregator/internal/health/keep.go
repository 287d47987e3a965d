package health

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/durable"
	"github.com/gigawatch/gigawatch/collector/metric"
)

const (
	saveEvery  = 10 * time.Second // findings may be unsaved for so long
	countEvery = 5 * time.Minute  // and the inventory
)

// keptVersion is of both files.
const keptVersion = 1

// kept is the file of findings.
type kept struct {
	Version int                 `json:"version"`
	Judged  int64               `json:"judged"` // how far the bus was, ms since 1970
	Sites   map[string]keptSite `json:"sites"`
}

type keptSite struct {
	Simulated bool                   `json:"simulated,omitempty"`
	Hosts     map[string]keptSubject `json:"hosts,omitempty"`
	GPUs      map[string]keptSubject `json:"gpus,omitempty"`
	XIDs      []keptXIDs             `json:"xids,omitempty"`
}

// keptSubject has what is kept of a host or GPU; the maps are shared with what is
// saved, and never with what is judged.
type keptSubject struct {
	Findings []keptFinding    `json:"findings,omitempty"`
	Aside    []keptAside      `json:"aside,omitempty"`
	Events   map[string]int64 `json:"events,omitempty"`
	Quiet    bool             `json:"quiet,omitempty"` // the driver asked for nothing
}

type keptFinding struct {
	Cause    string      `json:"cause"`
	State    State       `json:"state"`
	Action   Action      `json:"action"`
	Evidence string      `json:"evidence"`
	Advice   string      `json:"advice"`
	Since    int64       `json:"since"`
	Last     int64       `json:"last"`
	Count    int64       `json:"count,omitempty"`
	Kind     kind        `json:"kind"`
	Looked   int64       `json:"looked,omitempty"`
	Heals    bool        `json:"heals,omitempty"`
	Until    int64       `json:"until,omitempty"`
	Driver   bool        `json:"driver,omitempty"`
	Shared   bool        `json:"shared,omitempty"`
	Energy   *metric.Raw `json:"energy,omitempty"`
	Boards   uint64      `json:"boards,omitempty"`
}

type keptAside struct {
	Cause    string `json:"cause"`
	Evidence string `json:"evidence"`
	By       string `json:"by"`
	At       int64  `json:"at"`
	Until    int64  `json:"until,omitempty"`
}

// counted is the file of what there is.
type counted struct {
	Version int                      `json:"version"`
	Sites   map[string][]countedHost `json:"sites"`
}

type countedHost struct {
	Name   string         `json:"name"`
	Hall   string         `json:"hall,omitempty"`
	Rack   string         `json:"rack,omitempty"`
	Heard  int64          `json:"heard"`
	Boards []countedBoard `json:"gpus,omitempty"`
}

type countedBoard struct {
	UUID  string `json:"uuid"`
	Index string `json:"index"`
	Model string `json:"model,omitempty"`
}

// inventoryFile is beside the file of findings.
func (h *Health) inventoryFile() string {
	ext := filepath.Ext(h.c.File)
	return strings.TrimSuffix(h.c.File, ext) + "-inventory" + ext
}

// load takes up what was kept. What cannot be used is put aside and said:
// findings can be made anew, and nothing is accounted by them.
func (h *Health) load(now time.Time) error {
	if h.c.File == "" {
		return nil
	}
	var c counted
	if ok, err := h.read(h.inventoryFile(), &c, func() int { return c.Version }); err != nil {
		return err
	} else if ok {
		h.takeInventory(&c, now.UnixMilli())
	}
	var k kept
	if ok, err := h.read(h.c.File, &k, func() int { return k.Version }); err != nil {
		return err
	} else if ok {
		h.takeFindings(&k)
		h.judged = min(k.Judged, now.UnixMilli())
		h.reached = h.judged
	}
	return nil
}

// read decodes a file; ok is false where there is none that can be used.
func (h *Health) read(file string, into any, version func() int) (ok bool, err error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read health: %w", err)
	}
	err = json.Unmarshal(b, into)
	aside := file + ".damaged"
	if err == nil && version() != keptVersion {
		err = fmt.Errorf("it is of version %d, and this program knows %d", version(), keptVersion)
		aside = fmt.Sprintf("%s.version-%d", file, version())
	}
	if err == nil {
		return true, nil
	}
	h.log.Warn("what was kept of health is put aside", "file", file, "as", aside, "error", err)
	if err := os.Rename(file, aside); err != nil {
		return false, fmt.Errorf("put aside what was kept of health: %w", err)
	}
	return false, nil
}

func (h *Health) takeInventory(c *counted, now int64) {
	for name, hosts := range c.Sites {
		s := newSite(name)
		h.sites[name] = s
		for _, ch := range hosts {
			x := h.host(s, ch.Name)
			if x == nil || ch.Name == "" {
				continue
			}
			x.hall, x.rack, x.heard = ch.Hall, ch.Rack, min(ch.Heard, now)
			for _, cb := range ch.Boards {
				if b := h.board(s, cb.UUID); b != nil && b.host == nil && cb.UUID != "" {
					b.host, b.index, b.model, b.heard = x, cb.Index, cb.Model, x.heard
					x.boards = append(x.boards, b)
				}
			}
		}
		s.inventory = false
	}
}

func (h *Health) takeFindings(k *kept) {
	for name, ks := range k.Sites {
		s := h.sites[name]
		if s == nil {
			s = newSite(name)
			h.sites[name] = s
		}
		s.simulated = ks.Simulated
		s.takeXIDs(ks.XIDs)
		for of, k := range ks.Hosts {
			// A host that is in no inventory was forgotten.
			if x := s.hosts[of]; x != nil {
				k.give(x)
			}
		}
		for of, k := range ks.GPUs {
			if x := s.boards[of]; x != nil {
				k.give(x)
			}
		}
	}
}

func (k *keptSubject) give(x *subject) {
	for _, f := range k.Findings[:min(len(k.Findings), maxFindings)] {
		energy := metric.Missing
		if f.Energy != nil {
			energy = *f.Energy
		}
		x.raise(Finding{Cause: f.Cause, State: f.State, Action: f.Action, Evidence: f.Evidence, Advice: f.Advice, Since: f.Since, Last: f.Last, Count: f.Count,
			kind: f.Kind, looked: f.Looked, heals: f.Heals, until: f.Until, driver: f.Driver, shared: f.Shared, energy: energy, boards: f.Boards})
		if f.Cause == uncorrectedCause {
			x.uncorrected = metric.Raw(f.Count)
		}
	}
	for _, a := range k.Aside[:min(len(k.Aside), maxFindings)] {
		x.aside = append(x.aside, Aside{a.Cause, a.Evidence, a.By, a.At, a.Until})
	}
	for cause, at := range k.Events {
		x.seen(cause, at)
	}
	if k.Quiet {
		x.recovery = 0
	}
	x.site.mark(x)
}

// save replaces the files of what changed and is due, or in any case.
func (h *Health) save(now time.Time, force bool) error {
	h.saving.Lock()
	defer h.saving.Unlock()
	if h.c.File == "" {
		return nil
	}
	h.mu.Lock()
	var k *kept
	if h.dirty && now.Sub(h.saved) >= saveEvery || force || now.Sub(h.saved) >= countEvery || now.Before(h.saved) {
		k = h.findings()
	}
	var c *counted
	if k != nil && h.recount() || now.Sub(h.counted) >= countEvery || force || now.Before(h.counted) {
		c = h.inventory()
	}
	h.mu.Unlock()
	var errs []error
	if c != nil { // first: findings of what is in no inventory are dropped
		h.counted = now
		errs = append(errs, replace(h.inventoryFile(), c))
	}
	if k != nil {
		h.saved = now
		if err := replace(h.c.File, k); err != nil {
			errs = append(errs, err)
			h.mu.Lock()
			h.dirty = true
			h.mu.Unlock()
		}
	}
	return errors.Join(errs...)
}

// recount reports whether hosts or boards came or went since they were saved.
func (h *Health) recount() bool {
	for _, s := range h.sites {
		if s.inventory {
			return true
		}
	}
	return false
}

// replace writes a file in one step that outlives a power cut.
func replace(file string, v any) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("keep health: %w", err)
		}
	}()
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return durable.Replace(file, b, 0o600)
}

// findings is a copy of what is to be kept.
func (h *Health) findings() *kept {
	h.dirty = false
	k := &kept{Version: keptVersion, Judged: h.reached, Sites: map[string]keptSite{}}
	for name, s := range h.sites {
		ks := keptSite{s.simulated, map[string]keptSubject{}, map[string]keptSubject{}, s.keepXIDs()}
		keep := func(x *subject) {
			if x.kind == hostKind {
				ks.Hosts[x.name] = x.keep()
			} else {
				ks.GPUs[x.name] = x.keep()
			}
		}
		for x := range s.sick {
			keep(x)
		}
		for x := range s.marked {
			if !s.sick[x] {
				keep(x)
			}
		}
		k.Sites[name] = ks
	}
	return k
}

func (x *subject) keep() (k keptSubject) {
	k.Quiet = x.quiet()
	for _, f := range x.findings {
		kf := keptFinding{f.Cause, f.State, f.Action, f.Evidence, f.Advice, f.Since, f.Last, f.Count, f.kind, f.looked, f.heals, f.until, f.driver, f.shared, nil, f.boards}
		if x.energy != metric.Missing && f.heals { // by now: what shows less after the restart began anew
			energy := x.energy
			kf.Energy = &energy
		}
		k.Findings = append(k.Findings, kf)
	}
	for _, a := range x.aside {
		k.Aside = append(k.Aside, keptAside{a.Cause, a.Evidence, a.By, a.At, a.until})
	}
	if len(x.events) > 0 {
		k.Events = make(map[string]int64, len(x.events))
		for c, at := range x.events {
			k.Events[c] = at
		}
	}
	return k
}

// inventory is a copy of what there is.
func (h *Health) inventory() *counted {
	c := &counted{Version: keptVersion, Sites: map[string][]countedHost{}}
	for name, s := range h.sites {
		hosts := make([]countedHost, 0, len(s.hosts))
		for _, x := range s.hosts {
			ch := countedHost{Name: x.name, Hall: x.hall, Rack: x.rack, Heard: x.heard, Boards: make([]countedBoard, len(x.boards))}
			for i, b := range x.boards {
				ch.Boards[i] = countedBoard{b.name, b.index, b.model}
			}
			hosts = append(hosts, ch)
		}
		c.Sites[name] = hosts
		s.inventory = false
	}
	return c
}
