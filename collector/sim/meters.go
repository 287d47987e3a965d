package sim

import (
	"fmt"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// build makes the plant of a site with so many racks.
func (p *plant) build(w *World, c Config, racks, halls int) {
	p.rng = newSource(c.Seed, streamPlant)
	node := w.board.nodeRating(w.gpus)
	p.rackRating = rackHosts * (node + 200)
	p.rating = float64(len(w.hosts)) * (node + 200)
	modules := max(2, halls)
	p.moduleRating = 1.1 * p.rating / float64(modules)
	if halls > 1 { // a full hall's worth, though the last hall may be smaller
		p.moduleRating = 1.1 * min(p.rating, hallRacks*p.rackRating)
	}
	p.solarPeak = 0.12 * p.rating
	p.feeds = make([]int64, modules)
	p.air, p.supply, p.back, p.warmth = 24, 19, 28, 0.6*p.rating

	register := func(name, role string, watts float64) meter {
		weeks := p.rng.between(1e7, 6e7) // s that its register has been counting
		return meter{name: name, role: role, counter: counter{epoch: 1, now: int64(weeks*watts) * 1000}}
	}
	p.racks = make([]rack, racks)
	for r := range p.racks {
		p.racks[r].meter = register(RackName(r)+"-pdu", metric.RolePDUOutput, 0.6*p.rackRating)
	}
	p.meters = make([]meter, fixedMeters, fixedMeters+modules)
	for i, m := range [fixedMeters]struct {
		name, role string
		share      float64
	}{
		gridA:        {"grid-a", metric.RoleGridInput, 0.35},
		gridB:        {"grid-b", metric.RoleGridInput, 0.35},
		generator:    {"generator", metric.RoleGeneratorOutput, 0.0001},
		solar:        {"solar", metric.RoleOnsiteGeneration, 0.014},
		export:       {"export", metric.RoleExport, 0},
		chillers:     {"chillers", metric.RoleCooling, 0.03},
		dryCoolers:   {"dry-coolers", metric.RoleCooling, 0.01},
		pumps:        {"pumps", metric.RoleCooling, 0.03},
		distribution: {"distribution", metric.RoleDistribution, 0.04},
		lighting:     {"lighting", metric.RoleLighting, 0.003},
	} {
		p.meters[i] = register(m.name, m.role, m.share*p.rating)
	}
	for i := range modules {
		p.meters = append(p.meters, register(fmt.Sprintf("ups-%02d", i+1), metric.RoleUPSOutput, 0.5*p.moduleRating))
	}
	p.heat = register("heat", metric.RoleHeatReuse, 0.05*p.rating)
	p.total = register("water", metric.RoleWaterTotal, 1e-5*p.rating)
	p.drink = register("water-potable", metric.RoleWaterPotable, 0)
	p.drink.now = p.total.now * 9 / 20
}

// hallSpan is the first rack of hall h and the one after its last.
func (p *plant) hallSpan(h int) (int, int) {
	return h * hallRacks, min((h+1)*hallRacks, len(p.racks))
}

// hallLayouts are those of the agent that reads the rack PDUs of a hall.
func (w *World) hallLayouts(h int) (telemetry, ledger *metric.Layout) {
	es := []metric.Entity{{Kind: metric.Hall, Name: HallName(h), Parent: -1}}
	from, to := w.plant.hallSpan(h)
	n := to - from
	for r := from; r < to; r++ {
		es = append(es, metric.Entity{Kind: metric.Rack, Name: RackName(r), Parent: 0})
	}
	for r := from; r < to; r++ {
		es = append(es, meterEntity(&w.plant.racks[r].meter, 1+r-from))
	}
	var t, l plan
	t.column(metric.MeterPowerWatts, 1+n, n, 0)
	t.column(metric.MeterEnergyJoules, 1+n, n, 0)
	l.counters(metric.MeterEnergyJoules, metric.MeterPowerWatts, 0, 1+n, n, n)
	return &metric.Layout{Simulated: true, Entities: es, Columns: t.columns},
		&metric.Layout{Simulated: true, Entities: es, Columns: l.columns}
}

func meterEntity(m *meter, parent int) metric.Entity {
	return metric.Entity{Kind: metric.Meter, Name: m.name, Parent: parent, Labels: []metric.Pair{{Name: "role", Value: m.role}}}
}

// plantLayouts are those of the agent that reads the plant. Entities: the meters
// of energy, the heat meter, the two of water, then the zone, then the points
// where temperatures are taken, which the ledger leaves out.
func (w *World) plantLayouts() (telemetry, ledger *metric.Layout) {
	p := &w.plant
	var es []metric.Entity
	for i := range p.meters {
		es = append(es, meterEntity(&p.meters[i], -1))
	}
	heatAt := len(es)
	es = append(es, meterEntity(&p.heat, -1), meterEntity(&p.total, -1), meterEntity(&p.drink, -1))
	zoneAt := len(es)
	es = append(es, w.zoneEntity())
	pointAt := len(es)
	for _, at := range plantPoints {
		parent := at.of
		if parent < 0 {
			parent = heatAt
		}
		es = append(es, metric.Entity{Kind: metric.Point, Name: at.name, Parent: parent})
	}
	n := heatAt
	var t plan
	t.column(metric.MeterPowerWatts, 0, n+1, 0)
	t.column(metric.MeterEnergyJoules, 0, n, 0)
	t.column(metric.MeterHeatJoules, heatAt, 1, 0)
	t.column(metric.MeterWater, heatAt+1, 2, 0)
	t.column(metric.MeterFlow, heatAt, 3, 0)
	t.column(metric.MeterTemperature, pointAt, len(plantPoints), 0)
	t.column(metric.GridCarbonIntensity, zoneAt, 1, 0, 1)
	t.column(metric.GridPrice, zoneAt, 1, 0)
	var l plan
	l.counters(metric.MeterEnergyJoules, metric.MeterPowerWatts, 0, 0, n, n)
	l.counters(metric.MeterHeatJoules, metric.MeterPowerWatts, 0, heatAt, 1, 1)
	l.counters(metric.MeterWater, 0, 0, heatAt+1, 2, 0)
	l.column(metric.GridCarbonIntensity, zoneAt, 1, 0, 1)
	l.column(metric.GridPrice, zoneAt, 1, 0)
	return &metric.Layout{Simulated: true, Entities: es, Columns: t.columns},
		&metric.Layout{Simulated: true, Entities: es[:pointAt:pointAt], Columns: l.columns}
}

// plantPoints are where the plant takes temperatures, each at one of its meters.
var plantPoints = [...]struct {
	name string
	of   int // a fixed meter; -1: the heat meter
}{
	{"outside", dryCoolers}, {"supply", pumps}, {"return", pumps}, {"supply", -1}, {"return", -1},
}
