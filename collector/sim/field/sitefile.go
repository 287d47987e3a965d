package field

import (
	"bytes"
	_ "embed"
	"fmt"
	"math"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/sim"
)

//go:embed site.yaml.tmpl
var siteTemplate string

// An outline is what the template is filled with.
type outline struct {
	sim.Blueprint
	Began      string
	Every      time.Duration // that the plant's meters are read
	Connection float64       // W
	BatteryKWh int64
	Halls      string
	Racks      []rackEntry
	Meters     []meterEntry
	FirstYear  int
	LastYear   int
	Years      []int
}

// A rackEntry is racks of one hall with as many hosts each.
type rackEntry struct {
	IDs, Hall, Hosts string
	Rating           float64 // W
}

// A meterEntry is meters that differ in their numbers only.
type meterEntry struct {
	IDs, Role, Point, Feed, Racks, Halls, Parents string
	Measures, Water                               string
	MaxFlow                                       float64 // m³/h
	Rating                                        float64 // W
	Serial, By, Address, Units                    string
	Every                                         time.Duration
	Model                                         modelEntry
}

// A modelEntry is a model, as the template sees it.
type modelEntry struct {
	Name, Profile string
	Function      uint8
	Points        []pointEntry
}

type pointEntry struct {
	Measures, Place, Form, Unit, Scale string
	At                                 int
}

// racksSlower is how many times longer those of racks can wait: there are many
// behind one gateway.
const racksSlower = 5

// SiteFile is the site file of p, whose meters are to be read every so often.
func (p *Plant) SiteFile(every time.Duration) ([]byte, error) {
	b := p.Blueprint()
	o := outline{
		Blueprint: b, Began: b.Start.Format(time.RFC3339), Every: every,
		Connection: 1.5 * b.Rating, BatteryKWh: int64(math.Ceil(b.Rating / 1000 / 12)),
		FirstYear: b.Start.Year() - 1, LastYear: b.Start.Year() + 4,
		Years: []int{b.Start.Year() - 1, b.Start.Year(), b.Start.Year() + 1},
	}
	hosts := b.RackHosts * b.HallRacks
	for from := 0; from < b.Hosts; from += hosts {
		hall := from / hosts
		o.Halls = pattern(sim.HallName(0), sim.HallName(hall))
		to := min(from+hosts, b.Hosts)
		full := (to - from) / b.RackHosts * b.RackHosts
		o.rack(p, hall, from, from+full)
		o.rack(p, hall, from+full, to)
	}
	o.ups(p)
	for i := range p.devices {
		if d := &p.devices[i]; d.Rack < 0 && d.Role != metric.RoleUPSOutput {
			m := meterEntry{IDs: d.Name, Role: d.Role, Units: fmt.Sprint(d.unit)}
			rate(&m, &b)
			o.meter(d, m)
		}
	}
	t, err := template.New("site").Funcs(template.FuncMap{"kW": kilowattsUp}).Parse(siteTemplate)
	if err != nil {
		return nil, fmt.Errorf("write site file: %w", err)
	}
	var text bytes.Buffer
	if err := t.Execute(&text, o); err != nil {
		return nil, fmt.Errorf("write site file: %w", err)
	}
	return text.Bytes(), nil
}

// kilowattsUp is so many watts, rounded up.
func kilowattsUp(watts float64) string { return fmt.Sprintf("%.0f kW", math.Ceil(watts/1000)) }

// rack describes racks with hosts from to to, as many in each but of the last, and
// their meters.
func (o *outline) rack(p *Plant, hall, from, to int) {
	if from == to {
		return
	}
	first, last := from/o.RackHosts, (to-1)/o.RackHosts
	of := min(o.RackHosts, to-from)
	ids := pattern(sim.RackName(first), sim.RackName(last))
	rating := float64(of) * o.NodeRating
	o.Racks = append(o.Racks, rackEntry{ids, sim.HallName(hall), pattern(sim.HostName(from), sim.HostName(to-1)), rating})
	a, z := &p.devices[first], &p.devices[last]
	o.meter(a, meterEntry{
		IDs: pattern(a.Name, z.Name), Role: a.Role, Racks: ids, Parents: o.modules(p, hall),
		Rating: rating, Units: pattern(fmt.Sprint(a.unit), fmt.Sprint(z.unit)),
	})
}

