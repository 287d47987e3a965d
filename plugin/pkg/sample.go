package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
)

// sample is [unix seconds, "value"].
type sample struct {
	millis int64
	value  *float64 // nil: not a number
}

// samples are those of a series: there may be a million in an answer, so they are
// read without reflection.
type samples []sample

var errSample = errors.New(`a sample is not [seconds, "value"]`)

// UnmarshalJSON reads one.
func (s *sample) UnmarshalJSON(b []byte) error {
	r := sampleReader{b: b}
	*s = r.sample(new(float64))
	return r.end()
}

// UnmarshalJSON reads a list.
func (l *samples) UnmarshalJSON(b []byte) error {
	r := sampleReader{b: b}
	n := bytes.Count(b, []byte{'"'}) / 2
	out, values := make(samples, 0, n), make([]float64, n)
	for r.expect('['); !r.failed && len(out) < n; {
		if len(out) > 0 {
			r.expect(',')
		}
		out = append(out, r.sample(&values[len(out)]))
	}
	r.expect(']')
	*l = out
	return r.end()
}

// sampleReader reads what encoding/json found to be JSON.
type sampleReader struct {
	b      []byte
	failed bool
}

func (r *sampleReader) sample(room *float64) (s sample) {
	r.expect('[')
	at := r.number(r.until(','))
	r.expect(',')
	r.expect('"')
	text := r.until('"')
	r.expect('"')
	r.expect(']')
	*room = r.number(text)
	if s.millis = int64(math.Round(at * 1000)); !math.IsNaN(*room) {
		s.value = room
	}
	return s
}

func (r *sampleReader) space() { r.b = bytes.TrimLeft(r.b, " \t\r\n") }

func (r *sampleReader) expect(c byte) {
	if r.space(); len(r.b) == 0 || r.b[0] != c {
		r.b, r.failed = nil, true
		return
	}
	r.b = r.b[1:]
}

// until is what stands before c.
func (r *sampleReader) until(c byte) []byte {
	i := bytes.IndexByte(r.b, c)
	if i < 0 {
		r.b, r.failed = nil, true
		return nil
	}
	found := r.b[:i]
	r.b = r.b[i:]
	return found
}

func (r *sampleReader) number(text []byte) float64 {
	v, err := strconv.ParseFloat(string(bytes.TrimSpace(text)), 64)
	r.failed = r.failed || err != nil
	return v
}

func (r *sampleReader) end() error {
	if r.space(); r.failed || len(r.b) > 0 {
		return errSample
	}
	return nil
}

var _, _ json.Unmarshaler = (*sample)(nil), (*samples)(nil)
