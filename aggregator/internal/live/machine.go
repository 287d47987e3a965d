package live

import (
	"math"
	"slices"
	"strings"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// Machine is what one host says of itself.
type Machine struct {
	Host        string   `json:"host"`
	Reporting   bool     `json:"reporting"`
	CPU         *float64 `json:"cpu_ratio"`
	Load1       *float64 `json:"load1"`
	MemoryUsed  *float64 `json:"memory_used_bytes"`
	MemoryTotal *float64 `json:"memory_total_bytes"`
	DiskUsed    *float64 `json:"disk_used_ratio"` // of the fullest file system
	Celsius     *float64 `json:"celsius_max"`     // of the hottest sensor
}

// fewHosts is up to how many hosts the page has room to show each.
const fewHosts = 8

// machines lists the hosts of a small site by name; nil for a larger one.
func (s *site) machines() []Machine {
	out := []Machine{}
	for _, a := range s.senders {
		if a.host == "" {
			continue
		}
		if len(out) == fewHosts {
			return nil
		}
		out = append(out, a.machine())
	}
	slices.SortFunc(out, func(a, b Machine) int { return strings.Compare(a.Host, b.Host) })
	return out
}

func (a *sender) machine() Machine {
	m := Machine{Host: a.host, Reporting: a.at(a.site.last) >= 0}
	if !m.Reporting {
		return m
	}
	used := map[int]float64{} // bytes by mount
	at := 0
	for _, c := range a.layout.Columns {
		d := metric.Lookup(c.Metric)
		for k := range c.Count {
			r := a.values[at+k]
			if d == nil || r == metric.Missing || d.Form != c.Form {
				continue
			}
			v := d.Value(r)
			if math.IsNaN(v) || math.IsInf(v, 0) {
				continue
			}
			switch c.Metric {
			case metric.HostCPUUsage:
				m.CPU = &v
			case metric.HostLoad1:
				m.Load1 = &v
			case metric.HostMemoryUsed:
				m.MemoryUsed = &v
			case metric.HostMemoryTotal:
				m.MemoryTotal = &v
			case metric.HostFilesystemUsed:
				used[c.First+k] = v
			case metric.HostFilesystemTotal:
				if u, ok := used[c.First+k]; ok && v > 0 {
					m.DiskUsed = greater(m.DiskUsed, u/v)
				}
			case metric.HostTemperature:
				m.Celsius = greater(m.Celsius, v)
			}
		}
		at += c.Count
	}
	return m
}

func greater(a *float64, b float64) *float64 {
	if a != nil && *a >= b {
		return a
	}
	return &b
}
