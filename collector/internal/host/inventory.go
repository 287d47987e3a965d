package host

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/prometheus/procfs"
)

// An inventory is what the machine has, as far as it is measured.
type inventory struct {
	interfaces []device
	disks      []device
	drives     []sensor // NVMe controllers, by their composite temperature
	asked      []device // NVMe controllers, by the device to ask for their health
	healthy    []device // those that told it
	mounts     []mount
	sensors    []sensor
	ports      []port
	packages   []zone // RAPL
	memories   []zone
	refused    []string // what is not measured, and why
}

// A device is an interface or a disk. path is what its counters are read from.
type device struct{ name, path string }

// A mount is a file system; path is where it is mounted, as the process sees it.
type mount struct{ point, path string }

// A sensor is one temperature, read from path in thousandths of a degree.
type sensor struct{ name, path string }

// take lists the machine.
func (s *Source) take() *inventory {
	var v inventory
	v.interfaces = bound(&v, "network interfaces", s.interfaces(), s.c.MaxInterfaces)
	v.disks = bound(&v, "disks", s.disks(), s.c.MaxDisks)
	mounts, err := s.mounts()
	if err != nil {
		v.refused = append(v.refused, fmt.Sprintf("file systems: %v", err))
	}
	v.mounts = bound(&v, "file systems", mounts, s.c.MaxMounts)
	sensors, drives := s.sensors()
	v.sensors = bound(&v, "sensors", sensors, s.c.MaxSensors)
	v.drives = bound(&v, "drives", drives, s.c.MaxDisks)
	v.asked = bound(&v, "NVMe controllers", s.controllers(), s.c.MaxDisks)
	healthy, refused := s.health.known(v.asked, time.Now())
	v.healthy, v.refused = healthy, append(v.refused, refused...)
	v.ports = bound(&v, "fabric ports", s.ports(), s.c.MaxPorts)
	packages, memories, err := s.zones()
	if err != nil {
		v.refused = append(v.refused, fmt.Sprintf("rapl: %v", err))
	}
	v.packages, v.memories = packages, memories
	return &v
}

// bound cuts what is beyond the limit.
func bound[T any](v *inventory, what string, all []T, limit int) []T {
	if len(all) <= limit {
		return all
	}
	v.refused = append(v.refused, fmt.Sprintf("%d of %d %s left out", len(all)-limit, len(all), what))
	return all[:limit]
}

func (v *inventory) same(w *inventory) bool {
	return slices.Equal(v.interfaces, w.interfaces) && slices.Equal(v.disks, w.disks) && slices.Equal(v.drives, w.drives) &&
		slices.Equal(v.asked, w.asked) && slices.Equal(v.healthy, w.healthy) &&
		slices.Equal(v.mounts, w.mounts) && slices.Equal(v.sensors, w.sensors) && slices.Equal(v.ports, w.ports) &&
		slices.Equal(v.packages, w.packages) && slices.Equal(v.memories, w.memories)
}

// String is one line for a person.
func (v *inventory) String() string {
	var found []string
	count := func(n int, what string) {
		if n > 0 {
			found = append(found, fmt.Sprintf("%s %d", what, n))
		}
	}
	count(len(v.interfaces), "network interfaces")
	count(len(v.disks), "disks")
	count(len(v.mounts), "file systems")
	count(len(v.sensors), "sensors")
	count(len(v.drives), "drive temperatures")
	count(len(v.healthy), "drive health logs")
	count(len(v.ports), "fabric ports")
	count(len(v.packages), "rapl packages")
	count(len(v.memories), "rapl memories")
	line := strings.Join(append([]string{"processors, memory"}, found...), ", ")
	if len(v.refused) > 0 {
		line += "; " + strings.Join(v.refused, "; ")
	}
	return line
}

// fits reports whether name can be an entity's.
func fits(name string) bool { return name != "" && len(name) <= metric.MaxText }

// interfaces are those with a device behind them, without the switch ports of
// virtual functions.
func (s *Source) interfaces() (found []device) {
	for _, name := range s.tree.List("sys/class/net") {
		if !s.tree.Exists("sys/class/net", name, "device") || !fits(name) {
			continue
		}
		if at := s.tree.Text("sys/class/net", name, "phys_port_name"); !strings.Contains(at, "vf") && !strings.Contains(at, "sf") {
			found = append(found, device{name, s.tree.Path("sys/class/net", name, "statistics")})
		}
	}
	return found
}

// disks are whole ones with a device behind them.
func (s *Source) disks() (found []device) {
	for _, name := range s.tree.List("sys/block") {
		if !s.tree.Exists("sys/block", name, "device") || s.tree.Text("sys/block", name, "hidden") == "1" || !fits(name) {
			continue
		}
		if strings.HasPrefix(name, "sr") || strings.HasPrefix(name, "fd") { // optical and floppy
			continue
		}
		found = append(found, device{name, s.tree.Path("sys/block", name, "stat")})
	}
	return found
}

// onDisk are the kinds of file system that keep their data on a local disk.
var onDisk = []string{"bcachefs", "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "jfs", "ntfs", "ntfs3", "reiserfs", "vfat", "xfs", "zfs"}

// mounts are the file systems that the first process sees, as far as this one
// sees them at the same place under the root. The agent may live in a name space
// of its own that hides some, and a capture has none.
func (s *Source) mounts() ([]mount, error) {
	proc, err := procfs.NewFS(s.tree.Path("proc"))
	if err != nil {
		return nil, err
	}
	all, err := proc.GetProcMounts(1)
	if err != nil {
		all, err = proc.GetMounts()
	}
	if err != nil {
		return nil, fmt.Errorf("read mounts: %w", err)
	}
	mine, err := procfs.GetMounts()
	if err != nil {
		return nil, fmt.Errorf("read own mounts: %w", err)
	}
	seen := map[string]string{} // the file system on top at each place
	for _, m := range mine {
		seen[unescape(m.MountPoint)] = m.MajorMinorVer
	}
	slices.SortFunc(all, func(a, b *procfs.MountInfo) int {
		return cmp.Or(cmp.Compare(len(a.MountPoint), len(b.MountPoint)), cmp.Compare(a.MountPoint, b.MountPoint))
	})
	var found []mount
	taken, absent := map[string]bool{}, map[string]bool{}
	for _, m := range all {
		point := unescape(m.MountPoint)
		if !slices.Contains(onDisk, m.FSType) || taken[m.MajorMinorVer] || !fits(point) {
			continue
		}
		path := s.tree.Path(point)
		if seen[path] != m.MajorMinorVer {
			absent[m.MajorMinorVer] = true
			continue
		}
		taken[m.MajorMinorVer] = true
		delete(absent, m.MajorMinorVer)
		found = append(found, mount{point, path})
	}
	if len(absent) > 0 {
		err = fmt.Errorf("%d cannot be seen under %s", len(absent), s.tree.Root)
	}
	return found, err
}
