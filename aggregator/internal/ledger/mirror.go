package ledger

import (
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Mirror is the ledgers of other aggregators as far as their sealed hours were
// told: it answers for whole sites as they do. It lies in a folder of its own.
//
//	DIR/ledger/SITE/hours/2026-11-22T17Z.hour   the front of an hour
//	DIR/ledger/SITE/log/leaves  hashes          the site's log, line by line the same
//
// Invariants:
//   - A leaf is in it once, at its place: the log of a site here is the beginning of
//     the log there, or nothing is taken.
//   - What is taken is durable, files before lines.
//   - A file that is damaged ends the site's log before its leaf: what follows is
//     told again.
type Mirror struct{ *Ledger }

// OpenMirror reads the mirror on a disk, and holds every file against its leaf.
func OpenMirror(c Config) (*Mirror, error) {
	l := empty(c, c.Disk)
	l.state, l.models = account.NewState(c.Account), map[string]bool{}
	if err := l.disk.MkdirAll(ledgerDir); err != nil {
		return nil, fmt.Errorf("make folder %s: %w", ledgerDir, err)
	}
	sites, err := logSites(l.disk)
	if err != nil {
		return nil, err
	}
	for _, site := range sites {
		g, err := readLog(l.disk, site, unknownLeaves, false)
		if err != nil {
			l.log.Error("the log of a site is damaged here, and is asked for again", "site", site, "error", err)
			g = newSiteLog(site)
		}
		if l.logs[site], err = l.whole(g); err != nil {
			return nil, err
		}
		l.now = max(l.now, l.logs[site].end*hourMs)
	}
	return &Mirror{l}, nil
}

// whole is g as far as its files are in order, with its files of lines and hashes
// made as long.
func (l *Ledger) whole(g *siteLog) (*siteLog, error) {
	out := newSiteLog(g.site)
	for i := range g.leaves {
		h, err := readFrontOf(l.disk, g.file(i))
		if err == nil && !g.leaves[i].says(h) {
			err = errors.New("it says otherwise than its leaf")
		}
		if err != nil {
			l.log.Error("an hour of a site is damaged here, and is asked for again", "site", g.site, "hour", hourName(g.leaves[i].number), "error", err)
			break
		}
		l.models[g.site] = l.models[g.site] || h.Simulated
		if err := out.add(g.leaves[i]); err != nil {
			return nil, err
		}
	}
	if len(out.leaves) == len(g.leaves) && g.whole {
		return out, nil
	}
	if len(out.leaves) == 0 { // the next write begins the files anew
		return out, nil
	}
	if err := appendDurably(l.disk, logDir(g.site)+"/leaves", out.size, nil); err != nil {
		return nil, err
	}
	return out, out.writeHashes(l.disk, 0, out.hashes)
}

// ErrHole is that leaves do not begin where the mirror ends.
var ErrHole = errors.New("they do not begin where the log ends here")

// Take takes leaves of a site's log, from the given one on, if check accepts how far
// it reaches with them. All are taken or, but for an error of the disk, none.
func (m *Mirror) Take(site string, from int64, fs []Front, check func(Head) error, now time.Time) error {
	if !metric.ValidName(site) {
		return fmt.Errorf("take leaves: %q is no name of a site", site)
	}
	g := m.logs[site]
	if g == nil {
		g = newSiteLog(site)
	}
	if from != int64(len(g.leaves)) {
		return fmt.Errorf("take leaves of %s from %d on: %w, after %d", site, from, ErrHole, len(g.leaves))
	}
	leaves, model, err := leavesOf(site, fs)
	if err != nil {
		return fmt.Errorf("take leaves of %s from %d on: %w", site, from, err)
	}
	next, root, err := g.grown(leaves)
	if err != nil {
		return err
	}
	if err := check(Head{site, from + int64(len(fs)), hex.EncodeToString(root[:])}); err != nil {
		return err
	}
	if err := m.write(g, leaves, fs, next); err != nil {
		return fmt.Errorf("keep leaves of %s: %w", site, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, x := range leaves {
		if err := g.add(x); err != nil {
			return err
		}
	}
	m.models[site] = m.models[site] || model
	m.logs[site], m.now = g, max(m.now, now.UnixMilli(), g.end*hourMs)
	return nil
}

// leavesOf reads fronts that nobody vouches for.
func leavesOf(site string, fs []Front) (leaves []leaf, model bool, err error) {
	for i := range fs {
		x, err := parseLeaf(fs[i].Line)
		if err != nil {
			return nil, false, err
		}
		h, err := readHour(fs[i].Hour)
		switch {
		case err != nil:
			return nil, false, fmt.Errorf("hour %s: %w", hourName(x.number), err)
		case x.site != site || h.Site != site:
			return nil, false, fmt.Errorf("leaf %d is of site %s, and its hour of %s", i, x.site, h.Site)
		case !x.says(h):
			return nil, false, fmt.Errorf("hour %s says otherwise than its leaf", hourName(x.number))
		case len(h.Devices)+len(h.Places)+len(h.Hosts)+len(h.Jobs) > 0:
			return nil, false, fmt.Errorf("hour %s has rows, which stay on the site", hourName(x.number))
		}
		leaves, model = append(leaves, x), model || h.Simulated
	}
	return leaves, model, nil
}

// grown are the hashes that leaves add to g, and the root with them; g stays as it
// is.
func (l *siteLog) grown(leaves []leaf) (hashes []tlog.Hash, root tlog.Hash, err error) {
	all := tlog.HashReaderFunc(func(indexes []int64) (out []tlog.Hash, err error) {
		for _, i := range indexes {
			if old := int64(len(l.hashes)); i >= old {
				out = append(out, hashes[i-old])
			} else {
				out = append(out, l.hashes[i])
			}
		}
		return out, nil
	})
	n := int64(len(l.leaves))
	for i := range leaves {
		stored, err := tlog.StoredHashes(n, []byte(leaves[i].String()), all)
		if err != nil {
			return nil, root, fmt.Errorf("hash leaf %d of %s: %w", n, l.site, err)
		}
		hashes = append(hashes, stored...)
		n++
	}
	root, err = tlog.TreeHash(n, all)
	return hashes, root, err
}

// write makes leaves durable: their files, then their lines, then the hashes.
func (m *Mirror) write(g *siteLog, leaves []leaf, fs []Front, hashes []tlog.Hash) error {
	dir, log := hoursDir(g.site), logDir(g.site)
	for _, d := range []string{dir, log} {
		if err := m.disk.MkdirAll(d); err != nil {
			return fmt.Errorf("make folder %s: %w", d, err)
		}
	}
	more := map[int64]int{}
	var lines []byte
	for i := range leaves {
		n := leaves[i].number
		name := hourFile(g.site, n, len(g.hours[n])+more[n])
		more[n]++
		if err := m.disk.Write(name+".tmp", fs[i].Hour); err != nil {
			return err
		}
		if err := errors.Join(m.disk.Sync(name+".tmp"), m.disk.Rename(name+".tmp", name)); err != nil {
			return err
		}
		lines = append(append(lines, fs[i].Line...), '\n')
	}
	if err := m.disk.SyncDir(dir); err != nil {
		return err
	}
	if err := appendDurably(m.disk, log+"/leaves", g.size, lines); err != nil {
		return err
	}
	if err := m.disk.SyncDir(log); err != nil {
		return err
	}
	if err := g.writeHashes(m.disk, len(g.hashes), hashes); err != nil {
		return err
	}
	return m.disk.SyncDir(log)
}

// Energy is that of a whole site: nothing else is told to others.
func (m *Mirror) Energy(q account.Question) ([]account.Line, error) {
	if q.By != account.BySite {
		return nil, &account.QuestionError{Field: "by", Problem: "the hub knows whole sites only; ask the site's own aggregator"}
	}
	return m.Ledger.Energy(q)
}

// Explain is of no figure here: its entries stay on the site.
func (m *Mirror) Explain(account.Question, int, int) (*account.Explanation, error) {
	return nil, &account.QuestionError{Field: "explain", Problem: "the entries stay on the site; ask its own aggregator"}
}

// Reconcile is of nothing here: what stands below a site's meters stays on the site.
func (m *Mirror) Reconcile(string, int64, int64, []account.Stage) ([]account.Gap, error) {
	return nil, &account.QuestionError{Field: "site", Problem: "hosts and boards stay on the site; ask its own aggregator"}
}
