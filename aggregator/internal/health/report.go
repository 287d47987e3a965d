package health

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Report is what needs a person at a site.
type Report struct {
	Site      string
	At        time.Time
	Simulated bool
	Table     string      // which XID table was used
	Hosts     [States]int // that are known
	GPUs      [States]int
	Blind     *Finding  // most hosts fell silent together
	Common    []Common  // what many hosts have at once, as when a job ends
	Subjects  []Verdict // the most urgent first, the newest of a state first
	Cut       int       // so many more, less urgent, are left out
	Aside     []SetAside
}

// A Verdict is about one GPU or host that is not well.
type Verdict struct {
	Who
	State    State
	Since    int64     // ms since 1970
	Findings []Finding // the worst first: it says why, and what to do
}

// Who says which GPU or host, and where it is.
type Who struct {
	Kind                               string // gpu or host
	Hall, Rack, Host, GPU, UUID, Model string
}

// Common is a finding for the record that many hosts have.
type Common struct {
	Finding
	Hosts int
}

// SetAside is what a person has set aside and is still so.
type SetAside struct {
	Who
	Aside
}

// manyHosts have the same for the record: it is one line.
const manyHosts = 3

// Sites are those that are watched, sorted.
func (h *Health) Sites() (names []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name := range h.sites {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Report is what needs a person at a site, no more than limit GPUs and hosts; nil
// if the site is not known.
func (h *Health) Report(name string, limit int, now time.Time) *Report {
	r := h.collect(name, now)
	if r == nil {
		return nil
	}
	r.join()
	slices.SortFunc(r.Subjects, func(a, b Verdict) int {
		return cmp.Or(cmp.Compare(b.State, a.State), cmp.Compare(b.Since, a.Since), cmp.Compare(a.Host, b.Host), compareIndex(a.GPU, b.GPU), cmp.Compare(a.UUID, b.UUID))
	})
	slices.SortFunc(r.Aside, func(a, b SetAside) int {
		return cmp.Or(cmp.Compare(b.At, a.At), cmp.Compare(a.Host, b.Host), compareIndex(a.GPU, b.GPU), cmp.Compare(a.Cause, b.Cause))
	})
	if limit > 0 {
		if n := len(r.Subjects) - limit; n > 0 {
			r.Cut, r.Subjects = n, r.Subjects[:limit]
		}
		r.Aside = r.Aside[:min(len(r.Aside), limit)]
	}
	return r
}

// collect takes what is known under the lock.
func (h *Health) collect(name string, now time.Time) *Report {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.sites[name]
	if s == nil {
		return nil
	}
	millis := now.UnixMilli()
	r := &Report{Site: name, At: now.UTC().Truncate(time.Millisecond), Simulated: s.simulated, Table: h.c.Table.String()}
	if s.blind != nil {
		f := *s.blind
		r.Blind = &f
	}
	for _, x := range s.hosts {
		r.Hosts[x.verdict(millis, h.silence)]++
	}
	r.GPUs[Unknown] = len(s.boards)
	for _, a := range h.senders {
		if a.site == s && millis-a.heard <= h.silence {
			for state, n := range a.gpus {
				r.GPUs[Unknown] -= n
				r.GPUs[state] += n
			}
		}
	}
	for x := range s.sick {
		who := x.who()
		if x.kind == gpuKind {
			r.GPUs[x.says(millis, h.silence)]--
			r.GPUs[x.verdict(millis, h.silence)]++
		}
		if len(x.findings) > 0 {
			fs := x.shown(millis)
			r.Subjects = append(r.Subjects, Verdict{who, fs[0].State, fs[0].Since, fs})
		}
		for _, a := range x.aside {
			r.Aside = append(r.Aside, SetAside{who, a})
		}
	}
	return r
}

func (x *subject) who() Who {
	if x.kind == hostKind {
		return Who{Kind: "host", Hall: x.hall, Rack: x.rack, Host: x.name}
	}
	w := Who{Kind: "gpu", GPU: x.index, UUID: x.name, Model: x.model}
	if x.host != nil {
		w.Hall, w.Rack, w.Host = x.host.hall, x.host.rack, x.host.name
	}
	return w
}

// says is what x is by its own word.
func (x *subject) says(now, silence int64) State {
	switch {
	case !x.known(now, silence):
		return Unknown
	case x.kind == gpuKind:
		return stated(x.state)
	}
	return OK
}

// stated is what a GPU's state makes of it.
func stated(state metric.Raw) State {
	switch state {
	case metric.GPUOk:
		return OK
	case metric.GPULost:
		return Failed
	}
	return Unknown
}

// countGPUs counts what the owned say.
func (a *sender) countGPUs() {
	a.gpus = [States]int{}
	for _, x := range a.owned {
		if x.kind == gpuKind {
			a.gpus[stated(x.state)]++
		}
	}
}

// verdict is the worst that is known of x.
func (x *subject) verdict(now, silence int64) State {
	worst := x.says(now, silence)
	for i := range x.findings {
		worst = max(worst, x.judged(&x.findings[i], now))
	}
	return worst
}

// shown are the findings, the worst first.
func (x *subject) shown(now int64) []Finding {
	fs := slices.Clone(x.findings)
	for i := range fs {
		f := &fs[i]
		if s := x.judged(f, now); s != f.State {
			f.State = s
			if x.quiet() {
				f.Advice = "the driver asks for nothing now. Otherwise: " + f.Advice
			}
		}
	}
	slices.SortFunc(fs, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(b.State, a.State), cmp.Compare(first(b), first(a)), cmp.Compare(b.Last, a.Last), strings.Compare(a.Cause, b.Cause))
	})
	return fs
}

