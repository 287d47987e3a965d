package host

import (
	"io/fs"
	"math"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/tree"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/google/go-cmp/cmp"
)

const (
	epochPackage = "counter_epoch n1 counter=13828097"
	epochMemory  = "counter_epoch n1 counter=13828098"
	joules       = "host_energy_joules_total n1 source=rapl_package"
	watts        = "host_power_watts n1 source=rapl_package"
)

func TestTwoSockets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := unpack(t, "intel")
		c.open()
		l, got := c.read()
		if e := l.Entities[:2]; e[0].Name != "r1" || e[1].Name != "n1" || e[1].Parent != 0 {
			t.Errorf("begins with %v", e)
		}
		if got[epochPackage] == got[epochMemory] || got[epochPackage] == "missing" {
			t.Errorf("epochs are %s and %s", got[epochPackage], got[epochMemory])
		}
		delete(got, epochPackage)
		delete(got, epochMemory)
		want := map[string]string{
			"host_up n1":                                                 "1",
			"host_cpu_usage_ratio n1":                                    "missing",
			"host_load1 n1":                                              "3.5",
			"host_memory_used_bytes n1":                                  "6.144e+08",
			"host_memory_total_bytes n1":                                 "1.024e+09",
			"host_power_watts n1 source=rapl_package":                    "missing",
			"host_power_watts n1 source=rapl_dram":                       "missing",
			"host_energy_joules_total n1 source=rapl_package":            "0",
			"host_energy_joules_total n1 source=rapl_dram":               "0",
			"host_network_bytes_total ens1f0np0 direction=receive":       "1000",
			"host_network_bytes_total ens1f0np0 direction=transmit":      "2000",
			"host_network_bytes_total ens1f1np1 direction=receive":       "3000",
			"host_network_bytes_total ens1f1np1 direction=transmit":      "4000",
			"host_disk_bytes_total nvme0n1 direction=read":               "5120",
			"host_disk_bytes_total nvme0n1 direction=write":              "10240",
			"host_disk_bytes_total sda direction=read":                   "1024",
			"host_disk_bytes_total sda direction=write":                  "2048",
			"host_temperature_celsius coretemp.0_package_id_0":           "40",
			"host_temperature_celsius coretemp.1_package_id_1":           "41",
			"host_temperature_celsius acpitz_temp1":                      "missing",
			"host_temperature_celsius mlx5_asic":                         "61",
			"host_temperature_celsius mlx5_module0":                      "70",
			"host_temperature_celsius mlx5_module0_temp3":                "71",
			"nvme_temperature_celsius nvme0":                             "36.85",
			"fabric_port_bytes_total 1 direction=receive of mlx5_0":      "1000",
			"fabric_port_bytes_total 1 direction=transmit of mlx5_0":     "2000",
			"fabric_port_errors_total 1 kind=symbol of mlx5_0":           "1",
			"fabric_port_errors_total 1 kind=receive of mlx5_0":          "2",
			"fabric_port_errors_total 1 kind=transmit_discard of mlx5_0": "3",
			"fabric_port_errors_total 1 kind=link_integrity of mlx5_0":   "missing",
			"fabric_port_link_downs_total 1 of mlx5_0":                   "4",
			"fabric_port_rate_bits_per_second 1 of mlx5_0":               "4e+11",
			"fabric_port_rate_max_bits_per_second 1 of mlx5_0":           "4e+11",
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		said := c.s.Describe()
		for _, want := range []string{"rapl packages 2", "rapl memories 2", "file systems: 2 cannot be seen under " + c.root, "disks 2", "fabric ports 1"} {
			if !strings.Contains(said, want) {
				t.Errorf("says %q, not %q", said, want)
			}
		}
		if strings.Contains(said, "\n") {
			t.Errorf("says more than a line: %q", said)
		}

		// Half the processors' time is idle in the next second, and package 0 begins
		// again at zero after one joule.
		time.Sleep(time.Second)
		c.write("proc/stat", "cpu  1030 10 510 8040 510 0 0 0 0 0\n")
		c.write("sys/devices/virtual/powercap/intel-rapl:0/energy_uj", "671150\n")
		c.write("sys/devices/virtual/powercap/intel-rapl:1/energy_uj", "99001000\n")
		again, got := c.read()
		if again != l {
			t.Error("the layout is another one, and nothing changed")
		}
		if cpu, err := strconv.ParseFloat(got["host_cpu_usage_ratio n1"], 64); err != nil || math.Abs(cpu-0.5) > 1e-9 || got[joules] != "100" || got[watts] != "100" || got["host_power_watts n1 source=rapl_dram"] != "0" {
			t.Errorf("second reading: %v", got)
		}
	})
}