// modules are the UPS modules of a hall.
func (o *outline) modules(p *Plant, hall int) string {
	var names []string
	for i := range p.devices {
		if d := &p.devices[i]; d.Role == metric.RoleUPSOutput && d.Hall == hall {
			names = append(names, d.Name)
		}
	}
	return strings.Join(names, ", ")
}

// ups describes the UPS modules.
func (o *outline) ups(p *Plant) {
	i := slices.IndexFunc(p.devices, func(d device) bool { return d.Role == metric.RoleUPSOutput })
	last := i
	for last+1 < len(p.devices) && p.devices[last+1].Role == metric.RoleUPSOutput {
		last++
	}
	a, z := &p.devices[i], &p.devices[last]
	o.meter(a, meterEntry{
		IDs: pattern(a.Name, z.Name), Role: a.Role, Halls: pattern(sim.HallName(a.Hall), sim.HallName(z.Hall)),
		Rating: o.ModuleRating, Units: pattern(fmt.Sprint(a.unit), fmt.Sprint(z.unit)),
	})
}

// meter adds m, of which d is the first.
func (o *outline) meter(d *device, m meterEntry) {
	m.By, m.Address, m.Every = d.Agent, d.gateway.reached(), o.Every
	if d.Rack >= 0 {
		m.Every *= racksSlower
	}
	m.Serial = fmt.Sprintf("sim-%d", o.Start.Unix()) // another start is another device: its register begins anew
	m.Model = modelEntry{Name: d.model.name, Profile: d.model.profile, Function: d.model.function}
	for _, x := range d.model.points {
		m.Model.Points = append(m.Model.Points, pointEntry{x.measures, x.place, x.form, x.unit, x.scale, x.at})
	}
	o.Meters = append(o.Meters, m)
}

// rate sets what a meter of the plant is built for, and what tells it from others
// of its role.
func rate(m *meterEntry, b *sim.Blueprint) {
	of := func(share float64) { m.Rating = share * b.Rating }
	most := func(mlPerSecond float64) { m.MaxFlow = math.Ceil(mlPerSecond*3600/1e4) / 100 }
	switch m.Role {
	case metric.RoleGridInput:
		of(1.5)
		m.Feed = strings.ToUpper(m.IDs[len(m.IDs)-1:])
	case metric.RoleGeneratorOutput:
		of(1.5)
	case metric.RoleOnsiteGeneration, metric.RoleExport:
		m.Rating = b.SolarPeak
	case metric.RoleCooling:
		of(map[string]float64{"chillers": 0.4, "dry-coolers": 0.04, "pumps": 0.06}[m.IDs])
		m.Point = m.IDs
		switch m.IDs {
		case "dry-coolers", "pumps":
			m.Measures = "energy, power, temperature"
		}
	case metric.RoleDistribution:
		of(0.1)
	case metric.RoleLighting:
		of(0.01)
	case metric.RoleHeatReuse:
		of(0.4)
		m.Measures, m.Point = "heat, power, flow, temperature", "hand-over to the heat customer"
	case metric.RoleWaterTotal:
		m.Measures, m.Water = "water, flow", "fresh"
		most(10 + 4e-4*b.Rating)
	case metric.RoleWaterPotable:
		m.Measures = "water, flow"
		most(10 + 2e-4*b.Rating)
	}
}

// pattern stands for the names from first to last, which differ in one number.
func pattern(first, last string) string {
	if first == last {
		return first
	}
	at := strings.IndexAny(first, "0123456789")
	end := at
	for end < len(first) && first[end] >= '0' && first[end] <= '9' {
		end++
	}
	tail := first[end:]
	return first[:at] + "[" + first[at:end] + "-" + strings.TrimSuffix(last[at:], tail) + "]" + tail
}
