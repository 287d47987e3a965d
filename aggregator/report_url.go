package main

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/gigawatch/gigawatch/aggregator/internal/report"
	"github.com/gigawatch/gigawatch/aggregator/query"
)

// ask asks an aggregator that runs: for a record, or to take a step in the name of
// whoever the token is of.
func (f *reportFlags) ask(stdout, stderr io.Writer) error {
	c, err := clientOf(f.url, f.tokenFile, f.ca)
	if err != nil {
		return err
	}
	ctx := context.Background() // the client has a time of its own
	q := query.ReportQuestion{Site: f.site, Year: f.year, Version: f.version}
	if f.do == doHistory {
		t, err := c.ReportTrail(ctx, f.site, f.year)
		if err != nil {
			return err
		}
		filing := &report.Filing{Site: t.Site, Year: t.Year}
		for _, e := range t.Trail {
			filing.Events = append(filing.Events, report.Event{At: e.At, Action: e.Action, By: e.By, Role: e.Role, Version: e.Version, Record: e.SHA256, Text: e.Text})
		}
		return listSteps(stdout, filing)
	}
	a, err := c.Report(ctx, q)
	if err != nil {
		return err
	}
	r, err := report.ParseRecord(a.Record)
	if err != nil {
		return err
	}
	if err := f.ruled(r.RuleSet.ID); err != nil {
		return err
	}
	if a.Locked {
		fmt.Fprintf(stderr, "version %d is as it was locked; the report is %s\n", a.Version, a.State)
	} else {
		listIssues(stderr, r)
	}
	if f.do == "" {
		file, err := c.ReportFile(ctx, q, f.as)
		if err != nil {
			return err
		}
		return f.put(file.Bytes, stdout)
	}
	done, err := c.ReportStep(ctx, query.ReportStep{Site: f.site, Year: f.year, Action: f.do, Version: a.Version, SHA256: a.SHA256, Text: f.text})
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "report of %s on %d: version %d is %s\n", done.Site, done.Year, done.Version, done.State)
	if f.do == report.ActLock {
		fmt.Fprintf(stdout, "record  sha256 %s\nledger  %d leaves, root %s\n", done.SHA256, done.Leaves, done.Root)
	}
	fmt.Fprintf(stdout, "by      %s, %s\n", cmp.Or(a.You.Name, "nobody"), a.You.Role)
	return nil
}
