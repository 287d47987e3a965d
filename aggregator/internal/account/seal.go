package account

import (
	"cmp"
	"slices"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// An Hour is what is sealed: one hour of one site, or what came late for it. Its
// lists are in the one order that they can be in.
type Hour struct {
	Site      string
	Number    int64 // hours since 1970
	Late      bool  // a restatement: amounts are what must be added
	Subject   Subject
	Simulated bool
	Expected  int // agents awaited
	Seen      int // agents that had read past the hour's end
	Summary   Summary
	Words     []Word       // of the grid
	Meters    []MeterRow   // the energy of meters in Rows, and their water, by the quarter
	Corrected []Correction // readings that lie over those counted
	Devices   []Device
	Places    []Place
	Rows      []Row
	Hosts     []string // that jobs drew on
	Jobs      []Job
	Shares    []JobRow // the same energy as in Rows, by jobs
}

// A Row is what one device booked in the hour, at one place, in one quality.
type Row struct {
	Device, Place uint32 // indexes
	Amount        uint64 // mJ or mL; in a restatement modulo 2^64
	Covered       uint32 // ms
	Expected      uint32 // ms; on one row of a device
	Quality       metric.Quality
	Flags         Flags
}

// A Ref names an hour of a site.
type Ref struct {
	Site    string
	Number  int64
	Late    bool
	Subject Subject
}

const (
	// Grace is how long after its end an hour waits for agents that are behind.
	Grace = 2 * hour
	// catchUp is how long after the start of the process nothing is sealed for
	// want of agents: they have much to send then.
	catchUp = 10 * minute
	// lateFor is how long a restatement is open: what comes late comes in floods.
	lateFor = 15 * minute
)

// Freeze ends the hours that are due at now, in a process that has been up since
// opened, at most limit of them: nothing is booked into them any more.
func (s *State) Freeze(now, opened int64, limit int) (frozen []Ref) {
	for _, name := range s.Sites() {
		st := s.sites[name]
		for limit > len(frozen) && st.due(now, opened) {
			h := st.hour(st.next)
			frozen = append(frozen, Ref{Site: name, Number: h.number})
			st.freeze(h)
			st.next++
			st.sealed++
		}
		late := slices.Clone(st.hours)
		slices.SortFunc(late, func(a, b *openHour) int { return cmp.Compare(a.number, b.number) })
		for _, h := range late {
			if h.late && !h.closing && now-h.opened >= lateFor && limit > len(frozen) && h.number < st.next && !st.closes(h.number) {
				frozen = append(frozen, Ref{Site: name, Number: h.number, Late: true})
				st.freeze(h)
			}
		}
		frozen = append(frozen, st.freezeOverlays(now, limit-len(frozen))...)
	}
	return frozen
}

func (s *site) freeze(h *openHour) {
	h.closing = true
	s.current = nil
}

// closes reports whether a part of an hour is already on its way.
func (s *site) closes(number int64) bool {
	for of := range Subjects {
		if s.overlays[overlayKey{number, of, true}] != nil {
			return true
		}
	}
	return slices.ContainsFunc(s.hours, func(h *openHour) bool { return h.number == number && h.closing })
}

// due reports whether the next hour can be sealed: it is over, and every agent
// that was near has read past its end, or was waited for long enough.
func (s *site) due(now, opened int64) bool {
	end := (s.next + 1) * hour
	if s.next == 0 || now < end {
		return false
	}
	if now >= max(end+Grace, opened+catchUp) {
		return true
	}
	expected, seen := s.attendance(s.next)
	return expected > 0 && seen == expected
}

// attendance counts the agents awaited for an hour, and those that have read
// past its end. Who was silent for two hours before it is not awaited.
func (s *site) attendance(number int64) (expected, seen int) {
	for i := range s.agents {
		switch t := s.agents[i].time; {
		case t >= (number+1)*hour:
			expected++
			seen++
		case t >= number*hour-Grace:
			expected++
		}
	}
	return expected, seen
}

// Closing are the hours that were frozen and not dropped, oldest first.
func (s *State) Closing() []Ref {
	var refs []Ref
	for _, name := range s.Sites() {
		for _, h := range s.sites[name].hours {
			if h.closing {
				refs = append(refs, Ref{Site: name, Number: h.number, Late: h.late})
			}
		}
		for _, k := range s.sites[name].overlaysInOrder() {
			if k.closing {
				refs = append(refs, k.ref(name))
			}
		}
	}
	slices.SortStableFunc(refs, func(a, b Ref) int { return cmp.Compare(a.Number, b.Number) })
	return refs
}

// Drop forgets a frozen hour: it is sealed.
func (s *State) Drop(r Ref) {
	st := s.sites[r.Site]
	if r.Subject != Counted {
		delete(st.overlays, overlayKey{r.Number, r.Subject, true})
		return
	}
	st.hours = slices.DeleteFunc(st.hours, func(h *openHour) bool {
		return h.closing && h.number == r.Number && h.late == r.Late
	})
	st.current = nil
	st.sweep()
}

// Content is what a frozen hour holds.
func (s *State) Content(r Ref) *Hour {
	st := s.sites[r.Site]
	if k := (overlayKey{r.Number, r.Subject, true}); st.overlays[k] != nil {
		return st.overlaid(k, st.overlays[k])
	}
	for _, h := range st.hours {
		if r.Subject == Counted && h.closing && h.number == r.Number && h.late == r.Late {
			return st.content(h)
		}
	}
	return nil
}

// front is what an open hour holds up to until, without its lists of devices and
// of jobs.
func (s *site) front(h *openHour, until int64) *Hour {
	return &Hour{
		Site: s.name, Number: h.number, Late: h.late, Simulated: s.simulated, Summary: *s.summary(h, until),
		Words: s.words(h), Meters: s.meterRows(h, until),
	}
}

func (s *site) content(h *openHour) *Hour {
	end := (h.number + 1) * hour
	out := s.front(h, end)
	if !h.late {
		out.Expected, out.Seen = s.attendance(h.number)
	}
	places := make([]uint32, len(s.places.values)) // 1 + place in out
	devices := map[uint32]uint32{}
	s.rows(h, end, func(n uint32, place uint32, r Row) {
		at, ok := devices[n]
		if !ok {
			at = uint32(len(out.Devices))
			devices[n] = at
			out.Devices = append(out.Devices, s.device(n))
		}
		if places[place] == 0 {
			out.Places = append(out.Places, s.places.values[place])
			places[place] = uint32(len(out.Places))
		}
		r.Device, r.Place = at, places[place]-1
		out.Rows = append(out.Rows, r)
	})
	s.contentJobs(h, out)
	out.arrange()
	return out
}

// rows yields what an open hour holds, up to until: the rows of every account
// that has any or is expected to.
func (s *site) rows(h *openHour, until int64, yield func(account, place uint32, r Row)) {
	for n := range s.counters {
		c := &s.counters[n]
		var expected int64
		if !h.late {
			from, to := c.expected(h.number, until)
			expected = to - from
		}
		first := h.first(uint32(n))
		if first == 0 {
			if expected > 0 {
				yield(uint32(n), c.place, Row{Expected: uint32(expected), Flags: FlagAbsent})
			}
			continue
		}
		for i := h.rows[first-1].next; i != 0; i = h.rows[i-1].next {
			r := &h.rows[i-1]
			yield(uint32(n), r.mark.place(), r.row(min(int64(r.covered), expected)))
			expected -= min(int64(r.covered), expected)
		}
		r := &h.rows[first-1]
		yield(uint32(n), r.mark.place(), r.row(expected))
	}
}

func (r *row) row(expected int64) Row {
	return Row{Amount: r.amount, Covered: r.covered, Expected: uint32(expected), Quality: r.mark.quality(), Flags: r.mark.flags()}
}

func (s *site) device(n uint32) Device {
	c := &s.counters[n]
	return Device{Kind: c.kind, Name: c.name, Metric: c.metric, Point: uint32(c.point), Quantity: c.quantity, Trait: s.traits.values[c.trait]}
}

// arrange puts devices, places and rows in their order.
func (h *Hour) arrange() {
	device := permute(h.Devices, func(a, b *Device) int { return a.Compare(b) })
	place := permute(h.Places, func(a, b *Place) int { return a.Compare(*b) })
	for i := range h.Rows {
		r := &h.Rows[i]
		r.Device, r.Place = device[r.Device], place[r.Place]
	}
	slices.SortFunc(h.Rows, func(a, b Row) int { return a.compare(b) })
	h.arrangeJobs()
}

func (r Row) compare(o Row) int {
	return cmp.Or(cmp.Compare(r.Device, o.Device), cmp.Compare(r.Place, o.Place), cmp.Compare(r.Quality, o.Quality))
}

// permute sorts values and returns where each went.
func permute[T any](values []T, compare func(a, b *T) int) []uint32 {
	order := make([]uint32, len(values))
	for i := range order {
		order[i] = uint32(i)
	}
	old := slices.Clone(values)
	slices.SortFunc(order, func(a, b uint32) int { return compare(&old[a], &old[b]) })
	to := make([]uint32, len(values))
	for i, from := range order {
		values[i], to[from] = old[from], uint32(i)
	}
	return to
}
