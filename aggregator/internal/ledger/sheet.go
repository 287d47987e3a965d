package ledger

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
)

// readFrontOf reads the file of an hour as far as figures of a site need it.
func readFrontOf(d Disk, name string) (*account.Hour, error) {
	for n := headBytes; ; n *= 8 {
		b, err := d.ReadHead(name, n)
		if err != nil {
			return nil, fmt.Errorf("read sealed hour: %w", err)
		}
		h, err := readFront(b)
		switch {
		case err == nil:
			return h, nil
		case !errors.Is(err, errHour) || len(b) < n || n >= 1<<30: // there is no more of it
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
	}
}

// front is the same of the i-th file of a view, kept for the next time.
func (l *Ledger) front(v *view, i int) (*account.Hour, error) {
	k := hourKey{site: v.site, number: v.number, leaf: v.index[i], frontOnly: true}
	if c := l.cache.get(k); c != nil {
		return c.hour, nil
	}
	h, err := readFrontOf(l.disk, v.files[i])
	if err != nil {
		return nil, err
	}
	size := int(unsafe.Sizeof(*h)) + len(h.Meters)*int(unsafe.Sizeof(account.MeterRow{})) +
		len(h.Words)*int(unsafe.Sizeof(account.Word{})) + len(h.Corrected)*int(unsafe.Sizeof(account.Correction{}))
	l.cache.put(&kept{key: k, size: size, hour: h})
	return h, nil
}

// sheet is the hour of v, together.
func (l *Ledger) sheet(v *view, b *account.Basis) (*account.Sheet, error) {
	s := account.NewSheet(v.number, b)
	for i := range v.files {
		h, err := l.front(v, i)
		if err != nil {
			return nil, err
		}
		s.Add(h)
	}
	for _, h := range v.fronts {
		s.Add(h)
	}
	s.Done()
	if m, ok := firstMinute(&s.Summary); v.first && ok {
		s.Since = v.number*hourMs + m*60_000
	}
	return s, nil
}

// resolved is the hour of v with its branches decided: with detail, by the minute
// too.
func (l *Ledger) resolved(v *view, b *account.Basis, detail bool) (*account.Resolved, error) {
	k := hourKey{site: v.site, number: v.number, files: len(v.files), terms: b.Version()}
	if !detail && len(v.fronts) == 0 {
		if c := l.cache.get(k); c != nil {
			return c.resolved, nil
		}
	}
	s, err := l.sheet(v, b)
	if err != nil {
		return nil, err
	}
	r := b.Resolve(s, v.until, detail)
	if !detail && len(v.fronts) == 0 {
		l.cache.put(&kept{key: k, size: r.Size(), resolved: r})
	}
	return r, nil
}

// digest is the hour in short.
func (l *Ledger) digest(v *view, b *account.Basis) (*account.Digest, error) {
	if len(v.fronts) == 0 {
		if d := l.cache.digest(v.site, v.number, len(v.files), b.Version()); d != nil {
			return d, nil
		}
	}
	s, err := l.sheet(v, b)
	if err != nil {
		return nil, err
	}
	r := b.Resolve(s, v.until, false)
	d := account.NewDigest(&s.Summary, r)
	if len(v.fronts) == 0 {
		l.cache.putDigest(v.site, v.number, len(v.files), b.Version(), d)
		l.cache.put(&kept{key: hourKey{site: v.site, number: v.number, files: len(v.files), terms: b.Version()}, size: r.Size(), resolved: r})
	}
	return d, nil
}
