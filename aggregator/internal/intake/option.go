package intake

import (
	"fmt"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Meter is one of the site's for which readings can be taken in. What is not
// said of its files, the files say.
type Meter struct {
	Name     string
	File     string // what files call it; "": its name
	Metric   metric.Number
	Kind     Kind
	Labelled string // start, end
	Unit     string
	Invert   bool // what files count the other way
	Rating   uint64
}

// Options say how to read a file. What they leave out is told from the file.
type Options struct {
	Name     string         // of the file, for people
	Location *time.Location // of times without an offset; nil: there must be none
	Meters   []Meter        // that the site has
	Other    func(name string) (Meter, bool, error)

	Meter      string            // all rows are of this meter, or those of NAME in METER=NAME
	Columns    map[string]string // headers, by the names of columns
	Kind       Kind
	Unit       string
	Labelled   string // start, end
	Step       Step
	Decimal    string   // point, comma
	Dates      string   // dmy, mdy
	Registers  []string // that count, where a meter has many
	Totals     []Total
	Settlement bool
	Negative   string // zero: what is below zero is none; only: what is above is
	Folder     string // for what is long; "": the system's
}

// A Total is what a month is known to have been.
type Total struct {
	Meter  string // "": the only one
	Month  string // 2026-01; "": the only one
	Amount account.Wide
	Text   string
}

// ParseTotal reads [METER:][YYYY-MM=]NUMBER UNIT.
func ParseTotal(text string) (t Total, err error) {
	t.Text = text
	rest := text
	if name, after, ok := strings.Cut(rest, ":"); ok {
		t.Meter, rest = strings.TrimSpace(name), after
	}
	if month, after, ok := strings.Cut(rest, "="); ok {
		if t.Month = strings.TrimSpace(month); !validMonth(t.Month) {
			return t, fmt.Errorf("total %q: %q is no month such as 2026-01", text, t.Month)
		}
		rest = after
	}
	rest = strings.TrimSpace(rest)
	i := strings.IndexFunc(rest, func(r rune) bool { return r != '.' && r != '-' && (r < '0' || r > '9') })
	if i < 0 {
		return t, fmt.Errorf("total %q lacks its unit, such as kWh", text)
	}
	d, ok := parseDecimal([]byte(rest[:i]), point)
	u, known := unitOf(rest[i:])
	if !ok || !known || u.of == ofPower || d.negative {
		return t, fmt.Errorf("total %q is no amount: write it as 2026-01=123456.7 kWh", text)
	}
	if t.Amount, ok = d.times(u.per); !ok {
		return t, fmt.Errorf("total %q is more than can be counted", text)
	}
	return t, nil
}

func validMonth(s string) bool {
	_, err := time.Parse("2006-01", s)
	return err == nil
}

// ParseStep reads the length of intervals: 15m, 1h, 1d, 1month.
func ParseStep(text string) (Step, error) {
	switch text {
	case "":
		return Step{}, nil
	case "day", "1d":
		return Step{Days: 1}, nil
	case "month", "1month":
		return Step{Months: 1}, nil
	case "year", "1y":
		return Step{Months: 12}, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < time.Second || d%time.Second != 0 || d > 366*24*time.Hour {
		return Step{}, fmt.Errorf("interval %q is none of 15m, 1h, day, month, year, or the like", text)
	}
	return Step{Seconds: int64(d / time.Second)}, nil
}

// check says what of o cannot be.
func (o *Options) check() error {
	for _, f := range []struct {
		name, value string
		of          []string
	}{
		{"labelled", o.Labelled, []string{"", "start", "end"}},
		{"decimal", o.Decimal, []string{"", "point", "comma"}},
		{"dates", o.Dates, []string{"", "dmy", "mdy"}},
		{"negative", o.Negative, []string{"", "reject", "zero", "only"}},
	} {
		ok := false
		for _, v := range f.of {
			ok = ok || v == f.value
		}
		if !ok {
			return fmt.Errorf("%s is %q, and not %s", f.name, f.value, strings.Join(f.of[1:], " or "))
		}
	}
	for name := range o.Columns {
		known := false
		for c := meterColumn; c < columns; c++ {
			known = known || c.String() == name
		}
		if !known {
			return fmt.Errorf("there is no column %q; there are %s", name, strings.Join(columnNames[1:], ", "))
		}
	}
	if o.Unit != "" {
		if _, ok := unitOf(o.Unit); !ok {
			return fmt.Errorf("unit %q is none of %s", o.Unit, knownUnits)
		}
	}
	return nil
}

// plural is n of something.
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
