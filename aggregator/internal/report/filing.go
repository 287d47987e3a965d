package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gigawatch/gigawatch/collector/site"
)

// A State is how far the report of a year has come.
//
//	draft ─▶ validated ─▶ locked ─▶ approved ─▶ submitted
//	  ▲                     │           │           │
//	  └──── corrected ◀─────┴───────────┴───────────┘   a new version
type State string

// The states.
const (
	Draft     State = "draft"
	Validated State = "validated" // no rule is broken that nobody commented on
	Locked    State = "locked"    // kept as it is, with its hash and that of the log
	Approved  State = "approved"  // by another person than locked it
	Submitted State = "submitted" // with a receipt
)

// The actions.
const (
	ActValidate = "validate"
	ActLock     = "lock"
	ActApprove  = "approve"
	ActSubmit   = "submit"
	ActCorrect  = "correct"
)

// An Event is one step, as it is kept: each names the one before it by its hash, so
// that none can be changed or left out unseen.
type Event struct {
	At      string `json:"at"` // UTC
	Action  string `json:"action"`
	By      string `json:"by"`
	Account string `json:"account,omitempty"` // of the operating system, of who called the program
	Role    string `json:"role,omitempty"`    // of whom the server knew by a token or a certificate; "": By is as it was typed
	Version int    `json:"version"`
	Rules   string `json:"rule_set,omitempty"`
	Record  string `json:"record_sha256,omitempty"`
	Leaves  int64  `json:"log_leaves,omitempty"` // of the ledger's log when it was locked, and the hash of its tree
	Root    string `json:"log_root,omitempty"`
	Trace   string `json:"trace_sha256,omitempty"` // of the hours behind a record that was locked
	Text    string `json:"text,omitempty"`         // reason, or receipt
	Prev    string `json:"prev"`                   // SHA-256 of the line before; - for the first
}

// A Filing is the report of a site's year through all of its versions.
type Filing struct {
	Site   string
	Year   int
	Events []Event
	lines  [][]byte
}

// mostEvents bounds a filing.
const mostEvents = 10_000

// ParseFiling reads the lines of a filing and holds each against the one before.
func ParseFiling(siteName string, year int, b []byte) (*Filing, error) {
	f := &Filing{Site: siteName, Year: year}
	for n := 1; len(b) > 0; n++ {
		line, rest, whole := bytes.Cut(b, []byte("\n"))
		if !whole || n > mostEvents {
			return nil, fmt.Errorf("read filing of %s, %d: line %d has no end, or there are too many", siteName, year, n)
		}
		b = rest
		var e Event
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&e); err != nil {
			return nil, fmt.Errorf("read filing of %s, %d: line %d: %w", siteName, year, n, err)
		}
		if e.Prev != f.last() {
			return nil, fmt.Errorf("read filing of %s, %d: line %d does not follow the one before it: one of them was changed", siteName, year, n)
		}
		if err := f.allows(&e); err != nil {
			return nil, fmt.Errorf("read filing of %s, %d: line %d: %w", siteName, year, n, err)
		}
		again, err := json.Marshal(e)
		if err != nil || !bytes.Equal(again, line) {
			return nil, fmt.Errorf("read filing of %s, %d: line %d is written otherwise than this program does", siteName, year, n)
		}
		f.Events, f.lines = append(f.Events, e), append(f.lines, slices.Clone(line))
	}
	return f, nil
}

// last is the hash of the newest line.
func (f *Filing) last() string {
	if len(f.lines) == 0 {
		return "-"
	}
	return Hash(f.lines[len(f.lines)-1])
}

// Version is the one that is worked on: from 1.
func (f *Filing) Version() int {
	n := 1
	for i := range f.Events {
		if f.Events[i].Action == ActCorrect {
			n++
		}
	}
	return n
}

// State is that of the newest version.
func (f *Filing) State() State {
	s := Draft
	for i := range f.Events {
		s = after[f.Events[i].Action]
	}
	return s
}

var after = map[string]State{ActValidate: Validated, ActLock: Locked, ActApprove: Approved, ActSubmit: Submitted, ActCorrect: Draft}

// from are the states in which an action can be taken.
var from = map[string][]State{
	ActValidate: {Draft, Validated}, ActLock: {Validated}, ActApprove: {Locked}, ActSubmit: {Approved}, ActCorrect: {Locked, Approved, Submitted},
}

// Newest is the event that locked the newest version that was; nil if none was.
func (f *Filing) Newest() (e *Event) {
	for i := range f.Events {
		if f.Events[i].Action == ActLock {
			e = &f.Events[i]
		}
	}
	return e
}

