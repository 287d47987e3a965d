package site

import (
	"slices"
	"strings"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// An Outlook says whether the site, as it is described, can have a figure.
type Outlook struct {
	Name string // of the KPI
	Have bool
	Text string // what it rests on, or what it lacks and what will be said instead
}

// Outlooks are those of all figures.
func (s *Site) Outlooks() []Outlook {
	var list []Outlook
	say := func(name, rests string, lacks ...string) {
		lacks = slices.DeleteFunc(lacks, func(l string) bool { return l == "" })
		if len(lacks) == 0 {
			list = append(list, Outlook{name, true, rests})
			return
		}
		list = append(list, Outlook{name, false, strings.Join(lacks, "; ")})
	}
	facility := s.lacksRole("no facility meter: none that is read has role grid_input, generator_output or onsite_generation",
		metric.RoleGridInput, metric.RoleGeneratorOutput, metric.RoleOnsiteGeneration)
	grid := s.lacksRole("no grid meter: none that is read has role grid_input", metric.RoleGridInput)
	it := s.lacksRole("no IT meter: none that is read has role ups_output, pdu_output or it_input", itRoles[:]...)
	water := s.lacksRole("no water meter: none that is read has role water_total", metric.RoleWaterTotal)
	heat := s.lacksRole("no heat meter: none that is read has role heat_reuse", metric.RoleHeatReuse)
	zone := lack(s.Zone.Name == "", "no zone: the carbon of the grid's energy is not known")
	c := s.ITCategory()

	pue := "category " + string(rune('0'+c.Number)) + ", facility over " + c.Role
	if facility+it != "" {
		say("pue", "", facility, it, `it will say "no metered PUE"`)
	} else {
		say("pue", pue)
	}
	say("wue", "water_total over "+c.Role, water, it)
	say("cue", "grid energy times the carbon intensity of "+s.Zone.Name, grid, it, zone)
	say("erf", "heat_reuse over facility energy", heat, facility)
	say("ref", s.renewables(), facility, lack(s.renewables() == "", "nothing renewable: no meter of role onsite_generation, and no PPA or guarantees that are retired"))
	say("carbon_location", "grid energy times the carbon intensity of "+s.Zone.Name, grid, zone)
	say("carbon_market", "contracts, and for the rest "+s.rest(), grid, s.lacksMarket())
	say("carbon_free_hourly", "contracts and on-site generation, hour by hour", grid,
		lack(len(s.Contracts.PPAs) == 0 && len(s.MetersOf(metric.RoleOnsiteGeneration)) == 0, "nothing that could be matched: no PPA, and no meter of role onsite_generation"))
	say("carbon_scope1", "generator_output times the factor of its fuel",
		lack(len(s.Generators) == 0, "no generators are described"),
		lack(len(s.Generators) > 0 && slices.ContainsFunc(s.Generators, func(g Generator) bool { return !g.HasFactor }), "a generator's fuel has no factor"),
		s.lacksRole("no meter that is read has role generator_output", metric.RoleGeneratorOutput))
	say("cost", s.priced(), grid, lack(len(s.Tariffs) == 0, "no tariff"))
	say("reconciliation", plural(len(s.tree.Balances()), "part")+" of the power tree, each against the sum of what it feeds",
		lack(len(s.tree.Balances()) == 0, "no meter is below another: nothing can be held against anything"))
	say("cdd", "weather at the coordinates", lack(s.Coordinates == nil, "no coordinates: the weather is not known"))
	say("t_in_c", "set_points", lack(len(s.SetPoints) == 0, "no set_points"))
	say("pd_it_kw", "nominal power of the hosts", s.lacksRatings())
	return list
}

// lacksRatings is why the installed power of IT is not known.
func (s *Site) lacksRatings() string {
	hosts := 0
	for i := range s.Racks {
		for _, h := range s.Racks[i].Hosts {
			if hosts++; h.Rating == 0 {
				return "hosts of " + s.Racks[i].ID + " have no rating"
			}
		}
	}
	return lack(hosts == 0, "no hosts are described")
}

func lack(so bool, text string) string {
	if so {
		return text
	}
	return ""
}

// lacksRole is text unless a meter of one of the roles is read.
func (s *Site) lacksRole(text string, roles ...string) string {
	for i := range s.Meters {
		if m := &s.Meters[i]; m.Read != nil && slices.Contains(roles, m.Role) {
			return ""
		}
	}
	return text
}

// renewables is where renewable energy comes from, "" if from nowhere.
func (s *Site) renewables() string {
	var from []string
	if s.lacksRole("none", metric.RoleOnsiteGeneration) == "" {
		from = append(from, "on-site generation")
	}
	if slices.ContainsFunc(s.Contracts.PPAs, func(p PPA) bool { return p.Retired && Renewable(p.Technology) }) {
		from = append(from, "PPAs")
	}
	if slices.ContainsFunc(s.Contracts.Guarantees, func(g Guarantee) bool { return g.Retired != Date{} && Renewable(g.Technology) }) {
		from = append(from, "guarantees of origin")
	}
	return strings.Join(from, ", ")
}

// lacksMarket is why market-based carbon cannot be known.
func (s *Site) lacksMarket() string {
	if s.rest() != "" {
		return ""
	}
	if len(s.Contracts.PPAs)+len(s.Contracts.Guarantees)+len(s.Contracts.Supply) == 0 {
		return "no contracts, and no residual mix"
	}
	return "no residual mix, and no supplier's: what no contract covers has no factor"
}

// rest is by what factor the energy counts that no contract covers.
func (s *Site) rest() string {
	if slices.ContainsFunc(s.Contracts.Supply, func(p Supply) bool { return p.HasFactor }) {
		return "the supplier's mix"
	}
	if len(s.Contracts.Residual) > 0 {
		return "the residual mix"
	}
	return ""
}

// priced is what the cost is made of.
func (s *Site) priced() string {
	parts := map[string]bool{}
	for i := range s.Tariffs {
		t := &s.Tariffs[i]
		parts["fixed price"] = parts["fixed price"] || t.Spot < 1e6
		parts["spot price"] = parts["spot price"] || t.Spot > 0
		parts["fee of the grid"] = parts["fee of the grid"] || len(t.Bands) > 0
		parts["capacity"] = parts["capacity"] || t.Capacity > 0
		parts["tax"] = parts["tax"] || t.Tax > 0
	}
	var list []string
	for _, p := range []string{"fixed price", "spot price", "fee of the grid", "capacity", "tax"} {
		if parts[p] {
			list = append(list, p)
		}
	}
	return strings.Join(list, ", ")
}
