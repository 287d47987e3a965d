package health

import (
	"fmt"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// States of gpu_state, in the order of its label.
const (
	stateOK metric.Raw = iota
	stateLost
	stateBlank
	stateStale
	stateUnreachable
)

// How long what is only for the record stays.
const (
	watchFor   = 15 * time.Minute
	eventFor   = 7 * 24 * time.Hour
	startedFor = 24 * time.Hour // events before the first sight of an agent are told if they are no older
)

// judge looks at what changed since the tick before.
func (h *Health) judge(a *sender, millis int64, values []metric.Raw) {
	if x := a.site.subjects[hostSubject(a.host)]; x != nil && a.host != "" && x.find("silent") != nil {
		h.clear(a.site, x.name, "silent")
	}
	for i := range a.picks {
		p := &a.picks[i]
		v := values[p.at]
		if v == a.last[i] || p.rule.rate() {
			continue
		}
		if v == metric.Missing { // says nothing, and what it said last may still be so
			continue
		}
		last := a.last[i]
		a.last[i] = v
		if p.board >= 0 {
			h.ofBoard(a, p, millis, last, v, values)
		} else {
			h.ofHost(a, p, millis, last, v, values)
		}
	}
	if a.begins(millis) {
		h.rates(a, millis, values)
	}
}

// other is the newest value of the pick that p is paired with.
func (a *sender) other(p *pick, values []metric.Raw) metric.Raw {
	if p.pair < 0 {
		return metric.Missing
	}
	return values[a.picks[p.pair].at]
}

// stand raises f while it is true, and ends it when it is not.
func (h *Health) stand(s *site, name string, millis int64, is bool, f Finding) {
	if !is {
		h.clear(s, name, f.Cause)
		return
	}
	f.Kind, f.Since, f.Last = condition, millis, millis
	h.raise(s, s.subject(name), f)
}

// ofBoard judges a value of a GPU that changed.
func (h *Health) ofBoard(a *sender, p *pick, millis int64, last, v metric.Raw, values []metric.Raw) {
	b, s := &a.boards[p.board], a.site
	rose := int64(0) // since the tick before; of a counter that began anew, all of it
	switch {
	case last == metric.Missing:
	case v < last:
		rose = int64(v)
	default:
		rose = int64(v - last)
	}
	switch p.rule {
	case ruleState:
		h.boardState(s, b, millis, v)
	case ruleRecovery:
		h.recovery(s, b, millis, int64(v))
	case ruleRemapPending:
		h.stand(s, b.uuid, millis, v == 1, Finding{Cause: "row_remap_pending", State: Degraded, Action: ResetAtNext,
			Evidence: "a row remapping waits for a reset", Advice: "reset the GPU at the next maintenance; until then the row stays in use."})
	case ruleRemapFailed:
		h.stand(s, b.uuid, millis, v == 1, Finding{Cause: "row_remap_failed", State: Failed, Action: ContactSupport,
			Evidence: "a row remapping has failed", Advice: "drain the GPU, run field diagnostics and have it checked for replacement."})
	case rulePagesPending:
		h.stand(s, b.uuid, millis, v > 0, Finding{Cause: "pages_pending", State: Degraded, Action: ResetAtNext,
			Evidence: number(v) + " memory pages wait to be retired", Advice: "restart the host at the next maintenance."})
	case ruleSRAM:
		h.stand(s, b.uuid, millis, v == 1, Finding{Cause: "sram_threshold", State: Failed, Action: ContactSupport,
			Evidence: "the on-chip memory has had more uncorrected errors than the vendor allows", Advice: "drain the GPU and have it replaced."})
	case ruleUnrepairable:
		h.stand(s, b.uuid, millis, v == 1, Finding{Cause: "memory_unrepairable", State: Failed, Action: ContactSupport,
			Evidence: "the memory has a fault that no repair is left for", Advice: "drain the GPU and have it replaced."})
	case ruleXID:
		h.xid(a, b, p, millis, last, v, a.other(p, values))
	case ruleUncorrected:
		h.happened(s, b, millis, rose, Finding{Cause: "ecc_uncorrected", State: Degraded, Action: ResetAtNext, Heals: true, Driver: true,
			Evidence: "uncorrected memory errors", Advice: "the application that had it must be started anew; see XIDs and row remapping beside it."})
	case ruleRemapped:
		h.happened(s, b, millis, rose, Finding{Cause: "row_remapped", State: Degraded, Action: ResetAtNext, Heals: true, Driver: true,
			Evidence: "rows remapped for uncorrectable errors", Advice: "reset the GPU at the next maintenance; if it goes on, have the GPU checked."})
	case ruleNVLinkRecovery:
		h.happened(s, b, millis, rose, Finding{Cause: "nvlink_recovery", State: Degraded, Action: CheckCabling, Heals: true,
			Evidence: "NVLink recoveries", Advice: "a link had to be trained again while in use: follow the NVLink workflow."})
	case ruleEnergy:
		if last != metric.Missing && v < last { // the driver was loaded anew, or the GPU was reset
			if x := s.subjects[b.uuid]; x != nil {
				x.anew(millis)
				h.dirty = true
			}
		}
	case ruleWidth, ruleWidthMax:
		now, most := v, a.other(p, values)
		if p.rule == ruleWidthMax {
			now, most = most, v
		}
		h.stand(s, b.uuid, millis, now != metric.Missing && most != metric.Missing && now < most, Finding{Cause: "pcie_width", State: Degraded, Action: CheckCabling,
			Evidence: fmt.Sprintf("the PCIe link has %d of %d lanes", now, most), Advice: "reseat the board or its riser at the next maintenance."})
	}
}

// boardState judges what is known of a GPU.
func (h *Health) boardState(s *site, b *board, millis int64, v metric.Raw) {
	h.stand(s, b.uuid, millis, v == stateLost, Finding{Cause: "lost", State: Failed, Action: Reboot,
		Evidence: "the GPU answers nothing, its neighbours do", Advice: "drain the host; restart it; if the GPU does not come back or is lost again, contact support."})
	h.stand(s, b.uuid, millis, v == stateBlank, Finding{Cause: "blank", State: Unknown, Action: RestartEngine,
		Evidence: "the driver answers nothing for any GPU", Advice: "after XID 119 the DCGM host engine stops asking until it is restarted: restart it, then see what it says."})
	h.stand(s, b.uuid, millis, v == stateStale, Finding{Cause: "stale", State: Unknown, Action: CheckHost,
		Evidence: "its readings have stopped advancing", Advice: "the driver or the host engine hangs: look at the host before you trust the GPU."})
	h.stand(s, b.uuid, millis, v == stateUnreachable, Finding{Cause: "unreachable", State: Unknown, Action: RestartEngine,
		Evidence: "the host engine does not answer", Advice: "see whether the DCGM host engine runs on the host."})
}

var recoveries = [...]struct {
	action Action
	state  State
	says   string
}{
	{None, OK, ""},
	{ResetGPU, Failed, "the driver asks for a reset of the GPU"},
	{Reboot, Failed, "the driver asks for a restart of the host"},
	{DrainAndReset, Degraded, "the driver asks for the GPU's peer-to-peer traffic to be drained"},
	{DrainAndReset, Failed, "the driver asks for the GPU to be drained and reset"},
}

// recovery judges what the driver asks for: DCGM field 1523, NVML's
// nvmlDeviceGpuRecoveryAction_t.
func (h *Health) recovery(s *site, b *board, millis, v int64) {
	r := recoveries[0]
	switch {
	case v > 0 && v < int64(len(recoveries)):
		r = recoveries[v]
	case v != 0:
		r.state, r.says = Degraded, fmt.Sprintf("the driver asks for something of the number %d, which this version does not know", v)
	}
	h.stand(s, b.uuid, millis, v != 0, Finding{Cause: "recovery_action", State: r.state, Action: r.action, Evidence: r.says,
		Advice: "do what the driver asks for; it decides over what single XIDs suggest."})
}

// happened raises an event that a counter shows.
func (h *Health) happened(s *site, b *board, millis, n int64, f Finding) {
	if n <= 0 {
		return
	}
	x, total := s.subject(b.uuid), n
	if o := x.find(f.Cause); o != nil {
		total += o.Count
	}
	f.Evidence = fmt.Sprintf("%d %s", total, f.Evidence)
	f.Kind, f.Since, f.Last, f.Until, f.Count = event, millis, millis, millis+eventFor.Milliseconds(), n
	h.raise(s, x, f)
}

// xid judges events of one code. last and v count them since the agent's start;
// when is the time of the newest.
func (h *Health) xid(a *sender, b *board, p *pick, millis int64, last, v, when metric.Raw) {
	n := int64(v)
	if last != metric.Missing && v >= last {
		n = int64(v - last)
	}
	at := millis
	if when != metric.Missing && int64(when) <= millis {
		at = int64(when)
	}
	if last == metric.Missing && when == metric.Missing || n <= 0 || millis-at > startedFor.Milliseconds() {
		return
	}
	s, t := a.site, h.c.Table.of(p.arg)
	cause := fmt.Sprintf("xid_%d", p.arg)
	x := s.subject(b.uuid)
	if x.seen(cause, at) || t.Silent {
		return
	}
	h.dirty = true
	f := Finding{Cause: cause, State: t.State, Since: at, Last: at, Count: n, Kind: event, Action: t.Action, Heals: t.Heals, Driver: true,
		Evidence: fmt.Sprintf("XID %d: %s, at %s", p.arg, t.Meaning, clock(at)), Advice: t.Then, Until: at + eventFor.Milliseconds()}
	switch {
	case t.Cleanup:
		h.cleanup(a, b, f, at)
		return
	case t.State == Watch:
		f.Until = at + watchFor.Milliseconds()
	}
	if f.Advice == "" {
		f.Advice = "for the record; if it repeats, contact support"
	}
	h.raise(s, x, f)
}

// cleanup puts what follows another error, or a job's end, into one line of the
// host: a job of eight GPUs ends with sixty of them.
func (h *Health) cleanup(a *sender, b *board, f Finding, at int64) {
	name := hostSubject(a.host)
	if a.host == "" {
		name = b.uuid
	}
	x := a.site.subject(name)
	n := f.Count
	if o := x.find(f.Cause); o != nil {
		n += o.Count
	}
	f.Heals, f.Driver, f.Until = false, false, at+watchFor.Milliseconds()
	f.Evidence = fmt.Sprintf("%d times, the last on %s at %s: %s", n, b, clock(at), h.c.Table.of(codeOf(f.Cause)).Meaning)
	f.Advice = "nothing by itself: normal when a job ends or is cancelled; otherwise follow the error before it"
	h.raise(a.site, x, f)
}

func codeOf(cause string) (code uint32) {
	fmt.Sscanf(cause, "xid_%d", &code)
	return code
}

// ofHost judges a value of the host, or of a thing on it, that changed.
func (h *Health) ofHost(a *sender, p *pick, millis int64, last, v metric.Raw, values []metric.Raw) {
	s, name := a.site, hostSubject(a.host)
	if a.host == "" {
		return
	}
	rose := last != metric.Missing && v > last
	found := func(f Finding) {
		f.Kind, f.Since, f.Last, f.Count, f.Until = event, millis, millis, int64(v-last), millis+24*time.Hour.Milliseconds()
		h.raise(s, s.subject(name), f)
	}
	switch p.rule {
	case ruleGPUs, ruleGPUsExpected:
		here, want := v, a.other(p, values)
		if p.rule == ruleGPUsExpected {
			here, want = want, v
		}
		h.stand(s, name, millis, here != metric.Missing && want != metric.Missing && here < want && a.silentBoards(values) < int64(want-here), Finding{
			Cause: "gpus_missing", State: Failed, Action: Reboot, Evidence: fmt.Sprintf("%d of %d GPUs are there", here, want),
			Advice: "a GPU that the host does not even list: restart the host; if it stays away, reseat it and contact support."})
	case ruleStale:
		h.stand(s, name, millis, v == 1, Finding{Cause: "source_stale_" + p.name, State: Unknown, Action: CheckHost,
			Evidence: "the collector's source " + p.name + " does not answer", Advice: "its readings are missing, not zero: look at the host; a driver may hang."})
	case ruleNVMeWarning:
		h.stand(s, name, millis, v != 0, Finding{Cause: "nvme_warning_" + p.name, State: Degraded, Action: ReplaceDisk,
			Evidence: fmt.Sprintf("disk %s warns: %s", p.name, nvme(int64(v))), Advice: "save what is on it and plan its replacement."})
	case ruleSwitchFatal:
		if rose {
			found(Finding{Cause: "nvswitch_fatal_" + p.name, State: Failed, Action: Reboot,
				Evidence: "fatal error of " + p.name, Advice: "all GPUs of the host may be cut off from each other: drain it, restart it, contact support."})
		}
	case ruleSwitchNonFatal:
		if rose {
			found(Finding{Cause: "nvswitch_" + p.name, State: Watch, Action: None,
				Evidence: "non-fatal error of " + p.name, Advice: "for the record; if it repeats, run the NVSwitch diagnostics."})
		}
	case ruleLinkDowns:
		if rose {
			found(Finding{Cause: "fabric_link_down_" + p.name, State: Watch, Action: CheckCabling,
				Evidence: "port " + p.name + " lost its link", Advice: "if it repeats, clean or replace the cable or the transceiver."})
		}
	case rulePortRate, rulePortRateMax:
		now, most := v, a.other(p, values)
		if p.rule == rulePortRateMax {
			now, most = most, v
		}
		h.stand(s, name, millis, now != metric.Missing && most != metric.Missing && now > 0 && now < most, Finding{Cause: "fabric_rate_" + p.name, State: Degraded, Action: CheckCabling,
			Evidence: fmt.Sprintf("port %s runs at %d of %d Gbit/s", p.name, now/1e9, most/1e9), Advice: "a lane or the cable is at fault; jobs on this host wait for it."})
	}
}

// silentBoards is how many GPUs are listed but not well: they have findings of
// their own.
func (a *sender) silentBoards(values []metric.Raw) (n int64) {
	for i := range a.picks {
		if p := &a.picks[i]; p.rule == ruleState && values[p.at] != stateOK {
			n++
		}
	}
	return n
}

// nvme spells out critical warnings: NVM Express base specification, SMART /
// Health Information log page, byte 0.
func nvme(bits int64) string {
	text := ""
	for i, w := range []string{"spare blocks are low", "too hot or too cold", "reliability is degraded", "it is read only", "its power backup failed", "persistent memory is unreliable"} {
		if bits&(1<<i) != 0 {
			if text != "" {
				text += ", "
			}
			text += w
		}
	}
	if text == "" {
		return fmt.Sprintf("bits %#x", bits)
	}
	return text
}
