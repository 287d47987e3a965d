package account

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Lack is a site of which a figure is not known.
type Lack struct{ Site, Reason string }

// FleetEnergy is what several sites drew inside one boundary over the same time. With
// a site of which that is not known it is no total, and says so.
type FleetEnergy struct {
	Sites   int  // that it is of
	Sum     Wide // mJ, of those of which it is known
	Parts   [metric.Qualities]Wide
	Lacking []Lack
	Final   bool // every hour of every site is sealed

	CoveredMillis, ExpectedMillis int64 // of all that is expected
}

// Add adds a site.
func (f *FleetEnergy) Add(site string, l Line) {
	if f.Sites == 0 {
		f.Final = true
	}
	f.Sites++
	f.Final = f.Final && l.Final
	f.CoveredMillis += l.CoveredMillis
	f.ExpectedMillis += l.ExpectedMillis
	if l.Reason != "" {
		f.Lacking = append(f.Lacking, Lack{site, l.Reason})
		return
	}
	for q, mj := range l.Energy {
		f.Parts[q], f.Sum = f.Parts[q].plus(mj), f.Sum.plus(mj)
	}
}

// A FleetKPI is a figure of several sites over the same time: a ratio of their sums,
// or their sum. With a site of which it is not known it has no Value; Known is that of
// the others.
type FleetKPI struct {
	Name, Unit   string
	Sites        int
	Value, Known *float64
	Reason       string // why there is no value, or what to know of it
	Lacking      []Lack
	Coverage     float64 // the least of the sites of which it is known
}

// fleetKPIs are those that sites have together, each with what its values are weighed
// by; "" where they are added.
var fleetKPIs = []struct{ name, weight string }{
	{"pue", "it"}, {"wue", "it"}, {"wue_freshwater", "it"}, {"cue", "it"}, {"cue_market", "it"}, {"erf", "facility"}, {"ref", "facility"},
	{"carbon_location", ""}, {"carbon_market", ""}, {"carbon_scope1", ""}, {"cost", ""},
}

// FleetKPINames are the figures that several sites have together.
func FleetKPINames() (names []string) {
	for i := range fleetKPIs {
		names = append(names, fleetKPIs[i].name)
	}
	return names
}

// NewFleetKPI is the figure called name, one of [FleetKPINames], of sites: what is
// weighed is a ratio to that weight, so that the mean is the ratio of the sums.
func NewFleetKPI(name string, sites []string, of []KPI) (f FleetKPI) {
	f = FleetKPI{Name: name, Sites: len(sites)}
	note := ""
	i := slices.IndexFunc(fleetKPIs, func(x struct{ name, weight string }) bool { return x.name == name })
	if i < 0 {
		f.Reason = "it is of one site"
		return f
	}
	sum, weights := 0.0, 0.0
	for n := range of {
		k := &of[n]
		reason := k.Reason
		if w := slices.IndexFunc(k.Flags, func(x Flag) bool { return x.Wrong }); w >= 0 {
			reason = k.Flags[w].Text
		} else if k.Value != nil {
			reason = ""
		}
		weight, ok := 1.0, true
		if reason == "" {
			weight, ok = k.weighs(fleetKPIs[i].weight)
		}
		switch {
		case reason == "" && !ok:
			reason = "what it is a ratio to is not known"
		case reason == "" && f.Unit != "" && f.Unit != k.Unit:
			reason = fmt.Sprintf("it is in %s, and of others in %s", k.Unit, f.Unit)
		}
		if reason != "" {
			f.Lacking = append(f.Lacking, Lack{sites[n], reason})
			continue
		}
		if f.Unit == "" || k.Coverage < f.Coverage {
			f.Coverage = k.Coverage
		}
		f.Unit = k.Unit
		note = cmp.Or(note, k.Reason) // that it is interim
		sum, weights = sum+*k.Value*weight, weights+weight
	}
	switch {
	case f.Unit == "":
		f.Reason = "not known of any site"
		if len(of) > 0 {
			f.Unit = of[0].Unit
		}
		return f
	case fleetKPIs[i].weight != "":
		sum /= weights
	}
	f.Known = &sum
	if len(f.Lacking) > 0 {
		f.Reason = fmt.Sprintf("not known of %d of %d sites", len(f.Lacking), f.Sites)
		return f
	}
	f.Value, f.Reason = &sum, note
	return f
}

// weighs is how many joules k is a ratio to; ok is false if that is not known.
func (k *KPI) weighs(by string) (joules float64, ok bool) {
	signs := map[string]map[string]float64{
		"it":       {"energy of IT": 1},
		"facility": {"energy supplied": 1, "energy of other carriers": 1, "energy exported": -1, "energy used outside": -1},
	}[by]
	if signs == nil {
		return 1, true
	}
	for i := range k.Inputs {
		if sign, is := signs[k.Inputs[i].Name]; is && k.Inputs[i].Value != nil {
			joules += sign * *k.Inputs[i].Value
		}
	}
	return joules, joules > 0
}
