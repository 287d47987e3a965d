package page

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"
	"time"

	"github.com/prometheus/prometheus/storage"

	"github.com/VictoriaMetrics/metrics"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/desk"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/aggregator/internal/rights"
	"github.com/gigawatch/gigawatch/aggregator/internal/terms"
	"github.com/gigawatch/gigawatch/aggregator/internal/web"
	"github.com/gigawatch/gigawatch/collector/metric"
	sitefile "github.com/gigawatch/gigawatch/collector/site"
)

// reportSite is a site of 100,000 GPUs, as its operator describes it. E is where its
// entries go.
const reportSite = `site: esch
name: Esch gigafactory
operator: Example Compute S.A.
country: LU
zone: DE-LU
time_zone: Europe/Luxembourg
meters:
  - {id: grid-a, role: grid_input, feed: A, point: cell 1, serial: "4711", accuracy: 0.2S, calibrated: 2024-01-10}
  - {id: grid-b, role: grid_input, feed: B, point: cell 2, serial: "4712", accuracy: 0.2S, calibrated: 2024-01-10}
  - {id: generator, role: generator_output, point: cell 3, serial: "4713", accuracy: 0.5S, calibrated: 2024-01-10}
  - {id: solar, role: onsite_generation, point: roof, serial: "4714", accuracy: 0.5S, calibrated: 2024-01-10}
  - {id: cooling-1, role: cooling, point: chillers, serial: "4715", accuracy: "1", calibrated: 2024-01-10}
  - {id: ups-01, role: ups_output, point: hall 1, serial: "4717", accuracy: 0.5S, calibrated: 2024-01-10}
  - {id: ups-02, role: ups_output, point: hall 2, serial: "4718", accuracy: 0.5S, calibrated: 2024-01-10}
  - {id: heat, role: heat_reuse, point: hand-over, serial: "4719", accuracy: "2", calibrated: 2024-01-10}
  - {id: water, role: water_total, water: fresh, point: inlet, serial: "4720", accuracy: "2", calibrated: 2024-01-10}
  - {id: water-potable, role: water_potable, point: mains, serial: "4721", accuracy: "2", calibrated: 2024-01-10}
generators: {id: genset, fuel: diesel, rating: 30 MW, factor: 700 g/kWh, evidence: sheet, meter: generator}
it_power: {power: 150 MW, evidence: list of equipment}
boundary: {wue_category: 1}
contracts:
  residual: {year: 2025, factor: 450 g/kWh, source: AIB}
  guarantees:
    - {id: LU-1, volume: 90 GWh, technology: wind_onshore, produced: {first_day: 2025-01-01, last_day: 2025-12-31}, retired: 2026-02-15, year: 2025, evidence: register}
    - {id: LU-2, volume: 40 GWh, technology: nuclear, produced: {first_day: 2025-01-01, last_day: 2025-12-31}, retired: 2026-02-15, year: 2025, evidence: register}
  ppa:
    - {name: parks, technology: wind_onshore, share: 40 %, guarantees_retired: true, evidence: contract, first_day: 2025-01-01}
report:
  owner: {value: Example Holding S.A., evidence: register of companies}
  owner_contact: {value: "Ida Berg <ida.berg@example.org>", evidence: letter}
  operator_contact: {value: "Jan Roth <jan.roth@example.org>", evidence: letter}
  lau_code: {value: LU0304, evidence: table of 2025}
  dc_type: {value: co-hosting, evidence: contracts}
  dc_form: {value: structure, evidence: plan}
  in_operation_since: {value: BEGAN, evidence: contracts}
  red_elec_hv: {value: 2N, evidence: plan}
  red_elec_lv: {value: 2N, evidence: plan}
  red_elec_rack: {value: N+1, evidence: plan}
  red_cool_room: {value: N+1, evidence: plan}
  red_cool_rack: {value: N, evidence: plan}
  s_dc_m2: {value: 30000, evidence: plan}
  s_cr_m2: {value: 12000, evidence: plan}
  grid_functions: {value: "no", evidence: contract}
  c_btg_kw: {value: 0, evidence: contract}
  t_wh_c: {value: 38, evidence: controls}
  t_in_c: {value: 27, evidence: controls}
  refrigerants: {value: [R1234ze(E)], evidence: log book}
  cdd: {value: 55, evidence: Eurostat}
  c_serv: {value: 812000, evidence: SERT}
  c_serv_cov_pct: {value: 100, evidence: SERT}
  c_stor_pb: {value: 640, evidence: list}
  c_stor_cov_pct: {value: 100, evidence: list}
  bw_in_gbs: {value: 400, evidence: carrier}
  bw_out_gbs: {value: 400, evidence: carrier}
  data_in_eb: {value: 1.9, evidence: carrier}
  heat_customers: {value: town, evidence: contract}
`

