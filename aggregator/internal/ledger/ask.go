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
		t.Know(b, l.metersOf(q.Site, b))
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
	var v view
	switch {
	case t.NeedsRows():
		v = l.lookAt(site, number, func(d *account.Device) bool { return t.Wants(b.As(d)) })
	case t.NeedsJobs():
		v = l.lookAtJobs(site, number)
	default:
		v = l.look(site, number)
	}
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
	if t.NeedsJobs() {
		return l.eachShare(&v, t.AddJobRow)
	}
	from := number * hourMs
	return l.eachRow(&v, b, func(d *account.Device, p *account.Place, r *account.Row) {
		if d.Kind == metric.Meter && !b.Counts(d.Name, from, from+hourMs) {
			t.Left(b, d)
		} else {
			as := b.As(d)
			if t.AddRow(as, p, r); as != d {
				t.Restated(d, as)
			}
		}
	})
}

// eachShare yields what jobs drew in the hour of v.
func (l *Ledger) eachShare(v *view, yield func(host string, j *account.Job, r *account.JobRow)) error {
	return l.eachShareOf(v, func(_ int, host string, j *account.Job, r *account.JobRow) { yield(host, j, r) })
}

// eachShareOf says of which leaf of v each is, too.
func (l *Ledger) eachShareOf(v *view, yield func(at int, host string, j *account.Job, r *account.JobRow)) error {
	for i := range v.jobs {
		yield(fromOpen, v.jobs[i].host, &v.jobs[i].job, &v.jobs[i].row)
	}
	for i := range v.leaves {
		if !v.leaves[i].counted() { // what lies over an hour has no jobs
			continue
		}
		h, err := l.sealedHour(v.leaves[i], v.files[i], v.index[i], true)
		if err != nil {
			return err
		}
		jobs, err := l.shown(v.site, h.Jobs)
		if err != nil {
			return err
		}
		for j := range h.Shares {
			r := &h.Shares[j]
			yield(i, h.Hosts[r.Host], &jobs[r.Job], r)
		}
	}
	return nil
}

// eachRow yields what devices drew in the hour of v, and what corrections add to
// that.
func (l *Ledger) eachRow(v *view, b *account.Basis, yield func(d *account.Device, p *account.Place, r *account.Row)) error {
	return l.eachRowOf(v, b, func(_ int, d *account.Device, p *account.Place, r *account.Row) { yield(d, p, r) })
}

// eachRowOf says of which leaf of v each is, too.
func (l *Ledger) eachRowOf(v *view, b *account.Basis, yield func(at int, d *account.Device, p *account.Place, r *account.Row)) error {
	type register struct {
		meter  string
		metric metric.Number
	}
	type spot struct {
		d *account.Device
		p *account.Place
	}
	corrected := v.corrected()
	meters := map[register]spot{}
	each := func(at int, d *account.Device, p *account.Place, r *account.Row) {
		if corrected && d.Kind == metric.Meter {
			meters[register{d.Name, d.Metric}] = spot{d, p}
		}
		yield(at, d, p, r)
	}
	for i := range v.rows {
		each(fromOpen, &v.rows[i].device, &v.rows[i].place, &v.rows[i].row)
	}
	for i := range v.leaves {
		h, err := l.sealedHour(v.leaves[i], v.files[i], v.index[i], false)
		if err != nil {
			return err
		}
		for j := range h.Rows {
			r := &h.Rows[j]
			each(i, &h.Devices[r.Device], &h.Places[r.Place], r)
		}
	}
	if !corrected {
		return nil
	}
	s, err := l.sheet(v, b)
	if err != nil {
		return err
	}
	s.Changes(func(meter string, n metric.Number, by [metric.Qualities]uint64, covers uint32) {
		at, ok := meters[register{meter, n}]
		if !ok {
			return // it was not read: nobody knows where it stands
		}
		for q, mj := range by {
			if r := (account.Row{Quality: metric.Quality(q), Amount: mj, Covered: covers}); mj != 0 {
				covers = 0
				yield(fromCorrections, at.d, at.p, &r)
			}
		}
	})
	return nil
}

