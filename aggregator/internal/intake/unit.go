package intake

import "strings"

// A dimension is what a unit is of.
type dimension uint8

const (
	ofNothing dimension = iota
	ofEnergy
	ofPower
	ofWater
)

// A unit is one that values come in.
type unit struct {
	name string
	of   dimension
	per  uint64 // mJ, W or mL
}

// units by their names, small letters; those that are written in one way only
// come as they are.
var units = map[string]unit{
	"wh": {"Wh", ofEnergy, 3_600_000}, "kwh": {"kWh", ofEnergy, 3_600_000_000}, "mwh": {"MWh", ofEnergy, 3_600_000_000_000}, "gwh": {"GWh", ofEnergy, 3_600_000_000_000_000},
	"j": {"J", ofEnergy, 1000}, "kj": {"kJ", ofEnergy, 1_000_000}, "mj": {"MJ", ofEnergy, 1_000_000_000}, "gj": {"GJ", ofEnergy, 1_000_000_000_000},
	"w": {"W", ofPower, 1}, "kw": {"kW", ofPower, 1000}, "mw": {"MW", ofPower, 1_000_000}, "gw": {"GW", ofPower, 1_000_000_000},
	"m3": {"m³", ofWater, 1_000_000}, "m³": {"m³", ofWater, 1_000_000}, "cbm": {"m³", ofWater, 1_000_000}, "nm3": {}, "hl": {"hL", ofWater, 100_000},
	"l": {"L", ofWater, 1000}, "liter": {"L", ofWater, 1000}, "litre": {"L", ofWater, 1000}, "litres": {"L", ofWater, 1000}, "litri": {"L", ofWater, 1000},
	"litros": {"L", ofWater, 1000}, "ml": {"mL", ofWater, 1},
}

// knownUnits is for people who wrote another.
const knownUnits = "Wh, kWh, MWh, GWh, kJ, MJ, GJ, W, kW, MW, m³, L"

// unitOf is the unit called name; ok is false if there is none. A milliwatt is
// none that a meter of a site shows: it is not taken for a megawatt.
func unitOf(name string) (u unit, ok bool) {
	name = strings.TrimSpace(name)
	if name == "mW" || name == "mWh" {
		return u, false
	}
	u, ok = units[strings.ToLower(name)]
	return u, ok && u.of != ofNothing
}

// foreign are units of what is not counted here, as they begin: reactive and
// apparent power, money, degrees, gas.
var foreign = []string{"kvar", "var", "mvar", "kva", "va", "mva", "€", "eur", "°", "ct/", "nm3", "a", "v", "hz", "%", "cos"}

// foreignUnit reports whether name is a unit of something else.
func foreignUnit(name string) bool {
	name = strings.ToLower(strings.TrimSpace(name))
	for _, f := range foreign {
		if name == f || len(f) > 2 && strings.HasPrefix(name, f) {
			return true
		}
	}
	return false
}

// unitIn finds a unit in a header, such as Verbrauch [kWh]; found is what was
// there in brackets or at the end, if it is no unit that is known.
func unitIn(header string) (u unit, found string) {
	for _, pair := range []string{"[]", "()", "{}"} {
		if i := strings.LastIndexByte(header, pair[0]); i >= 0 {
			if n := strings.IndexByte(header[i:], pair[1]); n > 0 {
				inside := header[i+1 : i+n]
				if v, ok := unitOf(inside); ok {
					return v, ""
				}
				if foreignUnit(inside) {
					return u, inside
				}
			}
		}
	}
	for _, word := range words(header, true) {
		if v, ok := unitOf(word); ok && len(word) > 1 {
			return v, ""
		}
		if len(word) > 2 && foreignUnit(word) {
			return u, word
		}
	}
	return u, ""
}
