package ledger

// Sealed is when the newest sealed hour of a site ended, in milliseconds since 1970:
// before any is sealed, when the first began. ok is false if nothing was booked.
func (l *Ledger) Sealed(site string) (millis int64, ok bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if g := l.logs[site]; g != nil && len(g.leaves) > 0 {
		return g.end * hourMs, true
	}
	first, ok := l.counted(site)
	return first * hourMs, ok
}

// Began is when the first thing of a site was booked, in milliseconds since 1970; ok
// is false if nothing was.
func (l *Ledger) Began(site string) (millis int64, ok bool) { return l.began(site) }
