package carbon

import (
	"maps"
	"slices"
	"time"
)

// note has an entry written, by the next save.
func (s *Source) note(e entry) {
	if s.journal != nil && !s.anew {
		s.pending = append(s.pending, e)
	}
}

// save writes what was noted. What could not be written is made up for by
// writing the journal anew from all that is known.
func (s *Source) save() {
	if s.journal == nil {
		return
	}
	s.mu.Lock()
	list, anew := s.pending, s.anew || s.journal.grown()
	s.pending = nil
	if anew {
		list = s.everything()
	}
	s.anew = false
	s.mu.Unlock()
	var err error
	if anew {
		err = s.journal.rewrite(list)
	} else {
		err = s.journal.add(list)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.anew, s.pending = true, nil
		if s.diskError == nil {
			s.log.Warn("grid figures will not be remembered", "zone", s.c.Zone, "error", err)
		}
	} else if s.diskError != nil {
		s.log.Info("grid figures are remembered again", "zone", s.c.Zone)
	}
	s.diskError = err
}

// everything is all that a new journal has to say.
func (s *Source) everything() (list []entry) {
	b := &s.book
	if b.since != 0 {
		list = append(list, entry{Kind: "start", Slot: b.since, Revised: b.next})
	}
	for _, v := range s.vendors {
		for q := range v.shelves {
			for f := range v.shelves[q].all() {
				list = append(list, figureEntry(Quantity(q), v.name, &f))
			}
		}
	}
	for i := range b.revisions {
		r := &b.revisions[i]
		for at := slotOf(r.From); at < slotOf(r.To); at++ {
			u := used{choice: r.Word.choice(at), revised: r.Sequence}
			var was choice
			if r.Was != nil {
				was = r.Was.choice(at)
			}
			list = append(list, reviseEntry(r.Quantity, at, &u, r.At, &was, r.Was != nil))
		}
	}
	for q := range b.slots {
		for _, at := range slices.Sorted(maps.Keys(b.slots[q])) {
			u := b.slots[q][at]
			list = append(list, useEntry(Quantity(q), at, &u))
		}
	}
	return list
}

// choice is w as what a slot uses.
func (w *Word) choice(at slot) choice {
	second := func(t time.Time) int64 {
		if t.IsZero() {
			return 0
		}
		return t.Unix()
	}
	return choice{figure{at.start(), (at + 1).start(), w.Value, w.Basis, w.Set, second(w.Published), second(w.Fetched)}, w.Provider}
}

// load takes up what the journal says.
func (s *Source) load(now time.Time) {
	b := &s.book
	damaged, err := readJournal(s.journal.path, func(e *entry) {
		s.journal.lines++
		c := e.choice()
		switch e.Kind {
		case "start":
			b.since, b.next = e.Slot, max(b.next, e.Revised)
		case "figure":
			if n := s.rank(e.Provider); n < len(s.vendors) {
				first, end, _ := c.slots()
				for at := first; at < end; at++ {
					s.vendors[n].shelves[e.Quantity].set(at, c.figure)
				}
			}
		case "use":
			b.set(e.Quantity, e.Slot, used{c, e.Revised, e.Late})
		case "revise":
			b.set(e.Quantity, e.Slot, used{c, e.Revised, false})
			b.recall(e)
		}
	})
	if err != nil || damaged > 0 {
		s.anew = true
		s.log.Warn("grid journal is damaged; what could be read is kept", "zone", s.c.Zone, "lines", damaged, "error", err)
	}
	s.journal.base = s.journal.lines
	b.trim()
	s.prune(slotOf(now))
}

// recall adds a line of the journal to the revision that it is of.
func (b *book) recall(e *entry) {
	b.next = max(b.next, e.Revised)
	c := e.choice()
	end := utc((e.Slot + 1).start())
	if n := len(b.revisions); n > 0 && b.revisions[n-1].Sequence >= e.Revised {
		if last := &b.revisions[n-1]; last.Sequence == e.Revised && last.Quantity == e.Quantity && last.To.Equal(utc(e.Slot.start())) {
			last.To = end
		}
		return
	}
	r := Revision{Sequence: e.Revised, At: time.UnixMilli(e.Found).UTC(), Quantity: e.Quantity, From: utc(e.Slot.start()), To: end, Word: c.word()}
	if e.Was != nil {
		was := e.Was.choice()
		w := was.word()
		r.Was = &w
	}
	b.revisions = append(b.revisions, r)
}
