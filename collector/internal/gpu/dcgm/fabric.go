//go:build cgo && linux

package dcgm

import (
	"fmt"
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A pulse tells whether the engine still reads something whose readings carry
// no time of their own.
type pulse struct {
	time int64     // of the newest value, by the engine's clock
	at   time.Time // when that was first seen, by ours
}

func (p *pulse) beats(newest int64, now time.Time, every time.Duration) bool {
	if newest != p.time {
		p.time, p.at = newest, now
	}
	return newest > 0 && now.Sub(p.at) <= staleness*every
}

// An nvswitch outlives sessions: what happened to it is counted.
type nvswitch struct {
	gpu.Switch
	id              uint
	fatal, nonFatal sticky
	pulse           pulse
}

// A sticky error stays after it happened, written anew now and then with
// another time, so that only another code shows that something happened.
type sticky struct {
	code int64
	seen bool // what was there to begin with
}

func (s *sticky) happened(p *value) bool {
	was := *s
	s.seen = true
	if code, ok := p.integer(); ok && code > 0 {
		s.code = code
	}
	return was.seen && s.code != was.code
}

// A socket is a processor of a superchip.
type socket struct {
	index         int
	module, grace metric.Raw
	pulse         pulse
}

func (s *socket) append(to []gpu.Socket) []gpu.Socket {
	if s.module != metric.Missing {
		to = append(to, gpu.Socket{Source: "module", Index: s.index, Power: s.module})
	}
	if s.grace != metric.Missing {
		to = append(to, gpu.Socket{Source: "grace", Index: s.index, Power: s.grace})
	}
	return to
}

// quiet makes all missing of switches and sockets.
func (d *Driver) quiet() {
	for _, n := range d.switches {
		n.Temperature = metric.Missing
	}
	for _, s := range d.sockets {
		s.module, s.grace = metric.Missing, metric.Missing
	}
}

// fabric reads switches and sockets. If that is refused, the GPUs are still
// read.
func (d *Driver) fabric(now time.Time) error {
	s := d.session
	d.quiet()
	err := s.read(s.switches, func(i int, v []value) {
		d.nvswitch(s.switchID[i]).take(v, now, s.switches.every)
	})
	if err == nil {
		err = s.read(s.sockets, func(i int, v []value) {
			d.socket(s.socketID[i]).take(v, now, s.sockets.every)
		})
	}
	if err != nil && !lost(err) {
		d.quiet()
		before := len(s.refused)
		s.refuse("NVSwitches and processors are not read: %v.", err)
		d.changed = d.changed || len(s.refused) > before
		err = nil
	}
	return err
}

func (d *Driver) nvswitch(id uint) *nvswitch {
	if i := slices.IndexFunc(d.switches, func(n *nvswitch) bool { return n.id == id }); i >= 0 {
		return d.switches[i]
	}
	n := &nvswitch{id: id}
	n.Name = fmt.Sprintf("nvswitch%d", id)
	d.switches = append(d.switches, n)
	return n
}

func (n *nvswitch) take(v []value, now time.Time, every time.Duration) {
	n.Temperature = metric.Missing
	for i := range v {
		p := &v[i]
		switch p.field {
		case fieldSwitchTemperature:
			if n.pulse.beats(p.time, now, every) {
				n.Temperature = celsius.raw(p)
			}
		case fieldFatal:
			if n.fatal.happened(p) {
				n.Fatal++
			}
		case fieldNonFatal:
			if n.nonFatal.happened(p) {
				n.NonFatal++
			}
		}
	}
}

func (d *Driver) socket(id uint) *socket {
	if i := slices.IndexFunc(d.sockets, func(s *socket) bool { return s.index == int(id) }); i >= 0 {
		return d.sockets[i]
	}
	s := &socket{index: int(id)}
	d.sockets = append(d.sockets, s)
	return s
}

// take reads a superchip's power: that of the whole module, GPUs included, and
// of its Grace socket, which is its cores and its I/O. Where the sensor cannot
// be read the engine may say 0.
func (s *socket) take(v []value, now time.Time, every time.Duration) {
	var newest int64
	module, cpu, io := metric.Missing, metric.Missing, metric.Missing
	for i := range v {
		p := &v[i]
		newest = max(newest, p.time)
		raw := watts.raw(p)
		if raw == 0 {
			raw = metric.Missing
		}
		switch p.field {
		case fieldModule:
			module = raw
		case fieldCPU:
			cpu = raw
		case fieldIO:
			io = raw
		}
	}
	s.module, s.grace = module, metric.Missing
	if cpu != metric.Missing && io != metric.Missing {
		s.grace = metric.Of(cpu.Float() + io.Float())
	}
	if !s.pulse.beats(newest, now, every) {
		s.module, s.grace = metric.Missing, metric.Missing
	}
}
