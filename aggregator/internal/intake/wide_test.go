package intake

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

// dayRow is a row of a day with n values of 1,5 kWh in its columns, but for those
// that are empty.
func dayRow(day string, n int, empty func(i int) bool) string {
	var b strings.Builder
	b.WriteString(day)
	for i := range n {
		b.WriteByte(';')
		if !empty(i) {
			b.WriteString("1,5")
		}
	}
	return b.String() + "\n"
}

// clockNames are times of a day, step minutes apart; those of the repeated hour
// stand twice if they are told to.
func clockNames(from, step int, twice bool) (names []string) {
	for m := from; m < from+1440; m += step {
		names = append(names, fmt.Sprintf("%02d:%02d", m/60, m%60))
		if twice && m == 180-step {
			for again := 120; again < 180; again += step {
				names = append(names, fmt.Sprintf("%02d:%02d B", again/60, again%60))
			}
		}
	}
	return names
}

func numbered(prefix string, n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("%s%d", prefix, i+1))
	}
	return names
}

// A row that is a day has as many values as the day has quarters or hours,
// whatever its columns are called.
func TestADayInARow(t *testing.T) {
	none := func(int) bool { return false }
	for name, tc := range map[string]struct {
		names    []string
		day      string
		empty    func(i int) bool
		readings int
		from, to string // of what was taken
		extra    []string
	}{
		"quarters":                      {clockNames(0, 15, false), "02.02.2026", none, 96, "02-01T23:00", "02-02T23:00", nil},
		"quarters by their ends":        {clockNames(15, 15, false), "02.02.2026", none, 96, "02-01T23:00", "02-02T23:00", nil},
		"ends, the last 00:00":          {append(clockNames(15, 15, false)[:95], "00:00"), "02.02.2026", none, 96, "02-01T23:00", "02-02T23:00", nil},
		"ranges of hours":               {[]string{"00:00-01:00", "01:00-02:00", "02:00-03:00", "03:00-04:00", "04:00-05:00", "05:00-06:00", "06:00-07:00", "07:00-08:00", "08:00-09:00", "09:00-10:00", "10:00-11:00", "11:00-12:00", "12:00-13:00", "13:00-14:00", "14:00-15:00", "15:00-16:00", "16:00-17:00", "17:00-18:00", "18:00-19:00", "19:00-20:00", "20:00-21:00", "21:00-22:00", "22:00-23:00", "23:00-24:00"}, "02.02.2026", none, 24, "02-01T23:00", "02-02T23:00", nil},
		"quarters by number":            {numbered("", 96), "02.02.2026", none, 96, "02-01T23:00", "02-02T23:00", nil},
		"spring, the hour is empty":     {clockNames(0, 15, false), "29.03.2026", func(i int) bool { return i >= 8 && i < 12 }, 92, "03-28T23:00", "03-29T22:00", nil},
		"spring, by ends":               {clockNames(15, 15, false), "29.03.2026", func(i int) bool { return i >= 8 && i < 12 }, 92, "03-28T23:00", "03-29T22:00", nil},
		"spring, counted from midnight": {numbered("Q", 100), "29.03.2026", func(i int) bool { return i >= 92 }, 92, "03-28T23:00", "03-29T22:00", nil},
		"autumn, counted from midnight": {numbered("E", 100), "25.10.2026", none, 100, "10-24T22:00", "10-25T23:00", nil},
		"autumn, hours":                 {numbered("H", 25), "25.10.2026", none, 25, "10-24T22:00", "10-25T23:00", nil},
		"autumn, an hour stands twice":  {clockNames(0, 15, true), "25.10.2026", none, 100, "10-24T22:00", "10-25T23:00", nil},
		"its last hour on another day":  {clockNames(0, 15, true), "26.10.2026", func(i int) bool { return i >= 12 && i < 16 }, 96, "10-25T23:00", "10-26T23:00", nil},
		"more hours than the day has": {numbered("H", 25), "26.10.2026", none, 24, "10-25T23:00", "10-26T23:00",
			[]string{"! line 2: Datum: 2026-10-26 has 24 hours, and this is after them"}},
	} {
		t.Run(name, func(t *testing.T) {
			text := "Datum;" + strings.Join(tc.names, ";") + "\n" + dayRow(tc.day, len(tc.names), tc.empty)
			got := taken(t, Options{Meter: "main", Unit: "kWh"}, text)
			var readings, said []string
			for _, line := range got {
				switch {
				case strings.HasPrefix(line, "main "):
					readings = append(readings, line)
				case !strings.HasPrefix(line, "note: each row is a day"):
					said = append(said, line)
				}
			}
			if len(readings) != tc.readings && len(readings) > 0 {
				t.Errorf("%d readings, want %d", len(readings), tc.readings)
			}
			if len(readings) == 0 || strings.Fields(readings[0])[1] != tc.from || strings.Fields(readings[len(readings)-1])[2] != tc.to {
				t.Fatalf("from %s to %s; got %q", tc.from, tc.to, got)
			}
			if d := cmp.Diff(tc.extra, said); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestAColumnForEachMeter(t *testing.T) {
	for name, tc := range map[string]struct {
		o    Options
		text string
		want []string
	}{
		"by name and by the file's name, units in brackets, a sum, one that is unknown": {
			text: "Zeit;main (kWh);water [L];Halle 3 [kWh];Summe\n01.02.2026 00:00;1,5;2000;9;3\n01.02.2026 00:15;2,5;1500;9;4\nGesamt;4;3500;18;7\n",
			o:    Options{Kind: Interval},
			want: []string{"main 01-31T23:00 01-31T23:15 5400000000", "water 01-31T23:00 01-31T23:15 2000000", "main 01-31T23:15 01-31T23:30 9000000000", "water 01-31T23:15 01-31T23:30 1500000",
				`note: no meter of the site is called as "Halle 3": these columns are not taken; -meter "METER=Halle 3" takes one, METER being one of the site's`},
		},
		"one of them is asked for": {
			text: "Zeit;Halle 2;Halle 3\n01.02.2026 00:00;1,5;9\n01.02.2026 00:15;2,5;9,5\n",
			o:    Options{Kind: Interval, Meter: "main=Halle 3", Unit: "kWh"},
			want: []string{"main 01-31T23:00 01-31T23:15 32400000000", "main 01-31T23:15 01-31T23:30 34200000000"},
		},
		"units in a row of their own": {
			text: "Datum;Uhrzeit;541448800000000017;water\n;;MWh;m3\n01.02.2026;00:00;0,0015;2\n01.02.2026;00:15;0,0025;3\n",
			o:    Options{Kind: Interval},
			want: []string{"main 01-31T23:00 01-31T23:15 5400000000", "water 01-31T23:00 01-31T23:15 2000000", "main 01-31T23:15 01-31T23:30 9000000000", "water 01-31T23:15 01-31T23:30 3000000"},
		},
		"names and units in rows above": {
			text: "Zählpunkt;541448800000000017;export\nEinheit;kW;kW\nZeitstempel;Wert;Wert\n01.02.2026 00:00;6,5;-4\n01.02.2026 00:15;8;-2\n",
			want: []string{"main 01-31T23:00 01-31T23:15 5850000000", "export 01-31T23:00 01-31T23:15 3600000000", "main 01-31T23:15 01-31T23:30 7200000000", "export 01-31T23:15 01-31T23:30 1800000000"},
		},
		"each with its status": {
			text: "Zeit;main [kWh];Status;heat [kWh];Status\n01.02.2026 00:00;1,5;W;2;Ersatzwert\n01.02.2026 00:15;;fehlt;3;W\n",
			o:    Options{Kind: Interval},
			want: []string{"heat 01-31T23:00 01-31T23:15 7200000000 estimated_profile", "main 01-31T23:00 01-31T23:15 5400000000", "heat 01-31T23:15 01-31T23:30 10800000000",
				"note: 1 value is estimated, as the file says: an estimate fills in where nothing was measured or put in by hand, and replaces neither", "note: 1 row has no value: a gap, and not zero"},
		},
		"the site file labels two of a row in two ways": {
			text: "Zeit;a;b\n01.02.2026 00:15;1,5;2\n01.02.2026 00:30;2,5;2\n",
			o:    Options{Kind: Interval, Unit: "kWh", Meters: []Meter{{Name: "a", Labelled: "end"}, {Name: "b"}}},
			want: []string{"a 01-31T23:00 01-31T23:15 5400000000", "b 01-31T23:15 01-31T23:30 7200000000", "a 01-31T23:15 01-31T23:30 9000000000", "b 01-31T23:30 01-31T23:45 7200000000",
				"stop: Zeit: by the site file its times are of the end of intervals for a, and of the start for b, and they stand in one row > say -labelled start or -labelled end"},
		},
		"the repeated hour of autumn": {
			text: "Zeit;main;rated\n25.10.2026 01:00;1,5;2\n25.10.2026 02:00;1;2\n25.10.2026 02:00;2;3\n25.10.2026 03:00;1;2\n",
			o:    Options{Kind: Interval, Unit: "kWh", Step: Step{Seconds: 3600}},
			want: []string{"main 10-24T23:00 10-25T00:00 5400000000", "rated 10-24T23:00 10-25T00:00 7200000000", "main 10-25T00:00 10-25T01:00 3600000000", "rated 10-25T00:00 10-25T01:00 7200000000",
				"main 10-25T01:00 10-25T02:00 7200000000", "rated 10-25T01:00 10-25T02:00 10800000000", "main 10-25T02:00 10-25T03:00 3600000000", "rated 10-25T02:00 10-25T03:00 7200000000"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(tc.want, taken(t, tc.o, tc.text)); d != "" {
				t.Error(d)
			}
		})
	}
}

// Unicode text of a spreadsheet, in both orders of bytes, with a mark and without;
// what ends within a character is read up to it.
func TestFilesInUTF16(t *testing.T) {
	text := "Horodate\tPuissance moyenne (kW)\tRemarque\r\n31/01/2026 00:00\t4,0\tété 𝄞\r\n31/01/2026 00:15\t8,5\t\r\n"
	want := []string{"main 01-30T23:00 01-30T23:15 3600000000", "main 01-30T23:15 01-30T23:30 7650000000"}
	for name, tc := range map[string]struct {
		order binary.AppendByteOrder
		text  string
		cut   string
	}{
		"little endian": {binary.LittleEndian, "\ufeff" + text, ""},
		"big endian":    {binary.BigEndian, "\ufeff" + text, ""},
		"without mark":  {binary.LittleEndian, text, ""},
		"cut short":     {binary.LittleEndian, "\ufeff" + text, "\x00\xd8\x0a"},
	} {
		var b []byte
		for _, u := range utf16.Encode([]rune(tc.text)) {
			b = tc.order.AppendUint16(b, u)
		}
		got := taken(t, Options{Meter: "main"}, string(b)+tc.cut)
		if d := cmp.Diff(want, got[:min(len(got), 2)]); d != "" {
			t.Errorf("%s:\n%s", name, d)
		}
	}
}
