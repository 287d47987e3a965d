package site_test

import (
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/site"
)

func at(t *testing.T, zone string) *site.Site {
	t.Helper()
	s, err := site.Parse("site.yaml", []byte("site: x\ntime_zone: "+zone+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// V19 of the facility specification, and midnights that the clock skips or shows
// twice.
func TestDaysAreCutAtLocalMidnight(t *testing.T) {
	for name, tc := range map[string]struct {
		zone     string
		day      site.Date
		from     string
		quarters int
	}{
		"a day":                                   {"Europe/Brussels", site.Date{2026, 7, 1}, "2026-06-30T22:00:00Z", 96},
		"spring in Brussels":                      {"Europe/Brussels", site.Date{2026, 3, 29}, "2026-03-28T23:00:00Z", 92},
		"autumn in Brussels":                      {"Europe/Brussels", site.Date{2026, 10, 25}, "2026-10-24T22:00:00Z", 100},
		"autumn in the Azores, at midnight":       {"Atlantic/Azores", site.Date{2026, 10, 25}, "2026-10-25T00:00:00Z", 100},
		"spring in Beirut, which has no midnight": {"Asia/Beirut", site.Date{2026, 3, 29}, "2026-03-28T22:00:00Z", 92},
		"Samoa skips a day: the day before":       {"Pacific/Apia", site.Date{2011, 12, 29}, "2011-12-29T10:00:00Z", 96},
		"a quarter off in Nepal":                  {"Asia/Kathmandu", site.Date{2026, 1, 1}, "2025-12-31T18:15:00Z", 96},
		"UTC":                                     {"UTC", site.Date{2024, 2, 29}, "2024-02-29T00:00:00Z", 96},
	} {
		s := at(t, tc.zone)
		midnight := s.MidnightOf(tc.day)
		equal(t, name, midnight.UTC().Format(time.RFC3339), tc.from)
		from, to := s.Day(midnight)
		if !from.Equal(midnight) || to.Sub(from) != time.Duration(tc.quarters)*15*time.Minute {
			t.Errorf("%s: from %v to %v, %v", name, from, to, to.Sub(from))
		}
		if f, _ := s.Day(to.Add(-1)); !f.Equal(from) {
			t.Errorf("%s: its last moment is in the day that begins %v", name, f)
		}
		equal(t, name+": the date", s.DateOf(midnight), tc.day)
	}
}

func TestDaysMonthsAndYearsFollowEachOther(t *testing.T) {
	for _, zone := range []string{"Europe/Brussels", "Europe/Lisbon", "Atlantic/Azores", "Africa/Casablanca", "Asia/Beirut", "America/St_Johns", "Pacific/Apia", "UTC"} {
		s := at(t, zone)
		for _, cut := range []func(time.Time) (time.Time, time.Time){s.Day, s.Month, s.Year} {
			now := time.Date(2005, 6, 15, 12, 0, 0, 0, time.UTC)
			for range 800 {
				from, to := cut(now)
				if from.After(now) || !to.After(now) || !to.After(from) {
					t.Fatalf("%s: %v is not in %v to %v", zone, now, from, to)
				}
				if next, _ := cut(to); !next.Equal(to) {
					t.Fatalf("%s: after %v comes %v", zone, to, next)
				}
				now = to
			}
		}
	}
}

func TestMonthsEndWhereTheyEnd(t *testing.T) {
	for name, tc := range map[string]struct {
		from   site.Date
		months int
		want   site.Date
	}{
		"a month with such a day":    {site.Date{2026, 1, 15}, 1, site.Date{2026, 2, 15}},
		"a month without it":         {site.Date{2026, 1, 31}, 1, site.Date{2026, 2, 28}},
		"a leap year":                {site.Date{2023, 10, 31}, 4, site.Date{2024, 2, 29}},
		"over the end of the year":   {site.Date{2024, 12, 31}, 18, site.Date{2026, 6, 30}},
		"back":                       {site.Date{2026, 3, 31}, -1, site.Date{2026, 2, 28}},
		"back over the first of all": {site.Date{2026, 1, 1}, -1, site.Date{2025, 12, 1}},
	} {
		equal(t, name, tc.from.AddMonths(tc.months), tc.want)
	}
	equal(t, "the day after", site.Date{2026, 12, 31}.Next(), site.Date{2027, 1, 1})
}

func TestLocalTimesAreOneInstant(t *testing.T) {
	for text, want := range map[string]string{
		"2026-05-12 10:30":       "2026-05-12T08:30:00Z",
		"2026-05-12T10:30:15":    "2026-05-12T08:30:15Z",
		"2026-05-12 10:30Z":      "2026-05-12T10:30:00Z",
		"2026-05-12T10:30+05:30": "2026-05-12T05:00:00Z",
		"2026-05-12":             "2026-05-11T22:00:00Z",
		"2026-03-29 03:00":       "2026-03-29T01:00:00Z",
		"2026-10-25 01:59":       "2026-10-24T23:59:00Z",
		"2026-10-25 03:00":       "2026-10-25T02:00:00Z",
		"2026-10-25 02:30+02:00": "2026-10-25T00:30:00Z",
		"2026-10-25 02:30+01:00": "2026-10-25T01:30:00Z",
	} {
		s := parse(t, "meters:\n  - {id: g, role: grid_input, installations: [{serial: a, from: \""+text+"\"}]}\n")
		equal(t, text, s.Meter("g").Installed[0].From.UTC().Format(time.RFC3339), want)
	}
}

func TestFeesFollowTheClock(t *testing.T) {
	s := parse(t, `
tariff:
  - last_day: 2026-12-31
    fixed_price: 80 EUR/MWh
    grid_fee:
      - band: winter nights
        months: nov-feb
        hours: 22:00-06:00
        fee: 1 EUR/MWh
      - band: weekends
        days: [sat, sun]
        fee: 2 EUR/MWh
      - band: else
        fee: 3 EUR/MWh
`)
	for text, want := range map[string]string{
		"2026-01-15T22:00:00+01:00": "winter nights",
		"2026-01-16T05:59:59+01:00": "winter nights",
		"2026-01-16T06:00:00+01:00": "else",
		"2026-02-28T23:00:00Z":      "weekends", // 1 March, a Sunday, in Brussels
		"2026-07-03T21:59:59Z":      "else",     // Friday there
		"2026-07-03T22:00:00Z":      "weekends",
		"2026-12-31T22:59:59Z":      "winter nights",
		"2026-12-31T23:00:00Z":      "", // the next year has no tariff
	} {
		now, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if b := s.BandAt(now); b != nil {
			got = b.Name
		}
		equal(t, text, got, want)
	}
}
