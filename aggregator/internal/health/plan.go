package health

import (
	"strconv"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A sender is an agent, with where its layout holds what matters here.
type sender struct {
	site   *site
	layout *metric.Layout
	width  int
	host   string
	hall   string
	rack   string
	heard  int64

	picks  []pick
	last   []metric.Raw // of each pick; missing if it was not seen
	base   []metric.Raw // of the rates' picks, at the beginning of this minute
	minute int64
	boards []board
}

// A pick is a value that rules look at when it changes.
type pick struct {
	at    int32 // in the tick
	board int32 // index of boards; -1: of the host
	rule  rule
	arg   uint32 // an XID, a point
	name  string // of a device, port, sensor
	pair  int32  // pick of the value it is compared with or belongs to; -1
}

// A board is a GPU of the sender.
type board struct {
	uuid, index, model string
	recovery           int32 // pick; -1: it does not say
	corrected, links   window
}

type rule uint8

const (
	ruleState rule = iota
	ruleRecovery
	ruleRemapPending
	ruleRemapFailed
	rulePagesPending
	ruleSRAM
	ruleUnrepairable
	ruleXID
	ruleXIDTime
	ruleUncorrected
	ruleRemapped
	ruleNVLinkRecovery
	ruleEnergy
	ruleWidth
	ruleWidthMax
	ruleGPUs
	ruleGPUsExpected
	ruleStale
	ruleNVMeWarning
	ruleSwitchFatal
	ruleSwitchNonFatal
	ruleLinkDowns
	rulePortRate
	rulePortRateMax
	// rates, looked at once a minute
	ruleCorrected
	rulePCIeReplays
	ruleNVLinkErrors
	ruleSlowThermal
	ruleSlowBrake
	rules
)

func (r rule) rate() bool { return r >= ruleCorrected }

// ruleOf is the rule for values of d at a point; rules if there is none.
func ruleOf(d *metric.Def, point uint32) rule {
	label := func(i int) string { return d.LabelValue(point, i) }
	switch d.Number {
	case metric.GPUState:
		return ruleState
	case metric.GPURecoveryAction:
		return ruleRecovery
	case metric.GPURowRemapPending:
		return ruleRemapPending
	case metric.GPURowRemapFailed:
		return ruleRemapFailed
	case metric.GPUPagesPending:
		return rulePagesPending
	case metric.GPUSRAMThreshold:
		return ruleSRAM
	case metric.GPUMemoryUnrepairable:
		return ruleUnrepairable
	case metric.GPUXIDEvents:
		return ruleXID
	case metric.GPUXIDTime:
		return ruleXIDTime
	case metric.GPUECCErrors:
		switch {
		case label(1) != "volatile":
		case label(0) == "uncorrected":
			return ruleUncorrected
		default:
			return ruleCorrected
		}
	case metric.GPURemappedRows:
		if label(0) == "uncorrectable" {
			return ruleRemapped
		}
	case metric.GPUNVLinkErrors:
		switch label(0) {
		case "recovery":
			return ruleNVLinkRecovery
		case "crc_flit", "crc_data", "replay", "receive":
			return ruleNVLinkErrors
		}
	case metric.GPUEnergyJoules:
		return ruleEnergy
	case metric.GPUPCIeWidth:
		if label(0) == "now" {
			return ruleWidth
		}
		return ruleWidthMax
	case metric.GPUPCIeReplays:
		return rulePCIeReplays
	case metric.GPUSlowdownSeconds:
		switch label(0) {
		case "hardware_thermal":
			return ruleSlowThermal
		case "power_brake":
			return ruleSlowBrake
		}
	case metric.HostGPUs:
		if label(0) == "present" {
			return ruleGPUs
		}
		return ruleGPUsExpected
	case metric.AgentSourceStale:
		return ruleStale
	case metric.NVMeWarning:
		return ruleNVMeWarning
	case metric.NVSwitchErrors:
		if label(0) == "fatal" {
			return ruleSwitchFatal
		}
		return ruleSwitchNonFatal
	case metric.FabricPortLinkDowns:
		return ruleLinkDowns
	case metric.FabricPortRate:
		return rulePortRate
	case metric.FabricPortRateMax:
		return rulePortRateMax
	}
	return rules
}

// plan finds what matters in a layout, and takes over what was known under the
// one before.
func (a *sender) plan(l *metric.Layout) {
	old := *a
	a.layout, a.width, a.picks, a.boards, a.host = l, l.Width(), nil, nil, ""
	a.site.simulated = a.site.simulated || l.Simulated
	of := map[int]int32{}
	for e := range l.Entities {
		switch x := &l.Entities[e]; x.Kind {
		case metric.Host:
			if a.host == "" {
				a.host = x.Name
				if r := l.Ancestor(e, metric.Rack); r >= 0 {
					a.rack = l.Entities[r].Name
				}
				if r := l.Ancestor(e, metric.Hall); r >= 0 {
					a.hall = l.Entities[r].Name
				}
			}
		case metric.GPU:
			of[e] = int32(len(a.boards))
			a.boards = append(a.boards, board{uuid: x.Name, index: x.Label("gpu"), model: x.Label("model"), recovery: -1})
		}
	}
	at := int32(0)
	for _, c := range l.Columns {
		d := metric.Lookup(c.Metric)
		for k := range c.Count {
			e := c.First + k
			if d == nil || d.Form != c.Form {
				continue
			}
			b, isGPU := of[e]
			if !isGPU {
				b = -1
			}
			r := ruleOf(d, c.Point)
			if r == rules || isGPU != (d.Entity == metric.GPU) {
				continue
			}
			p := pick{at: at + int32(k), board: b, rule: r, arg: c.Point, pair: -1}
			if !isGPU {
				p.name = name(l, e)
			}
			n := int32(len(a.picks))
			if r == ruleRecovery {
				a.boards[b].recovery = n
			}
			a.picks = append(a.picks, p)
		}
		at += int32(c.Count)
	}
	a.match()
	a.carry(&old)
}

// name says which of the host's things entity e is.
func name(l *metric.Layout, e int) string {
	x := &l.Entities[e]
	switch x.Kind {
	case metric.Host:
		return ""
	case metric.Port:
		if d := x.Label("device"); d != "" {
			return d + "/" + x.Name
		}
	}
	return x.Name
}

// match pairs the picks that belong together.
func (a *sender) match() {
	pairs := map[rule]rule{ruleXID: ruleXIDTime, ruleWidth: ruleWidthMax, ruleGPUs: ruleGPUsExpected, rulePortRate: rulePortRateMax}
	type key struct {
		rule  rule
		board int32
		arg   uint32
		name  string
	}
	k := func(p *pick, r rule) key {
		x := key{r, p.board, 0, p.name}
		if r == ruleXIDTime {
			x.arg = p.arg
		}
		return x
	}
	found := map[key]int32{}
	for i := range a.picks {
		found[k(&a.picks[i], a.picks[i].rule)] = int32(i)
	}
	for i := range a.picks {
		p := &a.picks[i]
		if r, ok := pairs[p.rule]; ok {
			if j, ok := found[k(p, r)]; ok {
				p.pair = j
				a.picks[j].pair = int32(i)
			}
		}
	}
}

// carry takes over the last values of what both layouts hold. XIDs that are new of
// an agent that is known count from zero; what else is new is a baseline.
func (a *sender) carry(old *sender) {
	type key struct {
		rule rule
		uuid string
		arg  uint32
		name string
	}
	id := func(s *sender, p *pick) key {
		k := key{p.rule, "", p.arg, p.name}
		if p.board >= 0 {
			k.uuid = s.boards[p.board].uuid
		}
		return k
	}
	was := make(map[key]int, len(old.picks))
	for i := range old.picks {
		was[id(old, &old.picks[i])] = i
	}
	a.last, a.base = make([]metric.Raw, len(a.picks)), make([]metric.Raw, len(a.picks))
	for i := range a.picks {
		a.last[i], a.base[i] = metric.Missing, metric.Missing
		if j, ok := was[id(a, &a.picks[i])]; ok {
			a.last[i], a.base[i] = old.last[j], old.base[j]
		} else if old.layout != nil && a.picks[i].rule == ruleXID {
			a.last[i] = 0
		}
	}
	for i := range a.boards {
		for j := range old.boards {
			if o := &old.boards[j]; o.uuid == a.boards[i].uuid {
				a.boards[i].corrected, a.boards[i].links = o.corrected, o.links
			}
		}
	}
}

func (b *board) String() string { return "GPU " + b.index }

func number(v metric.Raw) string { return strconv.FormatInt(int64(v), 10) }
