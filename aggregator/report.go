package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/desk"
	"github.com/gigawatch/gigawatch/aggregator/internal/report"
	"github.com/gigawatch/gigawatch/collector/program"
)

// reportFlags are what the command is told.
type reportFlags struct {
	config, data       string
	url, tokenFile, ca string
	rules              string
	siteFiles          []string
	site               string
	year               int
	as, out            string
	weather            string
	do, by, text       string
	version            int
	hour               string
}

// What can be done besides making a record.
const (
	doHistory = "history" // list the steps
	doCheck   = "check"   // hold a locked record against its hash and the ledger
	doProve   = "prove"   // that an hour stands in the log that a locked record rests on
)

func (f *reportFlags) parse(args []string, stderr io.Writer) error {
	flags := flag.NewFlagSet("aggregator report", flag.ContinueOnError)
	flags.StringVar(&f.config, "config", "", "configuration `file` of the aggregator, instead of -data and -site-file")
	flags.StringVar(&f.data, "data", "", "`folder` of the aggregator, which may run")
	flags.StringVar(&f.url, "url", "", "`address` of an aggregator that runs, such as http://127.0.0.1:8600, instead of its files: it knows who takes a step")
	flags.StringVar(&f.tokenFile, "token-file", "", "`file` with the token of -url")
	flags.StringVar(&f.ca, "ca", "", "`file` with the certificate that -url is signed by")
	flags.Var(listFlag{&f.siteFiles}, "site-file", "site `file`; further ones, with commas between, are looked through for what is counted twice")
	flags.StringVar(&f.site, "site", "", "`name` of the site")
	flags.IntVar(&f.year, "year", 0, "calendar `year` that is reported")
	flags.StringVar(&f.as, "as", "json", strings.Join(report.Formats(), " or "))
	flags.StringVar(&f.as, "format", "json", "the same as -as")
	flags.StringVar(&f.out, "o", "", "`file` to write instead of standard output")
	flags.StringVar(&f.out, "out", "", "the same as -o")
	flags.StringVar(&f.rules, "rules", "", "`name` of the rules, such as EU-2024-1364; a report by others is refused")
	flags.StringVar(&f.weather, "temperatures", "", "CSV `file` of a day and its mean outdoor temperature; without it the one that report.temperatures of the site file names")
	flags.StringVar(&f.do, "do", "", "validate, lock, approve, submit or correct; history, check or prove")
	flags.StringVar(&f.by, "by", "", "`name` of who does it, as under people of the site file")
	flags.StringVar(&f.text, "text", "", "receipt of -do submit, reason of -do correct")
	flags.IntVar(&f.version, "version", 0, "the locked `version`, instead of the newest")
	flags.StringVar(&f.hour, "hour", "", "`hour` of -do prove, UTC: 2026-07-15T12Z")
	if err := program.Parse(flags, args, stderr); err != nil {
		return err
	}
	acts := []string{"", report.ActValidate, report.ActLock, report.ActApprove, report.ActSubmit, report.ActCorrect, doHistory, doCheck, doProve}
	switch {
	case oneOf(f.config, f.data, f.url) != 1:
		return fmt.Errorf("%w: want one of -config, -data and -url", program.ErrUsage)
	case f.url != "" && f.site == "":
		return fmt.Errorf("%w: -site is missing, which goes with -url", program.ErrUsage)
	case f.url != "" && (f.by != "" || len(f.siteFiles) > 0 || f.weather != ""):
		return fmt.Errorf("%w: with -url it is the token that says who you are, and the aggregator has its files: leave out -by, -site-file and -temperatures", program.ErrUsage)
	case f.url != "" && (f.do == doCheck || f.do == doProve):
		return fmt.Errorf("%w: -do %s reads the files: say -config or -data; the page and api/v1/report prove an hour, too", program.ErrUsage, f.do)
	case f.data != "" && len(f.siteFiles) == 0:
		return fmt.Errorf("%w: -site-file is missing; aggregator site -init > site.yaml begins one", program.ErrUsage)
	case f.year < 1990 || f.year > 2100:
		return fmt.Errorf("%w: -year is missing, or none of 1990 to 2100", program.ErrUsage)
	case !slices.Contains(report.Formats(), f.as):
		return fmt.Errorf("%w: -as %q is none of %s", program.ErrUsage, f.as, strings.Join(report.Formats(), ", "))
	case !slices.Contains(acts, f.do):
		return fmt.Errorf("%w: -do %q is none of%s", program.ErrUsage, f.do, strings.Join(acts, " "))
	case f.acts() && f.by == "" && f.url == "":
		return fmt.Errorf("%w: -by is missing: who does it", program.ErrUsage)
	case f.do == doProve && f.hour == "":
		return fmt.Errorf("%w: -hour is missing, such as %d-07-15T12Z", program.ErrUsage, f.year)
	}
	return nil
}

// oneOf counts those that are said.
func oneOf(texts ...string) (n int) {
	for _, t := range texts {
		if t != "" {
			n++
		}
	}
	return n
}

// acts reports whether a step is to be taken.
func (f *reportFlags) acts() bool {
	return f.do != "" && f.do != doHistory && f.do != doCheck && f.do != doProve
}

