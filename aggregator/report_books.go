package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/aggregator/internal/report"
	"github.com/gigawatch/gigawatch/collector/program"
	"github.com/gigawatch/gigawatch/collector/site"
)

// described is the site of a report, and what lies beside it.
type described struct {
	site   *site.Site
	file   string
	terms  account.Terms
	basis  *account.Basis
	others []*site.Site
	data   string
	keep   reportFolder
}

// describe reads the site files.
func (f *reportFlags) describe() (*described, error) {
	d := &described{data: f.data}
	files := f.siteFiles
	if f.config != "" {
		c, err := loadConfig(f.config)
		if err != nil {
			return nil, err
		}
		d.data = c.Data
		for _, s := range c.Sites {
			if s.File != "" {
				files = append(files, s.File)
			}
		}
	}
	var tokens []string
	for i, path := range files {
		x, err := describe(path)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", program.ErrUsage, err)
		}
		tokens = append(tokens, x.site.Token)
		if d.site == nil && (x.site.Token == f.site || f.site == "" && i == 0) {
			d.site, d.file, d.terms, d.basis = x.site, path, x.terms, x.basis
			continue
		}
		d.others = append(d.others, x.site)
	}
	if d.site == nil {
		return nil, fmt.Errorf("%w: no site file describes %q; there are %q", program.ErrUsage, f.site, tokens)
	}
	d.keep = reportFolder{filepath.Join(d.data, "report")}
	return d, nil
}

// open opens the books to be read, holds the files of a time against their log,
// and says how far that reaches.
func (d *described) open(from, to time.Time) (l *ledger.Ledger, b report.Books, err error) {
	if _, err := os.Stat(filepath.Join(d.data, "ledger")); err != nil {
		return nil, b, fmt.Errorf("report on %s: %s holds no books: %w", d.site.Token, d.data, err)
	}
	x, err := ledger.View(d.data, ledger.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, b, fmt.Errorf("report on %s is refused: %w", d.site.Token, err)
	}
	if b, err = d.held(x, from, to); err != nil {
		return nil, b, errors.Join(err, x.Close())
	}
	return x, b, nil
}

// held holds the files of a time against the log of l, and says how far that
// reaches.
func (d *described) held(l *ledger.Ledger, from, to time.Time) (b report.Books, err error) {
	if _, err := l.SetTerms(d.site.Token, d.terms); err != nil {
		return b, err
	}
	if b.Files, err = l.Verify(d.site.Token, from.UnixMilli(), to.UnixMilli()); err != nil {
		return b, fmt.Errorf("report on %s is refused: %w", d.site.Token, err)
	}
	h, err := l.Head(d.site.Token)
	if err != nil {
		return b, err
	}
	b.Leaves, b.Root, b.Simulated = h.Leaves, h.Root, l.Simulated(d.site.Token)
	return b, nil
}

// lookBack is how long before a year its gaps are estimated by.
const lookBack = 28 * 24 * time.Hour

// span is the year of a report, and the time before it that matters.
func (d *described) span(year int) (from, to time.Time) {
	first := site.Date{Year: year, Month: time.January, Day: 1}
	return d.site.MidnightOf(first).Add(-lookBack), d.site.MidnightOf(first.AddMonths(12))
}

// make makes the record.
func (f *reportFlags) make(d *described, filing *report.Filing) (*report.Record, error) {
	sets, err := report.Sets()
	if err != nil {
		return nil, err
	}
	rules, besides := report.For(sets, f.year, d.site.Country)
	if at := filing.Newest(); at != nil { // what corrects a record goes by its rules
		rules = report.Find(sets, at.Rules)
	}
	if rules == nil {
		return nil, fmt.Errorf("%w: no rules are known for %d", program.ErrUsage, f.year)
	}
	from, to := d.span(f.year)
	l, books, err := d.open(from, to)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	in := report.Input{
		Site: d.site, Basis: d.basis, Ledger: l, Books: books, Rules: rules, Beside: besides, Year: f.year, Now: time.Now(), Others: d.others, Program: version,
	}
	if in.Weather, err = f.temperatures(d); err != nil {
		return nil, err
	}
	locked, err := d.keep.locked()
	if err != nil {
		return nil, err
	}
	for _, r := range locked {
		in.Earlier = append(in.Earlier, r)
		if r.Site == d.site.Token && in.LogUnchanged == nil {
			in.LogUnchanged = l.Extends(ledger.Head{Site: r.Site, Leaves: r.Ledger.Leaves, Root: r.Ledger.Root})
		}
	}
	return report.Build(in)
}

// temperatures are those of the file that is named, if any is.
func (f *reportFlags) temperatures(d *described) (s report.Series, err error) {
	path, source := f.weather, ""
	if e, ok := d.site.Answer("temperatures", f.year); ok {
		source = e.Evidence
		if path == "" {
			path = beside(d.file, e.Value.String())
		}
	}
	if path == "" {
		return s, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return s, fmt.Errorf("%w: temperatures: %w", program.ErrUsage, err)
	}
	defer file.Close()
	if source == "" {
		source = filepath.Base(path)
	}
	if s, err = report.ParseSeries(file, source); err != nil {
		return s, fmt.Errorf("%w: %s: %w", program.ErrUsage, path, err)
	}
	return s, nil
}

// hold holds a locked record against its hash and the ledger, or proves an hour of
// it.
func (f *reportFlags) hold(d *described, filing *report.Filing, stdout io.Writer) error {
	b, err := d.keep.record(filing, f.version)
	if err != nil {
		return err
	}
	r, err := report.ParseRecord(b)
	if err != nil {
		return err
	}
	from, to := d.span(f.year)
	l, _, err := d.open(from, to)
	if err != nil {
		return err
	}
	defer l.Close()
	h := ledger.Head{Site: r.Site, Leaves: r.Ledger.Leaves, Root: r.Ledger.Root}
	if err := l.Extends(h); err != nil {
		return fmt.Errorf("the ledger is not the one that the report rests on: %w", err)
	}
	if f.do == doCheck {
		fmt.Fprintf(stdout, "report of %s on %d is as it was locked: record sha256 %s; the ledger begins with the %d leaves that it rests on, root %s; its hours are as they were sealed\n",
			r.Site, f.year, report.Hash(b), h.Leaves, h.Root)
		return nil
	}
	at, err := time.Parse("2006-01-02T15Z", f.hour)
	if err != nil {
		return fmt.Errorf("%w: -hour %q is none, such as %d-07-15T12Z", program.ErrUsage, f.hour, f.year)
	}
	ps, err := l.Prove(h, at.Unix()/3600)
	if err != nil {
		return err
	}
	if len(ps) == 0 {
		return fmt.Errorf("hour %s of %s is not in the log that the report rests on", f.hour, r.Site)
	}
	e := json.NewEncoder(stdout)
	e.SetIndent("", "  ")
	return e.Encode(ps)
}
