package host

import (
	"strconv"
	"strings"

	"github.com/gigawatch/gigawatch/collector/internal/tree"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A port is one port of a fabric adapter, InfiniBand or RoCE.
type port struct{ adapter, number, dir string }

// ports are the fabric ports that sysfs shows, with their counters.
func (s *Source) ports() (found []port) {
	for _, adapter := range s.tree.List("sys/class/infiniband") {
		for _, number := range s.tree.List("sys/class/infiniband", adapter, "ports") {
			if s.tree.Exists("sys/class/infiniband", adapter, "ports", number, "counters") && fits(adapter) && fits(number) {
				found = append(found, port{adapter, number, s.tree.Path("sys/class/infiniband", adapter, "ports", number)})
			}
		}
	}
	return found
}

// fabricFile is where a metric of a port is read, at one point of the metric.
type fabricFile struct {
	metric metric.Number
	point  uint32
	name   string
	unit   int64 // raw units to one of the file
}

var fabricFiles = []fabricFile{
	{metric.FabricPortBytes, 0, "port_rcv_data", 4}, // counted in words of four bytes
	{metric.FabricPortBytes, 1, "port_xmit_data", 4},
	{metric.FabricPortErrors, 0, "symbol_error", 1},
	{metric.FabricPortErrors, 1, "port_rcv_errors", 1},
	{metric.FabricPortErrors, 2, "port_xmit_discards", 1},
	{metric.FabricPortErrors, 3, "local_link_integrity_errors", 1},
	{metric.FabricPortLinkDowns, 0, "link_downed", 1},
}

// count reads a counter of port p.
func count(t *tree.Tree, p port, f fabricFile) metric.Raw {
	v, err := t.Number(p.dir + "/counters/" + f.name)
	if err != nil || v < 0 || v > 1<<62/f.unit {
		return metric.Missing
	}
	return metric.Raw(v * f.unit)
}

// rate reads the signalling rate of port p: "400 Gb/sec (4X NDR)".
func rate(t *tree.Tree, p port) metric.Raw {
	var b [64]byte
	n, err := t.ReadFile(p.dir+"/rate", b[:])
	if err != nil {
		return metric.Missing
	}
	value, unit, _ := strings.Cut(string(b[:n]), " ")
	v, err := strconv.ParseFloat(value, 64)
	if err != nil || !(v >= 0 && v <= 1e6) || !strings.HasPrefix(unit, "Gb/sec") {
		return metric.Missing
	}
	return metric.Raw(v * 1e9)
}
