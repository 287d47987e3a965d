package ledger

import (
	"fmt"
	"strings"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// Explain answers q, which is of one line, with the entries that its figure is the
// sum of: from the given one on, so many at most. Figure and entries are of the same
// moment, and so are pages of hours that are sealed.
func (l *Ledger) Explain(q account.Question, from, limit int) (*account.Explanation, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	if q.Step > 0 && q.Step < q.To-q.From {
		return nil, &account.QuestionError{Field: "step", Problem: "one interval is explained at a time"}
	}
	b := l.basis(q.Site)
	category, err := l.category(q.Site, b, q.By, q.From, q.To)
	if err != nil {
		return nil, fmt.Errorf("explain energy of %s: %w", q.Site, err)
	}
	x := explaining{Ledger: l, b: b, t: account.NewTally(&q, q.From, q.To, category), from: from, limit: limit, Explanation: &account.Explanation{}}
	x.t.Know(b, l.metersOf(q.Site, b))
	x.t.Trace(x.row, x.share)
	first, end := l.span(q.Site)
	if q.From/hourMs < first || q.To/hourMs > end {
		x.t.Open()
	}
	for n := max(first, q.From/hourMs); n < min(end, q.To/hourMs); n++ {
		if err := x.hour(q.Site, n); err != nil {
			return nil, fmt.Errorf("explain energy of %s: %w", q.Site, err)
		}
	}
	figures := 0
	for _, line := range x.t.Lines() {
		if line.Reason == "" || figures == 0 {
			x.Line = line
		}
		if line.Reason == "" {
			figures++
		}
	}
	if figures > 1 {
		return nil, &account.QuestionError{Field: "explain", Problem: fmt.Sprintf("of one figure at a time, and there are %d: name one hall, rack, host, gpu, job or tenant", figures)}
	}
	return x.Explanation, nil
}

// explaining is an explanation in the making.
type explaining struct {
	*Ledger
	*account.Explanation
	b           *account.Basis
	t           *account.Tally
	from, limit int

	v     view
	at    int // leaf of the view whose rows are being added
	parts map[account.Quantity]*account.Amount
}

// Where rows come from that are of no leaf.
const (
	fromOpen = -1 - iota
	fromCorrections
)

// hour adds an hour to the figure, and its entries to those of it.
func (x *explaining) hour(site string, number int64) error {
	parts := x.t.Addends()
	switch {
	case x.t.NeedsJobs():
		x.v = x.lookAtJobs(site, number)
	case len(parts) > 0 || x.t.NeedsRows():
		x.v = x.lookAt(site, number, func(d *account.Device) bool { return x.counts(parts, x.b.As(d)) })
	default:
		x.v = x.look(site, number)
	}
	if !x.v.final() {
		x.t.Open()
	}
	switch {
	case x.t.NeedsJobs():
		return x.eachShareOf(&x.v, func(at int, host string, j *account.Job, r *account.JobRow) {
			x.at = at
			x.t.AddJobRow(host, j, r)
		})
	case len(parts) == 0 && !x.t.NeedsRows():
		return nil
	}
	x.parts = map[account.Quantity]*account.Amount{}
	start := number * hourMs
	err := x.eachRowOf(&x.v, x.b, func(at int, d *account.Device, p *account.Place, r *account.Row) {
		as := x.b.As(d)
		if d.Kind == metric.Meter && !x.b.Counts(d.Name, start, start+hourMs) || !x.counts(parts, as) {
			return
		}
		if x.at = at; len(parts) == 0 {
			x.t.AddRow(as, p, r)
			return
		}
		x.row(as, p, r)
	})
	if err != nil || len(parts) == 0 {
		return err
	}
	d, err := x.digest(&x.v, x.b)
	if err != nil {
		return err
	}
	x.t.AddDigest(d)
	x.stated(parts, d)
	return nil
}

// counts reports whether rows of d may be entries.
func (x *explaining) counts(parts []account.Addend, d *account.Device) bool {
	for _, p := range parts {
		if p.Quantity == d.Quantity {
			return true
		}
	}
	return len(parts) == 0 && x.t.Wants(d)
}

// row takes a row of a device as an entry.
func (x *explaining) row(d *account.Device, p *account.Place, r *account.Row) {
	sum := x.parts[d.Quantity]
	if sum == nil {
		sum = &account.Amount{}
		x.parts[d.Quantity] = sum
	}
	sum[r.Quality] += r.Amount
	e := x.entry()
	e.Device, e.Place, e.Quality, e.Flags, e.Millijoules = *d, *p, r.Quality, r.Flags, int64(r.Amount)
	if d.Quantity == account.Export && len(x.t.Addends()) > 0 {
		e.Millijoules = -e.Millijoules
	}
	x.add(e)
}

// share takes a row of a job as an entry.
func (x *explaining) share(host string, j *account.Job, r *account.JobRow, mj uint64) {
	e := x.entry()
	e.Place.Host, e.Job, e.Quality, e.Millijoules = host, *j, r.Quality, int64(mj)
	x.add(e)
}

// stated takes as entries what an hour's digest has otherwise than its rows.
func (x *explaining) stated(parts []account.Addend, d *account.Digest) {
	x.at = fromOpen
	for _, p := range parts {
		have := x.parts[p.Quantity]
		if have == nil {
			have = &account.Amount{}
		}
		for q := range have {
			e := x.entry()
			e.Kind, e.Device.Quantity, e.Quality, e.Millijoules = account.EntryStated, p.Quantity, metric.Quality(q), int64(d.Sums[p.Quantity][q]-have[q])
			if e.Why = "the site file, and meters that stand in for others"; p.Less {
				e.Millijoules = -e.Millijoules
			}
			x.add(e)
		}
	}
	for q, mj := range d.Outside {
		e := x.entry()
		e.Kind, e.Quality, e.Millijoules, e.Why = account.EntryOutside, metric.Quality(q), -int64(mj), "used outside of the data centre"
		if len(parts) > 1 {
			x.add(e)
		}
	}
}

// entry is an empty one of where rows come from.
func (x *explaining) entry() account.Entry {
	e := account.Entry{Kind: account.EntryOpen, Hour: x.v.number * hourMs, Leaf: -1}
	switch {
	case x.at == fromCorrections:
		e.Kind = account.EntryCorrection
		var why []string
		for i := range x.v.leaves {
			if x.v.leaves[i].what == leafMeter {
				why = append(why, x.v.leaves[i].reason)
			}
		}
		e.Why = strings.Join(why, ", ")
	case x.at >= 0:
		l := &x.v.leaves[x.at]
		if e.Kind = account.EntryHour; l.prev != "-" {
			e.Kind = account.EntryRestatement
		}
		e.Leaf, e.File = int64(x.v.index[x.at]), l.hash()
	}
	return e
}

func (x *explaining) add(e account.Entry) {
	if e.Millijoules == 0 {
		return
	}
	x.Sum = x.Sum.AddSigned(e.Millijoules)
	if x.Total++; x.Total > x.from && len(x.Entries) < x.limit {
		x.Entries = append(x.Entries, e)
	}
}
