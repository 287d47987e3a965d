package ledger

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
)

// A log is in three places: the lines, the hash of each line, and the files that the lines are of.
// One of them that is damaged is made again of the other two; what two of them do not agree on is
// an error that names the leaf.

// stored is the hash on disk of the n-th leaf; ok is false if there is none.
func stored(hashes []byte, n int64) (h tlog.Hash, ok bool) {
	at := tlog.StoredHashIndex(0, n) * tlog.HashSize
	if at+tlog.HashSize > int64(len(hashes)) {
		return h, false
	}
	copy(h[:], hashes[at:])
	return h, true
}

// mend finds the next leaf of l, whose line is x if it could be read, and whose hash may be
// damaged: it is the one that some file of an hour is of, and that either of them confirms.
func (l *siteLog) mend(d Disk, line string, hashes []byte) (leaf, bool) {
	want, known := stored(hashes, int64(len(l.leaves)))
	names, err := d.List(hoursDir(l.site))
	if err != nil {
		return leaf{}, false
	}
	for _, name := range names {
		if !strings.HasSuffix(name, ".hour") {
			continue
		}
		x, ok := l.leafOfFile(d, name)
		if !ok {
			continue
		}
		if x.String() == line || known && tlog.RecordHash([]byte(x.String())) == want {
			return x, true
		}
	}
	return leaf{}, false
}

// leafOfFile is the leaf that a file of the site would have if it were the next.
func (l *siteLog) leafOfFile(d Disk, name string) (x leaf, ok bool) {
	path := hoursDir(l.site) + "/" + name
	b, err := d.ReadFile(path)
	if err != nil {
		return x, false
	}
	h, err := readHour(b)
	if err != nil || h.Site != l.site || hourFile(l.site, h.Number, len(l.hours[h.Number])) != path {
		return x, false
	}
	sum := sha256.Sum256(b)
	if h.Subject == account.Counted {
		return leafOf(h, sum, l.newest(h.Number)), true
	}
	s := account.NewSheet(h.Number, nil)
	for _, i := range l.hours[h.Number] {
		before, err := readFrontOf(d, l.file(i))
		if err != nil {
			return x, false
		}
		s.Add(before)
	}
	return overlayLeaf(h, s, sum, l.newest(h.Number)), true
}

// rewrite makes the lines on disk those of g.
func (l *Ledger) rewrite(g *siteLog) error {
	if _, looks := l.disk.(readOnly); looks {
		return nil
	}
	return replace(l.disk, logDir(g.site), "leaves", g.text())
}

// text is the log's lines.
func (l *siteLog) text() []byte {
	var b bytes.Buffer
	for i := range l.leaves {
		fmt.Fprintln(&b, l.leaves[i].String())
	}
	return b.Bytes()
}
