package program

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

func TestTheExitCodeTellsWrongUsageFromFailedWork(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		code int
		said string
	}{
		"done":          {nil, 0, ""},
		"help":          {fmt.Errorf("read flags: %w", flag.ErrHelp), 0, ""},
		"failed work":   {errors.New("no disk"), 1, "prog: no disk\n"},
		"wrong usage":   {fmt.Errorf("%w: no file", ErrUsage), 2, "prog: wrong usage: no file\n"},
		"wrong setting": {fmt.Errorf("%w: %w", ErrUsage, errors.New("f.yaml:1: colour")), 2, "prog: wrong usage: f.yaml:1: colour\n"},
	} {
		var said bytes.Buffer
		if got := code("prog", tc.err, &said); got != tc.code || said.String() != tc.said {
			t.Errorf("%s: exit %d and %q, want %d and %q", name, got, said.String(), tc.code, tc.said)
		}
	}
}

func TestFlagsAreReadAndTheRestRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		want string // of the error; "": none
		said string // part of what goes to stderr
	}{
		"as meant":         {[]string{"-log", "debug"}, "", ""},
		"an argument more": {[]string{"-log", "warn", "extra"}, `wrong usage: unexpected argument "extra"`, ""},
		"an unknown flag":  {[]string{"-colour"}, "wrong usage: flag provided but not defined: -colour", "flag provided but not defined: -colour"},
		"help":             {[]string{"-h"}, flag.ErrHelp.Error(), "least level that is logged"},
	} {
		var said bytes.Buffer
		flags := flag.NewFlagSet("prog", flag.ContinueOnError)
		level := LogLevel(flags)
		err := Parse(flags, tc.args, &said)
		if got := fmt.Sprint(err); err == nil && tc.want != "" || err != nil && got != tc.want {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
		if !strings.Contains(said.String(), tc.said) {
			t.Errorf("%s: said %q", name, said.String())
		}
		if err == nil && *level != tc.args[1] {
			t.Errorf("%s: level %q", name, *level)
		}
	}
}

func TestTheLogBeginsAtItsLevel(t *testing.T) {
	for level, lines := range map[string]int{"debug": 4, "info": 3, "warn": 2, "error": 1} {
		var b bytes.Buffer
		log, err := Logger(level, &b)
		if err != nil {
			t.Fatal(err)
		}
		log.Debug("one")
		log.Info("two")
		log.Warn("three")
		log.Error("four")
		if n := strings.Count(b.String(), "\n"); n != lines {
			t.Errorf("%s: %d lines, want %d", level, n, lines)
		}
	}
	if _, err := Logger("loud", nil); !errors.Is(err, ErrUsage) {
		t.Errorf("loud: %v", err)
	}
}

func TestSparingLeavesTheEnvironmentTheLastWord(t *testing.T) {
	processors, percent := runtime.GOMAXPROCS(0), debug.SetGCPercent(100)
	defer runtime.GOMAXPROCS(processors)
	defer debug.SetGCPercent(percent)
	runtime.GOMAXPROCS(2)
	t.Setenv("GOMAXPROCS", "2")
	t.Setenv("GOGC", "100")
	Sparing()
	if n, gc := runtime.GOMAXPROCS(0), debug.SetGCPercent(100); n != 2 || gc != 100 {
		t.Errorf("set in the environment: %d processors and GOGC %d, want 2 and 100", n, gc)
	}
	t.Setenv("GOMAXPROCS", "")
	t.Setenv("GOGC", "")
	Sparing()
	if n, gc := runtime.GOMAXPROCS(0), debug.SetGCPercent(100); n != 1 || gc != 50 {
		t.Errorf("%d processors and GOGC %d, want 1 and 50", n, gc)
	}
}
