package main

import (
	"bytes"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/collector/agent"
)

// The steps of SECURITY.md are taken as they stand there: its commands in their
// order, its files by the programs they are for.
func TestStepsOfSecurity(t *testing.T) {
	text, err := os.ReadFile("../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^ *```(sh|yaml)\n(.*?)^ *```$").FindAllStringSubmatch(string(text), -1)
	t.Chdir(t.TempDir())
	writeFile(t, "hosts.txt", "n0001\nn0002\n")
	commands, files := 0, 0
	for _, b := range blocks {
		if b[1] == "yaml" {
			files++
			if strings.Contains(b[2], "# aggregator.yaml") {
				_, err = parseConfig("aggregator.yaml", []byte(b[2]))
			} else {
				_, err = agent.Parse("collector.yaml", []byte(b[2]))
			}
			if err != nil {
				t.Errorf("%v in\n%s", err, b[2])
			}
			continue
		}
		for line := range strings.Lines(strings.TrimSpace(b[2])) {
			commands++
			args, ok := strings.CutPrefix(strings.TrimSpace(line), "aggregator ")
			if !ok {
				t.Errorf("%s is no command of the aggregator", line)
				continue
			}
			var out bytes.Buffer
			if err := run(t.Context(), strings.Fields(args), strings.NewReader(""), &out, io.Discard); err != nil {
				t.Errorf("%s: %v", line, err)
			}
			if strings.Contains(line, "bus show") && !strings.Contains(out.String(), "revoked") {
				t.Errorf("%s says\n%s", line, out.String())
			}
		}
	}
	if commands < 6 || files != 2 {
		t.Errorf("%d commands and %d files were tried", commands, files)
	}
}
