package mqtt

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gigawatch/gigawatch/collector/site"
)

// amount is what a register shows in mJ or mL, exactly.
func amount(r meter.Register) *big.Rat {
	v := new(big.Rat).SetFrac(new(big.Int).SetUint64(r.Size.Num), new(big.Int).SetUint64(r.Size.Den))
	return v.Mul(v, new(big.Rat).SetInt(new(big.Int).SetUint64(r.Steps)))
}

func TestRegistersAreExact(t *testing.T) {
	for name, tc := range map[string]struct {
		q           site.Quantity
		unit, scale string
		is          any
		want, grain string // mJ, mL
		says        string
	}{
		"kWh":                              {"energy", "kWh", "", json.Number("123456.789"), "444444440400000", "3600000", ""},
		"more than a float holds":          {"energy", "Wh", "", json.Number("12345678901234.567"), "44444444044444441200", "360000", ""},
		"a whole number beyond floats":     {"energy", "J", "", json.Number("9007199254740993"), "9007199254740993000", "1000", ""},
		"in words":                         {"energy", "kWh", "", " 12.5 ", "45000000000", "360000000", ""},
		"an exponent":                      {"energy", "kWh", "", json.Number("1.2345e3"), "4444200000000", "360000000", ""},
		"few digits":                       {"energy", "kWh", "", json.Number("1.2e6"), "4320000000000000", "360000000000000", ""},
		"zeros at the end":                 {"energy", "MWh", "", json.Number("7.000"), "25200000000000", "3600000000000", ""},
		"digits that a program made up":    {"energy", "kWh", "", json.Number("1234.6000000000001"), "4444560000000", "360000000", ""},
		"finer than counted, up":           {"energy", "J", "", json.Number("0.05"), "100", "100", ""},
		"finer than counted, down":         {"energy", "J", "", json.Number("0.04"), "0", "100", ""},
		"a scale":                          {"energy", "kWh", "0.1", json.Number("12345"), "4444200000000", "360000000", ""},
		"terawatt-hours":                   {"energy", "MWh", "", json.Number("51000000.001"), "183600000003600000000", "3600000000", ""},
		"water":                            {"water", "m3", "", json.Number("12.345678"), "12345678", "1", ""},
		"litres":                           {"water", "L", "", json.Number("17"), "17000", "1000", ""},
		"zero":                             {"energy", "kWh", "", json.Number("-0.0"), "0", "3600000000", ""},
		"no number":                        {"energy", "kWh", "", "12,5", "", "", `is "12,5", and no number`},
		"a unit beside it":                 {"energy", "kWh", "", "12.5 kWh", "", "", "no number"},
		"hexadecimal":                      {"energy", "kWh", "", "0x10", "", "", "no number"},
		"underscores":                      {"energy", "kWh", "", "1_000", "", "", "no number"},
		"true":                             {"energy", "kWh", "", true, "", "", "is true, and no number"},
		"an object":                        {"energy", "kWh", "", map[string]any{}, "", "", "is an object, and no number"},
		"below zero":                       {"energy", "kWh", "", json.Number("-1"), "", "", "does not go below zero"},
		"more than anything counts":        {"energy", "kWh", "", json.Number("1e30"), "", "", "no reading of a register"},
		"an exponent that takes all there": {"energy", "kWh", "", json.Number("1e999999999"), "", "", "no number"},
		"null":                             {"energy", "kWh", "", nil, "", "", "does not know it now"},
		"unavailable":                      {"energy", "kWh", "", "Unavailable", "", "", "does not know it now"},
		"NaN":                              {"energy", "kWh", "", "NaN", "", "", "does not know it now"},
		"nothing":                          {"energy", "kWh", "", "", "", "", "does not know it now"},
	} {
		t.Run(name, func(t *testing.T) {
			m := member(tc.q, "x", tc.unit)
			m.Scale = tc.scale
			f, err := fieldOf(&m)
			if err != nil {
				t.Fatal(err)
			}
			v, err := f.value(tc.is)
			if tc.says != "" {
				if err == nil || !strings.Contains(err.Error(), tc.says) {
					t.Errorf("%v; want %q", err, tc.says)
				}
				return
			}
			if err != nil || amount(v.Register).RatString() != tc.want {
				t.Errorf("%s, %v; want %s", amount(v.Register).RatString(), err, tc.want)
			}
			v.Register.Steps = v.Register.Grain
			if got := amount(v.Register).RatString(); got != tc.grain {
				t.Errorf("moves by %s; want %s", got, tc.grain)
			}
		})
	}
}

