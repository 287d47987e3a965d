package site

import (
	"slices"
	"strings"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Meter is one instrument of the site, or a point that is metered by hand.
type Meter struct {
	ID        string
	Role      string         // metric.RoleGridInput and so on
	Measures  []Quantity     // what is read of it
	Point     string         // what it is at, in words or as in a drawing
	Parents   []string       // meters upstream that feed it, together
	Feed      string         // A, B: what comes by each is added
	BackupOf  string         // the meter that measures the same point and goes first
	Racks     []string       // that it feeds
	Halls     []string       // that it feeds
	Rating    Power          // of the circuit; 0: not known
	MaxFlow   Flow           // 0: not known
	MinFlow   *Flow          // that a loop is not to fall below; 0: it may stand still; nil: not known
	Rollover  *Register      // at which the register begins again
	Fluid     string         // of a loop: water, glycol25
	Water     string         // fresh: from the mains, wells and rivers; reused: reclaimed, rain, sea; "": not said
	TakenOff  bool           // what it shows is not the site's: an office behind the main meter, heat that comes back
	Tolerance *Tolerance     // of what stands below it; nil: what is usual
	Installed []Installation // at least one, by time
	Read      *Read          // nil: nothing reads it

	entry int // in the file: meters of one pattern share it
	mark  *mark
}

// A Quantity is what a meter measures.
type Quantity string

// The quantities. Energy, heat and water are counted, the others are instant.
const (
	MeasuresPower       Quantity = "power"
	MeasuresEnergy      Quantity = "energy"
	MeasuresExport      Quantity = "energy_export" // the register of the other direction
	MeasuresWater       Quantity = "water"
	MeasuresHeat        Quantity = "heat"
	MeasuresFlow        Quantity = "flow"
	MeasuresTemperature Quantity = "temperature"
	MeasuresLeak        Quantity = "leak" // a detector: 0 is dry
)

// A role is what is known of one.
type role struct {
	name  string
	rank  int        // of energy, from the grid to the racks; what is below comes later
	can   []Quantity // measure; the first of them unless told otherwise, up to usual
	usual int
}

var (
	ofEnergy  = []Quantity{MeasuresEnergy, MeasuresPower, MeasuresExport}
	ofCooling = []Quantity{MeasuresEnergy, MeasuresPower, MeasuresExport, MeasuresHeat, MeasuresFlow, MeasuresTemperature, MeasuresLeak}
	ofHeat    = []Quantity{MeasuresHeat, MeasuresPower, MeasuresFlow, MeasuresTemperature}
	ofWater   = []Quantity{MeasuresWater, MeasuresFlow}
)

// roles in the order in which people are shown them. Rank 0 comes into the site.
var roles = []role{
	{metric.RoleGridInput, 0, ofEnergy, 2},
	{metric.RoleGeneratorOutput, 0, ofEnergy, 2},
	{metric.RoleOnsiteGeneration, 0, ofEnergy, 2},
	{metric.RoleExport, 0, ofEnergy, 2},
	{metric.RoleDistribution, 1, ofEnergy, 2},
	{metric.RoleUPSOutput, 2, ofEnergy, 2},
	{metric.RolePDUOutput, 3, ofEnergy, 2},
	{metric.RoleITInput, 4, ofEnergy, 2},
	{metric.RoleCooling, 5, ofCooling, 2},
	{metric.RoleLighting, 5, ofEnergy, 2},
	{metric.RoleHeatReuse, -1, ofHeat, 1},
	{metric.RoleWaterTotal, -1, ofWater, 1},
	{metric.RoleWaterPotable, -1, ofWater, 1},
}

// Roles are the roles that a meter can have.
func Roles() (names []string) {
	for _, r := range roles {
		names = append(names, r.name)
	}
	return names
}

func roleOf(name string) *role {
	for i := range roles {
		if roles[i].name == name {
			return &roles[i]
		}
	}
	return nil
}

// quantities are those that a meter of the role can measure.
func (r *role) quantities() (names []string) {
	for _, q := range r.can {
		names = append(names, string(q))
	}
	return names
}

// electric reports whether the role is of electric energy.
func (r *role) electric() bool { return r.rank >= 0 }

// leaks reports whether m detects leaks and nothing else.
func (m *Meter) leaks() bool { return len(m.Measures) == 1 && m.Measures[0] == MeasuresLeak }

// MetersOf are the meters of a role; those that are backups of others are left
// out, so that their sum is the whole.
func (s *Site) MetersOf(role string) []*Meter {
	var ms []*Meter
	for i := range s.Meters {
		if m := &s.Meters[i]; m.Role == role && m.BackupOf == "" {
			ms = append(ms, m)
		}
	}
	return ms
}

func (s *Site) readMeters(r *reader, v value) {
	seen := map[string]place{}
	for i, item := range v.items() {
		k := item.section()
		ids := k.ids("meters", "write id: grid-a, or a pattern, such as r[0001-0064]-pdu", "the meter in all figures")
		if len(ids) == 0 {
			continue
		}
		if len(ids)+len(s.Meters) > mostMeters {
			r.wrong(k.at("id"), "", "more than %d meters", mostMeters)
			return
		}
		each := s.meterEach(k, ids)
		m := k.mark()
		for j, id := range r.once(seen, m.at("id"), ids) {
			s.meter[id] = len(s.Meters)
			s.Meters = append(s.Meters, each(j))
			at := &s.Meters[len(s.Meters)-1]
			at.ID, at.entry, at.mark = id, i, m
		}
	}
}

// meterEach reads the keys of an entry and returns what makes its i-th meter.
func (s *Site) meterEach(k *section, ids []string) func(i int) Meter {
	n := len(ids)
	name := k.get("role").choice(Roles()...)
	if name == "" && !k.has("role") {
		k.r.wrong(k.at("role"), "write role: and one of "+strings.Join(Roles(), ", "), "missing: what the meter measures")
	}
	one := Meter{Role: name, Measures: k.get("measures").measures(roleOf(name)), Fluid: k.get("fluid").choice("water", "glycol25"), Water: k.get("water").choice("fresh", "reused"), TakenOff: k.get("taken_off").truth(), Tolerance: k.get("tolerance").tolerance()}
	if one.TakenOff && name != metric.RoleDistribution && name != metric.RoleHeatReuse {
		k.get("taken_off").wrong("give it role distribution, or heat_reuse if it is heat that comes back", "what role %s counts cannot be taken off", name)
	}
	if one.Water != "" && name != metric.RoleWaterTotal {
		k.get("water").wrong("write it at meters of role water_total", "role %s has no sort of water", name)
	}
	rating, _ := powers.take(k.get("rating"))
	flow, _ := flows.take(k.get("max_flow"))
	one.Rating, one.MaxFlow = Power(rating), Flow(flow)
	one.MinFlow = k.get("min_flow").leastFlow(&one)
	one.Rollover = k.get("rollover").register()
	k.r.judgeRegister(k.mark(), "rollover", one.Rollover, &one)
	points, feeds, backups := k.get("point").forEach(n), k.get("feed").tokenForEach(n), k.get("backup_of").tokenForEach(n)
	racks, halls := k.get("rack").feeds(n), k.get("hall").feeds(n)
	var parents []func(int) string
	for _, p := range k.get("parent").words() {
		parents = append(parents, p.tokenForEach(n))
	}
	installed := k.installed(ids, &one)
	read := k.get("read").reading(n, &one)
	k.end()
	return func(i int) Meter {
		m := one
		m.Point, m.Feed, m.BackupOf, m.Racks, m.Halls = points(i), feeds(i), backups(i), racks(i), halls(i)
		for _, p := range parents {
			if up := p(i); up != "" && !slices.Contains(m.Parents, up) {
				m.Parents = append(m.Parents, up)
			}
		}
		m.Installed = installed(i)
		m.Read = read(i)
		return m
	}
}

// leastFlow is what a loop is not to fall below; nil if it was left out or is none.
func (v value) leastFlow(m *Meter) *Flow {
	n, ok := flows.take(v)
	switch {
	case !ok:
		return nil
	case !slices.Contains(m.Measures, MeasuresFlow):
		v.wrong("write measures: with flow in it, or leave it out", "a meter that does not measure flow has nothing to hold against it")
		return nil
	case m.MaxFlow != 0 && Flow(n) >= m.MaxFlow:
		v.wrong("write below what flow cooling fails, such as 6 m3/h", "%s is not below max_flow, %s", Flow(n), m.MaxFlow)
		return nil
	}
	least := Flow(n)
	return &least
}

// tokenForEach is forEach, of names that can stand in labels.
func (v value) tokenForEach(n int) func(i int) string {
	of := v.forEach(n)
	for i := range n {
		if t := of(i); t != "" && !metric.ValidName(t) {
			v.wrong("use 1 to 63 of A-Z a-z 0-9 _ -", "%q is no name", short(t))
			return func(int) string { return "" }
		}
	}
	return of
}

// feeds are the places that each of n meters feeds: all of them, if there is one
// meter.
func (v value) feeds(n int) func(i int) []string {
	names := v.patternAll()
	switch {
	case n == 1 || len(names) == 0:
		return func(int) []string { return names }
	case len(names) == 1:
		return func(int) []string { return names }
	case len(names) != n:
		v.wrong("write one for all of them, or as many; or split the entry", "stands for %d names, and there %s", len(names), areMany(n))
		return func(int) []string { return nil }
	}
	return func(i int) []string { return names[i : i+1 : i+1] }
}

// patternAll is the names of a pattern, or of a list of patterns.
func (v value) patternAll() (names []string) {
	if v.given() && len(v.n.Content) > 0 {
		for _, w := range v.words() {
			names = append(names, w.pattern()...)
		}
		return names
	}
	return v.pattern()
}

// measures are the quantities that v lists, or those that are usual for a role.
func (v value) measures(of *role) []Quantity {
	if of == nil {
		return nil
	}
	can := of.quantities()
	var list []Quantity
	for _, w := range v.words() {
		switch t := w.text(); {
		case !slices.Contains(can, t):
			w.wrong("", "a meter of role %s measures %s, and not %q", of.name, strings.Join(can, ", "), short(t))
		case !slices.Contains(list, Quantity(t)):
			list = append(list, Quantity(t))
		}
	}
	if len(list) == 0 {
		return of.can[:of.usual]
	}
	return list
}
