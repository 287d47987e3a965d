package bmc

import (
	"math"

	"github.com/gigawatch/gigawatch/collector/internal/odata"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// registerOf is the energy that e counts in a unit of so many millijoules: over
// its lifetime where it says so, since anybody may reset the other reading.
func registerOf(e odata.Excerpt, id string, unit float64) *register {
	reset := ""
	v, err := e.LifetimeReading.Value()
	if err == nil {
		id += ".LifetimeReading"
	} else if v, err = e.Reading.Value(); err == nil {
		id, reset = id+".Reading", e.SensorResetTime
	}
	if mj := math.Round(v * unit); err == nil && mj > 0 && mj < 1<<62 {
		return &register{id: id, mj: uint64(mj), driver: reset}
	}
	return nil
}

const (
	kWh   = metric.MillijoulesPerKWh
	joule = 1000
)
