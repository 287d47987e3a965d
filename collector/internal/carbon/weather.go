package carbon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/collector/secret"
)

// Weather says where the temperature of the outside air is found: in a file that
// somebody writes, or as JSON over HTTP.
type Weather struct {
	File                string         // a number, or JSON; its own time is when it was written, unless Time says otherwise
	URL                 secret.Address // of JSON, with its query
	Value               string         // where the number is: current.temperature_2m, or data.0.temp; empty: the whole text is one
	Time                string         // where its time is; empty: none
	Unit                string         // celsius or fahrenheit; default celsius
	Point               string         // name of the measuring point; default outside
	Period              time.Duration  // default 5 m
	MaxAge              time.Duration  // for which a reading is of the present; default 2 h
	Key                 Key            // sent as the header KeyHeader, or in the query as KeyQuery
	KeyHeader, KeyQuery string
}

// A weather is the newest reading.
type weather struct {
	Weather
	at      time.Time // guarded by the source's mutex, like celsius
	celsius float64
}

const mostWeather = 1 << 20

func (s *Source) openWeather() error {
	w := &weather{Weather: s.c.Weather}
	w.Unit = or(w.Unit, "celsius")
	w.Point = or(w.Point, "outside")
	if w.Period == 0 {
		w.Period = 5 * time.Minute
	}
	if w.MaxAge == 0 {
		w.MaxAge = 2 * time.Hour
	}
	switch {
	case (w.File == "") == w.URL.IsZero():
		return errors.New("want either a file or a url")
	case w.Unit != "celsius" && w.Unit != "fahrenheit":
		return fmt.Errorf("unit %q is not celsius or fahrenheit", w.Unit)
	case !short(w.Point):
		return fmt.Errorf("point %q is longer than 63 bytes", w.Point)
	case w.Period < 10*time.Second || w.MaxAge < w.Period:
		return fmt.Errorf("period %v, max_age %v: a period is 10s or more, and no longer than what it is asked for is believed", w.Period, w.MaxAge)
	case (w.Key != Key{}) != (w.KeyHeader+w.KeyQuery != "") || w.KeyHeader != "" && w.KeyQuery != "":
		return errors.New("a key goes with the name of its header, or of its place in the query")
	case w.Value == "" && !w.URL.IsZero():
		return errors.New("want the place of the value in the JSON")
	}
	f := &feed{what: "temperature", period: w.Period}
	name := "weather"
	if w.File != "" {
		f.fetch = func(_ context.Context, now time.Time) ([]delivery, error) { return nil, s.readWeather(w, now) }
	} else {
		u, err := w.URL.Parse()
		if err != nil {
			return errors.New("url cannot be read")
		}
		query, path := u.Query(), u.Path
		u.RawQuery, u.Path, u.RawPath = "", "", ""
		c, err := s.client(&Provider{URL: u.String(), Key: w.Key}, "")
		if err != nil {
			return err
		}
		c.most, c.quiet = mostWeather, w.URL.Query()
		switch {
		case w.KeyHeader != "":
			c.keyed = func(r *http.Request, key secret.Text) { r.Header.Set(w.KeyHeader, key.Reveal()) }
		case w.KeyQuery != "":
			c.keyed = inQuery(w.KeyQuery)
		}
		f.fetch = func(ctx context.Context, now time.Time) ([]delivery, error) {
			return nil, c.ask(ctx, path, query, func(b []byte) error { return s.takeWeather(w, b, time.Time{}, now) })
		}
	}
	s.weather = w
	s.pollers = append(s.pollers, &poller{name: name, feeds: []*feed{f}})
	return nil
}

func or(text, unset string) string {
	if text == "" {
		return unset
	}
	return text
}

func (s *Source) readWeather(w *weather, now time.Time) error {
	i, err := os.Stat(w.File)
	if err != nil {
		return err
	}
	b, err := readSmall(w.File, mostWeather)
	if err != nil {
		return fmt.Errorf("read %s: %w", w.File, err)
	}
	if err := s.takeWeather(w, b, i.ModTime(), now); err != nil {
		return fmt.Errorf("read %s: %w", w.File, err)
	}
	return nil
}

// takeWeather takes a reading of the time at, zero if that is not known but by
// what the reading says.
func (s *Source) takeWeather(w *weather, b []byte, at, now time.Time) error {
	celsius, said, err := parseWeather(b, &w.Weather)
	if err != nil {
		return err
	}
	switch {
	case !said.IsZero():
		at = said
	case at.IsZero():
		at = now
	}
	if at.After(now.Add(5 * time.Minute)) {
		return fmt.Errorf("temperature of %s, which is to come", at.UTC().Format(time.RFC3339))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w.at, w.celsius = at, celsius
	return nil
}

// temperature is that of the outside air at now, if it is known.
func (s *Source) temperature(now time.Time) (celsius float64, ok bool) {
	w := s.weather
	if w == nil || w.at.IsZero() || now.Sub(w.at) > w.MaxAge {
		return 0, false
	}
	return w.celsius, true
}

// parseWeather is the temperature that b holds, and its time if b says one.
func parseWeather(b []byte, w *Weather) (celsius float64, at time.Time, err error) {
	if w.Value == "" {
		celsius, err = strconv.ParseFloat(strings.TrimSpace(string(b)), 64)
		if err != nil {
			return 0, at, errors.New("no number")
		}
	} else {
		var doc any
		if err := json.Unmarshal(b, &doc); err != nil {
			return 0, at, err
		}
		v, ok := find(doc, w.Value).(float64)
		if !ok {
			return 0, at, fmt.Errorf("no number at %s", w.Value)
		}
		celsius = v
		if w.Time != "" {
			if at, err = weatherTime(find(doc, w.Time)); err != nil {
				return 0, at, fmt.Errorf("at %s: %w", w.Time, err)
			}
		}
	}
	if w.Unit == "fahrenheit" {
		celsius = (celsius - 32) / 1.8
	}
	if !(celsius >= -80 && celsius <= 65) {
		return 0, at, fmt.Errorf("%v °C is no temperature of the air", celsius)
	}
	return celsius, at, nil
}

// find is the value at a path of keys and indexes, nil if there is none.
func find(doc any, path string) any {
	for part := range strings.SplitSeq(path, ".") {
		switch d := doc.(type) {
		case map[string]any:
			doc = d[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(d) {
				return nil
			}
			doc = d[i]
		default:
			return nil
		}
	}
	return doc
}

// weatherTime reads a time: seconds since 1970, or text, which is UTC where it
// does not say.
func weatherTime(v any) (time.Time, error) {
	switch v := v.(type) {
	case float64:
		if v > 0 && v < 1e11 {
			return time.Unix(int64(v), 0), nil
		}
	case string:
		for _, form := range []string{time.RFC3339, "2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00"} {
			if at, err := time.Parse(form, v); err == nil {
				return at, nil
			}
		}
	}
	return time.Time{}, errors.New("no time")
}
