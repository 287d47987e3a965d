package live

import (
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// Recall makes known what was so before the start: a host of a site, which agent key
// last spoke for when it was heard. Whoever speaks for it now takes its place, and
// until then it is silent.
func (l *Live) Recall(key, site string, layout *metric.Layout, heard time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.sender(key, site, layout.Simulated)
	if a == nil || a.layout != nil {
		return
	}
	a.recalled, a.newest = true, max(1, heard.Unix())
	a.adopt(layout)
}

// RecallPower makes known what a site drew in a second before the start, by boundary in
// W, nil where it is not known. Seconds come in their order, and only of sites of which
// hosts were recalled. What the lane brings of them again is left out: it comes in parts,
// since an agent is understood when it has told its layout anew.
func (l *Live) RecallPower(site string, simulated bool, second int64, watts [4]*float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.sites[site]; s != nil && s.simulated == simulated {
		s.history.add(second, watts)
	}
}

// returns is that a, which was only recalled, speaks of a second.
func (a *sender) returns(second int64) { a.recalled, a.returned, a.newest = false, second, 0 }

// absent reports whether a was only recalled as yet when it was a second. One whose
// clock is ahead has come back nevertheless.
func (a *sender) absent(second int64) bool {
	return a.recalled || a.returned > second && a.returned <= second+ring
}

// yields takes from a, which was only recalled, what it has besides where another agent
// speaks for its host or for all of its GPUs: who speaks knows better what there is.
func (a *sender) yields(gpus int) {
	if a.recalled && (a.host == "" || gpus > 0 && len(a.gpus) == 0) {
		a.plan(&metric.Layout{Simulated: a.layout.Simulated}, nil)
	}
}

// onlyRecalled reports whether nobody has spoken of s since the start.
func (s *site) onlyRecalled() bool {
	return len(s.senders) > 0 && !slices.ContainsFunc(s.senders, func(a *sender) bool { return !a.recalled })
}

// forgetSite drops a site with all its senders.
func (l *Live) forgetSite(s *site) {
	for key, a := range l.senders {
		if a.site == s {
			delete(l.senders, key)
		}
	}
	delete(l.sites, s.name)
}
