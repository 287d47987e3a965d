package report_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/report"
)

// trained is the floor of vector T7: 4,096 boards for 18 days at 612 W, in nodes that
// draw 1.42 times as much, with 4.5 % of network and storage and a PUE of 1.12.
func trained(t *testing.T) (f *floor, from time.Time, hours int64) {
	const board = 612 * 3600 * 1000
	f = &floor{plant: plant{t: t, flows: map[string]flow{}}, hosts: 512, board: board, host: board * boardsOf * 142 / 100, model: "NVIDIA H100 80GB HBM3"}
	f.site = parse(t, siteHead+`
meters:
  - {id: grid, role: grid_input}
  - {id: ups, role: ups_output}
  - {id: fabric, role: it_input}
report:
  shared_meters: {value: [fabric], evidence: single-line diagram 4}
contracts:
  residual: {year: 2026, factor: 450 g/kWh, source: AIB}
`)
	nodes := f.host * int64(f.hosts)
	f.flows["fabric"] = func(n int64) int64 { return nodes * 45 / 1000 * n }
	f.flows["ups"] = func(n int64) int64 { return nodes * 1045 / 1000 * n }
	f.flows["grid"] = func(n int64) int64 { return nodes * 1045 / 1000 * n / 100 * 112 }
	f.grams = func(int64) float64 { return 250 }
	f.shows = func(gpu int, n int64) [account.Gauges]float64 {
		switch {
		case gpu == 7: // shows no activity
			return [account.Gauges]float64{math.NaN(), math.NaN(), 700}
		case n%2 == 0:
			return [account.Gauges]float64{0.95, 0.4, 700}
		}
		return [account.Gauges]float64{0.85, 0.3, 700}
	}
	hours = 18 * 24
	f.holds = func(_ int, n int64) (j account.Job) {
		if n < hours {
			j = account.Job{Name: "pretrain-7", Tenant: "acme"}
		}
		return j
	}
	return f, time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), hours
}

func TestVectorT7TrainingJob(t *testing.T) {
	f, from, hours := trained(t)
	f.sealFloor(from, hours+24)
	in := f.jobInput(2026, from, hours+24)
	in.Jobs = []string{"pretrain-7"}
	in.About = report.JobAbout{Model: "Example-70B", Phases: []string{"pre-training"}, Failed: "yes", Board: "NVIDIA H100 SXM5 80GB", PowerLimit: "700", Evidence: "run log 7"}
	s, err := report.JobOf(in)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		boundary, printed, method string
		mwh                       float64
	}{
		{"gpu", "1.1 x 10^3", report.HopMeasured, 1082.916864}, {"node", "1.5 x 10^3", report.HopAllocated, 1537.741947},
		{"it", "1.6 x 10^3", report.HopAllocated, 1606.940334}, {"facility", "1.8 x 10^3", report.HopAllocated, 1799.773175},
	} {
		e := s.Energies[i]
		if e.Boundary != want.boundary || e.Printed != want.printed || e.Method != want.method || e.KWh == nil || !near(e.KWh.Float(), want.mwh*1000) {
			t.Errorf("%+v, want %+v", e, want)
		}
		if e.Coverage == nil || e.Coverage.String() != "100" {
			t.Errorf("%s: coverage %v", e.Boundary, e.Coverage)
		}
	}
	if s.Energies[0].Millijoules != "3898500710400000" {
		t.Errorf("boards drew %s mJ", s.Energies[0].Millijoules)
	}
	if s.Days.String() != "18" || s.GPUDays.String() != "73728" || s.Rounded != "7 x 10^4" || s.Training != "less than 1 month" {
		t.Errorf("%s days, %s GPU-days, %s, %s", s.Days, s.GPUDays, s.Rounded, s.Training)
	}
	if !near(s.PUE.Value.Float(), 1.12) || !near(s.Shared.Value.Float(), 0.045) {
		t.Errorf("PUE %v, shared %v", s.PUE.Value, s.Shared.Value)
	}
	if c := s.Carbon; c[0].Value == nil || !near(c[0].Value.Float(), 1799773.175*0.25) || c[1].Value == nil || !near(c[1].Value.Float(), 1799773.175*0.45) {
		t.Errorf("carbon %+v", c)
	}
	// Half of the time 0.95, half 0.85; one board of eight shows no activity.
	for i, want := range []struct{ key, value, coverage string }{{"sm_active", "0.9", "87.5"}, {"tensor_active", "0.35", "87.5"}, {"gpu_power_limit_w", "700", "100"}} {
		if g := s.Gauges[i]; g.Key != want.key || g.Value == nil || g.Value.String() != want.value || g.Coverage.String() != want.coverage || g.Quality != report.QualityMeasured {
			t.Errorf("%+v, want %+v", g, want)
		}
	}
	if slices.Contains(s.Missing, "sm_active") || slices.Contains(s.Missing, "tensor_active") {
		t.Errorf("missing are %v", s.Missing)
	}
	if len(s.Counts) != 1 || s.Counts[0].Count.String() != "4096" || s.Start != "2026-03-02T00:00:00Z" || s.End != "2026-03-20T00:00:00Z" {
		t.Errorf("%v, %s to %s", s.Counts, s.Start, s.End)
	}
	if len(s.Boards) != 1 || s.Boards[0] != "NVIDIA H100 80GB HBM3" || len(s.Issues) != 0 {
		t.Errorf("boards %v, issues %v", s.Boards, s.Issues)
	}
	if n := len(strings.Fields(s.Method)); n < 80 || n > 160 {
		t.Errorf("the method has %d words", n)
	}
	s.Ledger.Root = ""
	goldenStatement(t, s, "t7")
}

// Who reads what was counted sees how it is known, and the time without its letters.
func TestAJobStatementSaysHowItsEnergyIsKnown(t *testing.T) {
	number := func(v string) report.Decimal {
		d, err := report.ParseDecimal(v)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	kwh := number("1082916.864")
	s := &report.JobStatement{Site: "s1", Start: "2026-03-02T00:00:00Z", End: "2026-03-20T06:00:00Z", Energies: []report.JobEnergy{
		{Boundary: "gpu", Printed: "1.1 x 10^3", KWh: &kwh, Method: "measured", How: "counters", Shares: map[string]report.Decimal{"measured": number("0.981"), "integrated": number("0.019")}},
		{Boundary: "node", Printed: "1.5 x 10^3", KWh: &kwh, Method: "measured", How: "counters alone", Shares: map[string]report.Decimal{"measured": number("1")}},
		{Boundary: "facility", Missing: "no PUE"},
	}}
	b, err := report.Write(s, "csv")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"GPU boards,How,\"counters; of what was counted 98.1 % measured, 1.9 % summed from power\"", "nodes,How,counters alone\r", "Energy at the facility,,not known: no PUE"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("the file lacks %q: %s", want, b)
		}
	}
	if b, err = report.Write(s, "pdf"); err != nil {
		t.Fatal(err)
	}
	says(t, words(t, b), "2026-03-02 00:00 to 2026-03-20 06:00 UTC", "1 082 916.864")
}
