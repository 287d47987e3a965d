package sim

// A counter is a register that only grows, until its device restarts and it
// begins again from zero; and beside it the books of a perfect accountant who
// sees nothing but what Ledger() showed. At any time after the first reading
//
//	what was spent since = observed + lost + pending()
type counter struct {
	now   int64 // the register; integer mJ, mL for water
	epoch int64 // lifetimes begun, from 1

	first    bool  // it was read once, and what came before does not count
	last     int64 // the register when it was read last
	seen     int64 // the epoch when it was read last
	observed int64 // between readings, within an epoch or from its zero
	lost     int64 // spent after the last reading before a restart: nobody can know
}

// add spends n.
func (c *counter) add(n int64) { c.now += n }

// pending is what came after the last reading and can still be read.
func (c *counter) pending() int64 {
	switch {
	case !c.first:
		return 0
	case c.seen == c.epoch:
		return c.now - c.last
	}
	return c.now
}

// restart begins a lifetime at zero.
func (c *counter) restart() {
	c.lost += c.pending()
	c.now, c.epoch = 0, c.epoch+1
}

// read is a reading that the ledger lane carries: the first is a baseline, later
// ones book the difference, or all of a register that began again. It returns
// what it booked.
func (c *counter) read() int64 { return c.readAs(c.now) }

// readAs is read of a display that is coarser than the register.
func (c *counter) readAs(shown int64) int64 {
	n := c.pending() - (c.now - shown)
	if !c.first {
		n = 0
	}
	c.observed += n
	c.first, c.last, c.seen = true, shown, c.epoch
	return n
}

// spent is all since the first reading.
func (c *counter) spent() int64 { return c.observed + c.lost + c.pending() }
