package host

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

func TestPointsOfTheSources(t *testing.T) {
	d := metric.Lookup(metric.HostEnergyJoules)
	for label, want := range map[string]uint32{"rapl_package": sourcePackage, "rapl_dram": sourceMemory} {
		if got, ok := d.Point(label); !ok || got != want {
			t.Errorf("%s is point %d, want %d", label, got, want)
		}
	}
}

func TestAdvance(t *testing.T) {
	for name, x := range map[string]struct{ last, now, max, want uint64 }{
		"forward":         {100, 250, 1000, 150},
		"still":           {100, 100, 1000, 0},
		"begins again":    {262143000000, 671150, 262143328850, 1_000_000},
		"at the very end": {1000, 0, 1000, 0},
		"beyond its end":  {1200, 5, 1000, 5},
	} {
		if got := advance(x.last, x.now, x.max); got != x.want {
			t.Errorf("%s: %d, want %d", name, got, x.want)
		}
	}
}

// A counter that is read in time gives the true energy whatever the wraps; one
// that is not begins a new epoch, and never shows more than was drawn.
func TestEnergyCounter(t *testing.T) {
	const zone0, zone1 = "sys/devices/virtual/powercap/intel-rapl:0/energy_uj", "sys/devices/virtual/powercap/intel-rapl:1/energy_uj"
	const most = 262143328850
	synctest.Test(t, func(t *testing.T) {
		c := unpack(t, "intel")
		var energy [2]uint64 // true, of each package, since boot; microjoules
		advance := func(d time.Duration, watts uint64) {
			time.Sleep(d)
			for i, name := range []string{zone0, zone1} {
				energy[i] += watts * uint64(d.Microseconds())
				c.write(name, strconv.FormatUint(energy[i]%most, 10))
			}
		}
		advance(time.Hour, 300)
		c.open()
		_, got := c.read()
		epoch := got[epochPackage]
		start := energy
		for range 175 { // two wraps of either package
			advance(10*time.Second, 300)
			_, got = c.read()
			if got[watts] != "600" {
				t.Fatalf("%s W, want 600", got[watts])
			}
		}
		want := float64((energy[0]-start[0]+energy[1]-start[1])/1000) / 1000
		if v, _ := strconv.ParseFloat(got[joules], 64); v != want || got[epochPackage] != epoch {
			t.Errorf("%s J, want %v; epoch %s, was %s", got[joules], want, got[epochPackage], epoch)
		}

		// One reading of one package fails: no part of the sum, and nothing is lost.
		c.write(zone1, "")
		if _, got = c.read(); got[joules] != "missing" || got[watts] != "missing" || got[epochPackage] != epoch {
			t.Errorf("with one package unreadable: %s J, %s W", got[joules], got[watts])
		}
		advance(2*time.Second, 300)
		_, got = c.read()
		if v, _ := strconv.ParseFloat(got[joules], 64); v != want+1200 || got[watts] != "600" {
			t.Errorf("after that: %s J, %s W, want %v and 600", got[joules], got[watts], want+1200)
		}

		// Long enough to have wrapped twice.
		advance(132*time.Second, 300)
		_, got = c.read()
		if got[joules] != "0" || got[watts] != "missing" || got[epochPackage] == epoch {
			t.Errorf("after a long pause: %s J, %s W, epoch %s, was %s", got[joules], got[watts], got[epochPackage], epoch)
		}
		epoch = got[epochPackage]
		advance(130*time.Second, 300)
		if _, got = c.read(); got[joules] != "78000" || got[epochPackage] != epoch {
			t.Errorf("after a pause that is not too long: %s J", got[joules])
		}

		// Set back, as a reloaded driver does: it looks like a wrap of a size that
		// nothing draws.
		time.Sleep(time.Second)
		c.write(zone0, "0")
		if _, got = c.read(); got[joules] != "0" || got[watts] != "missing" || got[epochPackage] == epoch {
			t.Errorf("set back: %s J, %s W, epoch %s, was %s", got[joules], got[watts], got[epochPackage], epoch)
		}

		// Another start of the agent counts from zero in an epoch of its own.
		epoch = got[epochPackage]
		c.open()
		if _, got = c.read(); got[epochPackage] == epoch || got[joules] != "0" {
			t.Errorf("another start: epoch %s, was %s", got[epochPackage], epoch)
		}
	})
}

