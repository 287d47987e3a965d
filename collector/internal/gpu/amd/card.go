package amd

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/metric"
)

const (
	classDir = "sys/class/drm"
	vendor   = "0x1002"
)

// models are the names of accelerators by PCI device, for those that do not say
// it themselves.
var models = map[string]string{
	"0x7388": "AMD Instinct MI100", "0x738c": "AMD Instinct MI100", "0x738e": "AMD Instinct MI100", "0x7390": "AMD Instinct MI100",
	"0x7408": "AMD Instinct MI250X", "0x740c": "AMD Instinct MI250", "0x740f": "AMD Instinct MI210",
	"0x74a0": "AMD Instinct MI300A", "0x74a1": "AMD Instinct MI300X", "0x74a2": "AMD Instinct MI308X",
	"0x74a5": "AMD Instinct MI325X", "0x74a9": "AMD Instinct MI300X",
	"0x75a0": "AMD Instinct MI350X", "0x75a3": "AMD Instinct MI355X",
}

// A card is a board and where its files are.
type card struct {
	board  gpu.Board
	device string // PCI device, 0x74a1
	dir    string // its files, from the root
	gone   bool
	fresh  bool // nothing slow was read since it was found

	divided bool // whether and into what was read once

	fast, rare []file
	metrics    string // path of gpu_metrics; "" if it is of no use
	counts     bool   // its energy can be believed
	metered    bool   // a file says the power
	instant    bool   // that of the moment only
	shared     bool   // the power is on another die's meter
	errors     []string

	slow [gpu.Slots]metric.Raw
}

// forget makes what was read slowly missing.
func (c *card) forget() {
	for i := range c.slow {
		c.slow[i] = metric.Missing
	}
}

// take makes c what was found of it now. Its index stays.
func (c *card) take(f *card) {
	f.board.Index, f.slow, f.fresh = c.board.Index, c.slow, c.fresh || c.gone
	f.board.Instances, f.divided = c.board.Instances, c.divided
	*c = *f
}

// take finds the boards, in the order of their bus addresses.
func (d *Driver) take(no *refusals) []*card {
	var found []*card
	for _, name := range d.tree.List(classDir) {
		if number, ok := strings.CutPrefix(name, "card"); !ok || !digits(number) {
			continue // an output of a card
		}
		dir := classDir + "/" + name + "/device"
		pci := d.tree.Target(dir)
		if !isPCI(pci) || d.tree.Text(dir, "vendor") != vendor {
			continue // a partition, or not of this vendor
		}
		if class := d.tree.Text(dir, "class"); !strings.HasPrefix(class, "0x0380") && !strings.HasPrefix(class, "0x12") {
			no.add(pci, "a display adapter (class %s), not an accelerator", class)
			continue
		}
		if slices.ContainsFunc(found, func(c *card) bool { return c.board.PCI == pci }) {
			continue
		}
		found = append(found, &card{board: gpu.Board{PCI: pci}, dir: dir, fresh: true})
	}
	slices.SortFunc(found, func(a, b *card) int { return cmp.Compare(a.board.PCI, b.board.PCI) })
	taken := map[string]bool{}
	for _, c := range found {
		d.identify(c, no)
		if taken[c.board.UUID] {
			no.add(c.board.PCI, "it says that it is %s as another does: its bus address tells them apart", c.board.UUID)
			c.board.UUID += "-" + c.board.PCI
		}
		taken[c.board.UUID] = true
		c.forget()
		d.sensors(c, no)
		d.counter(c, no)
		c.errors = d.errorFiles(c)
	}
	return found
}

// identify reads who c is.
func (d *Driver) identify(c *card, no *refusals) {
	b := &c.board
	c.device = d.tree.Text(c.dir, "device")
	b.Serial = d.tree.Text(c.dir, "serial_number")
	b.Driver = d.version()
	b.Model = d.tree.Text(c.dir, "product_name")
	if b.Model == "" {
		b.Model = models[c.device]
	}
	if b.Model == "" {
		b.Model = "AMD " + c.device
	}
	switch id := d.tree.Text(c.dir, "unique_id"); {
	case strings.Trim(id, "0") != "":
		b.UUID = "AMD-" + id
	case b.Serial != "":
		b.UUID = "AMD-" + b.Serial
	default:
		b.UUID = "AMD-" + b.PCI
		no.add(b.PCI, "neither unique_id nor serial_number: known by its bus address, and another board there would pass for it")
	}
}

// counter finds out whether c's energy accumulator can be believed.
func (d *Driver) counter(c *card, no *refusals) {
	if c.shared {
		return
	}
	var buf [maxMetrics]byte
	path := d.tree.Path(c.dir, "gpu_metrics")
	n, err := d.tree.ReadFile(path, buf[:])
	if err != nil {
		no.add(c.board.PCI, "no energy counter, power is integrated: gpu_metrics cannot be read (%v)", cause(err))
		if !absent(err) {
			c.metrics, c.counts = path, true // it may be another time
		}
		return
	}
	s, err := decode(buf[:n])
	if err != nil {
		no.add(c.board.PCI, "no energy counter, power is integrated: %v", err)
		if err != errMetrics {
			return
		}
	}
	c.metrics, c.counts = path, true
	var why string
	switch old := n > 3 && buf[3] <= 3; {
	case strings.HasPrefix(c.device, "0x738") || c.device == "0x7390":
		why = "its accumulator has 32 bits and begins anew every 65 kJ"
	case strings.HasPrefix(c.device, "0x74") && old && c.device >= "0x74a0":
		why = "the unit of its accumulator in gpu_metrics 1.3 differs by kernel; Linux 6.7 or newer says it in 1.4"
	case err == nil && s.energy == metric.Missing:
		no.add(c.board.PCI, "no energy counter, power is integrated: the firmware says it has none")
		return
	}
	if why != "" {
		c.counts = false
		no.add(c.board.PCI, "no energy counter, power is integrated: %s", why)
	}
}

// isPCI reports whether s is a bus address like 0000:c1:00.0.
func isPCI(s string) bool {
	_, _, ok := busNumber(s)
	return ok
}

// busNumber is a bus address as the kernel counts it: the domain, and bus,
// device and function in 8, 5 and 3 bits.
func busNumber(s string) (domain, address uint64, ok bool) {
	parts := strings.FieldsFunc(s, func(r rune) bool { return r == ':' || r == '.' })
	if len(parts) != 4 || len(s) != len("0000:c1:00.0") && len(s) != len("10000:c1:00.0") {
		return 0, 0, false
	}
	var n [4]uint64
	for i, p := range parts {
		v, err := strconv.ParseUint(p, 16, 32)
		if err != nil {
			return 0, 0, false
		}
		n[i] = v
	}
	return n[0], n[1]&0xff<<8 | n[2]&0x1f<<3 | n[3]&7, true
}

func digits(s string) bool {
	_, err := strconv.ParseUint(s, 10, 32)
	return err == nil
}
