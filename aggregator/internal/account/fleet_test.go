package account

import (
	"math"
	"strings"
	"testing"
)

func ratioOf(name string, value, coverage float64, inputs map[string]float64) KPI {
	k := KPI{Name: name, Unit: "ratio", Value: &value, Coverage: coverage}
	for n, v := range inputs {
		k.Inputs = append(k.Inputs, Input{Name: n, Value: &v})
	}
	return k
}

func TestARatioOfSitesIsTheRatioOfTheirSums(t *testing.T) {
	small, large := ratioOf("pue", 1.5, 1, map[string]float64{"energy of IT": 2e12, "energy supplied": 9e99}), ratioOf("pue", 1.1, 0.97, map[string]float64{"energy of IT": 38e12})
	f := NewFleetKPI("pue", []string{"a", "b"}, []KPI{small, large})
	if want := (1.5*2 + 1.1*38) / 40; f.Value == nil || math.Abs(*f.Value-want) > 1e-12 || f.Coverage != 0.97 || f.Reason != "" {
		t.Errorf("want %v: %+v", want, f)
	}
	heat := []KPI{
		ratioOf("erf", 0.2, 1, map[string]float64{"energy supplied": 12, "energy of other carriers": 3, "energy exported": 4, "energy used outside": 1}),
		ratioOf("erf", 0.4, 1, map[string]float64{"energy supplied": 10}),
	}
	if f := NewFleetKPI("erf", []string{"a", "b"}, heat); f.Value == nil || math.Abs(*f.Value-0.3) > 1e-12 {
		t.Errorf("%+v", f)
	}
}

func TestASumOfSites(t *testing.T) {
	one, two := 2.5, 4.0
	euros := []KPI{{Name: "cost", Unit: "EUR", Value: &one, Coverage: 1}, {Name: "cost", Unit: "EUR", Value: &two, Coverage: 1, Reason: "interim: the period is not over"}}
	if f := NewFleetKPI("cost", []string{"a", "b"}, euros); f.Value == nil || *f.Value != 6.5 || f.Unit != "EUR" || !strings.HasPrefix(f.Reason, "interim") {
		t.Errorf("%+v", f)
	}
	euros[1].Unit = "GBP"
	if f := NewFleetKPI("cost", []string{"a", "b"}, euros); f.Value != nil || *f.Known != 2.5 || len(f.Lacking) != 1 || !strings.Contains(f.Lacking[0].Reason, "GBP") {
		t.Errorf("%+v", f)
	}
}

func TestWhatASiteLacksAllLack(t *testing.T) {
	good := ratioOf("pue", 1.2, 1, map[string]float64{"energy of IT": 5})
	wrong := ratioOf("pue", 0.8, 1, map[string]float64{"energy of IT": 5})
	wrong.wrong("below_one", "below 1, which cannot be")
	for name, k := range map[string]KPI{"none": {Name: "pue", Reason: "no IT meter"}, "wrong": wrong, "without what it is a ratio to": ratioOf("pue", 1.2, 1, nil)} {
		f := NewFleetKPI("pue", []string{"a", "b"}, []KPI{good, k})
		if f.Value != nil || f.Known == nil || *f.Known != 1.2 || len(f.Lacking) != 1 || f.Lacking[0].Site != "b" || f.Reason != "not known of 1 of 2 sites" {
			t.Errorf("%s: %+v", name, f)
		}
		if f := NewFleetKPI("pue", []string{"b"}, []KPI{k}); f.Value != nil || f.Known != nil || f.Reason == "" {
			t.Errorf("%s alone: %+v", name, f)
		}
	}
}

// Sites that have more together than a register of 64 bits holds.
func TestEnergyOfSitesIsExact(t *testing.T) {
	var f FleetEnergy
	for _, site := range []string{"a", "b", "c"} {
		f.Add(site, Line{Energy: Amount{1<<64 - 1}, CoveredMillis: 3, ExpectedMillis: 4, Final: true})
	}
	if f.Sum.String() != "55340232221128654845" || f.Parts[0] != f.Sum || !f.Final || f.CoveredMillis != 9 || f.ExpectedMillis != 12 {
		t.Errorf("%+v", f)
	}
	f.Add("d", Line{Reason: "no facility meter", ExpectedMillis: 4})
	if f.Sum.String() != "55340232221128654845" || len(f.Lacking) != 1 || f.Final || f.Sites != 4 {
		t.Errorf("%+v", f)
	}
}
