package mqtt

import (
	"slices"
	"time"
)

const (
	ahead    = 5 * time.Minute // that a device's clock may be
	backward = time.Second     // that a message may come after a younger one
	setBack  = 3               // messages in a row, at the pace of the clock, tell that the device's was set back
)

// An order lets messages through by their times. Gateways send what they could not
// send before, and not always first; that is told from a clock that was set back
// by its pace: an hour of what is late comes within seconds.
type order struct {
	newest time.Time
	strays []reading // the last that came after younger ones
}

// next is what may be taken now that q came, and how many messages are given up.
func (o *order) next(q reading, retained bool) (fit []reading, late int) {
	switch {
	case !q.at.Before(o.newest.Add(-backward)):
		late = len(o.strays)
		o.strays = nil
		if q.at.After(o.newest) {
			o.newest = q.at
		}
		return []reading{q}, late
	case retained: // it was taken when it was young
		return nil, 0
	}
	if n := len(o.strays); n > 0 && !o.paced(o.strays[n-1], q) {
		late = n
		o.strays = nil
	}
	if o.strays = append(o.strays, q); len(o.strays) < setBack {
		return nil, late
	}
	fit = slices.Clone(o.strays)
	o.newest, o.strays = q.at, nil
	return fit, late
}

// paced reports whether a device that sent a sent b as much later as it came later.
func (o *order) paced(a, b reading) bool {
	by := b.at.Sub(a.at)
	return by > 0 && by <= b.came.Sub(a.came)+backward
}
