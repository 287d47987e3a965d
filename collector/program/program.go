// Package program is what the programs have in common at their edge: how they
// read their command line, where they log, how they are stopped, and what they
// exit with.
//
//	os.Args ─▶ Main ─▶ the program's Run ─▶ error ─▶ stderr, exit code
//	             ▲        │ Parse, Logger
//	Ctrl-C ──────┘        ▼ work until ctx ends
//
// The exit code is 0 for what was done, 1 for work that failed, and 2 for wrong
// usage: an error that wraps [ErrUsage].
package program

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	_ "github.com/gigawatch/gigawatch/collector/program/quiet" // before what it keeps quiet
)

// ErrUsage marks what the caller got wrong.
var ErrUsage = errors.New("wrong usage")

// A Run is a program: args are without its name, and ctx ends when it is to
// stop.
type Run func(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error

// Main runs the program called name and ends the process. Ctrl-C and SIGTERM end
// the context; a second one ends the process at once.
func Main(name string, run Run) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	os.Exit(code(name, run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr), os.Stderr))
}

// code says err, if it is one, and is what to exit with.
func code(name string, err error, stderr io.Writer) int {
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return 0
	}
	fmt.Fprintf(stderr, "%s: %v\n", name, err)
	if errors.Is(err, ErrUsage) {
		return 2
	}
	return 1
}

// Parse reads args into flags and refuses what is left over; flags complain to
// stderr.
func Parse(flags *flag.FlagSet, args []string, stderr io.Writer) error {
	flags.SetOutput(stderr)
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		return fmt.Errorf("%w: %w", ErrUsage, err)
	case flags.NArg() > 0:
		return fmt.Errorf("%w: unexpected argument %q", ErrUsage, flags.Arg(0))
	}
	return nil
}

// LogLevel defines the flag -log, whose value [Logger] takes.
func LogLevel(flags *flag.FlagSet) *string {
	return flags.String("log", "info", "least `level` that is logged: debug, info, warn, error")
}

// Logger writes text to w, from level on.
func Logger(level string, w io.Writer) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("%w: -log %q is none of debug, info, warn, error", ErrUsage, level)
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: l})), nil
}

// Sparing bounds what this process takes of a host that is there for something
// else. Its goroutines share one processor: what they do in a second takes a
// thousandth of it, and more of them would only wake one another. Its garbage is
// collected early. GOMAXPROCS and GOGC of the environment go before.
func Sparing() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(1)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
}
