package bacnet

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// An object of a device: its type and instance.
type object uint32

func objectOf(kind, instance int) object { return object(kind<<22 | instance) }

func (o object) kind() int     { return int(o >> 22) }
func (o object) instance() int { return int(o & (1<<22 - 1)) }

// Properties of objects.
const (
	propMaxPresValue = 65
	propIdentifier   = 75
	propPresentValue = 85
	propReliability  = 103
	propStatusFlags  = 111
	propUnits        = 117
	propScale        = 187
)

// Services.
const (
	readProperty         = 12
	readPropertyMultiple = 14
)

// A route is where a device is beyond a router; network 0: it is not.
type route struct {
	network uint16
	mac     string // bytes
}

// Of the network layer.
const version, expectingReply, hops = 1, 0x04, 255

// frame is a request, from the length of the whole on.
func (r route) frame(apdu []byte) []byte {
	b := []byte{0x81, 0x0A, 0, 0, version, expectingReply} // BACnet/IP, to one
	if r.network != 0 {
		b[5] |= 0x20
		b = binary.BigEndian.AppendUint16(b, r.network)
		b = append(b, byte(len(r.mac)))
		b = append(b, r.mac...)
		b = append(b, hops)
	}
	b = append(b, apdu...)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	return b
}

// request begins an APDU: confirmed, in one piece, with an answer in one piece of
// up to 1476 bytes.
func request(id, service byte) []byte { return []byte{0x00, 0x05, id, service} }

// one is the request for one property.
func one(id byte, of object, property byte) []byte {
	b := append(request(id, readProperty), 0x0C)
	b = binary.BigEndian.AppendUint32(b, uint32(of))
	return append(b, 0x19, property)
}

// A want is properties of an object.
type want struct {
	of         object
	properties []byte
}

// many is the request for properties of several objects.
func many(id byte, wants []want) []byte {
	b := request(id, readPropertyMultiple)
	for _, w := range wants {
		b = append(b, 0x0C)
		b = binary.BigEndian.AppendUint32(b, uint32(w.of))
		b = append(b, 0x1E)
		for _, p := range w.properties {
			b = append(b, 0x09, p)
		}
		b = append(b, 0x1F)
	}
	return b
}

// An answer is what a device says to a request.
type answer struct {
	kind    kind
	id      byte
	service byte   // of an ack and an error
	body    []byte // of an ack
	refusal refusal
}

type kind uint8

const (
	ack kind = iota
	failed
	rejected
	aborted
	segmented
)

// A refusal is why there is no value. It is an error.
type refusal struct {
	kind        kind
	class, code uint32 // of an error
	reason      byte   // of the others
}

var (
	errCut     = errors.New("half an answer, or none of this protocol")
	errForeign = errors.New("not for us") // another network, a broadcast, a request
)

// parse reads a datagram that came from r.
func (r route) parse(b []byte) (answer, error) {
	if len(b) < 4 || b[0] != 0x81 {
		return answer{}, errCut
	}
	if int(binary.BigEndian.Uint16(b[2:])) != len(b) {
		return answer{}, errCut
	}
	switch b[1] {
	case 0x0A:
	case 0x00:
		return answer{}, fmt.Errorf("what is at this address does not pass on requests: result %#x", b[4:])
	default:
		return answer{}, errForeign
	}
	apdu, err := r.unwrap(b[4:])
	if err != nil {
		return answer{}, err
	}
	return parseAPDU(apdu)
}

// unwrap takes off the network layer.
func (r route) unwrap(b []byte) ([]byte, error) {
	if len(b) < 2 || b[0] != version {
		return nil, errCut
	}
	control, b := b[1], b[2:]
	address := func() (network uint16, mac string, ok bool) {
		if len(b) < 3 || len(b) < 3+int(b[2]) {
			return 0, "", false
		}
		network, mac = binary.BigEndian.Uint16(b), string(b[3:3+b[2]])
		b = b[3+b[2]:]
		return network, mac, true
	}
	if control&0x20 != 0 {
		if _, _, ok := address(); !ok {
			return nil, errCut
		}
	}
	var from route
	if control&0x08 != 0 {
		var ok bool
		if from.network, from.mac, ok = address(); !ok {
			return nil, errCut
		}
	}
	if control&0x20 != 0 {
		if len(b) < 1 {
			return nil, errCut
		}
		b = b[1:]
	}
	if control&0x80 != 0 {
		return nil, r.message(b)
	}
	if from != r {
		return nil, errForeign
	}
	return b, nil
}

// message is what a router says by itself.
func (r route) message(b []byte) error {
	if len(b) < 4 || b[0] != 3 || binary.BigEndian.Uint16(b[2:]) != r.network {
		return errForeign
	}
	switch b[1] {
	case 1:
		return fmt.Errorf("the router knows no way to network %d", r.network)
	case 2:
		return fmt.Errorf("the router is busy, and does not reach network %d now", r.network)
	}
	return fmt.Errorf("the router does not pass requests to network %d: reason %d", r.network, b[1])
}

// parseAPDU reads what the device itself says.
func parseAPDU(b []byte) (answer, error) {
	if len(b) < 3 {
		return answer{}, errCut
	}
	a := answer{id: b[1]}
	switch b[0] >> 4 {
	case 3:
		a.kind, a.service, a.body = ack, b[2], b[3:]
		if b[0]&0x08 != 0 {
			a.kind, a.refusal = segmented, refusal{kind: segmented}
			return a, nil
		}
	case 5:
		class, rest, err := next(b[3:])
		if err != nil {
			return answer{}, err
		}
		code, _, err := next(rest)
		if err != nil {
			return answer{}, err
		}
		a.kind, a.service = failed, b[2]
		if a.refusal, err = refused(class, code); err != nil {
			return answer{}, err
		}
	case 6:
		a.kind, a.refusal = rejected, refusal{kind: rejected, reason: b[2]}
	case 7:
		a.kind, a.refusal = aborted, refusal{kind: aborted, reason: b[2]}
	default:
		return answer{}, errForeign
	}
	return a, nil
}

// refused is the error of a class and a code.
func refused(class, code tag) (refusal, error) {
	c, ok := class.unsigned(enumerated)
	d, ok2 := code.unsigned(enumerated)
	if !ok || !ok2 {
		return refusal{}, errCut
	}
	return refusal{kind: failed, class: uint32(c), code: uint32(d)}, nil
}
