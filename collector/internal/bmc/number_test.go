package bmc

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/collector/internal/odata"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stmcginnis/gofish/schemas"
)

func TestEnergyReadings(t *testing.T) {
	for text, want := range map[string]*register{
		`{"EnergykWh": {"Reading": 325675.25}}`:                                                                     {id: "x.Reading", mj: 1_172_430_900_000_000},
		`{"EnergykWh": {"Reading": 1.5, "SensorResetTime": "2026-01-01T00:00:00Z"}}`:                                {id: "x.Reading", mj: 5_400_000_000, driver: "2026-01-01T00:00:00Z"},
		`{"EnergykWh": {"Reading": 1.5, "LifetimeReading": 400000.001, "SensorResetTime": "2026-01-01T00:00:00Z"}}`: {id: "x.LifetimeReading", mj: 1_440_000_003_600_000},
		`{"EnergykWh": {"Reading": 1.5, "LifetimeReading": null}}`:                                                  {id: "x.Reading", mj: 5_400_000_000},
		`{"EnergykWh": 1.5}`:                    {id: "x.Reading", mj: 5_400_000_000},
		`{"EnergykWh": null}`:                   nil,
		`{"EnergykWh": {}}`:                     nil,
		`{"EnergykWh": {"Reading": null}}`:      nil,
		`{"EnergykWh": {"Reading": "N/A"}}`:     nil,
		`{"EnergykWh": {"Reading": 0}}`:         nil,
		`{"EnergykWh": {"Reading": -4}}`:        nil,
		`{"EnergykWh": {"Reading": 1e300}}`:     nil,
		`{"EnergykWh": [1]}`:                    nil,
		`{"EnergykWh": {"SensorResetTime": 5}}`: nil,
	} {
		var m environmentMetrics
		if err := odata.Lenient(json.Unmarshal([]byte(text), &m)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		switch got := registerOf(m.EnergykWh, "x", kWh); {
		case (got == nil) != (want == nil), got != nil && *got != *want:
			t.Errorf("%s is %+v, want %+v", text, got, want)
		}
	}
}

// The captures mean to another client of the same schema what they mean here.
func TestCapturesAreRedfish(t *testing.T) {
	files, err := filepath.Glob("testdata/redfish/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	seen := 0
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			compare := func(what string, ours odata.Number, theirs *float64) {
				t.Helper()
				v, err := ours.Value()
				if (err == nil) != (theirs != nil) || theirs != nil && v != *theirs {
					t.Errorf("%s: %s of %s is %v, %v here and %v there", file, what, f.Name, v, err, theirs)
				}
				seen++
			}
			into := func(ours, theirs any) {
				t.Helper()
				for _, to := range []any{ours, theirs} {
					if err := json.Unmarshal(f.Data, to); err != nil {
						t.Errorf("%s: %s: %v", file, f.Name, err)
					}
				}
			}
			switch {
			case strings.HasSuffix(f.Name, "/EnvironmentMetrics"):
				var ours environmentMetrics
				var theirs schemas.EnvironmentMetrics
				into(&ours, &theirs)
				compare("PowerWatts", ours.PowerWatts.Reading, theirs.PowerWatts.Reading)
				compare("EnergykWh", ours.EnergykWh.Reading, theirs.EnergykWh.Reading)
				compare("EnergykWh over life", ours.EnergykWh.LifetimeReading, theirs.EnergykWh.LifetimeReading)
				compare("EnergyJoules", ours.EnergyJoules.Reading, theirs.EnergyJoules.Reading)
			case strings.HasSuffix(f.Name, "/Metrics"):
				var ours powerSupplyMetrics
				var theirs schemas.PowerSupplyMetrics
				into(&ours, &theirs)
				compare("InputPowerWatts", ours.InputPowerWatts.Reading, theirs.InputPowerWatts.Reading)
			case strings.HasSuffix(strings.TrimRight(f.Name, "/"), "/Power"):
				var ours power
				var theirs schemas.Power
				into(&ours, &theirs)
				if len(ours.PowerControl) != len(theirs.PowerControl) {
					t.Fatalf("%s: %d members of %s here and %d there", file, len(ours.PowerControl), f.Name, len(theirs.PowerControl))
				}
				for i := range ours.PowerControl {
					var there *float64
					if v := theirs.PowerControl[i].PowerConsumedWatts; v != nil {
						there = new(float64(*v))
					}
					compare("PowerConsumedWatts", ours.PowerControl[i].PowerConsumedWatts, there)
				}
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d members compared", seen)
	}
}

func FuzzRedfish(f *testing.F) {
	files, _ := filepath.Glob("testdata/redfish/*.txtar")
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, x := range txtar.Parse(b).Files {
			f.Add(x.Data)
		}
	}
	f.Add([]byte(`{"PowerWatts": {"Reading": "4294967295"}, "EnergykWh": 1e18, "PowerControl": [{"PowerConsumedWatts": 1e999}], "Members": [{"@odata.id": 5}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var m environmentMetrics
		var p power
		var u powerSupplyMetrics
		var c chassis
		for _, to := range []any{&m, &p, &u, &c, new(odata.Collection), new(service), new(system), new(powerSubsystem), new(powerSupply)} {
			if odata.Lenient(json.Unmarshal(b, to)) != nil {
				return
			}
		}
		numbers := []odata.Number{m.PowerWatts.Reading, u.InputPowerWatts.Reading}
		for _, x := range p.PowerControl {
			numbers = append(numbers, x.PowerConsumedWatts)
		}
		for _, n := range numbers {
			if v, err := n.Value(); err == nil && (math.IsNaN(v) || math.IsInf(v, 0)) {
				t.Errorf("%q is %v", n, v)
			}
		}
		for _, e := range []odata.Excerpt{m.EnergykWh, m.EnergyJoules} {
			if r := registerOf(e, "x", kWh); r != nil && (r.mj == 0 || r.mj > 1<<62) {
				t.Errorf("%+v is %d mJ", e, r.mj)
			}
		}
	})
}
