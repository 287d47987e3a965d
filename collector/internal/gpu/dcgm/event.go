//go:build cgo && linux

package dcgm

import (
	"maps"
	"time"

	dcgmlib "github.com/NVIDIA/go-dcgm/pkg/dcgm"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
)

// maxEvents is how many XIDs are taken in one reading; the engine keeps the
// others for the next.
const maxEvents = 1024

// overlap is how far before the newest XID known is looked again: on several
// instances they need not come in order.
const overlap = 2 * time.Second

// A sample is the newest XID of a GPU or instance, and when it was written. A
// code of 0 is a blank: the engine writes such over the XID that a GPU was lost
// with.
type sample struct {
	code uint32
	time int64
}

// A history is which of a board's XIDs were told already.
type history struct {
	newest int64 // µs; XIDs up to overlap before it are known
	told   map[xid]struct{}
	more   bool // the engine may have some that were not taken
	swept  time.Time
}

// An xid is one of a board's, by the instance it happened on.
type xid struct {
	subject
	sample
}

// xids reports XIDs, each once. The newest of each GPU and instance only tells
// where to look: it stays for ever, and of two in one second it shows one.
func (d *Driver) xids(now time.Time, r *gpu.Reading) error {
	s := d.session
	err := s.read(s.events, func(i int, v []value) {
		p := &v[0]
		b := d.byDevice[s.subject[i].device]
		if b == nil || p.time <= 0 || p.status != dcgmlib.DCGM_ST_OK {
			return
		}
		was := s.last[i]
		is := sample{p.code(), p.time}
		s.last[i] = is
		switch {
		case is.code != 0:
			b.xids.more = b.xids.more || is != was
		case was.code != 0 || was.time == 0 || due(now, b.xids.swept, sweepEvery):
			b.xids.more, b.xids.swept = true, now
		}
	})
	if err != nil {
		return err
	}
	for i, b := range d.byDevice {
		if b != nil && b.xids.more {
			if err := d.ask(i, b, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// code is a value's XID; 0 if it is none.
func (v *value) code() uint32 {
	if n, ok := v.integer(); ok && n > 0 && n < 1<<16 {
		return uint32(n)
	}
	return 0
}

// number is the XID of a value that go-dcgm read.
func number(p *dcgmlib.FieldValue_v2) uint32 {
	v := value{typ: uint16(p.FieldType), status: int32(p.Status), bytes: p.Value}
	return v.code()
}

// ask takes a board's XIDs that the engine has kept since those known.
func (d *Driver) ask(device int, b *board, r *gpu.Reading) error {
	s, h := d.session, &b.xids
	h.more = false
	values, err := s.since(device, time.UnixMicro(h.newest).Add(-overlap))
	if err != nil {
		if gone := alive(); gone != nil {
			h.more = true
			return gone
		}
		// One instance that cannot be asked fails it for all of the board; the
		// newest of each are known.
		for i, x := range s.last {
			if s.subject[i].device == device {
				d.tell(b, xid{s.subject[i], x}, r)
			}
		}
	}
	for i := range values {
		p := &values[i]
		for j, e := range s.events.entities {
			if e.EntityGroupId == p.EntityGroupId && e.EntityId == p.EntityID {
				d.tell(b, xid{s.subject[j], sample{number(p), p.TS}}, r)
			}
		}
	}
	if !h.more {
		h.forget()
	}
	return nil
}

// since is what the engine keeps of the XIDs of a device and of its instances.
// It costs a round trip for each of them.
func (s *session) since(device int, t time.Time) ([]dcgmlib.FieldValue_v2, error) {
	var of []dcgmlib.GroupEntityPair
	for i, e := range s.events.entities {
		if s.subject[i].device == device {
			of = append(of, e)
		}
	}
	g, err := s.group(of)
	if err != nil {
		return nil, err
	}
	defer func() { _ = dcgmlib.DestroyGroup(g) }()
	values, _, err := dcgmlib.GetValuesSince(g, s.events.group, t)
	return values, err
}

// tell reports an XID that is new.
func (d *Driver) tell(b *board, x xid, r *gpu.Reading) {
	h := &b.xids
	if _, told := h.told[x]; told || x.code == 0 || x.time <= d.since || x.time < h.newest-overlap.Microseconds() {
		return
	}
	if len(r.Events) >= maxEvents {
		h.more = true
		return
	}
	if h.told == nil {
		h.told = map[xid]struct{}{}
	}
	h.told[x] = struct{}{}
	r.Events = append(r.Events, gpu.Event{PCI: b.PCI, UUID: b.UUID, Code: x.code, Time: x.time})
}

// forget forgets what lies too far back to be looked at again.
func (h *history) forget() {
	for x := range h.told {
		h.newest = max(h.newest, x.time)
	}
	maps.DeleteFunc(h.told, func(x xid, _ struct{}) bool { return x.time < h.newest-overlap.Microseconds() })
}
