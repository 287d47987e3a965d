package ledger

import "encoding/binary"

// reader reads bytes that nobody vouches for. After it failed it reads zeros.
type reader struct {
	b      []byte
	failed bool
	seen   map[string]string // what again has read
}

func (r *reader) fail() { r.b, r.failed = nil, true }

func (r *reader) uint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) int() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

// below is a number less than limit.
func (r *reader) below(limit uint64) uint64 {
	v := r.uint()
	if v >= limit {
		r.fail()
		return 0
	}
	return v
}

// count is a number of things that take at least size bytes each.
func (r *reader) count(size int) int { return int(r.below(uint64(len(r.b)/size) + 1)) }

func (r *reader) bytes(n int) []byte {
	if n > len(r.b) {
		r.fail()
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) byte() byte {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) string() string { return string(r.bytes(r.count(1))) }

// again reads a string that is likely to have come before, and keeps one of it.
func (r *reader) again() string {
	b := r.bytes(r.count(1))
	if s, ok := r.seen[string(b)]; ok || len(b) == 0 {
		return s
	}
	if r.seen == nil {
		r.seen = map[string]string{}
	}
	s := string(b)
	r.seen[s] = s
	return s
}
