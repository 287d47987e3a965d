package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sync/errgroup"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
)

// View opens the ledger in the data folder at dir to be asked and nothing else: it
// writes nothing, takes no lock, and shows what the newest commit left. Logs are
// held against their trees; files of hours are not, which is for [Ledger.Verify].
func View(dir string, c Config) (*Ledger, error) {
	if err := readVersion(dir); err != nil {
		return nil, err
	}
	d, err := openFolder(dir)
	if err != nil {
		return nil, err
	}
	l, err := read(c, d)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("view ledger: %w", err), d.root.Close())
	}
	l.close = d.root.Close
	return l, nil
}

func read(c Config, d Disk) (*Ledger, error) {
	l := empty(c, readOnly{d})
	marks, err := l.load(c.Account)
	if err != nil {
		return nil, err
	}
	if err := l.readLogs(marks); err != nil {
		return nil, err
	}
	for _, site := range l.state.Sites() {
		l.now = max(l.now, l.state.Latest(site))
	}
	return l, nil
}

// readOnly is a disk that is not written to.
type readOnly struct{ Disk }

var errReadOnly = errors.New("the ledger was opened to be looked at")

func (readOnly) Write(string, []byte) error         { return errReadOnly }
func (readOnly) Append(string, int64, []byte) error { return nil } // of hashes, which follow from lines
func (readOnly) Sync(string) error                  { return nil }
func (readOnly) Rename(string, string) error        { return errReadOnly }
func (readOnly) SyncDir(string) error               { return nil }
func (readOnly) MkdirAll(string) error              { return nil }

// A Head is how far the log of a site reaches: the hash of its tree over so many
// leaves. Whoever keeps it can tell later that none of them was changed.
type Head struct {
	Site   string
	Leaves int64
	Root   string // hexadecimal
}

// Head is that of a site now.
func (l *Ledger) Head(site string) (Head, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	g := l.logs[site]
	if g == nil {
		return Head{Site: site}, nil
	}
	root, err := g.root(int64(len(g.leaves)))
	if err != nil {
		return Head{}, fmt.Errorf("hash log of %s: %w", site, err)
	}
	return Head{site, int64(len(g.leaves)), hex.EncodeToString(root[:])}, nil
}

// Extends says what is wrong if the log of h's site does not begin as h has it.
func (l *Ledger) Extends(h Head) error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	g := l.logs[h.Site]
	if h.Leaves == 0 {
		return nil
	}
	if g == nil || int64(len(g.leaves)) < h.Leaves {
		n := 0
		if g != nil {
			n = len(g.leaves)
		}
		return fmt.Errorf("log of %s has %d leaves, and had %d", h.Site, n, h.Leaves)
	}
	root, err := g.root(h.Leaves)
	if err != nil {
		return fmt.Errorf("hash log of %s: %w", h.Site, err)
	}
	if hex.EncodeToString(root[:]) != h.Root {
		return fmt.Errorf("log of %s: its first %d leaves are not those that had the hash %s", h.Site, h.Leaves, h.Root)
	}
	return nil
}

// A Proof shows that one line stands in the log of a site: see
// [tlog.CheckRecord].
type Proof struct {
	Leaf   int64    `json:"leaf"`
	Line   string   `json:"line"`
	Hashes []string `json:"hashes"` // base64, from the leaf to the root
	Head   Head     `json:"head"`
}

// Prove proves the files of an hour of a site in the log as h has it.
func (l *Ledger) Prove(h Head, number int64) (ps []Proof, err error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	g := l.logs[h.Site]
	if g == nil {
		return nil, nil
	}
	for _, i := range g.hours[number] {
		if int64(i) >= h.Leaves {
			continue
		}
		rp, err := tlog.ProveRecord(h.Leaves, int64(i), g)
		if err != nil {
			return nil, fmt.Errorf("prove leaf %d of %s: %w", i, h.Site, err)
		}
		p := Proof{Leaf: int64(i), Line: g.leaves[i].String(), Head: h}
		for _, x := range rp {
			p.Hashes = append(p.Hashes, x.String())
		}
		ps = append(ps, p)
	}
	return ps, nil
}

// Verify holds every file of the hours of a site in [from, to), milliseconds since
// 1970, against its leaf, byte for byte, and returns how many there are. The error
// names the first hour that was changed.
func (l *Ledger) Verify(site string, from, to int64) (files int, err error) {
	type file struct {
		leaf leaf
		name string
	}
	var all []file
	l.mu.RLock()
	if g := l.logs[site]; g != nil {
		for i := range g.leaves {
			if n := g.leaves[i].number; (n+1)*hourMs > from && n*hourMs < to {
				all = append(all, file{g.leaves[i], g.file(i)})
			}
		}
	}
	l.mu.RUnlock()
	slices.SortStableFunc(all, func(a, b file) int { return int(a.leaf.number - b.leaf.number) })
	var found = make([]error, len(all))
	var work errgroup.Group
	work.SetLimit(runtime.GOMAXPROCS(0))
	for i := range all {
		work.Go(func() error {
			b, err := l.disk.ReadFile(all[i].name)
			switch {
			case err != nil:
				found[i] = fmt.Errorf("hour %s of %s: read sealed hour: %w", hourName(all[i].leaf.number), site, err)
			case sha256.Sum256(b) != all[i].leaf.file:
				found[i] = fmt.Errorf("hour %s of %s: %s was changed after it was sealed", hourName(all[i].leaf.number), site, all[i].name)
			}
			return found[i]
		})
	}
	_ = work.Wait() // the first in time is wanted, not the first that was found
	for _, err := range found {
		if err != nil {
			return 0, err
		}
	}
	return len(all), nil
}

// Branches yields what every feed of a site took in the hours that touch
// [from, to), milliseconds since 1970, in order. Hours of which nothing is known
// are yielded too.
func (l *Ledger) Branches(site string, from, to int64, yield func(*account.HourBranches) bool) error {
	b := l.basis(site)
	for n := from / hourMs; n*hourMs < to; n++ {
		v := l.look(site, n)
		s, err := l.sheet(&v, b)
		if err != nil {
			return fmt.Errorf("read branches of %s: %w", site, err)
		}
		if !yield(b.HourBranches(s, max(v.until, to), v.final())) {
			break
		}
	}
	return nil
}
