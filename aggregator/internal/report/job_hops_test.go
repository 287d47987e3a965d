package report_test

import (
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/report"
)

// What lies between boundaries is measured, stated, of the month, or missing: never
// taken from elsewhere.
func TestAHopIsKnownOrSaysWhyNot(t *testing.T) {
	const meters, ratios = "meters:\n  - {id: grid, role: grid_input}\n  - {id: ups, role: ups_output}\n", "report:\n  shared_ratio: {value: 0.05, evidence: measurement}\n"
	for name, tc := range map[string]struct {
		sections   string
		noCounters bool
		quiet      func(meter string, n int64) bool
		methods    [4]string // "": missing
		missing    string    // of the last
		coverage   string    // of the last
		issue      string
	}{
		"shared is stated":       {sections: meters + ratios, methods: [4]string{"measured", "allocated", "estimated", "estimated"}, coverage: "100"},
		"shared is nowhere":      {sections: meters, methods: [4]string{"measured", "allocated"}, missing: "report.shared_meters", issue: "W_BOUNDARY_MISSING"},
		"nodes have no counters": {sections: meters + ratios, noCounters: true, methods: [4]string{"measured"}, missing: "report.node_gpu_ratio", issue: "W_BOUNDARY_MISSING"},
		"nodes have no counters, and their ratio is stated": {sections: meters + ratios + "  node_gpu_ratio: {value: 1.4, evidence: measurement}\n", noCounters: true,
			methods: [4]string{"measured", "estimated", "estimated", "estimated"}, coverage: "100"},
		"there is no IT meter": {sections: "meters:\n  - {id: grid, role: grid_input}\n" + ratios, methods: [4]string{"measured", "allocated", "estimated"}, missing: "no PUE of the hour", issue: "W_BOUNDARY_MISSING"},
		"the grid's meter is silent for hours": {sections: meters + ratios, quiet: func(m string, n int64) bool { return m == "grid" && n > 4 && n < 16 },
			methods: [4]string{"measured", "allocated", "estimated", "estimated"}, coverage: "<100", issue: "W_COVERAGE"},
	} {
		t.Run(name, func(t *testing.T) {
			f, from, hours := shared(t)
			f.site = parse(t, siteHead+tc.sections)
			f.noCounters, f.quiet = tc.noCounters, tc.quiet
			f.sealFloor(from, hours)
			in := f.jobInput(2026, from, hours)
			in.Tenant = "acme"
			s, err := report.JobOf(in)
			if err != nil {
				t.Fatal(err)
			}
			for i, e := range s.Energies {
				if e.Method != tc.methods[i] || (e.Missing == "") != (tc.methods[i] != "") {
					t.Errorf("%s: %q, missing %q", e.Boundary, e.Method, e.Missing)
				}
			}
			last := s.Energies[3]
			switch {
			case !strings.Contains(last.Missing, tc.missing) || tc.missing != "" && last.KWh != nil:
				t.Errorf("%+v", last)
			case tc.coverage == "<100" && last.Coverage.Float() >= 95, tc.coverage == "100" && last.Coverage.String() != "100":
				t.Errorf("coverage %v", last.Coverage)
			}
			found := tc.issue == ""
			for _, i := range s.Issues {
				found = found || i.Code == tc.issue
			}
			if !found {
				t.Errorf("issues %v", s.Issues)
			}
			for _, c := range s.Carbon {
				if (c.Missing == "") != (last.Missing == "") && c.Key == "co2_location_kg" {
					t.Errorf("%+v", c)
				}
			}
		})
	}
}
