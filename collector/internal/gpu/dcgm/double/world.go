package double

import (
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"
)

// Of a World's arrays, as in world.h.
const (
	magic      = 0x6463676d2d647562
	maxGPUs    = 32
	segments   = 64
	maxValues  = 64
	instances  = 256
	parts      = 18
	partValues = 8
	maxEvents  = 4096
	unknown    = 128
)

// Entities, as DCGM numbers their kinds.
const (
	KindGPU             = 1
	KindGPUInstance     = 4
	KindComputeInstance = 5
)

// A Status is what an engine says of a GPU.
type Status int32

// The states that a GPU may be in.
const (
	OK       Status = 1
	Foreign  Status = 2 // not supported
	Lost     Status = 4
	Detached Status = 7
)

// A Value is what a field has until it is written anew.
type Value struct {
	Field, Type, Status, _ int32
	Int                    int64
	Float                  float64
	Time                   int64 // µs since 1970; 0: when the engine last read it
}

type segment struct{ from, microjoules, milliwatts int64 }

// A GPU is one board.
type GPU struct {
	ID              int32
	Status          Status
	Index, segments int32
	values, _       int32
	uuid, model     [64]byte
	serial, pci     [32]byte
	segment         [segments]segment
	value           [maxValues]Value
}

// An Instance is a part of a GPU. CI is -1 of a GPU instance.
type Instance struct {
	GPU, ID, GI, CI, Slices, _ int32
	uuid                       [64]byte
}

// A Part is an NVSwitch or a processor.
type Part struct {
	ID, values int32
	value      [partValues]Value
}

type event struct {
	kind, id, field, _ int32
	code, time         int64
}

// Seen is what the library was asked for.
type Seen struct {
	Connects, UnixSocket, Embedded, Disconnects, Shutdowns int64
	Latest, Values, Largest, Flags                         int64 // calls, their values, the most of one, all flags
	Since, Watches, Keep, Unwatches, Updates               int64 // Keep: shortest, in seconds
	Groups, FieldGroups                                    int64 // there now
	Policy, Health, Versions                               int64 // Versions: words that were wrong
	address                                                [128]byte
}

// Address is what was last connected to.
func (s *Seen) Address() string { return text(s.address[:]) }

// Layout is the file's.
type Layout struct {
	magic, size int64

	Now  int64 // µs since 1970; 0: the host's clock
	Held int64 // when the poller stopped; 0: it runs

	Down        int32 // 1: no engine listens
	Incarnation int32 // another: the engine was restarted and forgot everything
	Cut         int32 // another: connections were cut
	Frozen      int32 // 1: calls do not return
	Stopped     int32 // 1: after XID 119, all is blank
	NVML        int32 // 0: the engine has no driver library
	Module      int32 // 1: the profiling module is there
	Login       int32 // 1: log-in fails, and the connection is called good
	Deaf        int32 // 1: values-since fails; 2: the connection is cut after the next
	Shuffled    int32 // 1: answers come in another order
	Guest       int32 // 1: the engine does not run as root, and sees no instances
	_           int32

	version                               [64]byte
	driver                                [32]byte
	unknowns, gpus, instances, nvswitches int32
	sockets, _                            int32
	events                                int64
	unknown                               [unknown]int32
	gpu                                   [maxGPUs]GPU
	instance                              [instances]Instance
	nvswitch, socket                      [parts]Part
	event                                 [maxEvents]event
	Seen                                  Seen
}

// A World is a file that the library reads while it is written. It is what
// DCGM_DOUBLE names when the library is loaded.
type World struct {
	*Layout
	mapped []byte
}

// Create makes an empty world in a new file.
func Create(path string) (*World, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create world: %w", err)
	}
	defer f.Close()
	size := int(unsafe.Sizeof(Layout{}))
	if err := f.Truncate(int64(size)); err != nil {
		return nil, fmt.Errorf("create world: %w", err)
	}
	m, err := syscall.Mmap(int(f.Fd()), 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map world: %w", err)
	}
	w := &World{Layout: (*Layout)(unsafe.Pointer(&m[0])), mapped: m}
	w.Reset()
	return w, nil
}

// Close unmaps the world.
func (w *World) Close() error { return syscall.Munmap(w.mapped) }

