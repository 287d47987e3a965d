package gaudi

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// Where the driver shows its cards, before and since it is one of the kernel's
// compute accelerators.
const (
	legacyDir = "sys/class/habanalabs"
	accelDir  = "sys/class/accel"
)

// models are the names of device types.
var models = map[string]string{
	"GOYA": "Habana Goya", "GAUDI": "Intel Gaudi", "GAUDI SEC": "Intel Gaudi",
	"GAUDI2": "Intel Gaudi 2", "GAUDI2B": "Intel Gaudi 2B", "GAUDI2C": "Intel Gaudi 2C", "GAUDI2D": "Intel Gaudi 2D",
	"GAUDI3": "Intel Gaudi 3",
}

// A card is a board and where its files are.
type card struct {
	board  gpu.Board
	number uint64 // the N of its directory
	dir    string // its own files, from the root
	pci    string // those of its bus, likewise
	gone   bool
	fresh  bool // nothing slow was read since it was found or did not answer
	status string

	fast, rare []file
	slow       [gpu.Slots]metric.Raw
}

// take makes c what was found of it now. Its index stays.
func (c *card) take(f *card) {
	f.board.Index, f.slow, f.status, f.fresh = c.board.Index, c.slow, c.status, c.fresh || c.gone
	*c = *f
}

// take finds the boards, in the order of their numbers.
func (d *Driver) take() []*card {
	var found []*card
	for _, place := range []struct{ class, prefix, below string }{{legacyDir, "hl", ""}, {accelDir, "accel", "/device"}} {
		for _, name := range d.tree.List(place.class) {
			rest, ok := strings.CutPrefix(name, place.prefix)
			n, err := strconv.ParseUint(rest, 10, 32)
			if !ok || err != nil {
				continue // hl_controlD0
			}
			c := &card{number: n, dir: place.class + "/" + name + place.below, fresh: true}
			kind := d.tree.Text(c.dir, "device_type")
			if kind == "" {
				continue // an accelerator of another driver
			}
			d.identify(c, kind)
			if slices.ContainsFunc(found, func(o *card) bool { return o.board.PCI == c.board.PCI }) {
				continue
			}
			if slices.ContainsFunc(found, func(o *card) bool { return o.board.UUID == c.board.UUID }) {
				d.refuse(c, "it says that it is %s as another does: its bus address tells them apart", c.board.UUID)
				c.board.UUID += "-" + c.board.PCI
			}
			d.sensors(c)
			found = append(found, c)
		}
	}
	slices.SortStableFunc(found, func(a, b *card) int { return cmp.Compare(a.number, b.number) })
	return found
}

// refuse says what c lacks.
func (d *Driver) refuse(c *card, format string, args ...any) {
	d.refused = append(d.refused, c.board.PCI+": "+fmt.Sprintf(format, args...))
}

// identify reads who c is.
func (d *Driver) identify(c *card, kind string) {
	b := &c.board
	b.Driver = d.version()
	b.Model = models[kind]
	if b.Model == "" {
		b.Model = "Intel " + kind
	}
	b.PCI = d.tree.Text(c.dir, "pci_addr")
	if b.PCI == "" {
		b.PCI = d.tree.Target(c.dir)
	}
	c.pci = "sys/bus/pci/devices/" + b.PCI
	b.UUID = d.tree.Text(c.dir, "fuse_ver")
	if b.UUID == "" {
		b.UUID = "GAUDI-" + b.PCI
		d.refuse(c, "no fuse_ver: known by its bus address, and another board there would pass for it")
	}
}
