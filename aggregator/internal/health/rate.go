package health

import (
	"fmt"
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// Rates above which something is wrong, of DCGM 4.6's health checks where it has
// one: dcgm_structs.h, DCGM_LIMIT_MAX_PCIREPLAY_RATE and
// DCGM_LIMIT_MAX_NVLINK_CRC_ERROR.
const (
	maxReplaysPerMinute = 8
	maxLinkErrorsAnHour = 100
	maxCorrectedAnHour  = 1000 // NVIDIA names no limit; boards in service show fewer in months
	maxSlowShare        = 0.1  // of a minute
	rateHold            = 5 * time.Minute
)

// A window sums up the last hour, in six parts.
type window struct {
	parts [6]int64
	turn  int64 // ten minutes since 1970
}

func (w *window) add(millis, n int64) {
	turn := millis / (10 * time.Minute).Milliseconds()
	for ; w.turn < turn; w.turn++ {
		if turn-w.turn >= int64(len(w.parts)) {
			w.parts, w.turn = [6]int64{}, turn
			break
		}
		w.parts[(w.turn+1)%int64(len(w.parts))] = 0
	}
	w.parts[turn%int64(len(w.parts))] += n
}

func (w *window) sum() (n int64) {
	for _, p := range w.parts {
		n += p
	}
	return n
}

// rates looks at what moved in the minute before.
func (h *Health) rates(a *sender, millis int64, values []metric.Raw) {
	for i := range a.picks {
		p := &a.picks[i]
		if !p.rule.rate() {
			continue
		}
		v, base := values[p.at], a.base[i]
		if v == metric.Missing {
			continue
		}
		a.base[i] = v
		if base == metric.Missing {
			continue
		}
		d := int64(v - base)
		if d <= 0 { // at rest, or begun anew
			continue
		}
		h.rate(a, p, millis, d)
	}
}

func (h *Health) rate(a *sender, p *pick, millis, d int64) {
	b := &a.boards[p.board]
	var f Finding
	switch p.rule {
	case ruleCorrected:
		b.corrected.add(millis, d)
		n := b.corrected.sum()
		if n <= maxCorrectedAnHour {
			return
		}
		f = Finding{Cause: "ecc_corrected", State: Watch, Action: None, Evidence: fmt.Sprintf("%d corrected memory errors in an hour", n),
			Advice: "no harm done yet; rows are remapped when an address repeats. If it stays for days, have the GPU looked at in maintenance."}
	case rulePCIeReplays:
		if d <= maxReplaysPerMinute {
			return
		}
		f = Finding{Cause: "pcie_replays", State: Degraded, Action: CheckCabling, Evidence: fmt.Sprintf("%d PCIe replays in a minute; %d are allowed", d, maxReplaysPerMinute),
			Advice: "the link is noisy: reseat the board or its riser; compare with the other GPUs of the host."}
	case ruleNVLinkErrors:
		b.links.add(millis, d)
		n := b.links.sum()
		if n <= maxLinkErrorsAnHour {
			return
		}
		f = Finding{Cause: "nvlink_errors", State: Degraded, Action: CheckCabling, Evidence: fmt.Sprintf("%d NVLink errors in an hour; %d are allowed", n, maxLinkErrorsAnHour),
			Advice: "follow the NVLink workflow: reseat, then field diagnostics."}
	case ruleSlowThermal, ruleSlowBrake:
		share := float64(d) / float64(time.Minute)
		if share <= maxSlowShare {
			return
		}
		f = Finding{Cause: "hardware_thermal_slowdown", State: Degraded, Action: CheckHost, Evidence: fmt.Sprintf("clocks were held down for %.0f %% of the last minute because it was too hot", 100*min(1, share)),
			Advice: "look at the coolant or the fans of the host, then at its rack."}
		if p.rule == ruleSlowBrake {
			f.Cause, f.Evidence = "power_brake_slowdown", fmt.Sprintf("the power brake held clocks down for %.0f %% of the last minute", 100*min(1, share))
			f.Advice = "the host's power supply asks for less: look at its supplies and its rack's feed."
		}
	}
	f.Kind, f.Since, f.Last, f.Until = rate, millis, millis, millis+rateHold.Milliseconds()
	h.raise(a.site, a.site.subject(b.uuid), f)
}

// begins reports whether a minute of the sender begins with this tick.
func (a *sender) begins(millis int64) bool {
	m := millis / time.Minute.Milliseconds()
	if m == a.minute {
		return false
	}
	a.minute = m
	return slices.ContainsFunc(a.picks, func(p pick) bool { return p.rule.rate() })
}
