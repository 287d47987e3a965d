package bacnet

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gigawatch/gigawatch/collector/loopback"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/site"
)

func (f *fake) pdu(t *testing.T) meter.Meter {
	return meter.Meter{Name: "pdu", Rating: 1e6, Timeout: 400 * time.Millisecond, Reader: f.reader(t, nil), Line: f.addr}
}

func TestADeviceThatFallsSilent(t *testing.T) {
	f := serve(t, route{})
	f.meter(500, 1000)
	w := watch(t, f.pdu(t))
	w.watts("pdu", 500)
	f.with(func() { f.silent = func(byte) bool { return true } })
	w.says("pdu: reading: read " + f.addr + ": no answer to 2 requests, each within ")
	w.silent("pdu")
	f.with(func() { f.silent = nil })
	f.meter(700, 1001)
	w.watts("pdu", 700)
}

func TestAnAnswerThatIsLateOrLost(t *testing.T) {
	f := serve(t, route{})
	f.meter(500, 1000)
	r := f.reader(t, nil)
	n := 0
	f.with(func() {
		f.spoils = func(answer []byte) [][]byte {
			if n++; n == 1 {
				return nil
			}
			other := append([]byte(nil), answer...)
			other[7]-- // the invoke id of the request before
			return [][]byte{other, answer, answer}
		}
	})
	for range 3 {
		if got, err := r.Read(t.Context()); cmp.Diff(plain(500, 1000), got) != "" || err != nil {
			t.Errorf("%v, %v", got, err)
		}
	}
}

func TestNothingListens(t *testing.T) {
	f := &fake{addr: loopback.Free(t)}
	if got, err := f.reader(t, nil).Read(t.Context()); got != nil || err == nil || err.Error() != "read "+f.addr+": nothing at this address speaks BACnet/IP at this port" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestUnknownObjectsAndProperties(t *testing.T) {
	for _, multiple := range []bool{true, false} {
		f := serve(t, route{})
		f.multiple = multiple
		f.meter(500, 1000)
		r := f.reader(t, func(d *site.BACnet) { d.Objects[0].Instance = 99 })
		for range 2 {
			got, err := r.Read(t.Context())
			if len(got) != 1 || err == nil || err.Error() != "power, analog_input 99: there is no such object (error 1/31)" {
				t.Errorf("%v, %v", got, err)
			}
		}
		f.set(objectOf(0, 99), map[byte][]byte{propUnits: enum(47)})
		if got, err := r.Read(t.Context()); len(got) != 1 || err == nil || !strings.Contains(err.Error(), "power, analog_input 99: the object has no such property (error 2/32)") {
			t.Errorf("%v, %v", got, err)
		}
	}
}

// A device that refuses a request for much is asked for less, and goes on being so.
func TestADeviceThatTakesOnlySmallRequests(t *testing.T) {
	for name, tc := range map[string]struct {
		refuses func(id, service byte) []byte
		silent  bool
		way     way
	}{
		"it does not know the service":     {func(id, s byte) []byte { return []byte{0x60, id, 9} }, false, each},
		"it does not answer it":            {nil, true, each},
		"its answer would be in segments":  {func(id, s byte) []byte { return []byte{0x71, id, 4} }, false, each},
		"its answer is in segments":        {func(id, s byte) []byte { return []byte{0x3C, id, 0, 4, s, 0x0C} }, false, each},
		"one of many makes it refuse all":  {func(id, s byte) []byte { return []byte{0x50, id, s, 0x91, 2, 0x91, 32} }, false, each},
		"it takes one object, not several": {nil, false, single},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := serve(t, route{})
			f.meter(500, 1000)
			asked := 0
			f.refuses = func(id, s byte) []byte {
				asked++
				if s != readPropertyMultiple || tc.refuses == nil && asked > 1 {
					return nil
				}
				if tc.refuses == nil {
					return []byte{0x71, id, 11}
				}
				return tc.refuses(id, s)
			}
			if tc.silent {
				f.refuses, f.silent = nil, func(s byte) bool { return s == readPropertyMultiple }
			}
			w := watch(t, meter.Meter{Name: "pdu", Rating: 1e9, Timeout: 3 * time.Second, Reader: f.reader(t, nil), Line: f.addr})
			w.watts("pdu", 500)
			before := w.known("pdu", metric.MeterEnergyJoules)
			f.meter(700, 1100)
			w.watts("pdu", 700)
			w.until("what it counts comes", func() bool {
				v, ok := w.value("pdu", metric.MeterEnergyJoules)
				return ok && v-before == 100*3_600_000
			})
			f.mu.Lock()
			defer f.mu.Unlock()
			if n := f.requests[readPropertyMultiple]; tc.way == each && n > 3 {
				t.Errorf("it was asked %d times for what it refuses", n)
			}
		})
	}
}

