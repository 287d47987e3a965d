package host

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/tree"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/shirou/gopsutil/v3/cpu"
	"github.com/shirou/gopsutil/v3/disk"
	"github.com/shirou/gopsutil/v3/load"
	"github.com/shirou/gopsutil/v3/mem"
)

// Points of host_power_watts and host_energy_joules_total, by the label source.
const (
	sourcePackage = 1 // rapl_package
	sourceMemory  = 2 // rapl_dram
)

func sameZones(a, b []zone) bool { return slices.Equal(a, b) }

// arrange is the layout of what was found, in the order in which Read appends.
func (s *Source) arrange(v *inventory) *metric.Layout {
	l := &metric.Layout{Entities: s.c.Place.Entities()}
	host := len(l.Entities) - 1
	add := func(kind metric.EntityKind, parent int, name string) int {
		for i, e := range l.Entities {
			if e.Kind == kind && e.Name == name && e.Parent == parent {
				return i
			}
		}
		l.Entities = append(l.Entities, metric.Entity{Kind: kind, Name: name, Parent: parent})
		return len(l.Entities) - 1
	}
	column := func(n metric.Number, point uint32, of ...int) {
		form := metric.Lookup(n).Form
		for i := 0; i < len(of); {
			c := metric.Column{Metric: n, Form: form, Point: point, First: of[i]}
			for i < len(of) && of[i] == c.First+c.Count {
				c.Count++
				i++
			}
			l.Columns = append(l.Columns, c)
		}
	}
	var interfaces, disks, mounts, sensors, drives, healthy, ports []int
	for _, d := range v.interfaces {
		interfaces = append(interfaces, add(metric.Device, host, d.name))
	}
	for _, d := range v.disks {
		disks = append(disks, add(metric.Device, host, d.name))
	}
	for _, m := range v.mounts {
		mounts = append(mounts, add(metric.Mount, host, m.point))
	}
	for _, t := range v.sensors {
		sensors = append(sensors, add(metric.Sensor, host, t.name))
	}
	for _, t := range v.drives {
		drives = append(drives, add(metric.Device, host, t.name))
	}
	for _, d := range v.healthy {
		healthy = append(healthy, add(metric.Device, host, d.name))
	}
	for _, p := range v.ports {
		add(metric.Device, host, p.adapter)
	}
	for _, p := range v.ports {
		ports = append(ports, add(metric.Port, add(metric.Device, host, p.adapter), p.number))
	}

	column(metric.HostUp, 0, host)
	column(metric.HostCPUUsage, 0, host)
	for _, c := range []*counter{&s.packages, &s.memories} {
		if len(c.zones) > 0 {
			column(metric.HostPowerWatts, c.point, host)
			column(metric.HostEnergyJoules, c.point, host)
			column(metric.CounterEpoch, metric.EpochPoint(metric.HostEnergyJoules, c.point), host)
		}
	}
	column(metric.HostNetworkBytes, 0, interfaces...)
	column(metric.HostNetworkBytes, 1, interfaces...)
	column(metric.HostDiskBytes, 0, disks...)
	column(metric.HostDiskBytes, 1, disks...)

	for _, n := range []metric.Number{metric.HostLoad1, metric.HostMemoryUsed, metric.HostMemoryTotal} {
		column(n, 0, host)
	}
	column(metric.HostFilesystemUsed, 0, mounts...)
	column(metric.HostFilesystemTotal, 0, mounts...)
	column(metric.HostTemperature, 0, sensors...)
	column(metric.NVMeTemperature, 0, drives...)
	for _, n := range []metric.Number{metric.NVMeWear, metric.NVMeSpare, metric.NVMeMediaErrors, metric.NVMeWarning} {
		column(n, 0, healthy...)
	}
	for _, f := range fabricFiles {
		column(f.metric, f.point, ports...)
	}
	column(metric.FabricPortRate, 0, ports...)
	column(metric.FabricPortRateMax, 0, ports...)
	return l
}

// readProcessors appends that the host is up, and how busy its processors are.
func (s *Source) readProcessors(ctx context.Context, dst []metric.Raw) []metric.Raw {
	usage := metric.Missing
	if t, err := cpu.TimesWithContext(ctx, false); err == nil && len(t) == 1 {
		usage = s.busy.since(&t[0])
	} else {
		s.busy = busy{}
	}
	return append(dst, 1, usage)
}

