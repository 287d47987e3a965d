package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// siteLog is the Merkle log of one site. The lines are the truth; the hashes
// follow from them and show when a line was changed.
type siteLog struct {
	site   string
	leaves []leaf
	hashes []tlog.Hash     // as tlog stores them
	size   int64           // of the file of lines
	hours  map[int64][]int // leaves of an hour, in order
	first  int64           // earliest of hours
	end    int64           // after the last
	began  int64           // earliest of which anything was counted; -1: none

	corrected bool         // there are corrections
	pending   map[int]bool // leaves that the state does not know of yet
	whole     bool         // the hashes on disk are those of the lines
	mended    int          // places where lines or hashes were damaged
}

// unknownLeaves stands for the number of leaves where no state tells it.
const unknownLeaves = math.MaxInt64

func logDir(site string) string { return ledgerDir + "/" + site + "/log" }

// ReadHashes lets tlog read the tree.
func (l *siteLog) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, n := range indexes {
		if n < 0 || n >= int64(len(l.hashes)) {
			return nil, fmt.Errorf("hash %d of %d", n, len(l.hashes))
		}
		out[i] = l.hashes[n]
	}
	return out, nil
}

// root is the tree's hash over the first n leaves.
func (l *siteLog) root(n int64) (tlog.Hash, error) { return tlog.TreeHash(n, l) }

// add takes a leaf into memory.
func (l *siteLog) add(x leaf) error {
	n := int64(len(l.leaves))
	stored, err := tlog.StoredHashes(n, []byte(x.String()), l)
	if err != nil {
		return fmt.Errorf("hash leaf %d of %s: %w", n, l.site, err)
	}
	l.hashes = append(l.hashes, stored...)
	l.hours[x.number] = append(l.hours[x.number], int(n))
	if len(l.leaves) == 0 {
		l.first = x.number
	}
	l.first, l.end = min(l.first, x.number), max(l.end, x.number+1)
	l.corrected = l.corrected || x.what == leafMeter
	if x.counted() && (l.began < 0 || x.number < l.began) {
		l.began = x.number
	}
	l.leaves = append(l.leaves, x)
	l.size += int64(len(x.String()) + 1)
	return nil
}

func newSiteLog(site string) *siteLog {
	return &siteLog{site: site, hours: map[int64][]int{}, pending: map[int]bool{}, began: -1}
}

// readLog reads the log of a site, of which a state has seen so many leaves. A last
// line without its end, and hashes of later leaves that are not written yet or in part,
// are what a crash leaves. Anything else that does not fit is an error that names the
// leaf, unless it is to be mended and can be.
func readLog(d Disk, site string, seen int64, mend bool) (*siteLog, error) {
	l := newSiteLog(site)
	lines, err := readIfThere(d, logDir(site)+"/leaves")
	if err != nil {
		return nil, err
	}
	hashes, err := readIfThere(d, logDir(site)+"/hashes")
	if err != nil {
		return nil, err
	}
	for {
		n := int64(len(l.leaves))
		line, _, whole := bytes.Cut(lines, []byte("\n"))
		if _, known := stored(hashes, n); !whole && (n >= seen || seen == unknownLeaves && !known) {
			break
		}
		x, err := parseLeaf(string(line))
		switch {
		case !whole:
			err = errors.New("it is missing")
		case err == nil && x.site != site:
			err = fmt.Errorf("leaf of site %s", x.site)
		case err == nil:
			err = l.agrees(x, hashes)
		}
		if err != nil && mend {
			y, ok := l.mend(d, string(line), hashes)
			switch {
			case ok && (y.String() != string(line) || n < seen):
				x, err = y, nil
				l.mended++
			case !whole && seen == unknownLeaves: // what a crash left of a hash
				return l, nil
			}
		}
		if n >= seen && errors.Is(err, errLeafHash) { // it is not written yet
			err = nil
		}
		if err == nil {
			err = l.add(x)
		}
		if err == nil && n < seen {
			if err = l.holds(hashes); err != nil && mend { // the leaf stands, and so these follow from it
				err = nil
				l.mended++
			}
		}
		if err != nil {
			return nil, fmt.Errorf("log of %s, leaf %d: %w", site, n, err)
		}
		lines = lines[min(len(x.String())+1, len(lines)):] // what is damaged is as long as it was
	}
	l.whole = len(hashes) == len(l.hashes)*tlog.HashSize && l.mended == 0 && l.allHold(hashes)
	// A crash leaves none without its line, which is durable before.
	if n := len(l.hashes) * tlog.HashSize; len(hashes) > n && int64(len(l.leaves)) == seen && !mend {
		return nil, fmt.Errorf("log of %s has %d bytes of hashes for %d leaves, which have %d", site, len(hashes), len(l.leaves), n)
	}
	return l, nil
}

// agrees says whether the hash on disk is that of x, if there is one.
func (l *siteLog) agrees(x leaf, hashes []byte) error {
	if h, ok := stored(hashes, int64(len(l.leaves))); ok && h != tlog.RecordHash([]byte(x.String())) {
		return errLeafHash
	}
	return nil
}