// Reset empties the world: an engine that was restarted and finds no GPU.
func (w *World) Reset() {
	next := w.Incarnation + 1
	*w.Layout = Layout{magic: magic, size: int64(unsafe.Sizeof(Layout{})), Incarnation: next, NVML: 1}
	put(w.version[:], "4.6.0")
	put(w.driver[:], "580.95.05")
}

// Forget has the engine not know fields, as one that is older.
func (w *World) Forget(version string, fields ...int32) {
	put(w.version[:], version)
	w.unknowns = int32(copy(w.unknown[:], fields))
}

// Restart is an engine that was killed and started again.
func (w *World) Restart() { w.Incarnation++ }

// AddGPU adds an H100 at rest.
func (w *World) AddGPU(at time.Time) *GPU {
	n := w.gpus
	g := &w.gpu[n]
	*g = GPU{ID: n, Index: n, Status: OK}
	g.Name(fmt.Sprintf("GPU-%08x-0000-4000-8000-%012x", 0x6a000000+n, n+1))
	put(g.model[:], "NVIDIA H100 80GB HBM3")
	put(g.serial[:], fmt.Sprintf("16503230%05d", n))
	put(g.pci[:], fmt.Sprintf("00000000:%02X:00.0", 0x19+n*0x11))
	g.Power(at, 70+float64(n), 1_000_000)
	for _, v := range atRest {
		g.Set(v.Field, v.Int)
	}
	g.SetFloat(163, 700)
	g.SetFloat(164, 700)
	w.gpus++
	return g
}

// atRest are an idle GPU's values that are neither power nor identity.
var atRest = []Value{
	{Field: 63, Int: 9 << 16},
	{Field: 150, Int: 34}, {Field: 140, Int: 41}, {Field: 153, Int: 51},
	{Field: 100, Int: 345}, {Field: 101, Int: 2619}, {Field: 112, Int: 1}, {Field: 190, Int: 0},
	{Field: 203, Int: 0}, {Field: 204, Int: 0}, {Field: 206, Int: 0}, {Field: 207, Int: 0},
	{Field: 250, Int: 81559}, {Field: 252, Int: 4},
	{Field: 310, Int: 0}, {Field: 311, Int: 0}, {Field: 312, Int: 0}, {Field: 313, Int: 0}, {Field: 346, Int: 0},
	{Field: 240, Int: 0}, {Field: 241, Int: 0}, {Field: 243, Int: 0}, {Field: 245, Int: 0},
	{Field: 1422, Int: 0}, {Field: 1423, Int: 0}, {Field: 1424, Int: 0}, {Field: 1523, Int: 0},
	{Field: 202, Int: 0}, {Field: 235, Int: 5}, {Field: 236, Int: 16}, {Field: 237, Int: 5}, {Field: 238, Int: 16},
	{Field: 393, Int: 0}, {Field: 394, Int: 0}, {Field: 395, Int: 0}, {Field: 396, Int: 0}, {Field: 1507, Int: 0},
	{Field: 409, Int: 0}, {Field: 419, Int: 0}, {Field: 429, Int: 0}, {Field: 439, Int: 0},
}

// GPU is the n-th.
func (w *World) GPU(n int) *GPU { return &w.gpu[n] }

// GPUs is how many there are.
func (w *World) GPUs() int { return int(w.gpus) }

// RemoveGPU takes the n-th out of the engine's sight, as if it was started
// without it.
func (w *World) RemoveGPU(n int) {
	copy(w.gpu[n:w.gpus], w.gpu[n+1:w.gpus])
	w.gpus--
}

// Name gives a GPU its UUID.
func (g *GPU) Name(uuid string) { put(g.uuid[:], uuid) }

// UUID is a GPU's name.
func (g *GPU) UUID() string { return text(g.uuid[:]) }

// Model gives a GPU its product name and CUDA's major version of it.
func (g *GPU) Model(name string, major int64) {
	put(g.model[:], name)
	g.Set(63, major<<16)
}

// Power has a GPU draw so much from a time on. Its counter stands at
// millijoules then; without them it goes on.
func (g *GPU) Power(at time.Time, watts float64, millijoules ...int64) {
	s := segment{from: at.UnixMicro(), milliwatts: int64(watts * 1000)}
	if n := g.segments; len(millijoules) > 0 {
		s.microjoules = millijoules[0] * 1000
	} else if n > 0 {
		last := g.segment[n-1]
		s.microjoules = last.microjoules + last.milliwatts*(s.from-last.from)/1000
	}
	if g.segments == segments {
		copy(g.segment[:], g.segment[1:])
		g.segments--
	}
	g.segment[g.segments] = s
	g.segments++
}

