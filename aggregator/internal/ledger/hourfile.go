package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
)

// The file of an hour: the same bytes for the same hour.
//
//	"GWHR" version | block…
//	block   length u32 | CRC-32C u32 of what follows | kind u8 | content
//
// Blocks are the head, the summary by the minute, and then, each list by the
// thousand and in its order: words of the grid, quarters of meters, corrections;
// places, devices, rows; hosts, jobs, and rows of jobs. Figures of a site need
// what comes before places.
// The content of a list's block is a Zstandard frame of its columns, each with
// its length before it. Integers are varints; what a restatement adds is signed.
const (
	hourMagic   = "GWHR"
	hourVersion = 4 // 1 had no jobs, and devices and rows one by one; 2 nothing between summary and places; 3 no gauges of jobs

	blockHead    = 1
	blockSummary = 2
	blockPlaces  = 3
	blockDevices = 4
	blockRows    = 5
	blockHosts   = 6
	blockJobs    = 7
	blockShares  = 8
	blockWords   = 9
	blockMeters  = 10
	blockCorrect = 11

	perBlock  = 4096    // of a list
	headBytes = 1 << 16 // that surely hold head and summary, and mostly what figures of a site need
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
	version := versionOf(h)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(version))
	block := func(kind byte, content func(dst []byte) []byte) {
		at := len(dst)
		dst = content(append(dst, 0, 0, 0, 0, 0, 0, 0, 0, kind))
		binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-8))
		binary.LittleEndian.PutUint32(dst[at+4:], crc32.Checksum(dst[at+8:], castagnoli))
	}
	block(blockHead, func(b []byte) []byte {
		b = appendString(b, h.Site)
		for _, v := range []int{int(h.Number), flag(h.Late), flag(h.Simulated), h.Expected, h.Seen, int(h.Subject)} {
			b = binary.AppendUvarint(b, uint64(v))
		}
		for _, l := range lists {
			b = binary.AppendUvarint(b, uint64(l.length(h)))
		}
		return b
	})
	block(blockSummary, func(b []byte) []byte { return appendSummary(b, &h.Summary) })
	packer := newPacker()
	for _, l := range lists {
		for at := 0; at < l.length(h); at += perBlock {
			c := make(columns, l.width(version))
			for i := at; i < min(at+perBlock, l.length(h)); i++ {
				l.append(c, h, i, i%perBlock == 0)
			}
			block(l.kind, func(b []byte) []byte { return packer.EncodeAll(c.join(), b) })
		}
	}
	return dst
}

// versionOf is the version of h's file: an hour without gauges of jobs is written as
// ever, so that what was frozen by the program before comes out as it would have.
func versionOf(h *account.Hour) int {
	for i := range h.Shares {
		if h.Shares[i].Means != ([account.Gauges]account.Mean{}) {
			return hourVersion
		}
	}
	return hourVersion - 1
}

// newPacker is a compressor. It takes much memory, and lives as long as a file is
// written.
func newPacker() *zstd.Encoder {
	e, _ := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false)) // only bad options are refused
	return e
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
	b = binary.AppendUvarint(b, uint64(account.Allocations))
	for _, x := range s.Shares {
		b = binary.AppendVarint(binary.AppendVarint(b, int64(x.GPU)), int64(x.Node))
	}
	return b
}

func readSummary(r *reader, s *account.Summary, version int) {
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
	if version == 1 {
		return
	}
	for i := range r.below(uint64(account.Allocations) + 1) {
		s.Shares[i] = account.JobSum{GPU: uint64(r.int()), Node: uint64(r.int())}
	}
}
