package report

import "fmt"

// JSON is the statement as it is kept.
func (s *TenantStatement) JSON() ([]byte, error) { return indented(s) }

// rowWords are whose energy a row is, for people.
var rowWords = map[string]string{
	OfNoTenant: "jobs without a tenant", OfOthers: "all other tenants", OfUnallocated: "held by nobody", OfUnknown: "held by somebody unknown",
	OfUnrecorded: "hosts whose jobs nobody records", OfRest: "all that is not the tenant's", OfDifference: "not reconciled", OfSite: "the whole site",
}

func (r *TenantRow) who() string {
	if r.Of == OfTenant {
		return r.Tenant
	}
	return rowWords[r.Of]
}

func (s *TenantStatement) leaflet() *leaflet {
	title := "Energy by tenant"
	name := named(s.SiteName, s.Site)
	if s.Tenant != "" {
		title, name = "Statement of energy", s.Tenant+" at "+name
	}
	p := &leaflet{
		kind: "tenant statement", title: title, name: name, period: s.Period, simulated: s.Ledger.Simulated, mark: "statement of energy", program: s.Program,
		says: s.Method, foot: fmt.Sprintf("Ledger of %d leaves, root %.16s…", s.Ledger.Leaves, s.Ledger.Root),
	}
	if n := len(s.Months); n > 0 {
		p.made = timeOf(s.Months[n-1].To)
	}
	p.facts = append(p.facts, [2]string{"Months by the clocks of", s.TimeZone})
	for i := range s.Total {
		r := &s.Total[i]
		if r.Of != OfTenant || s.Tenant == "" {
			continue
		}
		p.facts = append(p.facts, [2]string{"Energy at the facility, kWh", known(r.KWh)}, [2]string{"of it overhead, kWh", known(r.OverKWh)}, [2]string{"share of the overhead, %", known(r.OverShare)},
			[2]string{"CO₂e, location-based, kg", known(r.Location)}, [2]string{"CO₂e, market-based, kg", known(r.Market)})
	}
	for _, l := range s.Law {
		p.facts = append(p.facts, [2]string{"By", l})
	}
	p.facts = append(p.facts, [2]string{"Ledger", fmt.Sprintf("log of %d leaves, root %s", s.Ledger.Leaves, s.Ledger.Root)},
		[2]string{"How to check", "aggregator report verify -file FILE -key KEY holds this file against the signature beside it"})
	add := func(title, says string, rows []TenantRow) {
		b := block{title: title, says: says, lanes: []lane{{"Whose", 30, 0}, {"GPU hours", 16, 1}, {"Nodes kWh", 20, 1}, {"Overhead kWh", 20, 1}, {"Facility kWh", 20, 1},
			{"of site %", 17, 1}, {"of overhead %", 17, 1}, {"CO₂e kg, location", 20, 1}, {"CO₂e kg, market", 20, 1}}}
		for i := range rows {
			r := &rows[i]
			b.row(r.who(), r.BoardHours.String(), places(r.NodeKWh), places(r.OverKWh), places(r.KWh), text(r.Share), text(r.OverShare), places(r.Location), places(r.Market))
		}
		p.blocks = append(p.blocks, b)
	}
	for i := range s.Months {
		m := &s.Months[i]
		says := "Of " + m.From + " to " + m.To
		if m.Coverage != nil {
			says += "; " + m.Coverage.String() + " % of its hours are known whole at the facility"
		}
		for _, x := range [][2]string{{"energy at the facility", m.Missing}, {"location-based carbon", m.Location}, {"market-based carbon", m.Market}} {
			if x[1] != "" {
				says += "; " + x[0] + " is not known: " + x[1]
			}
		}
		add(m.Month, says+".", m.Rows)
	}
	if len(s.Months) > 1 {
		add("All months", "", s.Total)
	}
	b := block{title: "Exact", says: "As integers: rows of a month sum to the site.", lanes: []lane{{"Month", 18, 0}, {"Whose", 42, 0}, {"Nodes mJ", 40, 1}, {"Overhead mJ", 40, 1}, {"Facility mJ", 40, 1}}}
	for i := range s.Months {
		for k := range s.Months[i].Rows {
			r := &s.Months[i].Rows[k]
			b.row(s.Months[i].Month, r.who(), r.Node, r.Overhead, r.Facility)
		}
	}
	p.blocks = append(p.blocks, b)
	p.issues(s.Issues)
	return p
}

// places is a number to three places, for people.
func places(d *Decimal) string {
	if d == nil {
		return ""
	}
	x, ok := decimalOf(d.Rat(), 3)
	if !ok {
		return d.String()
	}
	return x.String()
}

func known(d *Decimal) string {
	if d == nil {
		return "not known"
	}
	return d.String()
}
