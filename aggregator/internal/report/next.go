package report

import "slices"

// Actions are the steps there are, in the order of the way.
func Actions() []string {
	return []string{ActValidate, ActLock, ActApprove, ActSubmit, ActCorrect}
}

// Can reports whether an action is for the state that f is in.
func (f *Filing) Can(action string) bool { return slices.Contains(from[action], f.State()) }

// Locked is the event that locked a version, of version 0 the newest; nil if it was
// not locked.
func (f *Filing) Locked(version int) (e *Event) {
	for i := range f.Events {
		if x := &f.Events[i]; x.Action == ActLock && (version == 0 || x.Version == version) {
			e = x
		}
	}
	return e
}

// Open counts the issues of r that forbid to lock it: those to mend, and those to
// comment on.
func (r *Record) Open() (mend, comment int) { return r.toDo() }

// RuleOf is the rule that an issue breaks; nil if its code is none.
func RuleOf(code string) *Check {
	for i := range checks {
		if checks[i].Code == code {
			return &checks[i]
		}
	}
	return nil
}
