package amd

import (
	"errors"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A file holds one number for one slot.
type file struct {
	slot gpu.Slot
	path string
	of   func(int64) metric.Raw // missing where the number cannot be right
}

// value reads f.
func (d *Driver) value(f file) metric.Raw {
	n, err := d.tree.Number(f.path)
	if err != nil {
		d.changed = d.changed || absent(err)
		return metric.Missing
	}
	return f.of(n)
}

// sensors finds the files that c's values are in.
func (d *Driver) sensors(c *card, no *refusals) {
	add := func(list *[]file, slot gpu.Slot, of func(int64) metric.Raw, path ...string) bool {
		if !d.tree.Exists(path...) {
			return false
		}
		*list = append(*list, file{slot, d.tree.Path(path...), of})
		return true
	}
	add(&c.fast, gpu.Utilization, percent, c.dir, "gpu_busy_percent")
	add(&c.fast, gpu.MemoryUtilization, percent, c.dir, "mem_busy_percent")
	add(&c.fast, gpu.MemoryUsed, count, c.dir, "mem_info_vram_used")
	add(&c.rare, gpu.MemoryTotal, count, c.dir, "mem_info_vram_total")
	add(&c.rare, gpu.PCIeReplays, count, c.dir, "pcie_replay_count")
	add(&c.rare, gpu.PCIeWidth, lanes, c.dir, "current_link_width")
	add(&c.rare, gpu.PCIeWidthMax, lanes, c.dir, "max_link_width")

	names := d.tree.List(c.dir, "hwmon")
	if len(names) == 0 {
		no.add(c.board.PCI, "no hwmon: neither power nor temperatures; in a virtual machine its host has them")
		return
	}
	hwmon := c.dir + "/hwmon/" + names[0]
	labels := map[string]string{} // channels by sort and label: "temp junction"
	for _, name := range d.tree.List(hwmon) {
		if channel, ok := strings.CutSuffix(name, "_label"); ok {
			labels[strings.TrimRight(channel, "0123456789")+" "+d.tree.Text(hwmon, name)] = channel
		}
	}
	for _, s := range []struct {
		slot  gpu.Slot
		label string
		of    func(int64) metric.Raw
	}{
		{gpu.Temperature, "temp edge", millicelsius},
		{gpu.Temperature, "temp junction", millicelsius}, // the hottest place, where it is known
		{gpu.MemoryTemperature, "temp mem", millicelsius},
		{gpu.SMClock, "freq sclk", hertz},
		{gpu.MemoryClock, "freq mclk", hertz},
	} {
		if channel := labels[s.label]; channel != "" {
			add(&c.fast, s.slot, s.of, hwmon, channel+"_input")
		}
	}
	// A die that has no meter shows zeros, for the limit too.
	if limit, err := d.tree.Number(d.tree.Path(hwmon, "power1_cap")); err == nil && limit == 0 {
		c.shared = true
		no.add(c.board.PCI, "no power of its own: the die beside it on the same board measures both")
		return
	}
	add(&c.rare, gpu.PowerLimit, microwatts, hwmon, "power1_cap")
	add(&c.rare, gpu.PowerLimitDefault, microwatts, hwmon, "power1_cap_default")
	average := add(&c.fast, gpu.Power, microwatts, hwmon, "power1_average")
	instant := add(&c.fast, gpu.PowerInstant, microwatts, hwmon, "power1_input")
	c.instant, c.metered = instant && !average, instant || average
}

// readLink reads the generation of c's PCIe link.
func (d *Driver) readLink(c *card) {
	c.slow[gpu.PCIeGeneration] = generation(d.tree.Text(c.dir, "current_link_speed"))
	c.slow[gpu.PCIeGenerationMax] = generation(d.tree.Text(c.dir, "max_link_speed"))
}

// generation is that of a PCIe link whose speed reads like "32.0 GT/s PCIe".
func generation(speed string) metric.Raw {
	rate, _, ok := strings.Cut(speed, " GT/s")
	v, err := strconv.ParseFloat(rate, 64)
	if !ok || err != nil {
		return metric.Missing
	}
	if i := slices.Index([]float64{2.5, 5, 8, 16, 32, 64, 128}, v); i >= 0 {
		return metric.Raw(i + 1)
	}
	return metric.Missing
}

// Bounds of what a board can have; what lies beyond is no reading.
const (
	mostWatts        = 10_000
	coldest, hottest = -60, 200 // degrees Celsius
	mostHertz        = 100e9
)

func microwatts(v int64) metric.Raw {
	if v < 0 || v > mostWatts*1e6 {
		return metric.Missing
	}
	return metric.Of(float64(v) / 1e6)
}

func millicelsius(v int64) metric.Raw {
	if v < coldest*1000 || v > hottest*1000 {
		return metric.Missing
	}
	return metric.Of(float64(v) / 1000)
}

func hertz(v int64) metric.Raw {
	if v < 0 || v > mostHertz {
		return metric.Missing
	}
	return metric.Raw(v)
}

func percent(v int64) metric.Raw {
	if v < 0 || v > 100 {
		return metric.Missing
	}
	return metric.Of(float64(v) / 100)
}

func lanes(v int64) metric.Raw {
	if v < 1 || v > 32 {
		return metric.Missing
	}
	return metric.Raw(v)
}

func count(v int64) metric.Raw {
	if v < 0 {
		return metric.Missing
	}
	return metric.Raw(v)
}

// absent reports whether a file was not there.
func absent(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// cause is an error without the path, which differs from board to board.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
