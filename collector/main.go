// Command collector reads a host's power, heat, faults and load and sends them
// to a Gigawatch site.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/gigawatch/gigawatch/collector/agent"
)

// version is set by the linker.
var version = "dev"

// errUsage marks what the caller got wrong: exit code 2.
var errUsage = errors.New("wrong usage")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends it at once
	os.Exit(code(run(ctx, os.Args[1:], os.Stdout, os.Stderr), os.Stderr))
}

func code(err error, stderr io.Writer) int {
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		fmt.Fprintf(stderr, "collector: %v\n", err)
		return 2
	}
	fmt.Fprintf(stderr, "collector: %v\n", err)
	return 1
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 && args[0] == "simulate" {
		return simulate(ctx, args[1:], stderr)
	}
	flags := flag.NewFlagSet("collector", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, "usage: collector -config FILE [-check] [-log LEVEL]\n       collector -init > FILE\n       collector simulate -nats URL [flags]\n\n")
		flags.PrintDefaults()
	}
	config := flags.String("config", "", "configuration `file`")
	check := flags.Bool("check", false, "say what the configuration would do, and exit")
	initialise := flags.Bool("init", false, "print a commented configuration file, and exit")
	showVersion := flags.Bool("version", false, "print the version, and exit")
	level := flags.String("log", "info", "least `level` that is logged: debug, info, warn, error")
	if err := parse(flags, args); err != nil {
		return err
	}
	switch {
	case *initialise:
		_, err := stdout.Write(agent.Example)
		return err
	case *showVersion:
		fmt.Fprintln(stdout, "collector", version)
		return nil
	case *config == "":
		return fmt.Errorf("%w: -config is missing; collector -init prints a file to start from", errUsage)
	}
	log, err := logger(*level, stderr)
	if err != nil {
		return err
	}
	c, err := agent.Load(*config)
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if *check {
		return agent.Check(ctx, c, log, stdout)
	}
	return agent.Run(ctx, c, log)
}
