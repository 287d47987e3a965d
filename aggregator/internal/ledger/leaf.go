package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
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
//	grid/v1 site hour file_sha256 subject old new reason prev_restatement
//	meter/v1 site hour file_sha256 quarters old new reason prev_restatement
//
// The first three sums are of all accounts of energy together, mJ: they hold the
// file to its leaf, and are no physical total. The next three are what jobs,
// nobody, and nobody knows who drew, of boards. The last field is the SHA-256 of
// the hour's file before, - for the first.
//
// What lies over an hour says what it replaces: of the grid, the µg of CO2e that
// the energy counted in the hour stands for (of the price, billionths of EUR), as
// far as words reach; of meters, the mJ and mL of so many quarters of registers.
// Its reason is escaped as in the path of a URL.
type leaf struct {
	what                            leafKind
	site                            string
	number                          int64
	file                            [sha256.Size]byte
	measured, est, interp           int64
	allocated, unallocated, unknown int64
	expected, seen                  int
	method, prev                    string

	subject  account.Subject
	quarters int
	old, new int64
	reason   string
}

// leafKind is the first field.
type leafKind string

const (
	leafEnergy1 leafKind = "energy/v1"
	leafEnergy2 leafKind = "energy/v2"
	leafGrid    leafKind = "grid/v1"
	leafMeter   leafKind = "meter/v1"
)

