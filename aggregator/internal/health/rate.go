package health

import (
	"fmt"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// Rates above which something is wrong, of DCGM's health checks where it has one:
// DCGM_LIMIT_MAX_PCIREPLAY_RATE and DCGM_LIMIT_MAX_NVLINK_CRC_ERROR.
const (
	maxReplays         = 8    // a minute
	maxLinkErrors      = 6000 // a minute: 100 a second
	maxCorrectedAnHour = 1000 // NVIDIA names no limit; boards in service show fewer in months
	maxSlowShare       = 0.1  // of a minute
	rateHold           = 5 * time.Minute
	longestGap         = 10 // minutes over which an average still says something
)

// A window sums up the last hour, in six parts.
type window struct {
	parts [6]int64
	turn  int64 // ten minutes since 1970
}

// add counts n at a time, and is the sum.
func (w *window) add(millis, n int64) (sum int64) {
	turn := millis / (10 * time.Minute).Milliseconds()
	if turn-w.turn >= int64(len(w.parts)) || turn < w.turn {
		*w = window{turn: turn}
	}
	for ; w.turn < turn; w.turn++ {
		w.parts[(w.turn+1)%int64(len(w.parts))] = 0
	}
	w.parts[turn%int64(len(w.parts))] += n
	for _, p := range w.parts {
		sum += p
	}
	return sum
}

// rates looks at what moved in the minutes since it last did; 0: it begins.
func (h *Health) rates(a *sender, at, minutes int64, values []metric.Raw) {
	for i := range a.runs {
		r := &a.runs[i]
		if !r.rule.isRate() {
			continue
		}
		for k := range r.count {
			v, base := values[r.at+k], a.last[r.last+k]
			a.last[r.last+k] = v
			x := a.subjects[r.first+k]
			if x == nil || v == metric.Missing || base == metric.Missing || minutes < 1 || minutes > longestGap {
				continue
			}
			if n := int64(v - base); n > 0 && v > base { // else at rest, begun anew, or no counter
				h.rate(r.rule, x, at, n, minutes)
			}
		}
	}
}

// rate judges that a counter moved by n in so many minutes.
func (h *Health) rate(r rule, x *subject, at, n, minutes int64) {
	var f Finding
	switch r {
	case ruleCorrected:
		if x.corrected == nil {
			x.corrected = &window{}
		}
		n := x.corrected.add(at, min(n, 1<<40))
		if n <= maxCorrectedAnHour {
			return
		}
		f = Finding{Cause: "ecc_corrected", State: Watch, Action: None, Evidence: fmt.Sprintf("corrected memory errors in an hour: %d", n),
			Advice: "no harm done yet; rows are remapped when an address repeats. If it stays for days, have the GPU looked at in maintenance."}
	case rulePCIeReplays:
		if n <= maxReplays*minutes {
			return
		}
		f = Finding{Cause: "pcie_replays", State: Degraded, Action: CheckCabling, Evidence: fmt.Sprintf("PCIe replays in a minute: %d, and %d are allowed", n/minutes, maxReplays),
			Advice: "the link is noisy: reseat the board or its riser; compare with the other GPUs of the host."}
	case ruleLinkErrors:
		if n < maxLinkErrors*minutes {
			return
		}
		f = Finding{Cause: "nvlink_errors", State: Degraded, Action: CheckCabling, Evidence: fmt.Sprintf("NVLink errors in a second: %d, and %d matter", n/minutes/60, maxLinkErrors/60),
			Advice: "run field diagnostics; then reseat."}
	default:
		share := float64(n) / float64(minutes*time.Minute.Nanoseconds())
		if share <= maxSlowShare {
			return
		}
		f = slowdown(r, 100*min(1, share))
	}
	f.kind, f.Since, f.Last, f.until = rate, at, at, at+rateHold.Milliseconds()
	h.raise(x, f)
}

func slowdown(r rule, percent float64) Finding {
	switch r {
	case ruleSlowBrake:
		return Finding{Cause: "power_brake_slowdown", State: Degraded, Action: CheckHost, Evidence: fmt.Sprintf("the power brake held clocks down for %.0f %% of a minute", percent),
			Advice: "the host's power supply asks for less: look at its supplies and its rack's feed."}
	case ruleSlowThermal:
		return Finding{Cause: "hardware_thermal_slowdown", State: Degraded, Action: CheckCooling, Evidence: fmt.Sprintf("the hardware held clocks down for %.0f %% of a minute because it was too hot", percent),
			Advice: "look at the coolant or the fans of the host, then at its rack."}
	}
	return Finding{Cause: "software_thermal_slowdown", State: Watch, Action: CheckCooling, Evidence: fmt.Sprintf("the driver held clocks down for %.0f %% of a minute because it was too hot", percent),
		Advice: "the GPU is slower than it could be: look at the coolant or the fans of the host, then at its rack."}
}
