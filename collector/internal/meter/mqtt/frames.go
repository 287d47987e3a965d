package mqtt

import (
	"bufio"
	"errors"
	"fmt"
	"net"
)

// A framed connection lets through what a broker sends to one who listens, packet
// by packet. Of a message that is too long only the beginning gets through, so that
// it does not take the memory that its length says, nor the connection with it.
//
//	┌──────┬─────────────────┬──────────────────────────┐
//	│ type │ length, 1-4 B   │ length bytes             │
//	└──────┴─────────────────┴──────────────────────────┘
type framed struct {
	net.Conn
	from *bufio.Reader
	head []byte // to be passed on first
	pass int    // bytes of the packet to be passed on
	skip int    // and left out after that
}

// mostFrame is as much as gets through of a packet: more than a message may have,
// with the longest topic.
const mostFrame = mostBytes + 1<<16 + 8

// Types of packets, as brokers send them.
const (
	connack  = 2
	publish  = 3
	suback   = 9
	pingresp = 13
)

func frame(c net.Conn) *framed { return &framed{Conn: c, from: bufio.NewReader(c)} }

func (f *framed) Read(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		switch {
		case len(f.head) > 0:
			n = copy(p, f.head)
			f.head = f.head[n:]
			return n, nil
		case f.pass > 0:
			n, err = f.from.Read(p[:min(len(p), f.pass)])
			f.pass -= n
			return n, err
		case f.skip > 0:
			if n, err = f.from.Discard(f.skip); err != nil {
				f.skip -= n
				return 0, err
			}
			f.skip = 0
		}
		if err := f.next(); err != nil {
			return 0, err
		}
	}
}

var errLength = errors.New("a packet without an end")

// next reads where the next packet begins.
func (f *framed) next() error {
	kind, err := f.from.ReadByte()
	if err != nil {
		return err
	}
	length := 0
	for shift := 0; ; shift += 7 {
		b, err := f.from.ReadByte()
		if err != nil {
			return err
		}
		length |= int(b&0x7f) << shift
		if b < 0x80 {
			break
		}
		if shift == 21 {
			return errLength
		}
	}
	ok := false
	switch kind >> 4 {
	case connack:
		ok = length == 2
	case publish:
		ok = kind&0x06 <= 0x02 && length >= 2 // QoS 0 or 1
	case suback:
		ok = length == 3 // each topic is asked for by itself
	case pingresp:
		ok = length == 0
	}
	if !ok {
		return fmt.Errorf("a packet of type %d and %d bytes, which no broker sends here", kind>>4, length)
	}
	f.pass = min(length, mostFrame)
	f.skip = length - f.pass
	f.head = append(f.head[:0], kind)
	for n := f.pass; ; n >>= 7 {
		if n < 0x80 {
			f.head = append(f.head, byte(n))
			return nil
		}
		f.head = append(f.head, byte(n)|0x80)
	}
}
