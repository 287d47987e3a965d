package site

import (
	"math/big"
	"strconv"
	"strings"
)

// Quantities as a site file writes them: a number, a blank, a unit. They are kept
// as whole numbers of a small unit, so that sums and comparisons are exact.
type (
	Power       int64 // milliwatts
	Energy      int64 // watt-hours
	Share       int64 // millionths of the whole
	Factor      int64 // milligrams of CO2 equivalent to a kilowatt-hour
	Flow        int64 // millilitres an hour
	Temperature int64 // thousandths of a degree Celsius
	Voltage     int64 // millivolts
	Mass        int64 // milligrams
)

// Watts is p in W.
func (p Power) Watts() float64 { return float64(p) / 1000 }

// KWh is e in kWh.
func (e Energy) KWh() float64 { return float64(e) / 1000 }

// Ratio is s as a share of 1.
func (s Share) Ratio() float64 { return float64(s) / 1e6 }

// GramsPerKWh is f in g/kWh.
func (f Factor) GramsPerKWh() float64 { return float64(f) / 1000 }

// CubicMetresPerSecond is f in m³/s.
func (f Flow) CubicMetresPerSecond() float64 { return float64(f) / 1e6 / 3600 }

// Celsius is t in °C.
func (t Temperature) Celsius() float64 { return float64(t) / 1000 }

func (p Power) String() string       { return powers.format(int64(p)) }
func (e Energy) String() string      { return energies.format(int64(e)) }
func (s Share) String() string       { return shares.format(int64(s)) }
func (f Factor) String() string      { return factors.format(int64(f)) }
func (f Flow) String() string        { return flows.format(int64(f)) }
func (t Temperature) String() string { return temperatures.format(int64(t)) }
func (v Voltage) String() string     { return voltages.format(int64(v)) }
func (m Mass) String() string        { return masses.format(int64(m)) }

// A unit stands for mul/div of the unit in which a quantity is kept.
type unit struct {
	name     string
	mul, div int64
	shown    bool // format may choose it
}

// A scale is the units of a quantity.
type scale struct {
	what   string
	such   string // an example
	signed bool
	units  []unit // those that are shown from large to small
}

var (
	powers = scale{"power", "45 kW or 150 MW", false, []unit{
		{"GW", 1e12, 1, true}, {"MW", 1e9, 1, true}, {"kW", 1e6, 1, true}, {"W", 1e3, 1, true}}}
	energies = scale{"energy", "400 GWh", false, []unit{
		{"TWh", 1e12, 1, true}, {"GWh", 1e9, 1, true}, {"MWh", 1e6, 1, true}, {"kWh", 1e3, 1, true}, {"Wh", 1, 1, true},
		{"TJ", 1e12, 3600, false}, {"GJ", 1e9, 3600, false}, {"MJ", 1e6, 3600, false}}}
	shares  = scale{"share", "40 %", false, []unit{{"%", 1e4, 1, true}}}
	factors = scale{"emission factor", "210 g/kWh", false, []unit{
		{"g/kWh", 1e3, 1, true}, {"kg/kWh", 1e6, 1, false}, {"kg/MWh", 1e3, 1, false}, {"t/MWh", 1e6, 1, false}}}
	flows = scale{"flow", "20 m3/h", false, []unit{
		{"m3/h", 1e6, 1, true}, {"m³/h", 1e6, 1, false}, {"L/s", 3_600_000, 1, false}, {"L/min", 60_000, 1, false}, {"L/h", 1000, 1, true}}}
	temperatures = scale{"temperature", "24 °C", true, []unit{{"°C", 1000, 1, true}, {"C", 1000, 1, false}}}
	masses       = scale{"mass", "3 t", false, []unit{{"t", 1e9, 1, true}, {"kg", 1e6, 1, true}, {"g", 1e3, 1, true}}}
	voltages     = scale{"voltage", "20 kV", false, []unit{{"kV", 1e6, 1, true}, {"V", 1e3, 1, true}}}
)