// Where each property costs a request, what rarely changes is not asked for again.
func TestWhatRarelyChangesIsAskedForRarely(t *testing.T) {
	f := serve(t, route{})
	f.meter(500, 1000)
	f.multiple = false
	r := f.reader(t, nil)
	for _, want := range []int{4 + 6, 3 + 2} { // reliability of the accumulator is not there, nor its highest value
		f.requests = map[byte]int{}
		if got, err := r.Read(t.Context()); cmp.Diff(plain(500, 1000), got) != "" || err != nil {
			t.Errorf("%v, %v", got, err)
		}
		if n := f.requests[readProperty]; n != want {
			t.Errorf("%d requests, want %d", n, want)
		}
	}
	f.set(energyOf, map[byte][]byte{propUnits: enum(19)})
	r.asked = time.Now().Add(-time.Hour)
	if got, err := r.Read(t.Context()); len(got) != 1 || err == nil || !strings.Contains(err.Error(), "its unit is kWh, and not Wh") {
		t.Errorf("%v, %v", got, err)
	}
}

func TestHalfAnAnswer(t *testing.T) {
	resize := func(b []byte) []byte { b[2], b[3] = byte(len(b)>>8), byte(len(b)); return b }
	for name, tc := range map[string]struct {
		spoil func([]byte) []byte
		says  string
	}{
		"half of it":                   {func(b []byte) []byte { return b[:len(b)/2] }, "half an answer, or none of this protocol"},
		"half of it, said to be whole": {func(b []byte) []byte { return resize(b[:len(b)/2]) }, "half an answer, or none of this protocol"},
		"all but the end":              {func(b []byte) []byte { return resize(b[:len(b)-1]) }, "half an answer, or none of this protocol"},
		"only its head":                {func(b []byte) []byte { return resize(b[:6]) }, "half an answer, or none of this protocol"},
		"no bytes":                     {func(b []byte) []byte { return nil }, "half an answer, or none of this protocol"},
		"nothing of its body":          {func(b []byte) []byte { return resize(b[:9]) }, "the device leaves out part of the answer"},
		"of another version":           {func(b []byte) []byte { b[4] = 2; return b }, "half an answer, or none of this protocol"},
		"to another request":           {func(b []byte) []byte { b[7] += 100; return b }, "no answer to 2 requests"},
		"of another service":           {func(b []byte) []byte { b[8] = 6; return b }, "no answer to 2 requests"},
		"of another network":           {func(b []byte) []byte { return resize(append([]byte{0x81, 0x0A, 0, 0, 1, 8, 0, 5, 1, 1}, b[6:]...)) }, "no answer to 2 requests"},
		"with the type of its value spoilt": {func(b []byte) []byte {
			b[18] = 0x49
			return b
		}, "half an answer, or none of this protocol"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := serve(t, route{})
			f.meter(500, 1000)
			w := watch(t, f.pdu(t))
			w.watts("pdu", 500)
			f.with(func() { f.spoils = func(b []byte) [][]byte { return [][]byte{tc.spoil(b)} } })
			w.says(tc.says)
			w.silent("pdu")
			f.with(func() { f.spoils = nil })
			w.watts("pdu", 500)
		})
	}
}

