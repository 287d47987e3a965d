package rule

import (
	"time"

	table "github.com/gigawatch/gigawatch/alerts/rule"
)

// Why an alert is not sent.
const (
	reasonBlind  = "blind"  // nothing is heard of its site
	reasonSite   = "site"   // its site, hall, rack or host is down
	reasonHall   = "hall"   //
	reasonRack   = "rack"   //
	reasonHost   = "host"   //
	reasonDevice = "device" // another alert of the device began together with it
	reasonWindow = "window" // of maintenance
	reasonCap    = "cap"    // too many at once
	reasonLate   = "late"   // it is of what came too late
)

func reasons() []string {
	return []string{reasonBlind, reasonSite, reasonHall, reasonRack, reasonHost, reasonDevice, reasonWindow, reasonCap, reasonLate}
}

const (
	// together is how far apart what one cause makes of a device may begin.
	together = 2 * time.Minute
	// releaseAfter is how long what stood beneath something that is over may take to
	// get over it.
	releaseAfter = time.Minute

	mustering     = 8 * time.Second  // until it is known whether a host is silent
	musterSilence = 4 * time.Second  // without anything more that falls silent
	longestMuster = 25 * time.Second // at most
)

// covered says what an alert is part of; "": it stands for itself.
func (e *Evaluator) covered(a *alert) (reason, parent string) {
	if a.rule.Direct || a.rule.own {
		return "", ""
	}
	s := e.sites[a.place.site]
	if s == nil {
		if a.place.site == "" { // of the aggregator: what it cannot hear it cannot tell
			for _, x := range e.sites {
				if x.is(table.Blind, place{}) == nil {
					return "", ""
				}
				parent = x.is(table.Blind, place{}).id
			}
			if parent != "" {
				return reasonBlind, parent
			}
		}
		return "", ""
	}
	host := place{hall: a.place.hall, rack: a.place.rack, host: a.place.host}
	gone := a.place.host == "" || a.rule.silence == table.Silent || s.isSilent(a.place.host) || s.is(table.Silent, host) != nil
	for _, p := range []struct {
		reason, cause string
		at            place
		known         bool
	}{
		{reasonBlind, table.Blind, place{}, true},
		{reasonSite, table.SilentSite, place{}, a.rule.silence != table.Blind && gone},
		{reasonHall, table.SilentHall, place{hall: a.place.hall}, a.place.hall != "" && gone},
		{reasonRack, table.SilentRack, a.place.inRack(), (a.place.rack != "" || a.place.host != "") && gone},
		{reasonHost, table.Silent, host, a.place.host != ""},
		{reasonHall, table.HotHall, place{hall: a.place.hall}, a.place.hall != "" && (a.rule.Heat || a.rule.silence == table.HotRack)},
		{reasonRack, table.HotRack, place{hall: a.place.hall, rack: a.place.rack}, a.place.rack != "" && a.rule.Heat},
	} {
		if !p.known || p.cause == a.rule.silence {
			continue
		}
		if up := s.is(p.cause, p.at); up != nil && up != a {
			return p.reason, up.id
		}
	}
	return e.sameDevice(a)
}

// sameDevice finds another alert of the device, or of the host that a board is on,
// that began together with a and is no less severe.
func (e *Evaluator) sameDevice(a *alert) (reason, parent string) {
	if a.rule.Heat {
		if b := e.hottest[a.place.uuid]; b != nil && b != a && b.rule.Severity >= a.rule.Severity {
			return reasonDevice, b.id
		}
	}
	if a.rule.Judged == nil || a.place.host == "" {
		return "", ""
	}
	part := func(b *alert) bool {
		apart := max(a.since-b.since, b.since-a.since)
		return b != a && b.stands() && b.rule.Severity >= a.rule.Severity && apart <= together.Milliseconds()
	}
	if a.rule.missing { // a board that is lost is not listed any more, minutes later
		if b := e.lost[hostKey{a.place.site, a.place.host}]; b != nil {
			return reasonDevice, b.id
		}
	}
	for _, b := range e.byDevice[a.device()] {
		if b.fires() && part(b) {
			return reasonDevice, b.id
		}
	}
	if a.place.uuid != "" {
		for _, b := range e.byDevice[place{site: a.place.site, host: a.place.host}.device()] {
			if part(b) {
				return reasonHost, b.id
			}
		}
	}
	return "", ""
}

// stillSuppressed reports whether what suppressed an alert still does.
func (e *Evaluator) stillSuppressed(a *alert, now int64) bool {
	if reason, parent := e.covered(a); reason != "" {
		a.reason, a.parent = reason, parent
		return true
	}
	switch a.reason {
	case reasonWindow:
		return e.windowed(a, now) != ""
	case reasonCap:
		return !e.caps.has(a, now)
	}
	return false
}

// musters reports whether it is too early to say whether an alert is part of
// something greater.
func (e *Evaluator) musters(a *alert, now int64) bool {
	if a.rule.Direct || a.rule.own || a.rule.silence == table.Blind {
		return false
	}
	waited := now - a.due
	s := e.sites[a.place.site]
	if s != nil && a.rule.warms() && waited < longestMuster.Milliseconds() && s.warming(a, now) {
		return true
	}
	if a.rule.silence == "" || s == nil {
		return waited+a.rule.For.Milliseconds() < mustering.Milliseconds()
	}
	return waited < longestMuster.Milliseconds() && now-s.fell[a.place.around(a.rule.silence)] < musterSilence.Milliseconds()
}
