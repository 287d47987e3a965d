// Command collector reads a host's power, heat, faults and load and sends them
// to a Gigawatch site.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"

	"github.com/gigawatch/gigawatch/collector/agent"
	"github.com/gigawatch/gigawatch/collector/program"
)

// version is set by the linker.
var version = "dev"

func main() { program.Main("collector", run) }

// run is one of the commands; without the name of one, the collector itself.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	command := ""
	if len(args) > 0 {
		command = args[0]
	}
	switch command {
	case "simulate":
		return simulate(ctx, args[1:], stderr)
	case agent.ReadGPUsCommand:
		return agent.ReadGPUs(ctx, args[1:], stderr)
	default:
		return collect(ctx, args, stdout, stderr)
	}
}

const usage = `usage: collector -config FILE [-check] [-log LEVEL]
       collector -init > FILE
       collector simulate -nats URL [flags]

`

// collect reads this host.
func collect(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("collector", flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprint(stderr, usage)
		flags.PrintDefaults()
	}
	config := flags.String("config", "", "configuration `file`")
	check := flags.Bool("check", false, "say what the configuration would do, and exit")
	initialise := flags.Bool("init", false, "print a commented configuration file, and exit")
	showVersion := flags.Bool("version", false, "print the version, and exit")
	level := program.LogLevel(flags)
	if err := program.Parse(flags, args, stderr); err != nil {
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
		return fmt.Errorf("%w: -config is missing; collector -init prints a file to start from", program.ErrUsage)
	}
	log, err := program.Logger(*level, stderr)
	if err != nil {
		return err
	}
	c, err := agent.Load(*config)
	if err != nil {
		return fmt.Errorf("%w: %w", program.ErrUsage, err)
	}
	program.Sparing()
	if *check {
		return agent.Check(ctx, c, log, stdout)
	}
	return agent.Run(ctx, c, log)
}
