//go:build cgo && linux

package dcgm

import (
	"fmt"
	"slices"
	"strings"
	"time"

	dcgmlib "github.com/NVIDIA/go-dcgm/pkg/dcgm"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A board is a GPU that was once seen. It outlives sessions, and keeps its
// identity while it is lost.
type board struct {
	gpu.Board
	blank   bool // the last reading had no value at all
	divided bool // whether and into what was known once
	xids    history
}

// recognize finds the session's devices among the boards known, by their UUIDs.
func (d *Driver) recognize() {
	s := d.session
	d.byDevice = make([]*board, len(s.devices))
	for i := range s.devices {
		v := &s.devices[i]
		if v.identity.UUID == "" {
			continue
		}
		at := slices.IndexFunc(d.boards, func(b *board) bool { return b.UUID == v.identity.UUID })
		if at < 0 {
			b := &board{Board: v.identity, xids: history{newest: d.since}}
			b.Index = d.free(v)
			b.Clear()
			at = len(d.boards)
			d.boards = append(d.boards, b)
		}
		b := d.boards[at]
		d.byDevice[i] = b
		for _, f := range []struct{ to, now *string }{
			{&b.Model, &v.identity.Model}, {&b.PCI, &v.identity.PCI}, {&b.Serial, &v.identity.Serial}, {&b.Driver, &v.identity.Driver},
		} {
			if *f.now != "" {
				*f.to = *f.now
			}
		}
		b.Absent = absent(v.status)
		if !v.hidden() {
			b.Instances, b.divided = instances(v, s.names), true
		} else if !b.divided {
			b.Instances = []gpu.Instance{{Index: gpu.Unlisted}}
		}
	}
	for _, b := range d.boards {
		if !slices.Contains(d.byDevice, b) {
			b.Absent = true
			b.vanish()
		}
	}
	slices.SortFunc(d.boards, func(a, b *board) int { return a.Index - b.Index })
	d.changed = true
}

// free is the index of a new board: the driver's own, unless a board that was
// seen before has it.
func (d *Driver) free(v *device) int {
	n := v.index
	if n < 0 {
		n = int(v.id)
	}
	for slices.ContainsFunc(d.boards, func(b *board) bool { return b.Index == n }) {
		n++
	}
	return n
}

// instances are the MIG devices that v is divided into: compute instances, of
// which a GPU instance mostly has one.
func instances(v *device, names map[uint]string) []gpu.Instance {
	var of []gpu.Instance
	for _, in := range v.instances {
		if in.kind != dcgmlib.FE_GPU_CI {
			continue
		}
		i := gpu.Instance{UUID: names[in.id], Index: in.gi, Compute: in.ci}
		if in.compute > 0 && in.compute <= v.slices {
			i.Parts, i.Of = in.compute, v.slices
		}
		of = append(of, i)
	}
	return of
}

func absent(s dcgmlib.EntityStatus) bool {
	return s == dcgmlib.EntityStatusLost || s == dcgmlib.EntityStatusDetached
}

// vanish makes all missing of a board that nothing is known of.
func (b *board) vanish() {
	b.Clear()
	b.blank, b.Time, b.EnergyTime = true, 0, 0
}

// relist looks what there is, and whether the engine is to read something else.
func (d *Driver) relist(now time.Time) error {
	s := d.session
	before, switchID, socketID := s.devices, s.switchID, s.socketID
	err := s.list()
	same := err == nil && s.same(before, switchID, socketID)
	if same {
		guessed := s.guessed
		if err = s.identify(); err == nil {
			err = s.name()
		}
		same = !guessed || s.nameless()
	}
	if err == nil && (!same || len(s.fast.fields) == 0) {
		err = s.arrange()
		d.slowed = time.Time{}
	}
	if err != nil {
		return err
	}
	d.listed = now
	d.recognize()
	return nil
}

// check asks which GPUs are lost. A lost one is blank, as fresh as any other.
func (d *Driver) check(now time.Time) {
	s, again := d.session, false
	d.checked = now
	for i := range s.devices {
		v := &s.devices[i]
		status := dcgmlib.GetGPUStatus(v.id)
		if status == dcgmlib.EntityStatusUnknown || status == v.status {
			continue
		}
		if b := d.byDevice[i]; b != nil {
			b.Absent = absent(status)
			d.log.Warn("GPU changed its state", "uuid", b.UUID, "pci", b.PCI, "state", strings.ToLower(status.String()))
		}
		d.changed = true
		if again = true; !readable(status) {
			v.status = status // a return is relist's to find
		}
	}
	if again {
		d.listed = time.Time{}
	}
}

// values reads what there is of the GPUs.
func (d *Driver) values(now time.Time) error {
	s, turned := d.session, false
	err := s.read(s.fast, func(i int, v []value) {
		if b := d.byDevice[i]; b != nil {
			was := b.blank
			b.fast(s.fast, v)
			if b.blank {
				b.vanishSlow()
			} else {
				b.partitions(&s.devices[i])
			}
			turned = turned || was != b.blank
		}
	})
	if err != nil {
		return err
	}
	if turned || due(now, d.checked, statusEvery) {
		d.check(now)
	}
	for _, w := range []struct {
		*watch
		due bool
	}{
		{s.slow, turned || due(now, d.slowed, collectSlow)},
		{s.profiling, true},
	} {
		if !w.due {
			continue
		}
		err := s.read(w.watch, func(i int, v []value) {
			if b := d.byDevice[i]; b != nil && !b.blank {
				b.take(w.watch, v, b.Time)
			}
		})
		if err != nil {
			return err
		}
		if w.watch == s.slow {
			d.slowed = now
		}
	}
	return nil
}

// fast takes a board's fast values. Its time is that of the newest of them,
// also of one that is blank.
func (b *board) fast(w *watch, v []value) {
	b.Time, b.EnergyTime = 0, 0
	for i := range v {
		b.Time = max(b.Time, v[i].time)
		if w.fields[i].id == fieldEnergy {
			b.EnergyTime = v[i].time
		}
	}
	b.blank = !b.take(w, v, b.Time)
	// The engine does not look whether the driver gave these, and so they may
	// be 0 where there are none.
	if b.Values[gpu.PowerInstant] == 0 && b.Values[gpu.Power] != 0 {
		b.Values[gpu.PowerInstant] = metric.Missing
	}
	if b.Values[gpu.MemoryTemperature] == 0 && b.Values[gpu.Temperature] != 0 {
		b.Values[gpu.MemoryTemperature] = metric.Missing
	}
}

// take puts values into their slots and says whether there was any. One that
// stopped while the board went on is missing.
func (b *board) take(w *watch, v []value, newest int64) (any bool) {
	oldest := newest - (staleness * w.every).Microseconds()
	for i := range v {
		p, f := &v[i], &w.fields[i]
		raw := metric.Missing
		if p.time > 0 && p.time >= oldest {
			raw = f.kind.raw(p)
		}
		any = any || raw != metric.Missing
		to := &b.Values[f.slot]
		switch {
		case !f.add || raw == metric.Missing:
			*to = raw
		case *to != metric.Missing: // a sum of all or none
			*to += raw
		}
	}
	return any
}

// vanishSlow makes missing what is not read at each tick.
func (b *board) vanishSlow() {
	for _, w := range [...][]field{slow, profiling} {
		for i := range w {
			b.Values[w[i].slot] = metric.Missing
		}
	}
	b.Values[gpu.Partitions] = metric.Missing
}

// partitions counts instances. Power and energy are of the whole GPU: asked
// for an instance, DCGM gives the whole again.
func (b *board) partitions(v *device) {
	b.Values[gpu.Partitions] = metric.Missing
	if !v.hidden() {
		b.Values[gpu.Partitions] = metric.Raw(len(b.Instances))
	}
}

// fill writes what is known into r.
func (d *Driver) fill(r *gpu.Reading) {
	r.Boards = r.Boards[:0]
	for _, b := range d.boards {
		r.Boards = append(r.Boards, b.Board)
	}
	r.Sockets = r.Sockets[:0]
	for i := range d.sockets {
		r.Sockets = d.sockets[i].append(r.Sockets)
	}
	r.Switches = r.Switches[:0]
	for _, n := range d.switches {
		r.Switches = append(r.Switches, n.Switch)
	}
	if d.changed && d.session != nil {
		d.describe()
		d.changed = false
	}
	r.Found, r.Refused = d.found, d.said
}

// describe says what is used and what is not to be had.
func (d *Driver) describe() {
	s := d.session
	engine := "host engine " + s.at.String()
	if s.at == embedded {
		engine = s.at.String()
	}
	d.found = fmt.Sprintf("DCGM %s %s: %s", s.version, engine, counted(len(s.devices), "GPU"))
	if n := len(s.switchID); n > 0 {
		d.found += ", " + counted(n, "NVSwitch")
	}
	if n := len(s.socketID); n > 0 {
		d.found += ", " + counted(n, "processor")
	}
	d.said = slices.Clone(d.tried)
	for i := range s.devices {
		if d.byDevice[i] == nil {
			d.said = append(d.said, fmt.Sprintf("GPU %d of the engine is %s and was never identified.", s.devices[i].id, strings.ToLower(s.devices[i].status.String())))
		}
	}
	if s.unread > 0 {
		d.said = append(d.said, fmt.Sprintf("%s not read: DCGM does not support them, or may not touch them.", counted(s.unread, "GPU")))
	}
	d.said = append(d.said, s.refused...)
	if now := strings.Join(d.said, " "); now != d.refused {
		d.refused = now
		d.log.Info("looked at DCGM engine", "found", d.found, "refused", d.said)
	}
}

func counted(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "h"):
		return fmt.Sprintf("%d %ses", n, what)
	}
	return fmt.Sprintf("%d %ss", n, what)
}
