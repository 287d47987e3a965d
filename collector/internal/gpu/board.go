package gpu

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// An Identity is what a board is known by.
type Identity struct {
	UUID      string
	Index     int // on its host
	Model     string
	PCI       string // as its driver spells it
	Serial    string
	Instances []Instance // that it is divided into; not to be changed
}

// Entity is the board as every layout has it, under the entity parent.
func (id *Identity) Entity(parent int) metric.Entity {
	e := metric.Entity{Kind: metric.GPU, Name: id.UUID, Parent: parent, Labels: []metric.Pair{{Name: "gpu", Value: strconv.Itoa(id.Index)}}}
	if id.Model != "" {
		e.Labels = append(e.Labels, metric.Pair{Name: "model", Value: id.Model})
	}
	return e
}

// clean is foreign text as a name or a label.
func clean(s string) string {
	s = strings.ToValidUTF8(strings.TrimSpace(s), "�")
	for len(s) > metric.MaxText {
		s = strings.ToValidUTF8(s[:metric.MaxText], "")
	}
	return s
}

// A board is what is known of one that the driver ever listed.
type board struct {
	Identity
	address   address
	addressed bool
	driver    string

	state  metric.Raw
	said   metric.Raw // state that the log says
	saidAt time.Time

	// As of the newest answer.
	absent bool // the driver says so, or does not list it
	values [Slots]metric.Raw
	empty  bool      // no value says anything
	gone   time.Time // since when it was absent or empty while others were not; zero: it is not
	time   int64     // of its newest value, as the driver has it
	moved  time.Time // when that changed

	meter   meter
	tallies map[uint32]*tally // of XIDs, by code
}

// know takes what l says of the board's identity; a board that is lost tells
// nothing, and keeps it. It reports whether that is another than before.
func (b *board) know(l *Board) (changed bool) {
	if l.Index != b.Index {
		b.Index, changed = l.Index, true
	}
	if m := clean(l.Model); m != "" && m != b.Model {
		b.Model, changed = m, true
	}
	if a, ok := parseAddress(l.PCI); ok {
		b.PCI, b.address, b.addressed = l.PCI, a, true
	}
	if l.Serial != "" {
		b.Serial = l.Serial
	}
	if l.Driver != "" {
		b.driver = l.Driver
	}
	if !l.Absent && !slices.Equal(l.Instances, b.Instances) {
		b.Instances = slices.Clone(l.Instances)
	}
	return changed
}

// take takes a listing that was taken at a time, and notes which slots were seen.
// more means that values have come to be known that were not before.
func (b *board) take(l *Board, taken int64, at time.Time, hold time.Duration, seen *[Slots]bool) (more bool, err error) {
	b.absent, b.empty = l.Absent, true
	if b.absent {
		return false, nil
	}
	b.values = l.Values
	for i, v := range b.values {
		if v == metric.Missing {
			continue
		}
		b.empty = b.empty && Slot(i) == Partitions
		if !seen[i] {
			seen[i], more = true, true
		}
	}
	when := l.Time
	if when == 0 {
		when = taken
	}
	if when == b.time && !b.moved.IsZero() {
		return more, nil // read before
	}
	late := at.Sub(time.UnixMicro(when))
	if b.moved.IsZero() && late > 0 {
		b.moved = at.Add(-late) // it may not be moving at all
	} else {
		b.moved = at
	}
	b.time = when
	if b.empty {
		return more, nil
	}
	// The time of a sample by the clock that is not set: by the driver's time, as
	// far as that can be true.
	sampled := func(when int64) time.Time { return at.Add(-min(max(0, at.Sub(time.UnixMicro(when))), hold)) }
	powerAt := sampled(when)
	registerAt := powerAt
	if l.EnergyTime != 0 {
		registerAt = sampled(l.EnergyTime)
	}
	metered := b.meter.way != unknown
	err = b.meter.take(b.values[Power], powerAt, b.values[Energy], registerAt, b.driver)
	return more || metered != (b.meter.way != unknown), err
}

// judge is the board's state at a time, of a driver that answers; alive is
// whether any board says anything.
func (b *board) judge(at time.Time, alive bool, hold time.Duration) metric.Raw {
	switch {
	case b.absent, b.empty && alive:
		return metric.GPULost
	case b.empty:
		return metric.GPUBlank
	case at.Sub(b.moved) > hold:
		return metric.GPUStale
	}
	return metric.GPUOk
}
