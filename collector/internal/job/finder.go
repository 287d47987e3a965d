package job

import (
	"time"
)

// A holding is what a finder knows: a job holds a device, or a part of the host;
// without either, that it holds nothing.
type holding struct {
	job, tenant string
	device      string // as the finder's convention spells it; "" for the host
	share       int64  // of the device or the host, in millionths; 0: with those who hold it too, alike
	unclear     bool   // something is held of the device, but not known what; without a device: of any
}

// nothing reports whether h says that its job holds no device.
func (h *holding) nothing() bool { return h.device == "" && h.share == 0 && !h.unclear }

// An answer is what a finder knows at a time.
type answer struct {
	held  []holding
	notes []string  // what it could not understand
	at    time.Time // when this was so
}

// A finder knows one convention.
type finder interface {
	name() string
	find(now time.Time) (answer, error)
}

// forget is how long what was told holds while nothing is told.
const forget = 30 * time.Second

// maxHoldings bounds what a host may report.
const maxHoldings = 512

// An asked finder, with what it said last.
type asked struct {
	finder
	answer       // the last good one
	err    error // of the last time, nil if it answered
	said   time.Time
}

// ask asks it. It reports whether what it told is too old to be believed.
func (a *asked) ask(now time.Time) (silent bool) {
	said, err := a.find(now)
	if err == nil {
		a.answer = said
	}
	a.err = err
	return a.at.IsZero() || now.Sub(a.at) > forget
}

// recent are things that were told, and for how long.
type recent struct {
	held  []holding
	at    time.Time // when they were told; zero: never
	since time.Time // when it was first tried
}

// still is what is believed of one that is there and tells nothing now: what it
// told before, nothing yet, or after a while that something unclear is held.
func (r *recent) still(now time.Time, unclear holding) []holding {
	switch {
	case !r.at.IsZero() && now.Sub(r.at) <= forget:
		return r.held
	case r.at.IsZero() && now.Sub(r.since) <= forget:
		return nil
	}
	unclear.unclear = true
	return []holding{unclear}
}