func TestTheFinestDigitIsRemembered(t *testing.T) {
	m := member("energy", "x", "kWh")
	f, err := fieldOf(&m)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"10", "10.25", "11", "12.5"} {
		v, err := f.value(json.Number(s))
		if want := map[bool]uint64{true: 1e8, false: 1e6}[s == "10"]; err != nil || v.Register.Grain != want {
			t.Errorf("%s: moves by %d, want %d; %v", s, v.Register.Grain, want, err)
		}
	}
}

func TestGauges(t *testing.T) {
	for in, want := range map[any]float64{json.Number("12.5"): 12500, "1e-3": 1, json.Number("-3"): -3000} {
		m := member("power", "x", "kW")
		f, err := fieldOf(&m)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := f.value(in); err != nil || v.Number != want {
			t.Errorf("%v: %g, %v; want %g", in, v.Number, err, want)
		}
		m.Invert = true
		f, _ = fieldOf(&m)
		if v, err := f.value(in); err != nil || v.Number != -want {
			t.Errorf("%v the other way: %g, %v", in, v.Number, err)
		}
	}
	m := member("power", "x", "kW")
	f, _ := fieldOf(&m)
	if _, err := f.value(json.Number("1e399")); err == nil {
		t.Error("what no float holds is a reading")
	}
	m = member("energy_export", "x", "kWh")
	m.Invert = true
	f, _ = fieldOf(&m)
	if v, err := f.value(json.Number("-12")); err != nil || amount(v.Register).RatString() != "43200000000" {
		t.Errorf("%v, %v", v, err)
	}
}

// As exact as rational numbers are.
func FuzzDecimal(f *testing.F) {
	for _, s := range []string{"0", "-1.50e3", "1e-400", "99999999999999999999.5", ".5", "5.", "18446744073709551615", "0.00000000000000000000000000001e29"} {
		f.Add(s, 8)
	}
	f.Fuzz(func(t *testing.T, s string, n int) {
		d, ok := parseDecimal(s)
		_, err := strconv.ParseFloat(s, 64)
		if err != nil && !strings.Contains(err.Error(), "range") {
			if ok {
				t.Fatalf("%q is a number", s)
			}
			return
		}
		if !ok || n < -400 || n > 400 {
			return
		}
		r, known := new(big.Rat).SetString(s)
		if !known {
			t.Fatalf("%q", s)
		}
		if (r.Sign() < 0) != d.negative {
			t.Errorf("%q: below zero %v", s, d.negative)
		}
		ten := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(n, -n))), nil))
		if r.Abs(r); n < 0 {
			r.Quo(r, ten)
		} else {
			r.Mul(r, ten)
		}
		whole := new(big.Int).Div(new(big.Int).Add(new(big.Int).Mul(r.Num(), big.NewInt(2)), r.Denom()), new(big.Int).Mul(r.Denom(), big.NewInt(2)))
		got, fits := d.times(n)
		if fits && whole.Cmp(new(big.Int).SetUint64(got)) != 0 || !fits && whole.BitLen() < 63 {
			t.Errorf("%q × 10^%d: %d, %v; want %v", s, n, got, fits, whole)
		}
		if p := d.place(); p > mostExponent {
			t.Errorf("%q: its last digit is at %d", s, p)
		}
	})
}
