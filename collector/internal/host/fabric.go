package host

import (
	"strconv"
	"strings"

	"github.com/gigawatch/gigawatch/collector/internal/tree"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A port is one port of a fabric adapter, InfiniBand or RoCE.
type port struct {
	adapter, number, dir string
	net                  string // of RoCE, the directory of its network interface; "" if there is none
	ethernet             bool
}

// ports are the fabric ports that sysfs shows, with their counters.
func (s *Source) ports() (found []port) {
	const class = "sys/class/infiniband"
	for _, adapter := range s.tree.List(class) {
		for _, number := range s.tree.List(class, adapter, "ports") {
			p := port{adapter: adapter, number: number, dir: s.tree.Path(class, adapter, "ports", number)}
			p.ethernet = s.tree.Text(class, adapter, "ports", number, "link_layer") == "Ethernet"
			counted := s.tree.Exists(class, adapter, "ports", number, "counters") || s.tree.Exists(class, adapter, "ports", number, "hw_counters")
			if !counted || !fits(adapter) || !fits(number) {
				continue
			}
			if name := s.tree.Text(class, adapter, "ports", number, "gid_attrs/ndevs/0"); p.ethernet && name != "" && !strings.Contains(name, "/") {
				p.net = s.tree.Path("sys/class/net", name)
			}
			found = append(found, p)
		}
	}
	return found
}

// fabricFile is where a metric of a port is read, at one point of the metric:
// the first of its files that can be.
type fabricFile struct {
	metric               metric.Number
	point                uint32
	infiniband, ethernet []counterFile
}

// counterFile is one file, in the directory of the port or, if its name begins
// with "net/", in that of the interface.
type counterFile struct {
	name string
	unit int64 // raw units to one of the file
}

// RoCE has no symbols and no link integrity of its own; what its transport
// counts besides (packets out of sequence, acknowledgements that came too late)
// is lost or repeated on the way, not wrong on this port.
var fabricFiles = []fabricFile{
	{metric.FabricPortBytes, 0, // counted in words of four bytes
		[]counterFile{{"counters/port_rcv_data", 4}}, []counterFile{{"counters/port_rcv_data", 4}, {"hw_counters/rx_bytes", 1}}},
	{metric.FabricPortBytes, 1,
		[]counterFile{{"counters/port_xmit_data", 4}}, []counterFile{{"counters/port_xmit_data", 4}, {"hw_counters/tx_bytes", 1}}},
	{metric.FabricPortErrors, 0, []counterFile{{"counters/symbol_error", 1}}, nil},
	{metric.FabricPortErrors, 1,
		[]counterFile{{"counters/port_rcv_errors", 1}}, []counterFile{{"hw_counters/rx_icrc_encapsulated", 1}, {"counters/port_rcv_errors", 1}}},
	{metric.FabricPortErrors, 2, []counterFile{{"counters/port_xmit_discards", 1}}, []counterFile{{"counters/port_xmit_discards", 1}}},
	{metric.FabricPortErrors, 3, []counterFile{{"counters/local_link_integrity_errors", 1}}, nil},
	{metric.FabricPortLinkDowns, 0,
		[]counterFile{{"counters/link_downed", 1}}, []counterFile{{"net/carrier_down_count", 1}, {"counters/link_downed", 1}}},
}

// count reads a counter of port p.
func count(t *tree.Tree, p port, f fabricFile) metric.Raw {
	files := f.infiniband
	if p.ethernet {
		files = f.ethernet
	}
	for _, file := range files {
		path := p.dir + "/" + file.name
		if name, ok := strings.CutPrefix(file.name, "net/"); ok {
			if p.net == "" {
				continue
			}
			path = p.net + "/" + name
		}
		if v, err := t.Number(path); err == nil && v >= 0 && v <= 1<<62/file.unit {
			return metric.Raw(v * file.unit)
		}
	}
	return metric.Missing
}

// rate reads the signalling rate of port p: "400 Gb/sec (4X NDR)". A port whose
// link is down shows some rate too, which says nothing.
func rate(t *tree.Tree, p port) metric.Raw {
	var b [64]byte
	if n, err := t.ReadFile(p.dir+"/state", b[:]); err == nil && !strings.HasPrefix(string(b[:n]), "4:") {
		return metric.Missing
	}
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

// best is the highest rate that port p has had since the start, now included: an
// adapter does not say what it could.
func (s *Source) best(p port, now metric.Raw) metric.Raw {
	top, ok := s.rates[p.dir]
	if now != metric.Missing && (!ok || now > top) {
		s.rates[p.dir], top, ok = now, now, true
	}
	if !ok {
		return metric.Missing
	}
	return top
}
