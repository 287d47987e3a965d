package agent

import (
	"testing"

	"github.com/gigawatch/gigawatch/collector/metric"
)

func TestTheErrorOfTheClockIsWhatTheKernelSays(t *testing.T) {
	first := clockError()
	if first == metric.Missing {
		t.Skip("the kernel does not tell: adjtimex is refused here")
	}
	if e := first.Float(); e < 0 || e > 20 { // the kernel stops at 16 s
		t.Errorf("it may be wrong by %g s", e)
	}
}
