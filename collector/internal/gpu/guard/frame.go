package guard

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"io"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
)

// Bounds of a frame. Events are what there may be many of.
const (
	maxFrame  = 8 << 20
	maxEvents = 50_000
)

// An answer is one frame.
type answer struct {
	Reading gpu.Reading
	Error   string // of the driver; empty if there was none
	None    bool   // there is no driver; Reading.Refused says why
}

// A writer writes frames.
type writer struct {
	to    io.Writer
	frame bytes.Buffer
	enc   *gob.Encoder
}

func newWriter(to io.Writer) *writer {
	w := &writer{to: to}
	w.enc = gob.NewEncoder(&w.frame)
	return w
}

func (w *writer) write(a *answer) error {
	w.frame.Reset()
	w.frame.Write([]byte{0, 0, 0, 0})
	if err := w.enc.Encode(a); err != nil {
		return fmt.Errorf("encode reading: %w", err)
	}
	b := w.frame.Bytes()
	if len(b)-4 > maxFrame {
		return fmt.Errorf("encode reading: %d bytes, at most %d", len(b)-4, maxFrame)
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	if _, err := w.to.Write(b); err != nil {
		return fmt.Errorf("write reading: %w", err)
	}
	return nil
}

// A reader reads frames. After an error it is of no more use; one that is io.EOF
// or io.ErrUnexpectedEOF says that there are no more bytes.
type reader struct {
	from  io.Reader
	buf   bytes.Buffer
	frame bytes.Reader
	dec   *gob.Decoder
}

func newReader(from io.Reader) *reader {
	r := &reader{from: from}
	r.dec = gob.NewDecoder(&r.frame)
	return r
}

func (r *reader) read() (*answer, error) {
	var head [4]byte
	if _, err := io.ReadFull(r.from, head[:]); err != nil {
		return nil, err
	}
	n := int64(binary.BigEndian.Uint32(head[:]))
	if n > maxFrame {
		return nil, fmt.Errorf("a frame of %d bytes, at most %d", n, maxFrame)
	}
	r.buf.Reset()
	if _, err := io.CopyN(&r.buf, r.from, n); err != nil {
		return nil, fmt.Errorf("a frame that ends early: %w", err)
	}
	r.frame.Reset(r.buf.Bytes())
	a := &answer{} // a new one, for gob leaves out what is zero
	if err := r.dec.Decode(a); err != nil {
		return nil, fmt.Errorf("decode a frame: %v", err) // not an end of its kind
	}
	if r.frame.Len() > 0 {
		return nil, errors.New("a frame that goes on after its answer")
	}
	return a, nil
}
