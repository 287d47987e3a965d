package field

import (
	"math"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/sim"
)

// A model is a make of device: its registers, and what they mean.
type model struct {
	name     string
	profile  string // that collectors know it by; "": its points are written in the site file
	function uint8  // by which it is read: 3 holding registers, 4 input registers
	blocks   []block
	points   []point
}

// A block is registers that there are, From up to To; those that hold no point
// read zero.
type block struct{ from, to int }

// A point is a value in registers, high word first.
type point struct {
	measures string // as in site files; or frequency
	place    string // of a temperature
	at       int    // offset, as sent
	form     string // as in site files
	unit     string
	scale    string               // of the unit; "": 1
	step     int64                // of a counter, mJ or mL
	gauge    func(*sight) float64 // of others: the number in the registers
}

// A sight is what the world has for a device at a moment.
type sight struct {
	sim.Register
	around *sim.Temperatures
}

func watts(s *sight) float64     { return float64(s.Watts) }
func kilowatts(s *sight) float64 { return float64(s.Watts) / 1000 }
func hourly(s *sight) float64    { return s.Flow * 3600 }
func hertz(*sight) float64       { return 50 }

// Steps of displays.
const (
	wattHour = 3_600_000  // mJ
	tenWh    = 36_000_000 // mJ
	tenthL   = 100        // mL
)

// The models of the plant; those with a profile as their makers document them.
// They are never written to.
var (
	schneider = model{"Schneider iEM3255", "schneider-iem3000", 3, []block{{3000, 3120}, {3200, 3240}}, []point{
		{measures: "power", at: 3059, form: "f32", gauge: kilowatts},
		{measures: "frequency", at: 3109, form: "f32", gauge: hertz},
		{measures: "energy", at: 3203, form: "s64", step: wattHour},
	}}
	siemens = model{"Siemens PAC2200", "siemens-pac2200", 4, []block{{1, 80}, {801, 820}}, []point{
		{measures: "power", at: 65, form: "f32", gauge: watts},
		{measures: "energy", at: 801, form: "f64", step: wattHour},
	}}
	janitza = model{"Janitza B23", "janitza-b", 3, []block{{19000, 19100}}, []point{
		{measures: "power", at: 19026, form: "f32", gauge: watts},
		{measures: "frequency", at: 19050, form: "f32", gauge: hertz},
		{measures: "energy", at: 19068, form: "f32", step: wattHour},
	}}
	pumps = model{"pump controller", "", 3, []block{{0, 16}}, []point{
		{measures: "power", at: 0, form: "f32", unit: "W", gauge: watts},
		{measures: "energy", at: 2, form: "u64", unit: "Wh", step: wattHour},
		{measures: "temperature", place: "supply", at: 8, form: "s16", unit: "C", scale: "0.1", gauge: func(s *sight) float64 { return 10 * s.around.Supply }},
		{measures: "temperature", place: "return", at: 9, form: "s16", unit: "C", scale: "0.1", gauge: func(s *sight) float64 { return 10 * s.around.Return }},
	}}
	dryCoolers = model{"dry cooler controller", "", 3, []block{{0, 16}}, []point{
		{measures: "power", at: 0, form: "f32", unit: "W", gauge: watts},
		{measures: "energy", at: 2, form: "u64", unit: "Wh", step: wattHour},
		{measures: "temperature", place: "outside", at: 8, form: "s16", unit: "C", scale: "0.1", gauge: func(s *sight) float64 { return 10 * s.around.Outside }},
	}}
	heatMeter = model{"heat meter", "", 3, []block{{0, 16}}, []point{
		{measures: "heat", at: 0, form: "u32", unit: "kWh", scale: "0.01", step: tenWh},
		{measures: "power", at: 2, form: "f32", unit: "W", gauge: watts},
		{measures: "flow", at: 4, form: "f32", unit: "m3/h", gauge: hourly},
		{measures: "temperature", place: "supply", at: 6, form: "s16", unit: "C", scale: "0.1", gauge: func(s *sight) float64 { return 10 * s.around.HeatSupply }},
		{measures: "temperature", place: "return", at: 7, form: "s16", unit: "C", scale: "0.1", gauge: func(s *sight) float64 { return 10 * s.around.HeatReturn }},
	}}
	waterMeter = model{"water meter", "", 4, []block{{0, 4}}, []point{
		{measures: "water", at: 0, form: "u32", unit: "L", scale: "0.1", step: tenthL},
		{measures: "flow", at: 2, form: "f32", unit: "m3/h", gauge: hourly},
	}}
)

// modelOf is what stands in the place of a meter.
func modelOf(in *sim.Instrument) *model {
	switch in.Name {
	case "pumps":
		return &pumps
	case "dry-coolers":
		return &dryCoolers
	}
	switch in.Role {
	case metric.RoleOnsiteGeneration, metric.RoleExport, metric.RoleLighting:
		return &janitza
	case metric.RoleGeneratorOutput, metric.RoleCooling, metric.RoleDistribution:
		return &siemens
	case metric.RoleHeatReuse:
		return &heatMeter
	case metric.RoleWaterTotal, metric.RoleWaterPotable:
		return &waterMeter
	}
	return &schneider
}

// counter is the point of m that counts.
func (m *model) counter() *point {
	for i := range m.points {
		if m.points[i].step > 0 {
			return &m.points[i]
		}
	}
	return nil
}

// steps is what a counter shows of an amount, in its steps.
func (p *point) steps(amount int64) int64 {
	n := amount / p.step
	if p.form != "f32" {
		return n
	}
	f := float32(n)
	if float64(f) > float64(n) {
		f = math.Nextafter32(f, 0)
	}
	return int64(f)
}

// shown is the amount that stands on the display of a counter.
func (p *point) shown(amount int64) int64 { return p.steps(amount) * p.step }

// words are the registers of p.
func (p *point) words(s *sight) []uint16 {
	v, n := 0.0, int64(0)
	if p.step > 0 {
		n = p.steps(s.Amount)
		v = float64(n)
	} else {
		v = p.gauge(s)
		n = int64(math.Round(v))
	}
	switch p.form {
	case "f32":
		return split(uint64(math.Float32bits(float32(v))), 2)
	case "f64":
		return split(math.Float64bits(v), 4)
	case "s16":
		return split(uint64(n), 1)
	case "u32":
		return split(uint64(n), 2) // it rolls over
	}
	return split(uint64(n), 4)
}

// split is the low end of v in n registers, high word first.
func split(v uint64, n int) []uint16 {
	words := make([]uint16, n)
	for i := range words {
		words[i] = uint16(v >> (16 * (n - 1 - i)))
	}
	return words
}

// read is n registers from at as they are at s, and whether the counter is among
// them; ok is false where there are none.
func (m *model) read(s *sight, at, n int) (words []uint16, counted, ok bool) {
	for _, b := range m.blocks {
		if b.from <= at && at+n <= b.to {
			ok = true
		}
	}
	if !ok {
		return nil, false, false
	}
	words = make([]uint16, n)
	for i := range m.points {
		p := &m.points[i]
		whole := 0
		for k, w := range p.words(s) {
			if where := p.at + k - at; where >= 0 && where < n {
				words[where] = w
				whole++
			}
		}
		counted = counted || p.step > 0 && whole > 0
	}
	return words, counted, true
}
