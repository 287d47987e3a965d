package gpu

import (
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// witness is who tells of an event.
type witness int

const (
	library witness = iota // of the driver
	kernel                 // its log
	witnesses
)

// A tally counts the events of one code on one board. Both witnesses may tell of
// an event, in any order and some seconds apart; it counts once.
type tally struct {
	count  int64
	newest int64 // µs since 1970

	// alone are events that only one witness has told of, second by second. What
	// one tells the other takes from here before anything counts.
	alone [witnesses][]second
	told  []told // the newest that the library told of, in a ring
	next  int    // place in it
}

// told is the time of an event, and the reading that had it.
type told struct {
	at      int64
	reading int
}

type second struct {
	at    int64 // µs since 1970 of the first event in it
	slack int64 // µs by which the time may be wrong
	n     int
}

// Bounds of a tally.
const (
	maxSeconds = 128
	maxTold    = 1024
	apart      = int64(5 * time.Second / time.Microsecond)
)

// again reports whether the library told of an event at that time in an earlier
// reading: a driver that began anew may say again what it said.
func (t *tally) again(at int64, reading int) bool {
	for _, e := range t.told {
		if e.at == at && e.reading != reading {
			return true
		}
	}
	if len(t.told) < maxTold {
		t.told = append(t.told, told{at, reading})
	} else {
		t.told[t.next] = told{at, reading}
		t.next = (t.next + 1) % maxTold
	}
	return false
}

// add takes what a witness tells of an event at a time that is known to slack.
func (t *tally) add(w witness, at, slack int64) {
	other := t.alone[1-w]
	for i := range other {
		if s := &other[i]; max(at-s.at, s.at-at) <= max(slack, s.slack) {
			if s.n--; s.n == 0 {
				t.alone[1-w] = slices.Delete(other, i, i+1)
			}
			return
		}
	}
	t.count++
	t.newest = max(t.newest, at)
	own := t.alone[w]
	for i := range own {
		if s := &own[i]; s.at/1e6 == at/1e6 {
			s.n, s.slack = s.n+1, max(s.slack, slack)
			return
		}
	}
	if len(own) == maxSeconds {
		own = slices.Delete(own, 0, 1)
	}
	t.alone[w] = append(own, second{at, slack, 1})
}

// maxCodes bounds the columns that events make; there are some 150 codes in all,
// and a host has a few.
const maxCodes = 48

// An event is what a witness told of, once it is known of which board.
type event struct {
	by        witness
	code      uint32
	at, slack int64 // µs
	reading   int   // that had it, if by the library
	exact     bool  // the library knows when it was
}

// A stray is an event on a board that is not known yet.
type stray struct {
	where address
	event
}

const maxStrays = 256

// hearLibrary takes the events of a reading.
func (s *Source) hearLibrary(at time.Time) {
	s.readings++
	for _, told := range s.reading.Events {
		e := event{library, told.Code, told.Time, apart, s.readings, told.Time != 0}
		if !e.exact {
			e.at = at.UnixMicro()
		}
		// What is older than this agent is no event of now.
		if at.Sub(time.UnixMicro(e.at)) > at.Sub(s.started)+time.Second {
			continue
		}
		b := s.byUUID(told.UUID)
		where, known := parseAddress(told.PCI)
		if b == nil && known {
			b = s.byAddress(where)
		}
		switch {
		case b != nil:
			s.count(b, e)
		case known:
			s.keep(stray{where, e})
		default:
			s.uncounted++
		}
	}
}

// hearKernel takes the lines that came since it was called last.
func (s *Source) hearKernel(at time.Time) {
	slack := apart
	if !s.heard.IsZero() {
		slack += at.Sub(s.heard).Microseconds()
	}
	s.heard = at
	s.kernel.read(at, func(where address, code uint32, old bool) {
		if code == engineStops {
			s.stopped = at
		}
		if old {
			return
		}
		e := event{by: kernel, code: code, at: at.UnixMicro(), slack: slack}
		if b := s.byAddress(where); b != nil {
			s.count(b, e)
		} else {
			s.keep(stray{where, e})
		}
	})
}

// count counts an event on b.
func (s *Source) count(b *board, e event) {
	t := b.tallies[e.code]
	if t == nil {
		if !slices.Contains(s.codes, e.code) {
			if len(s.codes) == maxCodes {
				s.uncounted++
				return
			}
			s.codes = append(s.codes, e.code)
			s.layout = nil
		}
		t = &tally{}
		b.tallies[e.code] = t
	}
	if e.exact && t.again(e.at, e.reading) {
		return
	}
	t.add(e.by, e.at, e.slack)
}

func (s *Source) keep(e stray) {
	if len(s.strays) == maxStrays {
		s.uncounted++
		return
	}
	s.strays = append(s.strays, e)
}

// adopt counts the events that were told of b before it was known.
func (s *Source) adopt(b *board) {
	s.strays = slices.DeleteFunc(s.strays, func(e stray) bool {
		if !b.addressed || e.where != b.address {
			return false
		}
		s.count(b, e.event)
		return true
	})
}

// events is how many of code there were on b.
func (b *board) events(code uint32) metric.Raw {
	if t := b.tallies[code]; t != nil {
		return metric.Raw(t.count)
	}
	return 0
}

// newest is when the newest event of code on b was, in the unit of
// [metric.GPUXIDTime].
func (b *board) newest(code uint32) metric.Raw {
	if t := b.tallies[code]; t != nil {
		return metric.Raw(t.newest / 1000)
	}
	return metric.Missing
}