func TestVirtualMachine(t *testing.T) {
	c := unpack(t, "virtual")
	c.open(func(c *Config) { c.Place = metric.Place{Host: "n1"} })
	_, got := c.read()
	want := map[string]string{
		"host_up n1":                                       "1",
		"host_cpu_usage_ratio n1":                          "missing",
		"host_load1 n1":                                    "missing", // there is no file, and no other machine's load is taken for it
		"host_memory_used_bytes n1":                        "512000",
		"host_memory_total_bytes n1":                       "2.048e+06",
		"host_network_bytes_total eth0 direction=receive":  "1",
		"host_network_bytes_total eth0 direction=transmit": "2",
		"host_disk_bytes_total vda direction=read":         "1024",
		"host_disk_bytes_total vda direction=write":        "2048",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if said := c.s.Describe(); !strings.Contains(said, "rapl: the kernel shows no powercap") {
		t.Errorf("says %q", said)
	}
}

func TestRefusedEnergyIsUnavailableAndNeverZero(t *testing.T) {
	const counter = "sys/devices/virtual/powercap/intel-rapl:1/energy_uj"
	for name, x := range map[string]struct {
		change func(c *capture)
		errno  error
		reason string
	}{
		"permission denied": {func(*capture) {}, syscall.EACCES, "permission denied on %s/sys/class/powercap/intel-rapl:1/energy_uj: run as root or give CAP_DAC_READ_SEARCH"},
		"no file":           {func(c *capture) { os.Remove(c.path(counter)) }, nil, "no such file"},
		"a directory":       {func(c *capture) { os.Remove(c.path(counter)); os.Mkdir(c.path(counter), 0o777) }, nil, "is a directory"},
		"no number":         {func(c *capture) { c.write(counter, "N/A\n") }, nil, "invalid syntax"},
		"only psys": {func(c *capture) {
			for _, z := range []string{"intel-rapl:0", "intel-rapl:1", "intel-rapl-mmio:0"} {
				os.Remove(c.path("sys/class/powercap/" + z))
			}
		}, nil, "no processor package"},
	} {
		t.Run(name, func(t *testing.T) {
			c := unpack(t, "intel")
			x.change(c)
			c.open()
			if x.errno != nil { // a test runs as root, whom no mode refuses
				c.s.tree.ReadFile = func(path string, b []byte) (int, error) {
					if strings.HasSuffix(path, "intel-rapl:1/energy_uj") {
						return 0, &fs.PathError{Op: "open", Path: path, Err: x.errno}
					}
					return tree.Read(path, b)
				}
				c.s.relist(time.Now())
			}
			_, got := c.read()
			for name := range got {
				if strings.Contains(name, "rapl") || strings.Contains(name, "epoch") {
					t.Errorf("%s is %s", name, got[name])
				}
			}
			want := strings.ReplaceAll(x.reason, "%s", c.root)
			if said := c.s.Describe(); !strings.Contains(said, want) {
				t.Errorf("says %q, not %q", said, want)
			}
		})
	}
}

func TestMirrorServesWhereThereIsNothingElse(t *testing.T) {
	c := unpack(t, "intel")
	for _, z := range []string{"intel-rapl:0", "intel-rapl:1"} {
		os.Remove(c.path("sys/class/powercap/" + z))
	}
	c.open()
	if said := c.s.Describe(); !strings.Contains(said, "rapl packages 1") {
		t.Errorf("says %q", said)
	}
}

func TestThingsComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := unpack(t, "intel")
		c.open()
		l, first := c.read()
		c.write("sys/devices/usb/net/usb0/statistics/rx_bytes", "7\n")
		c.write("sys/devices/usb/net/usb0/statistics/tx_bytes", "8\n")
		c.link("sys/devices/usb/net/usb0/device", "../..")
		c.link("sys/class/net/usb0", "../../devices/usb/net/usb0")
		os.Remove(c.path("sys/block/sda"))
		os.Remove(c.path("sys/devices/pci0000:30/sda/stat"))
		for range 29 {
			time.Sleep(time.Second)
			again, got := c.read()
			if again != l || got["host_disk_bytes_total sda direction=read"] != "missing" {
				t.Fatal("another layout within 30 s, or a disk that is gone has a value")
			}
		}
		time.Sleep(time.Second)
		again, got := c.read()
		if again == l {
			t.Fatal("the layout is the same after 30 s")
		}
		if _, ok := got["host_disk_bytes_total sda direction=read"]; ok || got["host_network_bytes_total usb0 direction=receive"] != "7" {
			t.Errorf("after 30 s: %v", got)
		}
		if got[epochPackage] != first[epochPackage] || got[watts] != "0" {
			t.Errorf("the energy counter began anew for a disk: %s after %s, %s W", got[epochPackage], first[epochPackage], got[watts])
		}
	})
}

