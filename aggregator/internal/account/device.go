package account

import (
	"cmp"
	"hash/maphash"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Place is where a device was when its energy was booked; what is unknown is
// "".
type Place struct{ Hall, Rack, Host string }

// Compare orders places hall by hall, rack by rack, host by host.
func (p Place) Compare(o Place) int {
	if c := cmp.Compare(p.Hall, o.Hall); c != 0 {
		return c
	}
	if c := cmp.Compare(p.Rack, o.Rack); c != 0 {
		return c
	}
	return cmp.Compare(p.Host, o.Host)
}

// A Device is what an account is kept of: one counter of one thing. A GPU's uuid
// names it wherever it stands, a meter's name and a host's in their site.
type Device struct {
	Kind     metric.EntityKind // GPU, Host or Meter
	Name     string
	Metric   metric.Number
	Point    uint32
	Quantity Quantity
	Trait
}

// A Trait is what many devices share.
type Trait struct{ Index, Model, Role string } // of a GPU: on its host; its model. Of a meter: its role

func (d *Device) key() key { return key{d.Name, d.Kind, d.Metric, d.Point} }

// Compare orders devices by what tells accounts apart.
func (d *Device) Compare(o *Device) int {
	if c := cmp.Compare(d.Kind, o.Kind); c != 0 {
		return c
	}
	if c := cmp.Compare(d.Name, o.Name); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(d.Metric, o.Metric), cmp.Compare(d.Point, o.Point))
}

// key tells accounts of a site apart.
type key struct {
	name   string
	kind   metric.EntityKind
	metric metric.Number
	point  uint32
}

func (c *counter) key() key { return key{c.name, c.kind, c.metric, uint32(c.point)} }

// A keyIndex finds accounts by their keys. It holds numbers alone: the keys are
// in the accounts.
type keyIndex struct {
	seed  maphash.Seed
	slots []uint32 // 1 + account; 0: free. A power of two of them
}

// find is the number of the account of k.
func (x *keyIndex) find(cs []counter, k key) (n uint32, ok bool) {
	if len(x.slots) == 0 {
		return 0, false
	}
	for at := x.start(k); ; at = (at + 1) & (len(x.slots) - 1) {
		n := x.slots[at]
		if n == 0 {
			return 0, false
		}
		if cs[n-1].key() == k {
			return n - 1, true
		}
	}
}

func (x *keyIndex) start(k key) int {
	h := maphash.String(x.seed, k.name) ^ (uint64(k.kind)<<48|uint64(k.metric)<<32|uint64(k.point))*0x9e3779b97f4a7c15
	return int(h>>16) & (len(x.slots) - 1)
}

// add indexes the last account.
func (x *keyIndex) add(cs []counter) {
	if 4*len(cs) > 3*len(x.slots) {
		x.grow(cs, 2*len(cs))
		return
	}
	x.put(cs, len(cs)-1)
}

func (x *keyIndex) put(cs []counter, n int) {
	at := x.start(cs[n].key())
	for x.slots[at] != 0 {
		at = (at + 1) & (len(x.slots) - 1)
	}
	x.slots[at] = uint32(n + 1)
}

// grow makes room for at least n accounts.
func (x *keyIndex) grow(cs []counter, n int) {
	size := 16
	for 3*size < 4*n {
		size *= 2
	}
	x.seed, x.slots = maphash.MakeSeed(), make([]uint32, size)
	for i := range cs {
		x.put(cs, i)
	}
}

// placeOf is where entity e of l stands.
func placeOf(l *metric.Layout, e int) Place {
	name := func(k metric.EntityKind) string {
		if i := l.Ancestor(e, k); i >= 0 {
			return l.Entities[i].Name
		}
		return ""
	}
	return Place{name(metric.Hall), name(metric.Rack), name(metric.Host)}
}

func traitOf(e *metric.Entity) Trait { return Trait{e.Label("gpu"), e.Label("model"), e.Label("role")} }

// A table gives each of few distinct values a number, in the order they come.
type table[T comparable] struct {
	values []T
	number map[T]uint32
}

func (t *table[T]) put(v T) uint32 {
	if n, ok := t.number[v]; ok {
		return n
	}
	if t.number == nil {
		t.number = map[T]uint32{}
	}
	n := uint32(len(t.values))
	t.values = append(t.values, v)
	t.number[v] = n
	return n
}
