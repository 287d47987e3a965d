package bacnet

import "fmt"

// types of objects by the names that a site file has for them.
var types = map[string]int{
	"analog_input": 0, "analog_output": 1, "analog_value": 2, "accumulator": 23, "pulse_converter": 24,
	"integer_value": 45, "large_analog_value": 46, "positive_integer_value": 48,
}

const (
	device      = 8
	accumulator = 23
)

func (o object) String() string {
	for name, n := range types {
		if n == o.kind() {
			return fmt.Sprintf("%s %d", name, o.instance())
		}
	}
	if o.kind() == device {
		return fmt.Sprintf("device %d", o.instance())
	}
	return fmt.Sprintf("object %d of type %d", o.instance(), o.kind())
}

// noUnits is what objects have that say nothing of their unit. From ownUnits on the
// numbers are each maker's own.
const (
	noUnits  = 95
	ownUnits = 256
)

// units are the numbers of those that meters have.
var units = map[uint64]string{
	132: "mW", 47: "W", 48: "kW", 49: "MW",
	18: "Wh", 19: "kWh", 146: "MWh", 16: "J", 17: "kJ", 126: "MJ",
	197: "mL", 82: "L", 80: "m3",
	85: "m3/s", 135: "m3/h", 87: "L/s", 88: "L/min", 136: "L/h",
	62: "C", 63: "K", 64: "F",
}

// others are those that meters have by mistake.
var others = map[uint64]string{
	3: "A", 5: "V", 8: "VA", 9: "kVA", 10: "MVA", 11: "var", 12: "kvar", 20: "BTU", 27: "Hz", 79: "cubic feet", 83: "US gallons", 89: "US gallons a minute", 98: "%", 165: "m3/min",
}

// unitName is that of number n.
func unitName(n uint64) string {
	if name := units[n]; name != "" {
		return name
	}
	if name := others[n]; name != "" {
		return name
	}
	return fmt.Sprintf("unit number %d of the standard", n)
}

// flags of an object's status, from the first bit on.
var flags = []string{"in alarm", "at fault", "overridden by hand", "out of service"}

// reliabilities are what makes an object unreliable; 0 is that nothing does.
var reliabilities = map[uint64]string{
	1: "no sensor", 2: "over its range", 3: "under its range", 4: "open loop", 5: "shorted loop", 6: "no output", 7: "unreliable",
	8: "process error", 9: "multi-state fault", 10: "configuration error", 12: "communication failure", 13: "a member is at fault",
	14: "monitored object at fault", 15: "tripped", 16: "lamp failure", 17: "activation failure", 18: "renewal of its address failed",
	19: "registration failed", 20: "renewal of its registration failed", 21: "link failure", 22: "proprietary command failure", 23: "faults listed", 24: "a referenced object at fault",
}

const (
	unknownObject   = 31
	unknownProperty = 32
)

// codes are the errors that reading meets.
var codes = map[uint32]string{
	0: "other", 2: "its configuration is under way", 3: "it is busy", 25: "operational problem", 27: "reading it is not allowed", 30: "timeout",
	unknownObject: "there is no such object", unknownProperty: "the object has no such property", 42: "it is no list", 47: "it was never set",
	82: "the device is not there", 115: "the device behind is not reached",
}

var rejections = map[byte]string{
	1: "too long", 2: "inconsistent", 4: "a tag that it does not know", 5: "something is lacking", 7: "too many arguments", 9: "it does not know this service",
}

var abortions = map[byte]string{
	1: "more than it can hold", 4: "its answer would be in segments", 5: "security", 8: "the application took too long", 9: "out of resources", 10: "timeout", 11: "its answer would be too long",
}

func (r refusal) Error() string {
	by := func(name string, n any) string {
		if name == "" {
			return fmt.Sprint(n)
		}
		return fmt.Sprintf("%s (%v)", name, n)
	}
	switch r.kind {
	case failed:
		return by(codes[r.code], fmt.Sprintf("error %d/%d", r.class, r.code))
	case rejected:
		return "the device rejects the request: " + by(rejections[r.reason], r.reason)
	case aborted:
		return "the device gives up the request: " + by(abortions[r.reason], r.reason)
	}
	return "the device answers in segments, although it was told not to: the answer is not read"
}
