package opcua

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/gopcua/opcua/ua"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
)

// A Reader reads nodes of one server. It is used by one goroutine.
type Reader struct {
	s     *Server
	stamp stamp
	nodes []node
	most  int // in a request
}

// A stamp is whose time a value has.
type stamp uint8

const (
	ofServer stamp = iota
	ofSource
	ofArrival
)

// A node is one that shows a quantity.
type node struct {
	id      *ua.NodeID
	kind    meter.Kind
	scale   meter.Scale
	invert  bool
	modulus uint64 // 0: not known
}

// Gives is what was configured.
func (r *Reader) Gives() (list []meter.Kind) {
	for i := range r.nodes {
		list = append(list, r.nodes[i].kind)
	}
	return list
}

// Read reads all nodes. Some may be lacking where the server does not know them, or
// does not vouch for them.
func (r *Reader) Read(ctx context.Context) ([]meter.Value, error) {
	got, err := r.fetch(ctx)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", r.s.c.Endpoint, err)
	}
	now := time.Now()
	var list []meter.Value
	var errs []error
	off := time.Duration(0)
	for i := range r.nodes {
		n := &r.nodes[i]
		v, err := n.value(got[i])
		switch {
		case err == nil:
			if v.At = r.stamp.of(got[i]); !v.At.IsZero() && v.At.Sub(now) > off {
				off = v.At.Sub(now)
			}
			list = append(list, v)
		case !errors.Is(err, errMissing):
			errs = append(errs, fmt.Errorf("%s, %s: %w", n.kind, n.id, err))
		}
	}
	if off > clocks {
		errs = append(errs, fmt.Errorf("the clock of %s is %v ahead: set it right, or write timestamps: arrival", r.s.c.Endpoint, off.Round(time.Second)))
	}
	return list, errors.Join(errs...)
}

// clocks may differ by so much without a word.
const clocks = time.Minute

// fetch reads all nodes, by as many requests as the server takes it by.
func (r *Reader) fetch(ctx context.Context) (got []*ua.DataValue, err error) {
	for len(got) < len(r.nodes) {
		var ids []*ua.ReadValueID
		for i := range r.nodes[len(got):min(len(got)+r.most, len(r.nodes))] {
			ids = append(ids, &ua.ReadValueID{NodeID: r.nodes[len(got)+i].id, AttributeID: ua.AttributeIDValue, DataEncoding: &ua.QualifiedName{}})
		}
		part, err := r.s.read(ctx, ids)
		if errors.Is(err, ua.StatusBadTooManyOperations) && r.most > 1 {
			r.most /= 2
			continue
		}
		if err != nil {
			return nil, err
		}
		got = append(got, part...)
	}
	return got, nil
}

// of is the time of a value, zero if it has none.
func (s stamp) of(v *ua.DataValue) time.Time {
	var at time.Time
	switch s {
	case ofServer:
		at = v.ServerTimestamp
	case ofSource:
		at = v.SourceTimestamp
	}
	if at.Year() < 1980 { // some send the beginning of their calendar
		return time.Time{}
	}
	return at
}

// errMissing says that the server knows nothing now.
var errMissing = errors.New("not known to the server")

// value is what a node shows.
func (n *node) value(got *ua.DataValue) (meter.Value, error) {
	v := meter.Value{Quantity: n.kind.Quantity, Point: n.kind.Point}
	switch {
	case got == nil:
		return v, errMissing
	case got.Status>>30 == 1:
		return v, fmt.Errorf("the server is uncertain of it: %w", got.Status)
	case got.Status>>30 != 0:
		return v, got.Status
	case got.Value == nil:
		return v, errMissing
	}
	m, err := take(got.Value.Value())
	if err != nil {
		return v, err
	}
	if n.invert {
		m.value, m.negative = -m.value, !m.negative && m.value != 0
	}
	if !n.kind.Quantity.Counted() {
		v.Number = n.scale.Gauge(m.value)
		return v, nil
	}
	if m.negative {
		return v, fmt.Errorf("shows %.6g, and a register of %s does not go below zero; it may need invert", m.value, n.kind.Quantity)
	}
	if !m.whole {
		v.Register, err = n.scale.RegisterOf(m.value, m.grain)
		return v, err
	}
	v.Register = n.scale.Register(m.steps)
	modulus := n.modulus
	if modulus == 0 {
		modulus = m.modulus
	}
	if m.steps < modulus {
		v.Register.Modulus = modulus
	}
	return v, nil
}

// A number is what a node shows.
type number struct {
	whole    bool
	negative bool
	steps    uint64 // of a whole one, without its sign
	modulus  uint64 // of its type; 0: it has none that is met
	value    float64
	grain    float64 // by which one of this size moves at least
}

// take is the number in a variant.
func take(v any) (number, error) {
	switch x := v.(type) {
	case nil:
		return number{}, errMissing
	case float32:
		return fraction(float64(x), float64(math.Nextafter32(x, math.MaxFloat32)-x))
	case float64:
		return fraction(x, math.Nextafter(x, math.MaxFloat64)-x)
	case byte:
		return unsigned(uint64(x), 1<<8)
	case uint16:
		return unsigned(uint64(x), 1<<16)
	case uint32:
		return unsigned(uint64(x), 1<<32)
	case uint64:
		return unsigned(x, 0)
	case int8:
		return signed(int64(x))
	case int16:
		return signed(int64(x))
	case int32:
		return signed(int64(x))
	case int64:
		return signed(x)
	}
	return number{}, fmt.Errorf("shows no number, but a %T", v)
}

func fraction(v, grain float64) (number, error) {
	switch {
	case math.IsNaN(v):
		return number{}, errMissing
	case math.IsInf(v, 0):
		return number{}, fmt.Errorf("shows %g, which is no reading", v)
	}
	return number{negative: v < 0, value: v, grain: math.Abs(grain)}, nil
}

func unsigned(n, modulus uint64) (number, error) {
	return number{whole: true, steps: n, modulus: modulus, value: float64(n)}, nil
}

func signed(n int64) (number, error) {
	m := number{whole: true, negative: n < 0, steps: uint64(n), value: float64(n)}
	if n < 0 {
		m.steps = -m.steps
	}
	return m, nil
}
