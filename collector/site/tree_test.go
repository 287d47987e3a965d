package site_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/collector/site"
)

// drawn is the balances of a site, as text.
func drawn(s *site.Site) (lines []string) {
	t := s.PowerTree()
	ids := func(list []int) string {
		var names []string
		for _, i := range list {
			n := &t.Nodes[i]
			name := n.Meter.ID
			for _, b := range n.Backups {
				name += "/" + b.ID
			}
			names = append(names, name)
		}
		return strings.Join(names, " ")
	}
	for _, b := range t.Balances() {
		lines = append(lines, ids(b.Parents)+" → "+ids(b.Children))
	}
	return lines
}

func TestEveryLevelCanBeHeldAgainstTheNext(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want []string
	}{
		"the example": {"", []string{
			"grid-a/grid-a-settlement grid-b generator solar → ups-01 ups-02 chillers dry-cooler-1 dry-cooler-2 lighting",
			"ups-01 ups-02 → r0001-pdu-a r0002-pdu-a r0001-pdu-b r0002-pdu-b",
		}},
		"no meters at all": {"racks: []", nil},
		"one level": {`
meters:
  - {id: g, role: grid_input}
  - {id: u, role: ups_output}`, []string{"g → u"}},
		"a chain with a board, and what hangs beside it": {`
meters:
  - {id: g, role: grid_input}
  - {id: b, role: distribution, parent: g}
  - {id: u, role: ups_output, parent: b}
  - {id: c, role: cooling, parent: b, point: 1}
  - {id: l, role: lighting}
  - {id: w, role: water_total}
  - {id: "p[1-2]", role: pdu_output, parent: u}`, []string{"g → b l", "b → u c", "u → p1 p2"}},
		"two halls, each with modules side by side": {`
meters:
  - {id: g, role: grid_input}
  - {id: "a[1-2]", role: ups_output}
  - {id: "b[1-2]", role: ups_output, feed: B}
  - {id: p1, role: pdu_output, parent: [a1, a2]}
  - {id: p2, role: pdu_output, parent: [a1, a2], point: 2}
  - {id: q, role: pdu_output, parent: ["b[1-2]"]}`, nil},
		"modules chained by what they share": {`
meters:
  - {id: u1, role: ups_output, point: 1}
  - {id: u2, role: ups_output, point: 2}
  - {id: u3, role: ups_output, point: 3}
  - {id: p12, role: pdu_output, parent: [u1, u2]}
  - {id: p23, role: pdu_output, parent: [u2, u3]}`, []string{"u1 u2 u3 → p12 p23"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := site.Example
			if tc.text != "" {
				b = []byte("site: x\ntime_zone: UTC\n" + tc.text)
			}
			s, err := site.Parse("site.yaml", b)
			if tc.want == nil && len(s.PowerTree().Nodes) > 0 {
				// One parent for one meter: a pattern of two does not say that both feed it.
				if err == nil || !strings.Contains(err.Error(), "stands for 2 names, and there is 1 of these") {
					t.Errorf("it says %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "balances", drawn(s), tc.want)
		})
	}
}

func TestBackupStandsAtTheNodeOfTheFirst(t *testing.T) {
	s, err := site.Parse("site.yaml", site.Example)
	if err != nil {
		t.Fatal(err)
	}
	tree := s.PowerTree()
	if a, b := tree.Node("grid-a"), tree.Node("grid-a-settlement"); a < 0 || a != b {
		t.Errorf("nodes %d and %d", a, b)
	}
	if tree.Node("water") >= 0 || tree.Node("nothing") >= 0 {
		t.Error("water flows in the power tree")
	}
}

func TestCategoryIsTheOutermostThatReachesAllRacks(t *testing.T) {
	racks := "halls: h[1-2]\nracks:\n  - {id: \"r[1-2]\", hall: h1}\n  - {id: \"r[3-4]\", hall: h2}\nmeters:\n"
	for name, tc := range map[string]struct{ text, want string }{
		"nothing":                    {racks + "  - {id: g, role: grid_input}", "no category: no meter has role ups_output, pdu_output or it_input"},
		"a UPS for the site":         {racks + "  - {id: u, role: ups_output}", "category 1: IT energy is metered at ups_output by 1 meter, which reach all 4 racks"},
		"a UPS a hall":               {racks + "  - {id: \"u[1-2]\", role: ups_output, hall: \"h[1-2]\"}", "category 1: IT energy is metered at ups_output by 2 meters, which reach all 4 racks"},
		"a UPS of one hall":          {racks + "  - {id: u1, role: ups_output, hall: h1}", "category 1: IT energy is metered at ups_output by 1 meter, which reach 2 of 4 racks"},
		"PDUs of all racks":          {racks + "  - {id: \"p[1-4]\", role: pdu_output, rack: \"r[1-4]\"}", "category 2: IT energy is metered at pdu_output by 4 meters, which reach all 4 racks"},
		"a UPS over the PDUs of all": {racks + "  - {id: u, role: ups_output}\n  - {id: \"p[1-4]\", role: pdu_output, rack: \"r[1-4]\", parent: u}", "category 1: IT energy is metered at ups_output by 1 meter, which reach all 4 racks"},
		"a UPS over the PDUs of two": {racks + "  - {id: b, role: distribution}\n  - {id: u, role: ups_output, parent: b}\n  - {id: \"p[1-2]\", role: pdu_output, rack: \"r[1-2]\", parent: u}\n  - {id: \"p[3-4]\", role: pdu_output, rack: \"r[3-4]\", parent: b}", "category 2: IT energy is metered at pdu_output by 4 meters, which reach all 4 racks"},
		"inputs of all racks":        {racks + "  - {id: \"i[1-4]\", role: it_input, rack: \"r[1-4]\"}", "category 3: IT energy is metered at it_input by 4 meters, which reach all 4 racks"},
		"no racks are described":     {"meters:\n  - {id: u, role: ups_output}\n  - {id: p, role: pdu_output, parent: u}", "category 1: IT energy is metered at ups_output by 1 meter"},
	} {
		equal(t, name, parse(t, tc.text).ITCategory().String(), tc.want)
	}
}

func TestWhatIsMissingSaysWhichFigureItCosts(t *testing.T) {
	var got strings.Builder
	for _, step := range []struct{ name, text string }{
		{"nothing but a name", ""},
		{"a grid meter that nothing reads", "meters:\n  - {id: g, role: grid_input}\n"},
		{"grid and UPS", "meters:\n  - {id: g, role: grid_input, read: {csv: {}}}\n  - {id: u, role: ups_output, read: {csv: {}}}\n"},
	} {
		fmt.Fprintf(&got, "%s\n", step.name)
		for _, o := range parse(t, step.text).Outlooks() {
			fmt.Fprintf(&got, "  %-5v %s: %s\n", o.Have, o.Name, o.Text)
		}
	}
	const facility, it = "no facility meter: none that is read has role grid_input, generator_output or onsite_generation", "no IT meter: none that is read has role ups_output, pdu_output or it_input"
	nothing := `  false pue: ` + facility + `; ` + it + `; it will say "no metered PUE"
  false wue: no water meter: none that is read has role water_total; ` + it + `
  false cue: no grid meter: none that is read has role grid_input; ` + it + `
  false erf: no heat meter: none that is read has role heat_reuse; ` + facility + `
  false ref: ` + facility + `; nothing renewable: no meter of role onsite_generation, and no PPA or guarantees that are retired
  false carbon_location: no grid meter: none that is read has role grid_input
  false carbon_market: no grid meter: none that is read has role grid_input; no contracts, and no residual mix
  false carbon_free_hourly: no grid meter: none that is read has role grid_input; nothing that could be matched: no PPA, and no meter of role onsite_generation
  false carbon_scope1: no generators are described; no meter that is read has role generator_output
  false cost: no grid meter: none that is read has role grid_input; no tariff
  false reconciliation: no meter is below another: nothing can be held against anything
  false cdd: no coordinates: the weather is not known
  false t_in_c: no set_points
  false pd_it_kw: no hosts are described
`
	want := "nothing but a name\n" + nothing + "a grid meter that nothing reads\n" + nothing + `grid and UPS
  true  pue: category 1, facility over ups_output
  false wue: no water meter: none that is read has role water_total
  true  cue: grid energy times the carbon intensity of BE
  false erf: no heat meter: none that is read has role heat_reuse
  false ref: nothing renewable: no meter of role onsite_generation, and no PPA or guarantees that are retired
  true  carbon_location: grid energy times the carbon intensity of BE
  false carbon_market: no contracts, and no residual mix
  false carbon_free_hourly: nothing that could be matched: no PPA, and no meter of role onsite_generation
  false carbon_scope1: no generators are described; no meter that is read has role generator_output
  false cost: no tariff
  true  reconciliation: 1 part of the power tree, each against the sum of what it feeds
  false cdd: no coordinates: the weather is not known
  false t_in_c: no set_points
  false pd_it_kw: no hosts are described
`
	equal(t, "outlooks", got.String(), want)
}
