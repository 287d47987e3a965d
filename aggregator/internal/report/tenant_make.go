package report

import (
	"errors"
	"fmt"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A who is whose a row is.
type who struct{ of, tenant string }

// A tenantMake is a month in the making.
type tenantMake struct {
	*TenantInput
	s     *TenantStatement
	span  monthSpan
	hours int
	order []who
	index map[who]int
	node  [][]int64 // by row and hour, mJ
	over  [][]int64
	sums  []tenantSum
}

func (m *tenantMake) row(w who) int {
	i, ok := m.index[w]
	if !ok {
		i = len(m.order)
		m.index[w] = i
		m.order = append(m.order, w)
		m.node = append(m.node, make([]int64, m.hours))
		m.over = append(m.over, make([]int64, m.hours))
		m.sums = append(m.sums, tenantSum{})
	}
	return i
}

// month makes the rows of one.
func (m *tenantMake) month() error {
	hours, err := siteHours(m.Ledger, m.Site.Token, m.span.from, m.span.to, nil)
	if err != nil {
		return err
	}
	first := m.span.from
	m.span.begun(hours, first)
	hours = hours[(m.span.from-first)/hourMillis:]
	m.hours, m.index = len(hours), map[who]int{}
	if err := m.read(); err != nil {
		return err
	}
	idle := m.row(who{of: OfUnallocated}) // what is nobody's has a place
	out := TenantMonth{Month: m.span.name, From: utc(m.span.from), To: utc(m.span.to)}
	open, known := 0, int64(0)
	for i := range hours {
		if hours[i].open {
			open++
		}
		if hours[i].allFacility {
			known++
		}
	}
	out.Coverage = percent(known, int64(len(hours)))
	if open > 0 {
		m.issue(Error, "E_UNSEALED", fmt.Sprintf("%s: %d hours are not sealed yet", m.span.name, open), "wait until the ledger has sealed them")
	}
	whole, err := m.Ledger.Energy(account.Question{Site: m.Site.Token, By: account.BySite, Boundary: metric.Facility, From: m.span.from, To: m.span.to})
	if err != nil {
		return err
	}
	if whole[0].Reason != "" {
		out.Missing = whole[0].Reason
		m.issue(Warning, "W_FACILITY_MISSING", m.span.name+": "+out.Missing, "see the reason: overhead and carbon are not known")
	} else {
		total, err := totalOf(&whole[0])
		if err != nil {
			return err
		}
		m.overhead(hours, total, idle)
		if err := m.carbon(hours, idle, &out); err != nil {
			return err
		}
	}
	m.rows(&out)
	m.s.Months = append(m.s.Months, out)
	return nil
}

func utc(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }

func (m *tenantMake) issue(severity, code, text, fix string) {
	m.s.Issues = append(m.s.Issues, Issue{Code: code, Severity: severity, Text: text, Fix: fix})
}

// read takes from the ledger what each tenant's nodes and boards drew.
func (m *tenantMake) read() error {
	for i, boundary := range []metric.Boundary{metric.Hosts, metric.GPUs} {
		for from := m.span.from; from < m.span.to; from += stretch * hourMillis {
			lines, err := m.Ledger.Energy(account.Question{Site: m.Site.Token, By: account.ByTenant, Boundary: boundary, From: from, To: min(m.span.to, from+stretch*hourMillis), Step: hourMillis})
			if err != nil {
				return err
			}
			for k := range lines {
				if err := m.take(i == 0, &lines[k], k == 0 || lines[k-1].From != lines[k].From); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// take adds a line; of the first of an hour what no record tells of, too.
func (m *tenantMake) take(node bool, l *account.Line, first bool) error {
	hour := int((l.From - m.span.from) / hourMillis)
	put := func(w who, mj, held int64) {
		i := m.row(w)
		if node {
			m.node[i][hour] += mj
			m.sums[i].node += mj
			return
		}
		m.sums[i].gpu += mj
		m.sums[i].held += held
	}
	if first && l.Drawn > l.Recorded {
		put(who{of: OfUnrecorded}, int64(l.Drawn-l.Recorded), 0)
	}
	if l.Reason != "" {
		if l.Drawn == 0 && l.Recorded == 0 || l.Allocation == account.Unrecorded && l.Drawn > l.Recorded {
			return nil
		}
		return errors.New(l.Reason)
	}
	mj, err := totalOf(l)
	if err != nil {
		return err
	}
	switch {
	case l.Allocation == account.Unallocated:
		put(who{of: OfUnallocated}, mj, l.HeldMillis)
	case l.Allocation != account.Allocated:
		put(who{of: OfUnknown}, mj, l.HeldMillis)
	case l.Tenant == "":
		put(who{of: OfNoTenant}, mj, l.HeldMillis)
	default:
		put(who{OfTenant, l.Tenant}, mj, l.HeldMillis)
	}
	return nil
}

// overhead shares out what the facility draws beyond nodes: total is that of the
// month.
func (m *tenantMake) overhead(hours []siteHour, total int64, idle int) {
	left, pool := total, make([]int64, len(m.order))
	for h := range hours {
		weights, nodes := m.weights(h, nil)
		x := &hours[h]
		if !x.allFacility || x.facility < nodes {
			for i, w := range weights {
				pool[i] += w
			}
			continue
		}
		left -= x.facility
		m.share(x.facility-nodes, weights, idle, func(i int, mj int64) { m.over[i][h] += mj })
	}
	var nodes int64
	for _, w := range pool {
		nodes += w
	}
	if left >= nodes {
		m.share(left-nodes, pool, idle, func(i int, mj int64) { m.sums[i].over += mj })
	} else {
		i := m.row(who{of: OfDifference})
		m.sums[i].over += left - nodes
		m.issue(Warning, "W_NODES_ABOVE_FACILITY", fmt.Sprintf("%s: in hours that are not known whole, nodes drew %s kWh more than the meters of the facility show", m.span.name, kilowattHours(nodes-left, 3)),
			"import readings of the meters that are missing")
	}
	for i := range m.sums {
		m.sums[i].facility = true
		for _, mj := range m.over[i] {
			m.sums[i].over += mj
		}
	}
}

// weights are what rows drew in an hour: nodes, and what is given of more.
func (m *tenantMake) weights(h int, more [][]int64) (out []int64, sum int64) {
	out = make([]int64, len(m.order))
	for i := range out {
		out[i] = m.node[i][h]
		if more != nil {
			out[i] += more[i][h]
		}
		sum += out[i]
	}
	return out, sum
}

// share gives parts of n by weights; where nothing weighs anything, it is nobody's.
func (m *tenantMake) share(n int64, weights []int64, idle int, give func(i int, part int64)) {
	parts, ok := apportion(n, weights)
	if !ok {
		give(idle, n)
		return
	}
	for i, p := range parts {
		if p != 0 {
			give(i, p)
		}
	}
}

// carbon shares out that of the site.
func (m *tenantMake) carbon(hours []siteHour, idle int, out *TenantMonth) error {
	ks, err := kpisOf(m.Ledger, m.Site.Token, m.Basis.Category, m.span.from, m.span.to, "carbon_location", "carbon_market")
	if err != nil {
		return err
	}
	month := make([]int64, len(m.order))
	for i := range month {
		month[i] = max(0, m.sums[i].node+m.sums[i].over)
	}
	if left, ok := milligrams(ks["carbon_location"]); ok {
		for h := range hours {
			if !hours[h].allFacility {
				continue
			}
			from := m.span.from + int64(h)*hourMillis
			one, err := kpisOf(m.Ledger, m.Site.Token, m.Basis.Category, from, from+hourMillis, "carbon_location")
			if err != nil {
				return err
			}
			k := one["carbon_location"]
			mg, ok := milligrams(k)
			if !ok || k.Coverage < 0.99 {
				continue
			}
			left -= mg
			weights, _ := m.weights(h, m.over)
			m.share(mg, weights, idle, func(i int, part int64) { m.sums[i].location += part })
		}
		m.share(left, month, idle, func(i int, part int64) { m.sums[i].location += part })
		for i := range m.sums {
			m.sums[i].emits = true
		}
	} else {
		out.Location = ks["carbon_location"].Reason
	}
	if mg, ok := milligrams(ks["carbon_market"]); ok {
		m.share(mg, month, idle, func(i int, part int64) { m.sums[i].market += part })
		for i := range m.sums {
			m.sums[i].emitsMarket = true
		}
	} else {
		out.Market = ks["carbon_market"].Reason
	}
	return nil
}
