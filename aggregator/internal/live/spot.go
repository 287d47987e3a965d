package live

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Spot names a thing by where it stands.
type Spot struct {
	Hall, Rack, Host string
	GPU, UUID, Model string
}

// A Where narrows a question to a part of a site; "": all of it.
type Where struct{ Hall, Rack, Host string }

func (w Where) all() bool { return w == Where{} }

func (w Where) holds(s *Spot) bool {
	return (w.Hall == "" || w.Hall == s.Hall) && (w.Rack == "" || w.Rack == s.Rack) && (w.Host == "" || w.Host == s.Host)
}

// holdsEntity is holds for entity e of l.
func (w Where) holdsEntity(l *metric.Layout, e int) bool {
	if w.all() {
		return true
	}
	s := spotOf(l, e)
	return w.holds(&s)
}

// spotOf is where entity e of l stands. A layout never changes, so that it can be
// asked without the lock.
func spotOf(l *metric.Layout, e int) (s Spot) {
	for ; e >= 0; e = l.Entities[e].Parent {
		x := &l.Entities[e]
		switch x.Kind {
		case metric.GPU:
			s.GPU, s.UUID, s.Model = x.Label("gpu"), x.Name, x.Label("model")
		case metric.Host:
			s.Host = x.Name
		case metric.Rack:
			s.Rack = x.Name
		case metric.Hall:
			s.Hall = x.Name
		}
	}
	return s
}

func compareSpots(a, b *Spot) int {
	if c := strings.Compare(a.Hall, b.Hall); c != 0 {
		return c
	}
	if c := strings.Compare(a.Rack, b.Rack); c != 0 {
		return c
	}
	if c := strings.Compare(a.Host, b.Host); c != 0 {
		return c
	}
	return cmp.Or(compareNumbers(a.GPU, b.GPU), strings.Compare(a.UUID, b.UUID))
}

// compareNumbers puts 9 before 10, and what is no number after what is.
func compareNumbers(a, b string) int {
	m, err := strconv.Atoi(a)
	n, wrong := strconv.Atoi(b)
	switch {
	case err == nil && wrong == nil:
		return cmp.Compare(m, n)
	case err == nil:
		return -1
	case wrong == nil:
		return 1
	}
	return strings.Compare(a, b)
}

// A choice keeps the first few of many, in an order of its own.
type choice[T any] struct {
	most    int
	compare func(a, b *T) int
	heap    []T // the last of those kept is on top
	seen    int
}

// add takes v into account; v stays the caller's.
func (c *choice[T]) add(v *T) {
	c.seen++
	switch {
	case len(c.heap) < c.most:
		c.heap = append(c.heap, *v)
		c.up(len(c.heap) - 1)
	case c.most > 0 && c.compare(v, &c.heap[0]) < 0:
		c.heap[0] = *v
		c.down(len(c.heap))
	}
}

func (c *choice[T]) up(i int) {
	for i > 0 {
		above := (i - 1) / 2
		if c.compare(&c.heap[i], &c.heap[above]) <= 0 {
			return
		}
		c.heap[i], c.heap[above] = c.heap[above], c.heap[i]
		i = above
	}
}

// down restores the order of the first n after the top of them was replaced.
func (c *choice[T]) down(n int) {
	for i := 0; ; {
		last, left := i, 2*i+1
		for k := left; k < min(left+2, n); k++ {
			if c.compare(&c.heap[k], &c.heap[last]) > 0 {
				last = k
			}
		}
		if last == i {
			return
		}
		c.heap[i], c.heap[last] = c.heap[last], c.heap[i]
		i = last
	}
}

// sorted is what was kept, the first first; nothing can be added any more.
func (c *choice[T]) sorted() []T {
	for n := len(c.heap) - 1; n > 0; n-- {
		c.heap[0], c.heap[n] = c.heap[n], c.heap[0]
		c.down(n)
	}
	return c.heap
}
