package account_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// What figures are once the role of a meter is stated to be another than it was
// booked by. The site draws 120 kWh an hour, its IT 100, and reuses 30 of heat.
func TestARoleIsSetRightWhen(t *testing.T) {
	site := func(more map[string][]uint64) stretch {
		s := stretch{meters: map[string][]uint64{"grid_input-a": energies(120, 120), "ups_output": energies(100, 100), "heat_reuse": energies(30, 30)}}
		for k, v := range more {
			s.meters[k] = v
		}
		return s
	}
	is := func(name string, q account.Quantity) account.Meter { return account.Meter{Name: name, Quantity: q} }
	for name, tc := range map[string]struct {
		more   map[string][]uint64
		silent map[string][]int
		meters []account.Meter
		kpi    string // the PUE, unless it says
		want   float64
		reason string // why there is none
		flag   string // "": none
		says   string
	}{
		"nothing was wrong": {meters: []account.Meter{is("grid_input-a", account.GridInput)}, want: 1.2},
		"a UPS was declared as distribution": {
			more: map[string][]uint64{"distribution-ups": energies(20, 20)}, meters: []account.Meter{is("distribution-ups", account.UPSOutput)},
			want: 1, flag: "role_corrected", says: "distribution-ups as ups_output, not distribution"},
		"cooling was declared as a second feed": {
			more: map[string][]uint64{"grid_input-b": energies(15, 15)}, meters: []account.Meter{is("grid_input-b", account.Cooling)},
			want: 1.2, flag: "role_corrected", says: "grid_input-b as cooling, not grid_input"},
		"the only feed is declared as cooling": {
			meters: []account.Meter{is("grid_input-a", account.Cooling)}, reason: "no facility meter"},
		"cooling was declared as distribution, on which no PUE rests": {
			more: map[string][]uint64{"distribution-c": energies(15, 15)}, meters: []account.Meter{is("distribution-c", account.Cooling)}, want: 1.2},
		"an office was declared as UPS": {
			more: map[string][]uint64{"ups_output-office": energies(20, 20)}, meters: []account.Meter{{Name: "ups_output-office", Less: true}},
			want: 1, flag: "role_corrected", says: "ups_output-office is taken off, not ups_output"},
		"export was declared as generation": {
			more: map[string][]uint64{"onsite_generation-x": energies(10, 10)}, meters: []account.Meter{is("onsite_generation-x", account.Export)},
			want: 1.1, flag: "role_corrected"},
		"it is in no sum any more": {
			more: map[string][]uint64{"grid_input-b": energies(15, 15)}, meters: []account.Meter{is("grid_input-b", account.Other)},
			want: 1.2, flag: "role_corrected"},
		"it stands inside a meter of its right role": {
			more: map[string][]uint64{"distribution-m": energies(110, 110)}, meters: []account.Meter{is("grid_input-a", account.GridInput), {Name: "distribution-m", Quantity: account.GridInput, Parents: []string{"grid_input-a"}}},
			want: 1.2, flag: "role_corrected"},
		"it stands in for a meter": {
			more: map[string][]uint64{"ups_output-2": energies(132, 132)}, silent: map[string][]int{"grid_input-a": {2}},
			meters: []account.Meter{is("grid_input-a", account.GridInput), {Name: "ups_output-2", Quantity: account.GridInput, Backup: "grid_input-a"}},
			want:   (120*7 + 132) / 800.0, flag: "role_corrected"},
		"a meter of the right role is silent for a while": {
			more: map[string][]uint64{"grid_input-b": energies(15, 15), "distribution-b": energies(30, 30)}, silent: map[string][]int{"distribution-b": {1, 2, 3}},
			meters: []account.Meter{is("distribution-b", account.GridInput)}, reason: "62.5 % of the minutes are known, and 95 % are needed; not known: distribution-b for 45m0s"},
		"it stands there for half of the time": {
			more: map[string][]uint64{"distribution-b": energies(30, 30)}, meters: []account.Meter{{Name: "distribution-b", Quantity: account.GridInput, From: noon + hour}},
			want: (120 + 150) / 200.0, flag: "role_corrected"},
		"water of the taps was declared as all water": {
			kpi: "wue", more: map[string][]uint64{"water_total-1": {90_000, 90_000}, "water_total-2": {9_000, 9_000}}, meters: []account.Meter{is("water_total-2", account.WaterPotable)},
			want: 0.9, flag: "role_corrected"},
		"a chiller that tells its heat alone was declared as reuse": {
			kpi: "erf", meters: []account.Meter{is("heat_reuse", account.Other)}, reason: "no heat meter"},
		"heat was declared as cooling": { // it has no other register
			kpi: "erf", more: map[string][]uint64{"cooling-h": energies(12, 12)}, meters: []account.Meter{is("cooling-h", account.HeatReuse)},
			want: 42 / 120.0, flag: "role_corrected"},
		"a meter of water is stated to be of cooling": {
			kpi: "wue", more: map[string][]uint64{"water_total-1": {90_000, 90_000}}, meters: []account.Meter{is("water_total-1", account.Cooling)},
			want: 0.9, flag: "role_not_measured", says: "water_total-1 as water_total, not cooling"},
		"a meter of heat is stated to be a feed": {
			kpi: "erf", meters: []account.Meter{is("heat_reuse", account.GridInput)}, want: 0.25, flag: "role_not_measured"},
	} {
		t.Run(name, func(t *testing.T) {
			s := site(tc.more)
			s.silent = tc.silent
			if tc.kpi == "" {
				tc.kpi = "pue"
			}
			k := s.kpi(t, account.Terms{Meters: tc.meters}, tc.kpi)
			switch {
			case tc.reason != "":
				if k.Value != nil || !strings.Contains(k.Reason, tc.reason) {
					t.Errorf("%v, %q, want %q", k.Value, k.Reason, tc.reason)
				}
				return
			case k.Value == nil:
				t.Fatal(k.Reason)
			}
			near(t, tc.kpi, *k.Value, tc.want)
			near(t, "coverage", k.Coverage, 1)
			var texts []string
			for _, f := range k.Flags {
				if strings.HasPrefix(f.Code, "role_") {
					texts = append(texts, f.Code+" "+f.Text)
				}
			}
			if all := strings.Join(texts, "\n"); (tc.flag == "") != (all == "") || !strings.HasPrefix(all, tc.flag) || !strings.HasSuffix(all, tc.says) {
				t.Errorf("flags %q, want %s … %s", all, tc.flag, tc.says)
			}
			if k.Terms == "" {
				t.Error("it names no version of what is stated")
			}
		})
	}
}

