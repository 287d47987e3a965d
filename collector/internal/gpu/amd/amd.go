package amd

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/internal/tree"
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
	refused []string
}

var _ gpu.Driver = (*Driver)(nil)

// Open looks for boards. The error is fs.ErrNotExist if there is none.
func Open(c Config) (*Driver, error) {
	if c.Root == "" {
		c.Root = "/"
	}
	root, err := filepath.Abs(c.Root)
	if err != nil {
		return nil, fmt.Errorf("look for AMD accelerators: %w", err)
	}
	d := &Driver{tree: tree.Under(root), log: c.Logger}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	d.relist(time.Now())
	if len(d.cards) == 0 {
		why := ""
		if len(d.refused) > 0 {
			why = " (" + strings.Join(d.refused, "; ") + ")"
		}
		return nil, fmt.Errorf("look for AMD accelerators in %s%s: %w", d.tree.Path(classDir), why, fs.ErrNotExist)
	}
	return d, nil
}

// Name is the driver's name.
func (d *Driver) Name() string { return "amd" }

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
	topology := sync.OnceValue(d.topology)
	r.Boards = r.Boards[:0]
	for _, c := range d.cards {
		if err := ctx.Err(); err != nil {
			return err
		}
		d.read(c, slow, topology)
		r.Boards = append(r.Boards, c.board)
	}
	r.Events, r.Sockets, r.Switches = r.Events[:0], nil, nil
	r.Found, r.Refused = d.found, d.refused
	return nil
}

// read fills c's board.
func (d *Driver) read(c *card, slow bool, topology func() []node) {
	b := &c.board
	if b.Absent = c.gone || !d.tree.Exists(c.dir, "vendor"); b.Absent {
		d.changed = d.changed || !c.gone
		b.Clear()
		c.forget()
		return
	}
	if slow || c.fresh {
		d.readSlow(c, topology)
		c.fresh = false
	}
	b.Values = c.slow
	for _, f := range c.fast {
		b.Values[f.slot] = d.value(f)
	}
	if c.instant {
		b.Values[gpu.Power] = b.Values[gpu.PowerInstant]
	}
	if c.metrics != "" {
		d.readMetrics(c)
	}
}

// readSlow reads what moves rarely, which is repeated until it is read again.
func (d *Driver) readSlow(c *card, topology func() []node) {
	c.forget()
	for _, f := range c.rare {
		c.slow[f.slot] = d.value(f)
	}
	d.readLink(c)
	d.readErrors(c)
	d.readPages(c)
	c.slow[gpu.Partitions] = d.divide(c, topology)
}

// readMetrics takes the energy, and what no other file tells, from the
// firmware's own table.
func (d *Driver) readMetrics(c *card) {
	var buf [maxMetrics]byte
	n, err := d.tree.ReadFile(c.metrics, buf[:])
	if err != nil {
		return
	}
	s, err := decode(buf[:n])
	if err != nil {
		return
	}
	v := &c.board.Values
	if c.counts {
		v[gpu.Energy] = s.energy
	}
	if !c.metered {
		v[gpu.Power] = s.power
	}
}

// relist looks which boards there are.
func (d *Driver) relist(at time.Time) {
	d.listed, d.changed = at, false
	var no refusals
	found := d.take(&no)
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
	d.refused = no.sentences()
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
	return fmt.Sprintf("%s, files of the kernel: %s", d.version(), strings.Join(models, ", "))
}

// version is that of the kernel's module, or of the kernel that it came with.
func (d *Driver) version() string {
	if v := d.tree.Text("sys/module/amdgpu/version"); v != "" {
		return "amdgpu " + v
	}
	if v := d.tree.Text("proc/sys/kernel/osrelease"); v != "" {
		return "amdgpu of Linux " + v
	}
	return "amdgpu"
}
