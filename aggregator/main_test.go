package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary be the aggregator, for scripts and for tests
// that kill it.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"aggregator": main, "aggregator-mortal": serveMortal, "collector": runCollector, "collector-agent": runAgent})
}

func TestCommands(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", Cmds: map[string]func(*testscript.TestScript, bool, []string){"books": booksCommand, "month": monthCommand, "spoil": spoilCommand, "tenancy": tenancyCommand}})
}
