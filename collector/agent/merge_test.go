package agent

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// place is a host with the given GPUs below it.
func place(uuids ...string) []metric.Entity {
	es := metric.Place{Rack: "r0001", Host: "n1"}.Entities()
	for _, u := range uuids {
		es = append(es, metric.Entity{Kind: metric.GPU, Name: u, Parent: 1})
	}
	return es
}

func column(n metric.Number, first, count int) metric.Column {
	return metric.Column{Metric: n, Form: metric.Lookup(n).Form, First: first, Count: count}
}

func TestEntitiesThatSeveralSourcesNameBecomeOne(t *testing.T) {
	for name, tc := range map[string]struct {
		layouts []*metric.Layout
		want    metric.Layout
	}{
		"host beside GPUs": {
			[]*metric.Layout{
				{Entities: place(), Columns: []metric.Column{column(metric.HostUp, 1, 1)}},
				{Entities: place("a", "b"), Columns: []metric.Column{column(metric.GPUPowerWatts, 2, 2)}},
			},
			metric.Layout{Entities: place("a", "b"), Columns: []metric.Column{column(metric.HostUp, 1, 1), column(metric.GPUPowerWatts, 2, 2)}},
		},
		"GPUs named by two": {
			[]*metric.Layout{
				{Entities: place("a", "b"), Columns: []metric.Column{column(metric.GPUPowerWatts, 2, 2)}},
				{Entities: place("a", "b"), Columns: []metric.Column{column(metric.GPUEnergyJoules, 2, 2)}},
			},
			metric.Layout{Entities: place("a", "b"), Columns: []metric.Column{column(metric.GPUPowerWatts, 2, 2), column(metric.GPUEnergyJoules, 2, 2)}},
		},
		"in another order, so that a run falls apart": {
			[]*metric.Layout{
				{Entities: place("a", "b", "c"), Columns: []metric.Column{column(metric.GPUPowerWatts, 2, 3)}},
				{Entities: place("c", "a", "b", "d"), Columns: []metric.Column{column(metric.GPUEnergyJoules, 2, 4)}},
			},
			metric.Layout{Entities: place("a", "b", "c", "d"), Columns: []metric.Column{
				column(metric.GPUPowerWatts, 2, 3),
				column(metric.GPUEnergyJoules, 4, 1), column(metric.GPUEnergyJoules, 2, 2), column(metric.GPUEnergyJoules, 5, 1),
			}},
		},
		"one of them simulated": {
			[]*metric.Layout{{Entities: place()}, {Simulated: true, Entities: place()}},
			metric.Layout{Simulated: true, Entities: place()},
		},
		"alike but for a label": {
			[]*metric.Layout{
				{Entities: append(place(), metric.Entity{Kind: metric.Meter, Name: "m", Parent: 0})},
				{Entities: append(place(), metric.Entity{Kind: metric.Meter, Name: "m", Parent: 0, Labels: []metric.Pair{{Name: "role", Value: "cooling"}}})},
			},
			metric.Layout{Entities: append(place(), metric.Entity{Kind: metric.Meter, Name: "m", Parent: 0},
				metric.Entity{Kind: metric.Meter, Name: "m", Parent: 0, Labels: []metric.Pair{{Name: "role", Value: "cooling"}}})},
		},
	} {
		got, err := merge(tc.layouts)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := cmp.Diff(tc.want, *got); d != "" {
			t.Errorf("%s:\n%s", name, d)
		}
	}
}

func TestALaneCarriesItsColumnsAndTheirEntitiesOnly(t *testing.T) {
	es := place("a", "b")
	es = append(es, metric.Entity{Kind: metric.Device, Name: "eno1", Parent: 1}, metric.Entity{Kind: metric.Meter, Name: "m", Parent: 1})
	l := &metric.Layout{Entities: es, Columns: []metric.Column{
		column(metric.HostUp, 1, 1), column(metric.GPUTemperature, 2, 2), column(metric.GPUEnergyJoules, 2, 2), column(metric.GPUPowerWatts, 2, 2),
		column(metric.HostNetworkBytes, 4, 1), column(metric.CounterEpoch, 2, 2), column(metric.CounterQuality, 3, 1), column(metric.MeterEnergyJoules, 5, 1),
	}}
	var values []metric.Raw
	for i := range l.Width() {
		values = append(values, metric.Raw(i))
	}
	v, err := viewsOf([]*metric.Layout{l}, views{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]metric.Raw{0, 1, 2, 3, 4, 5, 6, 7, 11}, v.telemetry.values(nil, values)); d != "" {
		t.Errorf("telemetry:\n%s", d)
	}
	if d := cmp.Diff([]metric.Raw{3, 4, 5, 6, 8, 9, 10, 11}, v.ledger.values(nil, values)); d != "" {
		t.Errorf("ledger:\n%s", d)
	}
	want := &metric.Layout{
		Entities: append(place("a", "b"), metric.Entity{Kind: metric.Meter, Name: "m", Parent: 1}),
		Columns: []metric.Column{column(metric.GPUEnergyJoules, 2, 2), column(metric.GPUPowerWatts, 2, 2),
			column(metric.CounterEpoch, 2, 2), column(metric.CounterQuality, 3, 1), column(metric.MeterEnergyJoules, 4, 1)},
	}
	if d := cmp.Diff(want, v.ledger.layout.Layout); d != "" {
		t.Errorf("the ledger's layout:\n%s", d)
	}

	// What the ledger does not carry does not give it a new layout.
	more := *l
	more.Columns = append([]metric.Column{{Metric: metric.GPUXIDEvents, Form: metric.Int, Point: 79, First: 2, Count: 1}}, l.Columns...)
	again, err := viewsOf([]*metric.Layout{&more}, v)
	if err != nil {
		t.Fatal(err)
	}
	if again.ledger.layout != v.ledger.layout || again.telemetry.layout == v.telemetry.layout {
		t.Error("an XID column makes a new layout of the ledger, or none of telemetry")
	}
	if d := cmp.Diff([]metric.Raw{3, 4, 5, 6, 8, 9, 10, 11}, again.ledger.values(nil, append([]metric.Raw{99}, values...))); d != "" {
		t.Errorf("ledger under the new layout:\n%s", d)
	}
}

// What boards do is rounded where it is kept, and not where it is looked at.
func TestActivitiesAreRoundedInTheLedger(t *testing.T) {
	l := &metric.Layout{Entities: place("a", "b"), Columns: []metric.Column{
		column(metric.GPUEnergyJoules, 2, 2), column(metric.GPUSMActive, 2, 2), column(metric.GPUTensorActive, 2, 2), column(metric.GPUPowerLimit, 2, 2),
	}}
	values := []metric.Raw{7, 8, metric.Of(0.98765432), metric.Missing, metric.Of(0.0004), metric.Of(1), metric.Of(699.9999), metric.Of(700)}
	v, err := viewsOf([]*metric.Layout{l}, views{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(values, v.telemetry.values(nil, values)); d != "" {
		t.Errorf("telemetry:\n%s", d)
	}
	want := append([]metric.Raw{1, 2}, values...)
	want[4], want[6] = metric.Of(0.988), 0
	if d := cmp.Diff(want, v.ledger.values([]metric.Raw{1, 2}, values)); d != "" {
		t.Errorf("ledger:\n%s", d)
	}
}