// leafOf is the leaf of the file of h, which is of what was counted.
func leafOf(h *account.Hour, file [sha256.Size]byte, prev string) leaf {
	gpu := func(a account.Allocation) int64 { return int64(h.Summary.Shares[a].GPU) }
	l := leaf{
		what: leafEnergy2, site: h.Site, number: h.Number, file: file, expected: h.Expected, seen: h.Seen, method: method, prev: prev,
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

// overlayLeaf is the leaf of the file of h, which lies over an hour, of which s
// is what stood.
func overlayLeaf(h *account.Hour, s *account.Sheet, file [sha256.Size]byte, prev string) leaf {
	l := leaf{what: leafMeter, site: h.Site, number: h.Number, file: file, subject: h.Subject, reason: reasonOf(h), prev: prev}
	kind, grid := h.Subject.Kind()
	stand := func() (sum int64) {
		if grid {
			sum, _ = s.Carbon(kind)
			return sum
		}
		for _, c := range quartersOf(h) {
			v, _ := s.Standing(c.Meter, c.Metric, int(c.Quarter))
			sum += int64(v)
		}
		return sum
	}
	if grid {
		l.what = leafGrid
	} else {
		l.quarters = len(quartersOf(h))
	}
	s.Done()
	l.old = stand()
	s.Add(h)
	s.Done()
	l.new = stand()
	return l
}

// quartersOf are the quarters of registers that h corrects, each once.
func quartersOf(h *account.Hour) []account.Correction {
	return slices.CompactFunc(slices.Clone(h.Corrected), func(a, b account.Correction) bool {
		return a.Meter == b.Meter && a.Metric == b.Metric && a.Quarter == b.Quarter
	})
}

// reasonOf are the reasons why h lies over its hour; of corrections, the imports
// by which they came.
func reasonOf(h *account.Hour) string {
	var all []string
	for i := range h.Words {
		w := &h.Words[i]
		all = append(all, strings.TrimSpace(w.Reason+" "+w.Provider+" "+w.Tier))
	}
	for i := range h.Corrected {
		c := &h.Corrected[i]
		by := "import " + c.Import
		if c.Withdrawn {
			by = "taken back: " + by
		}
		all = append(all, by)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	if n := len(all) - maxReasons; n > 0 {
		all = append(all[:maxReasons], fmt.Sprint(n, " more"))
	}
	return strings.Join(all, ", ")
}

// maxReasons bounds how many a leaf tells.
const maxReasons = 8

// counted reports whether l is of what was counted.
func (l *leaf) counted() bool { return l.what == leafEnergy1 || l.what == leafEnergy2 }

// says reports whether l is the leaf of the file of h, as far as that alone can
// tell.
func (l *leaf) says(h *account.Hour) bool {
	if !l.counted() {
		return l.site == h.Site && l.number == h.Number && l.subject == h.Subject && l.reason == reasonOf(h) &&
			(l.what != leafMeter || l.quarters == len(quartersOf(h)))
	}
	x := leafOf(h, l.file, l.prev)
	if l.what == leafEnergy1 {
		x.what, x.method = leafEnergy1, l.method
		x.allocated, x.unallocated, x.unknown = 0, 0, 0
	}
	return x == *l && h.Subject == account.Counted
}

func (l *leaf) hash() string { return hex.EncodeToString(l.file[:]) }

// String is the leaf as its line, without the end.
func (l *leaf) String() string {
	head := fmt.Sprintf("%s %s %s %s", l.what, l.site, hourName(l.number), l.hash())
	switch l.what {
	case leafGrid:
		return fmt.Sprintf("%s %s %d %d %s %s", head, l.subject, l.old, l.new, escape(l.reason), l.prev)
	case leafMeter:
		return fmt.Sprintf("%s %d %d %d %s %s", head, l.quarters, l.old, l.new, escape(l.reason), l.prev)
	}
	shares := ""
	if l.what == leafEnergy2 {
		shares = fmt.Sprintf(" %d %d %d", l.allocated, l.unallocated, l.unknown)
	}
	return fmt.Sprintf("%s %d %d %d%s %d %d %s %s", head, l.measured, l.est, l.interp, shares, l.expected, l.seen, l.method, l.prev)
}

// escape is s without spaces; of nothing, a dash.
func escape(s string) string {
	if s == "" {
		return "-"
	}
	return strings.ReplaceAll(url.PathEscape(s), "-", "%2D")
}

func unescape(s string) (string, error) {
	if s == "-" {
		return "", nil
	}
	return url.PathUnescape(s)
}

func parseLeaf(line string) (l leaf, err error) {
	bad := func(what string) (leaf, error) { return l, fmt.Errorf("read leaf %q: %s", line, what) }
	f := strings.Split(line, " ")
	l.what = leafKind(f[0])
	if want := map[leafKind]int{leafEnergy1: 11, leafEnergy2: 14, leafGrid: 9, leafMeter: 9}[l.what]; len(f) != want || want == 0 {
		return bad("not one that this program knows")
	}
	l.site, l.prev = f[1], f[len(f)-1]
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
	if l.counted() {
		err = l.parseEnergy(f)
	} else {
		err = l.parseOverlay(f)
	}
	if err != nil {
		return bad(err.Error())
	}
	if l.String() != line {
		return bad("written otherwise than this program does")
	}
	return l, nil
}

func (l *leaf) parseEnergy(f []string) (err error) {
	sums := []*int64{&l.measured, &l.est, &l.interp}
	version := "1"
	if l.what == leafEnergy2 {
		version, sums = "2", append(sums, &l.allocated, &l.unallocated, &l.unknown)
	}
	rest := f[4+len(sums):]
	if l.method = rest[2]; l.method != version {
		return errors.New("method " + l.method + " is not known")
	}
	for i, p := range sums {
		if *p, err = strconv.ParseInt(f[4+i], 10, 64); err != nil {
			return errors.New("field " + strconv.Itoa(5+i))
		}
	}
	for i, p := range []*int{&l.expected, &l.seen} {
		if *p, err = strconv.Atoi(rest[i]); err != nil {
			return errors.New("field " + strconv.Itoa(5+len(sums)+i))
		}
	}
	return nil
}

func (l *leaf) parseOverlay(f []string) (err error) {
	l.subject = account.CorrectedReadings
	if l.what == leafMeter {
		if l.quarters, err = strconv.Atoi(f[4]); err != nil {
			return errors.New("field 5")
		}
	} else {
		for l.subject = account.RevisedLifecycle; l.subject.String() != f[4]; l.subject++ {
			if l.subject == account.RevisedPrice {
				return errors.New("field 5")
			}
		}
	}
	for i, p := range []*int64{&l.old, &l.new} {
		if *p, err = strconv.ParseInt(f[5+i], 10, 64); err != nil {
			return errors.New("field " + strconv.Itoa(6+i))
		}
	}
	if l.reason, err = unescape(f[7]); err != nil {
		return errors.New("field 8")
	}
	return nil
}
