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

// method is the version of the rules by which account books.
const method = "1"

// A leaf is one line of a site's log: what one file of an hour says.
//
//	energy/v1 site hour file_sha256 measured est interp hosts_expected hosts_seen method_version prev_restatement
//
// The three sums are of all accounts of energy together, mJ: they hold the file
// to its leaf, and are no physical total. The last field is the SHA-256 of the
// hour's file before, - for the first.
type leaf struct {
	site                  string
	number                int64
	file                  [sha256.Size]byte
	measured, est, interp int64
	expected, seen        int
	prev                  string
}

// leafOf is the leaf of the file of h.
func leafOf(h *account.Hour, file [sha256.Size]byte, prev string) leaf {
	l := leaf{site: h.Site, number: h.Number, file: file, expected: h.Expected, seen: h.Seen, prev: prev}
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

func (l *leaf) hash() string { return hex.EncodeToString(l.file[:]) }

// String is the leaf as its line, without the end.
func (l *leaf) String() string {
	return fmt.Sprintf("energy/v1 %s %s %s %d %d %d %d %d %s %s",
		l.site, hourName(l.number), l.hash(), l.measured, l.est, l.interp, l.expected, l.seen, method, l.prev)
}

func parseLeaf(line string) (l leaf, err error) {
	bad := func(what string) (leaf, error) { return l, fmt.Errorf("read leaf %q: %s", line, what) }
	f := strings.Split(line, " ")
	if len(f) != 11 || f[0] != "energy/v1" {
		return bad("not one of version 1")
	}
	if f[9] != method {
		return bad("method " + f[9] + " is not known")
	}
	l.site, l.prev = f[1], f[10]
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
	for i, p := range []*int64{&l.measured, &l.est, &l.interp} {
		if *p, err = strconv.ParseInt(f[4+i], 10, 64); err != nil {
			return bad("field " + strconv.Itoa(5+i))
		}
	}
	for i, p := range []*int{&l.expected, &l.seen} {
		if *p, err = strconv.Atoi(f[7+i]); err != nil {
			return bad("field " + strconv.Itoa(8+i))
		}
	}
	if l.String() != line {
		return bad("written otherwise than this program does")
	}
	return l, nil
}
