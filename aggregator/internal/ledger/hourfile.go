package ledger

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// The file of an hour: the same bytes for the same hour.
//
//	"GWHR" version | block…
//	block   length u32 | CRC-32C u32 of what follows | kind u8 | content
//
// Blocks are the head, the summary by the minute, the places, then devices and
// rows by the thousand, in order. Integers are varints; what a restatement adds
// is signed.
const (
	hourMagic   = "GWHR"
	hourVersion = 1

	blockHead    = 1
	blockSummary = 2
	blockPlaces  = 3
	blockDevices = 4
	blockRows    = 5

	perBlock  = 4096    // devices or rows
	headBytes = 1 << 16 // that surely hold head and summary
	hourMs    = 3_600_000
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errHour = errors.New("file of an hour is damaged")

// hourName is an hour as it is written: 2026-11-22T17Z.
func hourName(number int64) string {
	return time.Unix(number*3600, 0).UTC().Format("2006-01-02T15Z")
}

func parseHourName(s string) (int64, error) {
	t, err := time.Parse("2006-01-02T15Z", s)
	if err != nil {
		return 0, fmt.Errorf("read hour: %w", err)
	}
	return t.Unix() / 3600, nil
}

// hourFile is the file of the n-th leaf of an hour.
func hourFile(site string, number int64, n int) string {
	name := hourName(number)
	if n > 0 {
		name += fmt.Sprintf(".r%03d", n)
	}
	return hoursDir(site) + "/" + name + ".hour"
}

func hoursDir(site string) string { return ledgerDir + "/" + site + "/hours" }

// appendHour appends the file of h to dst.
func appendHour(dst []byte, h *account.Hour) []byte {
	dst = append(dst, hourMagic...)
	dst = binary.LittleEndian.AppendUint16(dst, hourVersion)
	block := func(kind byte, content func(dst []byte) []byte) {
		at := len(dst)
		dst = content(append(dst, 0, 0, 0, 0, 0, 0, 0, 0, kind))
		binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-8))
		binary.LittleEndian.PutUint32(dst[at+4:], crc32.Checksum(dst[at+8:], castagnoli))
	}
	block(blockHead, func(b []byte) []byte {
		b = appendString(b, h.Site)
		for _, v := range []int{int(h.Number), flag(h.Late), flag(h.Simulated), h.Expected, h.Seen, len(h.Places), len(h.Devices), len(h.Rows)} {
			b = binary.AppendUvarint(b, uint64(v))
		}
		return b
	})
	block(blockSummary, func(b []byte) []byte { return appendSummary(b, &h.Summary) })
	block(blockPlaces, func(b []byte) []byte {
		for _, p := range h.Places {
			b = appendString(appendString(appendString(b, p.Hall), p.Rack), p.Host)
		}
		return b
	})
	for at := 0; at < len(h.Devices); at += perBlock {
		block(blockDevices, func(b []byte) []byte {
			for i := at; i < min(at+perBlock, len(h.Devices)); i++ {
				b = appendDevice(b, &h.Devices[i])
			}
			return b
		})
	}
	for at := 0; at < len(h.Rows); at += perBlock {
		block(blockRows, func(b []byte) []byte {
			last := uint32(0)
			for i := at; i < min(at+perBlock, len(h.Rows)); i++ {
				b = appendRow(b, &h.Rows[i], last, h.Late)
				last = h.Rows[i].Device
			}
			return b
		})
	}
	return dst
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// appendSummary writes each quantity that there is; what is expected changes
// rarely from one minute to the next.
func appendSummary(b []byte, s *account.Summary) []byte {
	for q := range account.Quantities {
		if s.Amount[q] == ([60]uint64{}) && s.Covered[q] == ([60]uint64{}) && s.Expected[q] == ([60]uint64{}) && s.Sums[q].IsZero() {
			continue
		}
		b = append(b, byte(q)+1)
		last := int64(0)
		for m := range 60 {
			b = binary.AppendVarint(b, int64(s.Amount[q][m]))
			b = binary.AppendVarint(b, int64(s.Expected[q][m])-last)
			b = binary.AppendVarint(b, int64(s.Expected[q][m]-s.Covered[q][m]))
			last = int64(s.Expected[q][m])
		}
		for _, v := range s.Sums[q] {
			b = binary.AppendVarint(b, int64(v))
		}
	}
	b = append(b, 0)
	last := int64(0)
	for _, g := range s.Grams {
		b = binary.AppendVarint(b, int64(g)-last)
		last = int64(g)
	}
	return b
}

