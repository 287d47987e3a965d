//go:build cgo && linux

package dcgm

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	dcgmlib "github.com/NVIDIA/go-dcgm/pkg/dcgm"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
)

// A device is a GPU as this session's engine numbers it.
type device struct {
	id         uint
	index      int // the driver's; -1 until known
	identity   gpu.Board
	capability int // major; 0 until known
	mig        bool
	slices     int // that MIG can make of it; 0 if unknown
	status     dcgmlib.EntityStatus

	divided   bool // whether instances is known
	instances []instance
}

// An instance is a part of a GPU (MIG) on which an XID can happen.
type instance struct {
	kind    dcgmlib.Field_Entity_Group // GPU or compute instance
	id      uint                       // the engine's, for this session
	gi, ci  int                        // the driver's; ci is -1 of a GPU instance
	compute int                        // slices
}

// hidden says whether it is not known what the device is divided into: where the
// engine does not run as root, MIG is on and there seems to be nothing.
func (d *device) hidden() bool {
	return !d.divided || d.mig && d.slices == 0 && len(d.instances) == 0
}

// A subject is what an XID can happen on: a device or one of its instances.
type subject struct {
	device int // its place in session.devices
	gi, ci int // -1 if it is not of one
}

// list asks which GPUs, instances, switches and sockets there are. Lost GPUs
// are among them.
func (s *session) list() error {
	// This call has codes: if the engine is gone, it says so.
	supported, err := dcgmlib.GetSupportedDevices()
	if lost(err) {
		return fmt.Errorf("list GPUs: %w", err)
	}
	gpus, err := dcgmlib.GetEntityGroupEntities(dcgmlib.FE_GPU)
	if err != nil {
		return fmt.Errorf("list GPUs: %w", errors.Join(err, alive()))
	}
	var devices []device
	for _, id := range gpus {
		status := dcgmlib.GetGPUStatus(id)
		switch status {
		case dcgmlib.EntityStatusUnsupported, dcgmlib.EntityStatusInaccessible, dcgmlib.EntityStatusDisabled:
			continue // see unread
		case dcgmlib.EntityStatusUnknown:
			if !slices.Contains(supported, id) {
				continue
			}
		}
		d := device{id: id, index: -1}
		for i := range s.devices {
			if s.devices[i].id == id {
				d = s.devices[i]
			}
		}
		d.status, d.divided, d.instances = status, false, nil
		devices = append(devices, d)
	}
	s.devices, s.unread = devices, len(gpus)-len(devices)
	s.divide()
	if s.switchID, err = dcgmlib.GetEntityGroupEntities(dcgmlib.FE_SWITCH); err != nil {
		s.switchID = nil
	}
	if s.socketID, err = dcgmlib.GetEntityGroupEntities(dcgmlib.FE_CPU); err != nil {
		s.socketID = nil
	}
	return nil
}

// divide finds what the GPUs are divided into.
func (s *session) divide() {
	h, err := dcgmlib.GetGPUInstanceHierarchy()
	if err != nil {
		return
	}
	parent := map[uint]int{} // GPU instance to device
	for i := range s.devices {
		s.devices[i].divided = true
	}
	for i := range h.EntityList[:min(h.Count, uint(len(h.EntityList)))] {
		e := &h.EntityList[i]
		in := instance{
			kind: e.Entity.EntityGroupId, id: e.Entity.EntityId,
			gi: int(int32(e.Info.NvmlInstanceId)), ci: -1, compute: int(int32(e.Info.NvmlProfileSlices)),
		}
		var at int
		switch in.kind {
		case dcgmlib.FE_GPU_I:
			if at = slices.IndexFunc(s.devices, func(d device) bool { return d.id == e.Parent.EntityId }); at < 0 {
				continue
			}
			parent[in.id] = at
		case dcgmlib.FE_GPU_CI: // comes after its GPU instance
			var ok bool
			if at, ok = parent[e.Parent.EntityId]; !ok {
				continue
			}
			in.ci = int(int32(e.Info.NvmlComputeInstanceId))
		default:
			continue
		}
		s.devices[at].instances = append(s.devices[at].instances, in)
	}
}

