package site

import (
	"strings"
	"testing"
	"time"
)

func TestZonesAndCountriesAreSound(t *testing.T) {
	seen := map[string]bool{}
	for _, z := range zones {
		if !ValidEIC(z.EIC) {
			t.Errorf("%s: the last character of %s does not fit", z.Name, z.EIC)
		}
		if seen[z.EIC] || seen[z.Name] {
			t.Errorf("%s stands twice", z.Name)
		}
		seen[z.EIC], seen[z.Name] = true, true
		for _, c := range z.Countries {
			if _, ok := countryOf(c); !ok {
				t.Errorf("%s: no country %s", z.Name, c)
			}
		}
		if got, ok := LookupZone(z.EIC); !ok || got.Name != z.Name {
			t.Errorf("%s is found as %v", z.EIC, got)
		}
	}
	for _, c := range countries {
		for name := range strings.FieldsSeq(c.times) {
			if _, err := time.LoadLocation(name); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		if c.box[0] >= c.box[1] || c.box[2] >= c.box[3] {
			t.Errorf("%s: box %v", c.name, c.box)
		}
		if len(zonesOf(c.code)) == 0 && c.code != "IS" {
			t.Errorf("%s has no bidding zone", c.name)
		}
	}
}

// Places of data centres, and one of each corner of the Union.
func TestCountriesHoldTheirPlaces(t *testing.T) {
	for _, p := range []struct {
		code      string
		lat, long float64
	}{
		{"DE", 50.92, 6.36}, {"DE", 48.74, 9.10}, {"FR", 45.19, 5.72}, {"ES", 41.39, 2.11}, {"IT", 44.52, 11.35}, {"FI", 64.23, 27.70}, {"SE", 58.41, 15.62},
		{"GR", 37.72, 24.05}, {"AT", 48.21, 16.37}, {"PL", 52.41, 16.93}, {"PL", 50.06, 19.94}, {"BG", 42.70, 23.32}, {"SI", 46.56, 15.65}, {"CZ", 49.84, 18.29},
		{"LT", 54.69, 25.28}, {"RO", 46.77, 23.62}, {"NL", 53.22, 6.57}, {"LU", 49.78, 6.10}, {"PT", 37.95, -8.87}, {"PT", 38.65, -27.22}, {"ES", 28.46, -16.25},
		{"CY", 35.17, 33.36}, {"MT", 35.90, 14.51}, {"IE", 53.35, -6.26}, {"NO", 69.65, 18.96}, {"EE", 59.44, 24.75}, {"HR", 42.65, 18.09}, {"HU", 47.50, 19.04},
	} {
		if c, _ := countryOf(p.code); !c.holds(Coordinates{p.lat, p.long}) {
			t.Errorf("%s does not hold %v, %v", p.code, p.lat, p.long)
		}
	}
}

func TestPatternsStandForNames(t *testing.T) {
	for p, want := range map[string]string{
		"r0001":           "r0001",
		"r[0001-0003]":    "r0001 r0002 r0003",
		"r[8-11]":         "r8 r9 r10 r11",
		"r[08-11]":        "r08 r09 r10 r11",
		"r[098-101]":      "r098 r099 r100 r101",
		"[1-2,7]":         "1 2 7",
		"p-[a,b]":         "p-a p-b",
		"p[A-C]":          "pA pB pC",
		"h[1-2]r[01-02]":  "h1r01 h1r02 h2r01 h2r02",
		"x[1-2]y[a]z":     "x1yaz x2yaz",
		"10.0.[0-1].[7]0": "10.0.0.70 10.0.1.70",
	} {
		n, err := count(p)
		got := expand(p)
		if err != nil || n != len(got) || strings.Join(got, " ") != want {
			t.Errorf("%s: %d, %v: %q", p, n, err, got)
		}
	}
}

func FuzzPattern(f *testing.F) {
	for _, p := range []string{"r[0001-0064]", "h[1-2]r[01-10]", "[a-d,7]", "[", "[]", "[1-]", "[-1]", "[9-1]", "a]b", "[1-99999][1-9]", "[00-9]"} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p string) {
		n, err := count(p)
		if err != nil {
			return
		}
		got := expand(p)
		if len(got) != n || n < 1 && p != "" || n > mostOfPattern {
			t.Fatalf("%q: counted %d, are %d", p, n, len(got))
		}
		for _, name := range got {
			if len(name) > longestName {
				t.Fatalf("%q stands for a name of %d bytes", p, len(name))
			}
		}
	})
}

func FuzzQuantity(f *testing.F) {
	for _, n := range []int64{0, 1, 999, 1000, 1500, 45_000_000, 150_000_000_000, 1<<63 - 1} {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, n int64) {
		for _, s := range []*scale{&powers, &energies, &shares, &factors, &flows, &temperatures, &voltages, &masses} {
			if n < 0 && !s.signed || n == -1<<63 {
				continue
			}
			text := s.format(n)
			all, decimals, name, ok := number(text)
			if !ok {
				t.Fatalf("%d: %q is no number", n, text)
			}
			for _, u := range s.units {
				if u.name == name {
					if back, ok := scaled(all, decimals, u.mul, u.div); !ok || back != n {
						t.Fatalf("%d is written %q and read as %d", n, text, back)
					}
				}
			}
		}
	})
}
