//go:build cgo

package nvml

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/dl"
	nvidia "github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/gigawatch/gigawatch/collector/internal/gpu"
)

// Cadence.
const (
	relistEvery = time.Minute
	slowEvery   = 30 * time.Second
)

// A Driver reads the boards of this host. Its methods must not be called twice
// at once.
type Driver struct {
	api  nvidia.Interface
	log  *slog.Logger
	have [calls]bool
	xids *watch // nil if the driver reports none

	boards  []*board // by index; those that are gone stay
	listed  time.Time
	slowAt  time.Time
	version string   // of the driver
	library string   // version of the library
	found   string   // one line
	lacks   []string // for good, with this driver
	refused []string // by the boards, when they were listed last
	denied  map[string][]string
}

var _ gpu.Driver = (*Driver)(nil)

// Open loads the library and lists the boards. The error is fs.ErrNotExist if
// there is no such library.
func Open(c Config) (*Driver, error) {
	if c.Library == "" {
		c.Library = defaultLibrary
	}
	// The binding would end the process if these were missing.
	library := dl.New(c.Library, dl.RTLD_LAZY|dl.RTLD_GLOBAL)
	if err := library.Open(); err != nil {
		return nil, fmt.Errorf("open NVML: %w: %w", err, fs.ErrNotExist)
	}
	defer library.Close()
	if err := errors.Join(library.Lookup("nvmlInit_v2"), library.Lookup("nvmlShutdown")); err != nil {
		return nil, fmt.Errorf("open NVML: %s: %w", c.Library, err)
	}
	return open(c, nvidia.New(nvidia.WithLibraryPath(c.Library)))
}

