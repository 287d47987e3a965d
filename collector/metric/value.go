package metric

import "math"

// A Raw is one value as it is carried and stored: for a metric of form [Int]
// the integer itself, in 1/[Def.Per] of the base unit; for one of form [Float]
// the bits of the float64 in the base unit. The zero Raw is the value zero in
// both forms.
type Raw int64

// Missing marks a value that was not read. No reading can produce it: integers
// of that size do not occur, and as a float its bits are negative zero, which
// [Of] writes as zero.
const Missing Raw = math.MinInt64

// Of is the Raw of a float; NaN and infinities, which no instrument measures,
// become [Missing].
func Of(v float64) Raw {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return Missing
	}
	if v == 0 {
		return 0
	}
	return Raw(math.Float64bits(v))
}

// Float is the float64 whose bits r holds; NaN if r is missing.
func (r Raw) Float() float64 {
	if r == Missing {
		return math.NaN()
	}
	return math.Float64frombits(uint64(r))
}

// Value is r, a reading of metric d, in d's base unit; NaN if r is missing.
func (d *Def) Value(r Raw) float64 {
	switch {
	case r == Missing:
		return math.NaN()
	case d.Form == Float:
		return math.Float64frombits(uint64(r))
	case d.Per == 1:
		return float64(r)
	}
	return float64(r) / float64(d.Per)
}

// Raw is v, in d's base unit, as a Raw, rounded to the nearest raw unit where d
// has the form [Int]; NaN and what an integer cannot hold become [Missing].
func (d *Def) Raw(v float64) Raw {
	if d.Form == Float {
		return Of(v)
	}
	scaled := math.RoundToEven(v * float64(d.Per))
	if !(math.Abs(scaled) < 1<<63) {
		return Missing
	}
	return Raw(scaled)
}

// MillijoulesPerKWh converts the ledger's unit to the reader's:
// 1 kWh = 3.6 MJ = 3.6e9 mJ (SI Brochure, 9th ed., table 8).
const MillijoulesPerKWh = 3_600_000_000

// DiskSensor is the sensor that stands for the disk of an agent's spool among its sources:
// stale while the disk takes nothing.
const DiskSensor = "disk"
