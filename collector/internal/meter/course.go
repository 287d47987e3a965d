package meter

import (
	"fmt"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A step is how a register stands to its reading before.
type step uint8

const (
	onward  step = iota
	round        // past its modulus, by zero
	below        // less, and not by rolling over
	beyond       // more than it can have counted
	unclear      // it may have rolled over unseen
)

// next counts on from the reading before, if it can be.
func (c *counter) next(r Register, at time.Time, since time.Duration) (n count, shown bool, e event) {
	l := &c.life
	d, how := c.difference(r, since)
	fits, again := how == onward || how == round, c.follows(r, at)
	switch l.Fault {
	case odd:
		switch {
		case c.watch.see(r, c.flow) != agrees:
			return count{}, false, none
		case fits:
			return c.advance(r, at, since, d, how)
		}
		return c.begin(r, at, l.Mark, recovered)
	case quarantined:
		switch {
		case again && l.Aside.Fits && fits:
			return c.advance(r, at, since, d, how)
		case again:
			l.Aside.Steps, l.Aside.At = r.Steps, at
		default:
			l.Aside = &aside{r.Steps, at, fits}
		}
		n, shown = c.substitute()
		return n, shown, none
	}
	switch {
	case fits:
		return c.advance(r, at, since, d, how)
	case how == unclear && l.Fault == frozen && r.Steps == l.Steps: // it stands yet
		n, shown = c.substitute()
		return n, shown, none
	case how == unclear:
		return c.begin(r, at, l.Mark, anew)
	case !again:
		l.Aside = &aside{Steps: r.Steps, At: at}
		if l.Fault == frozen {
			n, shown = c.substitute()
		}
		return n, shown, setAside
	case how == below:
		before := &past{l.Steps, l.At, l.Epoch, l.Count, l.Left}
		n, shown, e = c.begin(r, at, l.Mark, anew)
		l.Before = before
		return n, shown, e
	case c.returns(r, at):
		return c.goBack(r, at)
	case l.Steps == 0: // it was not read yet
		return c.begin(r, at, l.Mark, anew)
	}
	l.Fault, l.Aside.Steps, l.Aside.At = quarantined, r.Steps, at
	c.why = fmt.Sprintf("its register rose by %s in %v, and its rating allows %s", thousands(r.Size.float(r.Steps-l.Steps)), since.Round(time.Second), thousands(c.bound(r, since)))
	n, shown = c.substitute()
	return n, shown, withheld
}

// returns reports whether r goes on from before the register seemed to begin
// anew: a device or a gateway that starts shows zeros for a while.
func (c *counter) returns(r Register, at time.Time) bool {
	b := c.life.Before
	return b != nil && at.Sub(b.At) < memorial && r.Steps >= b.Steps && r.Size.float(r.Steps-b.Steps) <= c.bound(r, at.Sub(b.At))
}

// goBack goes on from before the register seemed to begin anew.
func (c *counter) goBack(r Register, at time.Time) (count, bool, event) {
	l, b := &c.life, c.life.Before
	l.Before = nil
	if l.Epoch != b.Epoch { // what is lacking was made up for elsewhere
		return c.begin(r, at, l.Mark, recovered)
	}
	_, more, left := r.Size.whole(r.Steps-b.Steps, b.Left)
	l.Count, l.Left = b.Count+more, left
	return c.stand(r, at, metric.CounterBridged), true, recovered
}

// difference is by how many steps the register went on.
func (c *counter) difference(r Register, since time.Duration) (uint64, step) {
	l := &c.life
	most := c.bound(r, since+min(max(l.At.Sub(l.Moved), 0), still))
	if c.rated && r.Modulus > 0 && c.most*since.Seconds() >= r.Size.float(r.Modulus) {
		return 0, unclear
	}
	if r.Steps >= l.Steps {
		if d := r.Steps - l.Steps; r.Size.float(d) <= most {
			return d, onward
		}
		return 0, beyond
	}
	if r.Modulus > l.Steps {
		if d := r.Modulus - l.Steps + r.Steps; r.Size.float(d) <= most && (c.rated || d <= r.Modulus/1000) {
			return d, round
		}
	}
	return 0, below
}

// follows reports whether r goes on from the reading that was set aside.
func (c *counter) follows(r Register, at time.Time) bool {
	a := c.life.Aside
	return a != nil && r.Steps >= a.Steps && r.Size.float(r.Steps-a.Steps) <= c.bound(r, at.Sub(a.At))
}

// advance counts d steps.
func (c *counter) advance(r Register, at time.Time, since time.Duration, d uint64, how step) (n count, shown bool, e event) {
	l := &c.life
	_, more, left := r.Size.whole(d, l.Left)
	switch {
	case d == 0 && l.Fault == sound && c.stuck(r, at):
		l.Fault, c.base = frozen, c.moved
		c.why = fmt.Sprintf("its register has stood still for %v while something flows", at.Sub(l.Moved).Round(time.Second))
		n, shown = c.substitute()
		return n, shown, withheld
	case d == 0 && l.Fault == frozen:
		n, shown = c.substitute()
		return n, shown, none
	case d > 0 && l.Fault == sound && c.watch.see(r, c.flow) == disagrees:
		l.Fault, c.why = odd, c.watch.said
		return count{}, false, withheld
	case l.Apart, l.Fault == frozen && more < l.Filled/2:
		// What it shows now was counted, or it did not count while it stood.
		return c.begin(r, at, l.Mark, recovered)
	}
	quality := metric.Measured
	switch {
	case l.Fault != sound:
		e = recovered
	case how == round:
		e = rolled
	}
	if since.Seconds() > bridging*c.period.Seconds() {
		quality = metric.CounterBridged
	}
	c.ran = c.ran || d > 0
	l.Count, l.Left = l.Count+more, left
	return c.stand(r, at, quality), true, e
}

// stuck reports whether the register stands still while what flows would have
// moved it. What flowed is known since the gauge's last gap only.
func (c *counter) stuck(r Register, at time.Time) bool {
	if c.flow == nil {
		return false
	}
	amount, whole := c.flow.since(c.moved)
	if !whole {
		c.moved = c.flow.here()
	}
	return whole && at.Sub(c.life.Moved) >= still && float64(amount) > 3*r.Size.float(max(1, r.Grain))
}

// thousands is an amount of millijoules or millilitres in J or L, for people.
func thousands(v float64) string { return fmt.Sprintf("%.4g", v/1000) }
