package metric

import (
	"strings"
	"testing"
)

func TestCatalogueKeepsPrometheusPractice(t *testing.T) {
	var last Number
	names := map[string]bool{}
	for d := range All {
		if d.Number <= last {
			t.Errorf("%s: number %d does not follow %d", d.Name, d.Number, last)
		}
		last = d.Number
		if names[d.Name] {
			t.Errorf("%s stands twice", d.Name)
		}
		names[d.Name] = true
		if Lookup(d.Number) != d || ByName(d.Name) != d {
			t.Errorf("%s is not found by its number and its name", d.Name)
		}
		if d.Unit != Count && !strings.Contains(d.Name, string(d.Unit)) {
			t.Errorf("%s: its name does not say %s", d.Name, d.Unit)
		}
		if (d.Kind == Counter) != strings.HasSuffix(d.Name, "_total") {
			t.Errorf("%s: kind %v, but its name says otherwise", d.Name, d.Kind)
		}
		if d.Form == Float && d.Per != 1 || d.Per < 1 {
			t.Errorf("%s: %d raw units to the base unit", d.Name, d.Per)
		}
		if d.Unit == Joules && (d.Form != Int || d.Per != 1000) {
			t.Errorf("%s: energy is counted in integer millijoules", d.Name)
		}
		if !strings.HasSuffix(d.Help, ".") {
			t.Errorf("%s: help is no sentence", d.Name)
		}
		for p := range uint32(d.Points()) {
			if d.Kind == State {
				continue
			}
			var values []string
			for i := range d.Labels {
				values = append(values, d.LabelValue(p, i))
			}
			if q, ok := d.Point(values...); !ok || q != p {
				t.Errorf("%s: point %d is %v, and that is point %d (%v)", d.Name, p, values, q, ok)
			}
		}
	}
}

func TestRawKeepsValues(t *testing.T) {
	energy, power := Lookup(GPUEnergyJoules), Lookup(GPUPowerWatts)
	if got := energy.Raw(1.0005); got != 1000 { // half to even
		t.Errorf("1.0005 J is %d mJ, want 1000", got)
	}
	if got := energy.Value(1_234_567); got != 1234.567 {
		t.Errorf("1234567 mJ are %v J", got)
	}
	if got := power.Value(power.Raw(612.345)); got != 612.345 {
		t.Errorf("612.345 W came back as %v", got)
	}
	negativeZero := 0.0
	negativeZero = -negativeZero
	if got := power.Raw(negativeZero); got != 0 {
		t.Errorf("zero is %d", got)
	}
	if r := power.Raw(power.Value(Missing)); r != Missing {
		t.Errorf("missing came back as %d", r)
	}
}

func TestLayoutCheckNamesWhatIsWrong(t *testing.T) {
	good := func() *Layout {
		return &Layout{
			Entities: []Entity{{Kind: Host, Name: "n1", Parent: -1}, {Kind: GPU, Name: "GPU-1", Parent: 0, Labels: []Pair{{"gpu", "0"}, {"model", "H200"}}}},
			Columns:  []Column{{GPUPowerWatts, Float, 0, 1, 1}},
		}
	}
	if err := good().Check(); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		spoil func(*Layout)
		want  string
	}{
		"a parent after its child":   {func(l *Layout) { l.Entities[0].Parent = 1 }, "entity 0: parent 1"},
		"a parent that is itself":    {func(l *Layout) { l.Entities[1].Parent = 1 }, "entity 1: parent 1"},
		"no name":                    {func(l *Layout) { l.Entities[1].Name = "" }, "entity 1: name"},
		"labels out of order":        {func(l *Layout) { l.Entities[1].Labels[0].Name = "z" }, "not sorted"},
		"a column past the entities": {func(l *Layout) { l.Columns[0].Count = 2 }, "column 0: entities 1 to 3"},
		"an empty column":            {func(l *Layout) { l.Columns[0].Count = 0 }, "column 0"},
		"an unknown form":            {func(l *Layout) { l.Columns[0].Form = 9 }, "unknown form"},
	} {
		l := good()
		tc.spoil(l)
		if err := l.Check(); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", name, err, tc.want)
		}
	}
}
