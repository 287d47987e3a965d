package gaudi

import (
	"cmp"
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

// value reads f. The driver answers with an error while the firmware does not.
func (d *Driver) value(f file) metric.Raw {
	n, err := d.tree.Number(f.path)
	if err != nil {
		d.changed = d.changed || errors.Is(err, fs.ErrNotExist)
		return metric.Missing
	}
	return f.of(n)
}

// sensors finds the files that c's values are in.
func (d *Driver) sensors(c *card) {
	add := func(list *[]file, slot gpu.Slot, of func(int64) metric.Raw, path ...string) bool {
		if !d.tree.Exists(path...) {
			return false
		}
		*list = append(*list, file{slot, d.tree.Path(path...), of})
		return true
	}
	add(&c.fast, gpu.SMClock, megahertz, c.dir, "clk_cur_freq_mhz")
	add(&c.rare, gpu.PowerLimit, milliwatts, c.dir, "max_power")
	add(&c.rare, gpu.PCIeWidth, lanes, c.pci, "current_link_width")
	add(&c.rare, gpu.PCIeWidthMax, lanes, c.pci, "max_link_width")

	hwmon := ""
	for _, dir := range []string{c.dir + "/hwmon", c.pci + "/hwmon"} {
		if names := d.tree.List(dir); len(names) > 0 && hwmon == "" {
			hwmon = dir + "/" + names[0]
		}
	}
	if hwmon == "" {
		d.refuse(c, "no hwmon: neither power nor temperatures; the kernel may lack CONFIG_HWMON")
		return
	}
	if !add(&c.fast, gpu.PowerInstant, microwatts, hwmon, "power1_input") {
		d.refuse(c, "its firmware has no sensor of power")
	}
	if channel := d.channel(hwmon, "", "aip", "die", "asic"); channel != "" {
		add(&c.fast, gpu.Temperature, millicelsius, hwmon, channel+"_input")
	}
	if channel := d.channel(hwmon, "none", "hbm", "dram"); channel != "none" {
		add(&c.fast, gpu.MemoryTemperature, millicelsius, hwmon, channel+"_input")
	}
}

// channel is the first temperature whose label has one of words in it;
// otherwise fallback, or, if that is empty, the first of all.
func (d *Driver) channel(hwmon, fallback string, words ...string) string {
	var channels []string
	for _, name := range d.tree.List(hwmon) {
		if channel, ok := strings.CutSuffix(name, "_input"); ok && strings.HasPrefix(channel, "temp") {
			channels = append(channels, channel)
		}
	}
	slices.SortFunc(channels, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	for _, channel := range channels {
		label := strings.ToLower(d.tree.Text(hwmon, channel+"_label"))
		if slices.ContainsFunc(words, func(w string) bool { return strings.Contains(label, w) }) {
			return channel
		}
	}
	if fallback == "" && len(channels) > 0 {
		return channels[0]
	}
	return fallback
}

// generation is that of a PCIe link whose speed reads like "16.0 GT/s PCIe".
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
	mostMegahertz    = 100_000
)

func microwatts(v int64) metric.Raw {
	if v < 0 || v > mostWatts*1e6 {
		return metric.Missing
	}
	return metric.Of(float64(v) / 1e6)
}

func milliwatts(v int64) metric.Raw {
	if v < 0 || v > mostWatts*1e3 {
		return metric.Missing
	}
	return metric.Of(float64(v) / 1e3)
}

func millicelsius(v int64) metric.Raw {
	if v < coldest*1000 || v > hottest*1000 {
		return metric.Missing
	}
	return metric.Of(float64(v) / 1000)
}

func megahertz(v int64) metric.Raw {
	if v < 0 || v > mostMegahertz {
		return metric.Missing
	}
	return metric.Raw(v * 1e6)
}

func lanes(v int64) metric.Raw {
	if v < 1 || v > 32 {
		return metric.Missing
	}
	return metric.Raw(v)
}
