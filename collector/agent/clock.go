package agent

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// clockStep is to what the error of the clock is rounded up: it grows all the time,
// and a new value each second would be stored each second.
const clockStep = 50 * time.Millisecond

// clockError is by how much the host's clock may be wrong, as its kernel bounds it
// (adjtimex, maxerror): who sets the clock says how well, and the kernel adds half a
// millisecond a second from then on. Missing where the kernel does not tell.
func clockError() metric.Raw {
	var t unix.Timex // no modes: nothing is set
	if _, err := unix.Adjtimex(&t); err != nil {
		return metric.Missing
	}
	bound := time.Duration(t.Maxerror) * time.Microsecond
	return metric.Of(((bound + clockStep - 1) / clockStep * clockStep).Seconds())
}
