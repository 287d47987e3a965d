package wire

import (
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/collector/metric"
)

func TestNamesComeBackWhateverTheirShape(t *testing.T) {
	const uuid = "GPU-01234567-89ab-cdef-0123-456789abcdef"
	for _, tc := range []struct {
		name  string
		bytes int // more than the fixed part
	}{
		{uuid, 17}, {"GPU-00000000-0000-0000-0000-000000000000", 17},
		{strings.ToUpper(uuid), 41}, {uuid + "0", 42}, {uuid[:39], 40}, {"gpu" + uuid[3:], 41},
		{"GPU-01234567+89ab-cdef-0123-456789abcdef", 41}, {"GPU-g1234567-89ab-cdef-0123-456789abcdef", 41}, {"x", 2},
	} {
		l, err := Compile(&metric.Layout{Entities: []metric.Entity{{Kind: metric.GPU, Name: tc.name, Parent: -1}}})
		if err != nil {
			t.Fatal(err)
		}
		if got := len(l.encoded) - 6; got != tc.bytes {
			t.Errorf("%q takes %d bytes, want %d", tc.name, got, tc.bytes)
		}
		back, err := readLayout(l.encoded)
		if err != nil || back.Entities[0].Name != tc.name {
			t.Errorf("%q came back as %v, %v", tc.name, back, err)
		}
	}
	// A uuid written as text is not the one form there is.
	l, _ := Compile(&metric.Layout{Entities: []metric.Entity{{Kind: metric.GPU, Name: strings.ToUpper(uuid), Parent: -1}}})
	long := []byte(strings.Replace(string(l.encoded), strings.ToUpper(uuid), uuid, 1))
	if _, err := readLayout(long); err == nil {
		t.Error("a uuid in text was accepted")
	}
}
