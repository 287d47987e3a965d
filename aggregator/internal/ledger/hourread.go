package ledger

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// blocks walks over the blocks of a file of an hour.
type blocks struct {
	b  []byte
	at int // of the block in the file, for complaints
}

func openBlocks(b []byte) (*blocks, error) {
	if len(b) < 6 || string(b[:4]) != hourMagic {
		return nil, fmt.Errorf("%w: it does not begin as one", errHour)
	}
	if v := binary.LittleEndian.Uint16(b[4:]); v != hourVersion {
		return nil, fmt.Errorf("file of an hour is of version %d, not %d", v, hourVersion)
	}
	return &blocks{b[6:], 6}, nil
}

// next is the content of the next block, which must be of the given kind.
func (s *blocks) next(kind byte) (*reader, error) {
	bad := func() error { return fmt.Errorf("%w: block at byte %d", errHour, s.at) }
	if len(s.b) < 9 {
		return nil, bad()
	}
	n := int64(binary.LittleEndian.Uint32(s.b))
	if n < 1 || n > int64(len(s.b)-8) {
		return nil, bad()
	}
	body := s.b[8 : 8+n]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(s.b[4:]) || body[0] != kind {
		return nil, bad()
	}
	s.b, s.at = s.b[8+n:], s.at+8+int(n)
	return &reader{b: body[1:]}, nil
}

// done says that a block was read to its end and no further.
func (s *blocks) done(r *reader) error {
	if r.failed || len(r.b) > 0 {
		return fmt.Errorf("%w: block before byte %d", errHour, s.at)
	}
	return nil
}

// readHead reads head and summary; counts are those of places, devices and rows.
func (s *blocks) readHead() (h *account.Hour, counts [3]int, err error) {
	r, err := s.next(blockHead)
	if err != nil {
		return nil, counts, err
	}
	h = &account.Hour{Site: r.string(), Number: int64(r.below(1 << 32))}
	h.Late, h.Simulated = r.below(2) == 1, r.below(2) == 1
	h.Expected, h.Seen = int(r.below(1<<31)), int(r.below(1<<31))
	for i := range counts {
		counts[i] = int(r.below(1 << 31))
	}
	if !metric.ValidName(h.Site) {
		r.fail()
	}
	if err := s.done(r); err != nil {
		return nil, counts, err
	}
	if r, err = s.next(blockSummary); err != nil {
		return nil, counts, err
	}
	readSummary(r, &h.Summary)
	return h, counts, s.done(r)
}

// readHour reads the whole file of an hour.
func readHour(b []byte) (*account.Hour, error) {
	s, err := openBlocks(b)
	if err != nil {
		return nil, err
	}
	h, counts, err := s.readHead()
	if err != nil {
		return nil, err
	}
	r, err := s.next(blockPlaces)
	if err != nil {
		return nil, err
	}
	if counts[0] > len(r.b)/3 {
		r.fail()
	}
	for i := 0; i < counts[0] && !r.failed; i++ {
		h.Places = append(h.Places, account.Place{Hall: r.string(), Rack: r.string(), Host: r.string()})
		if i > 0 && h.Places[i-1].Compare(h.Places[i]) >= 0 {
			r.fail()
		}
	}
	if err := s.done(r); err != nil {
		return nil, err
	}
	seen := map[string]string{}
	h.Devices = make([]account.Device, 0, min(counts[1], len(s.b)/9)) // the least that one takes
	h.Rows = make([]account.Row, 0, min(counts[2], len(s.b)/6))
	for at := 0; at < counts[1]; at += perBlock {
		if r, err = s.next(blockDevices); err != nil {
			return nil, err
		}
		r.seen = seen
		for i := at; i < min(at+perBlock, counts[1]) && !r.failed; i++ {
			d := readDevice(r)
			if h.Devices = append(h.Devices, d); i > 0 && h.Devices[i-1].Compare(&d) >= 0 {
				r.fail()
			}
		}
		if err := s.done(r); err != nil {
			return nil, err
		}
	}
	for at := 0; at < counts[2]; at += perBlock {
		if r, err = s.next(blockRows); err != nil {
			return nil, err
		}
		last := uint32(0)
		for i := at; i < min(at+perBlock, counts[2]) && !r.failed; i++ {
			row := readRow(r, last, h)
			last = row.Device
			h.Rows = append(h.Rows, row)
		}
		if err := s.done(r); err != nil {
			return nil, err
		}
	}
	if len(s.b) > 0 {
		return nil, fmt.Errorf("%w: %d bytes too many", errHour, len(s.b))
	}
	return h, nil
}

// readHourHead reads an hour without its rows from the beginning of its file.
func readHourHead(b []byte) (*account.Hour, error) {
	s, err := openBlocks(b)
	if err != nil {
		return nil, err
	}
	h, _, err := s.readHead()
	return h, err
}
