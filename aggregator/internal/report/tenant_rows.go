package report

import (
	"cmp"
	"math/big"
	"slices"
	"strconv"
)

// rows puts those of the month in order, the tenant that is asked for before what is
// not its own.
func (m *tenantMake) rows(out *TenantMonth) {
	others := 0
	for _, w := range m.order {
		if w.of == OfTenant && w.tenant != m.Tenant {
			others++
		}
	}
	merged, order := map[who]*tenantSum{}, []who{}
	for i, w := range m.order {
		switch { // nobody else's energy is told to a tenant
		case m.Tenant == "" || w.of == OfTenant && w.tenant == m.Tenant:
		case others < 2:
			w = who{of: OfRest}
		case w.of == OfTenant:
			w = who{of: OfOthers}
		}
		if merged[w] == nil {
			merged[w] = &tenantSum{facility: true, emits: true, emitsMarket: true}
			order = append(order, w)
		}
		merged[w].add(&m.sums[i])
	}
	if w := (who{OfTenant, m.Tenant}); m.Tenant != "" && merged[w] == nil { // it drew nothing
		merged[w] = &tenantSum{facility: out.Missing == "", emits: out.Missing == "" && out.Location == "", emitsMarket: out.Missing == "" && out.Market == ""}
		order = append(order, w)
	}
	whole := tenantSum{facility: true, emits: true, emitsMarket: true}
	for _, w := range order {
		whole.add(merged[w])
	}
	slices.SortFunc(order, func(a, b who) int {
		return cmp.Or(cmp.Compare(slices.Index(rowOrder, a.of), slices.Index(rowOrder, b.of)), cmp.Compare(a.tenant, b.tenant))
	})
	for _, w := range order {
		if w.of == OfTenant || *merged[w] != (tenantSum{facility: merged[w].facility, emits: merged[w].emits, emitsMarket: merged[w].emitsMarket}) || w.of == OfUnallocated {
			out.Rows = append(out.Rows, tenantRow(w, merged[w], &whole))
		}
	}
	out.Rows = append(out.Rows, tenantRow(who{of: OfSite}, &whole, &whole))
}

// rowOrder is the one in which rows stand.
var rowOrder = []string{OfTenant, OfOthers, OfNoTenant, OfUnallocated, OfUnknown, OfUnrecorded, OfRest, OfDifference, OfSite}

// tenantRow is a sum as it is written.
func tenantRow(w who, t, whole *tenantSum) TenantRow {
	r := TenantRow{Of: w.of, Tenant: w.tenant, Node: strconv.FormatInt(t.node, 10), NodeKWh: kilowattHours(t.node, 6), GPUKWh: kilowattHours(t.gpu, 6), sum: *t}
	r.BoardHours, _ = decimalOf(big.NewRat(t.held, hourMillis), 3)
	if t.facility {
		r.Overhead, r.OverKWh = strconv.FormatInt(t.over, 10), kilowattHours(t.over, 6)
		r.Facility, r.KWh = strconv.FormatInt(t.node+t.over, 10), kilowattHours(t.node+t.over, 6)
		r.Share, r.OverShare = part(t.node+t.over, whole.node+whole.over), part(t.over, whole.over)
	}
	if t.emits {
		r.Location = kilograms(t.location)
	}
	if t.emitsMarket {
		r.Market = kilograms(t.market)
	}
	return r
}

// part is n of whole in per cent, to six places; nil where it is none.
func part(n, whole int64) *Decimal {
	if whole <= 0 || n > whole || n < 0 {
		return nil
	}
	v := big.NewRat(n, whole)
	d, _ := decimalOf(v.Mul(v, big.NewRat(100, 1)), 6)
	return &d
}

// settle adds up the months, holds each against its sum and puts keys for names.
func (s *TenantStatement) settle(in *TenantInput) error {
	sums, order := map[who]*tenantSum{}, []who{}
	whole := tenantSum{facility: true, emits: true, emitsMarket: true}
	for i := range s.Months {
		m := &s.Months[i]
		var sum tenantSum
		for k := range m.Rows {
			r := &m.Rows[k]
			if r.Of == OfSite {
				if sum.node != r.sum.node || sum.over != r.sum.over || sum.location != r.sum.location || sum.market != r.sum.market {
					s.Issues = append(s.Issues, Issue{Code: "E_RECONCILE", Severity: Error, Text: m.Month + ": the rows do not sum to the site", Fix: "tell us: this must not happen"})
				}
				whole.add(&r.sum)
				continue
			}
			sum.add(&r.sum)
			w := who{r.Of, r.Tenant}
			if sums[w] == nil {
				sums[w] = &tenantSum{facility: true, emits: true, emitsMarket: true}
				order = append(order, w)
			}
			sums[w].add(&r.sum)
		}
	}
	slices.SortStableFunc(order, func(a, b who) int {
		return cmp.Or(cmp.Compare(slices.Index(rowOrder, a.of), slices.Index(rowOrder, b.of)), cmp.Compare(a.tenant, b.tenant))
	})
	for _, w := range order {
		s.Total = append(s.Total, tenantRow(w, sums[w], &whole))
	}
	s.Total = append(s.Total, tenantRow(who{of: OfSite}, &whole, &whole))
	if s.Ledger.Simulated {
		s.Issues = append(s.Issues, Issue{Code: "E_SIMULATED", Severity: Error, Text: "readings come from a model and not from meters", Fix: "do not hand this on"})
	}
	s.Tenant = in.Tenant
	return nil
}
