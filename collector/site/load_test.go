package site_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/collector/site"
)

func TestMoreMetersThanACollectorSends(t *testing.T) {
	text := func(by string, last int, values string) string {
		return fmt.Sprintf("  - id: %[1]s[0001-%04[2]d]\n    role: cooling\n    point: %[1]s[0001-%04[2]d]\n    measures: [power, temperature]\n    read: {by: %[3]s, modbus: {address: '%[1]s[0001-%04[2]d].plant', unit: 1, function: 3, word_order: high_first, values: [{measures: power, offset: 0, type: f32, unit: W}%[4]s]}}\n", "m"+by, last, by, values)
	}
	point := ", {measures: temperature, point: supply, offset: 2, type: f32, unit: C}"
	head := "site: demo\ntime_zone: UTC\nmeters:\n"
	for situation, tc := range map[string]struct{ meters, want string }{
		"as many as fit":                 {text("a", site.MostSent, ""), ""},
		"one more":                       {text("a", site.MostSent+1, ""), fmt.Sprintf("site.yaml:8: meters.ma[0001-%d].read: warning: %d meters are read by a, ", site.MostSent+1, site.MostSent+1)},
		"each has a point":               {text("a", site.MostSent/2+1, point), fmt.Sprintf("with their points and places %d, and a collector sends %d", site.MostSent+2, site.MostSent)},
		"two collectors":                 {text("a", site.MostSent, "") + text("b", site.MostSent, ""), ""},
		"two groups of one of them":      {text("a", site.MostSent, "") + strings.ReplaceAll(text("a", 9, ""), "ma[", "na["), "read by a"},
		"nobody is named to read them":   {strings.Replace(text("a", 9000, ""), "by: a, ", "", 1), "are read by whoever reads what names nobody"},
		"they stand in a hall of theirs": {strings.Replace(text("a", site.MostSent, ""), "    role", "    hall: h1\n    role", 1), "and a collector sends"},
	} {
		h := head
		if strings.Contains(situation, "hall") {
			h = strings.Replace(head, "meters", "halls: h1\nmeters", 1)
		}
		s, err := site.Parse("site.yaml", []byte(h+tc.meters))
		if err != nil {
			t.Fatalf("%s: %v", situation, err)
		}
		var got []string
		for _, p := range s.Check() {
			if strings.Contains(p.Text, "a collector sends") {
				got = append(got, p.String())
			}
		}
		if said := strings.Join(got, "\n"); (tc.want == "") != (said == "") || !strings.Contains(said, tc.want) {
			t.Errorf("%s: %q, want %q", situation, said, tc.want)
		}
	}
}

func TestGridMetersFarAboveTheConnection(t *testing.T) {
	for rating, want := range map[string]bool{"100 MW": true, "1 MW": false, "400 kW": false} {
		s, err := site.Parse("site.yaml", []byte("site: demo\ntime_zone: UTC\ngrid: {connection: 400 kW}\nmeters:\n  - {id: g, role: grid_input, rating: "+rating+"}\n"))
		if err != nil {
			t.Fatal(err)
		}
		got := false
		for _, p := range s.Check() {
			got = got || strings.Contains(p.Text, "the connection lets 400 kW flow") && p.Key == "grid.connection" && p.Line == 3
		}
		if got != want {
			t.Errorf("rated %s: said %v", rating, got)
		}
	}
}
