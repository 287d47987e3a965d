package carbon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/gigawatch/gigawatch/collector/secret"
)

// An electricityMaps asks Electricity Maps, version 3, for the intensity of what a
// zone consumes.
type electricityMaps struct {
	*client
	zone   string
	vendor *vendor
}

func (s *Source) openElectricityMaps(p *Provider) error {
	c, err := s.client(p, "https://api.electricitymaps.com")
	if err != nil {
		return err
	}
	switch {
	case p.Only == "price":
		return errors.New("it has no prices here")
	case p.Key == (Key{}):
		return errors.New("it needs a key")
	case p.PastDays < 0 || p.PastDays > 10:
		return fmt.Errorf("past_days %d is not from 0 to 10", p.PastDays)
	}
	c.keyed = func(r *http.Request, key secret.Text) { r.Header.Set("auth-token", key.Reveal()) }
	m := &electricityMaps{client: c, zone: s.area.ElectricityMaps}
	if p.Area != "" {
		m.zone = p.Area
	}
	if m.zone == "" {
		return fmt.Errorf("zone %s is not known: say its name there as area", s.c.Zone)
	}
	m.vendor = s.vendor(p.Name)
	period := p.Period
	if period == 0 {
		period = 10 * time.Minute
	}
	o := &poller{name: p.Name}
	for _, q := range []Quantity{Lifecycle, Direct} {
		o.feeds = append(o.feeds, &feed{what: q.String(), period: period, fetch: func(ctx context.Context, now time.Time) ([]delivery, error) {
			list, err := m.fetch(ctx, q, "history", nil, now)
			if err != nil {
				return list, err
			}
			more, err := m.fetch(ctx, q, "latest", nil, now)
			return append(list, more...), err
		}})
		if p.PastDays > 0 {
			o.feeds = append(o.feeds, &feed{what: q.String() + " of the past", period: wideEvery, fetch: func(ctx context.Context, now time.Time) ([]delivery, error) {
				end := now.UTC().Truncate(time.Hour)
				span := url.Values{"start": {end.AddDate(0, 0, -p.PastDays).Format(time.RFC3339)}, "end": {end.Format(time.RFC3339)}}
				return m.fetch(ctx, q, "past-range", span, now)
			}})
		}
	}
	s.pollers = append(s.pollers, o)
	return nil
}

func (m *electricityMaps) fetch(ctx context.Context, q Quantity, what string, more url.Values, now time.Time) (list []delivery, err error) {
	query := url.Values{"zone": {m.zone}, "emissionFactorType": {q.String()}, "disableCallerLookup": {"true"}}
	for k, v := range more {
		query[k] = v
	}
	err = m.ask(ctx, "/v3/carbon-intensity/"+what, query, func(b []byte) error {
		figures, err := parseElectricityMaps(b, m.zone, q, now.Unix())
		list = []delivery{{m.vendor, q, figures}}
		return err
	})
	if errors.Is(err, errSame) {
		err = nil
	}
	return list, err
}

// intensityRow is one hour of Electricity Maps.
type intensityRow struct {
	Zone        string   `json:"zone"`
	Intensity   *float64 `json:"carbonIntensity"`
	Time        string   `json:"datetime"`
	Updated     string   `json:"updatedAt"`
	Factor      string   `json:"emissionFactorType"`
	Estimated   *bool    `json:"isEstimated"`
	Granularity string   `json:"temporalGranularity"`
}

// parseElectricityMaps reads one hour, or a list of them under history or data.
func parseElectricityMaps(b []byte, zone string, q Quantity, fetched int64) ([]figure, error) {
	var doc struct {
		intensityRow
		History *[]intensityRow `json:"history"`
		Data    *[]intensityRow `json:"data"`
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, fmt.Errorf("read intensity: %w", err)
	}
	// Without a zone that it knows, the provider answers for where the caller is.
	if doc.Zone != zone {
		return nil, fmt.Errorf("intensity of zone %q where %s is wanted", doc.Zone, zone)
	}
	rows := []intensityRow{doc.intensityRow}
	switch {
	case doc.History != nil:
		rows = *doc.History
	case doc.Data != nil:
		rows = *doc.Data
	}
	var list []figure
	for i := range rows {
		r := &rows[i]
		for _, g := range []string{doc.Granularity, r.Granularity} {
			if g != "" && g != "hourly" {
				return nil, fmt.Errorf("intensity that is %s where hourly is wanted", g)
			}
		}
		if r.Zone != "" && r.Zone != zone {
			return nil, fmt.Errorf("intensity of zone %q where %s is wanted", r.Zone, zone)
		}
		if r.Intensity == nil {
			continue
		}
		// The parameter may be unknown to an older version, which has one kind.
		if r.Factor != q.String() && (r.Factor != "" || q != Lifecycle) {
			return nil, fmt.Errorf("intensity by factors %s where %s are wanted", strconv.Quote(r.Factor), q)
		}
		at, err := parseTime(r.Time)
		if err != nil {
			return nil, fmt.Errorf("read intensity: %w", err)
		}
		if at.Truncate(time.Hour) != at {
			return nil, fmt.Errorf("read intensity: %s is not the start of an hour", r.Time)
		}
		f := figure{from: at.Unix(), to: at.Unix() + 3600, value: *r.Intensity, basis: Estimated, set: "electricitymaps-" + q.String(), fetched: fetched}
		if r.Estimated != nil && !*r.Estimated {
			f.basis = Consumed
		}
		if updated, err := parseTime(r.Updated); err == nil {
			f.published = updated.Unix()
		}
		list = append(list, f)
	}
	return list, nil
}
