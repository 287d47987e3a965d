package account

import (
	"errors"
	"fmt"
	"math"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// An Import is readings of meters that come besides those that agents send:
// settlement files, invoices, registers that a person read.
type Import struct {
	ID       string // by which it can be taken back
	Reason   string
	Quality  metric.Quality // one of Corrects
	Readings []Reading
}

// A Reading is what one register counted over [From, To).
type Reading struct {
	Meter    string
	Metric   metric.Number // MeterEnergyJoules, MeterWater or MeterHeatJoules
	From, To int64         // ms since 1970, on whole quarters of an hour
	Amount   uint64        // mJ or mL
}

// ErrUnstated means that nobody knows of a meter: it was not read at the time of
// a reading, and the operator does not state it.
var ErrUnstated = errors.New("is neither read then nor stated")

// longestReading is a year and some.
const longestReading = 400 * 24 * hour

// Check says what is wrong with i.
func (i *Import) Check() error {
	switch {
	case i.ID == "" || len(i.ID) > metric.MaxText || len(i.Reason) > metric.MaxText:
		return errors.New("import readings: an id is needed, and texts of 255 bytes at most")
	case !Corrects(i.Quality):
		return fmt.Errorf("import %s: quality %d is none of corrected, manual and estimated", i.ID, i.Quality)
	case len(i.Readings) > maxIntervalsAtOnce:
		return fmt.Errorf("import %s: %d readings; the limit is %d", i.ID, len(i.Readings), maxIntervalsAtOnce)
	}
	for n := range i.Readings {
		r := &i.Readings[n]
		c := Correction{Meter: r.Meter, Metric: r.Metric, Quality: i.Quality, Import: i.ID}
		switch {
		case !c.valid():
			return fmt.Errorf("import %s: reading %d: %q has no register %d that is accounted", i.ID, n+1, r.Meter, r.Metric)
		case r.From < 0 || r.To <= r.From || r.To > 1<<45 || r.From%quarter != 0 || r.To%quarter != 0 || r.To-r.From > longestReading:
			return fmt.Errorf("import %s: reading %d of %s: %d to %d ms since 1970 is no time of whole quarters of an hour", i.ID, n+1, r.Meter, r.From, r.To)
		case r.Amount > math.MaxInt64:
			return fmt.Errorf("import %s: reading %d of %s is more than can be counted", i.ID, n+1, r.Meter)
		}
	}
	return nil
}

// Quarters are the corrections that r stands for, each in its hour: of a longer
// reading, by the weights of its quarters, or evenly where these are nil. They sum
// exactly to what was read.
func (i *Import) Quarters(r *Reading, weights []uint64, at int64, yield func(number int64, c Correction) bool) {
	n := int((r.To - r.From) / quarter)
	var all Wide
	for _, w := range weights {
		all = all.plus(w)
	}
	even := len(weights) != n || all.Hi != 0 || all.Lo == 0
	if even {
		all = Wide{0, uint64(n)}
	}
	var before, given uint64
	for k := range n {
		if even {
			before++
		} else {
			before += weights[k]
		}
		upTo, _ := share(r.Amount, before, all.Lo)
		from := r.From + int64(k)*quarter
		c := Correction{
			Meter: r.Meter, Metric: r.Metric, Quarter: uint8(from % hour / quarter), Quality: i.Quality,
			Amount: upTo - given, Import: i.ID, Reason: i.Reason, At: at,
		}
		given = upTo
		if !yield(from/hour, c) {
			return
		}
	}
}

// States reports whether the operator states a meter of that name.
func (b *Basis) States(meter string) bool { return b != nil && b.meters[meter] != nil }

// A Receipt says what an import does to a site's books.
type Receipt struct {
	Quarters  int  // that it speaks of
	Unchanged int  // of them, what it said before
	Shadowed  int  // of them, those of which a better reading stands
	Estimated int  // of them, those that it estimates
	Before    Wide // what stood for those that it changes, mJ and mL
	After     Wide // what stands now
}

// An Effect is what a correction does to what stands of its quarter of a register.
type Effect struct {
	Unchanged bool // its import said so before
	Shadowed  bool // a better reading stands, and goes on to
	New       bool // nothing was known of the whole quarter
	Before    uint64
	After     uint64
}

// Add counts e, which is of c.
func (r *Receipt) Add(c *Correction, e Effect) {
	r.Quarters++
	if c.Quality == metric.EstimatedProfile {
		r.Estimated++
	}
	switch {
	case e.Unchanged:
		r.Unchanged++
	case e.Shadowed:
		r.Shadowed++
	default:
		r.Before, r.After = r.Before.plus(e.Before), r.After.plus(e.After)
	}
}

// An Imported is what stands of an import.
type Imported struct {
	ID        string
	Reason    string
	At        int64    // when its newest word came, ms since 1970
	Meters    []string // sorted
	From, To  int64    // ms since 1970
	Corrected int      // quarters of registers that stand, by quality
	Manual    int      //
	Estimated int      //
	Withdrawn int      // that were taken back
}
