package terms

import (
	"slices"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/site"
)

// meters are those of the site, with what each burns.
func meters(s *site.Site, burns map[string]string) (out []account.Meter) {
	delivers := map[string]bool{} // by the name of a meter: it shows what an agreement delivers
	for i := range s.Contracts.PPAs {
		delivers[s.Contracts.PPAs[i].Meter] = true
	}
	for i := range s.Meters {
		m := &s.Meters[i]
		x := account.Meter{
			Name: m.ID, Quantity: account.OfRole(m.Role), Backup: m.BackupOf, Rating: uint64(m.Rating), Less: m.TakenOff, Fuel: burns[m.ID],
		}
		switch {
		case m.BackupOf != "": // it is where the other is
			if first := s.Meter(m.BackupOf); first != nil && first.TakenOff && first.Role == metric.RoleDistribution {
				x.Quantity = account.Other
			}
			x.Less = false
		case m.Role == metric.RoleDistribution && (m.TakenOff || delivers[m.ID]), !counts(m):
			x.Quantity = account.Other
		}
		switch m.Water {
		case "fresh":
			x.Scope = account.Fresh
		case "reused":
			x.Scope = account.Reused
		}
		if t := m.Tolerance; t != nil {
			x.Low, x.High = t.Least.Ratio(), t.Most.Ratio()
		}
		x.From, x.To = stands(m)
		x.Parents = parents(s, m)
		out = append(out, x)
	}
	return out
}

// counts reports whether m counts what its role adds up: one of cooling that tells
// its heat alone counts no electricity.
func counts(m *site.Meter) bool {
	of := []site.Quantity{site.MeasuresEnergy, site.MeasuresPower, site.MeasuresExport}
	switch m.Role {
	case metric.RoleWaterTotal, metric.RoleWaterPotable, metric.RoleHeatReuse:
		return true
	}
	return slices.ContainsFunc(of, func(q site.Quantity) bool { return slices.Contains(m.Measures, q) })
}

// stands is from when to when there is a device at the point of m; between two
// there was something else, or nothing was metered, and it is awaited.
func stands(m *site.Meter) (from, to int64) {
	first, last := &m.Installed[0], &m.Installed[len(m.Installed)-1]
	if !first.From.IsZero() {
		from = first.From.UnixMilli()
	}
	if !last.To.IsZero() {
		to = last.To.UnixMilli()
	}
	return from, to
}

// parents are the meters that feed m, as far as both count electricity. What
// stands in for another stands where that does.
func parents(s *site.Site, m *site.Meter) (names []string) {
	tree := s.PowerTree()
	at := tree.Node(m.ID)
	if at < 0 || m.BackupOf != "" || !counts(m) {
		return nil
	}
	for _, up := range tree.Nodes[at].Parents {
		if u := tree.Nodes[up].Meter; counts(u) {
			names = append(names, u.ID)
		}
	}
	return names
}

// fuels states what the site's generators burn, and tells which meter shows
// energy of which. A meter of several fuels is of none: how much of each it was
// is not known.
func fuels(s *site.Site, t *account.Terms) map[string]string {
	burns, mixed := map[string]string{}, map[string]bool{}
	known := map[string]bool{}
	var all []string // what each generator burns; "": its factor is not said
	for i := range s.Generators {
		g := &s.Generators[i]
		name := ""
		if g.HasFactor {
			name = g.Fuel + " at " + g.Factor.String()
			if !known[name] {
				known[name] = true
				t.Fuels = append(t.Fuels, account.Fuel{Name: name, Milligrams: uint32(g.Factor), Renewable: g.Fuel == "hvo" || g.Fuel == "biogas"})
			}
		}
		all = append(all, name)
		for _, id := range g.Meters {
			if was, ok := burns[id]; ok && was != name {
				mixed[id] = true
			}
			burns[id] = name
		}
	}
	alike := len(all) > 0 && !slices.ContainsFunc(all, func(n string) bool { return n != all[0] })
	for i := range s.Meters {
		m := &s.Meters[i]
		if _, named := burns[m.ID]; !named && alike && m.Role == metric.RoleGeneratorOutput {
			burns[m.ID] = all[0] // there is no other fuel
		}
	}
	for id := range mixed {
		delete(burns, id)
	}
	for i := range s.Meters { // what stands in for a meter shows the same
		if m := &s.Meters[i]; m.BackupOf != "" && burns[m.ID] == "" {
			burns[m.ID] = burns[m.BackupOf]
		}
	}
	return burns
}
