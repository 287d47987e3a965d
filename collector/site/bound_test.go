package site_test

import (
	"bytes"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/collector/site"
)

// Files that would fill a machine if they were taken at their word.
var huge = map[string]string{
	"one pattern of a billion":          "racks:\n  - id: r[1-999999999]\n",
	"patterns in a pattern":             "racks:\n  - id: r" + strings.Repeat("[0-9]", 200) + "\n",
	"a list of ranges":                  "racks:\n  - id: r[" + strings.Repeat("1-99999,", 100) + "1]\n",
	"a thousand patterns of many racks": "racks:\n" + strings.Repeat("  - id: r[1-20000]\n", 1000),
	"many meters that feed all racks":   "racks:\n  - id: r[1-20000]\nmeters:\n" + strings.Repeat("  - {id: a, role: pdu_output, rack: \"r[1-20000]\"}\n", 15_000),
	"meters that feed each other":       "meters:\n" + chain(15_000),
	"hosts by the number":               "racks:\n  - id: r[1-20000]\n    hosts:\n" + strings.Repeat("      - number: 100000\n", 10_000),
	"hosts for each rack":               "racks:\n  - id: r[1-20000]\n    hosts:\n" + strings.Repeat("      - names: \"{rack}-[1-60000]\"\n", 1000),
	"a name for each letter":            "meters:\n  - id: m[1-50000]\n    role: grid_input\n    point: " + strings.Repeat("x", 240) + "[1-50000]\n",
	"unknown keys":                      strings.Repeat("tarif: 1\ntaruf: 1\n", 40_000),
	"unknown keys, each another":        unknown(60_000),
	"unknown parents":                   "meters:\n  - {id: \"m[1-40000]\", role: distribution, parent: \"n[1-40000]\"}\n",
	"contracts":                         "contracts:\n  ppa:\n" + strings.Repeat("    - {name: a, share: 1 %}\n", 30_000),
	"tariffs":                           "tariff:\n" + strings.Repeat("  - {fixed_price: 1 EUR/MWh, grid_fee: [{fee: 1 EUR/MWh}]}\n", 15_000),
	"aliases of aliases":                "a: &a [1]\n" + strings.Repeat("b: &b [*a, *a, *a]\n", 1000),
	"lists in lists":                    "halls: " + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + "\n",
	"numbers with many digits":          "grid:\n  connection: " + strings.Repeat("9", 900_000) + " kW\n",
	"more bytes than there may be":      strings.Repeat("# all quiet\n", 1<<20),
}

func chain(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("  - {id: m" + itoa(i) + ", role: distribution, parent: m" + itoa((i+1)%n) + "}\n")
	}
	return b.String()
}

func unknown(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("k" + itoa(i) + ": 1\n")
	}
	return b.String()
}

func itoa(i int) string {
	var digits []byte
	for {
		digits = append(digits, byte('0'+i%10))
		if i /= 10; i == 0 {
			break
		}
	}
	slices.Reverse(digits)
	return string(digits)
}

func TestNoFileFillsTheMachine(t *testing.T) {
	for name, text := range huge {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			s, err := site.Parse("site.yaml", []byte("site: x\ntime_zone: UTC\n"+text))
			runtime.ReadMemStats(&after)
			if err == nil && name != "a name for each letter" {
				t.Error("it was taken")
			}
			// A file may take a few hundred times its bytes, as YAML nodes and names.
			if got := after.TotalAlloc - before.TotalAlloc; got > 1<<30 {
				t.Errorf("%d MiB were allocated", got>>20)
			}
			problems := s.Check()
			if len(problems) > 402 {
				t.Errorf("%d problems", len(problems))
			}
			size := 0
			for _, p := range problems {
				size += len(p.String())
			}
			if size > 1<<20 {
				t.Errorf("problems of %d bytes", size)
			}
		})
	}
}

func TestProblemsThatAreNotListedAreCounted(t *testing.T) {
	s, err := site.Parse("site.yaml", []byte("site: x\ntime_zone: UTC\n"+unknown(1000)))
	problems := s.Check()
	last := problems[len(problems)-1]
	if len(problems) != 201 || last.Severity != site.Error || !strings.Contains(last.Text, "800 more") || !strings.Contains(err.Error(), "800 more") {
		t.Errorf("%d problems, the last: %v", len(problems), last)
	}
}

// A gigafactory in a few lines: a hundred thousand GPUs, a meter for every feed.
func TestGigafactoryInAFewLines(t *testing.T) {
	s := parse(t, `
halls: h[01-22]
racks:
  - id: r[0001-1400]
    rating: 142 kW
    hosts:
      - names: n[00001-25200]
        gpus: 4
meters:
  - id: grid-[1-4]
    role: grid_input
    rating: 100 MW
    read:
      modbus:
        address: 10.0.0.[1-4]
        profile: schneider-pm5000
  - id: ups-[001-180]
    role: ups_output
    rating: 1.5 MW
    read:
      modbus:
        address: 10.0.1.[1-180]
        profile: schneider-pm5000
  - id: r[0001-1400]-pdu-[a,b]
    role: pdu_output
    parent: ups-001
    rating: 142 kW
    read:
      snmp:
        address: 10.1.[0-27].[1-100]
        version: v3
        user: u
        auth_file: a
        priv_file: p
        profile: raritan-pdu2
`[1:])
	if got := s.Expected(s.MidnightOf(site.Date{Year: 2026, Month: 1, Day: 1})); got != (site.Inventory{Racks: 1400, Hosts: 25200, GPUs: 100800, Unrated: 25200}) {
		t.Errorf("%+v", got)
	}
	equal(t, "meters", len(s.Meters), 4+180+2800)
	equal(t, "the last", s.Meters[len(s.Meters)-1].Read.SNMP.Address, "10.1.27.100:161")
}

func FuzzParse(f *testing.F) {
	f.Add(site.Example)
	f.Add([]byte("site: ["))
	for _, text := range huge {
		if len(text) < 200 {
			f.Add([]byte(text))
		}
	}
	for chunk := range bytes.SplitSeq(site.Example, []byte("\n# ----")) {
		f.Add(append([]byte("site: x\ntime_zone: Europe/Lisbon\n#"), chunk...))
	}
	f.Add([]byte("site: x\ntime_zone: Europe/Brussels\nmeters:\n  - {id: a, role: ups_output, parent: [b, a], backup_of: b}\n  - {id: b, role: ups_output, parent: a, rack: [r, r]}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := site.Parse("site.yaml", b)
		if s == nil {
			t.Fatal("no site")
		}
		errors := 0
		for _, p := range s.Check() {
			if p.Text == "" || p.File != "site.yaml" || strings.Contains(p.String(), "%!") {
				t.Errorf("a problem without words: %q", p)
			}
			if p.Severity == site.Error {
				errors++
			}
		}
		if (err != nil) != (errors > 0) {
			t.Errorf("%d errors, and %v", errors, err)
		}
		now := s.MidnightOf(site.Date{Year: 2026, Month: 10, Day: 25})
		s.Expected(now)
		s.TariffAt(now)
		s.BandAt(now)
		s.Outlooks()
		if s.PowerTree() != nil {
			_ = s.ITCategory().String()
			s.PowerTree().Balances()
		}
		for i := range s.Meters {
			s.Meters[i].At(now)
			_ = s.Meters[i].Read.Protocol()
		}
	})
}
