package site

import (
	"math/big"
	"strings"
)

// A Register is what the display of a meter shows, exactly: millionths of a unit.
// Such registers run for decades; in millijoules they may be more than an
// integer holds.
type Register struct {
	Millionths int64
	Unit       string
}

// registerUnits say of each unit how many mJ or mL it is.
var registerUnits = []struct {
	name  string
	per   int64
	water bool
}{
	{"Wh", 3_600_000, false}, {"kWh", 3_600_000_000, false}, {"MWh", 3_600_000_000_000, false}, {"GWh", 3_600_000_000_000_000, false},
	{"kJ", 1_000_000, false}, {"MJ", 1_000_000_000, false}, {"GJ", 1_000_000_000_000, false},
	{"L", 1000, true}, {"m3", 1_000_000, true}, {"m³", 1_000_000, true},
}

func (r Register) String() string { return decimal(r.Millionths, 1e6) + " " + r.Unit }

// Water reports whether r is of water, and not of energy.
func (r Register) Water() bool {
	for _, u := range registerUnits {
		if u.name == r.Unit {
			return u.water
		}
	}
	return false
}

// amount is r in mJ or mL.
func (r Register) amount() *big.Rat {
	for _, u := range registerUnits {
		if u.name == r.Unit {
			n := new(big.Int).Mul(big.NewInt(r.Millionths), big.NewInt(u.per))
			return new(big.Rat).SetFrac(n, big.NewInt(1e6))
		}
	}
	return new(big.Rat)
}

// Amount is r in millijoules, or millilitres of water, rounded down; ok is false
// if that is more than an integer holds.
func (r Register) Amount() (n int64, ok bool) {
	a := r.amount()
	q := new(big.Int).Quo(a.Num(), a.Denom())
	return q.Int64(), q.IsInt64()
}

// register is v as the reading of a display; nil if it was left out or is none.
func (v value) register() *Register {
	t := v.text()
	if t == "" {
		return nil
	}
	all, decimals, name, ok := number(t)
	var known []string
	for _, u := range registerUnits {
		known = append(known, u.name)
		if u.name != name || !ok {
			continue
		}
		n, fits := scaled(all, decimals, 1e6, 1)
		if n < 0 || !fits || decimals > 6 {
			v.wrong("", "%q is no reading of a register: above zero, up to six digits behind the point", short(t))
			return nil
		}
		return &Register{n, name}
	}
	fix := "write what the display shows and its unit, such as 1234567.8 kWh"
	if ok && name != "" && !strings.HasPrefix(name, ",") {
		fix = v.r.nearest(name, known)
	}
	v.wrong(fix, "%q is no reading of a register in %s", short(t), strings.Join(known, ", "))
	return nil
}
