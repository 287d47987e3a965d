package amd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// maxMetrics is a page: no file of sysfs shows more at once.
const maxMetrics = 4096

// A snapshot is what is used of the firmware's table gpu_metrics.
type snapshot struct {
	power  metric.Raw // of the socket
	energy metric.Raw // millijoules since the driver was loaded
}

// A layout says where a revision of gpu_metrics has what: offsets in bytes.
// They follow from struct gpu_metrics_v1_N of the kernel's
// kgd_pp_interface.h with the natural alignment of C.
type layout struct {
	power  int // u16, watts
	energy int // u64, 2^-16 joules
}

// layoutOf is the layout of content revision c of format 1 in a table of the
// given size. Revision 1.0 has 32 bits of energy of an unknown unit; 1.9 has no
// fixed layout.
func layoutOf(c byte, size int) (layout, bool) {
	switch c {
	case 1, 2, 3:
		return layout{power: 22, energy: 24}, true
	case 4, 7, 8:
		return layout{power: 10, energy: 24}, true
	case 5:
		return layout{power: 10, energy: 88}, true
	case 6:
		// The first shape of 1.6 had the engines of 1.5 before the energy.
		if size == 384 {
			return layout{power: 10, energy: 88}, true
		}
		return layout{power: 10, energy: 16}, true
	}
	return layout{}, false
}

// errMetrics is what a table that cannot be read is.
var errMetrics = errors.New("gpu_metrics is cut off or is none")

// decode reads a table of gpu_metrics:
//
//	| size u16 | format u8 | content u8 | as the revision has it ... |
//
// little endian.
func decode(b []byte) (snapshot, error) {
	s := snapshot{metric.Missing, metric.Missing}
	if len(b) < 4 {
		return s, errMetrics
	}
	size, format, content := int(binary.LittleEndian.Uint16(b)), b[2], b[3]
	if size > len(b) || size < 4 {
		return s, errMetrics
	}
	b = b[:size]
	if format == 1 && content == 9 {
		return s, s.attributes(b)
	}
	l, ok := layoutOf(content, size)
	if format != 1 || !ok {
		return s, fmt.Errorf("gpu_metrics has revision %d.%d, which is not known here", format, content)
	}
	if l.energy+8 > size {
		return s, errMetrics
	}
	s.power = watts16(binary.LittleEndian.Uint16(b[l.power:]))
	s.energy = millijoules(binary.LittleEndian.Uint64(b[l.energy:]))
	return s, nil
}

// Attributes of revision 1.9 (enum amdgpu_metrics_attr_id).
const (
	attributePower  = 3
	attributeEnergy = 7
)

// attributes reads the body of revision 1.9: a count and so many attributes,
// packed.
//
//	| count i32 | what u64 | value × instances | what u64 | ...
//
//	what: 31..24 unit, 23..20 type, 19..10 id, 9..0 instances
func (s *snapshot) attributes(b []byte) error {
	if len(b) < 8 {
		return errMetrics
	}
	count := int32(binary.LittleEndian.Uint32(b[4:]))
	b = b[8:]
	for range count {
		if len(b) < 8 {
			return errMetrics
		}
		what := binary.LittleEndian.Uint64(b)
		b = b[8:]
		kind, id, instances := what>>20&0xf, what>>10&0x3ff, int(what&0x3ff)
		if kind > 7 {
			return errMetrics
		}
		width := 1 << (kind / 2) // U8, S8, U16, ... S64
		if len(b) < width*instances {
			return errMetrics
		}
		signed := kind%2 == 1
		if instances == 1 && !signed {
			switch {
			case id == attributePower && width == 2:
				s.power = watts16(binary.LittleEndian.Uint16(b))
			case id == attributeEnergy && width == 8:
				s.energy = millijoules(binary.LittleEndian.Uint64(b))
			}
		}
		b = b[width*instances:]
	}
	return nil
}

// millijoules converts an accumulator of 2^-16 J, about 15.259 µJ. Some
// firmware says with 32 bits set, not 64, that it counts nothing.
func millijoules(v uint64) metric.Raw {
	if v == math.MaxUint64 || v == math.MaxUint32 {
		return metric.Missing
	}
	return metric.Raw((v>>16)*1000 + (v&0xffff)*1000>>16)
}

func watts16(v uint16) metric.Raw {
	if v == math.MaxUint16 {
		return metric.Missing
	}
	return metric.Of(float64(v))
}
