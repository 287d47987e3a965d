package mqtt

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// The years of which a time is believed to be one.
const (
	firstYear = 2000
	lastYear  = 2200
)

// zoned are the ways to write a time with its zone, besides that of RFC 3339.
var zoned = [...]string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999Z0700"}

// moment is the time that a message tells.
func moment(told any) (time.Time, error) {
	var text string
	switch t := told.(type) {
	case json.Number:
		text = t.String()
	case string:
		text = strings.TrimSpace(t)
	default:
		return time.Time{}, fmt.Errorf("is %s, and no time", sort(told))
	}
	if d, ok := parseDecimal(text); ok {
		return since1970(d, text)
	}
	for _, layout := range zoned {
		if at, err := time.Parse(layout, text); err == nil {
			return plausible(at, text)
		}
	}
	for _, layout := range zoned {
		local, _, _ := strings.Cut(layout, "Z")
		if _, err := time.Parse(local, text); err == nil {
			return time.Time{}, fmt.Errorf("is %q, a time without a zone: in autumn an hour of them comes twice", short(text))
		}
	}
	return time.Time{}, fmt.Errorf("is %q, and no time", short(text))
}

// since1970 is a time as a number of s, ms, µs or ns: of the one by which it is of
// these years.
func since1970(d decimal, text string) (time.Time, error) {
	if d.negative {
		return time.Time{}, fmt.Errorf("is %s, and no time", text)
	}
	for _, finer := range [...]int{9, 6, 3, 0} {
		ns, ok := d.times(finer)
		if ok && ns < 1<<63 {
			if at, err := plausible(time.Unix(0, int64(ns)), text); err == nil {
				return at, nil
			}
		}
	}
	return time.Time{}, fmt.Errorf("is %s, which is no time in s, ms, µs or ns since 1970: the device's clock is not set, or it is something else", text)
}

func plausible(at time.Time, text string) (time.Time, error) {
	if y := at.UTC().Year(); y < firstYear || y > lastYear {
		return time.Time{}, fmt.Errorf("is %s: the device's clock is not set", short(text))
	}
	return at.UTC(), nil
}

// clocks are the members that tell the time, where no path was given.
var clocks = [...]string{"time", "timestamp", "ts"}

var errNoTime = errors.New("it has no time")

// clock is the time of a message; errNoTime where none is to be expected.
func (r *Reader) clock(m any) (time.Time, error) {
	if r.time == "" {
		for _, name := range clocks {
			if t, ok := find(m, []string{name}); ok {
				if at, err := moment(t); err == nil {
					return at, nil
				}
			}
		}
		return time.Time{}, errNoTime
	}
	names := strings.Split(r.time, ".")
	t, ok := find(m, names)
	if !ok {
		return time.Time{}, fmt.Errorf("its time %s is not there: %s", r.time, lacks(m, names))
	}
	at, err := moment(t)
	if err != nil {
		return at, fmt.Errorf("its time %s %w", r.time, err)
	}
	return at, nil
}
