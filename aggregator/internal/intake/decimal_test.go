package intake

import (
	"math/big"
	"strings"
	"testing"
)

func TestNumbersAsTheyAreWritten(t *testing.T) {
	for _, tc := range []struct {
		text string
		by   mark
		want string // mJ of so many kWh; "": none
	}{
		{"0", point, "0"}, {"1", point, "3600000000"}, {"-0", point, "0"}, {"1.5", point, "5400000000"}, {"1,5", comma, "5400000000"}, {".5", point, "1800000000"}, {"5.", point, "18000000000"},
		{"1,234.5", point, "4444200000000"}, {"1.234,5", comma, "4444200000000"}, {"1 234,5", comma, "4444200000000"}, {"1\u00a0234,5", comma, "4444200000000"}, {"1\u202f234,5", comma, "4444200000000"},
		{"1'234.5", point, "4444200000000"}, {"1’234.5", point, "4444200000000"}, {"1.234.567", comma, "4444441200000000"}, {"+1", point, "3600000000"}, {"-1", point, "-3600000000"}, {"−1", point, "-3600000000"}, {"1,5-", comma, "-5400000000"},
		{"0.0000000001", point, "0"}, {"0.00000000014", point, "1"}, {"1e3", point, "3600000000000"}, {"1,5E-3", comma, "5400000"}, {"1.5e+02", point, "540000000000"},
		{"123456789012.123456", point, "444444440443644441600"}, {"999999999999999999", point, "3599999999999999996400000000"},
		{"0.1234567890123456789012345", point, "444444440"}, {"0.30000000000000004", point, "1080000000"},
		{"1,23,4", point, ""}, {"1,2345", point, ""}, {",234", point, ""}, {"1,234,56", point, ""}, {"1.5", comma, ""}, {"1.5", noMark, ""}, {"1,5", noMark, ""}, {"1.2.3", point, ""}, {"", point, ""}, {"-", point, ""},
		{"x", point, ""}, {"1x", point, ""}, {"0x10", point, ""}, {"1e", point, ""}, {"1e999", point, ""}, {"e5", point, ""}, {"1 2", point, ""}, {"1234567890123456789", point, ""}, {"1234,567.8", point, ""}, {"=1", point, ""}, {"Inf", point, ""}, {"NaN", point, ""},
	} {
		d, ok := parseDecimal([]byte(tc.text), tc.by)
		if ok != (tc.want != "") {
			t.Errorf("%q by %q: %v, ok is %v", tc.text, tc.by, d, ok)
		}
		if !ok {
			continue
		}
		w, ok := d.times(3_600_000_000)
		got := w.String()
		if d.negative && got != "0" {
			got = "-" + got
		}
		if !ok || got != tc.want {
			t.Errorf("%q is %s mJ, want %s", tc.text, got, tc.want)
		}
	}
}

func TestWhichMarkAFileHas(t *testing.T) {
	for name, tc := range map[string]struct {
		numbers string
		want    mark
		says    string
	}{
		"whole":                     {"1 2 300", noMark, ""},
		"a comma":                   {"1,5 2", comma, ""},
		"a point":                   {"1.5 2", point, ""},
		"both":                      {"1.234,5", comma, ""},
		"both, English":             {"1,234.5 1,234", point, ""},
		"a leading zero":            {"0,123 1,234", comma, ""},
		"four digits":               {"1234,567", comma, ""},
		"many points":               {"1.234.567 1.234", comma, ""},
		"exponents":                 {"1.5E+03", point, ""},
		"one and the other":         {"1,5 1.5", noMark, "numbers have a decimal comma (line 1) and a decimal point (line 2)"},
		"either":                    {"1 1,234", noMark, "the comma in line 2 may be a decimal comma or stand between thousands, and so in every other number"},
		"either, points":            {"1.234", noMark, "the point in line 1 may be a decimal point or stand between thousands, and so in every other number"},
		"what is none is no matter": {"1,5 a.b 12.03.2026x", comma, ""},
	} {
		var e evidence
		for i, n := range strings.Fields(tc.numbers) {
			e.look([]byte(n), i+1)
		}
		if got, says := e.mark('\t'); got != tc.want || says != tc.says {
			t.Errorf("%s: %q, %q", name, got, says)
		}
	}
}

func TestWhatStandsBetweenFieldsTellsTheMark(t *testing.T) {
	for _, tc := range []struct {
		number string
		by     byte
		want   mark
	}{{"1,234", ';', comma}, {"1,234", ',', noMark}, {"1.234", ';', noMark}, {"1.234", ',', point}, {"1,234", '\t', noMark}, {"1.5", ';', point}} {
		var e evidence
		e.look([]byte(tc.number), 1)
		if got, _ := e.mark(tc.by); got != tc.want {
			t.Errorf("%s between %q: %q", tc.number, tc.by, got)
		}
	}
}

// Whatever digits a number has, it is what arithmetic without bounds makes of it.
func FuzzDecimal(f *testing.F) {
	for _, s := range []string{"1.5", "1,234.5", "-0.001", "1e-5", "1 234.5", "999999999999999999", "0.30000000000000004", "1'234", "−1.5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, by := range []mark{noMark, point, comma} {
			d, ok := parseDecimal([]byte(s), by)
			if !ok {
				continue
			}
			w, ok := d.times(3_600_000_000)
			if !ok {
				continue
			}
			plain := strings.TrimSuffix(strings.NewReplacer("−", "", "+", "", "-", "", " ", "", "\u00a0", "", "\u202f", "", "\u2009", "", "’", "", "'", "", "_", "", string(by.other()), "").Replace(s), "-")
			if by == comma {
				plain = strings.ReplaceAll(plain, ",", ".")
			}
			r, valid := new(big.Rat).SetString(plain)
			if !valid || strings.ContainsAny(s, "eE") || len(plain) > 18 {
				continue
			}
			r.Mul(r, big.NewRat(3_600_000_000, 1)).Add(r, big.NewRat(1, 2))
			if want := new(big.Int).Quo(r.Num(), r.Denom()); want.String() != w.String() {
				t.Errorf("%q is %s mJ, want %s", s, w, want)
			}
		}
	})
}