// A heat meter has registers of energy and of heat: it counts by the one that its
// stated role is of.
func TestAMeterOfTwoRegistersCountsByItsRole(t *testing.T) {
	for name, tc := range map[string]struct {
		stated account.Quantity
		kpi    string
		want   float64
	}{
		"heat":        {account.HeatReuse, "erf", 0.25},
		"electricity": {account.GridInput, "pue", (120 + 8) / 100.0},
	} {
		s := stretch{meters: map[string][]uint64{"grid_input": energies(120), "ups_output": energies(100), "heat_reuse": energies(30)}}
		h := s.hour(0)
		row := account.MeterRow{Name: "heat_reuse", Metric: metric.MeterEnergyJoules}
		for k := range 4 {
			row.Amount[k], row.Covered[k], row.Expected[k] = 2*kWh, 900_000, 900_000
		}
		h.Meters = append(h.Meters, row)
		b := basis(t, account.Terms{Meters: s.rest([]account.Meter{{Name: "heat_reuse", Quantity: tc.stated}})})
		x := account.NewSheet(h.Number, b)
		x.Add(h)
		x.Done()
		ks, err := b.KPIs(account.KPIQuestion{Names: []string{tc.kpi}, From: noon, To: noon + hour, Now: noon + hour, Category: 1},
			func(yield func(*account.Resolved) bool) { yield(b.Resolve(x, noon+hour, false)) })
		if err != nil || ks[0].Value == nil {
			t.Fatalf("%s: %v, %+v", name, err, ks)
		}
		near(t, name, *ks[0].Value, tc.want)
		if d := account.NewDigest(&x.Summary, b.Resolve(x, noon+hour, false)); tc.stated == account.GridInput && (d.Metered&(1<<account.HeatReuse) != 0 || !d.Sums[account.HeatReuse].IsZero()) {
			t.Errorf("%s: it still counts as heat: %v", name, d.Sums[account.HeatReuse])
		}
	}
}