// category is where IT energy is metered in [from, to).
func (l *Ledger) category(site string, b *account.Basis, by account.Level, from, to int64) (int, error) {
	first, end := l.span(site)
	var c account.Category
	for n := max(first, from/hourMs); n < min(end, (to+hourMs-1)/hourMs); n++ {
		v := l.look(site, n)
		d, err := l.digest(&v, b)
		if err != nil {
			return 0, err
		}
		c.Add(d)
	}
	return b.Best(&c, by), nil
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
	q.Known = l.metersOf(site, b)
	var unread error
	ks, err := b.KPIs(q, func(yield func(*account.Resolved) bool) {
		for n := max(first, q.From/hourMs); n < min(end, (q.To+hourMs-1)/hourMs); n++ {
			v := l.look(site, n)
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

// Life is what a site has drawn inside a boundary since its ledger began, in
// millijoules, and where IT is metered; ok is false if nothing is. Where readings
// were corrected, or meters stand in for others, it looks at every hour.
func (l *Ledger) Life(site string, boundary metric.Boundary) (mj account.Wide, category int, ok bool) {
	b := l.basis(site)
	l.mu.RLock()
	mj, category, ok = l.state.LifeInside(site, boundary)
	altered := b.Alters() || l.corrected(site)
	l.mu.RUnlock()
	if !altered || boundary > metric.IT {
		return mj, category, ok
	}
	var life [account.Quantities]account.Wide
	var outside account.Wide
	first, end := l.span(site)
	for n := first; n < end; n++ {
		v := l.look(site, n)
		d, err := l.digest(&v, b)
		if err != nil {
			return account.Wide{}, 0, false // what is damaged says so where it is asked for
		}
		for _, x := range d.Outside {
			outside, _ = outside.Add(account.Wide{Lo: x})
		}
		for q := range life {
			for _, x := range d.Sums[q] {
				life[q], _ = life[q].Add(account.Wide{Lo: x})
			}
		}
	}
	return b.Inside(boundary, outside, func(q account.Quantity) account.Wide { return life[q] })
}

// corrected reports whether readings of a site were ever corrected.
func (l *Ledger) corrected(site string) bool {
	if g := l.logs[site]; g != nil && g.corrected {
		return true
	}
	for _, r := range l.state.OpenHours(site) {
		if r.Subject == account.CorrectedReadings {
			return true
		}
	}
	return false
}

// Carbon is the carbon dioxide equivalent, in grams, of all that a site took from
// the grid since its ledger began, location-based; ok is false if none of it is
// known.
func (l *Ledger) Carbon(site string) (grams float64, ok bool, err error) {
	var sum account.Wide
	first, end := l.span(site)
	b := l.basis(site)
	for n := first; n < end; n++ {
		v := l.look(site, n)
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

// Reconcile sets what each stage of a site's power tree shows against what stands
// below it, over [from, to), milliseconds since 1970 on whole hours; of some
// stages, or of all where none are given.
func (l *Ledger) Reconcile(site string, from, to int64, of []account.Stage) ([]account.Gap, error) {
	b := l.basis(site)
	category, err := l.category(site, b, account.BySite, from, to)
	if err != nil {
		return nil, fmt.Errorf("reconcile %s: %w", site, err)
	}
	first, end := l.span(site)
	l.mu.RLock()
	now := max(l.now, l.state.Latest(site))
	l.mu.RUnlock()
	r := account.NewReconciliation(b, from, to, now, category, of)
	for n := max(first, from/hourMs); n < min(end, to/hourMs); n++ {
		if err := l.reconcile(r, b, site, n); err != nil {
			return nil, fmt.Errorf("reconcile %s: %w", site, err)
		}
	}
	return r.Gaps(), nil
}

// reconcile has r take in an hour. What all hosts and GPUs of a sealed one drew is
// kept, since it takes every row of its files to know.
func (l *Ledger) reconcile(r *account.Reconciliation, b *account.Basis, site string, number int64) error {
	if !r.Over(number) {
		return nil
	}
	v := l.look(site, number)
	var all *account.Machines
	if r.NeedsMachines() && len(v.fronts) == 0 {
		all = l.cache.machines(site, number, len(v.files))
	}
	var rows []account.ReconciledRow
	if r.NeedsRows() || r.NeedsMachines() && all == nil {
		v = l.lookAt(site, number, r.Wants)
		if err := l.eachRow(&v, b, func(d *account.Device, p *account.Place, x *account.Row) {
			if r.Wants(d) {
				rows = append(rows, account.ReconciledRow{Device: d, Place: p, Row: *x})
			}
		}); err != nil {
			return err
		}
	}
	if r.NeedsMachines() && all == nil {
		if all = account.MachinesOf(rows); len(v.fronts) == 0 && r.WantsAll() {
			l.cache.putMachines(site, number, len(v.files), all)
		}
	}
	res, err := l.resolved(&v, b, false)
	if err != nil {
		return err
	}
	var s *account.Sheet
	if r.NeedsSheet() {
		if s, err = l.sheet(&v, b); err != nil {
			return err
		}
	}
	r.Add(res, s, rows, all)
	return nil
}
