package ledger

import (
	"fmt"
	"slices"

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

// Terms are what the operator of a site states, and their version; "" if nothing is
// stated.
func (l *Ledger) Terms(site string) (t account.Terms, version string) {
	if b := l.basis(site); b != nil {
		return b.Terms, b.Version()
	}
	return t, ""
}

// basis is what the operator of a site states; nil if nothing.
func (l *Ledger) basis(site string) *account.Basis {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.bases[site]
}

// Unstated are the meters of a site that were read and that its operator does not
// name although others are: they count in nothing. They are sorted; a meter that
// was never read is not known here.
func (l *Ledger) Unstated(site string) (names []string) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	b := l.bases[site]
	for d := range func(yield func(account.Device) bool) { l.state.Meters(site, yield) } {
		if !b.Names(d.Name) {
			names = append(names, d.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// metersOf names the meters of a site that were ever read, by what they add to.
func (l *Ledger) metersOf(site string, b *account.Basis) account.Meters {
	return func(q account.Quantity) (names []string) {
		l.mu.RLock()
		defer l.mu.RUnlock()
		for d := range func(yield func(account.Device) bool) { l.state.Meters(site, yield) } {
			if b.Names(d.Name) && b.As(&d).Quantity == q {
				names = append(names, d.Name)
			}
		}
		return names
	}
}
