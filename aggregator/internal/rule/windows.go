package rule

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/durable"
)

// What a window cannot be, and that there is none.
var (
	ErrWindow   = errors.New("maintenance window")
	ErrNoWindow = errors.New("no such maintenance window is open or coming")
)

// windowsKept is for how long a window that is over is shown.
const windowsKept = 30 * 24 * time.Hour

// windowsHeading begins the file of windows, as heading does that of alerts.
const windowsHeading = "gigawatch-windows 1 "

// windowed is the reason why an alert is not sent, if there is a window for it. Whatever
// windows there are, none is held back by them for longer than the longest.
func (e *Evaluator) windowed(a *alert, now int64) string {
	if a.rule.own || a.held > 0 && now-a.held >= LongestWindow.Milliseconds() {
		return ""
	}
	for i := range e.open {
		if e.open[i].has(a) {
			a.window = e.open[i].ID
			if a.held == 0 {
				a.held = now
			}
			return reasonWindow
		}
	}
	return ""
}

// opening finds the windows that are open now.
func (e *Evaluator) opening(now time.Time) {
	before := len(e.open)
	var newest string
	if before > 0 {
		newest = e.open[before-1].ID
	}
	e.open = e.open[:0]
	for _, list := range [][]Window{e.c.Windows, e.windows} {
		for i := range list {
			if list[i].State(now) == "open" {
				e.open = append(e.open, list[i])
			}
		}
	}
	if len(e.open) != before || before > 0 && e.open[before-1].ID != newest {
		for _, s := range e.sites { // what was at work may be part of something now
			s.moved = true
		}
	}
}

// A WindowView is a window with how many alerts it holds back.
type WindowView struct {
	Window
	State string // coming, open, over
	Held  int
}

// Windows are those of the configuration and those that were opened: what is open
// first, then what comes, then what is over of the last month.
func (e *Evaluator) Windows(now time.Time) []WindowView {
	e.mu.Lock()
	defer e.mu.Unlock()
	held := map[string]int{}
	for _, a := range e.alerts {
		if a.phase == Suppressed && a.reason == reasonWindow {
			held[a.window]++
		}
	}
	var out []WindowView
	for _, w := range slices.Concat(e.c.Windows, e.windows) {
		v := WindowView{w, w.State(now), held[w.ID]}
		if v.State != "open" {
			v.Held = 0
		}
		out = append(out, v)
	}
	order := map[string]int{"open": 0, "coming": 1, "over": 2}
	slices.SortStableFunc(out, func(a, b WindowView) int {
		if a.State != b.State {
			return order[a.State] - order[b.State]
		}
		if a.State == "over" {
			return b.end().Compare(a.end())
		}
		return a.From.Compare(b.From)
	})
	return out
}

// OpenWindow opens w, by its From, To, Match, Owner, Reason and By. It is on disk
// when it is opened.
func (e *Evaluator) OpenWindow(w Window, now time.Time) (Window, error) {
	e.windowing.Lock()
	defer e.windowing.Unlock()
	w.ID, w.Opened, w.From, w.To = "w-"+strings.ToLower(rand.Text()[:10]), now.UTC(), w.From.UTC(), w.To.UTC()
	list := e.standing(now)
	err := w.Check()
	switch {
	case err != nil:
	case !w.To.After(now):
		err = errors.New("it is over already")
	case w.From.Sub(now) > earliest:
		err = errors.New("it begins in more than a year")
	case len(list) >= MostWindows:
		err = fmt.Errorf("there are %d already", MostWindows)
	default:
		err = w.follows(slices.Concat(e.c.Windows, list))
	}
	if err != nil {
		return w, fmt.Errorf("%w: %w", ErrWindow, err)
	}
	if err := e.putWindows(append(list, w), now); err != nil {
		return w, fmt.Errorf("keep maintenance window: %w", err)
	}
	e.log.Info("maintenance window opened", "id", w.ID, "match", w.matches(), "from", w.From, "to", w.To, "owner", w.Owner, "reason", w.Reason, "by", w.By)
	return w, nil
}

// CloseWindow ends one that is open, or that is coming, at once; where site is not
// empty, only one of that site.
func (e *Evaluator) CloseWindow(id, site, by string, now time.Time) (Window, error) {
	e.windowing.Lock()
	defer e.windowing.Unlock()
	is := func(w Window) bool { return w.ID == id && (site == "" || w.Site() == site) && w.State(now) != "over" }
	if slices.ContainsFunc(e.c.Windows, is) {
		return Window{}, fmt.Errorf("%w: %s stands in the configuration, and ends there", ErrWindow, id)
	}
	list := e.standing(now)
	i := slices.IndexFunc(list, is)
	if i < 0 {
		return Window{}, ErrNoWindow
	}
	w := &list[i]
	w.Closed, w.ClosedBy = now.UTC(), by
	if err := e.putWindows(list, now); err != nil {
		return *w, fmt.Errorf("keep maintenance windows: %w", err)
	}
	e.log.Info("maintenance window closed", "id", w.ID, "match", w.matches(), "to", w.To, "owner", w.Owner, "by", by)
	return *w, nil
}

// standing is a copy of those that were opened and are not over for long.
func (e *Evaluator) standing(now time.Time) []Window {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(e.windows), func(w Window) bool { return now.Sub(w.end()) > windowsKept })
}

// putWindows has list in force, once it is on disk.
func (e *Evaluator) putWindows(list []Window, now time.Time) error {
	if e.c.WindowsFile != "" {
		kept := make([]keptWindow, len(list))
		for i := range list {
			w := &list[i]
			kept[i] = keptWindow{ID: w.ID, From: w.From, To: w.To, Owner: w.Owner, Reason: w.Reason, By: w.By, Opened: w.Opened, Closed: w.Closed, ClosedBy: w.ClosedBy}
			for _, m := range w.Match {
				kept[i].Match = append(kept[i].Match, m.String())
			}
		}
		b, err := json.Marshal(kept)
		if err != nil {
			return err
		}
		if err := durable.Replace(e.c.WindowsFile, summed(windowsHeading, b), 0o600); err != nil {
			return err
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.windows = list
	e.opening(now)
	return nil
}

type keptWindow struct {
	ID       string    `json:"id"`
	Match    []string  `json:"match"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Owner    string    `json:"owner"`
	Reason   string    `json:"reason"`
	By       string    `json:"by,omitempty"`
	Opened   time.Time `json:"opened"`
	Closed   time.Time `json:"closed,omitzero"`
	ClosedBy string    `json:"closed_by,omitempty"`
}

// loadWindows takes up what was opened. A file that cannot be used is put aside and
// said: who is at work is called, and opens the window again.
func (e *Evaluator) loadWindows(now time.Time) error {
	if e.c.WindowsFile == "" {
		return nil
	}
	_, err := readKept(e.c.WindowsFile, "maintenance windows", e.log, func(b []byte) (err error) {
		e.windows, err = decodeWindows(b)
		return err
	})
	if err != nil {
		return err
	}
	e.windows = e.standing(now)
	return nil
}

func decodeWindows(b []byte) ([]Window, error) {
	rest, err := summedBy(windowsHeading, b)
	if err != nil {
		return nil, err
	}
	var kept []keptWindow
	if err := json.Unmarshal(rest, &kept); err != nil {
		return nil, err
	}
	if len(kept) > MostWindows {
		return nil, fmt.Errorf("it has more than %d", MostWindows)
	}
	list := make([]Window, len(kept))
	for i, k := range kept {
		w := &list[i]
		*w = Window{ID: k.ID, From: k.From, To: k.To, Owner: k.Owner, Reason: k.Reason, By: k.By, Opened: k.Opened, Closed: k.Closed, ClosedBy: k.ClosedBy}
		for _, text := range k.Match {
			m, err := ParseMatcher(text)
			if err != nil {
				return nil, fmt.Errorf("window %s: %w", k.ID, err)
			}
			w.Match = append(w.Match, m)
		}
		if err := w.Check(); err != nil {
			return nil, fmt.Errorf("window %s: %w", k.ID, err)
		}
	}
	return list, nil
}

// matches is in words what w is of.
func (w *Window) matches() string {
	var list []string
	for _, m := range w.Match {
		list = append(list, m.String())
	}
	return strings.Join(list, " ")
}
