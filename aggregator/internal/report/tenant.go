package report

import (
	"cmp"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/site"
)

// TenantSchema is that of statements to tenants.
const TenantSchema = "gigawatch-tenant-statement/1"

// Whose energy a row is.
const (
	OfTenant      = "tenant"
	OfNoTenant    = "no_tenant"   // of jobs that name none
	OfOthers      = "others"      // all other tenants
	OfUnallocated = "unallocated" // of boards that nobody held
	OfUnknown     = "unknown"     // somebody may have held them, and no record says who
	OfUnrecorded  = "unrecorded"  // of hosts whose jobs nobody records
	OfRest        = "rest"        // all that is not the tenant's
	OfDifference  = "difference"  // by which meters of the facility show less than nodes
	OfSite        = "site"
)

// A TenantStatement is what tenants are to be told of their share of a site's
// energy. The rows of a month sum to the site, to the millijoule.
type TenantStatement struct {
	Schema   string        `json:"schema"`
	Law      []string      `json:"law"`
	Site     string        `json:"site"`
	SiteName string        `json:"site_name"`
	Names    string        `json:"names"`            // opaque or joined
	Tenant   string        `json:"tenant,omitempty"` // "": all of them
	Period   string        `json:"period"`
	TimeZone string        `json:"tz"`
	Months   []TenantMonth `json:"months"`
	Total    []TenantRow   `json:"total"`
	Method   string        `json:"method"`
	Issues   []Issue       `json:"issues"`
	Ledger   Books         `json:"ledger"`
	Program  string        `json:"program,omitempty"`
}

// A TenantMonth is one by the clocks of the site.
type TenantMonth struct {
	Month    string      `json:"month"`
	From     string      `json:"from"` // UTC
	To       string      `json:"to"`
	Rows     []TenantRow `json:"rows"` // the last is the site's
	Coverage *Decimal    `json:"coverage_pct,omitempty"`
	Location string      `json:"co2_location,omitempty"` // why there is none
	Market   string      `json:"co2_market,omitempty"`
	Missing  string      `json:"facility_missing,omitempty"`
}

// A TenantRow is the energy of one. Millijoules are exact.
type TenantRow struct {
	Of         string   `json:"of"`
	Tenant     string   `json:"tenant,omitempty"`
	Node       string   `json:"node_mj"`
	Overhead   string   `json:"overhead_mj,omitempty"`
	Facility   string   `json:"facility_mj,omitempty"`
	NodeKWh    *Decimal `json:"node_kwh"`
	OverKWh    *Decimal `json:"overhead_kwh,omitempty"`
	KWh        *Decimal `json:"kwh,omitempty"` // at the facility
	GPUKWh     *Decimal `json:"gpu_kwh"`
	BoardHours Decimal  `json:"gpu_hours"`
	Share      *Decimal `json:"share_of_site_pct,omitempty"`
	OverShare  *Decimal `json:"share_of_overhead_pct,omitempty"`
	Location   *Decimal `json:"co2_location_kg,omitempty"`
	Market     *Decimal `json:"co2_market_kg,omitempty"`

	sum tenantSum
}

// A tenantSum is what a row rests on.
type tenantSum struct {
	node, over, gpu, held, location, market int64 // mJ, ms, mg
	facility, emits, emitsMarket            bool  // there is a figure
}

func (t *tenantSum) add(o *tenantSum) {
	t.node, t.over, t.gpu, t.held = t.node+o.node, t.over+o.over, t.gpu+o.gpu, t.held+o.held
	t.location, t.market = t.location+o.location, t.market+o.market
	t.facility, t.emits, t.emitsMarket = t.facility && o.facility, t.emits && o.emits, t.emitsMarket && o.emitsMarket
}

// A TenantInput is what a statement to tenants is made of.
type TenantInput struct {
	Site     *site.Site
	Basis    *account.Basis
	Ledger   Hourly
	Books    Books
	From, To time.Time // of months by the clocks of the site
	Until    time.Time // no figure reaches further
	Tenant   string    // "": all of them
	Program  string
}

// TenantsOf makes the statement.
func TenantsOf(in TenantInput) (*TenantStatement, error) {
	if in.Site == nil || in.Basis == nil || in.Ledger == nil {
		return nil, errors.New("tenant statement: site, basis and ledger are needed")
	}
	s := &TenantStatement{
		Schema: TenantSchema, Site: in.Site.Token, SiteName: in.Site.Name, Names: namesJoined, TimeZone: in.Site.TimeZone.String(), Ledger: in.Books, Program: in.Program, Issues: []Issue{},
		Method: "Nodes: what the ledger gives the tenant's jobs, exact. Overhead: what the facility draws beyond all nodes, shared in proportion to them hour by hour; hours in which the facility is not known whole are shared together at the end of the month. " +
			"What nobody held bears its own share. Carbon, location-based: that of the site, shared hour by hour in proportion to energy at the facility; market-based: month by month. Rows sum to the site exactly, in millijoules and in milligrams.",
	}
	if in.Site.Country == "DE" {
		s.Law = []string{"EnEfG, section 15"}
	}
	local := func(t time.Time) string { return t.In(in.Site.TimeZone).Format("2006-01") }
	if s.Period = local(in.From); local(in.To.Add(-1)) != s.Period {
		s.Period += " to " + local(in.To.Add(-1))
	}
	if in.Until.Before(in.To) {
		s.Issues = append(s.Issues, Issue{Code: "E_PERIOD_OPEN", Severity: Error, Text: "the time is not over: figures reach to " + utc(onHour(in.Until.UnixMilli())), Fix: "wait for its end, and make the statement again"})
	}
	months := monthsOf(in.Site, in.From.UnixMilli(), in.To.UnixMilli(), min(in.To.UnixMilli(), in.Until.UnixMilli()))
	if len(months) == 0 {
		return nil, fmt.Errorf("tenant statement of %s: nothing of %s is over", in.Site.Token, s.Period)
	}
	for i := range months {
		m := &tenantMake{TenantInput: &in, s: s, span: months[i]}
		if err := m.month(); err != nil {
			return nil, fmt.Errorf("tenant statement of %s: %s: %w", in.Site.Token, months[i].name, err)
		}
	}
	if err := s.settle(&in); err != nil {
		return nil, fmt.Errorf("tenant statement of %s: %w", in.Site.Token, err)
	}
	return s, nil
}

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
