package modbus

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/simonvetter/modbus"
)

// A Reader reads one device. It is used by one goroutine.
type Reader struct {
	g      *Gateway
	unit   uint8
	m      *Map
	spans  []span
	single bool // each value is asked for by itself
	got    map[meter.Kind]words
}

// words are the registers of one value.
type words struct {
	parts    [][]uint16
	exponent []uint16
}

// Reader reads the device that answers to unit, by map m.
func (g *Gateway) Reader(unit uint8, m *Map) *Reader {
	return &Reader{g: g, unit: unit, m: m, spans: m.plan(m.gap), got: map[meter.Kind]words{}}
}

// Gives is what the map says.
func (r *Reader) Gives() []meter.Kind { return r.m.kinds() }

// Read asks for all values of the map. Some may be lacking where the device does
// not know their registers.
func (r *Reader) Read(ctx context.Context) ([]meter.Value, error) {
	image, err := r.image(ctx)
	errs := []error{err}
	var list []meter.Value
	life := ""
	clear(r.got)
	for i := range r.m.entries {
		e := &r.m.entries[i]
		w, ok := image.words(e)
		if !ok {
			continue
		}
		switch e.purpose {
		case serial:
			s, err := e.text(w.parts[0])
			if err == nil {
				life = s
			} else if !errors.Is(err, errMissing) {
				errs = append(errs, fmt.Errorf("serial number %w", err))
			}
			continue
		case probe:
			if err := e.probe(w); err != nil {
				return nil, err
			}
			continue
		}
		v, err := e.read(w)
		switch {
		case err == nil:
			r.got[e.kind] = w
			list = append(list, v)
		case !errors.Is(err, errMissing):
			errs = append(errs, err)
		}
	}
	for i := range list {
		list[i].Register.Life = life
	}
	return list, errors.Join(errs...)
}

// Otherwise is what the registers of the last reading hold in other orders.
func (r *Reader) Otherwise(k meter.Kind) []meter.Otherwise {
	w, ok := r.got[k]
	for i := range r.m.entries {
		if e := &r.m.entries[i]; ok && e.purpose == quantity && e.kind == k {
			return e.otherwise(w.parts, w.exponent)
		}
	}
	return nil
}

// read is the value of an entry; an error says under which order there would be
// one.
func (e *entry) read(w words) (meter.Value, error) {
	n, err := e.number(w.parts, w.exponent, e.order)
	if err != nil {
		if errors.Is(err, errMissing) {
			return meter.Value{}, err
		}
		return meter.Value{}, fmt.Errorf("%s %w%s", e.name, err, hint(e, w))
	}
	v, err := e.value(n)
	if err != nil {
		return v, fmt.Errorf("%s %w%s", e.name, err, hint(e, w))
	}
	return v, nil
}

// probe says what is wrong with a value that shows whether registers are read
// rightly. One that is zero or not available shows nothing: it may be that
// nothing is there to be measured.
func (e *entry) probe(w words) error {
	n, err := e.number(w.parts, w.exponent, e.order)
	if errors.Is(err, errMissing) || err == nil && n.Number == 0 {
		return nil
	}
	if err == nil {
		if v := n.Number * e.factor; v >= e.min && v <= e.max {
			return nil
		}
		err = fmt.Errorf("reads %.4g, not %g to %g", n.Number*e.factor, e.min, e.max)
	}
	return fmt.Errorf("%s %w%s: so nothing of this device is believed", e.name, err, hint(e, w))
}

// hint says under which order a value would be one.
func hint(e *entry, w words) string {
	for _, o := range e.otherwise(w.parts, w.exponent) {
		if o.Number != 0 && (e.purpose == quantity || o.Number >= e.min && o.Number <= e.max) {
			return fmt.Sprintf("; with %s it would be %.6g", o.Setting, o.Number)
		}
	}
	return ""
}

// An image is registers as they were read.
type image []patch

type patch struct {
	span
	words []uint16
}

