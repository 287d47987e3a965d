package account

import "github.com/gigawatch/gigawatch/collector/metric"

// A Quantity is what an account adds to in its site. Numbers are in the files of
// sealed hours: append only.
type Quantity uint8

// The quantities. All are energy in millijoules, save water in millilitres.
const (
	Other            Quantity = iota // accounted by itself, and part of no sum: a package inside its node
	GridInput                        // meters, by role
	GeneratorOutput                  //
	OnsiteGeneration                 //
	Export                           //
	UPSOutput                        // category 1
	PDUOutput                        // category 2
	ITInput                          // category 3
	Cooling                          //
	Distribution                     //
	Lighting                         //
	HeatReuse                        //
	WaterTotal                       //
	WaterPotable                     //
	HostEnergy                       // nodes
	GPUEnergy                        // boards
	Quantities                       // their number
)

var quantityNames = [Quantities]string{
	"other", metric.RoleGridInput, metric.RoleGeneratorOutput, metric.RoleOnsiteGeneration, metric.RoleExport,
	metric.RoleUPSOutput, metric.RolePDUOutput, metric.RoleITInput, metric.RoleCooling, metric.RoleDistribution,
	metric.RoleLighting, metric.RoleHeatReuse, metric.RoleWaterTotal, metric.RoleWaterPotable, "host", "gpu",
}

func (q Quantity) String() string {
	if q < Quantities {
		return quantityNames[q]
	}
	return "unknown"
}

// IsWater reports whether q is counted in millilitres.
func (q Quantity) IsWater() bool { return q == WaterTotal || q == WaterPotable }

// OfRole is what the meters of a role add to; Other if there is no such role.
func OfRole(role string) Quantity {
	for q := GridInput; q <= WaterPotable; q++ {
		if quantityNames[q] == role {
			return q
		}
	}
	return Other
}

// supplies bring energy into the facility; Export takes it out.
var supplies = [...]Quantity{GridInput, GeneratorOutput, OnsiteGeneration}

// categories are where IT energy is metered, best known boundary first:
// category i+1 of ISO/IEC 30134-2.
var categories = [...]Quantity{UPSOutput, PDUOutput, ITInput}

// Points of HostEnergyJoules, indexes of its label source.
const (
	sourceBMC    = 0
	sourceModule = 3
)

// quantityOf is what the counter of metric n at point p of entity e adds to,
// beside the other counters that e has. The whole node is counted once: by its BMC, or by its module where
// it has none. A heat meter's heat counts, and its energy only where it has no
// register of heat.
func quantityOf(e *metric.Entity, n metric.Number, p uint32, has func(metric.Number, uint32) bool) Quantity {
	switch n {
	case metric.GPUEnergyJoules:
		return GPUEnergy
	case metric.HostEnergyJoules:
		if p == sourceBMC || p == sourceModule && !has(n, sourceBMC) {
			return HostEnergy
		}
		return Other
	}
	q := OfRole(e.Label("role"))
	switch n {
	case metric.MeterWater:
		if q.IsWater() {
			return q
		}
	case metric.MeterHeatJoules:
		if q == HeatReuse {
			return q
		}
	case metric.MeterEnergyJoules:
		if q == HeatReuse && has(metric.MeterHeatJoules, 0) || q.IsWater() {
			return Other
		}
		return q
	}
	return Other
}
