//go:build cgo

package nvml

import (
	"encoding/binary"
	"testing"

	nvidia "github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// FuzzFields answers every field with any result, type and bits, nine octets a
// field.
func FuzzFields(f *testing.F) {
	f.Add([]byte("\x00\x03\x01\x00\x00\x00\x00\x00\x00\x00\x0f\x00"))
	f.Add([]byte("\x00\x00\xff\xff\xff\xff\xff\xff\xef\x7f\x03\x04\xff\xff\xff\xff\xff\xff\xff\x7f"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h := newHost(t)
		board := h100("GPU-1")
		board.h = h
		if len(b) > 0 {
			for i, x := range withLinks() {
				at := func(k int) uint64 { return uint64(b[(i*10+k)%len(b)]) }
				var bits [8]byte
				for k := range bits {
					bits[k] = byte(at(k + 2))
				}
				board.fields[key{x.id, x.scope}] = datum{nvidia.Return(at(0)), nvidia.ValueType(at(1)), binary.NativeEndian.Uint64(bits[:]), driven}
			}
		}
		var v [gpu.Slots]metric.Raw
		for i := range v {
			v[i] = metric.Missing
		}
		q := ask(withLinks())
		for range 2 {
			q.put(board, &v)
		}
		for s, raw := range v {
			if n := gpu.Slot(s).Def().Value(raw); raw != metric.Missing && !(n >= 0 && n <= most) {
				t.Errorf("slot %d is %v", s, n)
			}
		}
	})
}
