package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"

	"github.com/gigawatch/gigawatch/aggregator/internal/health"
	"github.com/gigawatch/gigawatch/collector/program"
)

// serve is the aggregator of a site.
func serve(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("aggregator serve", flag.ContinueOnError)
	path := flags.String("config", "", "configuration `file`")
	check := flags.Bool("check", false, "say what is wrong with the configuration, and exit")
	initialise := flags.Bool("init", false, "print a commented configuration file, and exit")
	showVersion := flags.Bool("version", false, "print the version, and exit")
	level := program.LogLevel(flags)
	if err := program.Parse(flags, args, stderr); err != nil {
		return err
	}
	switch {
	case *initialise:
		_, err := stdout.Write(example)
		return err
	case *showVersion:
		fmt.Fprintln(stdout, "aggregator", version)
		return nil
	case *path == "":
		return fmt.Errorf("%w: -config is missing; aggregator serve -init prints a file to start from", program.ErrUsage)
	}
	log, err := program.Logger(*level, stderr)
	if err != nil {
		return err
	}
	c, err := loadConfig(*path)
	if err != nil {
		return fmt.Errorf("%w: %w", program.ErrUsage, err)
	}
	if *check {
		if _, _, err := c.access(); err != nil {
			return fmt.Errorf("%s: %w", *path, err)
		}
		if err := c.Bus.check(); err != nil {
			return fmt.Errorf("%s: %w", *path, err)
		}
		if _, err := health.LoadTable(c.XIDs); err != nil {
			return fmt.Errorf("%w: %w", program.ErrUsage, err)
		}
		fmt.Fprintf(stdout, "%s is in order: data in %s, answers on %s, %d sites\n", *path, c.Data, c.Listen, len(c.Sites))
		for _, s := range c.Sites {
			if d := s.described; d != nil {
				fmt.Fprintf(stdout, "%s is described by %s: %d meters, %d warnings; aggregator site -check -file says more\n", s.Name, s.File, len(d.site.Meters), len(d.site.Check()))
			}
		}
		return nil
	}
	return c.serve(ctx, log, stdout)
}

// serve is the aggregator of c until ctx ends.
func (c *config) serve(ctx context.Context, log *slog.Logger, stdout io.Writer) (err error) {
	n, err := open(ctx, c, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	fmt.Fprintf(stdout, "page      %s/\n", n.url())
	return n.run(ctx)
}

// url is where the aggregator answers.
func (n *node) url() string {
	scheme := "http"
	if n.c.TLS.Cert != "" {
		scheme = "https"
	}
	return scheme + "://" + n.listener.Addr().String()
}
