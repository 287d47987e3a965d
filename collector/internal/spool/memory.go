package spool

import "slices"

// memory holds encoded frames, oldest first: those that no sync has covered
// yet, or, without a disk, all that there are.
type memory struct {
	buf  []byte
	held []held
}

// held is where a frame lies in memory.buf.
type held struct {
	first, seq uint64
	off, n     int
}

func (m *memory) empty() bool { return len(m.held) == 0 }

// push encodes f at the end and returns its bytes.
func (m *memory) push(f *frame) []byte {
	at := len(m.buf)
	m.buf = f.append(m.buf)
	m.held = append(m.held, held{f.first, f.seq, at, len(m.buf) - at})
	return m.buf[at:]
}

func (m *memory) frame(i int) frame {
	h := m.held[i]
	return view(m.buf[h.off : h.off+h.n])
}

// find is the index of the oldest frame that reaches seq or more.
func (m *memory) find(seq uint64) int {
	i, _ := slices.BinarySearchFunc(m.held, seq, func(h held, seq uint64) int {
		if h.seq < seq {
			return -1
		}
		return 1
	})
	return i
}

// forget drops the frames up to seq and says how many numbers they stood for.
func (m *memory) forget(seq uint64) (numbers uint64) {
	i := m.find(seq + 1)
	if i == 0 {
		return 0
	}
	for _, h := range m.held[:i] {
		numbers += h.seq - h.first + 1
	}
	if i == len(m.held) {
		m.buf, m.held = m.buf[:0], m.held[:0]
		return numbers
	}
	cut := m.held[i].off
	m.buf = slices.Delete(m.buf, 0, cut)
	m.held = slices.Delete(m.held, 0, i)
	for i := range m.held {
		m.held[i].off -= cut
	}
	return numbers
}

// oldest is the highest number of the oldest frames that make up n bytes or
// more together.
func (m *memory) oldest(n int) (seq uint64) {
	for _, h := range m.held {
		seq = h.seq
		if h.off+h.n >= n {
			break
		}
	}
	return seq
}

// replace puts the encoded frames b in the place of the oldest ones, up to seq.
func (m *memory) replace(seq uint64, b []byte) {
	m.forget(seq)
	old := *m
	*m = memory{buf: b}
	for off := 0; off < len(b); {
		n, err := frameSize(b[off:])
		if err != nil {
			break // frames of our own making
		}
		f := view(b[off : off+n])
		m.held = append(m.held, held{f.first, f.seq, off, n})
		off += n
	}
	for _, h := range old.held {
		m.held = append(m.held, held{h.first, h.seq, len(m.buf), h.n})
		m.buf = append(m.buf, old.buf[h.off:h.off+h.n]...)
	}
}