// A branch is not awaited before the site's first reading.
func TestAMissingBranchIsMissedSinceTheSiteBegan(t *testing.T) {
	s := stretch{meters: map[string][]uint64{"grid_input-a": energies(120), "ups_output": energies(100)}}
	b := basis(t, account.Terms{Meters: []account.Meter{meter("grid_input-a"), meter("grid_input-b"), meter("ups_output")}})
	for name, tc := range map[string]struct{ since, until, says, expected int64 }{
		"it began with the hour":      {0, 19, 19, 19},
		"it began 19 minutes past":    {19, 20, 1, 1},
		"it began a quarter before":   {14, 40, 26, 26},
		"it has only just begun":      {20, 20, 0, 0},
		"it began in the hour before": {-5, 30, 30, 30},
	} {
		x := s.sheet(b, 0)
		x.Since = noon + tc.since*60*second
		until := noon + tc.until*60*second
		r := b.Resolve(x, until, true)
		ks, err := b.KPIs(account.KPIQuestion{Names: []string{"pue"}, From: noon, To: noon + hour, Now: until, Category: 1}, func(yield func(*account.Resolved) bool) { yield(r) })
		if err != nil {
			t.Fatal(err)
		}
		want := "grid_input-b for " + (time.Duration(tc.says) * time.Minute).String()
		if tc.says == 0 {
			want = "no whole minute in which all meters are known"
		}
		if !strings.HasSuffix(ks[0].Reason, want) {
			t.Errorf("%s: %q, want %q", name, ks[0].Reason, want)
		}
		d := account.NewDigest(&x.Summary, r)
		if d.Expected[account.GridInput] != tc.expected*60*second || d.Covered[account.GridInput] != 0 {
			t.Errorf("%s: of the grid %d of %d ms are known", name, d.Covered[account.GridInput], d.Expected[account.GridInput])
		}
	}
}

func TestRowsCountByTheRoleThatIsStated(t *testing.T) {
	b := basis(t, account.Terms{Meters: []account.Meter{meter("pdu_output-1"), {Name: "distribution-2", Quantity: account.PDUOutput}, {Name: "pdu_output-3", Quantity: account.Cooling}}})
	q := account.Question{By: account.ByRack, Boundary: metric.IT, From: noon, To: noon + hour}
	tally := account.NewTally(&q, q.From, q.To, 2)
	for i, d := range []account.Device{
		{Kind: metric.Meter, Name: "pdu_output-1", Metric: metric.MeterEnergyJoules, Quantity: account.PDUOutput},
		{Kind: metric.Meter, Name: "distribution-2", Metric: metric.MeterEnergyJoules, Quantity: account.Distribution},
		{Kind: metric.Meter, Name: "pdu_output-3", Metric: metric.MeterEnergyJoules, Quantity: account.PDUOutput},
		{Kind: metric.Meter, Name: "pdu_output-4", Metric: metric.MeterEnergyJoules, Quantity: account.PDUOutput}, // of which nothing is stated
	} {
		if !b.Counts(d.Name, q.From, q.To) {
			tally.Left(b, &d)
			continue
		}
		as := b.As(&d)
		if got, want := tally.Wants(as), i != 2; got != want {
			t.Errorf("%s is wanted: %t", d.Name, got)
		}
		tally.AddRow(as, &account.Place{Hall: "h1", Rack: "r1"}, &account.Row{Amount: 1 << i})
		if as != &d {
			tally.Restated(&d, as)
		}
	}
	lines := tally.Lines()
	if len(lines) != 1 || !strings.Contains(lines[0].Note, "distribution-2 as pdu_output, not distribution; pdu_output-3 as cooling, not pdu_output") ||
		!strings.HasSuffix(lines[0].Note, "last day: pdu_output-4 as pdu_output") {
		t.Fatalf("%+v", lines)
	}
	if mj, err := lines[0].Energy.Total(); err != nil || mj != 1+2 {
		t.Errorf("%d mJ, %v", mj, err)
	}
}
