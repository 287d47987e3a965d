// Command aggregator turns what the collectors of a site send into power,
// energy, PUE and carbon, and answers for every joule.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
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
		fmt.Fprintf(stderr, "aggregator: %v\n", err)
		return 2
	}
	fmt.Fprintf(stderr, "aggregator: %v\n", err)
	return 1
}

const usage = `usage: aggregator serve -config FILE [-check] [-log LEVEL]
       aggregator serve -init > FILE
       aggregator all-in-one [-data DIR] [-listen ADDR] [-hosts N] [-gpus N] [-seed S] [-interval 1s]
       aggregator verify -data DIR

serve       the aggregator of a site
all-in-one  bus, this host's collector, a simulated site and the aggregator in one process
verify      checks the ledger; exit 0 and one line, or exit 1 naming the first bad entry
`

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return fmt.Errorf("%w: a command is missing", errUsage)
	}
	switch command, args := args[0], args[1:]; command {
	case "serve":
		return serve(ctx, args, stdout, stderr)
	case "all-in-one":
		return allInOne(ctx, args, stdout, stderr)
	case "verify":
		return verify(args, stdout, stderr)
	case "-version", "--version", "version":
		fmt.Fprintln(stdout, "aggregator", version)
		return nil
	case "-h", "-help", "--help", "help":
		fmt.Fprint(stdout, usage)
		return nil
	case "report", "import":
		return fmt.Errorf("%s is not part of this version", command)
	default:
		fmt.Fprint(stderr, usage)
		return fmt.Errorf("%w: unknown command %q", errUsage, command)
	}
}

// parse reads args into flags and refuses what is left over.
func parse(flags *flag.FlagSet, args []string, stderr io.Writer) error {
	flags.SetOutput(stderr)
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		return fmt.Errorf("%w: %w", errUsage, err)
	case flags.NArg() > 0:
		return fmt.Errorf("%w: unexpected argument %q", errUsage, flags.Arg(0))
	}
	return nil
}

func logger(level string, w io.Writer) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("%w: -log %q is none of debug, info, warn, error", errUsage, level)
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: l})), nil
}
