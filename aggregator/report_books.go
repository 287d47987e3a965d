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

	"github.com/gigawatch/gigawatch/aggregator/internal/desk"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/aggregator/internal/names"
	"github.com/gigawatch/gigawatch/aggregator/internal/report"
	"github.com/gigawatch/gigawatch/collector/program"
	"github.com/gigawatch/gigawatch/collector/site"
)

// described is the site of a report, and the desk where it is made.
type described struct {
	site *site.Site
	desk *desk.Desk
	data string            // folder of the aggregator
	all  []*desk.Described // sites
}

// describe reads the site files.
func (f *reportFlags) describe() (*described, error) {
	data, files := f.data, f.siteFiles
	if f.config != "" {
		c, err := loadConfig(f.config)
		if err != nil {
			return nil, err
		}
		data = c.Data
		for _, s := range c.Sites {
			if s.File != "" {
				files = append(files, s.File)
			}
		}
	}
	d := &described{}
	var tokens []string
	var all []*desk.Described
	for i, path := range files {
		x, err := describe(path)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", program.ErrUsage, err)
		}
		tokens = append(tokens, x.site.Token)
		all = append(all, x.desk(path, ""))
		if d.site == nil && (x.site.Token == f.site || f.site == "" && i == 0) {
			d.site = x.site
		}
	}
	if d.site == nil {
		return nil, fmt.Errorf("%w: no site file describes %q; there are %q", program.ErrUsage, f.site, tokens)
	}
	d.data, d.all = data, all
	d.desk = desk.New(desk.Config{Data: data, Sites: func() []*desk.Described { return all }, Open: viewBooks(data), Program: version})
	return d, nil
}

// desk is d as a desk takes it.
func (d *description) desk(file, refused string) *desk.Described {
	return &desk.Described{Site: d.site, File: file, Terms: d.terms, Basis: d.basis, Refused: refused}
}

// viewBooks opens the books in a data folder to be read, by a program beside the one
// that writes them.
func viewBooks(data string) func(*desk.Described) (desk.Books, func() error, error) {
	return func(d *desk.Described) (desk.Books, func() error, error) {
		name := d.Site.Token
		if _, err := os.Stat(filepath.Join(data, "ledger")); err != nil {
			return nil, nil, fmt.Errorf("report on %s: %s holds no books: %w", name, data, err)
		}
		l, err := ledger.View(data, ledger.Config{Logger: slog.New(slog.DiscardHandler), Names: names.NewKeeper(data, time.Now)})
		if err != nil {
			return nil, nil, fmt.Errorf("report on %s is refused: %w", name, err)
		}
		if _, err := l.SetTerms(name, d.Terms); err != nil {
			return nil, nil, errors.Join(err, l.Close())
		}
		return l, l.Close, nil
	}
}

// hold holds a locked record against its hash and the ledger, or proves an hour of
// it.
func (f *reportFlags) hold(d *described, filing *report.Filing, stdout io.Writer) error {
	b, err := d.desk.Folder.Record(filing, f.version)
	if err != nil {
		return err
	}
	r, err := report.ParseRecord(b)
	if err != nil {
		return err
	}
	if _, err := d.desk.Folder.Trace(filing, f.version); err != nil {
		return err
	}
	hour := int64(-1)
	if f.do == doProve {
		at, err := time.Parse("2006-01-02T15Z", f.hour)
		if err != nil {
			return fmt.Errorf("%w: -hour %q is none, such as %d-07-15T12Z", program.ErrUsage, f.hour, f.year)
		}
		hour = at.Unix() / 3600
	}
	h, proofs, err := d.desk.Hold(d.site.Token, r, hour)
	switch {
	case err != nil:
		return err
	case f.do == doCheck:
		fmt.Fprintf(stdout, "report of %s on %d is as it was locked: record sha256 %s; the ledger begins with the %d leaves that it rests on, root %s; its hours are as they were sealed\n",
			r.Site, f.year, report.Hash(b), h.Leaves, h.Root)
		return nil
	case len(proofs) == 0:
		return fmt.Errorf("hour %s of %s is not in the log that the report rests on", f.hour, r.Site)
	}
	e := json.NewEncoder(stdout)
	e.SetIndent("", "  ")
	return e.Encode(proofs)
}

// described are the sites with a file, as it is in force.
func (f *siteFiles) described() (all []*desk.Described) {
	for _, x := range f.list {
		x.mu.Lock()
		d, refused := x.d, x.refused
		x.mu.Unlock()
		all = append(all, d.desk(x.path, refused))
	}
	return all
}
