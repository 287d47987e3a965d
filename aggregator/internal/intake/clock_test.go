package intake

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// written is a day of rows at a site, as exports write them: local times without
// an offset, of the starts or ends of intervals.
type written struct {
	zone     string
	day      string
	step     time.Duration
	end      bool   // of the ends
	naive    bool   // ends are counted on from local starts, without a look at the clock: 03:00 in summer time
	midnight string // how the last end is written: 00:00 of the next day, or 24:00
	backward bool
	without  int // rows that are missing at the beginning
}

// text is the file, and the instants at which its intervals begin.
func (w written) text() (string, []time.Time) {
	where := place(w.zone)
	day, _ := time.ParseInLocation(time.DateOnly, w.day, where)
	next := time.Date(day.Year(), day.Month(), day.Day()+1, 0, 0, 0, 0, where)
	var rows []string
	var starts []time.Time
	n := 0
	for at := day; at.Before(next); at = at.Add(w.step) {
		if n++; n <= w.without {
			continue
		}
		shown := at
		if w.end {
			shown = at.Add(w.step)
		}
		s := shown.Format("02.01.2006 15:04")
		if w.end && w.naive {
			s = time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), 0, 0, time.UTC).Add(w.step).Format("02.01.2006 15:04")
		}
		if w.end && w.midnight != "" && shown.Equal(next) {
			s = at.Format("02.01.2006 ") + w.midnight
		}
		rows = append(rows, fmt.Sprintf("%s;%d,5", s, len(rows)))
		starts = append(starts, at)
	}
	if w.backward {
		slices.Reverse(rows)
	}
	return "Zeit;Verbrauch kWh\n" + strings.Join(rows, "\n") + "\n", starts
}

