package carbon

import (
	"math"
	"slices"
	"time"
)

// A Word is one figure with its provenance.
type Word struct {
	Value     float64 // in the unit of its quantity
	Provider  string
	Basis     Basis
	Tier      int
	Set       string    // emission factors, or the provider's name for how it came about
	Published time.Time // by the provider; zero: it does not say
	Fetched   time.Time // when it was first heard
}

// A Revision says that an interval has a better figure than the one that was
// used. Sequences rise and are never used again, not even when the folder of the
// state was lost; a later one overrides an earlier one where they meet.
type Revision struct {
	Sequence uint64
	At       time.Time // when it was found
	Quantity Quantity
	From, To time.Time // whole quarters of an hour
	Word     Word
	Was      *Word // what was used until now; nil: nothing, or nothing from its beginning on
}

// A Use says what an interval uses.
type Use struct {
	Quantity Quantity
	From, To time.Time
	Word     Word
	Revised  uint64 // sequence of the revision that brought it; 0: it was used from the start
}

// used is a slot's choice, by the revision that brought it.
type used struct {
	choice
	revised uint64
	late    bool // it was made when the slot had begun, and its beginning has none
}

// A book is what each slot uses and how that came to change.
type book struct {
	since     slot // first slot that was read; 0: none was
	slots     [quantities]map[slot]used
	revisions []Revision
	next      uint64 // sequence of the next one
	dropped   int64  // revisions that were too many to keep
	heard     int    // revisions that may have been read, and stay as they are
}

// How long a slot may go without a figure while the provider of the one before is
// expected to say its next, and after what time its beginning has been without one.
const (
	patience = 10 * 60 // s
	tooLate  = 60      // s
)

// Bounds of a book.
const (
	bookBack      = 40 * aDay // slots before that are settled
	gapsAfter     = 6 * slot(4)
	mostRevisions = 20_000
)

// use settles what a slot uses, for as long as it lasts, at a second of it.
func (s *Source) use(q Quantity, at slot, second int64) (choice, bool) {
	if u, ok := s.book.slots[q][at]; ok {
		return u.choice, true
	}
	c, ok := s.choose(q, at)
	since := second - at.start()
	if !ok || c.basis.derived() && since < patience && s.expects(q, at, second) {
		return choice{}, false
	}
	u := used{choice: c, late: since >= tooLate}
	s.book.set(q, at, u)
	s.note(useEntry(q, at, &u))
	return c, true
}

// expects reports whether a provider's own word on a slot is on its way: it had
// one on the slot before, or was not asked yet.
func (s *Source) expects(q Quantity, at slot, second int64) bool {
	if u, ok := s.book.slots[q][at-1]; ok && !u.basis.derived() {
		return true
	}
	if second-s.began >= tooLate {
		return false
	}
	for _, p := range s.pollers {
		for _, f := range p.feeds {
			if !f.tried {
				return true
			}
		}
	}
	return false
}

func (b *book) set(q Quantity, at slot, u used) {
	if b.slots[q] == nil {
		b.slots[q] = map[slot]used{}
	}
	b.slots[q][at] = u
}

// restate looks for slots that are over and have better evidence than they use.
func (s *Source) restate(now slot, at time.Time) {
	b := &s.book
	if b.since == 0 {
		return
	}
	b.heard = len(b.revisions)
	for q := range Quantity(quantities) {
		for i := max(b.since, now-bookBack); i < now; i++ {
			best, ok := s.better(q, i, now)
			if !ok {
				continue
			}
			was, had := b.slots[q][i]
			s.revise(q, i, best, was, had && !was.late, at)
		}
	}
	b.trim()
}

// better is what slot i, which is over, should use instead of what it does.
func (s *Source) better(q Quantity, i, now slot) (choice, bool) {
	was, had := s.book.slots[q][i]
	best, ok := s.said(q, i)
	if was.late && !ok {
		return was.choice, true // for its beginning
	}
	switch {
	case was.late:
		return best, true
	case !had && ok && best.basis != Forecast:
		return best, true
	case !had && now-i > gapsAfter:
		return s.choose(q, i)
	case !had || !ok:
		return choice{}, false
	}
	tier, old := best.basis.Tier(), was.basis.Tier()
	switch {
	case tier < old, s.obsolete(q, i, &was):
	case tier > old, was.basis == best.basis && s.rank(best.provider) > s.rank(was.provider):
		return choice{}, false
	case best.basis > was.basis:
		return choice{}, false
	case best.basis == was.basis && best.provider == was.provider:
		// Other factors hold from the day on that they are chosen.
		return best, best.set == was.set && math.Abs(best.value-was.value) >= q.noise()
	}
	return best, true
}