// readMemory appends the load, which the kernel reckons every five seconds, and
// the memory.
func (s *Source) readMemory(ctx context.Context, dst []metric.Raw) []metric.Raw {
	load1, used, total := metric.Missing, metric.Missing, metric.Missing
	if s.tree.Exists("proc", "loadavg") { // else gopsutil would ask the kernel it runs on
		if l, err := load.AvgWithContext(ctx); err == nil {
			load1 = metric.Of(l.Load1)
		}
	}
	if m, err := mem.VirtualMemoryWithContext(ctx); err == nil && m.Total > 0 && m.Available <= m.Total {
		used, total = metric.Raw(m.Total-m.Available), metric.Raw(m.Total)
	}
	return append(dst, load1, used, total)
}

// busy is the processors' time as last read, in seconds.
type busy struct{ idle, all float64 }

// since is the share of the time that was not idle since the reading before;
// missing if there is none, or if less than a clock tick has passed.
func (b *busy) since(t *cpu.TimesStat) metric.Raw {
	last := *b
	b.idle = t.Idle + t.Iowait
	b.all = b.idle + t.User + t.Nice + t.System + t.Irq + t.Softirq + t.Steal // guests are in user and nice
	if last.all == 0 || b.all <= last.all {
		return metric.Missing
	}
	share := 1 - (b.idle-last.idle)/(b.all-last.all)
	return metric.Of(min(max(share, 0), 1)) // the kernel's idle time may fall a little
}

// readEnergy appends the RAPL counters.
func (s *Source) readEnergy(dst []metric.Raw) []metric.Raw {
	for _, c := range []*counter{&s.packages, &s.memories} {
		if len(c.zones) == 0 {
			continue
		}
		energy, power, broken := c.read(&s.tree, time.Now())
		if broken != nil {
			s.log.Warn("rapl counter begins anew", "error", broken)
		}
		dst = append(dst, power, energy, c.epoch)
	}
	return dst
}

// readDevices appends the bytes of interfaces and disks.
func (s *Source) readDevices(dst []metric.Raw) []metric.Raw {
	for _, file := range []string{"/rx_bytes", "/tx_bytes"} {
		for _, d := range s.found.interfaces {
			v, err := s.tree.Number(d.path + file)
			if err != nil || v < 0 {
				v = int64(metric.Missing)
			}
			dst = append(dst, metric.Raw(v))
		}
	}
	at, n := len(dst), len(s.found.disks)
	dst = slices.Grow(dst, 2*n)[:at+2*n]
	for i, d := range s.found.disks {
		dst[at+i], dst[at+n+i] = diskBytes(&s.tree, d.path)
	}
	return dst
}

// diskBytes reads a disk's stat file: the third and the seventh number are the
// sectors read and written, always of 512 bytes.
func diskBytes(t *tree.Tree, path string) (read, written metric.Raw) {
	var b [256]byte
	n, err := t.ReadFile(path, b[:])
	if err != nil {
		return metric.Missing, metric.Missing
	}
	var sectors [7]uint64
	i := 0
	for field := range bytes.FieldsSeq(b[:n]) {
		if sectors[i], err = strconv.ParseUint(string(field), 10, 53); err != nil {
			return metric.Missing, metric.Missing
		}
		if i++; i == len(sectors) {
			return metric.Raw(sectors[2] * 512), metric.Raw(sectors[6] * 512)
		}
	}
	return metric.Missing, metric.Missing
}

// readSlow appends what is read every slowEvery.
func (s *Source) readSlow(ctx context.Context, dst []metric.Raw) []metric.Raw {
	dst = s.readMemory(ctx, dst)
	at := len(dst)
	n := len(s.found.mounts)
	dst = slices.Grow(dst, 2*n)[:at+2*n]
	for i, m := range s.found.mounts {
		used, total := metric.Missing, metric.Missing
		if u, err := disk.UsageWithContext(ctx, m.path); err == nil && u.Total > 0 {
			used, total = metric.Raw(u.Used), metric.Raw(u.Total)
		}
		dst[at+i], dst[at+n+i] = used, total
	}
	for _, t := range s.found.sensors {
		dst = append(dst, celsius(&s.tree, t.path))
	}
	for _, t := range s.found.drives {
		dst = append(dst, celsius(&s.tree, t.path))
	}
	at, n = len(dst), len(s.found.healthy)
	dst = slices.Grow(dst, 4*n)[:at+4*n]
	for i, d := range s.found.healthy {
		h := s.health.of(d.path, time.Now())
		dst[at+i], dst[at+n+i], dst[at+2*n+i], dst[at+3*n+i] = h.wear, h.spare, h.media, h.warned
	}
	for _, f := range fabricFiles {
		for _, p := range s.found.ports {
			dst = append(dst, count(&s.tree, p, f))
		}
	}
	at, n = len(dst), len(s.found.ports)
	dst = slices.Grow(dst, 2*n)[:at+2*n]
	for i, p := range s.found.ports {
		now := rate(&s.tree, p)
		dst[at+i], dst[at+n+i] = now, s.best(p, now)
	}
	return dst
}
