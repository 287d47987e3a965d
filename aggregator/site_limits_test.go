package main

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/site"
)

func TestLimitsOfTheSiteFileAreSeries(t *testing.T) {
	x := &siteFile{name: "example-site"}
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	told := func(b []byte) (lines []string) {
		t.Helper()
		s, err := site.Parse("site.yaml", b)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range x.tell(s, false, now) {
			lines = append(lines, fmt.Sprintf("%s %s/%s %g", metric.Lookup(p.Metric).Name, p.Place.Hall, p.Place.Rack, p.Value))
		}
		slices.Sort(lines)
		return lines
	}
	want := []string{
		"rack_feed_rating_watts h01/r0001 100000", "rack_feed_rating_watts h01/r0002 100000",
		"rack_power_rating_watts h01/r0001 100000", "rack_power_rating_watts h01/r0002 100000",
		"site_coolant_limit_celsius / 40", "site_coverage_needed_ratio / 0.99",
		"site_grid_contract_watts / 400000", "site_pue_plan_ratio / 1.35",
	}
	if diff := cmp.Diff(want, told(site.Example)); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	less := bytes.Replace(site.Example, []byte("  coolant: 40 °C\n"), nil, 1)
	want[4] = "site_coolant_limit_celsius / NaN"
	if diff := cmp.Diff(want, told(less)); diff != "" {
		t.Errorf("without one: want -, got +\n%s", diff)
	}
	if diff := cmp.Diff(slices.Delete(want, 4, 5), told(less)); diff != "" {
		t.Errorf("its end is said once: want -, got +\n%s", diff)
	}
}
