package main

import (
	"flag"
	"fmt"
	"io"

	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/aggregator/internal/statement"
	"github.com/gigawatch/gigawatch/collector/program"
)

// verify checks the ledger: exit 0 and one line, or exit 1 naming the first bad
// entry.
func verify(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("aggregator verify", flag.ContinueOnError)
	dir := flags.String("data", "", "`folder` of the aggregator")
	if err := program.Parse(flags, args, stderr); err != nil {
		return err
	}
	if *dir == "" {
		return fmt.Errorf("%w: -data is missing", program.ErrUsage)
	}
	summary, err := ledger.Check(*dir)
	if err != nil {
		return fmt.Errorf("verify %s: %w", *dir, err)
	}
	fmt.Fprintln(stdout, summary)
	return verifyStatements(*dir, stdout)
}

// verifyStatements checks what was signed and kept besides the ledger.
func verifyStatements(dir string, stdout io.Writer) error {
	folder := statement.NewFolder(dir)
	sites, err := folder.Sites()
	if err != nil {
		return fmt.Errorf("verify %s: %w", dir, err)
	}
	for _, name := range sites {
		lines, files, err := folder.Check(name)
		if err != nil {
			return fmt.Errorf("verify %s: %w", dir, err)
		}
		fmt.Fprintf(stdout, "statements of %s: %d lines, %d files kept\n", name, lines, files)
	}
	return nil
}