// reportCommand makes the report of a site's year, and takes it from draft to
// submitted.
func reportCommand(args []string, stdout, stderr io.Writer) (err error) {
	if len(args) > 0 {
		switch args[0] {
		case ofJob, ofTenant, ofESRS, ofFleet:
			return statementCommand(args[0], args[1:], stdout, stderr)
		case "verify":
			return verifyStatement(args[1:], stdout, stderr)
		case "forget":
			return forgetNames(args[1:], stdout, stderr)
		}
	}
	var f reportFlags
	if err := f.parse(args, stderr); err != nil {
		return err
	}
	if f.url != "" {
		return f.ask(stdout, stderr)
	}
	d, err := f.describe()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.desk.Close()) }()
	filing, err := d.desk.Folder.Filing(d.site.Token, f.year)
	if err != nil {
		return err
	}
	switch f.do {
	case doHistory:
		return listSteps(stdout, filing)
	case doCheck, doProve:
		return f.hold(d, filing, stdout)
	case report.ActApprove, report.ActSubmit, report.ActCorrect:
		return f.step(d, filing, nil, stdout)
	}
	// What was locked is not made anew.
	if at := filing.Newest(); at != nil && (filing.State() != report.Draft && filing.State() != report.Validated || f.version > 0) {
		if f.do != "" {
			return f.step(d, filing, nil, stdout) // which says why it cannot
		}
		b, err := d.desk.Folder.Record(filing, f.version)
		if err != nil {
			return err
		}
		r, err := report.ParseRecord(b)
		if err != nil {
			return err
		}
		fmt.Fprintf(stderr, "version %d is %s: this is the record as it was locked\n", at.Version, filing.State())
		return f.write(d, r, b, filing, true, stdout)
	}
	draft, err := d.desk.Make(context.Background(), d.site.Token, f.year, f.weather)
	if err != nil {
		return err
	}
	listIssues(stderr, draft.Record)
	if f.do != "" {
		return f.step(d, filing, draft, stdout)
	}
	return f.write(d, draft.Record, draft.Bytes, filing, false, stdout)
}

// write writes a record, whose bytes are b.
func (f *reportFlags) write(d *described, r *report.Record, b []byte, filing *report.Filing, locked bool, stdout io.Writer) error {
	if err := f.ruled(r.RuleSet.ID); err != nil {
		return err
	}
	b, err := d.desk.Write(r, b, filing, locked, f.as)
	if err != nil {
		return err
	}
	return f.put(b, stdout)
}

// ruled refuses a record by other rules than were asked for.
func (f *reportFlags) ruled(by string) error {
	if f.rules != "" && f.rules != by {
		return fmt.Errorf("%w: -rules %q: the report on %d is by %s", program.ErrUsage, f.rules, f.year, by)
	}
	return nil
}

// put writes bytes where -o says.
func (f *reportFlags) put(b []byte, stdout io.Writer) error {
	if f.out == "" || f.out == "-" {
		_, err := stdout.Write(b)
		return err
	}
	if err := os.WriteFile(f.out, b, 0o640); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// step takes the step that -do names.
func (f *reportFlags) step(d *described, filing *report.Filing, x *desk.Draft, stdout io.Writer) error {
	if err := report.May(d.site.People, f.by, f.do); err != nil {
		return err
	}
	e := report.Event{At: time.Now().UTC().Format(time.RFC3339), Action: f.do, By: f.by, Text: f.text}
	if u, err := user.Current(); err == nil {
		e.Account = u.Username
	}
	if at := filing.Newest(); at != nil && (f.do == report.ActApprove || f.do == report.ActSubmit) {
		if _, err := d.desk.Folder.Record(filing, at.Version); err != nil { // it must still be what was locked
			return err
		}
	}
	if err := d.desk.Take(filing, e, x); err != nil {
		return err
	}
	last := &filing.Events[len(filing.Events)-1]
	fmt.Fprintf(stdout, "report of %s on %d: version %d is %s\n", filing.Site, filing.Year, filing.Version(), filing.State())
	if f.do == report.ActLock {
		fmt.Fprintf(stdout, "record  sha256 %s\nledger  %d leaves, root %s\n", last.Record, last.Leaves, last.Root)
	}
	return nil
}

// listSteps lists the steps of a filing.
func listSteps(w io.Writer, f *report.Filing) error {
	fmt.Fprintf(w, "report of %s on %d: version %d is %s\n", f.Site, f.Year, f.Version(), f.State())
	for i := range f.Events {
		e := &f.Events[i]
		fmt.Fprintf(w, "%s  version %d  %-8s  %s", e.At, e.Version, e.Action, e.By)
		if e.Text != "" {
			fmt.Fprintf(w, "  %s", strings.ReplaceAll(e.Text, "\n", " "))
		}
		if e.Record != "" {
			fmt.Fprintf(w, "  record %.12s", e.Record)
		}
		fmt.Fprintln(w)
	}
	return nil
}

// listIssues lists what is wrong with a record, errors last: they are what is to be
// done next.
func listIssues(w io.Writer, r *report.Record) {
	errs, open := 0, 0
	for _, severity := range []string{report.Warning, report.Error} {
		for i := range r.Issues {
			x := &r.Issues[i]
			if x.Severity != severity {
				continue
			}
			fmt.Fprintln(w, x)
			switch {
			case x.Comment != "":
				fmt.Fprintf(w, "    comment: %s\n", x.Comment)
			case severity == report.Warning:
				open++
				fmt.Fprintf(w, "    > %s; or report.comment_%s in the site file\n", x.Fix, x.Code)
			default:
				errs++
				fmt.Fprintf(w, "    > %s\n", x.Fix)
			}
		}
	}
	if r.Period.Partial { // readings of before are in no figure
		fmt.Fprintln(w, r.Period.Says)
	}
	switch {
	case errs+open == 0:
		fmt.Fprintf(w, "report of %s on %d is in order\n", r.Site, r.Period.Year)
	default:
		fmt.Fprintf(w, "report of %s on %d: %d to mend, %d to comment on, before it can be locked\n", r.Site, r.Period.Year, errs, open)
	}
}
