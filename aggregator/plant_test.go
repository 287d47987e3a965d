package main

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/agent"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/sim"
)

// A plantRig is a simulated plant whose time the test has in its hand, read over
// Modbus by the collectors of its site file.
type plantRig struct {
	*simulation
	*process
	world time.Time // that it is in the plant
}

func newPlantRig(t *testing.T) *plantRig {
	t.Helper()
	addr := freePort(t)
	r := &plantRig{process: start(t, "all-in-one", "-hosts", "0", "-data", t.TempDir(), "-listen", "127.0.0.1:0", "-bus", addr)}
	r.world = time.Now().Truncate(time.Second)
	var err error
	r.simulation, err = openSimulation(t.TempDir(), sim.Config{Site: "s1", Hosts: 16, GPUs: 8, Seed: 5, Start: r.world, Faults: sim.Faults{Off: true}}, pollEvery)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var ended []chan error
	for _, c := range r.collectors(agent.BusConfig{URLs: []string{"nats://" + addr}}, time.Second) {
		done := make(chan error, 1)
		go func() { done <- agent.Run(ctx, c, quietly()) }()
		ended = append(ended, done)
	}
	t.Cleanup(func() {
		cancel()
		for _, done := range ended {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if err := r.plant.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// run lets time pass in the plant until ok, or for a while.
func (r *plantRig) run(limit time.Duration, what string, ok func() bool) {
	r.t.Helper()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	last := time.Now().Add(-time.Second)
	for end := time.Now().Add(limit); time.Now().Before(end); <-tick.C {
		now := time.Now()
		r.world, last = r.world.Add(now.Sub(last)), now
		r.plant.Step(r.world)
		if ok != nil && ok() {
			return
		}
	}
	if ok != nil {
		r.t.Fatalf("waited %s in vain: %s\n%s", limit, what, r.output())
	}
}

// rest waits while time stands still in the plant, until every display was read
// and a record of the ledger lane has told it.
func (r *plantRig) rest() {
	r.t.Helper()
	r.await(40*time.Second, "all meters are read", func() bool {
		return len(r.instant("meter_energy_joules_total", "meter")) == 14 && len(r.instant("meter_water_cubic_metres_total", "meter")) == 2
	})
	const slowest = 5 * pollEvery
	time.Sleep(slowest + time.Second)
	time.Sleep(time.Until(time.Now().Truncate(10*time.Second).Add(10*time.Second)) + 3*time.Second)
}

// ask is what the ledger says of energy since the hour before the run.
func (r *plantRig) ask(t *testing.T, site, by string, b metric.Boundary) []query.EnergyLine {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Hour)
	a, err := (&query.Client{URL: r.url}).Energy(t.Context(), query.EnergyQuestion{Site: site, By: by, Boundary: b, From: now.Add(-time.Hour), To: now.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	return a.Lines
}

// pue is that of today.
func (r *plantRig) pue(t *testing.T) query.KPI {
	t.Helper()
	a, err := (&query.Client{URL: r.url}).KPI(t.Context(), query.KPIQuestion{Site: "s1", KPIs: []string{"pue"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(a.KPIs) != 1 {
		t.Fatalf("%d figures", len(a.KPIs))
	}
	return a.KPIs[0]
}

// supplied is the energy that a PUE rests on, in joules.
func supplied(k query.KPI) float64 {
	for _, in := range k.Inputs {
		if in.Name == "energy supplied" && in.Value != nil {
			return *in.Value
		}
	}
	return 0
}

func (r *plantRig) status(t *testing.T) *siteStatus {
	t.Helper()
	var s pageStatus
	if err := r.get("/api/v1/status", &s); err != nil {
		t.Fatal(err)
	}
	for i := range s.Sites {
		if s.Sites[i].Site == "s1" {
			return &s.Sites[i]
		}
	}
	t.Fatal("the page does not know the site")
	return nil
}

// What registers counted is in the ledger, to the last step of their displays,
// though one of them was silent for a while.
func TestPlantIsReadOverModbus(t *testing.T) {
	t.Parallel()
	r := newPlantRig(t)
	r.rest()

	// KPIs are made of whole minutes of the clock; at the end of this one a meter
	// hangs, and in the first that begins after that it answers.
	end := time.Now().Truncate(time.Minute).Add(time.Minute)
	if time.Until(end) < 15*time.Second {
		end = end.Add(time.Minute)
	}
	r.run(time.Until(end.Add(-12*time.Second)), "", nil)
	r.plant.Hang("grid-a", true)
	r.run(30*time.Second, "no facility power, and why", func() bool {
		f := r.status(t).Power["facility"]
		return f.Watts == nil && f.Reason != ""
	})
	r.run(time.Until(end.Add(4*time.Second)), "", nil)
	k := r.pue(t) // of the minutes before, if there was a whole one
	if k.Reason == "" || k.Value != nil && k.Coverage > 0.9 {
		t.Errorf("PUE while a meter hangs: %v with coverage %v, because %q", k.Value, k.Coverage, k.Reason)
	}
	t.Logf("while a meter hangs: %s; %s", r.status(t).Power["facility"].Reason, k.Reason)
	hung := supplied(k)
	r.plant.Hang("grid-a", false)
	r.run(3*time.Minute, "PUE is back", func() bool {
		k = r.pue(t)
		return k.Value != nil && supplied(k) > hung
	})
	if *k.Value < 1.02 || *k.Value > 1.4 || k.Category != 1 || k.Point != metric.RoleUPSOutput {
		t.Errorf("PUE: %+v, value %v", k, *k.Value)
	}
	r.run(30*time.Second, "PUE on the page", func() bool { return r.status(t).PUE.Value != nil })
	s := r.status(t)
	facility, it := s.Power["facility"], s.Power["it"]
	if s.PUE.Category != 1 || !s.Simulated || it.Category != 1 || facility.Watts == nil || *facility.Watts <= *it.Watts {
		t.Errorf("the page says: PUE %+v, facility %+v, IT %+v, simulated %v", s.PUE, facility, it, s.Simulated)
	}

	r.rest()
	truth := r.plant.Truth()
	for b, want := range map[metric.Boundary]int64{metric.Facility: truth.Observed.Facility, metric.IT: truth.Observed.IT} {
		const wh = 3_600_000
		line := r.ask(t, "s1", "site", b)[0]
		got := line.Millijoules
		switch {
		case got == nil:
			t.Errorf("%s: no energy: %s", b, line.Reason)
		case *got != uint64(want) || want <= 100*wh || want%wh != 0:
			t.Errorf("%s: the ledger says %d mJ, the displays %d (%+d)", b, *got, want, int64(*got)-want)
		}
		// The display hides less than one of its steps, at each end and of each meter.
		of := map[metric.Boundary]int64{metric.Facility: truth.Total.Facility, metric.IT: truth.Total.IT}[b]
		if d := math.Abs(float64(of - want)); d >= 5*2*wh {
			t.Errorf("%s: displays show %d mJ of %d", b, want, of)
		}
	}
	r.checkRacks(t, truth)
	r.checkMarks(t, "s1")
	r.stop()
}

// checkRacks holds what the ledger says of racks against the displays of their
// PDUs.
func (r *plantRig) checkRacks(t *testing.T, truth sim.Truth) {
	t.Helper()
	lines := r.ask(t, "s1", "rack", metric.IT)
	got := map[string]uint64{}
	for _, l := range lines {
		if l.Millijoules != nil {
			got[l.Rack] = *l.Millijoules
		}
	}
	for _, m := range truth.Meter {
		if rack, ok := strings.CutSuffix(m.Meter, "-pdu"); ok && (got[rack] != uint64(m.Observed) || m.Observed <= 0) {
			t.Errorf("%s: the ledger says %d mJ, the display %d", rack, got[rack], m.Observed)
		}
	}
	if len(got) != 2 {
		t.Errorf("racks: %v", lines)
	}
}

// checkMarks looks for series of the plant that do not say that they are simulated.
func (r *plantRig) checkMarks(t *testing.T, site string) {
	t.Helper()
	if n := r.instant(`count({site="`+site+`",simulated="true"})`, ""); n[""] < 50 {
		t.Errorf("%v series are marked", n[""])
	}
	// What the aggregator shows of itself, such as whether it took the site's file, is no model's.
	if n := r.instant(`{site="`+site+`",simulated!="true",__name__!~"gigawatch_.*"}`, "__name__"); len(n) > 0 {
		t.Errorf("not marked: %v", n)
	}
	if n := r.instant(`{site="here",simulated="true"}`, "__name__"); len(n) > 0 {
		t.Errorf("marked, and real: %v", n)
	}
	if out := r.output(); strings.Contains(out, "level=ERROR") {
		t.Error(out)
	}
}

// The demonstration: what is read of its plant comes from registers, and its site
// file is one.
func TestDemonstrationReadsItsPlantOverModbus(t *testing.T) {
	t.Parallel()
	dir, truthFile := t.TempDir(), filepath.Join(t.TempDir(), "truth.json")
	p := start(t, "all-in-one", "-hosts", "4", "-data", dir, "-listen", "127.0.0.1:0", "-truth", truthFile)
	r := &plantRig{process: p}
	p.await(40*time.Second, "all meters are read", func() bool { return len(p.instant("meter_energy_joules_total", "meter")) == 13 })
	for name, v := range p.instant("meter_energy_joules_total", "meter") {
		if wh := v / 3600; wh != math.Trunc(wh) {
			t.Errorf("%s shows %v Wh", name, wh)
		}
	}
	r.checkMarks(t, simulatedSite)
	if out, err := exec.Command("aggregator", "site", "-check", "-file", filepath.Join(dir, simulatedSite, "site.yaml")).CombinedOutput(); err != nil {
		t.Errorf("its site file: %v: %s", err, out)
	}
	var figures map[string]float64
	p.await(3*time.Minute, "figures that rest on the site file", func() bool {
		figures = map[string]float64{}
		a, err := (&query.Client{URL: p.url}).KPI(t.Context(), query.KPIQuestion{Site: simulatedSite, KPIs: []string{"pue", "wue", "cue", "erf", "ref", "carbon_market", "cost"}})
		if err != nil {
			return false
		}
		for _, k := range a.KPIs {
			if k.Value != nil {
				figures[k.Name] = *k.Value
			}
		}
		return len(figures) == 7
	})
	if figures["ref"] < 0.39 || figures["pue"] < 1 || figures["carbon_market"] <= 0 || figures["cost"] <= 0 {
		t.Errorf("figures: %v", figures)
	}
	line := r.ask(t, simulatedSite, "site", metric.Facility)[0]
	if line.Millijoules == nil {
		t.Fatalf("no energy: %s", line.Reason)
	}
	got := *line.Millijoules
	p.stop()
	b, err := os.ReadFile(truthFile)
	if err != nil {
		t.Fatal(err)
	}
	var truth sim.Truth
	if err := json.Unmarshal(b, &truth); err != nil {
		t.Fatal(err)
	}
	// The ledger has not heard of what was read since its newest record.
	if lacks := truth.Observed.Facility - int64(got); lacks < 0 || lacks > truth.Observed.Facility/2 || got%3_600_000 != 0 {
		t.Errorf("the ledger says %d mJ, the displays %d", got, truth.Observed.Facility)
	}
	if s, err := runVerify(t, dir); err != nil {
		t.Errorf("verify: %v: %s", err, s)
	}
}
