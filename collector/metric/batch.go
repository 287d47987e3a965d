package metric

import (
	"fmt"
	"time"
)

// A Sample is one reading of one metric of one entity at one time.
type Sample struct {
	Metric Number
	Point  uint32
	Entity int // index in the layout's entities
	Value  Raw
}

// A Column is a run of values: one metric at one point, for Count entities
// following each other from First.
type Column struct {
	Metric Number
	Form   Form // as the sender's catalogue has it, so that an unknown metric can be stepped over
	Point  uint32
	First  int
	Count  int
}

// A Layout says what the values of a batch are. It is shared by many batches
// and never changes once it is in use: make a new one instead.
type Layout struct {
	Simulated bool // the readings come from a model
	Entities  []Entity
	Columns   []Column
}

// Width is the number of values a tick has under l.
func (l *Layout) Width() int {
	n := 0
	for i := range l.Columns {
		n += l.Columns[i].Count
	}
	return n
}

// Limits that a valid layout keeps, so that a reader can bound its memory
// before it believes a count.
const (
	MaxEntities = 4096
	MaxColumns  = 8192
	MaxWidth    = 65536
	MaxLabels   = 16
	MaxText     = 255 // bytes of a name or a label value
)

// Check says what is wrong with l, nil if nothing.
func (l *Layout) Check() error {
	if len(l.Entities) > MaxEntities || len(l.Columns) > MaxColumns {
		return fmt.Errorf("layout has %d entities and %d columns; the limits are %d and %d", len(l.Entities), len(l.Columns), MaxEntities, MaxColumns)
	}
	for i := range l.Entities {
		e := &l.Entities[i]
		if e.Parent < -1 || e.Parent >= i {
			return fmt.Errorf("entity %d: parent %d is not before it", i, e.Parent)
		}
		if e.Name == "" || len(e.Name) > MaxText || len(e.Labels) > MaxLabels {
			return fmt.Errorf("entity %d: name of %d bytes, %d labels; at most %d and %d", i, len(e.Name), len(e.Labels), MaxText, MaxLabels)
		}
		for j, p := range e.Labels {
			if p.Name == "" || len(p.Name) > MaxText || len(p.Value) > MaxText {
				return fmt.Errorf("entity %d: label %d is empty or longer than %d bytes", i, j, MaxText)
			}
			if j > 0 && e.Labels[j-1].Name >= p.Name {
				return fmt.Errorf("entity %d: labels are not sorted by name at %q", i, p.Name)
			}
		}
	}
	width := 0
	for i, c := range l.Columns {
		if c.Form != Float && c.Form != Int {
			return fmt.Errorf("column %d: unknown form %d", i, c.Form)
		}
		if c.First < 0 || c.Count < 1 || c.First+c.Count > len(l.Entities) {
			return fmt.Errorf("column %d: entities %d to %d, the layout has %d", i, c.First, c.First+c.Count, len(l.Entities))
		}
		width += c.Count
	}
	if width > MaxWidth {
		return fmt.Errorf("layout has %d values a tick; the limit is %d", width, MaxWidth)
	}
	return nil
}

// Ancestor is the index of the entity of kind k that contains entity i, or i
// itself if it is of that kind; -1 if there is none.
func (l *Layout) Ancestor(i int, k EntityKind) int {
	for ; i >= 0; i = l.Entities[i].Parent {
		if l.Entities[i].Kind == k {
			return i
		}
	}
	return -1
}

// Lane says which of the two streams a batch travels in.
type Lane uint8

const (
	Telemetry Lane = iota + 1 // everything, every tick; loss is counted and tolerated
	Ledger                    // cumulative counters; never lost
)

// Flags of a batch.
type Flags uint8

const (
	Fresh     Flags = 1 << iota // first of a spool that remembers nothing older: its sequence starts anew
	Backfill                    // sent late, after newer batches of the same lane
	HourEdge                    // ledger: read at the turn of an hour
	Gap                         // ledger: no readings; stands for the Skipped records before it that were given up
	ClockStep                   // the wall clock moved against the boot clock since the batch before
	Restated                    // ledger: no readings, but what is known better now of time that is over; see [Quarter]. With Gap, for who does not know it
	Began                       // ledger: first of a life whose sequence goes on; the life before may have used its number for a record that a power cut took
	Oldest                      // ledger: the agent keeps nothing before it that is not durable
)

// A Batch is what one agent sends at once: one tick of its readings or several.
// (Agent, Incarnation, Sequence) is its identity within a site and lane.
type Batch struct {
	Site, Agent string
	Lane        Lane
	Flags       Flags
	Incarnation uint64 // greater at each start of the agent
	Sequence    uint64 // one more than the batch before in this lane
	// Skipped is with Gap how many sequence numbers up to and including this one it stands for. With Began,
	// and no Gap, it is how far below Incarnation that of the record before is, which is of another life; 0 if
	// the agent does not have that any more: it is durable.
	Skipped uint64

	Time     int64 // milliseconds since 1970 UTC of the first tick, by the agent's wall clock
	Boottime int64 // nanoseconds since boot at the first tick; 0 if unknown
	Interval int64 // milliseconds between ticks; 0 if there is one
	Ticks    int

	Layout *Layout
	Values []Raw // tick after tick, each Layout.Width() long, in the order of Layout.Columns
}

// Tick is the values of the i-th tick.
func (b *Batch) Tick(i int) []Raw {
	w := len(b.Values) / b.Ticks
	return b.Values[i*w : (i+1)*w]
}

// TickTime is the time of the i-th tick.
func (b *Batch) TickTime(i int) time.Time {
	return time.UnixMilli(b.Time + int64(i)*b.Interval)
}

// ValidName reports whether s may name a site or an agent: it becomes one token
// of a bus subject, so [A-Za-z0-9_-]{1,63}.
func ValidName(s string) bool {
	if len(s) < 1 || len(s) > 63 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-') {
			return false
		}
	}
	return true
}
