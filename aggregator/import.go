package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/aggregator/internal/names"
	"github.com/gigawatch/gigawatch/aggregator/internal/terms"
	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/program"
	"github.com/gigawatch/gigawatch/collector/site"
)

// importFlags are what the command is told.
type importFlags struct {
	data, url, tokenFile, ca string
	siteFile, file           string
	list                     bool
	revert                   string
	q                        query.ImportQuestion
}

// listFlag is a flag that may stand many times, or have many values.
type listFlag struct{ list *[]string }

func (l listFlag) String() string { return "" }

func (l listFlag) Set(s string) error {
	for part := range strings.SplitSeq(s, ",") {
		*l.list = append(*l.list, strings.TrimSpace(part))
	}
	return nil
}

// columnsFlag is name=header, many of them.
type columnsFlag struct{ columns map[string]string }

func (c columnsFlag) String() string { return "" }

func (c columnsFlag) Set(s string) error {
	for part := range strings.SplitSeq(s, ",") {
		name, header, ok := strings.Cut(part, "=")
		if !ok || header == "" {
			return fmt.Errorf("%q is not NAME=HEADER", part)
		}
		c.columns[strings.TrimSpace(name)] = strings.TrimSpace(header)
	}
	return nil
}

func (f *importFlags) parse(args []string, stderr io.Writer) error {
	flags := flag.NewFlagSet("aggregator import", flag.ContinueOnError)
	q := &f.q
	q.Columns = map[string]string{}
	flags.StringVar(&f.data, "data", "", "`folder` of an aggregator that does not run")
	flags.StringVar(&f.url, "url", "", "`address` of one that does, such as http://127.0.0.1:8600")
	flags.StringVar(&f.tokenFile, "token-file", "", "`file` with the token of -url")
	flags.StringVar(&f.ca, "ca", "", "`file` with the certificate that -url is signed by")
	flags.StringVar(&f.siteFile, "site-file", "", "site `file`, for -data: its meters and its time zone")
	flags.StringVar(&q.Site, "site", "", "`name` of the site")
	flags.StringVar(&f.file, "file", "", "CSV `file` of readings; - reads standard input")
	flags.BoolVar(&q.Apply, "apply", false, "change the books; without it nothing is changed")
	flags.BoolVar(&q.SkipBad, "skip-bad-rows", false, "apply though some rows cannot be taken")
	flags.BoolVar(&q.Settlement, "settlement", false, "it settles: it counts before what was measured")
	flags.BoolVar(&q.Last, "last", false, "no file follows: its hours are sealed now, and not a quarter of an hour later")
	flags.StringVar(&q.Meter, "meter", "", "`meter` of the site that the rows are of; METER=NAME takes those that the file calls so")
	flags.StringVar(&q.Kind, "kind", "", "counter, interval or power: what the values are")
	flags.StringVar(&q.Unit, "unit", "", "`unit` of the values, such as kWh")
	flags.StringVar(&q.Labelled, "labelled", "", "start or end: what the time of a row is of its interval")
	flags.StringVar(&q.Interval, "interval", "", "`length` of intervals: 15m, 1h, day, month")
	flags.StringVar(&q.Decimal, "decimal", "", "point or comma")
	flags.StringVar(&q.Dates, "dates", "", "dmy or mdy: how 03/04/2026 is meant")
	flags.StringVar(&q.Negative, "negative", "", "reject, zero or only: where a column has both directions, zero counts what is below zero as nothing, and only counts nothing else")
	flags.StringVar(&q.TimeZone, "time-zone", "", "`zone` of times without an offset, if not the site's: Europe/Brussels, UTC")
	flags.Var(columnsFlag{q.Columns}, "columns", "`NAME=HEADER,...`: what the file calls meter, time, clock, end, end_clock, value, unit, kind, quality, register")
	flags.Var(listFlag{&q.Registers}, "register", "`registers` that count, where a meter has several")
	flags.Var(listFlag{&q.Totals}, "total", "`[METER:][2026-01=]NUMBER UNIT` that a month is known to be; may stand many times")
	flags.StringVar(&q.ID, "id", "", "`name` of the import, instead of one from its content")
	flags.StringVar(&q.Reason, "reason", "", "`text` that the books keep, instead of the file's name")
	flags.StringVar(&f.revert, "revert", "", "take back the import with this `id`")
	flags.BoolVar(&f.list, "list", false, "list what was imported")
	if err := program.Parse(flags, args, stderr); err != nil {
		return err
	}
	doing := 0
	for _, is := range []bool{f.file != "", f.revert != "", f.list} {
		if is {
			doing++
		}
	}
	switch {
	case (f.data == "") == (f.url == ""):
		return fmt.Errorf("%w: want one of -data, of an aggregator that does not run, and -url, of one that does", program.ErrUsage)
	case doing != 1:
		return fmt.Errorf("%w: want one of -file, -list and -revert", program.ErrUsage)
	case q.Site == "":
		return fmt.Errorf("%w: -site is missing", program.ErrUsage)
	case f.url != "" && f.siteFile != "":
		return fmt.Errorf("%w: the aggregator at -url has the site file itself", program.ErrUsage)
	}
	if f.file != "" {
		q.Name = filepath.Base(f.file)
	}
	return nil
}