// allows says why e cannot come next; nil if it can.
func (f *Filing) allows(e *Event) error {
	states, known := from[e.Action]
	s, locker := f.State(), f.Newest()
	switch {
	case !known:
		return fmt.Errorf("%q is no action", e.Action)
	case !slices.Contains(states, s):
		var names []string
		for _, x := range states {
			names = append(names, string(x))
		}
		return fmt.Errorf("%s is for a report that is %s, and version %d is %s", e.Action, strings.Join(names, " or "), f.Version(), s)
	case e.Version != f.Version():
		return fmt.Errorf("%s is of version %d, and version %d is worked on", e.Action, e.Version, f.Version())
	case e.By == "" || e.At == "":
		return fmt.Errorf("%s says neither who nor when", e.Action)
	case (e.Action == ActValidate || e.Action == ActLock) && (len(e.Record) != 64 || e.Rules == ""):
		return fmt.Errorf("%s names no record and no rules", e.Action)
	case e.Action == ActApprove && (locker == nil || locker.By == e.By):
		return errors.New("it takes two: who locked a report does not approve it")
	case e.Action == ActApprove && (locker.Role == "") != (e.Role == ""):
		return errors.New("it takes two of whom it can be told that they are: one of lock and approval was by somebody the server knew, the other under a name that was typed; take both in the same way")
	case (e.Action == ActApprove || e.Action == ActSubmit) && e.Record != locker.Record:
		return fmt.Errorf("%s is of another record than was locked", e.Action)
	case e.Action == ActSubmit && e.Text == "":
		return errors.New("to submit takes a receipt")
	case e.Action == ActCorrect && e.Text == "":
		return errors.New("to correct takes a reason")
	}
	return nil
}

// needs is what a person must be allowed for an action.
var needs = map[string]string{
	ActValidate: site.MayPrepare, ActLock: site.MayPrepare, ActCorrect: site.MayPrepare, ActApprove: site.MayApprove, ActSubmit: site.MaySubmit,
}

// ErrMayNot means that a person is not allowed to do something.
var ErrMayNot = errors.New("is not allowed to")

// May says why somebody cannot take an action; nil if they can.
func May(people []site.Person, name, action string) error {
	role := needs[action]
	for i := range people {
		if people[i].Name == name {
			if slices.Contains(people[i].May, role) {
				return nil
			}
			return fmt.Errorf("%s %w %s: under people of the site file, may: lacks %s", name, ErrMayNot, action, role)
		}
	}
	return fmt.Errorf("%s %w %s: no such person stands under people of the site file", quoted(name), ErrMayNot, action)
}

// Take adds e, whose version and place in the chain it sets, and returns its line.
// A record that is locked must be r, in order: nothing wrong with it, and every
// warning commented on.
func (f *Filing) Take(e Event, r *Record) (line []byte, err error) {
	e.Version, e.Prev = f.Version(), f.last()
	if e.Action == ActValidate || e.Action == ActLock {
		if r == nil {
			return nil, fmt.Errorf("%s %s, %d: there is no record", e.Action, f.Site, f.Year)
		}
		if n := r.open(); n > 0 {
			return nil, fmt.Errorf("%s %s, %d: %w: %d to mend or to comment on", e.Action, f.Site, f.Year, ErrOpen, n)
		}
		b, err := r.JSON()
		if err != nil {
			return nil, err
		}
		e.Record, e.Rules, e.Leaves, e.Root = Hash(b), r.RuleSet.ID, r.Ledger.Leaves, r.Ledger.Root
	} else if at := f.Newest(); at != nil {
		e.Record = at.Record
	}
	if err := f.allows(&e); err != nil {
		return nil, fmt.Errorf("%s %s, %d: %w", e.Action, f.Site, f.Year, err)
	}
	if line, err = json.Marshal(e); err != nil {
		return nil, fmt.Errorf("%s %s, %d: %w", e.Action, f.Site, f.Year, err)
	}
	f.Events, f.lines = append(f.Events, e), append(f.lines, line)
	return append(slices.Clone(line), '\n'), nil
}

// ErrOpen means that rules are broken.
var ErrOpen = errors.New("the report has open issues")

// open is how many issues forbid to lock r.
func (r *Record) open() (n int) {
	for i := range r.Issues {
		if r.Issues[i].Open() {
			n++
		}
	}
	return n
}

// HoldsTrace says what is wrong with hours that were read as those of e.
func (e *Event) HoldsTrace(b []byte) error {
	if Hash(b) != e.Trace {
		return fmt.Errorf("the hours behind version %d were changed after it was locked: their SHA-256 is not %s", e.Version, e.Trace)
	}
	return nil
}

// Holds says what is wrong with a record that was read as that of e.
func (e *Event) Holds(b []byte) error {
	if Hash(b) != e.Record {
		return fmt.Errorf("the record of version %d was changed after it was locked: its SHA-256 is not %s", e.Version, e.Record)
	}
	return nil
}
