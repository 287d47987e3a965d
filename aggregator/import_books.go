package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/intake"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/site"
)

// importer takes files of readings into a ledger that is open in this process.
type importer struct {
	ledger *ledger.Ledger
	site   func(name string) *site.Site // nil: no file describes it
	commit func() error                 // nil: another commits
	log    *slog.Logger
}

var _ query.Imports = (*importer)(nil)

// mostWaiting is how many corrections may wait to be sealed, all of them in
// memory and in each snapshot, before they are sealed without waiting for more.
const mostWaiting = 60_000

// importBooks are the ledger as intake sees it.
type importBooks struct{ *importer }

func (b importBooks) CorrectEach(site string, i account.Import, now time.Time, dry bool, each func(int64, *account.Correction, account.Effect)) error {
	return b.ledger.CorrectEach(site, i, now, dry, each)
}

func (b importBooks) Imports(site string) ([]account.Imported, error) { return b.ledger.Imports(site) }

// Relieve lets what waits be sealed. Where another commits, that takes minutes: a
// caller hears that, and comes again.
func (b importBooks) Relieve(ctx context.Context, site string) error {
	waiting := b.ledger.Waiting(site)
	if waiting < mostWaiting {
		return nil
	}
	if b.commit == nil {
		b.ledger.Ripen(site)
		return query.ErrRoom
	}
	return b.drain(ctx, site, mostWaiting/10)
}

// seal has what waits of a site sealed now, or as soon as another commits.
func (b importBooks) seal(ctx context.Context, site string) error {
	if b.commit == nil {
		b.ledger.Ripen(site)
		return nil
	}
	return b.drain(ctx, site, 0)
}

// drain seals until so many corrections wait.
func (b importBooks) drain(ctx context.Context, site string, until int) error {
	b.ledger.Ripen(site)
	for waiting := b.ledger.Waiting(site); waiting > until; {
		if err := ctx.Err(); err != nil {
			return err
		}
		for range 3 { // the first freezes, the next have sealed
			if err := b.commit(); err != nil {
				return err
			}
		}
		left := b.ledger.Waiting(site)
		if left == waiting { // of hours that are not over: they are few
			return nil
		}
		waiting = left
	}
	return nil
}

// keep waits until all that was taken in is durable.
func (i *importer) keep(ctx context.Context) error {
	if i.commit != nil {
		return i.commit()
	}
	return i.ledger.Kept(ctx)
}

func (i *importer) checkSite(name string) error {
	if !slices.Contains(i.ledger.Sites(), name) {
		return fmt.Errorf("%w: %q has no books yet; they begin with the first word of its collectors", query.ErrNoSite, name)
	}
	return nil
}

// Import implements query.Imports.
func (i *importer) Import(ctx context.Context, q query.ImportQuestion, file io.Reader) (*query.ImportReport, error) {
	if err := i.checkSite(q.Site); err != nil {
		return nil, err
	}
	if q.ID != "" && !metric.ValidName(q.ID) {
		return nil, fmt.Errorf("%w: id %q is not 1 to 63 of A-Z a-z 0-9 _ -", query.ErrFile, q.ID)
	}
	o, err := i.options(&q)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", query.ErrFile, err)
	}
	f, err := intake.Read(ctx, file, o)
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) || ctx.Err() != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%w: %w", query.ErrFile, err)
	}
	defer f.Close()
	p, err := f.Plan(ctx, importBooks{i}, intake.Request{Site: q.Site, ID: q.ID, Reason: q.Reason, SkipBad: q.SkipBad, Now: time.Now()})
	if errors.Is(err, account.ErrUnstated) {
		return nil, fmt.Errorf("%w: %w; name the meter in the site file", query.ErrFile, err)
	}
	if err != nil {
		return nil, err
	}
	if !q.Apply || len(p.Stops) > 0 || p.Bad > 0 && !q.SkipBad {
		return reported(p, nil), nil
	}
	done, err := p.Apply(ctx, importBooks{i})
	if errors.Is(err, account.ErrBusy) {
		err = fmt.Errorf("%w: %w", query.ErrRoom, err)
	}
	if q.Last && err == nil {
		err = importBooks{i}.seal(ctx, q.Site)
	}
	if kept := i.keep(ctx); kept != nil || err != nil {
		return nil, errors.Join(err, kept)
	}
	i.log.Info("readings imported", "site", q.Site, "import", p.ID, "quarters", done.Quarters, "unchanged", done.Unchanged, "shadowed", done.Shadowed, "estimated", done.Estimated,
		"before", done.Before.String(), "after", done.After.String(), "skipped_rows", p.Bad)
	return reported(p, &done), nil
}

// Imports implements query.Imports.
func (i *importer) Imports(_ context.Context, site string) (*query.ImportList, error) {
	if err := i.checkSite(site); err != nil {
		return nil, err
	}
	all, err := i.ledger.Imports(site)
	if err != nil {
		return nil, err
	}
	a := &query.ImportList{Site: site, Imports: []query.ImportLine{}}
	if len(all) > mostImports { // the newest are of interest
		all, a.Truncated = all[len(all)-mostImports:], true
	}
	for _, x := range all {
		a.Imports = append(a.Imports, query.ImportLine{
			ID: x.ID, Reason: x.Reason, At: instant(x.At), Meters: x.Meters, From: instant(x.From), To: instant(x.To),
			Corrected: x.Corrected, Manual: x.Manual, Estimated: x.Estimated, Withdrawn: x.Withdrawn,
		})
	}
	return a, nil
}

// RevertImport implements query.Imports.
func (i *importer) RevertImport(ctx context.Context, site, id string) (*query.ImportReceipt, error) {
	if err := i.checkSite(site); err != nil {
		return nil, err
	}
	all, err := i.ledger.Imports(site)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(all, func(x account.Imported) bool { return x.ID == id })
	if at < 0 {
		return nil, fmt.Errorf("%w as %q at %s", query.ErrNoImport, id, site)
	}
	r, err := i.ledger.TakeBack(site, id, time.Now())
	if kept := i.keep(ctx); kept != nil || err != nil {
		return nil, errors.Join(err, kept)
	}
	return receiptShown(site, id, &r, 0), nil
}

// describes is what the file of a site says, nil if it has none.
func (f *siteFiles) describes(name string) *site.Site {
	x := f.of(name)
	if x == nil {
		return nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.d.site
}

// where is where a site stands, if its file says so.
func (f *siteFiles) where(name string) (latitude, longitude float64, ok bool) {
	s := f.describes(name)
	if s == nil || s.Coordinates == nil {
		return 0, 0, false
	}
	return s.Coordinates.Latitude, s.Coordinates.Longitude, true
}

// Meters as files have them are those of the site file.
func metersOf(s *site.Site) (ms []intake.Meter) {
	if s == nil {
		return nil
	}
	for k := range s.Meters {
		m := &s.Meters[k]
		one := intake.Meter{Name: m.ID, Metric: metric.MeterEnergyJoules, Rating: uint64(max(0, m.Rating))}
		switch {
		case slices.Contains(m.Measures, site.MeasuresWater):
			one.Metric = metric.MeterWater
		case slices.Contains(m.Measures, site.MeasuresHeat) && !slices.Contains(m.Measures, site.MeasuresEnergy):
			one.Metric = metric.MeterHeatJoules
		}
		if r := m.Read; r != nil {
			one.Invert = r.Invert
			if c := r.CSV; c != nil {
				one.File, one.Labelled, one.Unit = c.Meter, c.Labelled, c.Unit
				one.Kind, _ = intake.ParseKind(c.Kind)
			}
		}
		ms = append(ms, one)
	}
	return ms
}
