package ledger

import (
	"slices"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// Files of version 1 hold no jobs, and devices and rows one by one.

// readOne reads what stands between the summary and the end of a file of version
// 1.
func (s *blocks) readOne(h *account.Hour, counts [3]int) error {
	r, err := s.next(blockPlaces)
	if err != nil {
		return err
	}
	if counts[0] > len(r.b)/3 {
		r.fail()
	}
	for i := 0; i < counts[0] && !r.failed; i++ {
		h.Places = append(h.Places, account.Place{Hall: r.string(), Rack: r.string(), Host: r.string()})
	}
	if err := s.done(r); err != nil {
		return err
	}
	seen := map[string]string{}
	h.Devices = slices.Grow(h.Devices, min(counts[1], len(s.b)/9)) // the least that one takes
	h.Rows = slices.Grow(h.Rows, min(counts[2], len(s.b)/6))
	for at := 0; at < counts[1]; at += perBlock {
		if r, err = s.next(blockDevices); err != nil {
			return err
		}
		r.seen = seen
		for i := at; i < min(at+perBlock, counts[1]) && !r.failed; i++ {
			h.Devices = append(h.Devices, readDeviceOne(r))
		}
		if err := s.done(r); err != nil {
			return err
		}
	}
	for at := 0; at < counts[2]; at += perBlock {
		if r, err = s.next(blockRows); err != nil {
			return err
		}
		last := uint32(0)
		for i := at; i < min(at+perBlock, counts[2]) && !r.failed; i++ {
			row := readRowOne(r, last, h)
			last = row.Device
			h.Rows = append(h.Rows, row)
		}
		if err := s.done(r); err != nil {
			return err
		}
	}
	return nil
}

func readDeviceOne(r *reader) (d account.Device) {
	switch r.below(2) {
	case 1:
		if id := r.bytes(16); id != nil {
			d.Name = spellUUID([16]byte(id))
		}
	default:
		if d.Name = r.string(); d.Name == "" {
			r.fail()
		} else if _, ok := packUUID(d.Name); ok {
			r.fail() // it has one spelling only
		}
	}
	if b := r.bytes(2); b != nil {
		d.Kind, d.Quantity = metric.EntityKind(b[0]), account.Quantity(b[1])
	}
	if d.Quantity >= account.Quantities {
		r.fail()
	}
	d.Metric, d.Point = metric.Number(r.below(1<<16)), uint32(r.below(1<<32))
	d.Index, d.Model, d.Role = r.again(), r.again(), r.again()
	return d
}

func readRowOne(r *reader, last uint32, h *account.Hour) (row account.Row) {
	row.Device = last + uint32(r.below(1<<31))
	row.Place = uint32(r.below(uint64(len(h.Places))))
	if b := r.bytes(2); b != nil {
		row.Quality, row.Flags = metric.Quality(b[0]), account.Flags(b[1])
	}
	if h.Late {
		row.Amount, row.Covered, row.Expected = uint64(r.int()), uint32(r.int()), uint32(r.int())
	} else {
		row.Amount, row.Covered, row.Expected = r.uint(), uint32(hourMs-r.int()), uint32(hourMs-r.int())
	}
	if int(row.Device) >= len(h.Devices) || row.Quality >= metric.Qualities {
		r.fail()
	}
	return row
}
