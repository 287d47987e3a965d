package intake

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/collector/metric"
)

var brussels = place("Europe/Brussels")

func place(name string) *time.Location {
	l, err := time.LoadLocation(name)
	if err != nil {
		panic(err) // the zones are in the program
	}
	return l
}

// meters are those of a small site.
func meters() []Meter {
	return []Meter{
		{Name: "main", File: "541448800000000017", Metric: metric.MeterEnergyJoules},
		{Name: "export", Metric: metric.MeterEnergyJoules, Invert: true},
		{Name: "water", Metric: metric.MeterWater},
		{Name: "heat", Metric: metric.MeterHeatJoules, Kind: Counter, Unit: "MWh"},
		{Name: "rated", Metric: metric.MeterEnergyJoules, Rating: 2_000_000_000},
	}
}

// taken is what a text amounts to: its readings, then what is wrong.
func taken(t testing.TB, o Options, text string) []string {
	t.Helper()
	if o.Location == nil {
		o.Location = brussels
	}
	if o.Meters == nil {
		o.Meters = meters()
	}
	f, err := Read(t.Context(), strings.NewReader(text), o)
	if err != nil {
		return []string{"error: " + err.Error()}
	}
	defer f.Close()
	var out []string
	bad := f.bad.clone()
	q, err := f.readings(&bad, func(track *Track, p piece) error {
		at := func(ms int64) string { return time.UnixMilli(ms).UTC().Format("01-02T15:04") }
		line := fmt.Sprintf("%s %s %s %d", track.Meter, at(p.from), at(p.to), p.amount)
		if p.quality != metric.Manual {
			line += " " + p.quality.String()
		}
		out = append(out, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range bad.list {
		out = append(out, "! "+p.String())
	}
	for _, p := range f.Stops {
		out = append(out, "stop: "+p.String()+" > "+p.Fix)
	}
	for _, x := range q.tracks {
		if x != nil && x.Doubles > 0 {
			out = append(out, fmt.Sprintf("doubles of %s: %d", x.Meter, x.Doubles))
		}
		if x != nil && x.Gaps > 0 {
			out = append(out, fmt.Sprintf("gaps of %s: %d, %v", x.Meter, x.Gaps, time.Duration(x.GapTime)*time.Millisecond))
		}
	}
	for _, n := range f.Notes {
		out = append(out, "note: "+n)
	}
	return out
}

func TestFilesAsTheyCome(t *testing.T) {
	for name, tc := range map[string]struct {
		o    Options
		text string
		want []string
	}{
		"as the contract has it": {
			text: "meter_id,timestamp,value,unit,kind,quality\nmain,2026-01-01T00:00:00Z,1.5,kWh,interval,\nmain,2026-01-01T00:15:00Z,0.25,kWh,interval,corrected\nmain,2026-01-01T00:30:00Z,2,Wh,interval,measured\n",
			want: []string{"main 01-01T00:00 01-01T00:15 5400000000", "main 01-01T00:15 01-01T00:30 900000000 corrected", "main 01-01T00:30 01-01T00:45 7200000"},
		},
		"without names of columns": {
			o:    Options{Kind: Interval},
			text: "main,2026-01-01T00:00:00Z,1.5,kWh\nmain,2026-01-01T00:15:00Z,0.25,kWh\n",
			want: []string{"main 01-01T00:00 01-01T00:15 5400000000", "main 01-01T00:15 01-01T00:30 900000000"},
		},
		"German: semicolons, decimal comma, thousands, times of local clocks": {
			o:    Options{Meter: "main"},
			text: "\xef\xbb\xbfDatum;Uhrzeit;Verbrauch [kWh]\r\n01.07.2026;00:00;1.234,5\r\n01.07.2026;00:15;0,25\r\n01.07.2026;00:30;3\r\nSumme;;1.237,75\r\n",
			want: []string{"main 06-30T22:00 06-30T22:15 4444200000000", "main 06-30T22:15 06-30T22:30 900000000", "main 06-30T22:30 06-30T22:45 10800000000"},
		},
		"German, Windows-1252, from and to, a preamble": {
			o:    Options{Meter: "main"},
			text: "Z\xe4hlpunkt;DE0001\nLastgang;;\n\nvon;bis;Z\xe4hler;Wert;Einheit;Status\n01.01.2026 00:00;01.01.2026 00:15;DE0001;12,5;kWh;W\n01.01.2026 00:15;01.01.2026 00:30;DE0001;0,5;kWh;Ersatzwert\n",
			want: []string{"main 12-31T23:00 12-31T23:15 45000000000", "main 12-31T23:15 12-31T23:30 1800000000 estimated_profile", "note: 1 value is estimated, as the file says: an estimate fills in where nothing was measured or put in by hand, and replaces neither"},
		},
		"Belgian: dates and times in columns of their own, registers": {
			o:    Options{Meter: "main", Registers: []string{"Afname Actief"}},
			text: "Van Datum;Van Tijdstip;Tot Datum;Tot Tijdstip;EAN;Register;Volume;Eenheid;Validatiestatus\n01-07-2026;00:00:00;01-07-2026;00:15:00;=\"541448800000000017\";Afname Actief;0,125;kWh;Gevalideerd\n01-07-2026;00:00:00;01-07-2026;00:15:00;=\"541448800000000017\";Injectie Actief;0,5;kWh;Gevalideerd\n13-07-2026;23:45:00;14-07-2026;00:00:00;=\"541448800000000017\";Afname Actief;1;kWh;Geschat\n",
			want: []string{"main 06-30T22:00 06-30T22:15 450000000", "main 07-13T21:45 07-13T22:00 3600000000 estimated_profile", "gaps of main: 1, 311h30m0s",
				"note: 1 value is estimated, as the file says: an estimate fills in where nothing was measured or put in by hand, and replaces neither", "note: 1 row is not of what was asked for"},
		},
		"registers that nobody chose from": {
			o:    Options{Meter: "main"},
			text: "EAN;Timestamp;Register;Value [kWh];kind\n1;2026-01-01T00:00Z;Afname;1,5;interval\n1;2026-01-01T00:15Z;Injectie;2,5;interval\n",
			want: []string{"main 01-01T00:00 01-01T00:15 5400000000",
				`stop: Register: main has several registers: "Afname", "Injectie" > say -register "Afname", or which of them are added, with commas between`, "note: 1 row is not of what was asked for"},
		},
		"French: power, ends of intervals, 24:00": {
			o:    Options{Meter: "main"},
			text: "Horodate\tPuissance moyenne (kW)\n31/01/2026 00:15\t4,0\n31/01/2026 00:30\t8,5\n31/01/2026 24:00\t2\n",
			want: []string{"main 01-30T23:00 01-30T23:15 3600000000", "main 01-30T23:15 01-30T23:30 7650000000", "main 01-31T22:45 01-31T23:00 1800000000", "gaps of main: 1, 23h15m0s"},
		},
		"Spanish: hours of the day counted from one": {
			o:    Options{Location: place("Europe/Madrid"), Meter: "main"},
			text: "CUPS;Fecha;Hora;Consumo_kWh;Metodo_obtencion\nES1;25/10/2026;1;1,5;R\nES1;25/10/2026;2;2;R\nES1;25/10/2026;3;3;R\nES1;25/10/2026;4;4;R\nES1;25/10/2026;25;5;R\n",
			want: []string{"main 10-24T22:00 10-24T23:00 5400000000", "main 10-24T23:00 10-25T00:00 7200000000", "main 10-25T00:00 10-25T01:00 10800000000", "main 10-25T01:00 10-25T02:00 14400000000",
				"main 10-25T22:00 10-25T23:00 18000000000", "gaps of main: 1, 20h0m0s"},
		},
		"Italian: readings of a register, days": {
			o:    Options{Meter: "main"},
			text: "POD;Data lettura;Lettura (kWh)\nIT1;01/01/2026;100,5\nIT1;02/01/2026;110,5\nIT1;15/01/2026;130,5\n",
			want: []string{"main 12-31T23:00 01-01T23:00 36000000000", "main 01-01T23:00 01-14T23:00 72000000000"},
		},
		"a register that a person reads at odd times": {
			o:    Options{Meter: "main", Kind: Counter, Unit: "kWh"},
			text: "time,value\n2026-01-01T00:07:30Z,1000\n2026-01-01T01:07:30Z,1008\n2026-01-01T02:00:00Z,1015\n",
			want: []string{"main 01-01T00:15 01-01T01:00 21600000000", "main 01-01T01:00 01-01T01:15 7200000000", "main 01-01T01:15 01-01T02:00 21600000000"},
		},
		"five minutes each, one of a quarter missing": {
			o:    Options{Meter: "water", Kind: Interval},
			text: "time,value [L]\n2026-01-01T00:00Z,1.5\n2026-01-01T00:05Z,2\n2026-01-01T00:10Z,3\n2026-01-01T00:15Z,4\n2026-01-01T00:25Z,5\n2026-01-01T00:30Z,1\n2026-01-01T00:35Z,1\n2026-01-01T00:40Z,1\n",
			want: []string{"water 01-01T00:00 01-01T00:15 6500", "water 01-01T00:30 01-01T00:45 3000", "gaps of water: 1, 5m0s"},
		},
		"months of invoices, heat in MWh": {
			o:    Options{Meter: "heat", Kind: Interval},
			text: "month,value\n2026-01,1.5\n2026-02,2.5\n",
			want: []string{"heat 12-31T23:00 01-31T23:00 5400000000000", "heat 01-31T23:00 02-28T23:00 9000000000000"},
		},
		"invoices whose last day belongs to them": {
			o:    Options{Meter: "main"},
			text: "Du;Au;Consommation (kWh)\n01/01/2026;31/01/2026;10,5\n01/02/2026;28/02/2026;20,5\n",
			want: []string{"main 12-31T23:00 01-31T23:00 37800000000", "main 01-31T23:00 02-28T23:00 73800000000"},
		},
		"the newest comes first": {
			o:    Options{Meter: "main", Kind: Interval},
			text: "time,kWh\n2026-01-01 00:30,3.5\n2026-01-01 00:15,2\n2026-01-01 00:00,1\n",
			want: []string{"main 12-31T23:00 12-31T23:15 3600000000", "main 12-31T23:15 12-31T23:30 7200000000", "main 12-31T23:30 12-31T23:45 12600000000"},
		},
		"doubles: alike and not": {
			o:    Options{Meter: "main", Kind: Interval},
			text: "time,kWh\n2026-01-01T00:00Z,1.5\n2026-01-01T00:00Z,1.50\n2026-01-01T00:15Z,2\n2026-01-01T00:15Z,3\n2026-01-01T00:30Z,4\n",
			want: []string{"main 01-01T00:00 01-01T00:15 5400000000", "main 01-01T00:30 01-01T00:45 14400000000",
				"! line 5: line 4 says 2.000 kWh for the same time of main, and this 3.000 kWh", "doubles of main: 1", "gaps of main: 1, 15m0s"},
		},
		"below zero": {
			o:    Options{Meter: "main", Kind: Interval},
			text: "time,kWh\n2026-01-01T00:00Z,1.5\n2026-01-01T00:15Z,-2\n2026-01-01T00:30Z,−0.0\n",
			want: []string{"main 01-01T00:00 01-01T00:15 5400000000", "main 01-01T00:30 01-01T00:45 0", "! line 3: kWh: -2 is below zero, and main counts what is not", "gaps of main: 1, 15m0s"},
		},
		"below zero, the other direction": {
			o:    Options{Meter: "export", Kind: Interval, Negative: "zero"},
			text: "time,kWh\n2026-01-01T00:00Z,1.5\n2026-01-01T00:15Z,-2\n",
			want: []string{"export 01-01T00:00 01-01T00:15 0", "export 01-01T00:15 01-01T00:30 7200000000"},
		},
		"a register that goes back": {
			o:    Options{Meter: "main", Kind: Counter},
			text: "time,kWh\n2026-01-01T00:00Z,100.5\n2026-01-01T01:00Z,101.5\n2026-01-01T02:00Z,0.5\n2026-01-01T03:00Z,1.5\n",
			want: []string{"main 01-01T00:00 01-01T01:00 3600000000", "main 01-01T02:00 01-01T03:00 3600000000",
				"! line 4: the register of main goes back from 101.500 kWh, line 3, to 0.500 kWh", "gaps of main: 1, 1h0m0s"},
		},
		"more than a circuit can draw": {
			o:    Options{Meter: "rated", Kind: Interval},
			text: "time,kWh\n2026-01-01T00:00Z,500.5\n2026-01-01T00:15Z,2000\n",
			want: []string{"rated 01-01T00:00 01-01T00:15 1801800000000", "! line 3: 2000.000 kWh in 15 minutes is more than rated can draw, which is rated 2000 kW"},
		},
		"values without which there is a gap": {
			o:    Options{Meter: "main", Kind: Interval},
			text: "time,kWh\n2026-01-01T00:00Z,1.5\n2026-01-01T00:15Z,\n2026-01-01T00:30Z,n/a\n2026-01-01T00:45Z,2\n\n",
			want: []string{"main 01-01T00:00 01-01T00:15 5400000000", "main 01-01T00:45 01-01T01:00 7200000000", "gaps of main: 1, 30m0s", "note: 2 rows have no value: a gap, and not zero"},
		},
		"numbers that may mean two things": {
			o:    Options{Meter: "main", Kind: Interval},
			text: "time\tkWh\n2026-01-01T00:00Z\t1,234\n2026-01-01T00:15Z\t2,345\n",
			want: []string{`! line 2: kWh: "1,234" has a mark, and the rows before it have none`, `! line 3: kWh: "2,345" has a mark, and the rows before it have none`,
				"stop: kWh: the comma in line 2 may be a decimal comma or stand between thousands, and so in every other number > say -decimal comma or -decimal point"},
		},
		"three digits behind the comma, as operators have them": {
			o:    Options{Meter: "main", Kind: Interval},
			text: "time;kWh\n2026-01-01T00:00Z;1,234\n2026-01-01T00:15Z;12,345\n",
			want: []string{"main 01-01T00:00 01-01T00:15 4442400000", "main 01-01T00:15 01-01T00:30 44442000000",
				"note: numbers such as that in line 2 are read with a decimal comma, as is usual with ';' between fields: if not, say -decimal point"},
		},
		"numbers that may mean two things, said": {
			o:    Options{Meter: "main", Kind: Interval, Decimal: "comma"},
			text: "time;kWh\n2026-01-01T00:00Z;1,234\n2026-01-01T00:15Z;2.345\n",
			want: []string{"main 01-01T00:00 01-01T00:15 4442400000", "main 01-01T00:15 01-01T00:30 8442000000000"},
		},
		"dates that may mean two things": {
			o:    Options{Meter: "main", Kind: Interval, Step: Step{Days: 1}},
			text: "date,kWh\n03/04/2026,1.5\n",
			want: []string{"main 04-02T22:00 04-03T22:00 5400000000", "stop: date: the day may come first or second in every date > say -dates dmy or -dates mdy"},
		},
		"days, which are said to be quarters of an hour": {
			o:    Options{Meter: "main", Kind: Interval, Step: Step{Seconds: 900}},
			text: "date,kWh\n2026-01-01,1.5\n2026-01-02,2.5\n",
			want: []string{"! line 2: date: it has no time of day, and intervals are said to be of 15 minutes", "! line 3: date: it has no time of day, and intervals are said to be of 15 minutes"},
		},
		"a midnight without its time among quarters of an hour": {
			o:    Options{Meter: "main", Kind: Power, Unit: "kW", Step: Step{Seconds: 900}},
			text: "time,kW\n2026-01-01 23:45,4\n2026-01-02,4\n2026-01-02 00:15,4\n",
			want: []string{"main 01-01T22:45 01-01T23:00 3600000000", "main 01-01T23:15 01-01T23:30 3600000000", "! line 3: time: it has no time of day, and intervals are said to be of 15 minutes", "gaps of main: 1, 15m0s"},
		},
		"a register of days, beside an interval that is said": {
			o:    Options{Meter: "main", Kind: Counter, Step: Step{Seconds: 900}},
			text: "date,kWh\n2026-01-01,100.5\n2026-01-02,101.5\n",
			want: []string{"main 12-31T23:00 01-01T23:00 3600000000"},
		},
		"American dates": {
			o:    Options{Meter: "main", Kind: Interval},
			text: "date,kWh\n12/30/2026,1.5\n12/31/2026,2.5\n",
			want: []string{"main 12-29T23:00 12-30T23:00 5400000000", "main 12-30T23:00 12-31T23:00 9000000000"},
		},
		"a register or not": {
			o:    Options{Meter: "main"},
			text: "time,value [kWh]\n2026-01-01T00:00Z,1.5\n2026-01-01T00:15Z,2.5\n",
			want: []string{"main 01-01T00:00 01-01T00:15 5400000000", "main 01-01T00:15 01-01T00:30 9000000000",
				"stop: value [kWh]: too few values of main to tell whether they are what a register showed, or what was counted in each interval > say -kind counter, interval or power"},
		},
		"averages that call themselves kWh": {
			o:    Options{Meter: "main", Kind: Power},
			text: "time,kWh\n2026-01-01T00:00Z,4.5\n2026-01-01T00:15Z,8\n",
			want: []string{"main 01-01T00:00 01-01T00:15 4050000000", "main 01-01T00:15 01-01T00:30 7200000000"},
		},
		"a meter that nobody knows": {
			text: "meter,time,value,unit,kind\nmain,2026-01-01T00:00Z,4.5,kWh,interval\nmaim,2026-01-01T00:15Z,8,kWh,interval\n",
			o:    Options{Step: Step{Seconds: 900}},
			want: []string{"main 01-01T00:00 01-01T00:15 16200000000", `! line 3: meter: no meter of the site is called "maim"`},
		},
		"water in kWh": {
			o:    Options{Meter: "water", Kind: Interval},
			text: "time,kWh\n2026-01-01T00:00Z,4.5\n2026-01-01T00:15Z,8\n",
			want: []string{"! line 2: kWh is no unit of what water counts", "! line 3: kWh is no unit of what water counts"},
		},
		"a quote that nobody closes": {
			o:    Options{Meter: "main", Kind: Interval, Step: Step{Seconds: 900}},
			text: "time,kWh\n2026-01-01T00:00Z,4.5\n2026-01-01T00:15Z,\"8\n2026-01-01T00:30Z,9.5\n",
			want: []string{"main 01-01T00:00 01-01T00:15 16200000000", "! line 3: a quote that is not closed"},
		},
		"ends that nobody said": {
			o:    Options{Meter: "main", Kind: Interval, Step: Step{Seconds: 12 * 3600}},
			text: "time,kWh\n2026-01-01 12:00,1.5\n2026-01-02 00:00,2\n",
			want: []string{"main 01-01T11:00 01-01T23:00 5400000000", "main 01-01T23:00 01-02T11:00 7200000000",
				"note: main begins at 12:00 and ends at midnight: if its times are of the ends of intervals, say -labelled end"},
		},
		"settled, but for what the file itself estimates": {
			o:    Options{Meter: "main", Kind: Interval, Settlement: true},
			text: "time,kWh,status\n2026-01-01T00:00Z,1.5,W\n2026-01-01T00:05Z,1,W\n2026-01-01T00:10Z,1,E\n2026-01-01T00:15Z,3,W\n2026-01-01T00:20Z,0,W\n2026-01-01T00:25Z,0,W\n",
			want: []string{"main 01-01T00:00 01-01T00:15 12600000000 estimated_profile", "main 01-01T00:15 01-01T00:30 10800000000 corrected",
				"note: 1 value is estimated, as the file says: an estimate fills in where nothing was measured or put in by hand, and replaces neither, not in a settlement either"},
		},
		"a register of which one reading is estimated": {
			o:    Options{Meter: "main", Kind: Counter},
			text: "time,kWh,quality\n2026-01-01T00:00Z,100.5,actual\n2026-01-01T01:00Z,101.5,actual\n2026-01-01T02:00Z,102.5,estimated\n2026-01-01T03:00Z,103.5,actual\n",
			want: []string{"main 01-01T00:00 01-01T01:00 3600000000", "main 01-01T01:00 01-01T02:00 3600000000 estimated_profile", "main 01-01T02:00 01-01T03:00 3600000000 estimated_profile",
				"note: 1 value is estimated, as the file says: an estimate fills in where nothing was measured or put in by hand, and replaces neither"},
		},
		"settled": {
			o:    Options{Meter: "main", Kind: Interval, Settlement: true},
			text: "time,kWh\n1767225600,1.5\n1767226500,1e-3\n",
			want: []string{"main 01-01T00:00 01-01T00:15 5400000000 corrected", "main 01-01T00:15 01-01T00:30 3600000 corrected"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(tc.want, taken(t, tc.o, tc.text)); d != "" {
				t.Error(d)
			}
		})
	}
}
