package wire

import (
	"encoding/binary"
	"encoding/hex"
)

// A GPU's name is its uuid, and a ledger record says the names of all its
// boards: as 16 octets they are a third of the record instead of half.
const uuidPrefix = "GPU-"

// uuidDashes are the places of the dashes in the 36 characters of a UUID
// (RFC 9562, section 4).
var uuidDashes = [...]int{8, 13, 18, 23}

// appendName appends a name: as octets if it is a board's uuid, as text if not.
func appendName(dst []byte, s string) []byte {
	if u, ok := packUUID(s); ok {
		dst = append(dst, 0)
		return append(dst, u[:]...)
	}
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// packUUID is the octets of a name like GPU-01234567-89ab-cdef-0123-456789abcdef.
func packUUID(s string) (u [16]byte, ok bool) {
	if len(s) != len(uuidPrefix)+36 || s[:len(uuidPrefix)] != uuidPrefix {
		return u, false
	}
	s = s[len(uuidPrefix):]
	var digits [32]byte
	n := 0
	for i := range len(s) {
		dash := i == uuidDashes[0] || i == uuidDashes[1] || i == uuidDashes[2] || i == uuidDashes[3]
		switch c := s[i]; {
		case dash && c != '-', !dash && (c < '0' || c > '9') && (c < 'a' || c > 'f'):
			return u, false
		case !dash:
			digits[n] = c
			n++
		}
	}
	_, err := hex.Decode(u[:], digits[:])
	return u, err == nil
}

func unpackUUID(u []byte) string {
	b := hex.AppendEncode(append(make([]byte, 0, 48), uuidPrefix...), u[:4])
	for _, part := range [][]byte{u[4:6], u[6:8], u[8:10], u[10:16]} {
		b = hex.AppendEncode(append(b, '-'), part)
	}
	return string(b)
}
