package site_test

import (
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/collector/site"
)

const reportHead = "site: s1\ncountry: LU\nzone: DE-LU\ntime_zone: Europe/Luxembourg\n"

func TestWhatAReportAsksForIsRead(t *testing.T) {
	s, err := site.Parse("site.yaml", []byte(reportHead+`
it_power:
  - {power: 2000 kW, first_day: 2026-01-01, last_day: 2026-03-31, evidence: list}
  - {power: 3.5 MW, first_day: 2026-04-01, basis: installed, evidence: list}
people:
  - {name: Anna, may: [prepare, submit]}
  - {name: Ben, may: approve}
contracts:
  ppa:
    - {name: park, technology: solar, volume: 4 GWh, not_retired: 1500 MWh, contract_volume: 6 GWh, guarantees: [LU-1, LU-2], guarantees_retired: true, evidence: contract}
`))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.ITPower) != 2 || s.ITPower[0].Basis != "installed" || s.ITPower[1].Power != 3_500_000_000 {
		t.Errorf("power of IT is %+v", s.ITPower)
	}
	if len(s.People) != 2 || s.People[0].Name != "Anna" || len(s.People[0].May) != 2 || s.People[1].May[0] != site.MayApprove {
		t.Errorf("people are %+v", s.People)
	}
	if p := s.Contracts.PPAs[0]; p.Unretired != 1_500_000_000 || p.Contract != 6_000_000_000 || len(p.Guarantees) != 2 {
		t.Errorf("the agreement is %+v", p)
	}
}

func TestWhatAReportAsksForIsRefusedWhen(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"two powers hold at once":       {"it_power:\n  - {power: 2 MW, evidence: a}\n  - {power: 3 MW, first_day: 2026-04-01, evidence: a}\n", "hold at once"},
		"power is left out":             {"it_power:\n  - {evidence: a}\n", "how much IT"},
		"nothing is installed":          {"it_power:\n  - {power: 0 kW, evidence: a}\n", "no power is installed"},
		"nobody knows the role":         {"people:\n  - {name: Anna, may: [sign]}\n", `"sign" is none of`},
		"a person may do nothing":       {"people:\n  - {name: Anna}\n", "what Anna may do"},
		"a person stands twice":         {"people:\n  - {name: Anna, may: approve}\n  - {name: Anna, may: submit}\n", "stands twice"},
		"more is unretired than it has": {"contracts:\n  ppa:\n    - {name: p, technology: solar, volume: 1 GWh, not_retired: 2 GWh, guarantees_retired: true, evidence: c}\n", "not retired"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := site.Parse("site.yaml", []byte(reportHead+tc.text)); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %q", err, tc.want)
			}
		})
	}
}