func readSummary(r *reader, s *account.Summary) {
	next := 0
	for {
		k := r.below(uint64(account.Quantities) + 1)
		if k == 0 {
			break
		}
		q := int(k) - 1
		if q < next {
			r.fail()
			break
		}
		next = q + 1
		last := int64(0)
		for m := range 60 {
			s.Amount[q][m] = uint64(r.int())
			last += r.int()
			s.Expected[q][m] = uint64(last)
			s.Covered[q][m] = uint64(last - r.int())
		}
		for i := range s.Sums[q] {
			s.Sums[q][i] = uint64(r.int())
		}
	}
	last := int64(0)
	for m := range s.Grams {
		if last += r.int(); last < 0 || last > 1<<31 {
			r.fail()
			last = 0
		}
		s.Grams[m] = uint32(last)
	}
}

// appendDevice writes a UUID as NVIDIA spells it in 16 bytes, and any other name
// as it is.
func appendDevice(b []byte, d *account.Device) []byte {
	if id, ok := packUUID(d.Name); ok {
		b = append(append(b, 1), id[:]...)
	} else {
		b = appendString(append(b, 0), d.Name)
	}
	b = append(b, byte(d.Kind), byte(d.Quantity))
	b = binary.AppendUvarint(b, uint64(d.Metric))
	b = binary.AppendUvarint(b, uint64(d.Point))
	return appendString(appendString(appendString(b, d.Index), d.Model), d.Role)
}

func readDevice(r *reader) (d account.Device) {
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

func packUUID(s string) (id [16]byte, ok bool) {
	if len(s) != 40 || s[:4] != "GPU-" || s[12] != '-' || s[17] != '-' || s[22] != '-' || s[27] != '-' {
		return id, false
	}
	digits := s[4:12] + s[13:17] + s[18:22] + s[23:27] + s[28:]
	if strings.ToLower(digits) != digits {
		return id, false
	}
	_, err := hex.Decode(id[:], []byte(digits))
	return id, err == nil
}

func spellUUID(id [16]byte) string {
	var s [40]byte
	copy(s[:], "GPU-")
	at := 4
	for i, n := range [...]int{4, 2, 2, 2, 6} {
		if i > 0 {
			s[at] = '-'
			at++
		}
		at += hex.Encode(s[at:], id[:n])
		copy(id[:], id[n:])
	}
	return string(s[:])
}

// appendRow writes what is whole in one byte.
func appendRow(b []byte, r *account.Row, last uint32, late bool) []byte {
	b = binary.AppendUvarint(b, uint64(r.Device-last))
	b = binary.AppendUvarint(b, uint64(r.Place))
	b = append(b, byte(r.Quality), byte(r.Flags))
	if late {
		b = binary.AppendVarint(b, int64(r.Amount))
		b = binary.AppendVarint(b, int64(int32(r.Covered)))
		return binary.AppendVarint(b, int64(int32(r.Expected)))
	}
	b = binary.AppendUvarint(b, r.Amount)
	b = binary.AppendVarint(b, hourMs-int64(r.Covered))
	return binary.AppendVarint(b, hourMs-int64(r.Expected))
}

func readRow(r *reader, last uint32, h *account.Hour) (row account.Row) {
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
