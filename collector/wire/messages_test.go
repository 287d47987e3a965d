package wire_test

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"github.com/gigawatch/gigawatch/collector/wire"
)

func TestMessagesThatTravelAsOneAreParted(t *testing.T) {
	var all [][]byte
	known := vectors(t)
	for _, name := range slices.Sorted(maps.Keys(known)) {
		all = append(all, known[name])
	}
	a, b := all[0], all[1]
	short := bytes.Clone(a)
	copy(short[4:], []byte{3, 0, 0, 0}) // its length
	for name, in := range map[string][][]byte{
		"none":                         {{}},
		"one":                          {a},
		"every vector":                 all,
		"one twice":                    {a, a},
		"the last is cut off":          {a, b[:len(b)-1]},
		"the last is a few bytes":      {a, b[:5]},
		"what is no message ends them": {a, append([]byte("no message"), b...)},
		"the first is no message":      {append([]byte{0}, slices.Concat(a, b)...)},
		"of a length that cannot be":   {b, slices.Concat(short, a)},
	} {
		t.Run(name, func(t *testing.T) {
			got := slices.Collect(wire.Messages(slices.Concat(in...)))
			if !slices.EqualFunc(got, in, bytes.Equal) {
				t.Errorf("%d parts, want %d, or not the same bytes", len(got), len(in))
			}
		})
	}
}

func FuzzMessages(f *testing.F) {
	for _, b := range vectors(f) {
		f.Add(slices.Concat(b, b[:len(b)/2]))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		parts := slices.Collect(wire.Messages(b))
		if !bytes.Equal(slices.Concat(parts...), b) || len(parts) > 1+len(b)/20 {
			t.Errorf("%d parts of %d bytes", len(parts), len(b))
		}
	})
}
