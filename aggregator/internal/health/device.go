package health

import (
	"fmt"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// switchFor is how long an error of an NVSwitch stays that nobody dealt with.
const switchFor = 24 * time.Hour

// ofHost judges a value of a host, or of a thing on it.
func (h *Health) ofHost(r rule, c *change) {
	x, at, v := c.x, c.at, c.is
	name := deviceName(c.a.layout, int(c.e))
	switch r {
	case ruleExpected:
		x.expected = int64(max(0, v))
		x.count()
	case ruleStale:
		if name == metric.DiskSensor {
			h.stand(x, at, v == 1, Finding{Cause: "spool_refused", State: Degraded, Action: CheckHost,
				Evidence: "the collector's disk takes nothing: it goes on, and what is not durable elsewhere is in its memory only", Advice: "make room on the disk of its spool, or replace the disk; until then do not restart the collector."})
			return
		}
		h.stand(x, at, v == 1, Finding{Cause: "source_stale_" + name, State: Unknown, Action: CheckHost,
			Evidence: "the collector's source " + name + " does not answer", Advice: "its readings are missing, not zero: look at the host; a driver may hang."})
	case ruleNVMeWarning:
		h.stand(x, at, v > 0, Finding{Cause: "nvme_warning_" + name, State: Degraded, Action: ReplaceDisk,
			Evidence: fmt.Sprintf("disk %s warns: %s", name, nvme(int64(v))), Advice: "save what is on it and plan its replacement."})
	case ruleNVMeWear:
		h.stand(x, at, v.Float() >= 1, Finding{Cause: "nvme_wear_" + name, State: Watch, Action: ReplaceDisk,
			Evidence: "disk " + name + " has had all the writes that it is rated for", Advice: "plan its replacement."})
	case ruleMediaErrors:
		h.happened(c, Finding{Cause: "nvme_media_errors_" + name, State: Degraded, Action: ReplaceDisk,
			Evidence: "media errors on disk " + name, Advice: "data was lost or had to be made good: save what is on it and plan its replacement."}, eventFor)
	case ruleSwitchFatal:
		h.happened(c, Finding{Cause: "nvswitch_fatal_" + name, State: Failed, Action: Reboot, heals: true,
			Evidence: "fatal errors of " + name, Advice: "all GPUs of the host may be cut off from each other: drain it, restart it; if it comes back, run field diagnostics and contact support."}, eventFor)
	case ruleSwitchNonFatal:
		h.happened(c, Finding{Cause: "nvswitch_" + name, State: Watch, Action: None,
			Evidence: "non-fatal errors of " + name, Advice: "for the record; if it repeats, run the NVSwitch diagnostics."}, switchFor)
	case ruleLinkDowns:
		h.happened(c, Finding{Cause: "fabric_link_down_" + name, State: Watch, Action: CheckCabling,
			Evidence: "losses of the link of port " + name, Advice: "if it repeats, clean or replace the cable or the transceiver."}, linkFor)
	case rulePortRate, rulePortRateMax:
		now, most := c.a.value(rulePortRate, c.e, c.values), c.a.value(rulePortRateMax, c.e, c.values)
		h.stand(x, at, now > 0 && now < most, Finding{Cause: "fabric_rate_" + name, State: Degraded, Action: CheckCabling,
			Evidence: fmt.Sprintf("port %s runs at %g of %g Gbit/s", name, float64(now)/1e9, float64(most)/1e9), Advice: "a lane or the cable is at fault; jobs on this host wait for it."})
	}
}

// warnings are the critical ones of an NVMe disk, by their bits: NVM Express base
// specification, SMART / Health Information log page, byte 0.
var warnings = []string{"spare blocks are low", "too hot or too cold", "reliability is degraded", "it is read only", "its power backup failed", "persistent memory is unreliable"}

func nvme(bits int64) string {
	var text []string
	for i, w := range warnings {
		if bits&(1<<i) != 0 {
			text = append(text, w)
		}
	}
	if bits >= 1<<len(warnings) || len(text) == 0 {
		text = append(text, fmt.Sprintf("bits %#x", bits))
	}
	return strings.Join(text, ", ")
}
