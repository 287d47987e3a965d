package spool

import (
	"bytes"
	"io"
)

// window is how much a reader takes from the disk at once.
const window = 64 << 10

// A reader walks the frames of one segment file through a window of it.
type reader struct {
	f    File
	size int64 // of the file, as far as it belongs to the segment
	buf  []byte
	base int64 // where buf begins in the file
}

// at is what the file holds from off on: n bytes or more, or all there is.
func (r *reader) at(off int64, n int) ([]byte, error) {
	n = int(min(int64(n), r.size-off))
	if n <= 0 {
		return nil, nil
	}
	if off >= r.base && off+int64(n) <= r.base+int64(len(r.buf)) {
		return r.buf[off-r.base:], nil
	}
	take := int(min(int64(max(n, window)), r.size-off))
	if cap(r.buf) < take {
		r.buf = make([]byte, take)
	}
	r.buf, r.base = r.buf[:take], off
	got, err := r.f.ReadAt(r.buf, off)
	r.buf = r.buf[:got]
	if err != nil && err != io.EOF { // a file shorter than thought ends there
		return nil, err
	}
	return r.buf, nil
}

// frame is the frame at off, and its size: io.EOF at the end, errBad if there
// is none.
func (r *reader) frame(off int64) (frame, int, error) {
	if off >= r.size {
		return frame{}, 0, io.EOF
	}
	b, err := r.at(off, frameOverhead)
	if err != nil {
		return frame{}, 0, err
	}
	n, err := frameSize(b)
	if err != nil {
		return frame{}, 0, err
	}
	if b, err = r.at(off, n); err != nil {
		return frame{}, 0, err
	}
	return parse(b)
}

// resync is where the next frame begins at or after off; the segment's end if
// there is none.
func (r *reader) resync(off int64) (int64, error) {
	for off < r.size {
		b, err := r.at(off, frameOverhead)
		if err != nil {
			return off, err
		}
		if len(b) == 0 {
			break
		}
		i := bytes.Index(b, magic)
		if i < 0 {
			off += int64(max(1, len(b)-1)) // the magic may straddle the window's end
			continue
		}
		off += int64(i)
		switch _, _, err := r.frame(off); err {
		case nil:
			return off, nil
		case errBad, io.EOF:
			off++
		default:
			return off, err
		}
	}
	return r.size, nil
}

func (r *reader) close() {
	if r.f != nil {
		r.f.Close()
	}
	*r = reader{buf: r.buf[:0]}
}
