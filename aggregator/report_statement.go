package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gigawatch/gigawatch/aggregator/internal/report"
	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/program"
)

// Statements that are made of the ledger besides the record of a year.
const (
	ofJob    = query.StatementOfJobs
	ofTenant = query.StatementOfTenant
	ofESRS   = query.StatementOfESRS
	ofFleet  = query.StatementOfFleet
)

// statementFlags are what those commands are told.
type statementFlags struct {
	reportFlags
	kind     string
	jobs     string
	tenant   string
	from, to string
	month    string
	about    string
	names    bool
}

func (f *statementFlags) parse(args []string, stderr io.Writer) error {
	flags := flag.NewFlagSet("aggregator report "+f.kind, flag.ContinueOnError)
	flags.StringVar(&f.config, "config", "", "configuration `file` of the aggregator, instead of -data and -site-file")
	flags.StringVar(&f.data, "data", "", "`folder` of the aggregator, which may run")
	flags.StringVar(&f.url, "url", "", "`address` of an aggregator that runs, such as http://127.0.0.1:8600, instead of its files: it knows who asks, and signs in their name")
	flags.StringVar(&f.tokenFile, "token-file", "", "`file` with the token of -url")
	flags.StringVar(&f.ca, "ca", "", "`file` with the certificate that -url is signed by")
	flags.Var(listFlag{&f.siteFiles}, "site-file", "site `file`, or several with commas between")
	flags.StringVar(&f.as, "as", "json", strings.Join(report.Formats(), " or "))
	flags.StringVar(&f.out, "o", "", "`file` to write instead of standard output; its signature goes beside it, into FILE.note")
	flags.StringVar(&f.by, "by", "", "`name` of who does it, as under people of the site file")
	flags.IntVar(&f.year, "year", 0, "calendar `year`")
	if f.kind == ofJob || f.kind == ofTenant {
		flags.StringVar(&f.site, "site", "", "`name` of the site")
		flags.StringVar(&f.tenant, "tenant", "", "the `tenant`, by name or key; without it all of them")
		flags.BoolVar(&f.names, "names", false, "with the names of jobs and tenants, for people who may: names; without it they are called by keys")
	}
	if f.kind == ofJob {
		flags.StringVar(&f.jobs, "job", "", "`job`, or several with commas between, by name or key")
		flags.StringVar(&f.from, "from", "", "`day` or time from which the jobs are looked for")
		flags.StringVar(&f.to, "to", "", "`day` or time up to which they are, itself not included")
		flags.StringVar(&f.about, "about", "", "YAML `file` of what no meter tells: model, provider, phases, gpu_model …")
	}
	if f.kind == ofTenant {
		flags.StringVar(&f.month, "month", "", "`month`, such as 2026-11, instead of a year")
	}
	if err := program.Parse(flags, args, stderr); err != nil {
		return err
	}
	span := 0
	for _, is := range []bool{f.year != 0, f.month != "", f.from != "" || f.to != ""} {
		if is {
			span++
		}
	}
	switch {
	case oneOf(f.config, f.data, f.url) != 1:
		return fmt.Errorf("%w: want one of -config, -data and -url", program.ErrUsage)
	case f.url != "" && (f.by != "" || len(f.siteFiles) > 0):
		return fmt.Errorf("%w: with -url it is the token that says who you are, and the aggregator has its files: leave out -by and -site-file", program.ErrUsage)
	case f.data != "" && len(f.siteFiles) == 0:
		return fmt.Errorf("%w: -site-file is missing; aggregator site -init > site.yaml begins one", program.ErrUsage)
	case !slices.Contains(report.Formats(), f.as):
		return fmt.Errorf("%w: -as %q is none of %s", program.ErrUsage, f.as, strings.Join(report.Formats(), ", "))
	case span != 1 || f.from == "" != (f.to == ""):
		return fmt.Errorf("%w: want -year%s", program.ErrUsage, map[string]string{ofJob: ", or -from and -to", ofTenant: ", or -month"}[f.kind])
	case f.year != 0 && (f.year < 1990 || f.year > 2100):
		return fmt.Errorf("%w: -year is none of 1990 to 2100", program.ErrUsage)
	case f.kind == ofJob && f.jobs == "" && f.tenant == "":
		return fmt.Errorf("%w: want -job, or -tenant for all jobs of one", program.ErrUsage)
	case f.names && f.by == "" && f.url == "":
		return fmt.Errorf("%w: -by is missing: who is to see the names", program.ErrUsage)
	}
	return nil
}

// statementCommand makes a statement, signs it and keeps it by key.
func statementCommand(kind string, args []string, stdout, stderr io.Writer) (err error) {
	f := statementFlags{kind: kind}
	if err := f.parse(args, stderr); err != nil {
		return err
	}
	if f.url != "" {
		return f.askStatement(stdout, stderr)
	}
	d, err := f.describe()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.desk.Close()) }()
	x, err := f.state(d)
	if err != nil {
		return err
	}
	return f.hand(d, x, stdout, stderr)
}
