package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/agent"
)

// runCollector is what README calls collector.
func runCollector() {
	c, err := agent.Load(os.Args[2])
	if err == nil {
		err = agent.Run(context.Background(), c, slog.New(slog.DiscardHandler))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// readme are the commands of README's way from nothing to a report: up to its draft,
// and from there on.
func readme(t *testing.T) (draft, steps string) {
	t.Helper()
	b, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, chapter, ok := strings.Cut(string(b), "\n### The report to the Commission\n")
	chapter, _, _ = strings.Cut(chapter, "\n### ")
	blocks := regexp.MustCompile("(?s)```\n(.*?)```\n").FindAllStringSubmatch(chapter, -1)
	if !ok || len(blocks) != 2 {
		t.Fatalf("README's chapter has %d blocks of commands, want 2", len(blocks))
	}
	return blocks[0][1], blocks[1][1]
}

// A person who types what README says, and has hourly readings, comes to a report that
// is in order, locked, approved and submitted, and its figures are those of the files.
// The site began in December: a whole year takes minutes to seal.
func TestReadmeLeadsFromNothingToASubmittedReport(t *testing.T) {
	t.Parallel()
	dir, err := quickFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	year := time.Now().AddDate(0, 0, -7).Year() - 1 // in the first days of a year the last hours of the one before are not sealed
	totals := decemberOfReadings(t, dir, year)

	draft, steps := readme(t)
	built, draft, _ := strings.Cut(draft, "\n")
	if !strings.HasPrefix(built, "make build ") {
		t.Fatalf("README begins with %q", built)
	}
	here := strings.NewReplacer("127.0.0.1:8600", freePort(t), "127.0.0.1:4222", freePort(t), "2025", strconv.Itoa(year),
		"'spool: {dir: spool}'", "'spool: {dir: spool}' 'sources: {gpu: {driver: none}}'")
	sh := func(commands string) (string, error) {
		c := exec.CommandContext(t.Context(), "sh", "-e", "-c", here.Replace(commands))
		c.Dir = dir
		c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		log := filepath.Join(dir, "sh.log")
		f, err := os.Create(log) // not a pipe, which the servers would hold open
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		c.Stdout, c.Stderr = f, f
		err = c.Start()
		if err == nil {
			t.Cleanup(func() { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) })
			err = c.Wait()
		}
		b, _ := os.ReadFile(log)
		return string(b), err
	}
	must := func(commands string) string {
		t.Helper()
		out, err := sh(commands)
		if err != nil {
			t.Fatalf("%s\n%s\n%v", here.Replace(commands), out, err)
		}
		return out
	}
	begin, rest, ok := strings.Cut(draft, "\n")
	if !ok || !strings.Contains(begin, "site -init -files > site.yaml") {
		t.Fatalf("README does not begin with the site file: %q", begin)
	}
	must(begin + "\nsed -i -e 's/in_operation_since: {value: [0-9-]*/in_operation_since: {value: 2025-12/' -e 's/volume: 300 MWh/volume: 3 MWh/'" +
		" -e '/w_in_pot_m3/s/120/12/' -e '/data_[a-z]*_eb/s/value: 0/value: 0.0/' -e 's/0.0[.]/0.0/' site.yaml")
	said := must(rest)
	lines := strings.Split(strings.TrimSpace(draft), "\n")
	ask := lines[len(lines)-1]
	for deadline := time.Now().Add(4 * time.Minute); strings.Contains(said, "E_UNSEALED"); said = must(ask) {
		if time.Now().After(deadline) {
			t.Fatalf("not all is sealed:\n%s", said)
		}
		time.Sleep(500 * time.Millisecond)
	}
	if regexp.MustCompile(`(?m)^E_`).MatchString(said) {
		t.Errorf("the draft has what is to be mended:\n%s", said)
	}
	file, err := os.OpenFile(filepath.Join(dir, "site.yaml"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range regexp.MustCompile(`(?m)^(W_\w+) `).FindAllStringSubmatch(said, -1) {
		fmt.Fprintf(file, "  comment_%s: {value: looked at, evidence: protocol of the meeting}\n", w[1])
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	said = must(steps)
	for _, state := range []string{"validated", "locked", "approved", "submitted"} {
		if !strings.Contains(said, "version 1 is "+state) {
			t.Errorf("it is not %s:\n%s", state, said)
		}
	}
	must(ask)
	b, err := os.ReadFile(filepath.Join(dir, strconv.Itoa(year)+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var record struct {
		Annex2 []struct {
			Key   string
			Value json.RawMessage // a text is quoted
		}
	}
	if err := json.Unmarshal(b, &record); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range record.Annex2 {
		if v, ok := new(big.Rat).SetString(string(f.Value)); ok {
			got[f.Key] = v.FloatString(3)
		}
	}
	for key, want := range map[string]int64{
		"e_dc_kwh": totals["grid"] + totals["generator"], "e_dc_bg_kwh": totals["generator"], "e_it_kwh": totals["it"],
		"e_reuse_kwh": totals["heat"], "w_in_m3": totals["water"],
	} {
		if want := big.NewRat(want, 1000).FloatString(3); got[key] != want {
			t.Errorf("%s is %q, and the files say %s", key, got[key], want)
		}
	}
	for name, magic := range map[string]string{".xlsx": "PK", ".pdf": "%PDF"} {
		if b, err := os.ReadFile(filepath.Join(dir, strconv.Itoa(year)+name)); err != nil || !strings.HasPrefix(string(b), magic) {
			t.Errorf("%d%s: %v", year, name, err)
		}
	}
}

// decemberOfReadings writes files by the clock of the example's site; totals are in
// thousandths.
func decemberOfReadings(t *testing.T, dir string, year int) (totals map[string]int64) {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Luxembourg")
	if err != nil {
		t.Fatal(err)
	}
	var energy, water strings.Builder
	energy.WriteString("time,grid,generator,it,heat\n")
	water.WriteString("time,water\n")
	totals = map[string]int64{}
	n := int64(0)
	for at := time.Date(year, 12, 1, 0, 0, 0, 0, zone); at.Before(time.Date(year+1, 1, 1, 0, 0, 0, 0, zone)); at = at.Add(time.Hour) {
		clock := at.In(zone).Format("2006-01-02 15:04")
		row := map[string]int64{"grid": 61_207 + n%9_001, "generator": 0, "it": 48_911 + n%7_001, "heat": 20_003 + n%11, "water": 103 + n%7}
		if at.Day() == 1 && at.Hour() == 10 {
			row["generator"] = 5_500
		}
		for name, v := range row {
			totals[name] += v
		}
		cell := func(name string) string { return fmt.Sprintf("%d.%03d", row[name]/1000, row[name]%1000) }
		fmt.Fprintf(&energy, "%s,%s,%s,%s,%s\n", clock, cell("grid"), cell("generator"), cell("it"), cell("heat"))
		fmt.Fprintf(&water, "%s,%s\n", clock, cell("water"))
		n++
	}
	for name, b := range map[string]*strings.Builder{"year.csv": &energy, "water.csv": &water} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return totals
}
