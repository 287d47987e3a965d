package agent

import "time"

// Between the regular ledger records, one is taken where an allocation or a
// layout changes, so that what was counted between two records belongs to one
// allocation. What changes all the time waits for the regular ones.
const (
	extraApart  = time.Second
	extraMinute = 12 // in a minute
)

// extras bounds the records that are taken between the regular ones.
type extras struct {
	minute time.Time // when the minute that is counted began
	taken  int       // in it
	last   time.Time
}

// take reports whether one may be taken now, and counts it. A clock that was
// set back begins a new minute.
func (e *extras) take(now time.Time) bool {
	if now.Sub(e.minute).Abs() >= time.Minute {
		e.minute, e.taken = now, 0
	}
	if now.Sub(e.last).Abs() < extraApart || e.taken == extraMinute {
		return false
	}
	e.taken++
	e.last = now
	return true
}
