package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	prom "github.com/prometheus/common/model"
)

// macros are what $__NAME and ${__NAME} stand for in one question.
type macros map[string]string

// stored is the least distance of stored points of what is fast.
const stored = 10 * time.Second

// macrosOf are those of a question whose points are least apart.
func macrosOf(q *question, least time.Duration) macros {
	span := q.to.Sub(q.from)
	step := q.step(least)
	rate := max(step+stored, 4*stored)
	return macros{
		"interval":      prom.Duration(step).String(),
		"part":          prom.Duration(partOf(step, span)).String(),
		"interval_ms":   strconv.FormatInt(step.Milliseconds(), 10),
		"rate_interval": prom.Duration(rate).String(),
		"range":         fmt.Sprintf("%ds", int64(span/time.Second)),
		"range_s":       strconv.FormatInt(int64(span/time.Second), 10),
		"range_ms":      strconv.FormatInt(span.Milliseconds(), 10),
		"from":          strconv.FormatInt(q.from.UnixMilli(), 10),
		"to":            strconv.FormatInt(q.to.UnixMilli(), 10),
	}
}

// partOf is how often a mean of each step of a span looks at what it is of: every ten
// seconds, and over more than a day as often as in one.
func partOf(step, span time.Duration) time.Duration {
	const looks = 8640
	return min(step, max(stored, (span/looks+stored-1).Truncate(stored)))
}

// expand replaces macros. One that is not known, and a dashboard's variable that
// nobody put in, is said: an alert rule has no variables.
func (m macros) expand(s string) (string, error) {
	if !strings.Contains(s, "$") {
		return s, nil
	}
	var err error
	out := macroForm().ReplaceAllStringFunc(s, func(found string) string {
		name := strings.Trim(found, "${}")
		name, format, dated := strings.Cut(name, ":")
		short, ours := strings.CutPrefix(name, "__")
		v, known := m[short]
		switch {
		case !ours && err == nil:
			err = wrong("%s is not filled in: the dashboard has no such variable, and an alert rule has none at all; write the value itself", found)
		case short == "timeFilter" && err == nil:
			err = wrong("there is no $__timeFilter: the time range applies by itself; leave it out")
		case !known && err == nil:
			err = wrong("%s is not a macro; there are $__interval, $__interval_ms, $__part, $__rate_interval, $__range, $__range_s, $__range_ms, $__from, $__to, $__filters", found)
		case dated && err == nil:
			v, err = m.dated(found, short, format)
		}
		return v
	})
	return out, err
}

// dated is ${__from:date:…} and the like.
func (m macros) dated(found, name, format string) (string, error) {
	millis, err := strconv.ParseInt(m[name], 10, 64)
	if name != "from" && name != "to" || err != nil {
		return "", wrong("%s: only __from and __to have a format", found)
	}
	t := time.UnixMilli(millis).UTC()
	switch format {
	case "date", "date:iso":
		return t.Format("2006-01-02T15:04:05.000Z"), nil
	case "date:seconds":
		return strconv.FormatInt(t.Unix(), 10), nil
	}
	return "", wrong("%s: the format is not known; write :date, :date:iso or :date:seconds", found)
}

// macroForm is $name, ${name} and ${name:format}. A $ before a digit is of a
// replacement of PromQL's own.
func macroForm() *regexp.Regexp {
	return regexp.MustCompile(`\$(?:[A-Za-z_][A-Za-z0-9_]*|\{[A-Za-z_][A-Za-z0-9_]*(?::[^{}]*)?\})`)
}

// step is between points: no less than least and the panel's interval, and such
// that no series has more points than it may.
func (q *question) step(least time.Duration) time.Duration {
	d := max(q.interval, least, time.Second)
	if n := int64(q.to.Sub(q.from) / d); n >= int64(q.points) {
		d = q.to.Sub(q.from)/time.Duration(max(1, q.points-1)) + 1
	}
	if rest := d % time.Second; rest != 0 {
		d += time.Second - rest
	}
	return d
}
