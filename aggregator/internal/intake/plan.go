package intake

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// Books are what readings are taken into.
type Books interface {
	// CorrectEach takes the readings of an import, or with dry says what they would
	// change, for each quarter of an hour of a register.
	CorrectEach(site string, i account.Import, now time.Time, dry bool, each func(number int64, c *account.Correction, e account.Effect)) error
	// Imports are those of a site.
	Imports(site string) ([]account.Imported, error)
	// Relieve is called between the parts of a long import. It makes room where
	// much waits to be sealed, or says that there is none.
	Relieve(ctx context.Context, site string) error
}

// A Request says what to do with a file.
type Request struct {
	Site    string
	ID      string // "": the file's own
	Reason  string // "": the file's name
	SkipBad bool   // apply what can be taken though some rows cannot
	Now     time.Time
}

// A Plan is what a file would change.
type Plan struct {
	Request
	File     *File
	Tracks   []*Track // by meter
	Months   []Month  // by meter, then time
	Problems []Problem
	Bad      int       // rows, of which Problems are the first
	Stops    []Problem // why it cannot be applied
	Notes    []string
	Standing int // quarters of registers that stand by the same id
	location *time.Location
}

// A Month is what a file says of one meter in a month of the site.
type Month struct {
	Meter     string
	Metric    metric.Number
	Month     string       // 2026-01
	Amount    account.Wide // that the file shows
	Quarters  int          // that the file speaks of
	Of        int          // that the month has
	New       int          // of which nothing was known
	Unchanged int          // that this import said before
	Shadowed  int          // of which a better reading stands
	Estimated int          // that the file estimates
	Before    account.Wide // what stands of all that the file speaks of
	After     account.Wide // what will
	Total     *account.Wide
}

// monthKey is what a Month is of.
type monthKey struct {
	meter  string
	metric metric.Number
	month  int64 // first of it, ms since 1970
}

// Plan says what f would change in the books of a site.
func (f *File) Plan(ctx context.Context, books Books, r Request) (*Plan, error) {
	p := &Plan{Request: r, File: f, location: f.o.Location}
	p.ID = cmp.Or(r.ID, f.ID)
	if p.location == nil {
		p.location = time.UTC
	}
	bad := f.bad.clone()
	p.Stops, p.Notes = slices.Clone(f.Stops), slices.Clone(f.Notes)
	if p.Reason == "" {
		p.Reason = f.o.Name
	}
	months := map[monthKey]*Month{}
	q, err := p.each(ctx, books, true, &bad, func(number int64, c *account.Correction, e account.Effect) {
		p.month(months, number, c).add(c, e)
	})
	if err != nil {
		return nil, fmt.Errorf("plan import of %s: %w", f.o.Name, err)
	}
	p.Problems, p.Bad = bad.list, bad.count
	slices.SortStableFunc(p.Problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	for _, t := range q.tracks {
		if t != nil && t.any {
			p.Tracks = append(p.Tracks, t)
		}
	}
	slices.SortFunc(p.Tracks, func(a, b *Track) int { return cmp.Compare(a.Meter, b.Meter) })
	for _, k := range slices.SortedFunc(maps.Keys(months), func(a, b monthKey) int {
		return cmp.Or(cmp.Compare(a.meter, b.meter), cmp.Compare(a.metric, b.metric), cmp.Compare(a.month, b.month))
	}) {
		p.Months = append(p.Months, *months[k])
	}
	if err := p.judge(books); err != nil {
		return nil, err
	}
	return p, nil
}

// month finds or makes the month of a correction.
func (p *Plan) month(months map[monthKey]*Month, number int64, c *account.Correction) *Month {
	at := time.UnixMilli(number*3_600_000 + int64(c.Quarter)*quarter).In(p.location)
	from := time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, p.location)
	k := monthKey{c.Meter, c.Metric, from.UnixMilli()}
	m := months[k]
	if m == nil {
		m = &Month{Meter: c.Meter, Metric: c.Metric, Month: from.Format("2006-01"), Of: int(from.AddDate(0, 1, 0).Sub(from).Milliseconds() / quarter)}
		months[k] = m
	}
	return m
}

func (m *Month) add(c *account.Correction, e account.Effect) {
	m.Quarters++
	m.Amount = plus(m.Amount, c.Amount)
	m.Before, m.After = plus(m.Before, e.Before), plus(m.After, e.After)
	if c.Quality == metric.EstimatedProfile {
		m.Estimated++
	}
	switch {
	case e.Unchanged:
		m.Unchanged++
	case e.Shadowed:
		m.Shadowed++
	case e.New:
		m.New++
	}
}

// A part of a file is given to the books at once: no more than a day of it, so
// that each hour is looked at once, and no more than these.
const (
	mostInPart = 20_000
	partLength = 24 * 3_600_000
)

// each gives the readings of the file to the books, part by part.
func (p *Plan) each(ctx context.Context, books Books, dry bool, bad *problems, each func(number int64, c *account.Correction, e account.Effect)) (*sequence, error) {
	var parts [len(qualities)][]account.Reading
	waiting := 0
	day := int64(-1)
	flush := func() error {
		if err := ctx.Err(); err != nil {
			return err
		}
		for i := range parts {
			if len(parts[i]) == 0 {
				continue
			}
			one := account.Import{ID: p.ID, Reason: p.reason(), Quality: qualities[i], Readings: parts[i]}
			if err := books.CorrectEach(p.Site, one, p.Now, dry, each); err != nil {
				return err
			}
			parts[i] = parts[i][:0]
		}
		waiting = 0
		if dry {
			return nil
		}
		return books.Relieve(ctx, p.Site)
	}
	q, err := p.File.readings(bad, func(t *Track, x piece) error {
		if n := x.from / partLength; n != day || waiting >= mostInPart {
			if err := flush(); err != nil {
				return err
			}
			day = n
		}
		i := rank(x.quality)
		waiting++
		parts[i] = append(parts[i], account.Reading{Meter: t.Meter, Metric: t.Metric, From: x.from, To: x.to, Amount: x.amount})
		return nil
	})
	if err == nil {
		err = flush()
	}
	return q, err
}

// reason is what the books keep of why: no more than they take.
func (p *Plan) reason() string {
	r := p.Reason
	if p.Bad > 0 {
		r = fmt.Sprintf("%s; %s skipped", r, plural(p.Bad, "row"))
	}
	return cutText(r, metric.MaxText)
}

// Apply takes into the books what the plan showed. It may be called again after
// it was cut short: what is in the books stays as it is.
func (p *Plan) Apply(ctx context.Context, books Books) (account.Receipt, error) {
	var receipt account.Receipt
	switch {
	case len(p.Stops) > 0:
		return receipt, fmt.Errorf("apply import %s: %s; %s", p.ID, p.Stops[0], p.Stops[0].Fix)
	case p.Bad > 0 && !p.SkipBad:
		return receipt, fmt.Errorf("apply import %s: %s cannot be taken; mend them, or say -skip-bad-rows", p.ID, plural(p.Bad, "row"))
	}
	_, err := p.each(ctx, books, false, nil, func(_ int64, c *account.Correction, e account.Effect) { receipt.Add(c, e) })
	if err != nil {
		return receipt, fmt.Errorf("apply import %s: %w", p.ID, err)
	}
	return receipt, nil
}

// cutText is s in no more than n bytes.
func cutText(s string, n int) string {
	for len(s) > n {
		r := []rune(s)
		s = string(r[:len(r)-max(1, (len(s)-n)/4)])
	}
	return s
}

// Location is where the months of p are cut.
func (p *Plan) Location() *time.Location { return p.location }