// Energy is where a GPU's counter stands at a time, in millijoules.
func (g *GPU) Energy(at time.Time) int64 {
	t := at.UnixMicro()
	for i := g.segments - 1; i >= 0; i-- {
		if s := g.segment[i]; t >= s.from || i == 0 {
			return (s.microjoules + s.milliwatts*max(t-s.from, 0)/1000) / 1000
		}
	}
	return 0
}

// Set sets a field of type integer.
func (g *GPU) Set(field int32, v int64) {
	set(g.value[:], &g.values, Value{Field: field, Type: 'i', Int: v})
}

// SetFloat sets one of type double.
func (g *GPU) SetFloat(field int32, v float64) {
	set(g.value[:], &g.values, Value{Field: field, Type: 'd', Float: v})
}

// Put sets a field to anything at all.
func (g *GPU) Put(v Value) { set(g.value[:], &g.values, v) }

// Unset gives a field back to the model, or makes it not supported.
func (g *GPU) Unset(field int32) {
	for i := range g.values {
		if g.value[i].Field == field {
			g.value[i] = g.value[g.values-1]
			g.values--
			return
		}
	}
}

// Divide adds a GPU instance with compute instances of so many slices, or one of
// all, and returns the ids of it and the first of them.
func (w *World) Divide(g *GPU, gi, slices int32, parts ...int32) (instance, compute int) {
	if parts == nil {
		parts = []int32{slices}
	}
	instance, compute = int(100*g.ID+gi), int(1000*g.ID+gi)
	w.instance[w.instances] = Instance{GPU: g.ID, ID: int32(instance), GI: gi, CI: -1, Slices: slices}
	w.instances++
	for ci, n := range parts {
		in := Instance{GPU: g.ID, ID: int32(compute + 100*ci), GI: gi, CI: int32(ci), Slices: n}
		put(in.uuid[:], MIG(g, gi, int32(ci)))
		w.instance[w.instances] = in
		w.instances++
	}
	return instance, compute
}

// MIG is the UUID of a compute instance.
func MIG(g *GPU, gi, ci int32) string {
	return fmt.Sprintf("MIG-%08x-%04x-5000-8000-%012x", 0x6a000000+g.ID, gi, ci)
}

// Unname has the engine not know the UUIDs of instances.
func (w *World) Unname() {
	for i := range w.instances {
		w.instance[i].uuid = [64]byte{}
	}
}

// Undivide takes all instances away.
func (w *World) Undivide() { w.instances = 0 }

// AddSwitch adds an NVSwitch.
func (w *World) AddSwitch() *Part { return add(&w.nvswitch, &w.nvswitches) }

// AddSocket adds a processor.
func (w *World) AddSocket() *Part { return add(&w.socket, &w.sockets) }

// SetSocket sets a field of the n-th processor.
func (w *World) SetSocket(n int, field int32, v float64) { w.socket[n].SetFloat(field, v) }

func add(to *[parts]Part, n *int32) *Part {
	p := &to[*n]
	*p = Part{ID: *n}
	*n++
	return p
}

// Set sets a field of type integer.
func (p *Part) Set(field int32, v int64) {
	set(p.value[:], &p.values, Value{Field: field, Type: 'i', Int: v})
}

// SetFloat sets one of type double.
func (p *Part) SetFloat(field int32, v float64) {
	set(p.value[:], &p.values, Value{Field: field, Type: 'd', Float: v})
}

// XID has one happen on an entity.
func (w *World) XID(kind, id int, code int64, at time.Time) {
	if w.events == maxEvents {
		return
	}
	w.event[w.events] = event{kind: int32(kind), id: int32(id), field: 230, code: code, time: at.UnixMicro()}
	w.events++
}

func set(to []Value, n *int32, v Value) {
	for i := range *n {
		if to[i].Field == v.Field {
			to[i] = v
			return
		}
	}
	to[*n] = v
	*n++
}

func put(to []byte, s string) {
	clear(to)
	copy(to[:len(to)-1], s)
}

func text(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}
