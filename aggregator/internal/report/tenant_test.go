package report_test

import (
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/report"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// shared is a floor of six hosts over the end of a month: two tenants, a third one in
// the second month alone, a job without a tenant, and hosts that nobody holds.
func shared(t *testing.T) (f *floor, from time.Time, hours int64) {
	const board = 700*3600*1000 + 7
	f = &floor{plant: plant{t: t, flows: map[string]flow{}}, hosts: 6, board: board, host: board*boardsOf*14/10 + 3, model: "NVIDIA H100 80GB HBM3"}
	f.site = parse(t, siteHead+`
meters:
  - {id: grid, role: grid_input}
  - {id: ups, role: ups_output}
contracts:
  residual: {year: 2026, factor: 450 g/kWh, source: AIB}
`)
	nodes := f.host * int64(f.hosts)
	f.flows["ups"] = func(n int64) int64 { return (nodes + 12345) * n }
	f.flows["grid"] = func(n int64) int64 { return (nodes+12345)*n + (nodes/7+11)*n + n*n }
	f.grams = func(n int64) float64 { return 200 + float64(n%24)*10 }
	f.holds = func(i int, n int64) account.Job {
		switch {
		case i < 2:
			return account.Job{Name: "a" + fmt.Sprint(n/9), Tenant: "acme"}
		case i == 2 && n%24 < 8:
			return account.Job{Name: "night", Tenant: "zeta=1"}
		case i == 3 && n > 60:
			return account.Job{Name: "late", Tenant: "mid"}
		case i == 4:
			return account.Job{Name: "stray"}
		}
		return account.Job{}
	}
	return f, time.Date(2026, 1, 30, 0, 0, 0, 0, time.UTC), 90
}

func (f *floor) tenantInput(from, to time.Time) report.TenantInput {
	in := f.input(2026)
	return report.TenantInput{Site: in.Site, Basis: in.Basis, Ledger: in.Ledger.(report.Hourly), Books: in.Books, From: from, To: to, Until: time.Date(2026, 2, 2, 18, 0, 0, 0, time.UTC)}
}

func integer(t testing.TB, s string) *big.Int {
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		t.Fatalf("%q is no number", s)
	}
	return n
}

// sumsToSite holds the rows of each month against the last one.
func sumsToSite(t testing.TB, s *report.TenantStatement) {
	t.Helper()
	for _, m := range s.Months {
		var node, over, facility big.Int
		location, market := new(big.Rat), new(big.Rat)
		for _, r := range m.Rows[:len(m.Rows)-1] {
			node.Add(&node, integer(t, r.Node))
			over.Add(&over, integer(t, r.Overhead))
			facility.Add(&facility, integer(t, r.Facility))
			location.Add(location, r.Location.Rat())
			market.Add(market, r.Market.Rat())
		}
		site := m.Rows[len(m.Rows)-1]
		if site.Of != report.OfSite || node.String() != site.Node || over.String() != site.Overhead || facility.String() != site.Facility {
			t.Errorf("%s: rows sum to %v, %v, %v mJ: %+v", m.Month, &node, &over, &facility, site)
		}
		if location.Cmp(site.Location.Rat()) != 0 || market.Cmp(site.Market.Rat()) != 0 {
			t.Errorf("%s: rows emit %v and %v kg: %+v", m.Month, location, market, site)
		}
	}
}