// number splits a text into a decimal number, as digits and how many of them
// stand behind the point, and the rest.
func number(t string) (all string, decimals int, rest string, ok bool) {
	sign := ""
	if strings.HasPrefix(t, "-") || strings.HasPrefix(t, "+") {
		sign, t = strings.TrimPrefix(t[:1], "+"), t[1:]
	}
	n := 0
	for n < len(t) && (t[n] == '.' || '0' <= t[n] && t[n] <= '9') {
		n++
	}
	whole, fraction, point := strings.Cut(t[:n], ".")
	if !digits(whole) || point && !digits(fraction) || len(whole)+len(fraction) > 30 {
		return "", 0, t, false
	}
	return sign + whole + fraction, len(fraction), strings.TrimSpace(t[n:]), true
}

// take is v in the unit in which the quantity is kept; ok is false, and the
// reason said, if it is none, and also if it was left out.
func (s *scale) take(v value) (int64, bool) {
	t := v.text()
	if t == "" {
		return 0, false
	}
	all, decimals, name, ok := number(t)
	switch {
	case !ok:
		v.wrong("write a number and a unit, such as "+s.such, "%q is no %s", short(t), s.what)
		return 0, false
	case name != "" && strings.ContainsRune(",'’_0123456789", []rune(name)[0]):
		v.wrong("write a point, and nothing between thousands: "+s.such, "%q has something in its number", short(t))
		return 0, false
	case name == "":
		v.wrong("such as "+s.such, "%q lacks its unit", short(t))
		return 0, false
	}
	if s == &factors {
		name = bareFactor(name)
	}
	for _, u := range s.units {
		if u.name != name {
			continue
		}
		n, ok := scaled(all, decimals, u.mul, u.div)
		if !ok {
			v.wrong("", "%q is more than there can be", short(t))
			return 0, false
		}
		if n < 0 && !s.signed {
			v.wrong("", "%q is below zero", short(t))
			return 0, false
		}
		return n, true
	}
	fix := v.r.nearest(name, s.names())
	if s == &powers && strings.HasSuffix(name, "VA") {
		fix = "that is apparent power: write the active power"
	}
	v.wrong(fix, "%q is no unit of %s; there are %s", short(name), s.what, strings.Join(s.names(), ", "))
	return 0, false
}

func (s *scale) names() (names []string) {
	for _, u := range s.units {
		names = append(names, u.name)
	}
	return names
}

// bareFactor takes what is weighed out of the unit of a factor.
func bareFactor(name string) string {
	for _, gas := range []string{"CO2e", "CO2eq", "CO2-eq", "CO2", "CO₂e", "CO₂"} {
		if weight, per, ok := strings.Cut(name, "/"); ok {
			if w, ok := strings.CutSuffix(weight, gas); ok {
				return strings.TrimSpace(w) + "/" + per
			}
		}
	}
	return name
}

// scaled is all/10^decimals × mul/div, rounded to the nearest whole number.
func scaled(all string, decimals int, mul, div int64) (int64, bool) {
	n, ok := new(big.Int).SetString(all, 10)
	if !ok {
		return 0, false
	}
	n.Mul(n, big.NewInt(2*mul))
	d := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(decimals)), nil)
	d.Mul(d, big.NewInt(div))
	if n.Sign() < 0 {
		n.Sub(n, d)
	} else {
		n.Add(n, d)
	}
	n.Quo(n, d.Lsh(d, 1))
	return n.Int64(), n.IsInt64()
}

// format is n in the largest unit of which it is at least one, exactly.
func (s *scale) format(n int64) string {
	var u unit
	for _, u = range s.units {
		if u.shown && (n >= u.mul || -n >= u.mul) {
			break
		}
	}
	if !u.shown || n == 0 { // the smallest that is shown
		for _, v := range s.units {
			if v.shown {
				u = v
			}
		}
	}
	return decimal(n, u.mul) + " " + u.name
}

// decimal is n/of as a decimal number; of is a power of ten.
func decimal(n, of int64) string {
	sign, m := "", uint64(n)
	if n < 0 {
		sign, m = "-", -m
	}
	whole, rest := m/uint64(of), m%uint64(of)
	t := sign + strconv.FormatUint(whole, 10)
	if rest > 0 {
		digits := strconv.FormatUint(uint64(of)+rest, 10)[1:]
		t += "." + strings.TrimRight(digits, "0")
	}
	return t
}
