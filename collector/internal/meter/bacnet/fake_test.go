package bacnet

import (
	"encoding/binary"
	"fmt"
	"math"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gigawatch/gigawatch/collector/site"
)

// A fake is a device in the test's own process, which can be made to misbehave.
type fake struct {
	addr string
	route

	mu       sync.Mutex
	held     map[place][]byte // values as they are sent; nil: an error of its own
	multiple bool
	silent   func(service byte) bool       // requests of that service are not answered
	refuses  func(id, service byte) []byte // an APDU in place of the answer; nil: none
	spoils   func(answer []byte) [][]byte  // frames in its place; nil: as it is
	slow     time.Duration
	requests map[byte]int // by service
	busy     int
	most     int // requests at once
}

func serve(t *testing.T, r route) *fake {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{addr: conn.LocalAddr().String(), route: r, held: map[place][]byte{}, multiple: true, requests: map[byte]int{}}
	var working sync.WaitGroup
	working.Go(func() {
		b := make([]byte, 2048)
		for {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			request := append([]byte(nil), b[:n]...)
			working.Go(func() {
				for _, frame := range f.answer(request) {
					conn.WriteTo(frame, from)
				}
			})
		}
	})
	t.Cleanup(func() { conn.Close(); working.Wait() })
	return f
}

// answer is what f sends to a request.
func (f *fake) answer(b []byte) [][]byte {
	head := 6
	if f.network != 0 {
		head += 3 + len(f.mac) + 1
	}
	if len(b) < head+4 {
		return nil
	}
	apdu := b[head:]
	id, service := apdu[2], apdu[3]
	f.mu.Lock()
	f.requests[service]++
	f.busy++
	f.most = max(f.most, f.busy)
	slow := f.slow
	f.mu.Unlock()
	time.Sleep(slow)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.busy--
	if f.silent != nil && f.silent(service) {
		return nil
	}
	var reply []byte
	if f.refuses != nil {
		reply = f.refuses(id, service)
	}
	switch {
	case reply != nil:
	case service == readPropertyMultiple && !f.multiple:
		reply = []byte{0x60, id, 9}
	case service == readPropertyMultiple:
		reply = append([]byte{0x30, id, service}, f.list(apdu[4:])...)
	default:
		at := place{object(binary.BigEndian.Uint32(apdu[5:])), apdu[10]}
		v, err := f.find(at)
		if err != nil {
			reply = append([]byte{0x50, id, service}, err...)
			break
		}
		reply = append([]byte{0x30, id, service}, apdu[4:11]...)
		reply = append(append(append(reply, 0x3E), v...), 0x3F)
	}
	frame := f.sent(reply)
	if f.spoils != nil {
		return f.spoils(frame)
	}
	return [][]byte{frame}
}

// sent is a frame as it comes from f.
func (f *fake) sent(apdu []byte) []byte {
	b := []byte{0x81, 0x0A, 0, 0, 1, 0}
	if f.network != 0 {
		b[5] = 0x08
		b = append(binary.BigEndian.AppendUint16(b, f.network), byte(len(f.mac)))
		b = append(b, f.mac...)
	}
	b = append(b, apdu...)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	return b
}

func (f *fake) list(b []byte) (reply []byte) {
	for len(b) >= 6 {
		of := object(binary.BigEndian.Uint32(b[1:]))
		reply = append(reply, b[:6]...)
		for b = b[6:]; b[0] != 0x1F; b = b[2:] {
			reply = append(reply, 0x29, b[1])
			if v, err := f.find(place{of, b[1]}); err != nil {
				reply = append(append(append(reply, 0x5E), err...), 0x5F)
			} else {
				reply = append(append(append(reply, 0x4E), v...), 0x4F)
			}
		}
		reply, b = append(reply, 0x1F), b[1:]
	}
	return reply
}

func (f *fake) find(at place) (v, err []byte) {
	if v, ok := f.held[at]; ok {
		return v, nil
	}
	for has := range f.held {
		if has.of == at.of {
			return nil, []byte{0x91, 2, 0x91, unknownProperty}
		}
	}
	return nil, []byte{0x91, 1, 0x91, unknownObject}
}

// set changes properties of an object, of which each is a number and its bytes.
func (f *fake) set(of object, p map[byte][]byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for n, v := range p {
		f.held[place{of, n}] = v
	}
}

func (f *fake) with(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func real32(v float64) []byte {
	return binary.BigEndian.AppendUint32([]byte{0x44}, math.Float32bits(float32(v)))
}
func uint32of(v uint32) []byte { return binary.BigEndian.AppendUint32([]byte{0x24}, v) }
func enum(v byte) []byte       { return []byte{0x91, v} }
func status(v byte) []byte     { return []byte{0x82, 4, v} }

// The meter of most tests: power of an analog input, energy of an accumulator.
var (
	powerOf  = objectOf(0, 1)
	energyOf = objectOf(accumulator, 7)
)

func (f *fake) meter(watts float64, wh uint32) {
	f.set(powerOf, map[byte][]byte{propPresentValue: real32(watts), propStatusFlags: status(0), propReliability: enum(0), propUnits: enum(47)})
	f.set(energyOf, map[byte][]byte{propPresentValue: uint32of(wh), propStatusFlags: status(0), propUnits: enum(18), propScale: {0x0C, 0x3F, 0x80, 0, 0}})
}

// reader reads it.
func (f *fake) reader(t *testing.T, change func(*site.BACnet)) *Reader {
	t.Helper()
	d := &site.BACnet{Address: f.addr, Device: -1, Network: int(f.network), MAC: fmt.Sprintf("%x", f.mac), Objects: []site.BACnetObject{
		{Field: site.Field{Measures: site.MeasuresPower, Unit: "W"}, Type: "analog_input", Instance: 1},
		{Field: site.Field{Measures: site.MeasuresEnergy, Unit: "Wh"}, Type: "accumulator", Instance: 7},
	}}
	if change != nil {
		change(d)
	}
	r, _, err := Of(d)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func plain(watts float64, wh uint64) []meter.Value {
	return []meter.Value{
		{Quantity: meter.Power, Number: watts},
		{Quantity: meter.Energy, Register: meter.Register{Steps: wh, Size: meter.Size{Num: 3_600_000, Den: 1}}},
	}
}
