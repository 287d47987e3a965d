package intake

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// days100 is a file of 100 meters in quarters of an hour, local times, decimal
// commas.
func days100(days int) ([]byte, []Meter) {
	var b bytes.Buffer
	var ms []Meter
	for m := range 100 {
		ms = append(ms, Meter{Name: fmt.Sprintf("m%03d", m), Metric: metric.MeterEnergyJoules})
	}
	b.WriteString("meter_id;timestamp;value;unit;kind\n")
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, brussels)
	for n := range days * 96 {
		text := at.Add(time.Duration(n) * 15 * time.Minute).Format("02.01.2006 15:04")
		for m := range ms {
			fmt.Fprintf(&b, "m%03d;%s;%d,%03d;kWh;interval\n", m, text, 20+n%11, m)
		}
	}
	return b.Bytes(), ms
}

// Rows read, sorted and brought into order, a second.
func BenchmarkRows(b *testing.B) {
	text, ms := days100(20)
	rows := bytes.Count(text, []byte{'\n'}) - 1
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		f, err := Read(b.Context(), bytes.NewReader(text), Options{Meters: ms, Location: brussels})
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		if _, err := f.readings(nil, func(*Track, piece) error { n++; return nil }); err != nil || n != rows || f.bad.count > 0 {
			b.Fatal(n, rows, f.bad.list, err)
		}
		if err := f.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
