package ledger

import (
	"encoding/hex"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// HeadAt is what the log of a site was when it had so many leaves.
func (l *Ledger) HeadAt(site string, leaves int64) (Head, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	g, err := l.reaches(site, leaves)
	if err != nil {
		return Head{}, err
	}
	root, err := g.root(leaves)
	if err != nil {
		return Head{}, fmt.Errorf("hash log of %s: %w", site, err)
	}
	return Head{site, leaves, hex.EncodeToString(root[:])}, nil
}

// Grown proves that the log of a site as of so many leaves goes on from what it was
// with fewer: see [tlog.CheckTree]. There is nothing to prove of none.
func (l *Ledger) Grown(site string, from, to int64) (tlog.TreeProof, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	g, err := l.reaches(site, to)
	if err != nil || from == 0 {
		return nil, err
	}
	if from < 0 || from > to {
		return nil, fmt.Errorf("log of %s does not grow from %d leaves to %d", site, from, to)
	}
	p, err := tlog.ProveTree(to, from, g)
	if err != nil {
		return nil, fmt.Errorf("prove log of %s: %w", site, err)
	}
	return p, nil
}

// reaches is the log of a site that has so many leaves at least.
func (l *Ledger) reaches(site string, leaves int64) (*siteLog, error) {
	g := l.logs[site]
	if g == nil {
		g = newSiteLog(site)
	}
	if leaves < 0 || leaves > int64(len(g.leaves)) {
		return nil, fmt.Errorf("log of %s has %d leaves, and not %d", site, len(g.leaves), leaves)
	}
	return g, nil
}
