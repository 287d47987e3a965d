package live

import (
	"math"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// ring is how many seconds an agent's sums are kept: long enough for a second to
// close while newer ones arrive.
const ring = 8

// hold is for how many seconds the last reading stands for one that did not
// come: 2.5 nominal intervals, in whole seconds.
const hold = 2

// quantity is what a sum is of.
type quantity uint8

const (
	gpuWatts    quantity = iota // boards
	hostWatts                   // nodes: BMC, else module
	pduWatts                    // rack PDU outputs
	upsWatts                    // UPS outputs
	itWatts                     // meters at the IT input
	inWatts                     // grid, generators, on-site generation
	exportWatts                 // leaves the site
	gpuCelsius                  // hottest, not a sum
	gpusOk                      // count
	gpusLost                    // count
	quantities
)

// A part is one agent's contribution to one place: the values that are added,
// and their sum for each of the last seconds.
type part struct {
	rack     int32 // index in site.racks; -1: the site itself
	quantity quantity
	values   []int32 // indexes in the tick
	sums     [ring]total
}

// total is a sum with the number of readings in it.
type total struct {
	sum float64
	n   int32
}

// sender is what live keeps of one agent.
type sender struct {
	site    *site
	layout  *metric.Layout
	parts   []part
	seconds [ring]int64 // the second that each slot of the sums is of
	newest  int64       // second of the newest tick
	values  []metric.Raw
	host    string // "" if it is no host's agent
	rack    int32
	gpus    []gpu
	unseen  bool // gpus has some without evidence
	grid    []gridValue
}

// gpu says where a GPU's values are in a tick; -1: not there.
type gpu struct {
	entity                                  int32
	celsius, margin, watts, state           int32
	uncorrected, corrected, pending, failed int32
	slowThermal, slowHardware, recovery     int32
	xids                                    []int32
	seen                                    bool     // there is evidence
	before, since                           evidence // readings of five to ten minutes ago, and of less
}

// gridValue is a carbon intensity that the agent reports.
type gridValue struct {
	value                int32
	zone, provider, tier string
	factor               string
}

// plan works out what a layout contributes.
func (s *sender) plan(l *metric.Layout) {
	s.site.count(s, -1)
	defer s.site.count(s, 1)
	oldParts, oldGPUs, oldLayout := s.parts, s.gpus, s.layout
	defer func() { s.carry(oldLayout, oldParts, oldGPUs) }()
	s.layout, s.parts, s.gpus, s.grid, s.host, s.rack = l, nil, nil, nil, "", -1
	byEntity := map[int]int{}
	var bmc, module []int32
	at := int32(0)
	for _, c := range l.Columns {
		if d := metric.Lookup(c.Metric); d == nil || d.Form != c.Form { // not what it is here
			at += int32(c.Count)
			continue
		}
		for k := range c.Count {
			e, v := c.First+k, at+int32(k)
			switch c.Metric {
			case metric.GPUPowerWatts:
				s.add(e, gpuWatts, v)
			case metric.GPUTemperature:
				s.add(e, gpuCelsius, v)
			case metric.GPUState:
				s.add(e, gpusOk, v)
				s.add(e, gpusLost, v)
			case metric.HostPowerWatts:
				switch metric.Lookup(c.Metric).LabelValue(c.Point, 0) {
				case "bmc":
					bmc = append(bmc, v)
				case "module":
					module = append(module, v)
				}
			case metric.MeterPowerWatts:
				if q, ok := roleQuantity[l.Entities[e].Label("role")]; ok {
					s.add(e, q, v)
				}
			case metric.GridCarbonIntensity:
				z := &l.Entities[e]
				s.grid = append(s.grid, gridValue{v, z.Name, z.Label("provider"), z.Label("tier"), metric.Lookup(c.Metric).LabelValue(c.Point, 0)})
			}
			if l.Entities[e].Kind == metric.GPU {
				s.gpuValue(byEntity, e, c, v)
			}
		}
		at += int32(c.Count)
	}
	for e := range l.Entities {
		if l.Entities[e].Kind == metric.Host {
			s.host, s.rack = l.Entities[e].Name, s.site.rackOf(l, e)
			if len(bmc) == 0 {
				bmc = module
			}
			for _, v := range bmc {
				s.add(e, hostWatts, v)
			}
			break
		}
	}
	s.values = make([]metric.Raw, at)
	for i := range s.values {
		s.values[i] = metric.Missing
	}
}

// carry takes over from an earlier layout what is still true: the sums of the
// seconds that are not closed, and what was known of the GPUs.
func (s *sender) carry(l *metric.Layout, parts []part, gpus []gpu) {
	for i := range s.parts {
		p := &s.parts[i]
		for j := range parts {
			if o := &parts[j]; o.rack == p.rack && o.quantity == p.quantity {
				p.sums = o.sums
			}
		}
	}
	s.unseen = len(s.gpus) > 0
	for i := range s.gpus {
		g := &s.gpus[i]
		for j := range gpus {
			if o := &gpus[j]; l.Entities[o.entity].Name == s.layout.Entities[g.entity].Name {
				g.seen, g.before, g.since = o.seen, o.before, o.since
			}
		}
	}
}

var roleQuantity = map[string]quantity{
	metric.RoleGridInput: inWatts, metric.RoleGeneratorOutput: inWatts, metric.RoleOnsiteGeneration: inWatts,
	metric.RoleExport: exportWatts, metric.RoleUPSOutput: upsWatts, metric.RolePDUOutput: pduWatts, metric.RoleITInput: itWatts,
}

// add makes value v of entity e count towards quantity q of its rack.
func (s *sender) add(e int, q quantity, v int32) {
	rack := s.site.rackOf(s.layout, e)
	for i := range s.parts {
		if p := &s.parts[i]; p.rack == rack && p.quantity == q {
			p.values = append(p.values, v)
			return
		}
	}
	s.parts = append(s.parts, part{rack: rack, quantity: q, values: []int32{v}})
}

func (s *sender) gpuValue(byEntity map[int]int, e int, c metric.Column, v int32) {
	i, ok := byEntity[e]
	if !ok {
		i = len(s.gpus)
		byEntity[e] = i
		s.gpus = append(s.gpus, gpu{entity: int32(e), celsius: -1, margin: -1, watts: -1, state: -1, uncorrected: -1, corrected: -1,
			pending: -1, failed: -1, slowThermal: -1, slowHardware: -1, recovery: -1})
	}
	g, d := &s.gpus[i], metric.Lookup(c.Metric)
	switch c.Metric {
	case metric.GPUTemperature:
		g.celsius = v
	case metric.GPUTemperatureMargin:
		g.margin = v
	case metric.GPUPowerWatts:
		g.watts = v
	case metric.GPUState:
		g.state = v
	case metric.GPUECCErrors:
		if d.LabelValue(c.Point, 1) == "volatile" {
			if d.LabelValue(c.Point, 0) == "corrected" {
				g.corrected = v
			} else {
				g.uncorrected = v
			}
		}
	case metric.GPURowRemapPending:
		g.pending = v
	case metric.GPURowRemapFailed:
		g.failed = v
	case metric.GPURecoveryAction:
		g.recovery = v
	case metric.GPUXIDEvents:
		g.xids = append(g.xids, v)
	case metric.GPUSlowdownSeconds:
		switch d.LabelValue(c.Point, 0) {
		case "thermal":
			g.slowThermal = v
		case "hardware_thermal":
			g.slowHardware = v
		}
	}
}

// take sums a tick of the given second.
func (s *sender) take(second int64, values []metric.Raw) {
	slot := second % ring
	s.seconds[slot] = second
	for i := range s.parts {
		p := &s.parts[i]
		switch p.quantity {
		case gpuCelsius:
			p.sums[slot] = hottest(p.values, values)
		case gpusOk:
			p.sums[slot] = counted(p.values, values, metric.GPUOk)
		case gpusLost:
			p.sums[slot] = counted(p.values, values, metric.GPULost)
		default:
			p.sums[slot] = summed(p.values, values)
		}
	}
	// A newest that is far ahead was dated by a clock that has been set back.
	if second >= s.newest || s.newest > s.site.last+ring {
		s.newest = second
		copy(s.values, values)
	}
	if s.unseen {
		s.unseen = false
		for i := range s.gpus {
			if g := &s.gpus[i]; !g.seen {
				g.seen = true
				g.before = g.evidence(s.values)
				g.since = g.before
			}
		}
	}
}

func summed(at []int32, values []metric.Raw) (r total) {
	for _, i := range at {
		if v := values[i]; v != metric.Missing {
			r.sum += math.Float64frombits(uint64(v))
			r.n++
		}
	}
	return r
}

func hottest(at []int32, values []metric.Raw) (r total) {
	r.sum = math.Inf(-1)
	for _, i := range at {
		if v := values[i]; v != metric.Missing {
			r.sum = max(r.sum, math.Float64frombits(uint64(v)))
			r.n++
		}
	}
	return r
}

func counted(at []int32, values []metric.Raw, state metric.Raw) (r total) {
	for _, i := range at {
		if values[i] == state {
			r.n++
		}
	}
	r.sum = float64(r.n)
	return r
}

// at is the slot that stands for the given second: its own, or the newest of
// the seconds before that may stand for it; -1 if there is none.
func (s *sender) at(second int64) int {
	for back := int64(0); back <= hold; back++ {
		if slot := (second - back) % ring; s.seconds[slot] == second-back {
			return int(slot)
		}
	}
	return -1
}