// AMD's counters begin again after 164 s at 400 W.
func TestShortRange(t *testing.T) {
	const most = 65_532_610_987
	synctest.Test(t, func(t *testing.T) {
		c := unpack(t, "amd")
		var drawn uint64 = 65_532_000_000 // of either package; microjoules
		advance := func(d time.Duration) {
			time.Sleep(d)
			drawn += 400 * uint64(d.Microseconds())
			for _, zone := range []string{"0", "1"} {
				c.write("sys/devices/virtual/powercap/intel-rapl:"+zone+"/energy_uj", strconv.FormatUint(drawn%most, 10))
			}
		}
		advance(0)
		c.open()
		_, got := c.read()
		epoch, start := got[epochPackage], drawn
		if _, ok := got[epochMemory]; ok {
			t.Error("there is a counter of memories")
		}
		for range 60 { // eleven wraps
			advance(30 * time.Second)
			if _, got = c.read(); got[watts] != "800" || got[epochPackage] != epoch {
				t.Fatalf("%s W, want 800; epoch %s, was %s", got[watts], got[epochPackage], epoch)
			}
		}
		if v, _ := strconv.ParseFloat(got[joules], 64); v != float64(2*(drawn-start)/1000)/1000 {
			t.Errorf("%v J, want %v", v, float64(2*(drawn-start)/1000)/1000)
		}
		// A package of 1000 W may have gone half way by then.
		advance(33 * time.Second)
		if _, got = c.read(); got[joules] != "0" || got[epochPackage] == epoch {
			t.Errorf("after 33 s: %s J, epoch %s, was %s", got[joules], got[epochPackage], epoch)
		}
		// Where less is known to be drawn, more time may pass.
		c.open(func(k *Config) { k.PackageWatts = 420 })
		_, got = c.read()
		epoch = got[epochPackage]
		advance(77 * time.Second)
		if _, got = c.read(); got[joules] != "61600" || got[epochPackage] != epoch {
			t.Errorf("after 77 s of packages of 420 W at most: %s J, epoch %s, was %s", got[joules], got[epochPackage], epoch)
		}
	})
}

// Some processors have a counter a die instead of one a package.
func TestDies(t *testing.T) {
	c := unpack(t, "amd")
	c.write("sys/devices/virtual/powercap/intel-rapl:0/name", "package-0-die-0\n")
	c.write("sys/devices/virtual/powercap/intel-rapl:1/name", "package-0-die-1\n")
	c.open()
	if said := c.s.Describe(); !strings.Contains(said, "rapl packages 2") {
		t.Errorf("says %q", said)
	}
}

// A counter that begins again at its end: 262143000000 µJ, then 671150, of a range
// of 262143328850, is one joule.
func TestV7AJouleAcrossTheEndOfACounter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := unpack(t, "intel")
		show := func(package0 string) {
			c.write("sys/devices/virtual/powercap/intel-rapl:0/energy_uj", package0)
			c.write("sys/devices/virtual/powercap/intel-rapl:1/energy_uj", "5000000")
		}
		show("262143000000")
		c.open()
		_, got := c.read()
		epoch := got[epochPackage]
		time.Sleep(time.Second)
		show("671150")
		if _, got = c.read(); got[joules] != "1" || got[watts] != "1" || got[epochPackage] != epoch {
			t.Errorf("%s J, %s W, epoch %s, was %s; want 1 J in the same epoch", got[joules], got[watts], got[epochPackage], epoch)
		}
	})
}
