package ledger

import (
	"fmt"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
)

// SetTerms makes answers of a site rest on what its operator states, from now on
// and of all times, and returns the version that they will name. What is sealed
// does not change.
func (l *Ledger) SetTerms(site string, t account.Terms) (version string, err error) {
	b, err := account.NewBasis(t)
	if err != nil {
		return "", fmt.Errorf("take terms of %s: %w", site, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bases[site] = b
	return b.Version(), nil
}

// basis is what the operator of a site states; nil if nothing.
func (l *Ledger) basis(site string) *account.Basis {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.bases[site]
}
