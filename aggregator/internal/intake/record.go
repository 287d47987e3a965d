package intake

import (
	"encoding/binary"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A record is a row that was understood: what a meter counted in [from, to), or
// showed at from.
type record struct {
	from, to int64 // ms since 1970
	amount   account.Wide
	line     uint32
	meter    uint16 // of the file's
	counter  bool
	quality  metric.Quality
}

// recordBytes is the length of one on disk.
const recordBytes = 40

func (r *record) append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(r.from))
	b = binary.LittleEndian.AppendUint64(b, uint64(r.to-r.from))
	b = binary.LittleEndian.AppendUint64(b, r.amount.Lo)
	b = binary.LittleEndian.AppendUint64(b, r.amount.Hi)
	b = binary.LittleEndian.AppendUint32(b, r.line)
	b = binary.LittleEndian.AppendUint16(b, r.meter)
	flag := byte(0)
	if r.counter {
		flag = 1
	}
	return append(b, flag, byte(r.quality))
}

func (r *record) read(b []byte) {
	r.from = int64(binary.LittleEndian.Uint64(b))
	r.to = r.from + int64(binary.LittleEndian.Uint64(b[8:]))
	r.amount = account.Wide{Lo: binary.LittleEndian.Uint64(b[16:]), Hi: binary.LittleEndian.Uint64(b[24:])}
	r.line, r.meter = binary.LittleEndian.Uint32(b[32:]), binary.LittleEndian.Uint16(b[36:])
	r.counter, r.quality = b[38] == 1, metric.Quality(b[39])
}

// compare orders records by time, then meter, then as they came.
func (r *record) compare(o *record) int {
	switch {
	case r.from != o.from:
		return less(r.from < o.from)
	case r.meter != o.meter:
		return less(r.meter < o.meter)
	case r.line != o.line:
		return less(r.line < o.line)
	}
	return 0
}

func less(is bool) int {
	if is {
		return -1
	}
	return 1
}
