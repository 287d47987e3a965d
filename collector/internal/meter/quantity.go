package meter

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Quantity is what a value of a meter measures.
type Quantity uint8

// The quantities, and the units in which values of them are kept.
const (
	Power        Quantity = iota + 1 // W
	Energy                           // register, mJ
	EnergyExport                     // register of the other direction, mJ
	Water                            // register, mL
	Heat                             // register, mJ
	Flow                             // m³/s
	Temperature                      // °C, at a point
	HeatPower                        // W, of heat that a loop carries
	Leak                             // 1 if a detector is wet
	quantities
)

var quantityNames = [quantities]string{"", "power", "energy", "energy_export", "water", "heat", "flow", "temperature", "heat_power", "leak"}

func (q Quantity) String() string {
	if q < quantities {
		return quantityNames[q]
	}
	return "unknown"
}

// ParseQuantity is the quantity called name.
func ParseQuantity(name string) (Quantity, bool) {
	for q := Power; q < quantities; q++ {
		if quantityNames[q] == name {
			return q, true
		}
	}
	return 0, false
}

// Counted reports whether q is a register's: it only grows.
func (q Quantity) Counted() bool { return q == Energy || q == EnergyExport || q == Water || q == Heat }

// A Unit is one in which devices show a quantity: so many of the unit in which
// it is kept.
type unit struct {
	per string  // exact
	add float64 // to the product, for degrees
}

var (
	powerUnits  = map[string]unit{"mW": {per: "0.001"}, "W": {per: "1"}, "kW": {per: "1000"}, "MW": {per: "1000000"}}
	energyUnits = map[string]unit{
		"Wh": {per: "3600000"}, "kWh": {per: "3600000000"}, "MWh": {per: "3600000000000"}, "GWh": {per: "3600000000000000"},
		"J": {per: "1000"}, "kJ": {per: "1000000"}, "MJ": {per: "1000000000"}, "GJ": {per: "1000000000000"}, "mJ": {per: "1"},
	}
	units = [quantities]map[string]unit{
		Power:        powerUnits,
		HeatPower:    powerUnits,
		Energy:       energyUnits,
		EnergyExport: energyUnits,
		Heat:         energyUnits,
		Water:        {"mL": {per: "1"}, "L": {per: "1000"}, "hL": {per: "100000"}, "m3": {per: "1000000"}},
		Flow:         {"m3/s": {per: "1"}, "m3/h": {per: "1/3600"}, "L/s": {per: "0.001"}, "L/min": {per: "1/60000"}, "L/h": {per: "1/3600000"}},
		Temperature:  {"C": {per: "1"}, "K": {per: "1", add: -273.15}, "F": {per: "5/9", add: -160. / 9}},
		Leak:         {"": {per: "1"}},
	}
)

// A Scale turns the numbers by which devices show a quantity into the unit in
// which it is kept.
type Scale struct {
	by   big.Rat
	f    float64
	add  float64
	size Size // of registers
}

// NewScale is the scale of quantity q where a device shows it in a unit, each
// step of it factor of that; factor is a decimal number, such as 0.1.
func NewScale(q Quantity, factor, in string) (Scale, error) {
	var s Scale
	if q >= quantities {
		return s, fmt.Errorf("no quantity %d", q)
	}
	u, ok := units[q][in]
	if !ok {
		return s, fmt.Errorf("%q is no unit of %s", in, q)
	}
	by, ok := new(big.Rat).SetString(factor)
	if !ok || len(factor) > 32 || by.Sign() <= 0 {
		return s, fmt.Errorf("%q is no number above zero", factor)
	}
	per, _ := new(big.Rat).SetString(u.per)
	s.by.Mul(by, per)
	s.f, _ = s.by.Float64()
	s.add = u.add
	if !(s.f > 0) || math.IsInf(s.f, 0) {
		return s, fmt.Errorf("%q %s is beyond all meters", factor, in)
	}
	if q.Counted() {
		var err error
		if s.size, err = sizeOf(&s.by); err != nil {
			return s, fmt.Errorf("%q %s a step: %w", factor, in, err)
		}
	}
	return s, nil
}