func TestTenantsSumToTheSite(t *testing.T) {
	f, from, hours := shared(t)
	f.sealFloor(from, hours)
	in := f.tenantInput(luxembourg(t, 2026, 1, 1), luxembourg(t, 2026, 3, 1))
	s, err := report.TenantsOf(in)
	if err != nil {
		t.Fatal(err)
	}
	sumsToSite(t, s)
	if len(s.Months) != 2 || len(s.Issues) != 1 || s.Issues[0].Code != "E_PERIOD_OPEN" {
		t.Fatalf("%d months, issues %v", len(s.Months), s.Issues)
	}
	var months big.Int
	for _, m := range s.Months {
		at, err := time.Parse(time.RFC3339, m.From)
		if err != nil {
			t.Fatal(err)
		}
		to, err := time.Parse(time.RFC3339, m.To)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := in.Ledger.Energy(account.Question{Site: "s1", By: account.BySite, Boundary: metric.Facility, From: at.UnixMilli(), To: to.UnixMilli()})
		if err != nil {
			t.Fatal(err)
		}
		mj, err := lines[0].Energy.Total()
		if err != nil || fmt.Sprint(mj) != m.Rows[len(m.Rows)-1].Facility {
			t.Errorf("%s: the site's meters show %d mJ, and the statement %s: %v", m.Month, mj, m.Rows[len(m.Rows)-1].Facility, err)
		}
		months.Add(&months, integer(t, m.Rows[len(m.Rows)-1].Facility))
	}
	if last := s.Total[len(s.Total)-1]; months.String() != last.Facility {
		t.Errorf("months sum to %v mJ, and all of them are %s", &months, last.Facility)
	}
	var who []string
	for _, r := range s.Total {
		who = append(who, r.Of+" "+r.Tenant)
	}
	if got := strings.Join(who, ", "); got != "tenant acme, tenant mid, tenant zeta=1, no_tenant , unallocated , site " {
		t.Error(got)
	}
	// A tenant that runs while the grid is clean emits less by the kWh.
	rate := map[string]float64{}
	for _, r := range s.Months[0].Rows {
		rate[r.Of+r.Tenant] = r.Location.Float() / r.KWh.Float()
	}
	if rate["tenantzeta=1"] >= rate["site"]*0.9 || !near(rate["tenantacme"], rate["site"]) {
		t.Errorf("kg by the kWh: %v", rate)
	}
	s.Ledger.Root = ""
	goldenStatement(t, s, "tenants")
}

// What the facility's meters do not tell of an hour is shared out all the same, and
// where they show less than nodes drew, that is said.
func TestTenantsSumToTheSiteWithGaps(t *testing.T) {
	for name, tc := range map[string]struct {
		quiet  func(meter string, n int64) bool
		grid   func(n int64) int64
		issue  string
		differ bool
	}{
		"the grid's meter is silent for a day":        {quiet: func(m string, n int64) bool { return m == "grid" && n > 20 && n < 45 }},
		"the grid's meter shows less than nodes drew": {grid: func(n int64) int64 { return 1_000_000 * n }, issue: "W_NODES_ABOVE_FACILITY", differ: true},
	} {
		t.Run(name, func(t *testing.T) {
			f, from, hours := shared(t)
			f.quiet = tc.quiet
			if tc.grid != nil {
				f.flows["grid"] = tc.grid
			}
			f.sealFloor(from, hours)
			s, err := report.TenantsOf(f.tenantInput(luxembourg(t, 2026, 1, 1), luxembourg(t, 2026, 3, 1)))
			if err != nil {
				t.Fatal(err)
			}
			sumsToSite(t, s)
			differs := false
			for _, r := range s.Total {
				differs = differs || r.Of == report.OfDifference
			}
			if differs != tc.differ || tc.issue != "" && (len(s.Issues) < 2 || s.Issues[1].Code != tc.issue) {
				t.Errorf("%v, %+v", s.Issues, s.Total)
			}
		})
	}
}

func TestATenantIsToldOfNobodyElse(t *testing.T) {
	f, from, hours := shared(t)
	f.sealFloor(from, hours)
	in := f.tenantInput(luxembourg(t, 2026, 1, 1), luxembourg(t, 2026, 3, 1))
	all, err := report.TenantsOf(in)
	if err != nil {
		t.Fatal(err)
	}
	in.Tenant = "acme"
	s, err := report.TenantsOf(in)
	if err != nil {
		t.Fatal(err)
	}
	sumsToSite(t, s)
	b, err := s.JSON()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), "zeta") || strings.Contains(string(b), "mid") {
		t.Errorf("it names others: %s", b)
	}
	if s.Months[0].Rows[0].Facility != all.Months[0].Rows[0].Facility || s.Months[0].Rows[1].Of != report.OfRest || s.Months[1].Rows[1].Of != report.OfOthers {
		t.Errorf("%+v", s.Months)
	}
	s.Ledger.Root = ""
	goldenStatement(t, s, "tenant")
}