// same says whether the engine is to read the same of the same.
func (s *session) same(before []device, switchID, socketID []uint) bool {
	return slices.Equal(s.switchID, switchID) && slices.Equal(s.socketID, socketID) &&
		slices.EqualFunc(s.devices, before, func(a, b device) bool {
			return a.id == b.id && slices.Equal(a.instances, b.instances) && (a.status == b.status || !readable(a.status))
		})
}

// readable says whether a GPU with that status is read.
func readable(s dcgmlib.EntityStatus) bool {
	return s == dcgmlib.EntityStatusOk || s == dcgmlib.EntityStatusFake
}

func (s *session) gpus() []uint {
	ids := make([]uint, len(s.devices))
	for i := range s.devices {
		ids[i] = s.devices[i].id
	}
	return ids
}

// subjects is what XIDs are watched on. They are kept with what they happened
// on, and there alone.
func (s *session) subjects() []dcgmlib.GroupEntityPair {
	s.subject = s.subject[:0]
	var of []dcgmlib.GroupEntityPair
	for i := range s.devices {
		of = append(of, dcgmlib.GroupEntityPair{EntityGroupId: dcgmlib.FE_GPU, EntityId: s.devices[i].id})
		s.subject = append(s.subject, subject{i, -1, -1})
		for _, in := range s.devices[i].instances {
			of = append(of, dcgmlib.GroupEntityPair{EntityGroupId: in.kind, EntityId: in.id})
			s.subject = append(s.subject, subject{i, in.gi, in.ci})
		}
	}
	return of
}

// computes are the compute instances of all GPUs.
func (s *session) computes() (of []dcgmlib.GroupEntityPair) {
	for i := range s.devices {
		for _, in := range s.devices[i].instances {
			if in.kind == dcgmlib.FE_GPU_CI {
				of = append(of, dcgmlib.GroupEntityPair{EntityGroupId: in.kind, EntityId: in.id})
			}
		}
	}
	return of
}

// identify learns who the GPUs are. What is blank now stays as it was.
func (s *session) identify() error {
	return s.read(s.ident, func(i int, values []value) {
		d := &s.devices[i]
		keep := func(to *string, p *value) {
			if v := p.text(); v != "" {
				*to = v
			}
		}
		number := func(p *value, high int64) (int, bool) {
			n, ok := p.integer()
			return int(n), ok && n >= 0 && n <= high
		}
		for j := range values {
			p := &values[j]
			switch p.field {
			case fieldDriver:
				keep(&d.identity.Driver, p)
			case fieldModel:
				keep(&d.identity.Model, p)
			case fieldSerial:
				keep(&d.identity.Serial, p)
			case fieldUUID:
				keep(&d.identity.UUID, p)
			case fieldPCI:
				if a := busAddress(p.text()); a != "" {
					d.identity.PCI = a
				}
			case fieldIndex:
				if n, ok := number(p, 1023); ok {
					d.index = n
				}
			case fieldCapability:
				if n, ok := number(p, math.MaxInt32); ok {
					d.capability = n >> 16
				}
			case fieldMIG:
				if n, ok := number(p, 1); ok {
					d.mig = n == 1
				}
			case fieldSlices:
				if n, ok := number(p, 64); ok {
					d.slices = n
				}
			}
		}
	})
}

// name learns the UUIDs of the MIG devices. What is blank now stays as it was.
func (s *session) name() error {
	return s.read(s.parts, func(i int, values []value) {
		if v := values[0].text(); strings.HasPrefix(v, "MIG-") {
			s.names[s.parts.entities[i].EntityId] = v
		}
	})
}

// unnamed says whether the UUID of a MIG device may become known.
func (s *session) unnamed() bool {
	return s.sought < 10 && len(s.parts.fields) > 0 && len(s.names) < len(s.parts.entities)
}

// busAddress is a PCI address as the kernel spells it; the driver writes the
// domain in eight digits and all in capitals.
func busAddress(s string) string {
	domain, rest, ok := strings.Cut(s, ":")
	n, err := strconv.ParseUint(domain, 16, 32)
	if !ok || err != nil || len(rest) != len("3b:00.0") || rest[2] != ':' || rest[5] != '.' {
		return ""
	}
	for _, part := range []string{rest[:2], rest[3:5], rest[6:]} {
		if _, err := strconv.ParseUint(part, 16, 8); err != nil {
			return ""
		}
	}
	return fmt.Sprintf("%04x:%s", n, strings.ToLower(rest))
}
