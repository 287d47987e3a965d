package account

import (
	"cmp"
	"maps"
	"slices"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Stage is a level of the power tree at which what goes in is set against what
// comes out.
type Stage uint8

// The stages, outside in.
const (
	StageFacility Stage = iota // all that comes in, and what is metered next below it
	StageUPS                   // UPS outputs, and the PDUs behind them
	StagePDU                   // PDU outputs, and the inputs of IT
	StageMeter                 // meters that feed together, and those that they feed
	StageHosts                 // IT, and all hosts
	StageGPUs                  // IT, and all GPUs
	StageRack                  // the meters of a rack, and its hosts
	StageHost                  // a host, and its GPUs
	stages        = iota
)

var stageNames = [stages]string{"facility", "ups", "pdu", "meter", "hosts", "gpus", "rack", "host"}

func (s Stage) String() string {
	if s < stages {
		return stageNames[s]
	}
	return "unknown"
}

// ParseStage is the stage called name.
func ParseStage(name string) (Stage, bool) {
	i := slices.Index(stageNames[:], name)
	return Stage(max(0, i)), i >= 0
}

// usual is what may be lacking below, as a share, where nothing is stated: losses
// on the way, loads without a meter, and what meters may err by.
var usual = [stages][2]float64{
	StageFacility: {-0.02, 0.10},
	StageUPS:      {-0.02, 0.03},
	StagePDU:      {-0.02, 0.03},
	StageMeter:    {-0.02, 0.02},
	StageHosts:    {-0.02, 0.15},
	StageGPUs:     {0, 0.55},
	StageRack:     {-0.02, 0.15},
	StageHost:     {0, 0.60},
}

// A Finding says what a gap means.
type Finding string

// The findings.
const (
	Balanced Finding = "ok"      // it is as expected
	Lacking  Finding = "lacking" // less is below than expected: a load without a meter, a meter under another name
	Exceeds  Finding = "exceeds" // more is below than above: a meter stands elsewhere, or counts twice
	Unknown  Finding = "unknown" // no hour in which both are known
)

// A Gap is what stands above a stage less what stands below it, over the hours of
// [From, To) in which both are known.
type Gap struct {
	Stage    Stage
	Name     string // of what stands above; "": the whole site
	From, To int64

	Above, Below Wide     // mJ
	Children     int      // that stand below
	Gap          float64  // mJ that are lacking below; negative where there is more
	Ratio        *float64 // Gap as a share of Above; nil: nothing came in
	Low, High    float64  // within which Ratio is expected
	Finding      Finding
	Coverage     float64  // share of the hours that are over in which both are known
	Missing      []string // what was not known, some of it
}

// A Reconciliation is the gaps of a site over [from, to) in the making.
type Reconciliation struct {
	b        *Basis
	from, to int64
	until    int64
	category int // where IT is metered
	stages   uint32
	hours    int64 // that are over
	gaps     map[gapKey]*gap
}

type gapKey struct {
	stage Stage
	name  string
}

type gap struct {
	above, below Wide
	children     int
	hours        int64
	missing      map[string]bool
}

// NewReconciliation begins one, of some stages; none: of all.
func NewReconciliation(b *Basis, from, to, until int64, category int, of []Stage) *Reconciliation {
	if b == nil {
		b = nothing()
	}
	r := &Reconciliation{b: b, from: from, to: to, until: until, category: category, gaps: map[gapKey]*gap{}}
	for _, s := range of {
		r.stages |= 1 << s
	}
	if r.stages == 0 {
		r.stages = 1<<stages - 1
	}
	return r
}

// NeedsMachines reports whether r rests on what all hosts and all GPUs of an hour
// drew, and NeedsRows whether on the rows of single ones. If on neither, the sheets
// of hours are enough.
func (r *Reconciliation) NeedsMachines() bool { return r.stages&(1<<StageHosts|1<<StageGPUs) != 0 }
func (r *Reconciliation) NeedsRows() bool     { return r.stages&(1<<StageRack|1<<StageHost) != 0 }

// NeedsSheet reports whether r rests on what single meters of an hour showed, besides
// what the hour came to.
func (r *Reconciliation) NeedsSheet() bool { return r.stages&(1<<StageMeter) != 0 || r.NeedsRows() }

// WantsAll reports whether r wants the rows of all hosts and of all GPUs.
func (r *Reconciliation) WantsAll() bool { return r.stages&(1<<StageHost|1<<StageGPUs) != 0 }

// Wants reports whether rows of d count.
func (r *Reconciliation) Wants(d *Device) bool {
	switch d = r.b.As(d); d.Kind {
	case metric.Host:
		return d.Quantity == HostEnergy
	case metric.GPU:
		return r.stages&(1<<StageHost|1<<StageGPUs) != 0
	}
	return r.stages&(1<<StageRack) != 0 && (d.Quantity == PDUOutput || d.Quantity == ITInput)
}

// A side is what is known of one side of a balance in an hour.
type side struct {
	mj      uint64
	count   int
	missing []string
}

func (s *side) add(name string, mj uint64, known bool) {
	s.count++
	s.mj += mj
	if known {
		return
	}
	if i, found := slices.BinarySearch(s.missing, name); !found && i < mostMissing {
		s.missing = slices.Insert(s.missing, i, name)
		s.missing = s.missing[:min(len(s.missing), mostMissing)]
	}
}

// mostMissing bounds how many names a gap tells: the first of them.
const mostMissing = 10

// Over reports whether an hour is over: others are left out.
func (r *Reconciliation) Over(number int64) bool { return (number+1)*hour <= r.until }

// Add takes in an hour that is over: what it came to, and, where r needs them, its
// sheet, the rows that it wants and what [MachinesOf] them comes to.
func (r *Reconciliation) Add(res *Resolved, s *Sheet, rows []ReconciledRow, all *Machines) {
	r.hours++
	total := func(items ...int) (x side, met bool) {
		for _, i := range items {
			known, any := true, false
			for k := range res.quarters {
				c := &res.quarters[k].whole
				any = any || c.has(i)
				known = known && (!c.has(i) || c.knows(i))
				x.mj += c.amount[i]
			}
			if met = met || any; any {
				x.count++
			}
			if !known {
				x.missing = append(x.missing, res.lacking(i)...)
			}
		}
		return x, met
	}
	in, fed := total(int(GridInput), int(GeneratorOutput), int(OnsiteGeneration))
	out, _ := total(int(Export), itemOutside)
	in.mj -= min(in.mj, out.mj)
	in.missing = append(in.missing, out.missing...)
	ups, hasUPS := total(int(UPSOutput))
	pdu, hasPDU := total(int(PDUOutput))
	its, hasIT := total(int(ITInput))
	if fed && r.category > 0 {
		if below, met := total(int(categories[r.category-1]), int(Cooling), int(Distribution), int(Lighting)); met {
			r.balance(StageFacility, "", in, below)
		}
	}
	if hasUPS && hasPDU {
		r.balance(StageUPS, "", ups, pdu)
	}
	if hasPDU && hasIT {
		r.balance(StagePDU, "", pdu, its)
	}
	innermost, metered := its, hasIT
	if !metered {
		innermost, metered = pdu, hasPDU
	}
	if !metered {
		innermost, metered = ups, hasUPS
	}
	if metered && all != nil && all.hosts.count > 0 {
		r.balance(StageHosts, "", innermost, all.hosts)
	}
	if metered && all != nil && all.gpus.count > 0 {
		r.balance(StageGPUs, "", innermost, all.gpus)
	}
	if !r.NeedsSheet() {
		return
	}
	h := r.b.lookUp(s, r.until)
	r.meters(h)
	r.single(h, rows)
}

// lacking names what was not known of an item.
func (r *Resolved) lacking(item int) (names []string) {
	for i := range r.absent {
		if a := &r.absent[i]; int(a.quantity) == item || a.quantity == Other && item >= int(Quantities) {
			names = append(names, a.meter)
		}
	}
	if len(names) == 0 {
		names = append(names, "quarters of an hour that are not known whole")
	}
	return names
}

// meters balances what meets at each joint of the power tree.
func (r *Reconciliation) meters(h *branches) {
	hourOf := func(m *Meter, x *side) {
		if !m.stands(h.from, h.from+hour) {
			return
		}
		var mj uint64
		known := true
		for k := range 4 {
			v, ok := h.known(m, k)
			mj, known = mj+v, known && ok
		}
		x.add(m.Name, mj, known)
	}
	for i := range r.b.joints {
		j := &r.b.joints[i]
		var above, below side
		for _, m := range j.up {
			hourOf(m, &above)
		}
		for _, m := range j.down {
			hourOf(m, &below)
		}
		if above.count > 0 && below.count > 0 {
			r.balance(StageMeter, j.name, above, below)
		}
	}
}

// A ReconciledRow is a row of an hour with what it is of.
type ReconciledRow struct {
	Device *Device
	Place  *Place
	Row    Row
}

// known reports whether a device was read for as long as it should have been.
func (r *Row) known() bool {
	covered, expected := int64(int32(r.Covered)), int64(int32(r.Expected))
	return covered >= expected-expected/100
}

// A unit is what of an hour's rows is one thing.
type unit struct {
	kind             metric.EntityKind
	name, rack, host string
	point            uint32
}

func (x *ReconciledRow) unit() unit {
	u := unit{x.Device.Kind, x.Device.Name, x.Place.Rack, x.Place.Host, x.Device.Point}
	if u.kind == metric.Host {
		u.host = u.name
	}
	return u
}

// A summed unit is what its rows come to.
type summed struct {
	unit
	sum Row
}

// unitsOf adds up the rows of an hour by what they are of, in the order they come.
func unitsOf(rows []ReconciledRow) []summed {
	units, at := make([]summed, 0, len(rows)), make(map[unit]int, len(rows))
	for i := range rows {
		x := &rows[i]
		u := x.unit()
		if k, ok := at[u]; ok {
			s := &units[k].sum
			s.Amount += x.Row.Amount
			s.Covered += x.Row.Covered
			s.Expected += x.Row.Expected
			continue
		}
		at[u] = len(units)
		units = append(units, summed{u, x.Row})
	}
	return units
}

// Machines is what all hosts and all GPUs drew in an hour.
type Machines struct{ hosts, gpus side }

// MachinesOf adds up the rows of an hour that a reconciliation wants.
func MachinesOf(rows []ReconciledRow) *Machines {
	m := &Machines{}
	for _, u := range unitsOf(rows) {
		switch u.kind {
		case metric.Host:
			m.hosts.add(u.name, u.sum.Amount, u.sum.known())
		case metric.GPU:
			m.gpus.add(u.name, u.sum.Amount, u.sum.known())
		}
	}
	return m
}

// single balances the meters of racks against their hosts, and hosts against their
// GPUs.
func (r *Reconciliation) single(h *branches, rows []ReconciledRow) {
	if !r.NeedsRows() {
		return
	}
	racks, inRack := map[string]*side{}, map[string]*side{}
	hosts, inHost := map[string]*side{}, map[string]*side{}
	at := func(m map[string]*side, k string) *side {
		if m[k] == nil {
			m[k] = &side{}
		}
		return m[k]
	}
	for _, u := range unitsOf(rows) {
		known := u.sum.known()
		switch u.kind {
		case metric.Meter:
			if u.rack != "" && r.b.Counts(u.name, h.from, h.from+hour) {
				at(racks, u.rack).add(u.name, u.sum.Amount, known)
			}
		case metric.Host:
			at(inRack, u.rack).add(u.name, u.sum.Amount, known)
			at(hosts, u.host).add(u.name, u.sum.Amount, known)
		case metric.GPU:
			at(inHost, u.host).add(u.name, u.sum.Amount, known)
		}
	}
	for name, above := range racks {
		if below := inRack[name]; below != nil {
			r.balance(StageRack, name, *above, *below)
		}
	}
	for name, above := range hosts {
		if below := inHost[name]; below != nil {
			r.balance(StageHost, name, *above, *below)
		}
	}
}

// balance takes in one balance of an hour.
func (r *Reconciliation) balance(s Stage, name string, above, below side) {
	if r.stages>>s&1 == 0 {
		return
	}
	k := gapKey{s, name}
	g := r.gaps[k]
	if g == nil {
		g = &gap{missing: map[string]bool{}}
		r.gaps[k] = g
	}
	g.children = max(g.children, below.count)
	if len(above.missing)+len(below.missing) > 0 {
		for _, n := range slices.Concat(above.missing, below.missing) {
			if len(g.missing) < mostMissing {
				g.missing[n] = true
			}
		}
		return
	}
	g.hours++
	g.above, g.below = g.above.plus(above.mj), g.below.plus(below.mj)
}

// Gaps are those that were found, stage by stage.
func (r *Reconciliation) Gaps() []Gap {
	out := make([]Gap, 0, len(r.gaps))
	stated := map[string]*joint{}
	for i := range r.b.joints {
		stated[r.b.joints[i].name] = &r.b.joints[i]
	}
	for k, g := range r.gaps {
		x := Gap{
			Stage: k.stage, Name: k.name, From: r.from, To: r.to, Above: g.above, Below: g.below, Children: g.children,
			Gap: g.above.Float() - g.below.Float(), Low: usual[k.stage][0], High: usual[k.stage][1], Finding: Unknown,
			Missing: slices.Sorted(maps.Keys(g.missing)),
		}
		if j := stated[k.name]; k.stage == StageMeter && j != nil && (j.low != 0 || j.high != 0) {
			x.Low, x.High = j.low, j.high
		}
		if r.hours > 0 {
			x.Coverage = float64(g.hours) / float64(r.hours)
		}
		if above := g.above.Float(); above > 0 {
			ratio := x.Gap / above
			x.Ratio = &ratio
			switch {
			case ratio < x.Low:
				x.Finding = Exceeds
			case ratio > x.High:
				x.Finding = Lacking
			default:
				x.Finding = Balanced
			}
		} else if g.hours > 0 {
			x.Finding = Balanced
			if g.below != (Wide{}) {
				x.Finding = Exceeds
			}
		}
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b Gap) int { return cmp.Or(cmp.Compare(a.Stage, b.Stage), cmp.Compare(a.Name, b.Name)) })
	return out
}
