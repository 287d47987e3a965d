package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

// benchDays is a number of days of a hundred meters.
const benchDays = 10

// A file of a hundred meters into the books of an aggregator that does not run:
// rows a second that are planned, applied and made durable.
func BenchmarkImport(b *testing.B) {
	var text bytes.Buffer
	text.WriteString("meter_id;timestamp;value;unit;kind\n")
	rows := 0
	for n := range benchDays * 96 {
		at := booksBegan.Add(time.Duration(n) * 15 * time.Minute).Format(time.RFC3339)
		for m := range 100 {
			fmt.Fprintf(&text, "m%03d;%s;%d,%03d;kWh;interval\n", m, at, 20+n%11, m)
			rows++
		}
	}
	site := filepath.Join(b.TempDir(), "site.yaml")
	if err := os.WriteFile(site, []byte("site: ghent\ncountry: BE\ntime_zone: Europe/Brussels\nmeters:\n  - {id: \"m[000-099]\", role: pdu_output, read: {csv: {}}}\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	var planned, applied time.Duration
	for b.Loop() {
		b.StopTimer()
		data := b.TempDir()
		if err := makeBooks(data); err != nil {
			b.Fatal(err)
		}
		f := importFlags{data: data, siteFile: site}
		f.q.Site = "ghent"
		var log strings.Builder
		books, done, err := f.open(&log)
		if err != nil {
			b.Fatal(err, log.String())
		}
		b.StartTimer()
		for _, apply := range []bool{false, true} {
			began := time.Now()
			a, err := books.Import(b.Context(), query.ImportQuestion{Site: "ghent", Name: "bench", Apply: apply, Settlement: true}, bytes.NewReader(text.Bytes()))
			if err != nil || a.Rows != rows || a.Applied != apply {
				b.Fatalf("%+v, %v", a, err)
			}
			if apply {
				applied += time.Since(began)
			} else {
				planned += time.Since(began)
			}
		}
		if err := done(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(rows)*float64(b.N)/planned.Seconds(), "planned-rows/s")
	b.ReportMetric(float64(rows)*float64(b.N)/applied.Seconds(), "applied-rows/s")
}