// mended are the entries by which a report of a whole year can be signed.
const mended = `  data_out_eb: {value: 1.1, evidence: carrier}
  comment_W_LAU_UNCHECKED: {value: looked up, evidence: table of 2025}
  comment_W_GAP_LONG: {value: the meter of hall 2 was changed, evidence: work order 12}
  comment_W_REST: {value: pumps and lighting have no meters, evidence: plan}
  comment_W_YEAR_ON_YEAR: {value: first year, evidence: none}
  comment_W_PUE_ESTIMATES: {value: the meter of hall 2 was changed, evidence: work order 12}
`

// power is what a meter shows in the n-th hour, kW or litres.
func power(meter string, n int64, at time.Time) float64 {
	day, year := 2*math.Pi*float64(n%24)/24, 2*math.Pi*float64(at.YearDay())/365
	it := 108_000 + 9_000*math.Sin(day-1.5) + 4_000*math.Sin(float64(n)/190)
	warm := 0.5 - 0.5*math.Cos(year)
	cooling := it * (0.055 + 0.05*warm*(1+0.3*math.Sin(day-2)))
	sun := math.Max(0, math.Sin(day-1.6)) * (0.25 + 0.75*warm) * 9_000
	generator := 0.0
	if n%730 == 200 {
		generator = 12_000
	}
	switch meter {
	case "ups-01":
		return it * 0.52
	case "ups-02":
		return it * 0.48
	case "cooling-1":
		return cooling
	case "solar":
		return sun
	case "generator":
		return generator
	case "heat":
		return it * 0.35 * (1 - 0.8*warm)
	case "water":
		return 2_000 + 38_000*warm*warm
	case "water-potable":
		return 900
	}
	return (it*1.04 + cooling - sun - generator) / 2 // grid-a, grid-b
}

