package main

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A file that names some meters leaves out the others that are read. Log and page
// say which, the log once.
func TestMetersThatTheFileLeavesOutAreTold(t *testing.T) {
	l := emptyLedger(t)
	role := func(meter string) string {
		return map[string]string{"grid": metric.RoleGridInput, "pdu-": metric.RolePDUOutput, "ups": metric.RoleUPSOutput}[meter[:min(4, len(meter))]]
	}
	var dials []dial
	for _, name := range []string{"grid-a", "grid-b", "pdu-1", "pdu-2", "pdu-3", "pdu-4", "ups"} {
		dials = append(dials, dial{name, role(name), 60})
	}
	b := newBoard("s1", "DE-LU", 300, 60, dials...)
	now := time.Date(2026, 7, 15, 10, 0, 0, 0, time.UTC)
	for range 30 {
		if o := l.Apply(b.read(now), now, "stream", b.sequence); o.Reason != "" {
			t.Fatal(o.Reason)
		}
		now = now.Add(10 * time.Second)
	}
	path := filepath.Join(t.TempDir(), "site.yaml")
	write := func(meters string) {
		text := "site: s1\ntime_zone: Europe/Luxembourg\n"
		if meters != "" {
			text += "meters:\n"
		}
		for id := range strings.FieldsSeq(meters) {
			text += fmt.Sprintf("  - {id: '%s', role: %s, point: '%[1]s'}\n", id, role(id))
		}
		writeFile(t, path, text)
	}
	write("")
	f := inForce(t, l, "s1", path)
	x := f.of("s1")
	var log strings.Builder
	f.left, f.log = l.Unstated, slog.New(slog.NewTextHandler(&log, nil))
	warning := regexp.MustCompile(`level=WARN msg="meter is not in the site file, its energy counts in nothing: .*" site=s1 file=\S+ meter=(\S+)\n`)
	for _, step := range []struct{ name, meters, told, left string }{
		{"none is named, so all count", "", "", ""},
		{"all are named", "grid-a grid-b ups pdu-[1-4]", "", ""},
		{"one is left out", "grid-a ups pdu-[1-4]", "grid-b", "grid-b"},
		{"one more is", "ups pdu-[1-4]", "grid-a", "grid-a, grid-b"},
		{"both are back", "grid-a grid-b ups pdu-[1-4]", "", ""},
		{"only what is yet to come is named", "grid-c", "grid-a grid-b pdu-1 pdu-2 pdu-3 pdu-4 ups", "grid-a, grid-b, pdu-1, pdu-2, pdu-3 and 2 more"},
		{"none is named any more", "", "", ""},
	} {
		log.Reset()
		write(step.meters)
		f.read(x, now)
		f.compare(x) // as every minute
		var told []string
		for _, m := range warning.FindAllStringSubmatch(log.String(), -1) {
			told = append(told, m[1])
		}
		if s := x.status(); !slices.Equal(told, strings.Fields(step.told)) || s.Left != step.left || s.Refused != "" {
			t.Errorf("%s: told of %q, shows %q, refused %q; log %s", step.name, told, s.Left, s.Refused, log.String())
		}
	}
}
