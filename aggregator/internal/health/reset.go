package health

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrNothing means that there is nothing to set aside.
var ErrNothing = errors.New("nothing is known against it")

// Reset sets findings aside on the word of a person, of one cause or of all if
// cause is empty: those of a GPU by its uuid, of a host by its name, or of a site
// by its own. It names the causes. A host that is silent, or a GPU that is
// missing, is then no longer expected.
func (h *Health) Reset(siteName, subjectName, cause, by string) (causes []string, err error) {
	now := time.Now()
	h.mu.Lock()
	causes, err = h.setAside(siteName, subjectName, cause, by, now.UnixMilli())
	h.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("reset health of %q at %q: %w", subjectName, siteName, err)
	}
	if err := h.save(now, true); err != nil { // a person's word outlives a crash
		h.unsaved.Inc()
		h.log.Warn("health is not kept on disk", "error", err)
	}
	return causes, nil
}

func (h *Health) setAside(siteName, subjectName, cause, by string, now int64) (causes []string, err error) {
	s := h.sites[siteName]
	if s == nil {
		return nil, errors.New("there is no such site")
	}
	x := s.boards[subjectName]
	if x == nil {
		x = s.hosts[subjectName]
	}
	if x == nil {
		x = s.strangers[subjectName]
	}
	if x == nil && subjectName == siteName && s.blind != nil && (cause == "" || cause == blindCause) {
		h.resetBlind(s, by, now)
		return []string{blindCause}, nil
	}
	if x == nil {
		return nil, ErrNothing
	}
	for _, f := range slices.Clone(x.findings) {
		if cause != "" && f.Cause != cause {
			continue
		}
		causes = append(causes, f.Cause)
		x.clear(f.Cause)
		switch {
		case f.Cause == silentCause:
			s.forgetHost(x)
		case f.Cause == missingCause:
			h.resetMissing(x, &f, by, now)
		case f.kind != event:
			x.aside = append(x.aside, Aside{f.Cause, f.Evidence, by, now, f.until})
		}
		h.log.Info("health finding set aside", "site", siteName, "subject", x.name, "cause", f.Cause, "by", by)
	}
	if len(causes) == 0 {
		return nil, ErrNothing
	}
	if s.has(x) {
		s.mark(x)
	}
	h.dirty = true
	x.touch()
	slices.Sort(causes)
	return causes, nil
}

// resetMissing takes a person's word that GPUs of a host are gone. What its agent
// is told to expect is missed even so, and set aside.
func (h *Health) resetMissing(x *subject, f *Finding, by string, now int64) {
	for _, b := range slices.Clone(x.boards) {
		if b.owner == nil {
			x.site.forgetBoard(b)
		}
	}
	if x.count(); x.absent <= 0 {
		return
	}
	h.missing(x, now) // to know how it is said
	if o := x.find(missingCause); o != nil {
		evidence := o.Evidence
		x.clear(missingCause)
		x.aside = append(x.aside, Aside{missingCause, evidence, by, now, 0})
	}
}

// resetBlind takes a person's word that the hosts that fell silent together are
// gone.
func (h *Health) resetBlind(s *site, by string, now int64) {
	for _, x := range s.hosts {
		if now-x.heard > h.silence && x.find(silentCause) == nil {
			s.forgetHost(x)
		}
	}
	s.blind, h.dirty = nil, true
	h.log.Info("health finding set aside", "site", s.name, "cause", blindCause, "by", by)
}
