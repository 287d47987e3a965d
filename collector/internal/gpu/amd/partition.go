package amd

import (
	"cmp"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// nodes is where the compute driver shows each partition as a node.
const nodes = "sys/class/kfd/kfd/topology/nodes"

// A node is a whole board or a partition of one.
type node struct {
	domain, address uint64 // of the board on the bus
	partition       uint64
	render          uint64 // minor number of its DRM file; 0: it has none
}

// divide reads what c is divided into. What cannot be read leaves what was known
// of it.
func (d *Driver) divide(c *card, topology func() []node) metric.Raw {
	b := &c.board
	list, ok := d.partitions(c, topology)
	if !ok {
		if !c.divided {
			b.Instances = []gpu.Instance{{Index: gpu.Unlisted}}
		}
		return metric.Missing
	}
	if c.divided = true; !slices.Equal(list, b.Instances) {
		b.Instances = list
	}
	return metric.Raw(len(list))
}

// partitions are the instances that c is divided into, none if it is whole. All
// are of one size. They are named as AMD's Kubernetes plugin does: the first by
// the board's bus address, the others by their platform devices.
func (d *Driver) partitions(c *card, topology func() []node) (list []gpu.Instance, ok bool) {
	n := 0
	switch d.tree.Text(c.dir, "current_compute_partition") {
	case "SPX", "":
		return nil, true
	case "DPX":
		n = 2
	case "TPX":
		n = 3
	case "QPX":
		n = 4
	case "CPX": // one for each die of compute units
	default:
		return nil, false
	}
	domain, address, _ := busNumber(c.board.PCI)
	here := slices.DeleteFunc(slices.Clone(topology()), func(x node) bool { return x.domain != domain || x.address != address })
	if n == 0 {
		n = len(here)
	}
	if n == 0 {
		return nil, false
	}
	list = make([]gpu.Instance, n)
	for i := range list {
		list[i] = gpu.Instance{Index: i, Parts: 1, Of: n}
	}
	list[0].UUID = c.board.PCI
	if len(here) == n { // or the mode is just being changed
		for i, x := range here[1:] {
			if name := d.tree.Target(classDir, "renderD"+strconv.FormatUint(x.render, 10), "device"); x.render > 0 && !isPCI(name) {
				list[i+1].UUID = name
			}
		}
	}
	return list, true
}

// topology reads the nodes of AMD's, those of a board in the order of its
// partitions.
func (d *Driver) topology() (all []node) {
	for _, name := range d.tree.List(nodes) {
		p := d.properties(nodes + "/" + name + "/properties")
		if p["vendor_id"] == 0x1002 {
			// The upper bits of location_id number the partition.
			all = append(all, node{p["domain"], p["location_id"] & 0xffff, p["location_id"] >> 28, p["drm_render_minor"]})
		}
	}
	slices.SortFunc(all, func(a, b node) int {
		return cmp.Or(cmp.Compare(a.partition, b.partition), cmp.Compare(a.render, b.render))
	})
	return all
}

// properties reads lines of a name and a number.
func (d *Driver) properties(path string) map[string]uint64 {
	var buf [4096]byte
	n, err := d.tree.ReadFile(d.tree.Path(filepath.FromSlash(path)), buf[:])
	if err != nil {
		return nil
	}
	p := map[string]uint64{}
	for line := range strings.Lines(string(buf[:n])) {
		name, number, _ := strings.Cut(strings.TrimSpace(line), " ")
		if v, err := strconv.ParseUint(number, 10, 64); err == nil {
			p[name] = v
		}
	}
	return p
}
