package opcua

import (
	"cmp"
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
	var v meter.Value
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
		m.Invert()
	}
	m.Modulus = cmp.Or(n.modulus, m.Modulus)
	return n.scale.Value(n.kind, m)
}

// take is the number in a variant.
func take(v any) (meter.Shown, error) {
	switch x := v.(type) {
	case nil:
		return meter.Shown{}, errMissing
	case float32:
		return fraction(meter.Float32(x))
	case float64:
		return fraction(meter.Float64(x))
	case byte:
		return turning(uint64(x), 1<<8), nil
	case uint16:
		return turning(uint64(x), 1<<16), nil
	case uint32:
		return turning(uint64(x), 1<<32), nil
	case uint64:
		return meter.Whole(x), nil
	case int8:
		return meter.Signed(int64(x)), nil
	case int16:
		return meter.Signed(int64(x)), nil
	case int32:
		return meter.Signed(int64(x)), nil
	case int64:
		return meter.Signed(x), nil
	}
	return meter.Shown{}, fmt.Errorf("shows no number, but a %T", v)
}

// fraction is n, if it is a reading.
func fraction(n meter.Shown) (meter.Shown, error) {
	switch {
	case math.IsNaN(n.Number):
		return meter.Shown{}, errMissing
	case math.IsInf(n.Number, 0):
		return meter.Shown{}, fmt.Errorf("shows %g, which is no reading", n.Number)
	}
	return n, nil
}

// turning is a number of steps that begins at zero again.
func turning(steps, modulus uint64) meter.Shown {
	n := meter.Whole(steps)
	n.Modulus = modulus
	return n
}