// importCommand takes in readings of meters from files.
func importCommand(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) (err error) {
	var f importFlags
	if err := f.parse(args, stderr); err != nil {
		return err
	}
	books, done, err := f.open(stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	switch {
	case f.list:
		a, err := books.Imports(ctx, f.q.Site)
		if err != nil {
			return err
		}
		listImports(stdout, a)
		return nil
	case f.revert != "":
		a, err := books.RevertImport(ctx, f.q.Site, f.revert)
		if err != nil {
			return err
		}
		fmt.Fprintf(stdout, "Import %s is taken back: what it said of %s counts no more.\n", a.ID, quarters(a.Quarters))
		return nil
	}
	a, err := f.send(ctx, books, stdin, stderr)
	if err != nil {
		return err
	}
	describeImport(stdout, a)
	if len(a.Stops) > 0 || a.Bad > 0 && !f.q.SkipBad {
		return fmt.Errorf("import %s: it cannot be applied as it is, see above", f.file)
	}
	return nil
}

// Where the books have no room, the rest of a long import is given later.
const (
	roomEvery = 15 * time.Second
	roomTries = 240
)

// send gives the file to the books, again where they ask for that.
func (f *importFlags) send(ctx context.Context, books query.Imports, stdin io.Reader, stderr io.Writer) (*query.ImportReport, error) {
	if f.file == "-" {
		return books.Import(ctx, f.q, stdin)
	}
	file, err := os.Open(f.file)
	if err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	defer file.Close()
	for try := 0; ; try++ {
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return nil, fmt.Errorf("import: %w", err)
		}
		a, err := books.Import(ctx, f.q, struct{ io.Reader }{file})
		var busy *query.Error
		if err == nil || !f.q.Apply || try == roomTries || !errors.As(err, &busy) || busy.Reason != query.Unavailable {
			return a, err
		}
		fmt.Fprintf(stderr, "%v; it goes on in %s\n", err, roomEvery)
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("import: %w", ctx.Err())
		case <-time.After(roomEvery):
		}
	}
}

// open reaches the books; done lets go of them.
func (f *importFlags) open(stderr io.Writer) (books query.Imports, done func() error, err error) {
	if f.url != "" {
		books, err = f.client()
		return books, func() error { return nil }, err
	}
	return f.openFolder(stderr)
}

func (f *importFlags) client() (*query.Client, error) { return clientOf(f.url, f.tokenFile, f.ca) }

// clientOf asks the aggregator at an address.
func clientOf(url, tokenFile, ca string) (*query.Client, error) {
	c := &query.Client{URL: url}
	var err error
	if tokenFile != "" {
		if c.Token, err = query.ReadToken(tokenFile); err != nil {
			return nil, fmt.Errorf("%w: -token-file: %w", program.ErrUsage, err)
		}
	}
	roots := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		b, err := os.ReadFile(ca)
		if err != nil {
			return nil, fmt.Errorf("%w: -ca: %w", program.ErrUsage, err)
		}
		if roots.RootCAs = x509.NewCertPool(); !roots.RootCAs.AppendCertsFromPEM(b) {
			return nil, fmt.Errorf("%w: -ca: %s holds no certificate", program.ErrUsage, ca)
		}
	}
	c.HTTP = &http.Client{
		Timeout:       7 * time.Minute, // an import has five
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: roots},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// openFolder opens the books of an aggregator that does not run.
func (f *importFlags) openFolder(stderr io.Writer) (_ query.Imports, done func() error, err error) {
	var described *site.Site
	if f.siteFile != "" {
		if described, err = site.Load(f.siteFile); err != nil {
			return nil, nil, fmt.Errorf("%w: -site-file: %w", program.ErrUsage, err)
		}
		if described.Token != f.q.Site {
			return nil, nil, fmt.Errorf("%w: %s describes site %s, not %s", program.ErrUsage, f.siteFile, described.Token, f.q.Site)
		}
	}
	if _, err := os.Stat(filepath.Join(f.data, "ledger")); err != nil {
		return nil, nil, fmt.Errorf("import into %s: it holds no books: %w", f.data, err)
	}
	dir, err := ledger.OpenDir(f.data)
	if errors.Is(err, ledger.ErrLocked) {
		err = fmt.Errorf("%w: if that is the aggregator, say -url and its address", err)
	}
	if err != nil {
		return nil, nil, err
	}
	log, err := program.Logger("warn", stderr)
	if err != nil {
		return nil, nil, errors.Join(err, dir.Close())
	}
	l, err := ledger.Open(ledger.Config{Dir: dir, Logger: log, Metrics: metrics.NewSet(), Names: names.NewKeeper(f.data, time.Now), Hide: names.Hides(f.data)})
	if err != nil {
		return nil, nil, errors.Join(err, dir.Close())
	}
	done = func() error { return errors.Join(l.Close(), dir.Close()) }
	if described != nil {
		t, err := terms.Of(described)
		if err == nil {
			_, err = l.SetTerms(described.Token, t)
		}
		if err != nil {
			return nil, nil, errors.Join(err, done())
		}
	}
	i := &importer{ledger: l, log: log, site: func(string) *site.Site { return described }}
	// Time stands still: no hour is sealed for want of agents, which wait for the
	// aggregator to come back.
	now := time.Now()
	i.commit = func() error {
		_, err := l.Commit(now)
		return err
	}
	return i, done, nil
}
