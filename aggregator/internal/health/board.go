package health

import (
	"fmt"
	"strconv"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// maxRetiredPages is how many a board may have: DCGM's
// DCGM_LIMIT_MAX_RETIRED_PAGES. AMD's boards have limits of their own.
const maxRetiredPages = 63

// ofBoard judges a value of a GPU.
func (h *Health) ofBoard(r rule, c *change) {
	x, at, v := c.x, c.at, c.is
	switch r {
	case ruleRecovery:
		h.recovery(c)
	case ruleRemapPending:
		h.stand(x, at, v == 1, Finding{Cause: "row_remap_pending", State: Degraded, Action: ResetAtNext,
			Evidence: "a row remapping waits for a reset", Advice: "reset the GPU at the next maintenance; work that runs and new work are not affected."})
	case ruleRemapFailed:
		h.stand(x, at, v == 1, Finding{Cause: "row_remap_failed", State: Failed, Action: ContactSupport,
			Evidence: "a row remapping has failed", Advice: "drain the GPU, run field diagnostics and have it checked for replacement."})
	case rulePagesPending:
		h.stand(x, at, v > 0, Finding{Cause: "pages_pending", State: Degraded, Action: ResetAtNext,
			Evidence: "memory pages wait to be retired", Advice: "reset the GPU or restart the host at the next maintenance."})
	case ruleSRAM:
		h.stand(x, at, v == 1, Finding{Cause: "sram_threshold", State: Failed, Action: ContactSupport,
			Evidence: "the on-chip memory has had more uncorrected errors than the vendor allows", Advice: "drain the GPU, run field diagnostics and have it replaced."})
	case ruleUnrepairable:
		h.stand(x, at, v == 1, Finding{Cause: "memory_unrepairable", State: Failed, Action: ContactSupport,
			Evidence: "the memory has a fault that no repair is left for", Advice: "drain the GPU and have it replaced."})
	case ruleUncorrected:
		h.uncorrected(c)
	case ruleWidth, ruleWidthMax:
		now, most := c.a.value(ruleWidth, c.e, c.values), c.a.value(ruleWidthMax, c.e, c.values)
		h.stand(x, at, now > 0 && now < most, Finding{Cause: "pcie_width", State: Degraded, Action: CheckCabling,
			Evidence: fmt.Sprintf("the PCIe link has %d of %d lanes", now, most), Advice: "reseat the board or its riser at the next maintenance."})
	case ruleXID, ruleXIDTime:
		h.xid(r, c)
	case ruleRemapped:
		h.happened(c, Finding{Cause: "row_remapped", State: Degraded, Action: ResetAtNext, heals: true, driver: true,
			Evidence: "rows remapped for uncorrectable errors", Advice: "reset the GPU at the next maintenance; if it goes on, have the GPU checked."}, eventFor)
	case rulePagesSingle, rulePagesDouble:
		h.pages(r, c)
	case ruleLinkReplay, ruleLinkRecovery:
		f := Finding{Cause: "nvlink_replay", State: Degraded, Action: CheckCabling, heals: true,
			Evidence: "NVLink replays", Advice: "data had to be sent again over a link: run field diagnostics, then reseat."}
		if r == ruleLinkRecovery {
			f.Cause, f.Evidence = "nvlink_recovery", "NVLink recoveries"
			f.Advice = "a link had to be trained again while in use: run field diagnostics, then reseat."
		}
		h.happened(c, f, linkFor)
	}
}

// A request is what the driver asks for.
type request struct {
	action       Action
	says, advice string
}

// requests, by nvmlDeviceGpuRecoveryAction_t, which DCGM's field 1523 shows as it
// is.
var requests = [...]request{
	1: {ResetGPU, "the driver asks for a reset of the GPU",
		"end all work on the GPU, reset it (nvidia-smi --gpu-reset), and give it back."},
	2: {Reboot, "the driver asks for a restart of the host",
		"drain the host and restart it: its operating system may not be consistent."},
	3: {DrainP2P, "the driver asks for the GPU's peer-to-peer work to be drained",
		"end the work that uses this GPU over NVLink, and start none until the driver asks for no more."},
	4: {DrainAndReset, "the driver asks for the GPU to be drained and reset",
		"start no new work on the GPU; when what runs has ended, reset it (nvidia-smi --gpu-reset)."},
	5: {RecoverIMEX, "the driver asks for the IMEX domain to be recovered",
		"end the work that spans hosts over NVLink, then restart the IMEX service in the domain."},
	6: {ResetBus, "the driver asks for a reset of the GPU's PCIe bus",
		"drain the host and reset the bus, or restart the host."},
	7: {Reboot, "the driver asks for a restart of the whole system",
		"drain the system and restart it, its host processors and all."},
}

// recovery judges what the driver asks for. What the board got over since, the
// driver need not be asked about again.
func (h *Health) recovery(c *change) {
	x := c.x
	x.recovery = c.is
	if len(x.findings) > 0 {
		x.touch() // what asks for nothing needs nobody at night
	}
	if c.is == metric.Missing {
		return // what it asked for may still be so
	}
	f := Finding{Cause: recoveryCause, State: Failed}
	if c.is == 0 {
		if x.find(recoveryCause) != nil && x.drop(func(f *Finding) bool { return f.kind == event && f.heals }) {
			h.over(x, "the driver asks for nothing any more")
		}
	} else if i := int64(c.is); i > 0 && i < int64(len(requests)) {
		f.Action, f.Evidence, f.Advice = requests[i].action, requests[i].says, requests[i].advice
	} else {
		f.State, f.Action = Degraded, CheckHost
		f.Evidence = fmt.Sprintf("the driver asks for something of the number %d, which this version does not know", c.is)
		f.Advice = "see what nvidia-smi -q says under GPU Recovery Action."
	}
	h.stand(x, c.at, c.is != 0, f)
}

const (
	recoveryCause    = "recovery_action"
	uncorrectedCause = "ecc_uncorrected"
)

// freshFor is how long uncorrected errors are a fault of now. Later they are a
// reason to reset at the next maintenance, as long as they are counted.
const freshFor = 24 * time.Hour

// uncorrected judges errors since the driver was loaded.
func (h *Health) uncorrected(c *change) {
	x, v, was := c.x, c.is, c.x.uncorrected
	x.uncorrected = v
	o := x.find(uncorrectedCause)
	f := Finding{Cause: uncorrectedCause, State: Degraded, Action: DrainAndReset, driver: true, Count: int64(v),
		Evidence: "uncorrected memory errors since the driver was loaded: " + strconv.FormatInt(int64(v), 10),
		Advice:   "what ran on the GPU must be started anew; drain the GPU, then reset it or restart the host. If it comes back, contact support."}
	last := c.at
	switch {
	case o != nil && o.Count == f.Count: // looked at anew
		f.State, last = o.State, o.Last
	case was != metric.Missing && was != v:
		f.State = Failed
	}
	h.stand(x, c.at, v > 0, f)
	if o := x.find(uncorrectedCause); o != nil {
		o.Last = last
	}
}

// pages judges memory pages taken out of use: of NVIDIA's boards before row
// remapping, and AMD's bad pages.
func (h *Health) pages(r rule, c *change) {
	single, double := c.a.value(rulePagesSingle, c.e, c.values), c.a.value(rulePagesDouble, c.e, c.values)
	if single >= 0 { // AMD counts one kind
		total := single + max(0, double)
		h.stand(c.x, c.at, total >= maxRetiredPages, Finding{Cause: "pages_limit", State: Degraded, Action: ContactSupport,
			Evidence: "the memory has at least " + strconv.Itoa(maxRetiredPages) + " retired pages, as many as the vendor allows", Advice: "run field diagnostics and have the GPU replaced."})
	}
	f := Finding{Cause: "pages_retired", State: Degraded, Action: ResetAtNext, driver: true,
		Evidence: "memory pages retired for errors that could not be corrected", Advice: "reset the GPU or restart the host at the next maintenance; if it goes on, have the GPU replaced."}
	if r == rulePagesSingle {
		f.Cause, f.State, f.Action = "pages_retired_single_bit", Watch, None
		f.Evidence, f.Advice = "memory pages retired for repeated single-bit errors", "for the record; if it goes on, have the GPU checked."
	}
	h.happened(c, f, eventFor)
}
