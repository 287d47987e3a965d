package bmc

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Only one level of sockets is summed, and none of it is the node.
func TestSuperchips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "grace")
		r.start(Config{})
		r.s.Settle(t.Context())
		diff(t, "at first", r.watts(), map[string]float64{"module": 612 + 655, "grace": 141 + 150})
		r.says("module: module by Module power of 2 sockets every 1s", "grace: grace by Grace power of 2 sockets", "!bmc")
		began := r.read()["module"]
		time.Sleep(100*time.Second + time.Millisecond)
		if got := r.read()["module"]; !near(got.joules, 126700, 1300) || got.quality != "integrated" || got.epoch != began.epoch {
			t.Errorf("after 100 s of 1267 W: %v", got)
		}

		// A socket that is silent leaves the sum unknown, and the other sum alone.
		r.write("sys/class/hwmon/hwmon6/device/power1_average", "")
		time.Sleep(4 * time.Second)
		diff(t, "with a silent socket", r.watts(), map[string]float64{"module": -1, "grace": 291})
		r.says("module: module", "fails: parse")
		r.write("sys/class/hwmon/hwmon6/device/power1_average", "655000000")
		time.Sleep(30 * time.Second)
		diff(t, "once it speaks", r.watts(), map[string]float64{"module": 1267, "grace": 291})
	})
}

func TestACPIMeter(t *testing.T) {
	const file = "sys/class/hwmon/hwmon1/power1_average"
	for name, x := range map[string]struct {
		change func(*rig)
		watts  float64 // 0: no such source
		says   string
	}{
		"one of the node":     {func(*rig) {}, 412, "bmc: acpi by the ACPI power meter every 1s, energy integrated"},
		"4294967295 W":        {func(r *rig) { r.write(file, "4294967295000000") }, 0, "4.294967295e+09 W, which no running host draws"},
		"garbage of a driver": {func(r *rig) { r.write(file, "4294967295000") }, 0, "which no running host draws"},
		"zero":                {func(r *rig) { r.write(file, "0") }, 0, "0 W, which no running host draws"},
		"negative":            {func(r *rig) { r.write(file, "-1") }, 0, "power1_average: -1"},
		"N/A":                 {func(r *rig) { r.write(file, "N/A") }, 0, "invalid syntax"},
		"two of who knows what": {func(r *rig) {
			r.write("sys/class/hwmon/hwmon3/name", "power_meter")
			r.write("sys/class/hwmon/hwmon3/power1_average", "1000000")
		}, 0, "2 power meters do not say of what"},
		"none": {func(r *rig) { os.RemoveAll(r.path("sys/class/hwmon/hwmon1")) }, 0, "no meter of the node's power"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, "acpi")
				x.change(r)
				r.start(Config{})
				r.s.Settle(t.Context())
				want := map[string]float64{"bmc": x.watts}
				if x.watts == 0 {
					want = map[string]float64{}
				}
				diff(t, "shown", r.watts(), want)
				r.says(x.says)
			})
		})
	}
}

// scan is what the blade's controller does ten times a second, done every second.
func (r *rig) scan(second int, watts int) {
	r.write("sys/cray/pm_counters/freshness", fmt.Sprintln(1000+10*second))
	r.write("sys/cray/pm_counters/power", fmt.Sprintf("%d W %d us\n", watts, second*1e6))
	r.write("sys/cray/pm_counters/energy", fmt.Sprintf("%d J %d us\n", 987654321+second*watts, second*1e6))
}

func TestBladeCounters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state := t.TempDir()
		r := newRig(t, "cray")
		r.write("sys/class/hwmon/hwmon0/name", "power_meter")
		r.write("sys/class/hwmon/hwmon0/power1_average", "700000000")
		r.start(Config{State: state})
		time.Sleep(500 * time.Millisecond)
		if got := r.read()["bmc"]; got.watts != 740 || got.joules != -1 || got.quality != "missing" {
			t.Errorf("at first: %v", got)
		}
		r.says("bmc: pm_counters by pm_counters every 1s, its energy register on trial",
			"acpi by the ACPI power meter not used: pm_counters serves")

		second := 0
		run := func(n, watts int) {
			for range n {
				second++
				r.scan(second, watts)
				time.Sleep(time.Second)
			}
		}
		run(65, 740)
		got := r.read()["bmc"]
		if got.quality != "measured" || got.joules != float64(987654321+second*740) {
			t.Errorf("after a minute: %v", got)
		}
		r.says("energy by its register, in steps of up to 740 J")
		epoch := got.epoch

		// The counters are no longer written: not the present any more.
		time.Sleep(5 * time.Second)
		if got := r.read()["bmc"]; got.watts != -1 || got.joules != -1 || got.age != -1 || got.epoch != epoch {
			t.Errorf("counters that stand still: %v", got)
		}
		r.says("pm_counters were not written for")
		run(60, 740)
		if got := r.read()["bmc"]; got.watts != 740 || got.joules != float64(987654321+second*740) || got.epoch != epoch {
			t.Errorf("written again: %v", got)
		}

		// The same counter after a restart of the agent, at once.
		r.stop()
		r.start(Config{State: state})
		time.Sleep(time.Second)
		if got := r.read()["bmc"]; got.quality != "measured" || got.epoch != epoch {
			t.Errorf("after a restart: %v, was epoch %d", got, epoch)
		}
		// Another life after a boot.
		r.stop()
		r.write("proc/sys/kernel/random/boot_id", "b3c8f6de-0000-4000-8000-000000000002")
		r.start(Config{State: state})
		time.Sleep(time.Second)
		if got := r.read()["bmc"]; got.quality != "measured" || got.epoch == epoch {
			t.Errorf("after a boot: %v, was epoch %d", got, epoch)
		}
	})
}

func TestBladeCountersThatMakeNoSense(t *testing.T) {
	for text, why := range map[string]string{
		"":                       "is empty",
		"N/A":                    "is no count",
		"-1 W 5 us":              "is no count",
		"740 J 5 us":             "is not in W",
		"740":                    "is not in W",
		"18446744073709551615 W": "is no count",
		"4294967295 W 5 us":      "which no running host draws",
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, "cray")
			r.write("sys/cray/pm_counters/power", text)
			r.start(Config{})
			r.s.Settle(t.Context())
			diff(t, text, r.watts(), map[string]float64{})
			r.says(why)
		})
	}
}

func FuzzFiles(f *testing.F) {
	for _, s := range []string{"412 W 1763843412345678 us", "987654321 J 1 us", "1000", "", "-5 W", "1e9 W", "Module Power Socket 1", "Grace Power Socket -1", " Power Socket 0", "CPU Power Socket 99999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if v, err := parseCounter(s, "W"); err == nil && (v > 1<<52 || !strings.Contains(s, "W")) {
			t.Errorf("%q is %d W", s, v)
		}
		if kind, socket, ok := parseSocket(s); ok && (kind == "" || socket < 0) {
			t.Errorf("%q is socket %d of %q", s, socket, kind)
		}
	})
}
