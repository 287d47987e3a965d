package sim

import (
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// PlantAgent is the agent that reads the meters of the plant.
const PlantAgent = "plant"

// hallAgent is the one that reads those of the racks of a hall.
func hallAgent(hall int) string { return "pdu-" + HallName(hall) }

// zoneEntity is the grid of the site.
func (w *World) zoneEntity() metric.Entity {
	return metric.Entity{Kind: metric.Zone, Name: w.zone, Parent: -1, Labels: []metric.Pair{{Name: "provider", Value: "simulated"}, {Name: "tier", Value: "1"}}}
}

// gridLayouts are those of the agent that tells what the grid's providers say, in
// a wired world.
func (w *World) gridLayouts() (telemetry, ledger *metric.Layout) {
	var p plan
	p.column(metric.GridCarbonIntensity, 0, 1, 0, 1)
	p.column(metric.GridPrice, 0, 1, 0)
	l := &metric.Layout{Simulated: true, Entities: []metric.Entity{w.zoneEntity()}, Columns: p.columns}
	return l, l
}

// A Blueprint is how a site was built.
type Blueprint struct {
	Site, Zone, Model   string
	Start               time.Time
	Latitude, Longitude float64 // degrees
	Hosts, GPUs         int     // GPUs of a host
	RackHosts           int     // hosts of a rack, save the last
	HallRacks           int     // racks of a hall, save the last
	NodeRating          float64 // W, of a host with its share of the switches
	ModuleRating        float64 // W, of a UPS module
	Rating              float64 // W, of all hosts
	SolarPeak           float64 // W
}

// Blueprint is that of w.
func (w *World) Blueprint() Blueprint {
	return Blueprint{
		Site: w.site, Zone: w.zone, Model: w.board.name, Start: time.UnixMilli(w.start).UTC(), Latitude: northing, Longitude: longitude,
		Hosts: len(w.hosts), GPUs: w.gpus, RackHosts: rackHosts, HallRacks: hallRacks,
		NodeRating: w.plant.rackRating / rackHosts, ModuleRating: w.plant.moduleRating, Rating: w.plant.rating, SolarPeak: w.plant.solarPeak,
	}
}

// An Instrument is a meter of the plant as it is installed.
type Instrument struct {
	Name, Role string
	Hall, Rack int    // that it feeds; -1: none
	Agent      string // that reads it
}

// Instruments are the meters of the plant: those of the racks, rack by rack, then
// the others.
func (w *World) Instruments() []Instrument {
	p := &w.plant
	var list []Instrument
	for r := range p.racks {
		list = append(list, Instrument{p.racks[r].name, p.racks[r].role, r / hallRacks, r, hallAgent(r / hallRacks)})
	}
	for i := range p.meters {
		hall := max(-1, i-fixedMeters)
		if len(p.racks) <= hallRacks { // all modules feed the one there is
			hall = min(hall, 0)
		}
		list = append(list, Instrument{p.meters[i].name, p.meters[i].role, hall, -1, PlantAgent})
	}
	for _, m := range []*meter{&p.heat, &p.total, &p.drink} {
		list = append(list, Instrument{m.name, m.role, -1, -1, PlantAgent})
	}
	return list
}

// instrument is meter i, in the order of Instruments.
func (w *World) instrument(i int) *meter {
	p := &w.plant
	if i < len(p.racks) {
		return &p.racks[i].meter
	}
	if i -= len(p.racks); i < len(p.meters) {
		return &p.meters[i]
	}
	return [...]*meter{&p.heat, &p.total, &p.drink}[i-len(p.meters)]
}

// A Register is what a meter has counted, and what flows through it.
type Register struct {
	Amount int64 // mJ, or mL of water; it begins again at zero when the meter is reset
	Watts  int64
	Flow   float64 // m³/s, of heat and water
	Hung   bool    // it does not answer
}

// Registers appends those of all meters, in the order of Instruments, to dst.
func (w *World) Registers(dst []Register) []Register {
	p := &w.plant
	add := func(m *meter, flow float64) { dst = append(dst, Register{m.now, m.watts, flow, m.hung}) }
	for r := range p.racks {
		add(&p.racks[r].meter, 0)
	}
	for i := range p.meters {
		add(&p.meters[i], 0)
	}
	add(&p.heat, p.heatFlow)
	add(&p.total, p.waterFlow)
	add(&p.drink, p.drinkFlow)
	return dst
}

// Witness tells the world that somebody has read meter i, by its place in
// Instruments, since the last Step, and that it showed so much: no more than it has
// counted. The Truth then says what was observed.
func (w *World) Witness(i int, shown int64) { w.instrument(i).readAs(shown) }

// Temperatures of the plant, °C.
type Temperatures struct{ Outside, Supply, Return, HeatSupply, HeatReturn float64 }

// Temperatures are those of now.
func (w *World) Temperatures() Temperatures {
	return Temperatures{w.sky.outside, w.plant.supply, w.plant.back, heatSupply, heatReturn}
}
