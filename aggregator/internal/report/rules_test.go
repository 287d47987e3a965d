package report_test

import (
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/report"
)

func TestRulesAreChosenByThePeriod(t *testing.T) {
	sets, err := report.Sets()
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		year    int
		country string
		main    string
		beside  string
	}{
		"the first period":             {2023, "FR", "EU-2024-1364", ""},
		"before there was any":         {2022, "FR", "", ""},
		"with a set that is pending":   {2026, "FR", "EU-2024-1364", "EU-2024-1364+C3472"},
		"in a country with its own":    {2025, "DE", "EU-2024-1364", "DE-ENEFG-2023"},
		"with both":                    {2026, "DE", "EU-2024-1364", "DE-ENEFG-2023 EU-2024-1364+C3472"},
		"of a country that is unknown": {2026, "", "EU-2024-1364", "EU-2024-1364+C3472"},
	} {
		main, beside := report.For(sets, tc.year, tc.country)
		id := ""
		if main != nil {
			id = main.ID
		}
		var ids []string
		for _, s := range beside {
			ids = append(ids, s.ID)
		}
		if id != tc.main || strings.Join(ids, " ") != tc.beside {
			t.Errorf("%s: %q and %q, want %q and %q", name, id, ids, tc.main, tc.beside)
		}
	}
}

func TestRulesAskForWhatTheActsDo(t *testing.T) {
	sets, err := report.Sets()
	if err != nil {
		t.Fatal(err)
	}
	act := report.Find(sets, "EU-2024-1364")
	points := map[string]bool{}
	for _, f := range act.Figures {
		points[f.Point] = true
		if f.Title == "" || f.At == "" || f.Unknown != "" {
			t.Errorf("%s: %+v", f.Key, f)
		}
	}
	if len(points) != 24 || len(act.Figures) != 25 {
		t.Errorf("%d figures of %d points, want 25 of 24", len(act.Figures), len(points))
	}
	if due := []string{act.Due(2023), act.Due(2024), act.Due(2026)}; !slices.Equal(due, []string{"2024-09-15", "2025-05-15", "2027-05-15"}) {
		t.Errorf("due on %v", due)
	}
	for kw, want := range map[int64]string{99: "", 100: "very small", 500: "small", 1999: "medium", 2000: "large", 10_000: "large", 10_001: "very large"} {
		if got := act.SizeOf(big.NewRat(kw, 1)); got != want {
			t.Errorf("%d kW is %q, want %q", kw, got, want)
		}
	}
	if act.Class("pue", big.NewRat(1, 1)) != "" {
		t.Error("the act in force has no classes")
	}
	next := report.Find(sets, "EU-2024-1364+C3472")
	key := func(f report.Asked) string { return f.Key }
	var keys []string
	for _, f := range next.Figures {
		keys = append(keys, key(f))
	}
	if slices.Contains(keys, "w_in_pot_m3") || !slices.Contains(keys, "w_in_fre_m3") || !slices.Contains(keys, "s_dc_m2") || len(next.Unknown) == 0 || next.Status != report.AdoptedPending {
		t.Errorf("%s asks for %v, %s, %v", next.ID, keys, next.Status, next.Unknown)
	}
	if i := slices.IndexFunc(next.Figures, func(f report.Asked) bool { return f.Key == "e_it_kwh" }); next.Figures[i].Unknown == "" || next.Figures[i].At == "" {
		t.Errorf("what is redefined is not marked: %+v", next.Figures[i])
	}
	if next.Hash == act.Hash || len(act.Hash) != 64 {
		t.Error("sets have no hash of their own")
	}
	if g := report.Find(sets, "DE-ENEFG-2023"); g.Due(2026) != "2027-03-31" || len(g.Limits) == 0 || g.Country != "DE" {
		t.Errorf("%+v", g)
	}
}

// T10: what ends a class belongs to it.
func TestVectorT10ClassesEndAtTheirLimits(t *testing.T) {
	sets, err := report.Sets()
	if err != nil {
		t.Fatal(err)
	}
	s := report.Find(sets, "EU-2024-1364+C3472")
	for _, tc := range []struct{ of, v, want string }{
		{"pue", "1.15", "A"}, {"pue", "1.1500001", "B"}, {"pue", "1.25", "B"}, {"pue", "1.9", "F"}, {"pue", "1.9000001", "G"},
		{"wue", "0.1", "A"}, {"wue", "1.0", "F"}, {"wue", "1.01", "G"}, {"erf", "0.1", ""},
	} {
		v, _ := new(big.Rat).SetString(tc.v)
		if got := s.Class(tc.of, v); got != tc.want {
			t.Errorf("%s of %s is of class %q, want %q", tc.of, tc.v, got, tc.want)
		}
	}
}
