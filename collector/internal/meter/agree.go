package meter

import (
	"fmt"
	"time"
)

// An agreement compares what a register counts with what the gauge beside it
// makes of the same time. Where the two differ by a factor, one of them is read
// wrongly: its unit, its word order, a transformer ratio that one of them has and
// the other not.
type agreement struct {
	begun   bool
	from    uint64 // steps, at
	at      point
	last    uint64
	strikes int
	said    string // the newest disagreement
}

type verdict uint8

const (
	undecided verdict = iota
	agrees
	disagrees
)

const (
	window  = 5 * time.Minute // that is compared, at least
	grains  = 20              // by which a register has to have moved
	apart   = 2.              // times the other, that one of them may be
	strikes = 2               // windows in a row
)

// see takes a reading of the register.
func (a *agreement) see(r Register, flow *integral) verdict {
	if flow == nil || a.begun && r.Steps == a.last {
		return undecided
	}
	a.last = r.Steps
	made, whole := flow.since(a.at)
	if !a.begun || !whole || r.Steps < a.from {
		a.begin(r, flow)
		return undecided
	}
	in := flow.at.Sub(a.at.at)
	if in < window || float64(made) < grains*r.Size.float(max(1, r.Grain)) {
		return undecided
	}
	counted := r.Size.float(r.Steps - a.from)
	a.begin(r, flow)
	if ratio := counted / float64(made); ratio < 1/apart || ratio > apart {
		a.strikes++
		a.said = fmt.Sprintf("in %v its register counted %s and its gauge makes %s, %.3g times as much: a unit, a word order or a transformer ratio is wrong%s",
			in.Round(time.Second), thousands(counted), thousands(float64(made)), 1/ratio, guess(ratio))
		if a.strikes >= strikes {
			return disagrees
		}
		return undecided
	}
	a.strikes = 0
	return agrees
}

// guess is what a ratio of a register to its gauge points at.
func guess(ratio float64) string {
	for _, x := range []struct {
		by           float64
		little, much string
	}{
		{10, "it counts a tenth of what its power says: its scale?", "it counts ten times what its power says: its scale?"},
		{100, "it counts a hundredth of what its power says: its scale?", "it counts a hundred times what its power says: its scale?"},
		{1000, "it counts a thousandth of what its power says: unit kWh?", "it counts a thousand times what its power says: unit Wh?"},
		{3600, "it counts a 3600th of what its power says: unit Wh, and not J?", "it counts 3600 times what its power says: unit J, and not Wh?"},
	} {
		switch {
		case ratio > 0.8/x.by && ratio < 1.25/x.by:
			return "; " + x.little
		case ratio > 0.8*x.by && ratio < 1.25*x.by:
			return "; " + x.much
		}
	}
	return ""
}

func (a *agreement) begin(r Register, flow *integral) {
	a.begun, a.from, a.at = true, r.Steps, flow.here()
}
