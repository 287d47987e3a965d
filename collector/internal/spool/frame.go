package spool

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// Class says what may happen to a frame when room runs out.
type Class uint8

const (
	Ordinary Class = iota // thinned first
	Keep                  // survives thinning: the turn of an hour
	gap                   // stands for a run of frames that is no longer held
	Turn                  // survives thinning, and so does the frame before it: the first of a life, after the last of another
	classes
)

// MaxPayload is the largest payload of a frame, in bytes.
const MaxPayload = 1 << 20

const (
	magic0, magic1 = 0xF7, 0xA9
	version        = 1
	headerSize     = 32
	frameOverhead  = headerSize + 4
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	magic      = []byte{magic0, magic1}
)

// errBad is why bytes are no frame; it never leaves the package.
var errBad = errors.New("not a frame")

// A frame is one entry of the queue.
type frame struct {
	class   Class
	first   uint64 // the sequence numbers it stands for, first to seq
	seq     uint64
	time    int64 // milliseconds since 1970 UTC
	payload []byte
}

// append adds the encoded frame to b.
func (f *frame) append(b []byte) []byte {
	at := len(b)
	b = append(b, magic0, magic1, version, byte(f.class))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(f.payload)))
	b = binary.LittleEndian.AppendUint64(b, f.first)
	b = binary.LittleEndian.AppendUint64(b, f.seq)
	b = binary.LittleEndian.AppendUint64(b, uint64(f.time))
	b = append(b, f.payload...)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[at:], castagnoli))
}

// frameSize is the size of the frame whose header b begins with. It does not
// look past the header.
func frameSize(b []byte) (int, error) {
	if len(b) < frameOverhead || b[0] != magic0 || b[1] != magic1 || b[2] != version || Class(b[3]) >= classes {
		return 0, errBad
	}
	n := binary.LittleEndian.Uint32(b[4:])
	first, seq := binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b[16:])
	if n > MaxPayload || first == 0 || first > seq || Class(b[3]) != gap && first != seq {
		return 0, errBad
	}
	return frameOverhead + int(n), nil
}

// parse reads the frame that b begins with; its payload is a view of b.
func parse(b []byte) (frame, int, error) {
	n, err := frameSize(b)
	if err != nil || len(b) < n {
		return frame{}, 0, errBad
	}
	if crc32.Checksum(b[:n-4], castagnoli) != binary.LittleEndian.Uint32(b[n-4:]) {
		return frame{}, 0, errBad
	}
	return view(b[:n]), n, nil
}

// view is the frame that b, known to be whole and right, is.
func view(b []byte) frame {
	return frame{
		class:   Class(b[3]),
		first:   binary.LittleEndian.Uint64(b[8:]),
		seq:     binary.LittleEndian.Uint64(b[16:]),
		time:    int64(binary.LittleEndian.Uint64(b[24:])),
		payload: b[headerSize : len(b)-4],
	}
}