// bookReport seals hours of that site in dir: the meter of hall 2 is changed within
// them, and all are silent for some hours.
func bookReport(t *testing.T, dir string, s *sitefile.Site, from, to time.Time) {
	t.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(800))
	lock, err := ledger.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(ledger.Config{Dir: lock, Account: account.Config{Interval: 3_600_000}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	layout, counts := &metric.Layout{}, make([]float64, len(s.Meters))
	for i := range s.Meters {
		m := &s.Meters[i]
		register := metric.MeterEnergyJoules
		switch m.Role {
		case metric.RoleHeatReuse:
			register = metric.MeterHeatJoules
		case metric.RoleWaterTotal, metric.RoleWaterPotable:
			register = metric.MeterWater
		}
		layout.Entities = append(layout.Entities, metric.Entity{Kind: metric.Meter, Name: m.ID, Parent: -1, Labels: []metric.Pair{{Name: "role", Value: m.Role}}})
		layout.Columns = append(layout.Columns, metric.Column{Metric: register, Form: metric.Int, First: i, Count: 1},
			metric.Column{Metric: metric.CounterEpoch, Form: metric.Int, Point: metric.EpochPoint(register, 0), First: i, Count: 1})
	}
	hours := int64(to.Sub(from) / time.Hour)
	const changed, silent = 1100, 1300
	for n := int64(0); n <= hours+5; n++ {
		now := from.Add(time.Duration(n) * time.Hour)
		b := &metric.Batch{Site: s.Token, Agent: "meters-1", Lane: metric.Ledger, Incarnation: 1, Sequence: uint64(n + 1), Time: now.UnixMilli(), Boottime: (n*3600 + 1e6) * 1e9, Ticks: 1, Layout: layout}
		if n == 0 {
			b.Flags = metric.Fresh
		}
		for i := range s.Meters {
			id, epoch := s.Meters[i].ID, metric.Raw(1)
			if n > 0 && n <= hours {
				scale := float64(metric.MillijoulesPerKWh)
				if layout.Columns[2*i].Metric == metric.MeterWater {
					scale = 1000
				}
				counts[i] += power(id, n-1, now) * scale
			}
			if id == "ups-02" && n >= changed {
				if n == changed+33 {
					counts[i] = 0
				}
				epoch = 2
			}
			if n > silent && n < silent+5 || id == "ups-02" && n >= changed && n < changed+33 {
				b.Values = append(b.Values, metric.Missing, metric.Missing)
				continue
			}
			b.Values = append(b.Values, metric.Raw(counts[i]), epoch)
		}
		if o := l.Apply(b, now, "L/1", uint64(n+1)); o.Verdict != account.Accepted || o.Reason != "" {
			t.Fatalf("record %d: %v, %s", n, o.Verdict, o.Reason)
		}
		if n%20 == 0 || n >= hours {
			if _, err := l.Commit(now); err != nil {
				t.Fatal(err)
			}
		}
	}
	for n := range 3 {
		if _, err := l.Commit(from.Add(time.Duration(hours+6+int64(n)) * time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(l.Close(), lock.Close()); err != nil {
		t.Fatal(err)
	}
}

// A bureau is an aggregator as far as reports go: the page, the interface and the
// books behind it, for some principals.
type bureau struct {
	*httptest.Server
	dir   string
	began string // year and month
	sites []*desk.Described
	token map[string]string // by name
}

// newBureau is one whose books reach from a month of 2025 to its end.
func newBureau(t *testing.T, began time.Month) *bureau {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "gigawatch-test-") // every sealed hour is synced
	if err != nil {
		dir = t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	b := &bureau{dir: dir, began: fmt.Sprintf("2025-%02d", began), token: map[string]string{}}
	b.describe(t, "")
	zone := b.sites[0].Site.TimeZone
	bookReport(t, dir, b.sites[0].Site, time.Date(2025, began, 1, 0, 0, 0, 0, zone), time.Date(2026, 1, 1, 0, 0, 0, 0, zone))

	list := "contact: energy-desk@example.org\nprincipals:\n"
	for name, role := range map[string]rights.Role{"anna": rights.Energy, "ben": rights.Energy, "vera": rights.Viewer} {
		token, word := rights.NewToken()
		b.token[name] = token
		list += rights.Line(name, role, []string{"*"}, nil, false, word) + "\n"
	}
	file := filepath.Join(dir, "principals.yaml")
	if err := os.WriteFile(file, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	keeper, err := rights.Open(file, metrics.NewSet(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.View(dir, ledger.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	d := desk.New(desk.Config{
		Data: dir, Program: "test", Known: l.Sites, Sites: func() []*desk.Described { return b.sites },
		Open: func(x *desk.Described) (desk.Books, func() error, error) {
			_, err := l.SetTerms(x.Site.Token, x.Terms)
			return l, func() error { return nil }, err
		},
		Now: func() time.Time { return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) },
	})
	t.Cleanup(func() { _ = d.Close() })
	nothing := storage.QueryableFunc(func(int64, int64) (storage.Querier, error) { return storage.NoopQuerier(), nil })
	s, err := web.New(web.Config{Queryable: nothing, Ledger: l, Reports: d, Rights: keeper, Page: Handler()})
	if err != nil {
		t.Fatal(err)
	}
	b.Server = httptest.NewServer(s)
	t.Cleanup(b.Close)
	return b
}

// describe brings the site file into force, with more entries.
func (b *bureau) describe(t *testing.T, more string) {
	t.Helper()
	text := reportSite[:len(reportSite)-1]
	for i := range len(text) - 5 {
		if text[i:i+5] == "BEGAN" {
			text = text[:i] + b.began + text[i+5:]
			break
		}
	}
	s, err := sitefile.Parse("site.yaml", []byte(text+"\n"+more))
	if err != nil {
		t.Fatal(err)
	}
	x, err := terms.Of(s)
	if err != nil {
		t.Fatal(err)
	}
	basis, err := account.NewBasis(x)
	if err != nil {
		t.Fatal(err)
	}
	b.sites = []*desk.Described{{Site: s, File: "site.yaml", Terms: x, Basis: basis}}
}
