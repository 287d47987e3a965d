package intake

import (
	"strings"
	"testing"
	"time"
)

// Whatever a file holds, it is read to its end or refused, its readings are whole
// quarters in order that never overlap, and what is said of it is bounded.
func FuzzFile(f *testing.F) {
	for _, s := range []string{
		"meter_id,timestamp,value,unit,kind,quality\nmain,2026-01-01T00:00:00Z,1.5,kWh,interval,\nmain,2026-01-01T00:15:00Z,0.25,kWh,interval,corrected\n",
		"\xef\xbb\xbfDatum;Uhrzeit;Verbrauch [kWh]\r\n01.07.2026;00:00;1.234,5\r\n01.07.2026;24:00;0,25\r\nSumme;;1.237,75\r\n",
		"Z\xe4hlpunkt;DE0001\n\nvon;bis;Z\xe4hler;Wert;Einheit;Status\n25.10.2026 02:00;25.10.2026 02:15;main;12,5;kW;W\n25.10.2026 02:00;25.10.2026 02:15;main;12,5;kW;W\n",
		"Fecha;Hora;Consumo_kWh\n25/10/2026;25;1,5\n29/03/2026;24;2\n",
		"POD;Data lettura;Lettura (m3)\n=\"main\";01/01/2026;100,5\n\"ma\"\"in\";02/01/2026;90\n",
		"time,value [MWh]\n2026-01-01 00:00 - 2026-01-01 00:15,1\n2026-01-01,9e9\n1767225600,3\n",
		"main,202601010000,1\nmain,202602010000,3\nmain,202603010000,\"6\n",
		"time\tkWh\n2026-03-29 02:30\t-1\n2026-03-29 03:00\t0,001\n", ";;;\n", "a,b\n",
		"Zeit;main (kWh);Status;water [L];Status\n;kWh;;L;\n01.02.2026 00:00;1,5;W;2;E\n25.10.2026 02:00;1;W;2;W\n",
		"Z\xe4hlpunkt;main;ups\nEinheit;kW;kW\nZeitstempel;Wert;Wert\n01.02.2026 00:00;6,5;-4\n",
		"Datum;" + strings.Join(numbered("H", 25), ";") + "\n" + dayRow("25.10.2026", 25, func(int) bool { return false }) + dayRow("29.03.2026", 25, func(i int) bool { return i > 22 }),
		"\xff\xfed\x00a\x00t\x00e\x00,\x00k\x00W\x00h\x00\n\x001\x00", "\x00\xff\xfe",
	} {
		f.Add(s, uint8(0), "main")
		f.Add(s, uint8(7), "")
	}
	f.Fuzz(func(t *testing.T, text string, how uint8, meter string) {
		o := Options{Meters: meters(), Location: brussels, Meter: meter, Kind: Kind(how % 4), Step: Step{Seconds: int64(how/4%4) * 900}}
		if how&64 != 0 {
			o.Labelled, o.Negative = "end", "zero"
		}
		file, err := Read(t.Context(), strings.NewReader(text), o)
		if err != nil {
			return
		}
		defer file.Close()
		last, amount := map[string]int64{}, map[string]uint64{}
		bad := problems{}
		count := 0
		if _, err := file.readings(&bad, func(track *Track, p piece) error {
			if p.to <= p.from || p.from%quarter != 0 || p.to%quarter != 0 || p.from < last[track.Meter+track.Kind.String()] && track.Kind != Counter {
				t.Fatalf("%s: %v to %v after %v", track.Meter, p.from, p.to, last[track.Meter])
			}
			last[track.Meter+track.Kind.String()] = p.to
			amount[track.Meter] += p.amount
			count++
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if len(bad.list) > mostProblems || len(file.bad.list) > mostProblems || len(file.Stops) > mostProblems+8 || len(file.Notes) > mostProblems+8 {
			t.Error("what is said of it has no bound")
		}
		if file.Taken > file.Rows || count > 400*96*(file.Rows+1) {
			t.Errorf("%d readings of %d rows", count, file.Rows)
		}
	})
}

// The bytes of a file are bounded by who gives it; its rows are not kept.
func TestMemoryDoesNotGrowWithTheFile(t *testing.T) {
	f := &File{pile: pile{folder: t.TempDir(), most: 100}}
	defer f.Close()
	for n := range 1234 {
		at := int64(n*7919%1234) * quarter
		if err := f.pile.add(record{from: at, to: at + quarter, line: uint32(n), meter: uint16(n % 3)}); err != nil {
			t.Fatal(err)
		}
	}
	if len(f.pile.memory) > 100 || len(f.pile.runs) != 12 {
		t.Errorf("%d records in memory, %d runs", len(f.pile.memory), len(f.pile.runs))
	}
	for range 2 { // again and again
		n := int64(0)
		if err := f.pile.each(func(r *record) error {
			if r.from != n*quarter || r.to != r.from+quarter {
				t.Fatalf("record %d is of %v", n, time.UnixMilli(r.from).UTC())
			}
			n++
			return nil
		}); err != nil || n != 1234 {
			t.Errorf("%d records, %v", n, err)
		}
	}
}
