package report_test

import (
	"regexp"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/report"
)

var (
	quotation = regexp.MustCompile(`"[^"]*"`)
	// What holds digits and is no number: dates, times, names, laws, shares of an act.
	naming   = regexp.MustCompile(`\d{4}-\d\d-\d\d(T[\d:]+Z)?|\b(19|20)\d\d\b|\b[A-Za-z_-]+-?\d+\b|[A-Z]{2}-[A-Z]*-?\d{4}(-\d+)?(\+C\d+)?|\bR\d+\w*|NUTS 3|\+\d+|\b2(N|\()|N\+1`)
	exponent = regexp.MustCompile(`\d[eE][+-]?\d`)
	crowded  = regexp.MustCompile(`(^|[^.\d])\d{5}`)
	digits   = regexp.MustCompile(`-?\d[\d\x{202f}.]*\d|-?\d`)
	// What can stand behind a number: a unit, or what is counted.
	unit = regexp.MustCompile(`^[ \x{202f}](%|kWh|MWh|kW|m³|m²|°C|kg/kWh|L/kWh|GB/s|EB|PB|h\b|min\b|degree days|hours|days|hosts|times|leaves|of |meters|more)`)
	// And before one that has none: indicators are quotients of the same unit.
	bare = regexp.MustCompile(`(PUE|ERF|REF|pue|erf|ref)( is| and was|: .* is)? *$|(PUE|ERF|REF) is \S+, and was $|at (most|least) $|PUE is \S+, and $|(pue|erf|ref) is $`)
)

// unreadable says what a text has that a person trips over; "" if nothing.
func unreadable(text string) string {
	text = naming.ReplaceAllString(quotation.ReplaceAllString(text, "…"), "…")
	switch {
	case exponent.MatchString(text):
		return "a number with a power of ten"
	case crowded.MatchString(text):
		return "a long number that is not in groups"
	}
	for _, at := range digits.FindAllStringIndex(text, -1) {
		if !unit.MatchString(text[at[1]:]) && !bare.MatchString(text[:at[0]]) {
			return "the number " + text[at[0]:at[1]] + " without a unit"
		}
	}
	return ""
}

// readable holds the texts of issues against what people can read.
func readable(t testing.TB, issues []report.Issue) {
	t.Helper()
	for i := range issues {
		if why := unreadable(issues[i].Text); why != "" {
			t.Errorf("%s says %q: %s", issues[i].Code, issues[i].Text, why)
		}
	}
}

func TestWhatIsUnreadable(t *testing.T) {
	for text, good := range map[string]bool{
		"no contract covers 4.972e+08 kWh":               false,
		"no contract covers 497213456 kWh":               false,
		"no contract covers 497\u202f213\u202f456 kWh":   true,
		"market-based 0.4 and location-based 0.2 kg/kWh": false,
		"PUE is 0.9":                      true,
		"PUE is 1.3, and was 1.5 in 2025": true,
		"WUE is 4.1":                      false,
		"WUE is 4.1 L/kWh":                true,
		"guarantee \"G-1\" was retired on 2026-09-15":          true,
		"the residual mix of 2026 is 3 % more, for UPS-12 2 h": true,
	} {
		if why := unreadable(text); (why == "") != good {
			t.Errorf("%q: %q", text, why)
		}
	}
}
