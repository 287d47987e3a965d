package host

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gigawatch/gigawatch/collector/internal/tree"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A chip is one hwmon device.
type chip struct {
	dir    string // hwmon3: another one after the next boot
	name   string // coretemp: what sort of chip
	device string // coretemp.1, 0000:81:00.0: where it sits
}

// Whose temperatures other sources read.
var graphics = []string{"amdgpu", "nouveau", "radeon"}

// Chips of processors, which come first when there are too many sensors.
var processors = []string{"coretemp", "k10temp", "zenpower"}

// sensors are the machine's temperatures, and those of its NVMe controllers.
func (s *Source) sensors() (found, drives []sensor) {
	var chips []chip
	count := map[string]int{}
	for _, dir := range s.tree.List("sys/class/hwmon") {
		c := chip{dir, s.tree.Text("sys/class/hwmon", dir, "name"), s.tree.Target("sys/class/hwmon", dir, "device")}
		if c.name == "" || slices.Contains(graphics, c.name) {
			continue
		}
		if c.device == "" {
			c.device = dir
		}
		chips = append(chips, c)
		count[c.name]++
	}
	slices.SortFunc(chips, func(a, b chip) int {
		return cmp.Or(-cmp.Compare(b2i(slices.Contains(processors, a.name)), b2i(slices.Contains(processors, b.name))),
			cmp.Compare(a.name, b.name), cmp.Compare(a.device, b.device), cmp.Compare(a.dir, b.dir))
	})
	taken := map[string]bool{}
	for _, c := range chips {
		prefix := c.name
		if count[c.name] > 1 {
			prefix = c.device
		}
		for _, file := range s.tree.List("sys/class/hwmon", c.dir) {
			channel, ok := strings.CutSuffix(file, "_input")
			if !ok || !strings.HasPrefix(channel, "temp") {
				continue
			}
			path := s.tree.Path("sys/class/hwmon", c.dir, file)
			label := s.tree.Text("sys/class/hwmon", c.dir, channel+"_label")
			switch {
			case c.name == "nvme":
				if channel == "temp1" && fits(c.device) { // the composite; the others lie within
					drives = append(drives, sensor{c.device, path})
				}
				continue
			case c.name == "coretemp" && strings.HasPrefix(label, "Core "):
				continue
			case label == "":
				label = channel
			}
			name := prefix + "_" + strings.ReplaceAll(strings.ToLower(label), " ", "_")
			if taken[name] {
				name += "_" + channel
			}
			if taken[name] || !fits(name) {
				continue
			}
			taken[name] = true
			found = append(found, sensor{name, path})
		}
	}
	return found, drives
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Temperatures outside these are a chip that has nothing to say.
const coldest, hottest = -60, 200 // degrees Celsius

// celsius reads a temperature.
func celsius(t *tree.Tree, path string) metric.Raw {
	v, err := t.Number(path)
	if err != nil || v < coldest*1000 || v > hottest*1000 {
		return metric.Missing
	}
	return metric.Of(float64(v) / 1000)
}
