package metric

import "strconv"

// A Number names a metric on the wire and in storage, for ever.
type Number uint16

// Kind says how a metric's values behave over time.
type Kind uint8

const (
	Gauge   Kind = iota + 1 // an instant value
	Counter                 // cumulative since the start of an epoch; falls only when a new epoch begins
	State                   // one of the values of the metric's first label; Raw is its index there
)

func (k Kind) String() string {
	switch k {
	case Gauge, State: // a state is exposed as a gauge of 1 per current value
		return "gauge"
	case Counter:
		return "counter"
	}
	return "unknown"
}

// Form says how a Raw holds the value.
type Form uint8

const (
	Float Form = iota + 1 // float64 bits, base unit
	Int                   // integer, 1/Per of the base unit
)

// A Unit is the base unit of a metric, spelled as in its name.
type Unit string

// The units, all of them SI or accepted with it, save the ratio and the count.
const (
	Watts                Unit = "watts"
	Joules               Unit = "joules"
	Celsius              Unit = "celsius"
	Ratio                Unit = "ratio" // 0 to 1, save where the help says more
	Bytes                Unit = "bytes"
	Hertz                Unit = "hertz"
	Seconds              Unit = "seconds"
	BitsPerSecond        Unit = "bits_per_second"
	BytesPerSecond       Unit = "bytes_per_second"
	CubicMetres          Unit = "cubic_metres"
	CubicMetresPerSecond Unit = "cubic_metres_per_second"
	GramsPerKWh          Unit = "grams_per_kwh" // CO2 equivalent
	EURPerMWh            Unit = "eur_per_mwh"
	Grams                Unit = "grams"
	LitresPerKWh         Unit = "litres_per_kwh"
	KilogramsPerKWh      Unit = "kg_per_kwh"
	Count                Unit = "" // things, or one of several states
)

// A Label is one dimension of a metric besides those of its entity.
type Label struct {
	Name   string
	Values []string // closed list, in wire order; nil if the value is a number (an XID)
}

// Pace says how often a metric is worth a stored point.
type Pace uint8

const (
	Fast Pace = iota + 1 // moves all the time: stored at every interval
	Slow                 // moves rarely: stored when it changes, and often enough to stay visible
)

// A Def is one metric of the catalogue.
type Def struct {
	Number Number
	Name   string // as Prometheus shows it
	Unit   Unit
	Kind   Kind
	Form   Form
	Per    int64 // raw units to one base unit: 1000 for energy in millijoules; 1 for floats
	Entity EntityKind
	Labels []Label
	Pace   Pace
	Ledger bool // it is accounted, or what is accounted rests on it, or it is kept of jobs beside their energy: it travels in the ledger lane too
	Help   string
}

// Points is the number of label combinations; 0 if a label is open-ended.
// A state has one point: its label is the value.
func (d *Def) Points() int {
	if d.Kind == State {
		return 1
	}
	n := 1
	for _, l := range d.Labels {
		n *= len(l.Values)
	}
	return n
}

// LabelValue is the value of d's i-th label at the given point. Points count
// with the last label running fastest; for an open-ended label the point is the
// number itself. A point out of range yields "".
func (d *Def) LabelValue(point uint32, i int) string {
	if d.Labels[i].Values == nil {
		return strconv.FormatUint(uint64(point), 10)
	}
	stride := uint32(1)
	for _, l := range d.Labels[i+1:] {
		stride *= uint32(len(l.Values))
	}
	v := d.Labels[i].Values
	k := point / stride
	if i > 0 {
		k %= uint32(len(v))
	}
	if int(k) >= len(v) {
		return ""
	}
	return v[k]
}

// Point is the point of the given label values, one a label, in the order of
// d.Labels; ok is false where a value is not in the catalogue.
func (d *Def) Point(values ...string) (point uint32, ok bool) {
	if len(values) != len(d.Labels) {
		return 0, false
	}
	for i, l := range d.Labels {
		if l.Values == nil {
			n, err := strconv.ParseUint(values[i], 10, 32)
			return uint32(n), err == nil && len(d.Labels) == 1
		}
		k := -1
		for j, v := range l.Values {
			if v == values[i] {
				k = j
			}
		}
		if k < 0 {
			return 0, false
		}
		point = point*uint32(len(l.Values)) + uint32(k)
	}
	return point, true
}
