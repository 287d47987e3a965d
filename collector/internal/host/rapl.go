package host

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"math"
	"path/filepath"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/tree"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/prometheus/procfs/sysfs"
)

// A zone is a part of the machine with an energy counter of its own.
type zone struct {
	path string // of the counter, in microjoules
	max  uint64 // where it begins again
}

// zones are the processor packages and the memories with an energy counter. The
// error says why there are none.
func (s *Source) zones() (packages, memories []zone, err error) {
	if !s.tree.Exists("sys/class/powercap") {
		return nil, nil, errors.New("the kernel shows no powercap, as in most virtual machines")
	}
	sys, err := sysfs.NewFS(s.tree.Path("sys"))
	if err != nil {
		return nil, nil, err
	}
	all, err := sysfs.GetRaplZones(sys)
	if err != nil {
		return nil, nil, err
	}
	var mirrored []zone // seen again through memory-mapped registers
	for _, z := range all {
		dir := filepath.Base(z.Path)
		if !strings.HasPrefix(dir, "intel-rapl") || z.MaxMicrojoules == 0 {
			continue
		}
		found := zone{filepath.Join(z.Path, "energy_uj"), z.MaxMicrojoules}
		switch mmio := strings.HasPrefix(dir, "intel-rapl-mmio"); {
		case mmio && strings.HasPrefix(z.Name, "package"):
			mirrored = append(mirrored, found)
		case mmio:
		case strings.HasPrefix(z.Name, "package"):
			packages = append(packages, found)
		case z.Name == "dram":
			memories = append(memories, found)
		}
	}
	if len(packages) == 0 {
		packages = mirrored
	}
	if len(packages) == 0 {
		return nil, nil, errors.New("powercap shows no processor package")
	}
	for _, z := range append(packages[:len(packages):len(packages)], memories...) {
		if _, err := s.tree.Number(z.path); errors.Is(err, fs.ErrPermission) {
			return nil, nil, fmt.Errorf("permission denied on %s: run as root or give CAP_DAC_READ_SEARCH", z.path)
		} else if err != nil {
			return nil, nil, err
		}
	}
	return packages, memories, nil
}

// A counter adds up zones that begin again at zero every few minutes. It counts
// from zero in each epoch.
type counter struct {
	point uint32 // of host_energy_joules_total
	seed  string // what no other run of this program on this machine has
	watts float64

	zones    []zone
	last     []uint64 // of each zone, microjoules
	at       time.Time
	total    uint64 // microjoules in this epoch
	restarts int
	epoch    metric.Raw
	now      []uint64 // scratch
}

// use makes zones what the counter adds up.
func (c *counter) use(zones []zone) {
	if len(c.zones) > 0 {
		c.restarts++
	}
	c.zones, c.last, c.now = zones, nil, make([]uint64, len(zones))
	c.begin()
}

// begin begins an epoch.
func (c *counter) begin() {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s/%d/%d", c.seed, c.point, c.restarts)
	c.epoch = metric.Raw(h.Sum64() & math.MaxInt64)
	c.total = 0
}

// read takes a reading at now, which must have a monotonic reading. broken says
// why a new epoch had to begin.
func (c *counter) read(t *tree.Tree, now time.Time) (energy, power metric.Raw, broken error) {
	for i, z := range c.zones {
		v, err := t.Number(z.path)
		if err != nil || v < 0 {
			return metric.Missing, metric.Missing, nil // not a part of the sum
		}
		c.now[i] = uint64(v)
	}
	first, since := c.last == nil, now.Sub(c.at)
	if first {
		c.last = make([]uint64, len(c.zones))
	} else if since <= 0 {
		return metric.Raw(c.total / 1000), metric.Missing, nil
	}
	var sum uint64
	for i, z := range c.zones {
		if first {
			break
		}
		d := advance(c.last[i], c.now[i], z.max)
		if err := c.doubt(z, d, since); err != nil {
			broken = err
		}
		sum += d
	}
	copy(c.last, c.now)
	c.at = now
	switch {
	case broken != nil:
		c.restarts++
		c.begin()
		return 0, metric.Missing, broken
	case first:
		return 0, metric.Missing, nil
	}
	c.total += sum
	return metric.Raw(c.total / 1000), metric.Of(float64(sum) / 1e6 / since.Seconds()), nil
}

// advance is how far a counter went that begins again at max.
func advance(last, now, max uint64) uint64 {
	if now >= last {
		return now - last
	}
	return max - min(last, max) + now
}

// doubt is why d microjoules in a zone after since cannot be believed.
func (c *counter) doubt(z zone, d uint64, since time.Duration) error {
	half := time.Duration(float64(z.max) / 2 / c.watts * float64(time.Microsecond))
	if since > half {
		return fmt.Errorf("%v without a reading of %s: it may have begun again twice", since.Round(time.Millisecond), z.path)
	}
	if most := c.watts * (since + 100*time.Millisecond).Seconds() * 1e6; float64(d) > most {
		return fmt.Errorf("%s went %d J in %v: it was set back or is wrong", z.path, d/1e6, since.Round(time.Millisecond))
	}
	return nil
}
