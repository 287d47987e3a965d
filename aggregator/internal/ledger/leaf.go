package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// method is the version of the rules by which account books: since 2 it gives
// energy to jobs.
const method = "2"

// A leaf is one line of a site's log: what one file of an hour says.
//
//	energy/v2 site hour file_sha256 measured est interp allocated unallocated unknown hosts_expected hosts_seen method_version prev_restatement
//	energy/v1 site hour file_sha256 measured est interp hosts_expected hosts_seen method_version prev_restatement
//
// The first three sums are of all accounts of energy together, mJ: they hold the
// file to its leaf, and are no physical total. The next three are what jobs,
// nobody, and nobody knows who drew, of boards. The last field is the SHA-256 of
// the hour's file before, - for the first.
type leaf struct {
	version                         int
	site                            string
	number                          int64
	file                            [sha256.Size]byte
	measured, est, interp           int64
	allocated, unallocated, unknown int64
	expected, seen                  int
	method, prev                    string
}

// leafOf is the leaf of the file of h.
func leafOf(h *account.Hour, file [sha256.Size]byte, prev string) leaf {
	gpu := func(a account.Allocation) int64 { return int64(h.Summary.Shares[a].GPU) }
	l := leaf{
		version: 2, site: h.Site, number: h.Number, file: file, expected: h.Expected, seen: h.Seen, method: method, prev: prev,
		allocated: gpu(account.Allocated), unallocated: gpu(account.Unallocated), unknown: gpu(account.Unattributed),
	}
	for q, sums := range h.Summary.Sums {
		if account.Quantity(q).IsWater() {
			continue
		}
		for i, v := range sums {
			switch metric.Quality(i) {
			case metric.CounterBridged:
				l.interp += int64(v)
			case metric.EstimatedProfile, metric.EstimatedStatic:
				l.est += int64(v)
			default:
				l.measured += int64(v)
			}
		}
	}
	return l
}

// says reports whether l is the leaf of the file of h.
func (l *leaf) says(h *account.Hour) bool {
	x := leafOf(h, l.file, l.prev)
	if l.version == 1 {
		x.version, x.method = 1, l.method
		x.allocated, x.unallocated, x.unknown = 0, 0, 0
	}
	return x == *l
}

func (l *leaf) hash() string { return hex.EncodeToString(l.file[:]) }

// String is the leaf as its line, without the end.
func (l *leaf) String() string {
	shares := ""
	if l.version > 1 {
		shares = fmt.Sprintf(" %d %d %d", l.allocated, l.unallocated, l.unknown)
	}
	return fmt.Sprintf("energy/v%d %s %s %s %d %d %d%s %d %d %s %s",
		l.version, l.site, hourName(l.number), l.hash(), l.measured, l.est, l.interp, shares, l.expected, l.seen, l.method, l.prev)
}

func parseLeaf(line string) (l leaf, err error) {
	bad := func(what string) (leaf, error) { return l, fmt.Errorf("read leaf %q: %s", line, what) }
	f := strings.Split(line, " ")
	sums := []*int64{&l.measured, &l.est, &l.interp}
	switch {
	case len(f) == 11 && f[0] == "energy/v1":
		l.version = 1
	case len(f) == 14 && f[0] == "energy/v2":
		l.version = 2
		sums = append(sums, &l.allocated, &l.unallocated, &l.unknown)
	default:
		return bad("not one of version 1 or 2")
	}
	rest := f[4+len(sums):]
	l.site, l.method, l.prev = f[1], rest[2], rest[3]
	if l.method != strconv.Itoa(l.version) {
		return bad("method " + l.method + " is not known")
	}
	if !metric.ValidName(l.site) {
		return bad("no name of a site")
	}
	if l.number, err = parseHourName(f[2]); err != nil {
		return bad("no hour")
	}
	file, err := hex.DecodeString(f[3])
	if err != nil || len(file) != len(l.file) {
		return bad("no SHA-256")
	}
	copy(l.file[:], file)
	for i, p := range sums {
		if *p, err = strconv.ParseInt(f[4+i], 10, 64); err != nil {
			return bad("field " + strconv.Itoa(5+i))
		}
	}
	for i, p := range []*int{&l.expected, &l.seen} {
		if *p, err = strconv.Atoi(rest[i]); err != nil {
			return bad("field " + strconv.Itoa(5+len(sums)+i))
		}
	}
	if l.String() != line {
		return bad("written otherwise than this program does")
	}
	return l, nil
}
