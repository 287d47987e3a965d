package meter

import (
	"cmp"
	"fmt"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/energy"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A counter makes of a register, and of the gauge beside it, a count that never
// falls within an epoch. It is pure: no file, no clock.
//
//	    ┌─ goes on, rolls over ─┐
//	    ▼                       │
//	▶ sound ─ less, or more than it can ─▶ set aside ─ and again ─┬─ less ─▶ begins anew
//	  ▲ ├─ stands still while power flows ─▶ frozen ◀─ the gauge  │
//	  │ ├─ moves as its gauge does not ────▶ odd         counts   │
//	  └─┴─ two readings, or the gauge, say so ◀── quarantined ◀───┴─ more
//
// Where the register began anew, what it did not tell is filled in from the
// gauge; where that has a gap, a new epoch begins at zero. While it is sound what
// is shown is the register itself, in millijoules, so that two collectors of one
// meter agree.
type counter struct {
	name    string         // of the meter and what is counted: part of every epoch
	devices []Installation // at least one
	most    float64        // a second that it can count
	rated   bool           // that is known, and not only what no meter does
	period  time.Duration
	flow    *integral // of the gauge beside it; nil: there is none
	nonce   string    // of this run, where nothing is remembered

	life  life
	heard time.Time // the newest good reading, by the collector's clock
	base  point     // of flow, as of what is shown
	moved point     // of flow, when the register last moved, or after a gap since
	watch agreement
	why   string // it is not sound, for people
	ran   bool   // it was seen to count as it may: it is read rightly
}

// A life is what is kept of a register; it outlasts the agent.
type life struct {
	Mark   string     `json:"mark"`             // what it is by configuration; another one is another register
	Told   string     `json:"told,omitempty"`   // its life, as the device tells
	Began  int64      `json:"began,omitempty"`  // when the count began anew, ns since 1970; 0: it is the register's own
	High   uint64     `json:"high,omitempty"`   // turns that were taken off the count
	Epoch  metric.Raw `json:"epoch"`            //
	Size   Size       `json:"size"`             // of a step
	Steps  uint64     `json:"steps"`            // of the newest good reading
	At     time.Time  `json:"at"`               // of it, by the device's clock
	Moved  time.Time  `json:"moved"`            // when Steps last changed
	Count  int64      `json:"count"`            // at that reading
	Left   uint64     `json:"left,omitempty"`   // besides, in 1/Size.Den
	Filled int64      `json:"filled,omitempty"` // that the gauge made since
	Shown  int64      `json:"shown"`            // the most that was shown in this epoch
	Fault  fault      `json:"fault,omitempty"`  //
	Apart  bool       `json:"apart,omitempty"`  // what it counts until it is sound was counted already
	Aside  *aside     `json:"aside,omitempty"`  // the newest reading that is not believed
	Before *past      `json:"before,omitempty"` // the life that seemed to end with the newest beginning
}

// A fault is why a register does not count now.
type fault string

const (
	sound       fault = ""
	frozen      fault = "frozen"
	quarantined fault = "quarantined"
	odd         fault = "odd"
)

// An aside is a reading that was set aside; fits says that it would go on from
// the good ones.
type aside struct {
	Steps uint64    `json:"steps"`
	At    time.Time `json:"at"`
	Fits  bool      `json:"fits,omitempty"`
}

// A past is a register as it was.
type past struct {
	Steps uint64     `json:"steps"`
	At    time.Time  `json:"at"`
	Epoch metric.Raw `json:"epoch"`
	Count int64      `json:"count"`
	Left  uint64     `json:"left,omitempty"`
}

// A count is what a counter shows after a reading.
type count struct {
	value, epoch metric.Raw
	quality      metric.Quality
}

// An event is what a reading did besides counting.
type event string

const (
	none      event = ""
	met       event = "first seen"
	rolled    event = "rolled over"
	setAside  event = "set aside"
	anew      event = "began anew"
	swapped   event = "replaced"
	withheld  event = "not believed"
	recovered event = "believed again"
)

const (
	slack    = 2 * time.Second  // that clocks and refreshing add to an interval
	still    = 15 * time.Minute // that a register may stand while power flows, and catch up on
	bridging = 2.5              // periods without a reading: the total stands, its times are a guess
	memorial = time.Hour        // for which a life that seemed to end may turn out not to have
	old      = 1000             // years at its rating that no register has counted
)

// take counts r, read at a time of the device's clock, now by the collector's.
// shown is false if nothing new is known of the count. The gauge beside it must
// have been added to flow before.
func (c *counter) take(r Register, at, now time.Time) (n count, shown bool, e event) {
	l := &c.life
	mark := fmt.Sprintf("%s %d/%d", c.devices[installedAt(c.devices, at)].Serial, r.Size.Num, r.Size.Den)
	since := max(at.Sub(l.At), 0)
	if !c.heard.IsZero() { // the device's clock may have been set
		since = max(since, now.Sub(c.heard))
	}
	switch {
	case l.Epoch == 0:
		n, shown, e = c.meet(r, at, mark)
	case mark != l.Mark:
		n, shown, e = c.replace(r, at, since, mark)
	case r.Life != "" && l.Told != "" && r.Life != l.Told:
		n, shown, e = c.renew(r, at)
	default:
		n, shown, e = c.next(r, at, since)
	}
	if shown && l.Fault == sound {
		c.heard = now
		l.Told = cmp.Or(l.Told, r.Life)
	}
	return n, shown, e
}

// resume goes on from what was kept of the register.
func (c *counter) resume(l life) {
	c.life, c.ran = l, l.Fault == sound
	if l.Fault != sound {
		c.why = "it was not when the collector was last running: " + string(l.Fault)
	}
	if l.Filled != 0 || c.flow != nil && (l.Fault == frozen || l.Fault == quarantined) {
		c.life.Apart = true // the gauge may have filled in more than is known of
	}
}

// open begins an epoch at zero.
func (c *counter) open(at time.Time) {
	l := &c.life
	l.Began, l.High, l.Count, l.Left, l.Filled, l.Shown = at.UnixNano(), 0, 0, 0, 0, 0
	c.christen()
}

func (c *counter) christen() {
	l := &c.life
	l.Epoch = energy.Epoch("meter", c.name, l.Mark, l.Told, l.Began, l.High, c.nonce)
}

// meet begins with a register that was never seen.
func (c *counter) meet(r Register, at time.Time, mark string) (count, bool, event) {
	if r.Size.float(r.Steps) > c.ever() {
		if c.why != "" {
			return count{}, false, none // said already
		}
		c.why = fmt.Sprintf("its register shows more than its rating makes in %d years", old)
		return count{}, false, withheld
	}
	l := &c.life
	*l = life{Mark: mark, Told: r.Life, Size: r.Size}
	if c.nonce == "" {
		l.High, l.Count, l.Left = r.Size.whole(r.Steps, 0)
	}
	l.Shown = l.Count
	c.christen()
	return c.stand(r, at, metric.Measured), true, met
}

// renew follows a register whose device says that it began another life.
func (c *counter) renew(r Register, at time.Time) (count, bool, event) {
	l := &c.life
	if r.Since.IsZero() || r.Since.Before(l.At.Add(-slack)) || r.Since.After(at) || r.Size.float(r.Steps) > c.bound(r, at.Sub(r.Since)) {
		return c.begin(r, at, l.Mark, anew)
	}
	l.Told, l.Size, l.Apart, l.Moved = r.Life, r.Size, false, time.Time{}
	c.open(at)
	_, l.Count, l.Left = r.Size.whole(r.Steps, 0)
	return c.stand(r, at, metric.Measured), true, anew
}

// replace follows a meter whose device is another one by the configuration.
func (c *counter) replace(r Register, at time.Time, since time.Duration, mark string) (count, bool, event) {
	l := &c.life
	was, is := installedAt(c.devices, l.At), installedAt(c.devices, at)
	if was == is && is > 0 && r.Size == l.Size { // its readings were taken for those of the device before
		l.Mark = mark
		return c.next(r, at, since)
	}
	_, last, _ := l.Size.whole(l.Steps, 0)
	_, shows, _ := r.Size.whole(r.Steps, 0)
	more, known := flowed(c.devices[was:is+1], last, shows)
	if !known || l.Apart || float64(more) > c.bound(r, since) {
		return c.begin(r, at, mark, swapped)
	}
	l.Count, l.Left, l.Mark, l.Size, l.Told, l.Moved = l.Count+more, 0, mark, r.Size, r.Life, time.Time{}
	return c.stand(r, at, metric.Manual), true, swapped
}

// flowed is what devices counted one after the other, the first since it showed
// last, the last of them until it shows so much; known is false if somebody did
// not write down what they showed.
func flowed(devices []Installation, last, shows int64) (more int64, known bool) {
	if len(devices) < 2 {
		return 0, false
	}
	from := last
	for i := range devices[:len(devices)-1] {
		to, next := devices[i].Final, devices[i+1].Initial
		if to == nil || next == nil || *to < from {
			return 0, false
		}
		more += *to - from
		from = *next
	}
	return more + shows - from, shows >= from && more >= 0
}

// begin goes on from a register whose past says nothing: what was not told is
// filled in from the gauge, and if that has a gap an epoch begins.
func (c *counter) begin(r Register, at time.Time, mark string, e event) (count, bool, event) {
	l := &c.life
	quality := metric.Measured
	l.Mark, l.Size, l.Told = mark, r.Size, cmp.Or(r.Life, l.Told)
	l.Moved = time.Time{}
	if amount, whole := c.gauged(); whole {
		quality = metric.Integrated
		l.Count, l.Left = l.Count+l.Filled+amount, 0
	} else {
		c.open(at)
	}
	return c.stand(r, at, quality), true, e
}

// gauged is what the gauge made since what is shown.
func (c *counter) gauged() (amount int64, whole bool) {
	if c.flow == nil || !c.flow.at.After(c.base.at) {
		return 0, false
	}
	return c.flow.since(c.base)
}

// substitute shows what the gauge makes while the register does not count.
func (c *counter) substitute() (count, bool) {
	l := &c.life
	amount, whole := c.gauged()
	switch {
	case whole:
		l.Filled += amount
	case c.flow == nil || !c.flow.at.After(c.base.at):
		return count{}, false
	default:
		l.Apart = true
		c.open(c.flow.at)
	}
	l.Shown = max(l.Shown, l.Count+l.Filled)
	c.base = c.flow.here()
	return count{metric.Raw(l.Shown), l.Epoch, metric.Integrated}, true
}

// stand makes r the reading that the count rests on, and shows it. Where the count
// was settled otherwise than by how far the register went on, Moved must be zero: how
// long it stood before, and what flowed meanwhile, is no matter any more.
func (c *counter) stand(r Register, at time.Time, q metric.Quality) count {
	l := &c.life
	if r.Steps != l.Steps || l.Moved.IsZero() {
		l.Moved = at
	}
	if l.Fault != sound {
		c.watch = agreement{}
	}
	l.Steps, l.At, l.Aside, l.Filled, l.Fault, l.Apart, c.why = r.Steps, at, nil, 0, sound, false, ""
	l.Shown = max(l.Shown, l.Count)
	if l.Shown >= turn {
		l.High, l.Count, l.Shown = l.High+1, l.Count-turn, l.Shown-turn
		c.christen()
	}
	if c.flow != nil {
		c.base = c.flow.here()
		if l.Moved.Equal(at) {
			c.moved = c.base
		}
	}
	return count{metric.Raw(l.Shown), l.Epoch, q}
}

// ever is more than any register shows: one that was read wrongly does.
func (c *counter) ever() float64 { return c.most * old * 365 * 24 * 3600 }

// bound is the most that the register may have counted in a time.
func (c *counter) bound(r Register, in time.Duration) float64 {
	return min(c.most*(max(in, 0)+slack).Seconds()+2*r.Size.float(max(1, r.Grain)), turn/2)
}
