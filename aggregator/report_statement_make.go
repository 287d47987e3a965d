package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/desk"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/aggregator/internal/names"
	"github.com/gigawatch/gigawatch/aggregator/internal/report"
	"github.com/gigawatch/gigawatch/aggregator/internal/statement"
	"github.com/gigawatch/gigawatch/collector/program"
)

// stating is a statement in the making.
type stating struct {
	*statementFlags
	*described
	stderr io.Writer
	out    report.Statement // as it is handed out
	kept   report.Statement // as it is kept: by key
	claim  statement.Claim
	issues []report.Issue
}

// ofLedger makes the statement of jobs or of tenants.
func (x *stating) ofLedger() (err error) {
	from, to, err := x.span(x.described.site)
	if err != nil {
		return err
	}
	book, err := names.Open(x.described.data, x.described.site.Token, time.Now)
	if err != nil {
		return err
	}
	named := func(of string) string { // a key may stand for a name
		if n, ok := book.Name(of); ok {
			return n.Name
		}
		return of
	}
	l, books, basis, err := x.hours(from.AddDate(0, 0, -31), to.AddDate(0, 0, 31))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	now := time.Now().Truncate(time.Hour)
	if to.After(now) {
		to = now
	}
	c := statement.Claim{Site: x.described.site.Token, Kind: x.kind, Leaves: books.Leaves, Root: books.Root}
	if x.kind == ofTenant {
		s, err := report.TenantsOf(report.TenantInput{Site: x.described.site, Basis: basis, Ledger: l, Books: books, From: from, To: to, Until: now, Tenant: named(x.tenant), Program: version})
		if err != nil {
			return err
		}
		hidden, err := s.Hidden(book)
		if err != nil {
			return err
		}
		c.Period, c.Whose = strings.ReplaceAll(s.Period, " to ", "/"), hidden.Tenant
		x.out, x.kept, x.claim, x.issues = s, hidden, c, s.Issues
	} else {
		in := report.JobInput{Site: x.described.site, Basis: basis, Ledger: l, Books: books, From: from, To: to, Tenant: named(x.tenant), Program: version}
		for _, j := range strings.Split(x.jobs, ",") {
			if j = strings.TrimSpace(j); j != "" {
				in.Jobs = append(in.Jobs, named(j))
			}
		}
		if in.About, err = readAbout(x.about); err != nil {
			return err
		}
		s, err := report.JobOf(in)
		if err != nil {
			return err
		}
		hidden, err := s.Hidden(book)
		if err != nil {
			return err
		}
		if c.Period = s.Start + "/" + s.End; len(hidden.Jobs) == 1 {
			c.Whose = hidden.Jobs[0].Job
		}
		x.out, x.kept, x.claim, x.issues = s, hidden, c, s.Issues
	}
	if !x.names {
		x.out = x.kept
	}
	return nil
}

// hours opens the books, and holds the hours of a time against their log.
func (x *stating) hours(from, to time.Time) (l *ledger.Ledger, b report.Books, basis *account.Basis, err error) {
	name := x.described.site.Token
	i := slices.IndexFunc(x.all, func(d *desk.Described) bool { return d.Site == x.described.site })
	if _, err := os.Stat(filepath.Join(x.described.data, "ledger")); err != nil {
		return nil, b, nil, fmt.Errorf("statement of %s: %s holds no books: %w", name, x.described.data, err)
	}
	if l, err = ledger.View(x.described.data, ledger.Config{Logger: slog.New(slog.DiscardHandler), Names: names.NewKeeper(x.described.data, time.Now)}); err != nil {
		return nil, b, nil, fmt.Errorf("statement of %s is refused: %w", name, err)
	}
	held := func() error {
		if _, err := l.SetTerms(name, x.all[i].Terms); err != nil {
			return err
		}
		h, err := l.Head(name)
		if err != nil {
			return err
		}
		if b.Files, err = l.Verify(name, from.UnixMilli(), to.UnixMilli()); err != nil {
			return fmt.Errorf("statement of %s is refused: %w", name, err)
		}
		b.Leaves, b.Root, b.Simulated, b.Terms = h.Leaves, h.Root, l.Simulated(name), x.all[i].Basis.Version()
		return nil
	}
	if err := held(); err != nil {
		return nil, b, nil, errors.Join(err, l.Close())
	}
	return l, b, x.all[i].Basis, nil
}

// readAbout reads what is stated of a job.
func readAbout(path string) (a report.JobAbout, err error) {
	if path == "" {
		return a, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return a, fmt.Errorf("%w: -about: %w", program.ErrUsage, err)
	}
	defer file.Close()
	d := yaml.NewDecoder(io.LimitReader(file, 1<<20))
	d.KnownFields(true)
	if err := d.Decode(&a); err != nil && !errors.Is(err, io.EOF) {
		return a, fmt.Errorf("%w: %s: %w", program.ErrUsage, path, err)
	}
	return a, nil
}

// ofRecords makes what follows from the records of all sites that are described: as
// they were locked, or as they are now.
func (x *stating) ofRecords() error {
	var parts []report.ESRSPart
	for _, of := range x.all {
		s := of.Site
		filing, err := x.desk.Folder.Filing(s.Token, x.year)
		if err != nil {
			return err
		}
		p := report.ESRSPart{Site: s, State: filing.State()}
		if filing.Newest() != nil && p.State != report.Draft && p.State != report.Validated {
			if p.Bytes, err = x.desk.Folder.Record(filing, 0); err != nil {
				return err
			}
			if p.Record, err = report.ParseRecord(p.Bytes); err != nil {
				return err
			}
		} else {
			draft, err := x.desk.Make(context.Background(), s.Token, x.year, "")
			if err != nil {
				return err
			}
			p.Record, p.Bytes = draft.Record, draft.Bytes
		}
		parts = append(parts, p)
	}
	x.claim = statement.Claim{Site: x.described.site.Token, Kind: x.kind, Period: fmt.Sprint(x.year), Leaves: parts[0].Record.Ledger.Leaves, Root: parts[0].Record.Ledger.Root}
	if x.kind == ofESRS {
		s, err := report.ESRSOf(x.year, parts, version)
		if err != nil {
			return err
		}
		x.out, x.kept, x.issues = s, s, s.Issues
		return nil
	}
	sets, err := report.Sets()
	if err != nil {
		return err
	}
	rules, _ := report.For(sets, x.year, "")
	if rules == nil {
		return fmt.Errorf("no rules are known for %d", x.year)
	}
	s, err := report.FleetStatementOf(x.year, parts, rules, version)
	if err != nil {
		return err
	}
	x.out, x.kept = s, s
	for i := range parts {
		if r := parts[i].Record; r.Ledger.Simulated {
			x.issues = append(x.issues, report.Issue{Code: "E_SIMULATED", Severity: report.Error, Text: r.Site + ": readings come from a model and not from meters", Fix: "leave this site out"})
		}
	}
	return nil
}
