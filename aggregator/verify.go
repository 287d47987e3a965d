package main

import (
	"flag"
	"fmt"
	"io"

	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
)

// verify checks the ledger: exit 0 and one line, or exit 1 naming the first bad
// entry.
func verify(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("aggregator verify", flag.ContinueOnError)
	dir := flags.String("data", "", "`folder` of the aggregator")
	if err := parse(flags, args, stderr); err != nil {
		return err
	}
	if *dir == "" {
		return fmt.Errorf("%w: -data is missing", errUsage)
	}
	summary, err := ledger.Check(*dir)
	if err != nil {
		return fmt.Errorf("verify %s: %w", *dir, err)
	}
	fmt.Fprintln(stdout, summary)
	return nil
}
