package health

import (
	"cmp"
	"slices"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Finding is one thing that is wrong. Times are milliseconds since 1970.
type Finding struct {
	Cause    string // for machines; of one subject each stands once
	State    State
	Action   Action
	Evidence string
	Advice   string
	Since    int64
	Last     int64 // newest evidence; a condition is looked at when it changes
	Count    int64 // of events, or errors
	Stands   bool  // it is still true; else it is over, and stays until it is dealt with

	kind   kind
	looked int64      // when a condition was last found true
	heals  bool       // a new life of the board ends it
	until  int64      // when it ends by itself; 0: not
	driver bool       // the driver's recovery action overrules it
	shared bool       // many hosts have it at once, as when a job ends
	energy metric.Raw // what the board's counter showed when it was raised
	boards uint64     // of a host's boards those that had it, by index
}

// An Aside is a finding that a person set aside while it lasts.
type Aside struct {
	Cause    string
	Evidence string
	By       string
	At       int64

	until int64 // of a rate
}

// Bounds of what one subject may have at once; the least is dropped.
const (
	maxFindings = 64
	maxEvents   = 128
)

// A subject is a GPU or a host. Those with nothing against them cost a name.
type subject struct {
	kind        byte // hostKind, gpuKind
	name        string
	site        *site
	hall, rack  string // of a host
	host        *subject
	index       string // of a GPU on its host
	model       string
	owner       *sender // that speaks for it; nil: nobody now
	heard       int64   // when it was last reported
	state       metric.Raw
	turned      int64      // when that changed
	recovery    metric.Raw // what the driver asks for now; missing: it does not say
	energy      metric.Raw // newest that was not missing
	uncorrected metric.Raw // likewise
	anew        int64      // when its life began, if that was seen
	corrected   *window

	// Of a host.
	boards   []*subject // all that were seen, by index; those without an owner are missed
	expected int64      // GPUs, by its agent's word
	absent   int64      // GPUs that are not listed
	gone     int64      // since when
	moved    bool       // its boards were taken over by other hosts
	held     int64      // when its agent was last seen to be in quarantine

	findings []Finding
	aside    []Aside
	events   map[string]int64 // by cause: time of the newest, by the host's clock
}

const (
	hostKind = 'h'
	gpuKind  = 'g'
)

func newSubject(kind byte, name string, s *site) *subject {
	return &subject{kind: kind, name: name, site: s, state: metric.Missing, recovery: metric.Missing, energy: metric.Missing, uncorrected: metric.Missing}
}

// String is how a line calls x.
func (x *subject) String() string {
	if x.kind == gpuKind && x.index != "" {
		return "GPU " + x.index
	}
	return x.name
}

func (x *subject) find(cause string) *Finding {
	for i := range x.findings {
		if x.findings[i].Cause == cause {
			return &x.findings[i]
		}
	}
	return nil
}

// isAside reports whether a person has set f aside and it is still the same.
func (x *subject) isAside(f *Finding) bool {
	i := slices.IndexFunc(x.aside, func(a Aside) bool { return a.Cause == f.Cause })
	if i < 0 {
		return false
	}
	switch a := &x.aside[i]; {
	case f.kind == rate:
		a.until = f.until
		return true
	case f.kind == condition && a.Evidence == f.Evidence:
		return true
	}
	x.aside = slices.Delete(x.aside, i, i+1)
	return false
}

// raise adds f, or renews the finding of its cause; fresh if there was none.
func (x *subject) raise(f Finding) (fresh bool) {
	f.Stands = f.kind == condition
	if o := x.find(f.Cause); o != nil {
		f.Since = min(f.Since, o.Since)
		f.boards |= o.boards
		if f.kind == event {
			f.Count += o.Count
			f.Last = max(f.Last, o.Last)
		}
		*o = f
		return false
	}
	if len(x.findings) == maxFindings {
		least := slices.MinFunc(x.findings, func(a, b Finding) int { return cmp.Or(cmp.Compare(a.State, b.State), cmp.Compare(a.Last, b.Last)) })
		x.clear(least.Cause)
	}
	x.findings = append(x.findings, f)
	return true
}

// clear ends the finding of a cause, set aside or not; changed is false if there
// was none.
func (x *subject) clear(cause string) (changed bool) {
	n := len(x.findings) + len(x.aside)
	if n == 0 {
		return false
	}
	x.aside = slices.DeleteFunc(x.aside, func(a Aside) bool { return a.Cause == cause })
	x.findings = slices.DeleteFunc(x.findings, func(f Finding) bool { return f.Cause == cause })
	return len(x.findings)+len(x.aside) < n
}

// drop ends the findings that over says are over.
func (x *subject) drop(over func(*Finding) bool) (dropped bool) {
	n := len(x.findings)
	x.findings = slices.DeleteFunc(x.findings, func(f Finding) bool { return over(&f) })
	return len(x.findings) < n
}

// seen remembers when an event was by its host's clock.
func (x *subject) seen(cause string, when int64) {
	if x.events == nil {
		x.events = map[string]int64{}
	}
	if _, ok := x.events[cause]; !ok && len(x.events) == maxEvents {
		oldest, at := "", int64(1<<62)
		for c, t := range x.events {
			if t < at {
				oldest, at = c, t
			}
		}
		delete(x.events, oldest)
	}
	x.events[cause] = when
}

// known reports whether the owner of x speaks.
func (x *subject) known(now, silence int64) bool {
	return x.owner != nil && now-x.owner.heard <= silence
}
