package main

import (
	"context"
	"fmt"
	"io"

	"github.com/gigawatch/gigawatch/aggregator/internal/report"
	"github.com/gigawatch/gigawatch/collector/program"
)

// askStatement has an aggregator that runs make the statement; one that is written to a
// file is signed in the name of whoever the token is of.
func (f *statementFlags) askStatement(stdout, stderr io.Writer) error {
	q, err := f.question()
	if err != nil {
		return err
	}
	c, err := clientOf(f.url, f.tokenFile, f.ca)
	if err != nil {
		return err
	}
	q.Format = f.as
	ctx := context.Background() // the client has a time of its own
	if f.out == "" || f.out == "-" {
		if f.about != "" {
			return fmt.Errorf("%w: -about goes with -o FILE: an aggregator at -url takes it where it signs", program.ErrUsage)
		}
		file, err := c.Statement(ctx, q)
		if err != nil {
			return err
		}
		if _, err = stdout.Write(file.Bytes); err == nil {
			fmt.Fprintln(stderr, "not signed: with -o FILE a signature goes beside it")
		}
		return err
	}
	x, err := c.SignStatement(ctx, q)
	if err != nil {
		return err
	}
	for i := range x.Issues {
		said := report.Issue{Code: x.Issues[i].Code, Field: x.Issues[i].Field, Text: x.Issues[i].Text}
		fmt.Fprintf(stderr, "%s\n    > %s\n", said.String(), x.Issues[i].Fix)
	}
	return f.keep(&handed{site: x.Site, period: x.Period, sha256: x.SHA256, file: x.File, note: []byte(x.Note), why: x.Why, key: x.Key}, stdout)
}
