package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// Colours of boundaries: between those that the aggregator's page has on light and
// on dark, as Grafana has one for both.
const (
	facilityColour = "#3C93D6"
	itColour       = "#1FA882"
	hostColour     = "#C76BA6"
	gpuColour      = "#DE7E1E"
)

// Colours of states, as the data source gives them to its tables.
const (
	good    = "green"
	caution = "yellow"
	poor    = "orange"
	bad     = "red"
	unknown = "purple"
	plain   = "text" // says nothing
)

// Colours of where power comes from.
const (
	gridColour = "#5B7FBF"
	sunColour  = "#D9B32C"
	fuelColour = "#8C6D5A"
	coldColour = "#58B8C9"
)

// Colours of what is nobody's in particular.
const (
	restColour    = "#8E8E99"
	nobodysColour = "#C4C4CC"
)

func boundaryColour(b string) string {
	return map[string]string{"facility": facilityColour, "it": itColour, "host": hostColour, "gpu": gpuColour}[b]
}

func boundaryName(b string) string {
	return map[string]string{"facility": "Facility", "it": "IT", "host": "Hosts", "gpu": "GPUs"}[b]
}

// boundaries are all, outside in.
func boundaries() (all []string) {
	for b := metric.Facility; b <= metric.GPUs; b++ {
		all = append(all, b.String())
	}
	return all
}

// each is an ask for each boundary.
func each(make func(boundary string) ask) (all []ask) {
	for _, b := range boundaries() {
		all = append(all, make(b))
	}
	return all
}

// Units as Grafana names them.
const (
	watts    = "watt"
	wattHour = "watth"
	celsius  = "celsius"
	share    = "percentunit"
	count    = "none"
	ratio    = "short"
	seconds  = "s"
	bytesOf  = "bytes"
	bytesPer = "Bps"
	hertz    = "hertz"
	tonnes   = "masst"
	euros    = "currencyEUR"
	kiloHour = "suffix:kg/h"
	gramsKWh = "suffix:g/kWh"
	litreKWh = "suffix:L/kWh"
	kiloKWh  = "suffix:kg/kWh"
	euroMWh  = "suffix:€/MWh"
	wattSec  = "si:W/s"
	waterRun = "suffix:m³/h"
	ago      = "dateTimeFromNow"
	names    = "string"
	mixed    = "none" // a table's columns have theirs from the data source
)

// steps are thresholds: a base colour, and a colour from each value on.
type steps []step

type step struct {
	from   float64
	colour string
}

// quiet has one colour: nothing about the value is good or bad by itself.
func quiet() steps { return steps{{0, plain}} }

// from is base, and then pairs of a value and a colour.
func from(base string, more ...step) steps { return append(steps{{0, base}}, more...) }

// Thresholds that mean the same wherever they stand.
var (
	hot       = from(good, step{75, caution}, step{85, poor}, step{92, bad}) // the aggregator looks at a GPU from 85 °C
	coverage  = from(bad, step{0.9, poor}, step{0.95, caution}, step{0.99, good})
	pueSteps  = from(good, step{1.2, caution}, step{1.3, poor}, step{1.5, bad}) // 1.2, 1.3 and 1.5 are the lines of Germany's Energy Efficiency Act
	freshness = from(good, step{10, poor}, step{30, bad})                       // after 30 s the aggregator knows nothing of the present
	anyIsPoor = from(good, step{1, poor})
	anyIsBad  = from(good, step{1, bad})
	spaceUsed = from(good, step{0.8, caution}, step{0.9, poor}, step{0.97, bad})
)

// healthSteps colour how many are in which state of health.
func healthSteps() map[string]steps {
	return map[string]steps{"ok": from(good), "watch": from(plain, step{1, caution}), "unknown": from(plain, step{1, unknown}), "degraded": from(plain, step{1, poor}), "failed": from(plain, step{1, bad})}
}

// gpuStates are those of gpu_state, in the catalogue's order.
func gpuStates() []saying {
	return []saying{{"ok", good}, {"lost", bad}, {"blank", poor}, {"stale", poor}, {"unreachable", unknown}}
}

// recoveryActions are those of gpu_recovery_action.
func recoveryActions() []saying {
	return []saying{{"nothing", good}, {"reset", poor}, {"reboot", bad}, {"drain", poor}, {"drain, reset", bad}}
}

func (s steps) thresholds() *dashboard.ThresholdsConfig {
	t := &dashboard.ThresholdsConfig{Mode: dashboard.ThresholdsModeAbsolute}
	for i, x := range s {
		one := dashboard.Threshold{Color: x.colour}
		if i > 0 {
			one.Value = ptr(x.from)
		}
		t.Steps = append(t.Steps, one)
	}
	return t
}

func ptr[T any](v T) *T { return &v }
