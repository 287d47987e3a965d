package bacnet

import (
	"encoding/binary"
	"math"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
)

// A tag is one element of an answer, as far as it is in this encoding: a value, or
// the begin or end of a group.
type tag struct {
	number         byte
	context        bool // number is by the place in the answer; else it is the type
	opening, ended bool
	value          []byte
}

// Types of values.
const (
	null       = 0
	boolean    = 1
	unsigned   = 2
	signed     = 3
	realNumber = 4
	double     = 5
	text       = 7
	bits       = 8
	enumerated = 9
	identifier = 12
)

// next takes a tag off b.
func next(b []byte) (t tag, rest []byte, err error) {
	if len(b) < 1 {
		return t, nil, errCut
	}
	first := b[0]
	t.number, t.context = first>>4, first&0x08 != 0
	b = b[1:]
	if t.number == 15 {
		if len(b) < 1 || b[0] == 255 {
			return t, nil, errCut
		}
		t.number, b = b[0], b[1:]
	}
	n := int(first & 7)
	switch {
	case t.context && n == 6:
		t.opening = true
		return t, b, nil
	case t.context && n == 7:
		t.ended = true
		return t, b, nil
	case !t.context && t.number == boolean: // it is its own value
		t.value = []byte{byte(n)}
		return t, b, nil
	case n > 5:
		return t, nil, errCut
	case n == 5:
		if n, b, err = length(b); err != nil {
			return t, nil, err
		}
	}
	if n > len(b) {
		return t, nil, errCut
	}
	t.value = b[:n:n]
	return t, b[n:], nil
}

// length takes off that of a long value.
func length(b []byte) (n int, rest []byte, err error) {
	switch {
	case len(b) >= 1 && b[0] < 254:
		return int(b[0]), b[1:], nil
	case len(b) >= 3 && b[0] == 254:
		return int(binary.BigEndian.Uint16(b[1:])), b[3:], nil
	case len(b) >= 5 && b[0] == 255:
		if n := binary.BigEndian.Uint32(b[1:]); n < 1<<16 {
			return int(n), b[5:], nil
		}
	}
	return 0, nil, errCut
}

// begins and ends report whether t is that of group n.
func (t tag) begins(n byte) bool { return t.opening && t.number == n }
func (t tag) ends(n byte) bool   { return t.ended && t.number == n }

// group takes what stands in group n off b, b beginning after its begin.
func group(b []byte, n byte) (list []tag, rest []byte, err error) {
	for depth := 0; ; {
		var t tag
		if t, b, err = next(b); err != nil {
			return nil, nil, err
		}
		switch {
		case t.opening:
			depth++
		case t.ended && depth == 0:
			if t.number != n {
				return nil, nil, errCut
			}
			return list, b, nil
		case t.ended:
			depth--
		}
		list = append(list, t)
	}
}

// unsigned is the whole number of t, if it has a type.
func (t tag) unsigned(kind byte) (uint64, bool) {
	if t.context || t.number != kind {
		return 0, false
	}
	return whole(t.value)
}

func whole(b []byte) (n uint64, ok bool) {
	if len(b) < 1 || len(b) > 8 {
		return 0, false
	}
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n, true
}

// signedWhole is b as a whole number that may be below zero.
func signedWhole(b []byte) (int64, bool) {
	n, ok := whole(b)
	if !ok {
		return 0, false
	}
	shift := 64 - 8*len(b)
	return int64(n<<shift) >> shift, true
}

// fraction is b as a number with a fraction.
func fraction(b []byte) (n meter.Shown, ok bool) {
	switch len(b) {
	case 4:
		return meter.Float32(math.Float32frombits(binary.BigEndian.Uint32(b))), true
	case 8:
		return meter.Float64(math.Float64frombits(binary.BigEndian.Uint64(b))), true
	}
	return n, false
}

// A place is a property of an object.
type place struct {
	of       object
	property byte
}

// A result is what a device says of a property: a refusal, or a value.
type result struct {
	tags []tag
	err  error
}

// results adds what the body of an ack says.
func (a *answer) results(all map[place]result) error {
	if a.service == readProperty {
		at, b, err := a.subject()
		if err != nil {
			return err
		}
		t, b, err := next(b)
		if err == nil && t.context && t.number == 2 && !t.opening { // an index, which was not asked for
			t, b, err = next(b)
		}
		if err != nil || !t.begins(3) {
			return errCut
		}
		tags, b, err := group(b, 3)
		if err != nil || len(b) > 0 {
			return errCut
		}
		all[at] = result{tags: tags}
		return nil
	}
	for b := a.body; len(b) > 0; {
		var err error
		if b, err = listed(b, all); err != nil {
			return err
		}
	}
	return nil
}

// subject is the object and property at the head of the answer.
func (a *answer) subject() (at place, rest []byte, err error) {
	t, b, err := next(a.body)
	if err != nil || !t.context || t.number != 0 || len(t.value) != 4 {
		return at, nil, errCut
	}
	p, b, err := next(b)
	if err != nil || !p.context || p.number != 1 || len(p.value) != 1 {
		return at, nil, errCut
	}
	return place{object(binary.BigEndian.Uint32(t.value)), p.value[0]}, b, nil
}

// listed takes the results of one object off b.
func listed(b []byte, all map[place]result) ([]byte, error) {
	t, b, err := next(b)
	if err != nil || !t.context || t.number != 0 || len(t.value) != 4 {
		return nil, errCut
	}
	of := object(binary.BigEndian.Uint32(t.value))
	if t, b, err = next(b); err != nil || !t.begins(1) {
		return nil, errCut
	}
	for {
		if t, b, err = next(b); err != nil {
			return nil, err
		}
		if t.ends(1) {
			return b, nil
		}
		property, ok := whole(t.value)
		if !ok || !t.context || t.number != 2 {
			return nil, errCut
		}
		if t, b, err = next(b); err == nil && t.context && t.number == 3 && !t.opening {
			t, b, err = next(b) // after an index
		}
		var r result
		switch {
		case err != nil:
			return nil, err
		case t.begins(4):
			if r.tags, b, err = group(b, 4); err != nil {
				return nil, err
			}
		case t.begins(5):
			tags, rest, err := group(b, 5)
			if err != nil || len(tags) != 2 {
				return nil, errCut
			}
			if r.err, err = refused(tags[0], tags[1]); err != nil {
				return nil, err
			}
			b = rest
		default:
			return nil, errCut
		}
		if property < 256 {
			all[place{of, byte(property)}] = r
		}
	}
}
