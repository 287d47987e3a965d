package bmc

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A number is a member of a Redfish resource that should hold one. Controllers
// leave it out, make it null, or write text there; none of that spoils the rest
// of the resource.
type number struct{ text string }

// Longest text that is kept of a number, or shown of what is none.
const longestNumber = 64

// UnmarshalJSON keeps what stands there; nothing is wrong yet.
func (n *number) UnmarshalJSON(b []byte) error {
	n.text = string(b[:min(len(b), longestNumber)])
	return nil
}

// value is the number; the error says why there is none.
func (n number) value() (float64, error) {
	text := n.text
	switch {
	case text == "":
		return 0, errors.New("not reported")
	case text == "null":
		return 0, errors.New("null")
	case text[0] == '"': // some write numbers as text
		text = strings.TrimSpace(strings.Trim(text, `"`))
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%q", text)
	}
	return v, nil
}

// An excerpt is what a resource shows of a sensor: an object with the reading in
// it, or of late only the reading.
type excerpt struct {
	Reading, LifetimeReading number
	SensorResetTime          string
}

// UnmarshalJSON takes both forms.
func (e *excerpt) UnmarshalJSON(b []byte) error {
	if len(b) == 0 || b[0] != '{' {
		return e.Reading.UnmarshalJSON(b)
	}
	type object excerpt
	return lenient(json.Unmarshal(b, (*object)(e)))
}

// lenient passes over members of another type than the schema's: the decoder
// leaves them out and goes on.
func lenient(err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return nil
	}
	return err
}

// register is the energy that e counts in a unit of so many millijoules: over
// its lifetime where it says so, since anybody may reset the other reading.
func (e excerpt) register(id string, unit float64) *register {
	reset := ""
	v, err := e.LifetimeReading.value()
	if err == nil {
		id += ".LifetimeReading"
	} else if v, err = e.Reading.value(); err == nil {
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