// words are those of an entry, if all were read.
func (m image) words(e *entry) (w words, ok bool) {
	find := func(at, n int) []uint16 {
		for _, p := range m {
			if p.function == e.function && p.at <= at && at+n <= p.at+p.n {
				return p.words[at-p.at : at-p.at+n]
			}
		}
		return nil
	}
	for _, at := range e.at {
		p := find(at, e.words)
		if p == nil {
			return w, false
		}
		w.parts = append(w.parts, p)
	}
	if e.exponent >= 0 {
		w.exponent = find(e.exponent, 1)
	}
	return w, e.exponent < 0 || w.exponent != nil
}

// image reads the registers of all values. What stands beside an error was read.
func (r *Reader) image(ctx context.Context) (image, error) {
	var m image
	var errs []error
	for i := 0; i < len(r.spans); i++ {
		s := r.spans[i]
		got, err := r.g.read(ctx, r.unit, s.function, s.at, s.n)
		switch {
		case err == nil:
			m = append(m, patch{s, got})
		case !r.single && s.values > 1 && (err == modbus.ErrIllegalDataAddress || err == modbus.ErrIllegalDataValue):
			// One of the values, or a register in between, may be what the device does not know.
			r.spans, r.single = r.m.plan(apart), true
			m, errs, i = nil, nil, -1
		case !excepted(err):
			return m, fmt.Errorf("read registers %s of unit %d: %w", s, r.unit, explain(err, s, r.g.c))
		default:
			errs = append(errs, fmt.Errorf("read registers %s of unit %d: %w", s, r.unit, explain(err, s, r.g.c)))
			if about(err) == ofDevice {
				return m, errors.Join(errs...)
			}
		}
	}
	return m, errors.Join(errs...)
}

func (s span) String() string {
	if s.n == 1 {
		return fmt.Sprint(s.at)
	}
	return fmt.Sprintf("%d to %d", s.at, s.at+s.n-1)
}

// What an exception is about.
type subject uint8

const (
	ofRegisters subject = iota
	ofDevice            // there is no sense in asking on
)

func about(err error) subject {
	switch err {
	case modbus.ErrGWPathUnavailable, modbus.ErrGWTargetFailedToRespond, modbus.ErrServerDeviceBusy, modbus.ErrAcknowledge:
		return ofDevice
	}
	return ofRegisters
}

// explain says what an error of the library means, and what would help.
func explain(err error, s span, c GatewayConfig) error {
	said := ""
	switch err {
	case modbus.ErrIllegalFunction:
		said = fmt.Sprintf("the device does not know function %d; try function: %d", s.function, 7-s.function)
	case modbus.ErrIllegalDataAddress:
		said = "the device has no such registers"
		if s.at/10_000 == map[uint8]int{3: 4, 4: 3}[s.function] {
			said += fmt.Sprintf("; of a number such as %d the first digit is the function's, and offset: %d is meant", s.at+1, s.at%10_000)
		}
	case modbus.ErrIllegalDataValue:
		said = "the device does not take the request; a smaller max_registers may help"
	case modbus.ErrServerDeviceFailure:
		said = "the device has failed"
	case modbus.ErrServerDeviceBusy, modbus.ErrAcknowledge:
		said = "the device is busy"
	case modbus.ErrGWPathUnavailable:
		said = "the gateway has no way to the device"
	case modbus.ErrGWTargetFailedToRespond:
		said = "the gateway is there and the device behind it does not answer: it is off, or its unit id is another"
	case modbus.ErrRequestTimedOut:
		said = fmt.Sprintf("no answer within %v", c.Timeout)
	case modbus.ErrBadUnitId:
		said = "another unit answered: two devices have one address, or the gateway mixes them up"
	case modbus.ErrProtocolError, modbus.ErrBadCRC, modbus.ErrShortFrame:
		said = "half an answer, or none of this protocol"
	case io.EOF, io.ErrUnexpectedEOF:
		said = "the connection was closed before the whole answer had come"
	default:
		return err
	}
	return fmt.Errorf("%s (%w)", said, err)
}
