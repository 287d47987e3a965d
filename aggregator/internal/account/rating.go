package account

import (
	"math"
	"math/big"
	"slices"
	"strconv"
)

// Figures of the European reports that follow from those of the ledger, by
// Delegated Regulation (EU) 2024/1364 and C(2026) 3472.

// Limits of the classes A to F; beyond the last is G.
var (
	pueLimits = [...]float64{1.15, 1.25, 1.35, 1.50, 1.70, 1.90}
	wueLimits = [...]float64{0.1, 0.2, 0.4, 0.6, 0.8, 1.0}
)

// PUEClass is the class of a PUE. It is no official label.
func PUEClass(pue float64) string { return class(pueLimits[:], pue) }

// WUEClass is the class of a WUE in litres per kWh, likewise.
func WUEClass(wue float64) string { return class(wueLimits[:], wue) }

func class(limits []float64, v float64) string {
	n, _ := slices.BinarySearch(limits, v)
	return string(rune('A' + n))
}

// scopeKilowatts is the installed IT power from which a site must report.
const scopeKilowatts = 500

// InScope reports whether a site of so much installed IT power must report, and
// whether that is so close that the decision needs evidence.
func InScope(kilowatts float64) (in, close bool) {
	return kilowatts >= scopeKilowatts, math.Abs(kilowatts-scopeKilowatts) <= scopeKilowatts/10
}

// A SiteYear is what the average of several sites is made of.
type SiteYear struct{ Facility, IT float64 } // in one unit of energy

// FleetPUE is the PUE of several sites, in both ways that are in use: the mean of
// theirs weighted by facility energy, as the Commission publishes it, and the
// ratio of the sums.
func FleetPUE(sites []SiteYear) (weighted, ofSums float64) {
	var facility, it, sum float64
	for _, s := range sites {
		facility += s.Facility
		it += s.IT
		sum += s.Facility * (s.Facility / s.IT)
	}
	return sum / facility, facility / it
}

// A Spell is a value that held for so many days.
type Spell struct{ Days, Value float64 }

// TimeWeighted is the mean of values over time, as of installed IT power.
func TimeWeighted(spells []Spell) float64 {
	var days, sum float64
	for _, s := range spells {
		days += s.Days
		sum += s.Days * s.Value
	}
	return sum / days
}

// Eurostat's cooling degree days: of days warmer than the threshold, what they
// are warmer than the base.
const (
	coolingThreshold = 24 // °C
	coolingBase      = 21
)

// CoolingDegreeDays are those of the daily means of a year, °C.
func CoolingDegreeDays(means []float64) (sum float64) {
	for _, m := range means {
		if m >= coolingThreshold {
			sum += m - coolingBase
		}
	}
	return sum
}

// A JobEnergy is a job's energy boundary by boundary, in one unit.
type JobEnergy struct{ GPU, Node, IT, Facility float64 }

// Outward is the energy of a job at each boundary, from that of its GPUs: the
// nodes draw nodeRatio times as much, network and storage shared more of that, and
// the facility pue times what IT does.
func Outward(gpu, nodeRatio, shared, pue float64) JobEnergy {
	e := JobEnergy{GPU: gpu, Node: gpu * nodeRatio}
	e.IT = e.Node * (1 + shared)
	e.Facility = e.IT * pue
	return e
}

// Significant is v with so many significant figures, rounded half up, as a number
// and a power of ten: 1.8 x 10^3.
func Significant(v float64, figures int) string {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	exponent := int(math.Floor(math.Log10(math.Abs(v))))
	scale := new(big.Rat).SetFrac(big.NewInt(1), big.NewInt(1))
	ten := big.NewRat(10, 1)
	for range figures - 1 {
		scale.Mul(scale, ten)
	}
	for range max(exponent, -exponent) {
		if exponent > 0 {
			scale.Quo(scale, ten)
		} else {
			scale.Mul(scale, ten)
		}
	}
	r, ok := new(big.Rat).SetString(strconv.FormatFloat(math.Abs(v), 'f', -1, 64)) // as it is printed
	if !ok {
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	r.Mul(r, scale).Add(r, big.NewRat(1, 2))
	digits := new(big.Int).Quo(r.Num(), r.Denom()).String()
	if len(digits) > figures { // 9.96 is 10
		exponent++
	}
	head := digits[:1]
	if figures > 1 {
		head += "." + digits[1:figures]
	}
	if v < 0 {
		head = "-" + head
	}
	if exponent == 0 {
		return head
	}
	return head + " x 10^" + strconv.Itoa(exponent)
}
