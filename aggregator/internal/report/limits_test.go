package report_test

import (
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/report"
)

// germany are the rules of Germany for 2026.
func germany() (main *report.Set, beside []*report.Set) {
	sets, err := report.Sets()
	if err != nil {
		panic(err)
	}
	return report.For(sets, 2026, "DE")
}

// Which limits hold follows from when a site began, and from what year the report is.
func TestLimitsOfTheCountry(t *testing.T) {
	for name, tc := range map[string]struct {
		began   string
		load    string
		entries []string
		year    int
		want    map[string]string // limit and when it is due: what it is
	}{
		"a site that stands, in 2026": {began: "2026-01", year: 2026, want: map[string]string{
			"pue at most 1.5 2027-07-01": "ahead kept", "pue at most 1.3 2030-07-01": "ahead kept", "ref at least 0.50 2024-01-01": "broken", "ref at least 1.00 2027-01-01": "ahead broken"}},
		"a new site of the second half of 2026": {began: "2026-12", year: 2026, want: map[string]string{
			"pue at most 1.2 2028-12-01": "ahead unknown", "erf at least 0.10 2028-12-01": "ahead kept", "ref at least 0.50 2024-01-01": "broken", "ref at least 1.00 2027-01-01": "ahead broken"}},
		"a new site without heat pumps": {began: "2026-12", year: 2026, entries: []string{"heat_upgrade", "no"}, want: map[string]string{
			"pue at most 1.2 2028-12-01": "ahead broken", "erf at least 0.10 2028-12-01": "ahead kept", "ref at least 0.50 2024-01-01": "broken", "ref at least 1.00 2027-01-01": "ahead broken"}},
		"a new site whose heat pumps are known": {began: "2026-12", year: 2026, entries: []string{"e_heat_upgrade_kwh", "37200"}, want: map[string]string{ // (1250 × 744 − 37,200) / (1000 × 744) = 1.2
			"pue at most 1.2 2028-12-01": "ahead kept", "erf at least 0.10 2028-12-01": "ahead kept", "ref at least 0.50 2024-01-01": "broken", "ref at least 1.00 2027-01-01": "ahead broken"}},
		"a new site whose heat pumps take a little": {began: "2026-12", year: 2026, entries: []string{"e_heat_upgrade_kwh", "37199"}, want: map[string]string{
			"pue at most 1.2 2028-12-01": "ahead broken", "erf at least 0.10 2028-12-01": "ahead kept", "ref at least 0.50 2024-01-01": "broken", "ref at least 1.00 2027-01-01": "ahead broken"}},
		"a site below the threshold": {began: "2026-12", load: "200", year: 2026, want: map[string]string{}},
		"nobody states when it began": {began: "soon", year: 2026, want: map[string]string{
			"pue at most 1.5 2027-07-01": "unknown", "pue at most 1.3 2030-07-01": "unknown", "pue at most 1.2 ": "unknown", "erf at least 0.10 ": "unknown", "erf at least 0.15 ": "unknown",
			"erf at least 0.20 ": "unknown", "ref at least 0.50 2024-01-01": "broken", "ref at least 1.00 2027-01-01": "ahead broken"}},
	} {
		t.Run(name, func(t *testing.T) {
			entries := append([]string{"in_operation_since", tc.began}, tc.entries...)
			if tc.load != "" {
				entries = append(entries, "connected_load_kw", tc.load)
			}
			l := &fakeLedger{perHour: map[string]float64{"grid": 1250, "ups": 1000, "heat": 200}}
			in := faked(t, "meters:\n  - {id: grid, role: grid_input}\n  - {id: ups, role: ups_output}\n  - {id: heat, role: heat_reuse}\nit_power: {power: 2 MW, evidence: list}\n"+begun("2026-12", entries...), l)
			in.Rules, in.Beside = germany()
			r := build(t, in)
			got := map[string]string{}
			for _, p := range r.Previews {
				for _, x := range p.Limits {
					is, than := x.Is, "at most "+x.Most
					if x.Would != "" {
						is += " " + x.Would
					}
					if x.Least != "" {
						than = "at least " + x.Least
					}
					got[x.Of+" "+than+" "+x.Due] = is
				}
			}
			for k, is := range tc.want {
				if got[k] != is {
					t.Errorf("%s is %q, want %q", k, got[k], is)
				}
			}
			if len(got) != len(tc.want) {
				t.Errorf("limits are %v", got)
			}
			if raised(r, "W_HEAT_UPGRADE") != (tc.want["pue at most 1.2 2028-12-01"] == "ahead unknown") {
				t.Errorf("issues %v", codes(r))
			}
			if raised(r, "W_LIMIT") != (len(tc.want) > 0) {
				t.Errorf("issues %v", codes(r))
			}
		})
	}
}

// A document for the board says whether limits of the country are kept, as the workbook
// does.
func TestTheDocumentTellsLimits(t *testing.T) {
	r := germanYear(t)
	pages := words(t, document(t, "german", r, report.Beside{}))
	says(t, pages, "What other rules say of the year", "DE-ENEFG-2023", "PUE at most 1.5 2027-07-01", "not in force yet; this year's figure would keep it", "REF at least 0.50 2024-01-01", "not kept")
	if without := words(t, document(t, "plain", aYear(t), report.Beside{})); strings.Contains(flat(without), "other rules say") {
		t.Error("a record without other rules has a chapter of them")
	}
}