// obsolete reports whether the provider of what slot i uses now says something
// worse of it: it has taken its figure back.
func (s *Source) obsolete(q Quantity, i slot, was *used) bool {
	if was.basis.derived() {
		return false
	}
	n := s.rank(was.provider)
	if n == len(s.vendors) {
		return false
	}
	f, ok := s.vendors[n].at(q, i)
	return ok && f.basis.Tier() > was.basis.Tier()
}

// revise makes slot i use c, as part of the newest revision where that says the
// same of the slot before.
func (s *Source) revise(q Quantity, i slot, c choice, was used, had bool, at time.Time) {
	b := &s.book
	r := Revision{Sequence: b.next + 1, At: at.UTC().Truncate(time.Millisecond), Quantity: q, From: utc(i.start()), To: utc((i + 1).start()), Word: c.word()}
	if had {
		w := was.word()
		r.Was = &w
	}
	if n := len(b.revisions); n > b.heard && b.revisions[n-1].joins(&r) {
		last := &b.revisions[n-1]
		last.To, r.Sequence = r.To, last.Sequence
	} else {
		b.revisions = append(b.revisions, r)
		b.next = r.Sequence
	}
	u := used{choice: c, revised: r.Sequence}
	b.set(q, i, u)
	s.note(reviseEntry(q, i, &u, at, &was.choice, had))
}

// joins reports whether n goes on where r ends, in the same words.
func (r *Revision) joins(n *Revision) bool {
	return r.Quantity == n.Quantity && r.To.Equal(n.From) && r.Word == n.Word &&
		(r.Was == nil) == (n.Was == nil) && (r.Was == nil || *r.Was == *n.Was)
}

func (c *choice) word() Word {
	return Word{c.value, c.provider, c.basis, c.basis.Tier(), c.set, utc(c.published), utc(c.fetched)}
}

// trim keeps the newest revisions.
func (b *book) trim() {
	if n := len(b.revisions) - mostRevisions; n > 0 {
		b.revisions = slices.Delete(b.revisions, 0, n)
		b.dropped += int64(n)
	}
}

// prune forgets what is settled.
func (s *Source) prune(now slot) {
	for _, v := range s.vendors {
		for q := range v.shelves {
			v.shelves[q].prune(now - shelfBack)
		}
	}
	b := &s.book
	for q := range b.slots {
		for i := range b.slots[q] {
			if i < now-bookBack {
				delete(b.slots[q], i)
			}
		}
	}
	settled := utc((now - bookBack).start())
	b.revisions = slices.DeleteFunc(b.revisions, func(r Revision) bool { return r.At.Before(settled) })
}

// Revisions are those after a sequence, oldest first, most of them at most.
func (s *Source) Revisions(after uint64, most int) []Revision {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.book.revisions
	i, found := slices.BinarySearchFunc(list, after, func(r Revision, n uint64) int {
		switch {
		case r.Sequence < n:
			return -1
		case r.Sequence > n:
			return 1
		}
		return 0
	})
	if found {
		i++
	}
	list = slices.Clone(list[i:min(len(list), i+max(0, most))])
	for i := range list {
		if list[i].Was != nil {
			was := *list[i].Was
			list[i].Was = &was
		}
	}
	return list
}

// Uses says what the quarters of an hour in [from, to) use, those together that
// use the same. What is not in it uses nothing.
func (s *Source) Uses(q Quantity, from, to time.Time) (list []Use) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first, end := slotOf(from), slotOf(to)
	if from.Unix() > first.start() {
		first++
	}
	for i := first; i < end; i++ {
		u, ok := s.book.slots[q][i]
		if !ok {
			continue
		}
		w := u.word()
		if n := len(list); n > 0 && list[n-1].To.Unix() == i.start() && list[n-1].Revised == u.revised && list[n-1].Word == w {
			list[n-1].To = utc((i + 1).start())
			continue
		}
		list = append(list, Use{q, utc(i.start()), utc((i + 1).start()), w, u.revised})
	}
	return list
}
