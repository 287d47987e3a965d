package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gigawatch/gigawatch/collector/program"
)

func main() { program.Main("soak", run) }

// A length is how much is run.
type length struct {
	seeds, flips, kills, collectorKills uint
	alerts, backlog, storm              bool
}

func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
	var l length
	flags := flag.NewFlagSet("soak", flag.ContinueOnError)
	root := flags.String("root", ".", "`folder` of the module")
	flags.UintVar(&l.seeds, "seeds", 10_000, "`number` of seeds of the simulation")
	flags.UintVar(&l.flips, "flips", 10_000, "`number` of bits of files that are flipped; from 1000 on each file is cut at every byte, too")
	flags.UintVar(&l.kills, "kills", 500, "`number` of times an aggregator is killed")
	flags.UintVar(&l.collectorKills, "collector-kills", 200, "`number` of times a collector is killed")
	flags.BoolVar(&l.alerts, "alerts", true, "with alerts that take many minutes of real time")
	flags.BoolVar(&l.backlog, "backlog", true, "with a whole site that comes back after an hour; it wants the programs in bin/")
	flags.BoolVar(&l.storm, "storm", true, "with 10,000 clients whose queries are made to hurt; likewise")
	if err := program.Parse(flags, args, stderr); err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(*root, "aggregator/internal/fault/FAULTS.md"))
	if err != nil {
		return fmt.Errorf("read the list of faults: %w", err)
	}
	rows, err := rowsOf(string(text))
	if err != nil {
		return fmt.Errorf("read the list of faults: %w", err)
	}
	packages, err := packagesOf(*root, rows)
	if err != nil {
		return err
	}
	a := newTally()
	for _, dir := range slices.Sorted(maps.Keys(packages)) {
		if err := a.test(ctx, *root, dir, l.env(dir), stderr, "-run", "^("+strings.Join(packages[dir], "|")+")$"); err != nil {
			return err
		}
	}
	if l.alerts {
		if err := a.test(ctx, *root, filepath.Join(*root, "aggregator/internal/rule"), []string{"GIGAWATCH_SOAK=1"}, stderr, "-run", "^TestSoak", "-parallel", "16"); err != nil {
			return err
		}
	}
	for _, x := range []struct {
		benchmark string
		wanted    bool
	}{{"BenchmarkBacklog", l.backlog}, {"BenchmarkStorm", l.storm}} {
		if !x.wanted {
			continue
		}
		if err := a.test(ctx, *root, filepath.Join(*root, "aggregator"), nil, stderr, "-run", "^$", "-bench", "^"+x.benchmark+"$", "-benchtime", "1x"); err != nil {
			return err
		}
	}
	return a.write(stdout, rows)
}

// everyByte is from how many flipped bits on files are cut at every byte, too, and not at
// some: either takes minutes.
const everyByte = 1000

// env is what the tests of a package are told.
func (l *length) env(dir string) []string {
	kills := l.kills
	if filepath.Base(dir) == "collector" {
		kills = l.collectorKills
	}
	number := func(n uint) string { return strconv.FormatUint(uint64(n), 10) }
	env := []string{"GIGAWATCH_KILLS=" + number(kills), "FAULT_SEEDS=" + number(l.seeds), "FAULT_FLIPS=" + number(l.flips), "FAULT_DAYS=" + number(max(2, l.seeds/500))}
	if l.flips >= everyByte {
		env = append(env, "FAULT_CUTS=1", "FAULT_SEARCH=60")
	}
	return env
}

// test runs tests of a package. That they fail is no error, but in the tally.
func (a *tally) test(ctx context.Context, root, dir string, env []string, progress io.Writer, args ...string) error {
	rel, err := filepath.Rel(root, dir)
	if err != nil {
		return fmt.Errorf("test %s: %w", dir, err)
	}
	cmd := exec.CommandContext(ctx, "go", slices.Concat([]string{"test", "-json", "-tags", "dedupelabels", "-count=1", "-timeout", "24h"}, args, []string{"./" + rel})...)
	cmd.Dir, cmd.Stderr = root, progress
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("test %s: %w", rel, err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("test %s: %w", rel, err)
	}
	read := a.read(out, progress)
	if read != nil {
		_, _ = io.Copy(io.Discard, out) // so that it ends
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case read != nil:
		return read
	case err != nil && !errors.As(err, &exit):
		return fmt.Errorf("test %s: %w", rel, err)
	}
	return nil
}