// errLeafHash is that a line and the hash of it do not agree.
var errLeafHash = errors.New("it does not have the hash that was stored for it")

// holds compares the hashes of the newest leaf with those on disk, as far as
// these go.
func (l *siteLog) holds(disk []byte) error {
	for i := tlog.StoredHashCount(int64(len(l.leaves) - 1)); i < int64(len(l.hashes)); i++ {
		at := i * tlog.HashSize
		have := disk[min(at, int64(len(disk))):min(at+tlog.HashSize, int64(len(disk)))]
		if !bytes.Equal(have, l.hashes[i][:len(have)]) {
			return errLeafHash
		}
	}
	return nil
}

// allHold reports whether the hashes on disk are those of the lines.
func (l *siteLog) allHold(disk []byte) bool {
	for i, h := range l.hashes {
		if !bytes.Equal(disk[i*tlog.HashSize:(i+1)*tlog.HashSize], h[:]) {
			return false
		}
	}
	return true
}

func readIfThere(d Disk, name string) ([]byte, error) {
	b, err := d.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return b, nil
}

// write appends a leaf to the files of the log, durably: line first. It is not
// in memory before add.
func (l *siteLog) write(d Disk, x leaf) error {
	dir, first := logDir(l.site), len(l.leaves) == 0
	if first {
		if err := d.MkdirAll(dir); err != nil {
			return fmt.Errorf("make folder %s: %w", dir, err)
		}
	}
	stored, err := tlog.StoredHashes(int64(len(l.leaves)), []byte(x.String()), l)
	if err != nil {
		return fmt.Errorf("hash leaf %d of %s: %w", len(l.leaves), l.site, err)
	}
	if err := appendDurably(d, dir+"/leaves", l.size, []byte(x.String()+"\n")); err != nil {
		return err
	}
	if first { // no name of hashes before that of lines
		if err := d.SyncDir(dir); err != nil {
			return fmt.Errorf("sync folder %s: %w", dir, err)
		}
	}
	if err := l.writeHashes(d, len(l.hashes), stored); err != nil {
		return err
	}
	if first {
		if err := d.SyncDir(dir); err != nil {
			return fmt.Errorf("sync folder %s: %w", dir, err)
		}
	}
	return nil
}

// writeHashes writes stored hashes from the given one on.
func (l *siteLog) writeHashes(d Disk, from int, hashes []tlog.Hash) error {
	var b []byte
	for _, h := range hashes {
		b = append(b, h[:]...)
	}
	return appendDurably(d, logDir(l.site)+"/hashes", int64(from)*tlog.HashSize, b)
}

func appendDurably(d Disk, name string, size int64, b []byte) error {
	if err := d.Append(name, size, b); err != nil {
		return fmt.Errorf("append to %s: %w", name, err)
	}
	if err := d.Sync(name); err != nil {
		return fmt.Errorf("sync %s: %w", name, err)
	}
	return nil
}

// known are the leaves of an hour that the state has dropped, in order.
func (l *siteLog) known(number int64) (out []int) {
	for _, i := range l.hours[number] {
		if !l.pending[i] {
			out = append(out, i)
		}
	}
	return out
}

// unknown are the others.
func (l *siteLog) unknown(number int64) (out []int) {
	for _, i := range l.hours[number] {
		if l.pending[i] {
			out = append(out, i)
		}
	}
	return out
}

// file is the name of the i-th leaf's file.
func (l *siteLog) file(i int) string {
	x := &l.leaves[i]
	return hourFile(l.site, x.number, slices.Index(l.hours[x.number], i))
}

// mark is how far the log is, for the snapshot.
func (l *siteLog) mark() (logMark, error) {
	m := logMark{site: l.site, leaves: int64(len(l.leaves))}
	for i := range l.pending {
		m.pending = append(m.pending, int64(i))
	}
	slices.Sort(m.pending)
	var err error
	m.root, err = l.root(m.leaves)
	return m, err
}

// match says what is wrong with the log in the eyes of a snapshot, and notes
// which leaves that does not know of.
func (l *siteLog) match(m *logMark) error {
	if m.leaves > int64(len(l.leaves)) {
		return fmt.Errorf("log of %s has %d leaves, and the state has seen %d", l.site, len(l.leaves), m.leaves)
	}
	root, err := l.root(m.leaves)
	if err != nil {
		return fmt.Errorf("log of %s: %w", l.site, err)
	}
	if root != m.root && m.leaves > 0 {
		return fmt.Errorf("log of %s: its first %d leaves are not those that the state has seen", l.site, m.leaves)
	}
	for _, p := range m.pending {
		if p < 0 || p >= m.leaves {
			return fmt.Errorf("log of %s has no leaf %d", l.site, p)
		}
		l.pending[int(p)] = true
	}
	for i := int(m.leaves); i < len(l.leaves); i++ {
		if l.leaves[i].counted() { // what lies over an hour is no part of what the state has booked
			l.pending[i] = true
		}
	}
	return nil
}