// Every quarter of every day is where it belongs, also of those nights in which
// the clocks change.
func TestDaysOnWhichTheClocksChange(t *testing.T) {
	type day struct {
		zone, day string
		hours     int
	}
	for _, d := range []day{
		{"Europe/Brussels", "2026-03-29", 23}, {"Europe/Brussels", "2026-10-25", 25}, {"Europe/Brussels", "2026-07-01", 24},
		{"Europe/Helsinki", "2026-03-29", 23}, {"Europe/Helsinki", "2026-10-25", 25}, {"Europe/Lisbon", "2026-03-29", 23}, {"Europe/Lisbon", "2026-10-25", 25},
		{"America/New_York", "2026-03-08", 23}, {"America/New_York", "2026-11-01", 25},
		{"Asia/Kolkata", "2026-03-29", 24}, {"UTC", "2026-10-25", 24},
	} {
		for _, w := range []written{
			{step: 15 * time.Minute}, {step: time.Hour}, {step: 30 * time.Minute, backward: true}, {step: 15 * time.Minute, end: true}, {step: 15 * time.Minute, end: true, midnight: "24:00"},
			{step: time.Hour, end: true, midnight: "24:00"}, {step: 15 * time.Minute, end: true, naive: true, midnight: "24:00"}, {step: 15 * time.Minute, end: true, backward: true}, {step: 15 * time.Minute, without: 5},
			{step: time.Hour, backward: true},
		} {
			w.zone, w.day = d.zone, d.day
			t.Run(fmt.Sprintf("%+v", w), func(t *testing.T) {
				text, starts := w.text()
				if want := d.hours*int(time.Hour/w.step) - w.without; len(starts) != want {
					t.Fatalf("%d rows, want %d", len(starts), want)
				}
				o := Options{Meter: "main", Kind: Interval, Location: place(d.zone), Step: Step{Seconds: int64(w.step / time.Second)}}
				if w.end {
					o.Labelled = "end"
				}
				var want []string
				for n, at := range starts {
					want = append(want, fmt.Sprintf("main %s %s %d", at.UTC().Format("01-02T15:04"), at.Add(w.step).UTC().Format("01-02T15:04"), n*3_600_000_000+1_800_000_000))
				}
				got := slices.DeleteFunc(taken(t, o, text), func(line string) bool { return strings.Contains(line, "comes twice in that night") }) // that it begins with
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// The rows of many meters go on in turn; each has its own night.
func TestTheRepeatedHourIsEachMetersOwn(t *testing.T) {
	text, starts := written{zone: "Europe/Brussels", day: "2026-10-25", step: time.Hour}.text()
	var rows []string
	for _, row := range strings.Split(strings.TrimSpace(text), "\n")[1:] {
		rows = append(rows, "main;"+row, "heat;"+row)
	}
	got := taken(t, Options{Kind: Interval}, "Zähler;Zeit;Verbrauch kWh\n"+strings.Join(rows, "\n"))
	if len(got) != 2*len(starts) || got[len(got)-1] != "heat 10-25T22:00 10-25T23:00 88200000000" {
		t.Errorf("%d readings of %d:\n%s", len(got), 2*len(starts), strings.Join(got, "\n"))
	}
}

func TestTheHourThatSpringSkips(t *testing.T) {
	text := "time;kWh\n2026-03-29 01:45;1,5\n2026-03-29 02:00;2\n2026-03-29 02:15;2\n2026-03-29 03:00;3\n"
	want := []string{"main 03-29T00:45 03-29T01:00 5400000000", "main 03-29T01:00 03-29T01:15 10800000000",
		"! line 3: time: 2026-03-29 02:00 does not exist in Europe/Brussels", "! line 4: time: 2026-03-29 02:15 does not exist in Europe/Brussels"}
	if d := cmp.Diff(want, taken(t, Options{Meter: "main", Kind: Interval, Step: Step{Seconds: 900}}, text)); d != "" {
		t.Error(d)
	}
	// As the end of an interval, 02:00 is the instant at which the clocks go on.
	want = []string{"main 03-29T00:30 03-29T00:45 5400000000", "main 03-29T00:45 03-29T01:00 7200000000", "! line 4: time: 2026-03-29 02:15 does not exist in Europe/Brussels"}
	got := taken(t, Options{Meter: "main", Kind: Interval, Labelled: "end", Step: Step{Seconds: 900}}, "time;kWh\n2026-03-29 01:45;1,5\n2026-03-29 02:00;2\n2026-03-29 02:15;2\n")
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestAFileThatBeginsInTheRepeatedHourSaysSo(t *testing.T) {
	want := []string{"main 10-25T00:30 10-25T00:45 5400000000", "main 10-25T00:45 10-25T01:00 7200000000",
		"note: line 2: 02:30 comes twice in that night, and nothing before it tells which is meant: the first is taken"}
	if d := cmp.Diff(want, taken(t, Options{Meter: "main", Kind: Interval}, "time;kWh\n2026-10-25 02:30;1,5\n2026-10-25 02:45;2\n")); d != "" {
		t.Error(d)
	}
}

func TestDaysAndMonthsAreThoseOfTheCalendar(t *testing.T) {
	got := taken(t, Options{Meter: "main", Kind: Interval}, "date;kWh\n2026-03-28;24\n2026-03-29;23\n2026-03-30;24\n")
	want := []string{"main 03-27T23:00 03-28T23:00 86400000000", "main 03-28T23:00 03-29T22:00 82800000000", "main 03-29T22:00 03-30T22:00 86400000000"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// An offset or the name of a zone says it all.
func TestTimesWithTheirOffset(t *testing.T) {
	for _, s := range []string{
		"2026-10-25T02:15:00+02:00", "2026-10-25 02:15 CEST", "25.10.2026 02:15 MESZ", "2026-10-25T00:15Z", "2026-10-25T01:15:00.000+0100", "1792887300", "1792887300000", "202610250015Z", "25/10/2026 12:15 AM UTC",
	} {
		got := taken(t, Options{Meter: "main", Kind: Interval, Step: Step{Seconds: 900}}, "time;kWh\n"+s+";1,5\n")
		if d := cmp.Diff([]string{"main 10-25T00:15 10-25T00:30 5400000000"}, got); d != "" {
			t.Errorf("%s: %s", s, d)
		}
	}
}

func TestStampsThatAreNone(t *testing.T) {
	for _, s := range []string{
		"", "x", "2026", "2026-", "2026-13-01", "2026-02-30", "30.02.2026", "2026-01-01T25:00", "2026-01-01T24:01", "2026-01-01T12:60", "2026-01-01T12", "1.1", "1.1.1", "2026-01-01 00:00 XYZ",
		"2026-01-01T00:00+99:00", "99999999", "20261301", "2026-01/02", "1889-01-01", "01.01.20266", "2026-01-01 13:00 PM", "12345", "2026-01-01T00:00:00.",
	} {
		if v, ok := parseStamp([]byte(s), dayFirst); ok && s != "2026-01-01T12" {
			t.Errorf("%q is %+v", s, v)
		}
	}
}

func TestDaysOfTheCalendarAreCounted(t *testing.T) {
	for at := time.Date(1989, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2102; at = at.AddDate(0, 0, 1) {
		if got := days(at.Year(), int(at.Month()), at.Day()); got != at.Unix()/86_400 {
			t.Fatalf("%s is day %d, want %d", at.Format(time.DateOnly), got, at.Unix()/86_400)
		}
	}
}

// A wall time names no instant, one or two, and these show it.
func TestWallTimesAgreeWithTheClock(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	for _, zone := range []string{"Europe/Brussels", "Australia/Lord_Howe", "America/Santiago", "Africa/Casablanca", "Pacific/Apia", "Asia/Beirut", "UTC"} {
		c := clock{where: place(zone)}
		for range 20_000 {
			// As many by the clock's changes as elsewhere.
			at := time.Unix(1_200_000_000+rng.Int64N(1_000_000_000), 0).Truncate(15 * time.Minute)
			if start, _ := at.In(c.where).ZoneBounds(); !start.IsZero() && rng.IntN(2) == 0 {
				at = start.Add(time.Duration(rng.IntN(400)-200) * time.Minute)
			}
			_, offset := at.In(c.where).Zone()
			found, n, _, _ := c.instants(at.Unix() + int64(offset))
			if n < 1 || n > 2 || found[0] != at.Unix() && (n < 2 || found[1] != at.Unix()) {
				t.Fatalf("%s in %s: %v of %d", at.UTC(), zone, found, n)
			}
			for _, x := range found[:n] {
				if _, o := time.Unix(x, 0).In(c.where).Zone(); x+int64(o) != at.Unix()+int64(offset) {
					t.Fatalf("%s in %s: %d shows another time", at.UTC(), zone, x)
				}
			}
		}
	}
}
