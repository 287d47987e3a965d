package metric

// EntityKind says what sort of thing a metric is measured of.
type EntityKind uint8

// The kinds, outer to inner. Numbers are on the wire: append only.
const (
	Site   EntityKind = iota + 1
	Hall              // label hall
	Rack              // label rack
	Host              // label host
	GPU               // labels gpu (index on the host), uuid, model; Name is the uuid
	Device            // label device: a disk, a network interface
	Port              // labels device, port: a fabric port
	Mount             // label mount: a file system
	Sensor            // label sensor
	Meter             // labels meter, role
	Point             // labels meter, point: a measuring point of a meter
	Zone              // labels zone, provider, tier: a bidding zone as one provider sees it
	Job               // labels job, tenant
	kinds
)

// nameLabel is the label that carries Entity.Name, by kind.
var nameLabel = [kinds]string{
	Site: "site", Hall: "hall", Rack: "rack", Host: "host", GPU: "uuid", Device: "device", Port: "port",
	Mount: "mount", Sensor: "sensor", Meter: "meter", Point: "point", Zone: "zone", Job: "job",
}

// NameLabel is the label under which an entity of kind k shows its name; "" if
// k is not known here.
func (k EntityKind) NameLabel() string {
	if k >= kinds {
		return ""
	}
	return nameLabel[k]
}

func (k EntityKind) String() string {
	switch k {
	case GPU:
		return "gpu"
	default:
		if s := k.NameLabel(); s != "" {
			return s
		}
	}
	return "unknown"
}

// A Pair is one label with its value.
type Pair struct{ Name, Value string }

// An Entity is a thing that is measured. Its identity is its kind and name
// together with its parents' names, save that a GPU's uuid and a meter's name
// are unique in their site by themselves.
type Entity struct {
	Kind   EntityKind
	Name   string
	Parent int    // index in Layout.Entities, always lower than its own; -1: the site
	Labels []Pair // besides the name, sorted by name: gpu, model; device; role; provider, tier
}

// Label is the value of e's own label of that name, "" if it has none.
func (e *Entity) Label(name string) string {
	for _, p := range e.Labels {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}

// Roles are the closed list of what a meter measures; the label role of a
// meter. facility = grid_input + generator_output + onsite_generation − export.
const (
	RoleGridInput        = "grid_input"
	RoleGeneratorOutput  = "generator_output"
	RoleOnsiteGeneration = "onsite_generation"
	RoleExport           = "export"
	RoleUPSOutput        = "ups_output"
	RolePDUOutput        = "pdu_output"
	RoleITInput          = "it_input"
	RoleCooling          = "cooling"
	RoleDistribution     = "distribution"
	RoleLighting         = "lighting"
	RoleHeatReuse        = "heat_reuse"
	RoleWaterTotal       = "water_total"
	RoleWaterPotable     = "water_potable"
)

// A Place is where a host stands; Hall and Rack may be unknown.
type Place struct{ Hall, Rack, Host string }

// Entities is the chain hall, rack, host, without what is unknown; the host is
// the last.
func (p Place) Entities() []Entity {
	var es []Entity
	for _, e := range []Entity{{Kind: Hall, Name: p.Hall}, {Kind: Rack, Name: p.Rack}, {Kind: Host, Name: p.Host}} {
		if e.Name != "" {
			e.Parent = len(es) - 1
			es = append(es, e)
		}
	}
	return es
}
