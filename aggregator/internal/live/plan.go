package live

import (
	"slices"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// quantity is what a sum is of.
type quantity uint8

const (
	gpuWatts       quantity = iota // boards
	hostWatts                      // nodes: BMC, else module
	pduWatts                       // rack PDU outputs
	upsWatts                       // UPS outputs
	itWatts                        // meters at the IT input
	gridWatts                      // taken from the grid
	generatorWatts                 // of generators
	onsiteWatts                    // generated on site
	exportWatts                    // leaves the site
	outsideWatts                   // of what stands behind the site's meters and is not the site's
	gpuCelsius                     // hottest, not a sum
	gpusOk                         // count
	gpusLost                       // count
	quantities
	none = quantities // nothing that is summed
)

// roleQuantity is what a meter of each role measures, and roleOf its inverse.
var (
	roleQuantity = map[string]quantity{
		metric.RoleGridInput: gridWatts, metric.RoleGeneratorOutput: generatorWatts, metric.RoleOnsiteGeneration: onsiteWatts,
		metric.RoleExport: exportWatts, metric.RoleUPSOutput: upsWatts, metric.RolePDUOutput: pduWatts, metric.RoleITInput: itWatts,
	}
	roleOf = [quantities]string{
		gridWatts: metric.RoleGridInput, generatorWatts: metric.RoleGeneratorOutput, onsiteWatts: metric.RoleOnsiteGeneration,
		exportWatts: metric.RoleExport, outsideWatts: "taken-off " + metric.RoleDistribution, upsWatts: metric.RoleUPSOutput, pduWatts: metric.RolePDUOutput, itWatts: metric.RoleITInput,
	}
)

// A part is one agent's contribution to one place: the values that are added,
// and their sum for each of the last seconds.
type part struct {
	rack     int32 // index in site.racks; -1: the site itself
	quantity quantity
	values   []int32 // indexes in the tick
	sums     [ring]total

	meter string  // whose power it is: one meter's; "": of no meter
	point int32   // of the plan; -1: it is in none
	limit float64 // W that it cannot say more than; 0: not known
	last  reading // of the meter
	odd   bool    // its newest is beyond
}

// reading is the newest that a meter said.
type reading struct {
	watts  float64
	second int64
}

// total is a sum with the number of readings in it.
type total struct {
	sum float64
	n   int32
}

// meterCount is how many meters of one kind an agent has in one place, whether
// they say their power or not.
type meterCount struct {
	rack     int32
	quantity quantity
	n        int32
	planned  bool
}

// muted is a meter of the plan that does not say its power.
type muted struct{ point, rack int32 }

// sender is what live keeps of one agent.
type sender struct {
	name     string
	site     *site
	layout   *metric.Layout
	parts    []part
	meters   []meterCount
	mute     []muted
	recalled bool        // nothing was heard of it since the start
	returned int64       // second of what was first heard, if it was recalled
	claims   []claim     // what it speaks for
	refused  []claim     // what it names and another speaks for
	seconds  [ring]int64 // the second that each slot of the sums is of
	newest   int64       // second of the newest tick
	gaps     [4]int64    // seconds between the newest ticks
	gap      int         // of gaps: the next
	hold     int64       // for how many seconds a reading stands
	values   []metric.Raw
	host     string // that it speaks for; "" if it is no host's agent
	rack     int32
	gpus     []gpu
	unseen   bool // gpus has some without evidence
	grid     []gridValue
	expiry   int32 // where it says for how long its certificates are valid; -1: nowhere

	counters []counter
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

// plan works out what a layout contributes; losers is as in claim.
func (s *sender) plan(l *metric.Layout, losers *[]*sender) {
	s.site.count(s, -1)
	defer s.site.count(s, 1)
	oldParts, oldGPUs, oldLayout, oldCounters := s.parts, s.gpus, s.layout, s.counters
	defer func() {
		s.carry(oldLayout, oldParts, oldGPUs)
		s.carryCounters(oldLayout, oldCounters)
	}()
	s.release()
	s.layout, s.parts, s.meters, s.mute, s.gpus, s.grid, s.counters, s.expiry = l, nil, nil, nil, nil, nil, nil, -1
	mine := s.claimEntities(l, losers)
	byEntity := map[int]int{}
	var nodes nodePower
	at := int32(0)
	for _, c := range l.Columns {
		if d := metric.Lookup(c.Metric); d == nil || d.Form != c.Form { // not what it is here
			at += int32(c.Count)
			continue
		}
		for k := range c.Count {
			e, v := c.First+k, at+int32(k)
			if !mine[e] {
				continue
			}
			if Rises(c.Metric) {
				s.counters = append(s.counters, counter{metric: c.Metric, point: c.Point, entity: int32(e), value: v, last: metric.Missing})
			}
			switch c.Metric {
			case metric.GPUPowerWatts:
				s.add(e, gpuWatts, v)
			case metric.GPUTemperature:
				s.add(e, gpuCelsius, v)
			case metric.GPUState:
				s.add(e, gpusOk, v)
				s.add(e, gpusLost, v)
			case metric.HostPowerWatts:
				nodes.add(e, v, metric.Lookup(c.Metric).LabelValue(c.Point, 0))
			case metric.AgentCertificateLeft:
				s.expiry = v
			case metric.MeterPowerWatts:
				s.addMeter(e, v)
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
	for _, n := range nodes {
		if from := n.best(); len(from) > 0 && s.claim(claim{powerClaim, l.Entities[n.entity].Name}, losers) {
			for _, v := range from {
				s.add(n.entity, hostWatts, v)
			}
		}
	}
	s.countMeters(mine)
	s.findHost(losers)
	if l != oldLayout {
		s.values = make([]metric.Raw, at)
		for i := range s.values {
			s.values[i] = metric.Missing
		}
	}
}

// nodePower is where the node power of hosts is found in a tick.
type nodePower []node

type node struct {
	entity      int
	bmc, module []int32
}

func (p *nodePower) add(e int, v int32, source string) {
	i := slices.IndexFunc(*p, func(n node) bool { return n.entity == e })
	if i < 0 {
		i = len(*p)
		*p = append(*p, node{entity: e})
	}
	switch n := &(*p)[i]; source {
	case "bmc":
		n.bmc = append(n.bmc, v)
	case "module":
		n.module = append(n.module, v)
	}
}

func (n *node) best() []int32 {
	if len(n.bmc) > 0 {
		return n.bmc
	}
	return n.module
}

// countMeters counts the meters of power that are the agent's.
func (s *sender) countMeters(mine []bool) {
	says := map[int32]bool{} // by point
	for i := range s.parts {
		says[s.parts[i].point] = true
	}
	for e := range s.layout.Entities {
		x := &s.layout.Entities[e]
		if !mine[e] || x.Kind != metric.Meter {
			continue
		}
		point, rack := s.site.point(x.Name), s.site.rackOf(s.layout, e)
		q, ok := roleQuantity[x.Label("role")]
		if point >= 0 {
			q, ok = s.site.points[point].quantity, true
			if !says[point] {
				s.mute = append(s.mute, muted{point, rack})
			}
		}
		if !ok || point < 0 && s.site.only {
			continue
		}
		i := slices.IndexFunc(s.meters, func(m meterCount) bool { return m.rack == rack && m.quantity == q && m.planned == (point >= 0) })
		if i < 0 {
			i = len(s.meters)
			s.meters = append(s.meters, meterCount{rack: rack, quantity: q, planned: point >= 0})
		}
		s.meters[i].n++
	}
}

// findHost finds the host that the agent runs on, and claims it if the agent
// speaks for it: an agent of meters only names where it runs.
func (s *sender) findHost(losers *[]*sender) {
	s.host, s.rack = "", -1
	l := s.layout
	at := slices.IndexFunc(l.Entities, func(e metric.Entity) bool { return e.Kind == metric.Host })
	if at < 0 {
		return
	}
	s.rack = s.site.rackOf(l, at)
	speaks := slices.ContainsFunc(l.Columns, func(c metric.Column) bool {
		return c.Metric == metric.HostUp && c.First <= at && at < c.First+c.Count ||
			l.Entities[c.First].Kind == metric.GPU && l.Ancestor(c.First, metric.Host) == at
	})
	if speaks && s.claim(claim{hostClaim, l.Entities[at].Name}, losers) {
		s.host = l.Entities[at].Name
	}
}

// carry takes over from an earlier layout what is still true: the sums of the
// seconds that are not closed, and what was known of the GPUs.
func (s *sender) carry(l *metric.Layout, parts []part, gpus []gpu) {
	meters := map[string]*part{}
	for i := range parts {
		if p := &parts[i]; p.meter != "" {
			meters[p.meter] = p
		}
	}
	for i := range s.parts {
		p := &s.parts[i]
		if p.meter != "" {
			if o := meters[p.meter]; o != nil {
				p.sums, p.last = o.sums, o.last
			}
			continue
		}
		for j := range parts {
			if o := &parts[j]; o.meter == "" && o.rack == p.rack && o.quantity == p.quantity {
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

// add makes value v of entity e count towards quantity q of its rack.
func (s *sender) add(e int, q quantity, v int32) {
	rack := s.site.rackOf(s.layout, e)
	i := slices.IndexFunc(s.parts, func(p part) bool { return p.meter == "" && p.rack == rack && p.quantity == q })
	if i < 0 {
		i = len(s.parts)
		s.parts = append(s.parts, part{rack: rack, quantity: q, point: -1})
	}
	s.parts[i].values = append(s.parts[i].values, v)
}

// addMeter makes value v the power of a meter: what the plan says of it, or else
// what its role does.
func (s *sender) addMeter(e int, v int32) {
	x := &s.layout.Entities[e]
	p := part{rack: s.site.rackOf(s.layout, e), values: []int32{v}, meter: x.Name, point: s.site.point(x.Name)}
	q, ok := roleQuantity[x.Label("role")]
	if p.point >= 0 {
		at := &s.site.points[p.point]
		q, ok, p.limit = at.quantity, at.quantity != none, at.Rating*1.2
	}
	if !ok || p.point < 0 && s.site.only {
		return
	}
	p.quantity = q
	s.parts = append(s.parts, p)
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
