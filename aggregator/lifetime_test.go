package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// What a counter shows when what the ledger says of it steps.
func TestACounterGoesOnWhen(t *testing.T) {
	type said struct {
		terms   string
		v, want float64
	}
	const restart = "restart"
	for name, steps := range map[string][]said{
		"it only counts":                             {{"a", 10, 10}, {"a", 12, 12}},
		"what is exported is booked late":            {{"a", 10, 10}, {"a", 9, 10}, {"a", 11, 11}},
		"a role is set right, and less was drawn":    {{"a", 1000, 1000}, {"b", 400, 1000}, {"b", 405, 1005}},
		"a role is set right, and more was drawn":    {{"a", 400, 400}, {"b", 1000, 400}, {"b", 1005, 405}},
		"it is taken back":                           {{"a", 1000, 1000}, {"b", 400, 1000}, {"b", 410, 1010}, {"a", 1010, 1010}, {"a", 1015, 1015}},
		"the process begins anew":                    {{"a", 10, 10}, {restart, 0, 0}, {"a", 25, 25}},
		"it begins anew after a role was set right":  {{"a", 1000, 1000}, {"b", 400, 1000}, {restart, 0, 0}, {"b", 430, 1030}},
		"a role is set right while it is down":       {{"a", 1000, 1000}, {restart, 0, 0}, {"b", 400, 1000}, {"b", 405, 1005}},
		"what changes while it is down is no matter": {{"a", 1000, 1000}, {restart, 0, 0}, {"b", 1040, 1040}, {"b", 1045, 1045}},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), lifetimesFile)
			l := newLifetimes(file, quietly())
			for i, s := range steps {
				if s.terms == restart {
					l.save()
					l = newLifetimes(file, quietly())
					continue
				}
				if got := l.show("s1/facility", s.terms, s.v); got != s.want {
					t.Errorf("step %d shows %v, want %v", i, got, s.want)
				}
			}
		})
	}
	for name, text := range map[string]string{"nothing": "", "no JSON": "{", "a list": "[]", "nothing of a site": `{"s1/facility": null}`} {
		file := filepath.Join(t.TempDir(), lifetimesFile)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := newLifetimes(file, quietly()).show("s1/facility", "a", 7); got != 7 {
			t.Errorf("after a file of %s it shows %v", name, got)
		}
	}
}

func TestTheEnergyOfASiteDoesNotStepWithARole(t *testing.T) {
	now := time.Date(2026, 11, 22, 14, 10, 0, 0, time.UTC)
	l := emptyLedger(t)
	b := newBoard("s1", "DE-LU", 300, 60, dial{"grid-a", metric.RoleGridInput, 120}, dial{"chiller", metric.RoleGridInput, 30}, dial{"ups", metric.RoleUPSOutput, 100})
	run := func(d time.Duration) {
		for end := now.Add(d); now.Before(end); now = now.Add(10 * time.Second) {
			if o := l.Apply(b.read(now), now, "stream", b.sequence); o.Reason != "" {
				t.Fatal(o.Reason)
			}
		}
		if _, err := l.Commit(now); err != nil {
			t.Fatal(err)
		}
	}
	shown := map[metric.Number]float64{}
	d := newToday(l, func(points []live.Point) {
		for _, p := range points {
			if p.Point == uint32(metric.Facility) {
				shown[p.Metric] = p.Value
			}
		}
	}, quietly())
	state := func(chiller account.Quantity) {
		if _, err := l.SetTerms("s1", account.Terms{Meters: []account.Meter{
			{Name: "grid-a", Quantity: account.GridInput}, {Name: "chiller", Quantity: chiller}, {Name: "ups", Quantity: account.UPSOutput},
		}}); err != nil {
			t.Fatal(err)
		}
	}
	state(account.GridInput)
	run(50 * time.Minute)
	d.refresh(now)
	before, carbon := shown[metric.SiteEnergyJoules], shown[metric.SiteCarbonGrams]
	state(account.Cooling)
	d.refresh(now)
	if got := shown[metric.SiteEnergyJoules]; before == 0 || got != before {
		t.Errorf("it shows %v J, before %v", got, before)
	}
	run(30 * time.Minute)
	d.refresh(now)
	if got, want := shown[metric.SiteEnergyJoules]-before, 120e3*1800.0; got != want {
		t.Errorf("half an hour later it shows %v J more, want %v", got, want)
	}
	if got := shown[metric.SiteCarbonGrams]; carbon == 0 || got <= carbon {
		t.Errorf("carbon is %v g, before %v", got, carbon)
	}
	if got := d.of("s1").kpis["pue"]; got.Value == nil || *got.Value != 1.2 {
		t.Errorf("PUE is %v, %q", value(got.Value), got.Reason)
	}
}
