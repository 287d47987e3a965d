package intake

import (
	"bufio"
	"errors"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// A wideText reads UTF-16, as spreadsheets save Unicode text, as UTF-8. Half of a
// pair, or of a unit at the end, is the sign for what cannot be read.
type wideText struct {
	r    *bufio.Reader
	big  bool   // the high byte comes first
	left []byte // of a rune that did not fit
}

// unit is the next 16 bits.
func (w *wideText) unit() (rune, error) {
	a, err := w.r.ReadByte()
	if err != nil {
		return 0, err
	}
	b, err := w.r.ReadByte()
	switch {
	case errors.Is(err, io.EOF):
		return utf8.RuneError, nil
	case err != nil:
		return 0, err
	case w.big:
		return rune(a)<<8 | rune(b), nil
	}
	return rune(b)<<8 | rune(a), nil
}

// half is the second unit of a pair, if it is there.
func (w *wideText) half(first rune) rune {
	b, err := w.r.Peek(2)
	if err != nil {
		return utf8.RuneError
	}
	second := rune(b[1])<<8 | rune(b[0])
	if w.big {
		second = rune(b[0])<<8 | rune(b[1])
	}
	r := utf16.DecodeRune(first, second)
	if r != utf8.RuneError {
		_, _ = w.r.Discard(2) // it was seen
	}
	return r
}

func (w *wideText) Read(p []byte) (n int, err error) {
	n = copy(p, w.left)
	w.left = w.left[n:]
	for n < len(p) {
		if n > 0 && w.r.Buffered() == 0 {
			return n, nil
		}
		r, err := w.unit()
		if err != nil {
			if n > 0 && errors.Is(err, io.EOF) {
				err = nil
			}
			return n, err
		}
		if utf16.IsSurrogate(r) {
			r = w.half(r)
		}
		var b [utf8.UTFMax]byte
		size := utf8.EncodeRune(b[:], r)
		took := copy(p[n:], b[:size])
		n += took
		w.left = append(w.left[:0], b[took:size]...)
	}
	return n, nil
}
