package sim

import (
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// Truth is what the model knows and no accountant may: every joule spent, and
// beside it what a perfect accountant must report who saw only what Ledger()
// gave. For each counter, exactly:
//
//	energy = observed + unobservable + pending
//
// energy counts from the counter's first reading, which is a baseline. observed
// is the sum of the differences between its readings, where the first reading
// in a new epoch counts whole. unobservable was spent after the last reading
// before a restart, a dead host's included. pending came after the last reading
// and the next will show it. Integers that may pass 2^53 are decimal strings.
type Truth struct {
	Simulated bool      `json:"simulated"`
	Site      string    `json:"site"`
	Seed      uint64    `json:"seed,string"`
	Hosts     int       `json:"hosts"`
	GPUs      int       `json:"gpus"`
	Model     string    `json:"model"`
	Start     time.Time `json:"start"`
	End       time.Time `json:"end"`

	GPU   []GPUTruth   `json:"gpu"`
	Host  []HostTruth  `json:"host"`
	Meter []MeterTruth `json:"meter"`

	// Jobs are what the boards and hosts showed in ledger records, by who held them
	// at the record before: the sums are those of Observed. Of hosts it is exact
	// where every board was read at every record.
	Jobs        []JobTruth `json:"jobs"`
	Unallocated JobTruth   `json:"unallocated"` // nobody held it
	Unknown     JobTruth   `json:"unknown"`     // it changed hands while no record saw it

	Total    Total `json:"total"`    // since Start, all of it
	Observed Total `json:"observed"` // by the accountant: sums of observed amounts; without carbon and parts
}

// Spent is the truth of one counter of energy or heat, mJ.
type Spent struct {
	Energy       int64 `json:"energy_mj,string"`
	Observed     int64 `json:"observed_mj,string"`
	Unobservable int64 `json:"unobservable_mj,string"`
	Pending      int64 `json:"pending_mj,string"`
	Epochs       int64 `json:"epochs"` // lifetimes it began
}

// GPUTruth is one board.
type GPUTruth struct {
	UUID string `json:"uuid"`
	Host string `json:"host"`
	GPU  int    `json:"index"`
	Spent
}

// HostTruth is one counter of a host.
type HostTruth struct {
	Host   string `json:"host"`
	Source string `json:"source"`
	Spent
}

// JobTruth is one job, or what was no job's.
type JobTruth struct {
	Job    string     `json:"job"`
	Tenant string     `json:"tenant"`
	GPUs   int        `json:"gpus"`
	Begin  *time.Time `json:"begin,omitempty"`
	End    *time.Time `json:"end,omitempty"` // it has ended

	GPUEnergy  int64 `json:"gpu_mj,string"`
	HostEnergy int64 `json:"host_mj,string"`
}

// MeterTruth is one register of the plant. Amounts of water are mL, not mJ.
type MeterTruth struct {
	Agent  string `json:"agent"`
	Meter  string `json:"meter"`
	Role   string `json:"role"`
	Metric string `json:"metric"`
	Unit   string `json:"unit"`
	Step   int64  `json:"step,string"` // of its display: Observed is a whole number of them

	Amount       int64 `json:"amount,string"`
	Observed     int64 `json:"observed,string"`
	Unobservable int64 `json:"unobservable,string"`
	Pending      int64 `json:"pending,string"`
	Epochs       int64 `json:"epochs"`
}

// Total is the site inside each boundary, mJ, and what it costs the world.
type Total struct {
	Facility   int64 `json:"facility_mj,string"` // grid + generator + solar - export
	IT         int64 `json:"it_mj,string"`       // UPS output
	HostEnergy int64 `json:"host_mj,string"`     // nodes at their plugs
	GPUEnergy  int64 `json:"gpu_mj,string"`      // boards
	Grid       int64 `json:"grid_mj,string"`     // taken from the grid
	Export     int64 `json:"export_mj,string"`
	Solar      int64 `json:"solar_mj,string"`
	Generator  int64 `json:"generator_mj,string"`
	Cooling    int64 `json:"cooling_mj,string"`
	Losses     int64 `json:"distribution_mj,string"` // transformers and UPS
	Lighting   int64 `json:"lighting_mj,string"`
	Heat       int64 `json:"heat_reuse_mj,string"` // handed to the customer
	Water      int64 `json:"water_ml,string"`
	Potable    int64 `json:"water_potable_ml,string"`

	CarbonLifecycle float64 `json:"carbon_lifecycle_grams,omitempty"` // location based: grid energy × intensity of the same step
	CarbonDirect    float64 `json:"carbon_direct_grams,omitempty"`
}

func (w *World) jobTruth(t *tenancy) JobTruth {
	j := JobTruth{Job: t.name, GPUs: int(t.hosts) * w.gpus, GPUEnergy: t.gpu.Load(), HostEnergy: t.node.Load()}
	if t.labels != nil {
		j.Tenant = t.labels[0].Value
	}
	for p, ms := range map[**time.Time]int64{&j.Begin: t.begun, &j.End: t.ended} {
		if ms != 0 {
			at := time.UnixMilli(ms).UTC()
			*p = &at
		}
	}
	return j
}

func (c *counter) truth() Spent {
	return Spent{Energy: c.spent(), Observed: c.observed, Unobservable: c.lost, Pending: c.pending(), Epochs: c.epoch}
}

// Truth is the world's account of itself up to now.
func (w *World) Truth() Truth {
	t := Truth{
		Simulated: true, Site: w.site, Seed: w.seed, Hosts: len(w.hosts), GPUs: len(w.boards), Model: w.board.name,
		Start: time.UnixMilli(w.start).UTC(), End: time.UnixMilli(w.now).UTC(),
		GPU: make([]GPUTruth, 0, len(w.boards)), Host: make([]HostTruth, 0, 2*len(w.hosts)),
		Meter: make([]MeterTruth, 0, len(w.plant.racks)+len(w.plant.meters)+3),
	}
	o := &t.Observed
	for h := range w.hosts {
		es, name := w.agents[h].Telemetry.Entities, w.agents[h].Name
		for i := range w.gpus {
			g := &w.boards[h*w.gpus+i]
			t.GPU = append(t.GPU, GPUTruth{UUID: es[w.plan.gpus+i].Name, Host: name, GPU: i, Spent: g.energy.truth()})
			o.GPUEnergy += g.energy.observed
		}
		hs := &w.hosts[h]
		t.Host = append(t.Host, HostTruth{name, "bmc", hs.bmc.truth()}, HostTruth{name, "rapl_package", hs.rapl.truth()})
		o.HostEnergy += hs.bmc.observed
	}
	add := func(agent string, m *meter, number metric.Number, unit string) {
		t.Meter = append(t.Meter, MeterTruth{
			Agent: agent, Meter: m.name, Role: m.role, Metric: metric.Lookup(number).Name, Unit: unit, Step: 1,
			Amount: m.spent(), Observed: m.observed, Unobservable: m.lost, Pending: m.pending(), Epochs: m.epoch,
		})
		o.count(m.role, m.observed)
	}
	p := &w.plant
	for r := range p.racks {
		add(hallAgent(r/hallRacks), &p.racks[r].meter, metric.MeterEnergyJoules, "mJ")
	}
	for i := range p.meters {
		add(PlantAgent, &p.meters[i], metric.MeterEnergyJoules, "mJ")
	}
	add(PlantAgent, &p.heat, metric.MeterHeatJoules, "mJ")
	add(PlantAgent, &p.total, metric.MeterWater, "mL")
	add(PlantAgent, &p.drink, metric.MeterWater, "mL")
	o.Facility = o.Grid + o.Generator + o.Solar - o.Export

	t.Unallocated, t.Unknown = w.jobTruth(w.tenancies[nobody]), w.jobTruth(w.tenancies[unknown])
	t.Jobs = make([]JobTruth, 0, len(w.tenancies))
	for i, x := range w.tenancies {
		if i >= tenancies || i == forgotten && x.gpu.Load()+x.node.Load() > 0 {
			t.Jobs = append(t.Jobs, w.jobTruth(x))
		}
	}

	b := &w.books
	t.Total = Total{
		Facility: b.facility(), IT: b.upsOutput, HostEnergy: b.node, GPUEnergy: b.gpus,
		Grid: b.grid, Export: b.export, Solar: b.solar, Generator: b.generator,
		Cooling: b.cooling(), Losses: b.upsLoss + b.transformer, Lighting: b.lighting,
		Heat: b.heat, Water: b.water, Potable: b.potable,
		CarbonLifecycle: b.carbonLifecycle, CarbonDirect: b.carbonDirect,
	}
	return t
}

// count adds what a meter of a role showed.
func (t *Total) count(role string, n int64) {
	switch role {
	case metric.RoleGridInput:
		t.Grid += n
	case metric.RoleGeneratorOutput:
		t.Generator += n
	case metric.RoleOnsiteGeneration:
		t.Solar += n
	case metric.RoleExport:
		t.Export += n
	case metric.RoleUPSOutput:
		t.IT += n
	case metric.RoleCooling:
		t.Cooling += n
	case metric.RoleDistribution:
		t.Losses += n
	case metric.RoleLighting:
		t.Lighting += n
	case metric.RoleHeatReuse:
		t.Heat += n
	case metric.RoleWaterTotal:
		t.Water += n
	case metric.RoleWaterPotable:
		t.Potable += n
	}
}
