package report

import (
	"bytes"
	"fmt"
	"slices"
	"time"
)

// Beside is what a document says besides the record.
type Beside struct {
	Kept    []byte  // the record as it was locked, byte for byte; nil: as it is written now
	Filing  *Filing // nil: nobody says how far the report has come
	Earlier *Record // of the same site, of a year before; nil: there is none
}

// PDF is the record as a document to hand out: what it says, drawn and in tables,
// and nothing else. The same record and the same steps give the same bytes.
func (r *Record) PDF(b Beside) ([]byte, error) {
	kept := b.Kept
	if kept == nil {
		var err error
		if kept, err = r.JSON(); err != nil {
			return nil, err
		}
	}
	s := b.Filing.standing(Hash(kept))
	p, err := newFolio(r, s)
	if err != nil {
		return nil, fmt.Errorf("write document of %s: %w", r.Site, err)
	}
	p.cover(r, s)
	p.keyFigures(r)
	p.otherRules(r)
	p.byMonth(r)
	p.balance(r)
	p.quality(r)
	if b.Earlier != nil {
		p.yearOnYear(r, b.Earlier)
	}
	p.issues(r)
	p.verify(r, s)
	p.contents()
	p.margins()
	var out bytes.Buffer
	if err := p.f.Output(&out); err != nil {
		return nil, fmt.Errorf("write document of %s: %w", r.Site, err)
	}
	return out.Bytes(), nil
}

// A standing is how far a record has come.
type standing struct {
	state   State
	known   bool
	version int
	hash    string
	steps   []Event // of this record
	later   int     // the newest version, where it is another
}

// standing finds the record of that hash among the steps; f may be nil.
func (f *Filing) standing(hash string) standing {
	s := standing{state: Draft, hash: hash}
	if f == nil {
		return s
	}
	s.known, s.version = true, f.Version()
	at := -1
	for i := range f.Events {
		if e := &f.Events[i]; e.Record == hash && (e.Action == ActLock || e.Action == ActValidate && at < 0) {
			at, s.version = i, e.Version
		}
	}
	if at < 0 {
		return s
	}
	for _, e := range f.Events[at:] {
		if e.Version == s.version && e.Action != ActCorrect && e.Record == hash {
			s.state, s.steps = after[e.Action], append(s.steps, e)
		}
	}
	if n := f.Version(); n != s.version {
		s.later = n
	}
	return s
}

// fixed reports whether the record is kept as it is.
func (s *standing) fixed() bool {
	return slices.Contains([]State{Locked, Approved, Submitted}, s.state)
}

// words are what the state is called.
func (s *standing) words() string {
	switch {
	case !s.known:
		return "DRAFT, unless it was locked: that is not known here"
	case s.state == Draft:
		return fmt.Sprintf("DRAFT of version %d: not locked, and may change", s.version)
	case s.state == Validated:
		return fmt.Sprintf("VALIDATED DRAFT of version %d: not locked, and may change", s.version)
	}
	return fmt.Sprintf("%s, version %d", map[State]string{Locked: "LOCKED", Approved: "LOCKED and APPROVED", Submitted: "LOCKED, APPROVED and SUBMITTED"}[s.state], s.version)
}

// made is the time that stands in the document: of the lock, or the day that the
// figures reach to.
func (r *Record) made(s standing) time.Time {
	for i := range s.steps {
		if t, err := time.Parse(time.RFC3339, s.steps[i].At); err == nil && s.steps[i].Action == ActLock {
			return t.UTC()
		}
	}
	if t, err := time.Parse(time.RFC3339, r.Period.Until); err == nil {
		return t.UTC()
	}
	if t, err := time.Parse(time.DateOnly, r.Period.To); err == nil {
		return t
	}
	return time.Unix(0, 0).UTC()
}