func TestSlowValuesAreRepeatedUntilTheirNextReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := unpack(t, "intel")
		c.open()
		const name = "host_temperature_celsius coretemp.0_package_id_0"
		const file = "sys/devices/platform/coretemp.0/hwmon/hwmon1/temp1_input"
		for i, step := range []struct {
			text, want string
		}{{"50000", "50"}, {"51000", "50"}, {"51000", "50"}, {"51000", "50"}, {"51000", "50"}, {"52000", "52"}, {"", "52"}, {"", "52"}, {"", "52"}, {"", "52"}, {"", "missing"}} {
			c.write(file, step.text)
			if _, got := c.read(); got[name] != step.want {
				t.Errorf("second %d: %s, want %s", i, got[name], step.want)
			}
			time.Sleep(time.Second)
		}
	})
}

func TestBounds(t *testing.T) {
	c := unpack(t, "intel")
	c.open(func(k *Config) { k.MaxInterfaces, k.MaxDisks, k.MaxSensors, k.MaxPorts = 1, 1, 2, 1 })
	_, got := c.read()
	n := 0
	for name := range got {
		if strings.HasPrefix(name, "host_temperature") {
			n++
			if !strings.Contains(name, "coretemp") {
				t.Errorf("%s is shown before a processor's", name)
			}
		}
	}
	said := c.s.Describe()
	for _, want := range []string{"1 of 2 network interfaces left out", "1 of 2 disks left out", "4 of 6 sensors left out"} {
		if !strings.Contains(said, want) {
			t.Errorf("says %q, not %q", said, want)
		}
	}
	if n != 2 {
		t.Errorf("%d sensors", n)
	}
}

func TestNoMachine(t *testing.T) {
	if _, err := New(Config{Root: t.TempDir(), Place: metric.Place{Host: "n1"}}); err == nil {
		t.Error("an empty directory is taken for a machine")
	}
	if _, err := New(Config{}); err == nil {
		t.Error("a host without a name")
	}
}

func TestMountPointsWithSpaces(t *testing.T) {
	for in, want := range map[string]string{`/a\040b`: "/a b", `/a\134b`: `/a\b`, `/a\`: `/a\`, `/plain`: "/plain", `/\0`: `/\0`} {
		if got := unescape(in); got != want {
			t.Errorf("%s is %q, want %q", in, got, want)
		}
	}
}
