package meter

import (
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/site"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestMetersOfASiteFile(t *testing.T) {
	s, err := site.Parse("site.yaml", site.Example)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]Meter{}
	var meters []Meter
	for i := range s.Meters {
		m := &s.Meters[i]
		var kinds []Kind
		for _, name := range m.Measures {
			q, ok := ParseQuantity(string(name))
			if !ok {
				t.Errorf("%s measures %s", m.ID, name)
			}
			if q == Temperature {
				kinds = append(kinds, Kind{q, Supply}, Kind{q, Return})
			} else {
				kinds = append(kinds, Kind{Quantity: q})
			}
		}
		got[m.ID] = Of(s, m, always(nil, kinds...), "line "+m.ID)
		meters = append(meters, got[m.ID])
	}
	if _, err := New(Config{Meters: meters}); err != nil {
		t.Error(err)
	}
	swapped := time.Date(2026, 5, 12, 8, 30, 0, 0, time.UTC)
	zero, final, initial := int64(0), int64(1284117_600*3_600_000), int64(12_400*3_600_000)
	for id, want := range map[string]Meter{
		"grid-a": {Name: "grid-a", Role: metric.RoleGridInput, Line: "line grid-a", Rating: 4e5, Period: 10 * time.Second, Installed: []Installation{
			{From: time.Date(2025, 3, 1, 8, 0, 0, 0, time.UTC), Serial: "2210-0417", Class: "0.5S", Ratio: 1, Initial: &zero, Final: &final},
			{From: swapped, Serial: "2611-0032", Class: "0.5S", Ratio: 1, Initial: &initial},
		}},
		"r0002-pdu-a": {Name: "r0002-pdu-a", Role: metric.RolePDUOutput, Hall: "h01", Rack: "r0002", Line: "line r0002-pdu-a", Rating: 1e5, Period: 30 * time.Second, Installed: []Installation{{Ratio: 1}}},
		"ups-01":      {Name: "ups-01", Role: metric.RoleUPSOutput, Hall: "h01", Line: "line ups-01", Rating: 1.5e5, Installed: []Installation{{Ratio: 1}}},
		"water":       {Name: "water", Role: metric.RoleWaterTotal, Line: "line water", MaxFlow: 5. / 3600, Installed: []Installation{{Ratio: 1}}},
	} {
		if d := cmp.Diff(want, got[id], cmpopts.IgnoreUnexported(Meter{}), cmpopts.IgnoreFields(Meter{}, "Reader"), cmpopts.EquateApprox(1e-12, 0)); d != "" {
			t.Errorf("%s: %s", id, d)
		}
	}
}

// What displays showed counts by the transformers of their device.
func TestDisplaysByTheirTransformers(t *testing.T) {
	five := int64(5 * kwh)
	r := &site.Register{Millionths: 5_000_000, Unit: "kWh"}
	if got := amount(r, 1); *got != five {
		t.Errorf("%d mJ", *got)
	}
	if got := amount(r, 80); *got != 80*five {
		t.Errorf("%d mJ by 80", *got)
	}
	if got := amount(nil, 80); got != nil {
		t.Errorf("%d mJ of what nobody wrote down", *got)
	}
	if got := amount(&site.Register{Millionths: 9e18, Unit: "GWh"}, 80); got != nil {
		t.Errorf("%d mJ of more than an integer holds", *got)
	}
}
