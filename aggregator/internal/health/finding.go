package health

import (
	"cmp"
	"slices"
	"strconv"
)

// A State is a verdict, or what one finding makes of its subject.
type State uint8

// The states, best first.
const (
	OK       State = iota
	Watch          // nothing to do yet
	Unknown        // cannot be judged
	Degraded       // works; somebody should look at it in working hours
	Failed         // does not work, or must not be worked with
)

var stateNames = [...]string{"ok", "watch", "unknown", "degraded", "failed"}

func (s State) String() string { return stateNames[min(int(s), len(stateNames)-1)] }

// MarshalText writes the state's name.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the state's name.
func (s *State) UnmarshalText(b []byte) error {
	i := slices.Index(stateNames[:], string(b))
	if i < 0 {
		return strconv.ErrSyntax
	}
	*s = State(i)
	return nil
}

// A kind says when a finding ends by itself.
type kind uint8

const (
	condition kind = iota // when it is no longer true
	event                 // when the board began anew after it, if that heals it; else after its time
	rate                  // when it was not exceeded for a while
)

// A Finding is one thing that is wrong.
type Finding struct {
	Cause    string `json:"cause"`
	State    State  `json:"state"`
	Since    int64  `json:"since"` // ms since 1970
	Last     int64  `json:"last"`  // newest evidence
	Count    int64  `json:"count,omitempty"`
	Evidence string `json:"evidence"`
	Advice   string `json:"advice"`
	Action   Action `json:"action"`

	Kind   kind  `json:"kind"`
	Heals  bool  `json:"heals,omitempty"`  // a reset of the board ends it
	Until  int64 `json:"until,omitempty"`  // when it ends by itself; 0: not
	Driver bool  `json:"driver,omitempty"` // the driver's recovery action overrules it
}

// An Action is what to do, in one word for machines.
type Action string

// The actions, by how much they cost.
const (
	None           Action = "none"
	RestartApp     Action = "restart_app"
	RestartEngine  Action = "restart_engine" // the DCGM host engine
	ResetAtNext    Action = "reset_at_maintenance"
	CheckCabling   Action = "check_cabling"
	CheckHost      Action = "check_host"
	ResetGPU       Action = "reset_gpu"
	DrainAndReset  Action = "drain_and_reset"
	Reboot         Action = "reboot"
	ContactSupport Action = "contact_support"
	ReplaceDisk    Action = "replace_disk"
)

// A subject is a GPU, a host or a site with what is wrong with it.
type subject struct {
	name     string // uuid, host, or site
	findings []Finding
	aside    map[string]bool  // conditions that a person has set aside while they last
	events   map[string]int64 // time of the newest event, by cause
}

// maxFindings bounds what one subject may have at once; the least is dropped.
const maxFindings = 32

func (s *subject) find(cause string) *Finding {
	for i := range s.findings {
		if s.findings[i].Cause == cause {
			return &s.findings[i]
		}
	}
	return nil
}

// raise adds f, or renews the finding of its cause.
func (s *subject) raise(f Finding) {
	if s.aside[f.Cause] {
		return
	}
	if o := s.find(f.Cause); o != nil {
		f.Since, f.Count = o.Since, f.Count+o.Count
		*o = f
		return
	}
	if len(s.findings) == maxFindings {
		least := slices.MinFunc(s.findings, func(a, b Finding) int { return cmp.Or(cmp.Compare(a.State, b.State), cmp.Compare(a.Last, b.Last)) })
		s.clear(least.Cause)
	}
	s.findings = append(s.findings, f)
}

// clear ends the finding of a cause; changed is false if there was none.
func (s *subject) clear(cause string) (changed bool) {
	delete(s.aside, cause)
	n := len(s.findings)
	s.findings = slices.DeleteFunc(s.findings, func(f Finding) bool { return f.Cause == cause })
	return len(s.findings) < n
}

// anew ends what a new life of the board heals.
func (s *subject) anew(millis int64) {
	s.findings = slices.DeleteFunc(s.findings, func(f Finding) bool { return f.Kind == event && f.Heals && f.Last <= millis })
}

// expire ends what is over at the given time.
func (s *subject) expire(millis int64) (changed bool) {
	n := len(s.findings)
	s.findings = slices.DeleteFunc(s.findings, func(f Finding) bool { return f.Until > 0 && f.Until <= millis })
	return len(s.findings) < n
}

// seen remembers an event at a time, and reports whether it is not new.
func (s *subject) seen(cause string, millis int64) bool {
	if millis <= s.events[cause] {
		return true
	}
	if s.events == nil {
		s.events = map[string]int64{}
	}
	if len(s.events) >= 4*maxFindings {
		oldest, at := "", int64(1<<62)
		for c, t := range s.events {
			if t < at {
				oldest, at = c, t
			}
		}
		delete(s.events, oldest)
	}
	s.events[cause] = millis
	return false
}