// first puts the driver's own word before others of the same state.
func first(f Finding) int {
	if f.Cause == recoveryCause {
		return 1
	}
	return 0
}

// quiet reports whether the driver could ask for something, and does not.
func (x *subject) quiet() bool { return x.recovery == 0 }

// judged is what a finding makes of x by now. A board that says what it needs and
// asks for nothing needs nobody at night for what it got over; nor does one whose
// uncorrected errors are old, or were contained.
func (x *subject) judged(f *Finding, now int64) State {
	if f.State != Failed || !f.driver {
		return f.State
	}
	if x.quiet() {
		return Degraded
	}
	if f.Cause == uncorrectedCause && (now-f.Last > freshFor.Milliseconds() || x.contained(f.Last)) {
		return Degraded
	}
	return Failed
}

// near is how far apart what tells of one error may be.
const near = 2 * time.Minute

// contained reports whether XIDs tell that the errors of a time were.
func (x *subject) contained(at int64) bool {
	told := func(code int) bool {
		f := x.find(fmt.Sprintf("xid_%d", code))
		return f != nil && f.Last > at-near.Milliseconds()
	}
	return told(94) && !told(48) && !told(95) && !told(140)
}

// join makes one line of what many hosts have, where it is only for the record.
func (r *Report) join() {
	common := map[string]*Common{}
	each := func(do func(v *Verdict, f *Finding)) {
		for i := range r.Subjects {
			for j := range r.Subjects[i].Findings {
				if f := &r.Subjects[i].Findings[j]; f.shared && f.State == Watch {
					do(&r.Subjects[i], f)
				}
			}
		}
	}
	each(func(_ *Verdict, f *Finding) {
		c := common[f.Cause]
		if c == nil {
			c = &Common{Finding: *f}
			c.Count = 0
			common[f.Cause] = c
		}
		if f.Last >= c.Last {
			c.Last, c.Evidence = f.Last, f.Evidence
		}
		c.Hosts++
		c.Count += f.Count
		c.Since = min(c.Since, f.Since)
	})
	isCommon := func(f Finding) bool {
		c := common[f.Cause]
		return c != nil && c.Hosts > manyHosts && f.shared && f.State == Watch
	}
	each(func(v *Verdict, f *Finding) {
		if c := common[f.Cause]; c.Hosts > manyHosts && f.Last == c.Last {
			c.Evidence = fmt.Sprintf("%d times on %d hosts; the newest, on %s: %s", c.Count, c.Hosts, v.Host, f.Evidence)
		}
	})
	r.Subjects = slices.DeleteFunc(r.Subjects, func(v Verdict) bool {
		return !slices.ContainsFunc(v.Findings, func(f Finding) bool { return !isCommon(f) })
	})
	for i := range r.Subjects {
		v := &r.Subjects[i]
		v.Findings = slices.DeleteFunc(v.Findings, isCommon)
		v.Since = v.Findings[0].Since
	}
	for _, c := range common {
		if c.Hosts > manyHosts {
			r.Common = append(r.Common, *c)
		}
	}
	slices.SortFunc(r.Common, func(a, b Common) int { return cmp.Or(cmp.Compare(b.Last, a.Last), cmp.Compare(a.Cause, b.Cause)) })
}