// Gauge is v, as the device shows it, in the unit in which it is kept.
func (s *Scale) Gauge(v float64) float64 { return v*s.f + s.add }

// Register is one that shows so many whole steps.
func (s *Scale) Register(steps uint64) Register { return Register{Steps: steps, Size: s.size} }

// registerOf is a register that shows a number with a fraction, or one too
// large for whole steps; grain is by how much it moves at least, in its steps.
func (s *Scale) registerOf(v, grain float64) (Register, error) {
	raw := math.Round(v * s.f)
	if !(raw >= 0 && raw < 1<<63) {
		return Register{}, fmt.Errorf("%g is no reading of a register", v)
	}
	return Register{Steps: uint64(raw), Size: Size{1, 1}, Grain: uint64(max(1, min(grain*s.f, 1<<62)))}, nil
}

// A Size is what a step of a register stands for, in millijoules or millilitres,
// as a fraction.
type Size struct {
	Num uint64 `json:"num"`
	Den uint64 `json:"den"`
}

var errSize = errors.New("more or less than can be counted by")

// maxSize bounds both sides of a size, so that products with it stay in bounds.
const maxSize = 1 << 53

// sizeOf is r as a size: exactly, or to 53 bits if it takes more.
func sizeOf(r *big.Rat) (Size, error) {
	if r.Sign() > 0 && r.Num().BitLen() <= 53 && r.Denom().BitLen() <= 53 {
		return Size{r.Num().Uint64(), r.Denom().Uint64()}, nil
	}
	f, _ := r.Float64()
	fraction, exponent := math.Frexp(f)
	if f <= 0 || exponent > 53 || exponent < 0 {
		return Size{}, errSize
	}
	return Size{uint64(fraction * (1 << 53)), 1 << (53 - exponent)}, nil
}

// by is s times ratio.
func (s Size) by(ratio *big.Rat) (Size, error) {
	r := new(big.Rat).SetFrac(new(big.Int).SetUint64(s.Num), new(big.Int).SetUint64(s.Den))
	return sizeOf(r.Mul(r, ratio))
}

// valid reports whether s was set.
func (s Size) valid() bool { return s.Num > 0 && s.Den > 0 && s.Num <= maxSize && s.Den <= maxSize }

// float is what so many steps are, about.
func (s Size) float(steps uint64) float64 { return float64(steps) * float64(s.Num) / float64(s.Den) }

// whole is what so many steps are, exactly: in 2^61, the rest, and what is left
// over in 1/Den.
func (s Size) whole(steps, left uint64) (high uint64, rest int64, over uint64) {
	hi, lo := bits.Mul64(steps, s.Num)
	lo, carry := bits.Add64(lo, left, 0)
	hi += carry
	top := hi / s.Den
	low, over := bits.Div64(hi%s.Den, lo, s.Den)
	return top<<3 | low>>61, int64(low & (turn - 1)), over
}

// turn is where a count of millijoules is begun again, so that a register which
// shows more than an integer holds can be counted.
const turn = 1 << 61

// A Register is a cumulative register as a device shows it.
type Register struct {
	Steps   uint64
	Modulus uint64    // after one less it shows 0 again; 0: not known to
	Size    Size      // of a step
	Grain   uint64    // steps by which it moves at least; 0: one
	Life    string    // as the device tells: its serial number, when it was reset; another value is another life
	Since   time.Time // when it began from zero, as the device tells; zero: it does not
}

// A Value is one of a reading.
type Value struct {
	Quantity Quantity
	Point    string    // of a temperature: supply, return
	Number   float64   // of a gauge, in the unit of its quantity
	Register Register  // of a counted quantity
	At       time.Time // by the device's clock; zero: it told none
	Quality  metric.Quality
	Missing  bool // the device does not know it any more: what it said before does not stand, however young it is
}

// A Kind is a quantity, and the point of a temperature.
type Kind struct {
	Quantity Quantity
	Point    string
}

func (k Kind) String() string {
	if k.Point != "" {
		return k.Quantity.String() + " at " + k.Point
	}
	return k.Quantity.String()
}
