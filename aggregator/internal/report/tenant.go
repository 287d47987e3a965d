package report

import (
	"errors"
	"fmt"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
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
