package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/gigawatch/gigawatch/aggregator/internal/rights"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/program"
)

// tokenCommand makes a token: the line that the file of principals gets is its
// output, and the token itself goes where only who asked for it reads it.
func tokenCommand(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("aggregator token", flag.ContinueOnError)
	name := flags.String("name", "", "`name` of who is to hold it")
	roleName := flags.String("role", "viewer", "`role`: viewer, operator, energy or admin")
	var sites, tenants []string
	flags.Var(listFlag{&sites}, "sites", "`names` of the sites that they see; * for every one")
	flags.Var(listFlag{&tenants}, "tenants", "`names` of the only tenants whose jobs they see there")
	common := flags.Bool("site-wide", false, "with -tenants: they see what is no tenant's, too, such as the site's figures")
	file := flags.String("o", "", "new `file` for the token, which its owner alone may read; left out, it is written to standard error")
	if err := program.Parse(flags, args, stderr); err != nil {
		return err
	}
	role, err := rights.ParseRole(*roleName)
	switch {
	case !rights.ValidName(*name):
		return fmt.Errorf("%w: -name %q is not 1 to 63 of A-Z a-z 0-9 _ - . @", program.ErrUsage, *name)
	case err != nil:
		return fmt.Errorf("%w: -role %w", program.ErrUsage, err)
	case len(sites) == 0:
		return fmt.Errorf("%w: -sites is missing: name them, or * for every one", program.ErrUsage)
	case len(tenants) > 0 && role != rights.Viewer:
		return fmt.Errorf("%w: -tenants: only a viewer is bound to tenants", program.ErrUsage)
	case *common && len(tenants) == 0:
		return fmt.Errorf("%w: -site-wide goes with -tenants; without them it is so", program.ErrUsage)
	}
	for _, s := range sites {
		if !metric.ValidName(s) && (s != "*" || len(sites) > 1) {
			return fmt.Errorf("%w: -sites: %q is not a site's name, nor the only one and *", program.ErrUsage, s)
		}
	}
	token, word := rights.NewToken()
	if *file == "" {
		fmt.Fprintf(stderr, "token of %s, which is not shown again:\n%s\n", *name, token)
	} else if err := writeNew(*file, token+"\n"); err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, rights.Line(*name, role, sites, tenants, *common, word))
	return err
}

// writeNew writes a file that was not there and that its owner alone may read.
func writeNew(name, text string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write token: %w", err)
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write token: %w", err)
	}
	return nil
}
