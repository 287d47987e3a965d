package wire

import (
	"encoding/binary"
	"math/bits"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// maxLoad is the greatest width whose values can be taken out of one 64-bit
// load at any bit offset within a byte.
const maxLoad = 56

// widthOf is the number of bits in which u is packed.
func widthOf(u uint64) int {
	if w := bits.Len64(u); w <= maxLoad {
		return w
	}
	return 64
}

// packedLen is the number of bytes that n values of w bits take.
func packedLen(n, w int) int { return (n*w + 7) >> 3 }

// appendPacked appends x, less base, in w bits each.
func appendPacked(dst []byte, x []int64, base int64, w int) []byte {
	var acc uint64
	n := 0
	for _, v := range x {
		u := uint64(v - base)
		acc |= u << n
		if n += w; n >= 64 {
			dst = binary.LittleEndian.AppendUint64(dst, acc)
			n -= 64
			acc = u >> (w - n)
		}
	}
	for ; n > 0; n -= 8 {
		dst = append(dst, byte(acc))
		acc >>= 8
	}
	return dst
}

// unpack fills out with base plus the values of w bits that lie in src from the
// given bit on. The bytes of src after them may be read, not used.
func unpack(out []metric.Raw, src []byte, bit, w int, base int64) {
	if w == 0 {
		for i := range out {
			out[i] = metric.Raw(base)
		}
		return
	}
	if w == 64 {
		src = src[bit>>3:]
		for i := range out {
			out[i] = metric.Raw(base + int64(binary.LittleEndian.Uint64(src[i*8:])))
		}
		return
	}
	mask := uint64(1)<<w - 1
	fast := len(out) // those whose 64-bit load ends within src
	for fast > 0 && (bit+(fast-1)*w)>>3+8 > len(src) {
		fast--
	}
	for i := range out[:fast] {
		out[i] = metric.Raw(base + int64(binary.LittleEndian.Uint64(src[bit>>3:])>>(bit&7)&mask))
		bit += w
	}
	for i := fast; i < len(out); i++ {
		var last [8]byte
		copy(last[:], src[bit>>3:])
		out[i] = metric.Raw(base + int64(binary.LittleEndian.Uint64(last[:])>>(bit&7)&mask))
		bit += w
	}
}

// uvarint reads an unsigned varint in its fewest bytes; n is 0 if b does not
// begin with one.
func uvarint(b []byte) (u uint64, n int) {
	if len(b) > 0 && b[0] < 0x80 {
		return uint64(b[0]), 1
	}
	u, n = binary.Uvarint(b)
	if n <= 0 || b[n-1] == 0 {
		return 0, 0
	}
	return u, n
}

// uvarintLen is the number of bytes of u as a varint.
func uvarintLen(u uint64) int { return (bits.Len64(u|1) + 6) / 7 }

func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }
