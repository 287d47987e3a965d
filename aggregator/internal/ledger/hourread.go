package ledger

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/klauspost/compress/zstd"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// blocks walks over the blocks of a file of an hour.
type blocks struct {
	b       []byte
	at      int // of the block in the file, for complaints
	version int
	plain   []byte // scratch
	like    *likeness
}

func openBlocks(b []byte) (*blocks, error) {
	if len(b) < 6 || string(b[:4]) != hourMagic {
		return nil, fmt.Errorf("%w: it does not begin as one", errHour)
	}
	v := int(binary.LittleEndian.Uint16(b[4:]))
	if v < 1 || v > hourVersion {
		return nil, fmt.Errorf("file of an hour is of version %d, not 1 to %d", v, hourVersion)
	}
	return &blocks{b: b[6:], at: 6, version: v}, nil
}

// skip passes over the next block, whatever is in it.
func (s *blocks) skip() error {
	_, err := s.body()
	return err
}

// body is the next block, from its kind on.
func (s *blocks) body() ([]byte, error) {
	if len(s.b) < 9 {
		return nil, s.bad()
	}
	n := int64(binary.LittleEndian.Uint32(s.b))
	if n < 1 || n > int64(len(s.b)-8) {
		return nil, s.bad()
	}
	body, sum := s.b[8:8+n], binary.LittleEndian.Uint32(s.b[4:])
	if crc32.Checksum(body, castagnoli) != sum {
		return nil, s.bad()
	}
	s.b, s.at = s.b[8+n:], s.at+8+int(n)
	return body, nil
}

func (s *blocks) bad() error { return fmt.Errorf("%w: block at byte %d", errHour, s.at) }

// next is the content of the next block, which must be of the given kind.
func (s *blocks) next(kind byte) (*reader, error) {
	at := s.at
	body, err := s.body()
	if err != nil {
		return nil, err
	}
	if body[0] != kind {
		s.at = at
		return nil, s.bad()
	}
	return &reader{b: body[1:]}, nil
}

// done says that a block was read to its end and no further.
func (s *blocks) done(r *reader) error {
	if r.failed || len(r.b) > 0 {
		return fmt.Errorf("%w: block before byte %d", errHour, s.at)
	}
	return nil
}

// readHead reads head and summary; counts are those of the lists.
func (s *blocks) readHead() (h *account.Hour, counts [len(lists)]int, err error) {
	r, err := s.next(blockHead)
	if err != nil {
		return nil, counts, err
	}
	h = &account.Hour{Site: r.string(), Number: int64(r.below(1 << 32))}
	h.Late, h.Simulated = r.below(2) == 1, r.below(2) == 1
	h.Expected, h.Seen = int(r.below(1<<31)), int(r.below(1<<31))
	written := counts[:]
	switch s.version {
	case 1:
		written = counts[firstRows:firstJobs]
	case 2:
		written = counts[firstRows:]
	default:
		h.Subject = account.Subject(r.below(uint64(account.Subjects)))
	}
	for i := range written {
		written[i] = int(r.below(1 << 31))
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
	readSummary(r, &h.Summary, s.version)
	return h, counts, s.done(r)
}

// readList reads the entries of a list, of which there are n.
func (s *blocks) readList(z *zstd.Decoder, l *section, h *account.Hour, n int) error {
	width := l.width(s.version)
	seen := make([]map[string]string, width)
	for at := 0; at < n; at += perBlock {
		r, err := s.next(l.kind)
		if err != nil {
			return err
		}
		if s.plain, err = z.DecodeAll(r.b, s.plain[:0]); err != nil {
			return fmt.Errorf("%w: block before byte %d: %w", errHour, s.at, err)
		}
		all := reader{b: s.plain}
		c := make([]reader, width)
		for i := range c {
			c[i] = reader{b: all.bytes(all.count(1)), seen: seen[i]}
		}
		for i := at; i < min(at+perBlock, n) && !failed(c); i++ {
			l.read(c, h, i == at)
		}
		for i := range c {
			if err := s.done(&c[i]); err != nil {
				return err
			}
			seen[i] = c[i].seen
		}
		if err := s.done(&all); err != nil {
			return err
		}
	}
	return nil
}

func failed(c []reader) bool {
	for i := range c {
		if c[i].failed {
			return true
		}
	}
	return false
}

// extent is how much of a file is read besides head and summary.
type extent uint8

const (
	frontOnly extent = iota // what figures of a site need
	jobsOnly                // what jobs drew
	all
)

// readLists reads what follows head and summary, as far as is wanted.
func (s *blocks) readLists(h *account.Hour, counts [len(lists)]int, want extent) error {
	// Files are read one after another: no goroutines, and no frame larger than
	// a block of the longest names.
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(16<<20))
	if err != nil {
		return fmt.Errorf("unpack hour: %w", err)
	}
	defer z.Close()
	for i := range lists {
		if l := &lists[i]; want == frontOnly && i == firstRows {
			return nil
		} else if want == jobsOnly && i < firstJobs {
			for at := 0; at < counts[i]; at += perBlock {
				if err := s.skip(); err != nil {
					return err
				}
			}
		} else if err := s.readShared(z, l, h, counts[i]); err != nil {
			return err
		}
	}
	return nil
}

// readHour reads the whole file of an hour.
func readHour(b []byte) (*account.Hour, error) { return readFile(b, all, nil) }

// readJobs reads a file of an hour without what it says of devices.
func readJobs(b []byte) (*account.Hour, error) { return readFile(b, jobsOnly, nil) }

// readFront reads an hour as far as figures of a site need it, from the beginning
// of its file.
func readFront(b []byte) (*account.Hour, error) { return readFile(b, frontOnly, nil) }

func readFile(b []byte, want extent, like *likeness) (*account.Hour, error) {
	s, err := openBlocks(b)
	if err != nil {
		return nil, err
	}
	s.like = like
	h, counts, err := s.readHead()
	if err != nil {
		return nil, err
	}
	switch {
	case s.version > 1:
		err = s.readLists(h, counts, want)
	case want != frontOnly:
		if err = s.readOne(h, [3]int(counts[firstRows:firstJobs])); err == nil {
			h.Unrecord()
		}
	}
	if err != nil {
		return nil, err
	}
	if want != frontOnly && len(s.b) > 0 {
		return nil, fmt.Errorf("%w: %d bytes too many", errHour, len(s.b))
	}
	if !ordered(h, like) {
		return nil, fmt.Errorf("%w: its lists are out of order", errHour)
	}
	return h, nil
}

// ordered reports whether nothing in the lists of h stands twice or in the wrong
// place.
func ordered(h *account.Hour, like *likeness) bool {
	for i := 1; i < len(h.Places) && !like.seen(blockPlaces); i++ {
		if h.Places[i-1].Compare(h.Places[i]) >= 0 {
			return false
		}
	}
	for i := 1; i < len(h.Devices) && !like.seen(blockDevices); i++ {
		if h.Devices[i-1].Compare(&h.Devices[i]) >= 0 {
			return false
		}
	}
	for i := 1; i < len(h.Hosts); i++ {
		if h.Hosts[i-1] >= h.Hosts[i] {
			return false
		}
	}
	for i := 1; i < len(h.Jobs); i++ {
		if h.Jobs[i-1].Compare(&h.Jobs[i]) >= 0 {
			return false
		}
	}
	for i := 1; i < len(h.Meters); i++ {
		if h.Meters[i-1].Compare(&h.Meters[i]) >= 0 {
			return false
		}
	}
	return account.ValidWords(h.Words) && account.ValidCorrections(h.Corrected)
}

// readHourHead reads an hour without its lists from the beginning of its file.
func readHourHead(b []byte) (*account.Hour, error) {
	s, err := openBlocks(b)
	if err != nil {
		return nil, err
	}
	h, _, err := s.readHead()
	return h, err
}
