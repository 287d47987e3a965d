package gaudi

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/internal/tree"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// Config says where the kernel's files are.
type Config struct {
	Root   string       // where proc and sys are; default "/"
	Logger *slog.Logger // default: none
}

// Cadence.
const (
	relistEvery = time.Minute
	relistSoon  = 5 * time.Second // after a file was gone that had been there
	slowEvery   = 30 * time.Second
)

// operational is the status of a card that answers.
const operational = "Operational"

// A Driver reads the boards under one root. Its methods must not be called
// twice at once.
type Driver struct {
	tree tree.Tree
	log  *slog.Logger

	cards   []*card // by index; those that are gone stay
	listed  time.Time
	changed bool // a file was gone: look again soon
	slowAt  time.Time
	found   string
	refused []string // what the boards lack for good
}

var _ gpu.Driver = (*Driver)(nil)

// Open looks for boards. The error is fs.ErrNotExist if there is none.
func Open(c Config) (*Driver, error) {
	if c.Root == "" {
		c.Root = "/"
	}
	root, err := filepath.Abs(c.Root)
	if err != nil {
		return nil, fmt.Errorf("look for Gaudi accelerators: %w", err)
	}
	d := &Driver{tree: tree.Under(root), log: c.Logger}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	d.relist(time.Now())
	if len(d.cards) == 0 {
		return nil, fmt.Errorf("look for Gaudi accelerators in %s and %s: %w", d.tree.Path(legacyDir), d.tree.Path(accelDir), fs.ErrNotExist)
	}
	return d, nil
}

// Name is the driver's name.
func (d *Driver) Name() string { return "gaudi" }

// Close does nothing: no file is kept open.
func (d *Driver) Close() error { return nil }

// Read reads all boards.
func (d *Driver) Read(ctx context.Context, _ time.Time, r *gpu.Reading) error {
	at := time.Now()
	if since := at.Sub(d.listed); since >= relistEvery || d.changed && since >= relistSoon {
		d.relist(at)
	}
	slow := d.slowAt.IsZero() || at.Sub(d.slowAt) >= slowEvery
	if slow {
		d.slowAt = at
	}
	r.Boards, r.Refused = r.Boards[:0], d.refused
	for _, c := range d.cards {
		if err := ctx.Err(); err != nil {
			return err
		}
		d.read(c, slow)
		r.Boards = append(r.Boards, c.board)
		if !c.board.Absent && c.status != operational {
			r.Refused = append(slices.Clip(r.Refused), fmt.Sprintf("%s: its status is %q; after a malfunction it wants a reset", c.board.PCI, c.status))
		}
	}
	r.Events, r.Sockets, r.Switches = r.Events[:0], nil, nil
	r.Found = d.found
	return nil
}

// read fills c's board.
func (d *Driver) read(c *card, slow bool) {
	b := &c.board
	b.Clear()
	if b.Absent = c.gone || !d.tree.Exists(c.dir, "device_type"); b.Absent {
		d.changed = d.changed || !c.gone
		c.fresh = true
		return
	}
	if status := d.tree.Text(c.dir, "status"); status != c.status {
		if c.status != "" {
			d.log.Warn("gpu changed its status", "gpu", b.UUID, "pci", b.PCI, "status", status, "before", c.status)
		}
		c.status = status
	}
	if c.status != operational {
		c.fresh = true
		return
	}
	if slow || c.fresh {
		d.readSlow(c)
		c.fresh = false
	}
	b.Values = c.slow
	for _, f := range c.fast {
		b.Values[f.slot] = d.value(f)
	}
	b.Values[gpu.Power] = b.Values[gpu.PowerInstant]
}

// readSlow reads what moves rarely, which is repeated until it is read again.
func (d *Driver) readSlow(c *card) {
	for i := range c.slow {
		c.slow[i] = metric.Missing
	}
	for _, f := range c.rare {
		c.slow[f.slot] = d.value(f)
	}
	c.slow[gpu.PCIeGeneration] = generation(d.tree.Text(c.pci, "current_link_speed"))
	c.slow[gpu.PCIeGenerationMax] = generation(d.tree.Text(c.pci, "max_link_speed"))
	c.slow[gpu.Partitions] = 0
}

// relist looks which boards there are.
func (d *Driver) relist(at time.Time) {
	d.listed, d.changed = at, false
	d.refused = nil
	found := d.take()
	for _, c := range d.cards {
		i := slices.IndexFunc(found, func(f *card) bool { return f.board.UUID == c.board.UUID })
		if i < 0 {
			if !c.gone {
				d.log.Warn("gpu is gone", "gpu", c.board.UUID, "pci", c.board.PCI)
			}
			c.gone = true
			continue
		}
		if c.gone {
			d.log.Info("gpu is back", "gpu", c.board.UUID, "pci", c.board.PCI)
		}
		c.take(found[i])
		found = slices.Delete(found, i, i+1)
	}
	for _, c := range found {
		c.board.Index = len(d.cards)
		d.cards = append(d.cards, c)
	}
	said := d.describe()
	if said != d.found && (d.found != "" || len(d.cards) > 0) {
		d.log.Info("looked for gpus", "driver", d.Name(), "found", said)
	}
	d.found = said
}

// describe says what there is to read.
func (d *Driver) describe() string {
	var models []string
	count := map[string]int{}
	for _, c := range d.cards {
		if count[c.board.Model]++; count[c.board.Model] == 1 {
			models = append(models, c.board.Model)
		}
	}
	for i, m := range models {
		models[i] = fmt.Sprintf("%d %s", count[m], m)
	}
	return fmt.Sprintf("%s, files of the kernel: %s; no energy counters, power is integrated", d.version(), strings.Join(models, ", "))
}

// version is that of the kernel's module, or of the kernel that it came with.
func (d *Driver) version() string {
	if v := d.tree.Text("sys/module/habanalabs/version"); v != "" {
		return "habanalabs " + v
	}
	if v := d.tree.Text("proc/sys/kernel/osrelease"); v != "" {
		return "habanalabs of Linux " + v
	}
	return "habanalabs"
}