// open begins to read what api gives.
func open(c Config, api nvidia.Interface) (*Driver, error) {
	d := &Driver{api: api, log: c.Logger}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	if ret := api.Init(); ret != nvidia.SUCCESS {
		return nil, fmt.Errorf("open NVML: %s", words(ret))
	}
	var err error
	if d.have, d.lacks, err = lookUp(api); err != nil {
		api.Shutdown()
		return nil, fmt.Errorf("open NVML: %w", err)
	}
	if d.have[callLibraryVersion] {
		if v, ret := api.SystemGetNVMLVersion(); ret == nvidia.SUCCESS {
			d.library = v
		}
	}
	if d.xids, err = watchXIDs(d); err != nil {
		d.lacks = append(d.lacks, err.Error())
	}
	if err := d.relist(time.Now()); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// Name is the driver's name.
func (d *Driver) Name() string { return "nvml" }

// Close ends the wait for XIDs and lets go of the library.
func (d *Driver) Close() error {
	if d.xids != nil {
		d.xids.close()
		d.xids = nil
	}
	if ret := d.api.Shutdown(); ret != nvidia.SUCCESS {
		return fmt.Errorf("close NVML: %s", words(ret))
	}
	return nil
}

// Read reads all boards.
func (d *Driver) Read(ctx context.Context, _ time.Time, r *gpu.Reading) error {
	at := time.Now()
	if at.Sub(d.listed) >= relistEvery {
		if err := d.relist(at); err != nil {
			return err
		}
	}
	slow := d.slowAt.IsZero() || at.Sub(d.slowAt) >= slowEvery
	if slow {
		d.slowAt = at
	}
	r.Boards, r.Sockets = r.Boards[:0], r.Sockets[:0]
	for _, b := range d.boards {
		if err := ctx.Err(); err != nil {
			return err
		}
		d.read(b, slow)
		r.Boards = append(r.Boards, b.Board)
		if b.module {
			r.Sockets = append(r.Sockets, gpu.Socket{Source: "module", Index: b.Index, Power: d.readModule(b)})
		}
	}
	r.Events, r.Switches = r.Events[:0], nil
	r.Found, r.Refused = d.found, slices.Concat(d.lacks, d.refused, d.denials())
	if d.xids != nil {
		r.Events = d.xids.take(r.Events)
		if n := d.xids.dropped.Load(); n > 0 {
			r.Refused = append(r.Refused, fmt.Sprintf("%d XIDs were lost: more came between two readings than are kept", n))
		}
	}
	return nil
}

// relist asks the library which boards there are.
func (d *Driver) relist(at time.Time) error {
	n, ret := d.api.DeviceGetCount()
	if ret != nvidia.SUCCESS {
		return fmt.Errorf("count boards by NVML: %s", words(ret))
	}
	d.listed, d.refused, d.denied = at, nil, nil
	if d.have[callDriverVersion] {
		if v, ret := d.api.SystemGetDriverVersion(); ret == nvidia.SUCCESS {
			d.version = v
		}
	}
	seen := map[*board]bool{}
	for i := range n {
		device, ret := d.api.DeviceGetHandleByIndex(i)
		if ret != nvidia.SUCCESS {
			d.mute(i, nil, ret, seen)
			continue
		}
		uuid, ret := device.GetUUID()
		if ret != nvidia.SUCCESS {
			d.mute(i, device, ret, seen)
			continue
		}
		b := d.known(func(b *board) bool { return b.UUID == uuid })
		if b == nil {
			b = &board{Board: gpu.Board{UUID: uuid}}
			d.boards = append(d.boards, b)
		}
		seen[b] = true
		d.meet(b, i, device)
	}
	for _, b := range d.boards {
		if !seen[b] {
			b.device = nil
		}
	}
	slices.SortStableFunc(d.boards, func(a, b *board) int { return cmp.Compare(a.Index, b.Index) })
	if d.xids != nil {
		d.xids.know(d.boards)
	}
	if said := d.describe(n); said != d.found {
		d.log.Info("looked for gpus", "driver", d.Name(), "found", said)
		d.found = said
	}
	return nil
}

// known is the board that is says, nil if there is none.
func (d *Driver) known(is func(*board) bool) *board {
	if i := slices.IndexFunc(d.boards, is); i >= 0 {
		return d.boards[i]
	}
	return nil
}

// mute deals with a board that does not say who it is: the one that had its
// index, if there was one.
func (d *Driver) mute(index int, device nvidia.Device, ret nvidia.Return, seen map[*board]bool) {
	b := d.known(func(b *board) bool { return b.Index == index })
	if b == nil {
		d.refused = append(d.refused, fmt.Sprintf("board %d cannot say who it is: %s", index, words(ret)))
		return
	}
	if ret == nvidia.ERROR_GPU_IS_LOST {
		return
	}
	seen[b] = true
	if device != nil {
		b.device = device
	}
	d.refused = append(d.refused, fmt.Sprintf("%s does not answer: %s", b.PCI, words(ret)))
}

// describe says what there is to read.
func (d *Driver) describe(n int) string {
	var models []string
	count := map[string]int{}
	for _, b := range d.boards {
		if count[b.Model]++; count[b.Model] == 1 {
			models = append(models, b.Model)
		}
	}
	for i, m := range models {
		models[i] = fmt.Sprintf("%d %s", count[m], m)
	}
	said := fmt.Sprintf("NVML %s, driver %s: %s", d.library, d.version, strings.Join(models, ", "))
	if n == 0 && len(models) == 0 {
		said += "no board"
	}
	return said
}

// deny notes that a board keeps what from this user.
func (d *Driver) deny(b *board, what string) {
	if d.denied == nil {
		d.denied = map[string][]string{}
	}
	if !slices.Contains(d.denied[what], b.PCI) {
		d.denied[what] = append(d.denied[what], b.PCI)
	}
}

// denials are sentences, in an order that stays.
func (d *Driver) denials() []string {
	var said []string
	for what, boards := range d.denied {
		said = append(said, fmt.Sprintf("permission denied on %s of %s: run as root", what, strings.Join(boards, ", ")))
	}
	slices.Sort(said)
	return said
}
