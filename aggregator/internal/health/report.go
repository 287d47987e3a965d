package health

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Report is what needs a person at a site.
type Report struct {
	Site      string         `json:"site"`
	At        int64          `json:"at"` // ms since 1970
	Simulated bool           `json:"simulated"`
	Table     string         `json:"xid_table"` // its date
	Hosts     map[string]int `json:"hosts"`     // by state
	GPUs      map[string]int `json:"gpus"`      // by state
	Blind     *Finding       `json:"blind,omitempty"`
	Subjects  []Verdict      `json:"subjects"`
	Cut       int            `json:"cut,omitempty"` // so many more, less urgent, are left out
}

// A Verdict is about one GPU or host that is not well.
type Verdict struct {
	Kind     string    `json:"kind"` // gpu or host
	Hall     string    `json:"hall,omitempty"`
	Rack     string    `json:"rack,omitempty"`
	Host     string    `json:"host,omitempty"`
	GPU      string    `json:"gpu,omitempty"`
	UUID     string    `json:"uuid,omitempty"`
	Model    string    `json:"model,omitempty"`
	State    State     `json:"state"`
	Since    int64     `json:"since"`
	Action   Action    `json:"action"`
	Advice   string    `json:"advice"`
	Findings []Finding `json:"findings"`
}

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

// Report is what needs a person at a site, the most urgent first and no more than
// limit; nil if the site is not known.
func (h *Health) Report(name string, limit int, now time.Time) *Report {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.sites[name]
	if s == nil {
		return nil
	}
	r := &Report{Site: name, At: now.UnixMilli(), Simulated: s.simulated, Table: h.c.Table.Date.Format(time.DateOnly),
		Hosts: map[string]int{}, GPUs: map[string]int{}, Subjects: []Verdict{}}
	if s.blind > 0 {
		r.Blind = &Finding{Cause: "blind", State: Unknown, Since: s.blind, Last: s.blind, Kind: condition, Action: CheckHost,
			Evidence: "most hosts of the site fell silent together", Advice: "look at the bus, the network and the aggregator before the hosts."}
	}
	told := map[string]bool{}
	for _, a := range h.senders {
		if a.site != s || a.host == "" {
			continue
		}
		silent := now.UnixMilli()-s.hosts[a.host] > h.c.Silence.Milliseconds()
		if !told[a.host] {
			told[a.host] = true
			v := s.verdict(hostSubject(a.host), false, r.At)
			v.Kind, v.Hall, v.Rack, v.Host = "host", a.hall, a.rack, a.host
			if silent {
				v.State = Unknown
			}
			r.Hosts[v.State.String()]++
			if len(v.Findings) > 0 {
				r.Subjects = append(r.Subjects, v)
			}
		}
		for i := range a.boards {
			b := &a.boards[i]
			v := s.verdict(b.uuid, b.recovery >= 0 && a.last[b.recovery] == 0, r.At)
			v.Kind, v.Hall, v.Rack, v.Host, v.GPU, v.UUID, v.Model = "gpu", a.hall, a.rack, a.host, b.index, b.uuid, b.model
			if silent { // its host has the line
				r.GPUs[Unknown.String()]++
				continue
			}
			r.GPUs[v.State.String()]++
			if len(v.Findings) > 0 {
				r.Subjects = append(r.Subjects, v)
			}
		}
	}
	// Hosts that have not reported since the aggregator's start.
	for host := range s.hosts {
		if v := s.verdict(hostSubject(host), false, r.At); !told[host] {
			v.Kind, v.Host = "host", host
			r.Hosts[v.State.String()]++
			if len(v.Findings) > 0 && s.blind == 0 {
				r.Subjects = append(r.Subjects, v)
			}
		}
	}
	slices.SortFunc(r.Subjects, func(a, b Verdict) int {
		return cmp.Or(cmp.Compare(b.State, a.State), cmp.Compare(a.Since, b.Since), cmp.Compare(a.Host, b.Host), cmp.Compare(a.GPU, b.GPU))
	})
	if limit > 0 && len(r.Subjects) > limit {
		r.Cut = len(r.Subjects) - limit
		r.Subjects = r.Subjects[:limit]
	}
	return r
}

// verdict is the worst of a subject's findings. quiet: its driver could ask for
// something, and does not.
func (s *site) verdict(name string, quiet bool, millis int64) (v Verdict) {
	x := s.subjects[name]
	if x == nil || len(x.findings) == 0 {
		v.Action = None
		return v
	}
	v.Findings = slices.Clone(x.findings)
	if quiet {
		overrule(v.Findings, millis)
	}
	slices.SortFunc(v.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(b.State, a.State), cmp.Compare(rank(b), rank(a)), cmp.Compare(a.Since, b.Since), strings.Compare(a.Cause, b.Cause))
	})
	worst := v.Findings[0]
	v.State, v.Action, v.Advice, v.Since = worst.State, worst.Action, worst.Advice, worst.Since
	return v
}

// rank puts the driver's own word first among equals.
func rank(f Finding) int {
	if f.Cause == "recovery_action" {
		return 1
	}
	return 0
}

// settled is how long the driver may take to ask for something after an event.
const settled = 10_000 // ms

// overrule lets the driver's word decide: a board that reports its recovery
// action and asks for nothing needs nobody at night for what it has got over.
func overrule(findings []Finding, millis int64) {
	for i := range findings {
		if f := &findings[i]; f.Driver && f.State == Failed && millis > f.Last+settled {
			f.State = Degraded
			f.Advice = "the driver asks for nothing now. Otherwise: " + f.Advice
		}
	}
}

// Reset sets findings of a GPU (by uuid) or host (by name) aside, of one cause or
// of all if cause is empty, on the word of a person.
func (h *Health) Reset(siteName, subjectName, cause, by string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.sites[siteName]
	if s == nil {
		return fmt.Errorf("reset health: there is no site %q", siteName)
	}
	x := s.subjects[subjectName]
	if x == nil {
		x = s.subjects[hostSubject(subjectName)]
	}
	if x == nil {
		return fmt.Errorf("reset health: nothing is known against %q", subjectName)
	}
	if cause != "" && x.find(cause) == nil {
		return fmt.Errorf("reset health: %q has no finding %q", subjectName, cause)
	}
	for _, f := range slices.Clone(x.findings) {
		if cause != "" && f.Cause != cause {
			continue
		}
		x.clear(f.Cause)
		if f.Kind == condition {
			if x.aside == nil {
				x.aside = map[string]bool{}
			}
			x.aside[f.Cause] = true
		}
		h.log.Info("health finding set aside", "site", siteName, "subject", x.name, "cause", f.Cause, "by", by)
	}
	h.dirty = true
	return nil
}
