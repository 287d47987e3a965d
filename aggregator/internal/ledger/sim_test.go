package ledger

import (
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/sim"
)

// Hours of a whole simulated site, plant and all, on a real disk: every account
// is the world's own account of what could be seen, to the millijoule, and the
// figures of the day follow.
func TestBooksOfASimulatedSite(t *testing.T) {
	path := t.TempDir()
	dir, err := OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	l, err := Open(Config{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	w, err := sim.New(sim.Config{Site: "fra1", Hosts: 10, GPUs: 4, Seed: 11, Start: began})
	if err != nil {
		t.Fatal(err)
	}
	sequence := make([]uint64, w.Agents())
	var n uint64
	now := began
	for s := range 3*3600 + 60 {
		if s > 0 {
			now = now.Add(time.Second)
			w.Step(now)
		}
		if s%10 != 0 {
			continue
		}
		for i := range w.Agents() {
			values, ok := w.Ledger(i, nil)
			if !ok {
				continue
			}
			sequence[i]++
			n++
			o := l.Apply(&metric.Batch{
				Site: "fra1", Agent: w.Agent(i).Name, Lane: metric.Ledger, Incarnation: 1, Sequence: sequence[i],
				Time: now.UnixMilli(), Boottime: now.Sub(began).Nanoseconds() + 1e12, Ticks: 1, Layout: w.Agent(i).Ledger, Values: values,
			}, now, "L/1", n)
			if o.Verdict != account.Accepted {
				t.Fatalf("%s: %v, %s", w.Agent(i).Name, o.Verdict, o.Reason)
			}
		}
		if s%600 == 0 {
			if _, err := l.Commit(now); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := l.Commit(now); err != nil {
		t.Fatal(err)
	}
	truth := w.Truth()
	want, have := map[string]uint64{}, map[string]uint64{}
	for _, g := range truth.GPU {
		want[g.UUID] = uint64(g.Observed)
	}
	for _, h := range truth.Host {
		want[h.Host+" "+h.Source] = uint64(h.Observed)
	}
	for _, m := range truth.Meter {
		want[m.Meter+" "+m.Metric] = uint64(m.Observed)
	}
	for b := range func(yield func(account.Balance) bool) { l.state.Balances("fra1", yield) } {
		name := b.Device.Name
		switch b.Device.Kind {
		case metric.Host:
			name += " " + metric.Lookup(b.Device.Metric).LabelValue(b.Device.Point, 0)
		case metric.Meter:
			name += " " + metric.Lookup(b.Device.Metric).Name
		}
		have[name] = b.Counted
	}
	if d := cmp.Diff(want, have); d != "" {
		t.Errorf("observed in truth (-) and booked (+):\n%s", d)
	}
	for b, want := range map[metric.Boundary]int64{
		metric.Facility: truth.Observed.Facility, metric.IT: truth.Observed.IT, metric.Hosts: truth.Observed.HostEnergy, metric.GPUs: truth.Observed.GPUEnergy,
	} {
		lines, err := l.Energy(account.Question{Site: "fra1", Boundary: b, From: 0, To: began.UnixMilli() + 4*hourMs})
		if err != nil {
			t.Fatal(err)
		}
		got, _ := lines[0].Energy.Total()
		estimate := lines[0].Energy[metric.EstimatedProfile]
		if int64(got-estimate) != want {
			t.Errorf("%v: %d mJ less %d estimated, want %d", b, got, estimate, want)
		}
		if c := float64(lines[0].CoveredMillis) / float64(lines[0].ExpectedMillis); c < 0.99 && b != metric.GPUs && b != metric.Hosts {
			t.Errorf("%v is covered by %v", b, c)
		}
	}
	from, to := began.UnixMilli(), began.UnixMilli()+3*hourMs
	for name, want := range map[string]float64{
		"pue":             float64(truth.Total.Facility) / float64(truth.Total.IT),
		"carbon_location": truth.Total.CarbonLifecycle / 1000 * 3 / (3 + 1.0/60),
		"erf":             float64(truth.Total.Heat) / float64(truth.Total.Facility),
		"wue":             float64(truth.Total.Water) / 1000 / (float64(truth.Total.IT) / metric.MillijoulesPerKWh),
	} {
		k, err := l.KPI("fra1", name, from, to)
		if err != nil {
			t.Fatal(err)
		}
		if k.Value == nil || *k.Value < want*0.98 || *k.Value > want*1.02 || k.Reason != "" {
			t.Errorf("%s is %v (%s), want about %v", name, k.Value, k.Reason, want)
		}
	}
	racks, err := l.Energy(account.Question{Site: "fra1", By: account.ByRack, Boundary: metric.IT, From: from, To: to})
	if err != nil || len(racks) != 2 || racks[0].Rack == "" || racks[0].Category != 2 || racks[0].Energy.IsZero() || !racks[0].Final {
		t.Errorf("IT by rack: %+v, %v", racks, err)
	}
	if g, ok, err := l.Carbon("fra1"); err != nil || !ok || g < truth.Total.CarbonLifecycle*0.98 || g > truth.Total.CarbonLifecycle*1.02 {
		t.Errorf("carbon since the ledger began is %v g, %v; want about %v", g, err, truth.Total.CarbonLifecycle)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	sum, err := Check(path)
	if err != nil || sum.Hours != 3 {
		t.Errorf("%v, %v", sum, err)
	}
	t.Log(sum)
}
