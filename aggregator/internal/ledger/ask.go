package ledger

import (
	"errors"
	"fmt"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// Energy answers q from the sealed hours, their restatements and what is still
// open. A question that cannot be answered is a [*account.QuestionError]; a
// boundary that is not metered is a line that says so.
func (l *Ledger) Energy(q account.Question) ([]account.Line, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	first, end := l.span(q.Site)
	b := l.basis(q.Site)
	var lines []account.Line
	for from, to := range q.Intervals {
		category, err := l.category(q.Site, b, q.By, from, to)
		if err != nil {
			return nil, fmt.Errorf("read energy of %s: %w", q.Site, err)
		}
		t := account.NewTally(&q, from, to, category)
		if from/hourMs < first || to/hourMs > end {
			t.Open()
		}
		for n := max(first, from/hourMs); n < min(end, to/hourMs); n++ {
			if err := l.add(t, b, q.Site, n); err != nil {
				return nil, fmt.Errorf("read energy of %s: %w", q.Site, err)
			}
		}
		lines = append(lines, t.Lines()...)
	}
	return lines, nil
}

// add adds an hour to a tally.
func (l *Ledger) add(t *account.Tally, b *account.Basis, site string, number int64) error {
	v := l.look(site, number, t)
	if !v.final() {
		t.Open()
	}
	if !t.NeedsRows() && !t.NeedsJobs() {
		d, err := l.digest(&v, b)
		if err != nil {
			return err
		}
		t.AddDigest(d)
		return nil
	}
	for i := range v.rows {
		t.AddRow(&v.rows[i].device, &v.rows[i].place, &v.rows[i].row)
	}
	for i := range v.jobs {
		t.AddJobRow(v.jobs[i].host, &v.jobs[i].job, &v.jobs[i].row)
	}
	for i := range v.leaves {
		h, err := l.sealedHour(v.leaves[i], v.files[i], v.index[i], t.NeedsJobs())
		if err != nil {
			return err
		}
		if t.NeedsJobs() {
			for j := range h.Shares {
				r := &h.Shares[j]
				t.AddJobRow(h.Hosts[r.Host], &h.Jobs[r.Job], r)
			}
			continue
		}
		for j := range h.Rows {
			r := &h.Rows[j]
			t.AddRow(&h.Devices[r.Device], &h.Places[r.Place], r)
		}
	}
	return nil
}

// category is where IT energy is metered in [from, to).
func (l *Ledger) category(site string, b *account.Basis, by account.Level, from, to int64) (int, error) {
	first, end := l.span(site)
	var c account.Category
	for n := max(first, from/hourMs); n < min(end, (to+hourMs-1)/hourMs); n++ {
		v := l.look(site, n, nil)
		d, err := l.digest(&v, b)
		if err != nil {
			return 0, err
		}
		c.Add(d)
	}
	return c.Best(by), nil
}

// KPI is the figure called name over [from, to), milliseconds since 1970; see
// [account.Basis.KPIs].
func (l *Ledger) KPI(site, name string, from, to int64) (account.KPI, error) {
	ks, err := l.KPIs(site, account.KPIQuestion{Names: []string{name}, From: from, To: to})
	if err != nil {
		return account.KPI{}, err
	}
	return ks[0], nil
}

// KPIs are the figures of a site that q asks for. Where q does not say where IT
// energy is metered, it is the outermost point that is.
func (l *Ledger) KPIs(site string, q account.KPIQuestion) ([]account.KPI, error) {
	b := l.basis(site)
	if q.Category == 0 {
		var err error
		if q.Category, err = l.category(site, b, account.BySite, q.From, q.To); err != nil {
			return nil, fmt.Errorf("read figures of %s: %w", site, err)
		}
	}
	first, end := l.span(site)
	l.mu.RLock()
	q.Now = max(l.now, l.state.Latest(site))
	l.mu.RUnlock()
	var unread error
	ks, err := b.KPIs(q, func(yield func(*account.Resolved) bool) {
		for n := max(first, q.From/hourMs); n < min(end, (q.To+hourMs-1)/hourMs); n++ {
			v := l.look(site, n, nil)
			var r *account.Resolved
			if r, unread = l.resolved(&v, b, n*hourMs < q.From || (n+1)*hourMs > q.To); unread != nil || !yield(r) {
				return
			}
		}
	})
	if err = errors.Join(err, unread); err != nil {
		return nil, fmt.Errorf("read figures of %s: %w", site, err)
	}
	return ks, nil
}

// Life is what a site has booked inside a boundary since its ledger began, in
// millijoules, and where IT is metered; ok is false if nothing is. It costs
// little to ask.
func (l *Ledger) Life(site string, b metric.Boundary) (mj account.Wide, category int, ok bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.state.LifeInside(site, b)
}

// Carbon is the carbon dioxide equivalent, in grams, of all that a site took from
// the grid since its ledger began, location-based; ok is false if none of it is
// known.
func (l *Ledger) Carbon(site string) (grams float64, ok bool, err error) {
	var sum account.Wide
	first, end := l.span(site)
	b := l.basis(site)
	for n := first; n < end; n++ {
		v := l.look(site, n, nil)
		d, err := l.digest(&v, b)
		if err != nil {
			return 0, false, fmt.Errorf("read carbon of %s: %w", site, err)
		}
		if sum, err = sum.Add(d.Carbon); err != nil {
			return 0, false, fmt.Errorf("read carbon of %s: %w", site, err)
		}
	}
	return account.Grams(sum), sum != account.Wide{}, nil
}
