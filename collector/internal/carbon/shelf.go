package carbon

import (
	"iter"
	"maps"
	"slices"
)

// A shelf is what one provider has said of one quantity, by slot.
type shelf struct {
	figures map[slot]figure
	refused int64 // figures that cannot be
}

// How far back and ahead a shelf reaches: the mean of thirty days is needed for
// hours that are corrected a month later.
const (
	shelfBack  = 66 * aDay
	shelfAhead = 4 * aDay
)

// put takes what a provider says at the time now and returns what was new in it.
func (s *shelf) put(q Quantity, list []figure, now slot) (news []figure) {
	for _, f := range list {
		first, end, ok := f.slots()
		if !ok || !q.sane(f.value) || f.basis == 0 || f.basis >= bases || f.basis.derived() || end > now+shelfAhead {
			s.refused++
			continue
		}
		if first < now-shelfBack {
			continue
		}
		fresh := false
		for at := first; at < end; at++ {
			if old, ok := s.figures[at]; !ok || f.replaces(&old) {
				s.set(at, f)
				fresh = true
			}
		}
		if fresh {
			news = append(news, f)
		}
	}
	return news
}

func (s *shelf) set(at slot, f figure) {
	if s.figures == nil {
		s.figures = map[slot]figure{}
	}
	s.figures[at] = f
}

// replaces reports whether f is news to who knows old. A forecast is none to who
// knows how it came, and an old answer of a cache is none at all.
func (f *figure) replaces(old *figure) bool {
	switch {
	case f.basis == Forecast && old.basis != Forecast:
		return false
	case f.published != 0 && f.published < old.published:
		return false
	}
	return f.value != old.value || f.basis != old.basis || f.set != old.set || f.from != old.from || f.to != old.to
}

// prune forgets what lies before a slot.
func (s *shelf) prune(before slot) {
	maps.DeleteFunc(s.figures, func(at slot, _ figure) bool { return at < before })
}

// all yields each figure once, in the order of time, by the slots that it still
// has: what it was replaced in is left out.
func (s *shelf) all() iter.Seq[figure] {
	return func(yield func(figure) bool) {
		at := slices.Sorted(maps.Keys(s.figures))
		for i := 0; i < len(at); {
			f := s.figures[at[i]]
			j := i + 1
			for j < len(at) && at[j] == at[j-1]+1 && s.figures[at[j]] == f {
				j++
			}
			if at[i].start() != f.from || at[j-1].start()+quarter != f.to {
				f.from, f.to = at[i].start(), at[j-1].start()+quarter
			}
			if !yield(f) {
				return
			}
			i = j
		}
	}
}