func TestWhatTheDeviceDoesNotVouchFor(t *testing.T) {
	f := serve(t, route{})
	for name, tc := range map[string]struct {
		set  map[byte][]byte // of the power
		says string
	}{
		"in alarm":                   {map[byte][]byte{propStatusFlags: status(0x80)}, ""},
		"at fault":                   {map[byte][]byte{propStatusFlags: status(0x40)}, "the device says that it is at fault"},
		"overridden":                 {map[byte][]byte{propStatusFlags: status(0x20)}, "the device says that it is overridden by hand"},
		"out of service and more":    {map[byte][]byte{propStatusFlags: status(0xD0)}, "the device says that it is at fault and out of service"},
		"flags that are none":        {map[byte][]byte{propStatusFlags: enum(1)}, "half an answer, or none of this protocol: its status flags are none"},
		"a sensor that is not there": {map[byte][]byte{propReliability: enum(1)}, "the device says that it is unreliable: no sensor"},
		"a reason of its maker":      {map[byte][]byte{propReliability: enum(99)}, "the device says that it is unreliable: reason 99"},
		"another unit":               {map[byte][]byte{propUnits: enum(48)}, "its unit is kW, and not W; write unit: as the object has it, or check_unit: false"},
		"a unit of something else":   {map[byte][]byte{propUnits: enum(8)}, "its unit is VA, and not W"},
		"a unit that meters lack":    {map[byte][]byte{propUnits: enum(14)}, "its unit is unit number 14 of the standard, and not W"},
		"no unit":                    {map[byte][]byte{propUnits: enum(95)}, ""},
		"a unit of its maker's own":  {map[byte][]byte{propUnits: {0x92, 2, 0}}, ""},
		"no value":                   {map[byte][]byte{propPresentValue: {0}}, "missing"},
		"a value beyond the rating":  {map[byte][]byte{propPresentValue: real32(2e6)}, "beyond"},
	} {
		f.meter(500, 1000)
		f.set(powerOf, tc.set)
		got, err := f.reader(t, nil).Read(t.Context())
		switch {
		case tc.says == "missing":
			if len(got) != 1 || err != nil {
				t.Errorf("%s: %v, %v", name, got, err)
			}
		case tc.says == "beyond":
			w := watch(t, f.pdu(t))
			w.says("pdu: power: power reads 2e+06 W, more than its rating of 1e+06 W allows")
			w.silent("pdu")
		case tc.says == "":
			if len(got) != 2 || err != nil {
				t.Errorf("%s: %v, %v", name, got, err)
			}
		case len(got) != 1 || err == nil || !strings.Contains(err.Error(), tc.says):
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	f.meter(500, 1000)
	f.set(powerOf, map[byte][]byte{propUnits: enum(48)})
	if got, err := f.reader(t, func(d *site.BACnet) { d.Objects[0].AnyUnit = true }).Read(t.Context()); len(got) != 2 || err != nil {
		t.Errorf("a unit that is not looked at: %v, %v", got, err)
	}
}

func TestTheScaleOfAnAccumulator(t *testing.T) {
	f := serve(t, route{})
	for name, tc := range map[string]struct {
		scale []byte
		own   string
		want  meter.Size
		says  string
	}{
		"a tenth":               {[]byte{0x0C, 0x3D, 0xCC, 0xCC, 0xCD}, "", meter.Size{Num: 360_000, Den: 1}, ""},
		"a power of ten":        {[]byte{0x19, 0xFE}, "", meter.Size{Num: 36_000, Den: 1}, ""},
		"said here":             {[]byte{0x19, 0xFE}, "5", meter.Size{Num: 18_000_000, Den: 1}, ""},
		"none":                  {nil, "", meter.Size{Num: 3_600_000, Den: 1}, ""},
		"zero":                  {[]byte{0x0C, 0, 0, 0, 0}, "", meter.Size{}, "its scale is no number above zero; write scale:"},
		"a power beyond reason": {[]byte{0x19, 0x7F}, "", meter.Size{}, "its scale is no number above zero"},
		"so small":              {[]byte{0x19, 0xEE}, "", meter.Size{}, ""},
	} {
		f.meter(500, 1000)
		if f.set(energyOf, map[byte][]byte{propScale: tc.scale}); tc.scale == nil {
			f.with(func() { delete(f.held, place{energyOf, propScale}) })
		}
		got, err := f.reader(t, func(d *site.BACnet) { d.Objects[1].Scale = tc.own }).Read(t.Context())
		if tc.says != "" {
			if len(got) != 1 || err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%s: %v, %v", name, got, err)
			}
		} else if tc.want.Num > 0 && (len(got) != 2 || got[1].Register.Size != tc.want) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestACounterThatIsResetAndOneThatRollsOver(t *testing.T) {
	t.Parallel()
	f := serve(t, route{})
	f.meter(36_000, 500_000)
	began, m := time.Now(), f.pdu(t)
	m.Period, m.Timeout = unhurried, unhurried
	w := watch(t, m)
	w.watts("pdu", 36_000)
	before := w.known("pdu", metric.MeterEnergyJoules)
	f.meter(36_000, 3)
	w.until("what the reset hid is filled in", func() bool {
		q, _ := w.value("pdu", metric.CounterQuality)
		return metric.Quality(q) == metric.Integrated
	})
	if v := w.known("pdu", metric.MeterEnergyJoules); v < before || v-before > metric.Raw(36_000*1000*time.Since(began).Seconds()) {
		t.Errorf("%d mJ in %v of 36 kW", v-before, time.Since(began))
	}

	g := serve(t, route{})
	g.meter(36_000, 999_990)
	g.set(energyOf, map[byte][]byte{propMaxPresValue: uint32of(999_999)})
	m = g.pdu(t)
	m.Name = "rolling"
	w = watch(t, m)
	w.watts("rolling", 36_000)
	before = w.known("rolling", metric.MeterEnergyJoules)
	g.meter(36_000, 5)
	w.until("it rolled over", func() bool {
		v, ok := w.value("rolling", metric.MeterEnergyJoules)
		return ok && v-before == 15*3_600_000
	})
}

// Meters of one device wait for each other, and a device behind a router is its own.
func TestOneRequestAtATime(t *testing.T) {
	f := serve(t, route{network: 2001, mac: "\x0c"})
	f.meter(500, 1000)
	f.slow = 20 * time.Millisecond
	d := &site.BACnet{Address: f.addr, Device: -1, Network: 2001, MAC: "0c", Objects: []site.BACnetObject{{Field: site.Field{Measures: site.MeasuresPower, Unit: "W"}, Type: "analog_input", Instance: 1}}}
	var meters []meter.Meter
	for i := range 4 {
		r, line, err := Of(d)
		if err != nil || line != "bacnet "+f.addr+" 2001:0c" {
			t.Fatal(line, err)
		}
		meters = append(meters, meter.Meter{Name: fmt.Sprint("m", i), Rating: 1e6, Reader: r, Line: line})
	}
	w := watch(t, meters...)
	for _, m := range meters {
		w.watts(m.Name, 500)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.most != 1 {
		t.Errorf("%d requests at once", f.most)
	}
}

func TestADeviceIsHeldAgainstItsInstance(t *testing.T) {
	for _, multiple := range []bool{true, false} {
		f := serve(t, route{})
		f.multiple = multiple
		f.meter(500, 1000)
		r := f.reader(t, func(d *site.BACnet) { d.Device = 4711 })
		if got, err := r.Read(t.Context()); got != nil || err == nil || !strings.Contains(err.Error(), "is another device than 4711") {
			t.Errorf("%v, %v", got, err)
		}
		f.set(objectOf(device, 4711), map[byte][]byte{propIdentifier: {0xC4, 0x02, 0x00, 0x12, 0x67}})
		if got, err := r.Read(t.Context()); len(got) != 2 || err != nil {
			t.Errorf("%v, %v", got, err)
		}
	}
}

func TestWhatCannotBeADevice(t *testing.T) {
	good := site.BACnetObject{Field: site.Field{Measures: site.MeasuresPower, Unit: "W"}, Type: "analog_input"}
	for name, change := range map[string]func(*site.BACnet){
		"no objects":    func(d *site.BACnet) { d.Objects = nil },
		"a type":        func(d *site.BACnet) { d.Objects[0].Type = "loop" },
		"a quantity":    func(d *site.BACnet) { d.Objects[0].Measures = "money" },
		"a unit":        func(d *site.BACnet) { d.Objects[0].Unit = "kWh" },
		"an instance":   func(d *site.BACnet) { d.Objects[0].Instance = 1 << 22 },
		"half a route":  func(d *site.BACnet) { d.Network = 5 },
		"a MAC, no hex": func(d *site.BACnet) { d.Network, d.MAC = 5, "xyz" },
	} {
		d := &site.BACnet{Address: "127.0.0.1:1", Device: -1, Objects: []site.BACnetObject{good}}
		if change(d); true {
			if _, _, err := Of(d); err == nil {
				t.Errorf("%s is taken", name)
			}
		}
	}
	var list []string
	for name := range types {
		list = append(list, name)
	}
	if len(list) != len(site.BACnetTypes()) {
		t.Errorf("%v are read, and a site file may name %v", list, site.BACnetTypes())
	}
	for _, name := range site.BACnetTypes() {
		if _, ok := types[name]; !ok {
			t.Errorf("%s may be named, and is not read", name)
		}
	}
}
