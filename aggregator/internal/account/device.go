package account

import (
	"cmp"

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
