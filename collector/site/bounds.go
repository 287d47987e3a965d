package site

import "strconv"

// Bounds are what the site is to stay within; 0: nothing is said.
type Bounds struct {
	PUE     float64     // of a day
	Coolant Temperature // at which it is supplied to racks, at most
	Year    YearBounds
}

// YearBounds are those of a calendar year.
type YearBounds struct {
	Energy Energy // of the facility
	Carbon Mass   // of the grid's energy, location-based
	Water  Volume
	PUE    float64
}

// A Volume is in litres.
type Volume int64

func (v Volume) String() string { return volumes.format(int64(v)) }

// CubicMetres is v in m³.
func (v Volume) CubicMetres() float64 { return float64(v) / 1000 }

var volumes = scale{"volume", "5000 m3", false, []unit{{"m3", 1000, 1, true}, {"m³", 1000, 1, false}, {"L", 1, 1, true}}}

func (s *Site) readBounds(_ *reader, v value) {
	k := v.section()
	s.Bounds.PUE = k.get("pue").pue()
	limit := k.get("coolant")
	if t, ok := temperatures.take(limit); ok {
		s.Bounds.Coolant = Temperature(t)
		if t < 10_000 || t > 60_000 {
			limit.wrong("write at what temperature coolant may reach the racks, such as 40 °C", "%s is no limit of a coolant's supply", s.Bounds.Coolant)
		}
	}
	year := k.get("year").section()
	y := &s.Bounds.Year
	energy, _ := energies.take(year.get("energy"))
	carbon, _ := masses.take(year.get("carbon"))
	water, _ := volumes.take(year.get("water"))
	y.Energy, y.Carbon, y.Water, y.PUE = Energy(energy), Mass(carbon), Volume(water), year.get("pue").pue()
	year.end()
	k.end()
}

// pue is v as one; 0 if it was left out or is none.
func (v value) pue() float64 {
	t := v.text()
	if t == "" {
		return 0
	}
	n, err := strconv.ParseFloat(t, 64)
	if err != nil || !(n >= 1 && n <= 5) {
		v.wrong("write a number such as 1.25", "%q is no PUE", short(t))
		return 0
	}
	return n
}
