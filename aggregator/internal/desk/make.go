package desk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/aggregator/internal/report"
	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/site"
)

// A Draft is a record that was made and is not locked. It does not change.
type Draft struct {
	Record *report.Record
	Bytes  []byte
	SHA256 string
	Trace  *report.Trace
	Head   ledger.Head
	Made   time.Time

	of      *Described
	state   string // of what it was made of
	checked time.Time
}

// lookBack is how long before a year its gaps are estimated by.
const lookBack = 28 * 24 * time.Hour

// span is the year of a report, and the time before it that matters.
func (s *Described) span(year int) (from, to time.Time) {
	first := site.Date{Year: year, Month: time.January, Day: 1}
	return s.Site.MidnightOf(first).Add(-lookBack), s.Site.MidnightOf(first.AddMonths(12))
}

// errRefused is of books that are not as they were sealed.
func errRefused(what string, err error) error {
	return fmt.Errorf("%w: %s is refused: %w", query.ErrReport, what, err)
}

// held holds the hours of a time against their log, and says how far that reaches.
func held(l Books, what, name string, from, to time.Time) (b report.Books, h ledger.Head, err error) {
	if h, err = l.Head(name); err != nil {
		return b, h, err
	}
	if b.Files, err = l.Verify(name, from.UnixMilli(), to.UnixMilli()); err != nil {
		return b, h, errRefused(what+name, err)
	}
	b.Leaves, b.Root, b.Simulated = h.Leaves, h.Root, l.Simulated(name)
	return b, h, nil
}

// ending are books that are not read any more once ctx ends.
type ending struct {
	Books
	ctx context.Context
}

func (e ending) Branches(site string, from, to int64, yield func(*account.HourBranches) bool) error {
	err := e.Books.Branches(site, from, to, func(h *account.HourBranches) bool { return e.ctx.Err() == nil && yield(h) })
	return errors.Join(err, e.ctx.Err())
}

func (e ending) Energy(q account.Question) ([]account.Line, error) {
	if err := e.ctx.Err(); err != nil {
		return nil, err
	}
	return e.Books.Energy(q)
}

// Make makes the record of a site's year as it is now; temperatures is a file in
// place of the one that the site file names, "" for that.
func (d *Desk) Make(ctx context.Context, name string, year int, temperatures string) (_ *Draft, err error) {
	if err := checkYear(year); err != nil {
		return nil, err
	}
	s, others, err := d.described(name)
	if err != nil {
		return nil, err
	}
	filing, err := d.Folder.Filing(name, year)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", query.ErrReport, err)
	}
	rules, beside, err := rulesOf(filing, s.Site.Country)
	if err != nil {
		return nil, err
	}
	l, done, err := d.c.Open(s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	from, to := s.span(year)
	books, head, err := held(l, "report on ", name, from, to)
	if err != nil {
		return nil, err
	}
	draft := &Draft{Trace: &report.Trace{}, Head: head, Made: d.c.Now(), of: s}
	in := report.Input{
		Site: s.Site, Basis: s.Basis, Ledger: ending{l, ctx}, Books: books, Rules: rules, Beside: beside, Year: year, Now: draft.Made, Others: others, Program: d.c.Program,
		Trace: draft.Trace,
	}
	if in.Weather, err = s.temperatures(year, temperatures); err != nil {
		return nil, err
	}
	locked, err := d.Folder.Locked()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", query.ErrReport, err)
	}
	for _, r := range locked {
		in.Earlier = append(in.Earlier, r)
		if r.Site == name && in.LogUnchanged == nil {
			in.LogUnchanged = l.Extends(ledger.Head{Site: r.Site, Leaves: r.Ledger.Leaves, Root: r.Ledger.Root})
		}
	}
	if draft.Record, err = report.Build(in); err != nil {
		return nil, fmt.Errorf("%w: %w", query.ErrReport, err)
	}
	if draft.Bytes, err = draft.Record.JSON(); err != nil {
		return nil, err
	}
	draft.SHA256 = report.Hash(draft.Bytes)
	return draft, nil
}

// weather is the file of temperatures of a year, and whose they are; "" if none is
// named.
func (s *Described) weather(year int) (path, source string) {
	e, ok := s.Site.Answer("temperatures", year)
	if !ok {
		return "", ""
	}
	path = e.Value.String()
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(s.File), path)
	}
	return path, e.Evidence
}

func (s *Described) temperatures(year int, path string) (x report.Series, err error) {
	named, source := s.weather(year)
	if path == "" {
		path = named
	}
	if path == "" {
		return x, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return x, fmt.Errorf("%w: temperatures: %w", query.ErrReport, err)
	}
	defer f.Close()
	if source == "" {
		source = filepath.Base(path)
	}
	if x, err = report.ParseSeries(f, source); err != nil {
		return x, fmt.Errorf("%w: %s: %w", query.ErrReport, path, err)
	}
	return x, nil
}

// Hold holds a locked record against the ledger: that its log begins with the one
// the record rests on, and its hours are as they were sealed. It proves an hour of
// it, unless that is negative.
func (d *Desk) Hold(name string, r *report.Record, hour int64) (h ledger.Head, proofs []ledger.Proof, err error) {
	s, _, err := d.described(name)
	if err != nil {
		return h, nil, err
	}
	l, done, err := d.c.Open(s)
	if err != nil {
		return h, nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	from, to := s.span(r.Period.Year)
	if _, _, err := held(l, "report on ", name, from, to); err != nil {
		return h, nil, err
	}
	h = ledger.Head{Site: r.Site, Leaves: r.Ledger.Leaves, Root: r.Ledger.Root}
	if err := l.Extends(h); err != nil {
		return h, nil, fmt.Errorf("%w: the ledger is not the one that the report rests on: %w", query.ErrReport, err)
	}
	if hour >= 0 {
		proofs, err = l.Prove(h, hour)
	}
	return h, proofs, err
}
