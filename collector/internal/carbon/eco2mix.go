package carbon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// An eco2mix asks RTE's éCO2mix, as ODRÉ publishes it, for the intensity of what
// France generates: direct emissions, imports left out.
type eco2mix struct {
	*client
	vendor *vendor
	wide   time.Time // when more than a day was last asked for
}

func (s *Source) openEco2mix(p *Provider) error {
	if s.c.Zone != "FR" && p.Area != "FR" {
		return fmt.Errorf("it knows France only, not %s", s.c.Zone)
	}
	if p.Only == "price" {
		return errors.New("it has no prices")
	}
	c, err := s.client(p, "https://odre.opendatasoft.com")
	if err != nil {
		return err
	}
	e := &eco2mix{client: c, vendor: s.vendor(p.Name)}
	period := p.Period
	if period == 0 {
		period = 15 * time.Minute
	}
	s.pollers = append(s.pollers, &poller{name: p.Name, feeds: []*feed{{what: "intensity", period: period, fetch: e.fetch}}})
	return nil
}

// A page is as many rows as one question may have; a day has 96.
const (
	pageRows  = 100
	widePages = 4
)

func (e *eco2mix) fetch(ctx context.Context, now time.Time) ([]delivery, error) {
	pages := 1
	if now.Sub(e.wide) >= wideEvery {
		pages = widePages
		e.wide = now.Add(time.Hour - wideEvery) // where it fails, less may do for an hour
	}
	list := func(rows []eco2mixRow) []delivery {
		return []delivery{{e.vendor, Direct, eco2mixFigures(rows, now.Unix())}}
	}
	var rows []eco2mixRow
	for page := range pages {
		q := url.Values{
			"select": {"date_heure,taux_co2"}, "where": {"taux_co2 is not null"}, "order_by": {"date_heure desc"},
			"limit": {strconv.Itoa(pageRows)}, "offset": {strconv.Itoa(page * pageRows)}, "timezone": {"UTC"},
		}
		got := 0
		err := e.ask(ctx, "/api/explore/v2.1/catalog/datasets/eco2mix-national-tr/records", q, func(b []byte) error {
			more, err := parseEco2mix(b)
			rows, got = append(rows, more...), len(more)
			return err
		})
		if err != nil && !errors.Is(err, errSame) {
			return list(rows), err
		}
		if err == nil && got < pageRows {
			break
		}
	}
	if pages == widePages {
		e.wide = now
	}
	return list(rows), nil
}

// eco2mixRow is one moment with what is generated from it on.
type eco2mixRow struct {
	at    int64
	grams float64
}

func parseEco2mix(b []byte) (rows []eco2mixRow, err error) {
	var doc struct {
		Results *[]struct {
			Time  string   `json:"date_heure"`
			Grams *float64 `json:"taux_co2"`
		} `json:"results"`
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, fmt.Errorf("read intensity: %w", err)
	}
	if doc.Results == nil {
		return nil, errors.New("read intensity: no results")
	}
	for _, r := range *doc.Results {
		if r.Grams == nil { // of the future, or of a quarter where half hours are published
			continue
		}
		at, err := parseTime(r.Time)
		if err != nil {
			return nil, fmt.Errorf("read intensity: %w", err)
		}
		rows = append(rows, eco2mixRow{at.Unix(), *r.Grams})
	}
	return rows, nil
}

// eco2mixFigures are the figures of rows. Where an hour has no quarters, its half
// hours are the resolution.
func eco2mixFigures(rows []eco2mixRow, fetched int64) (list []figure) {
	const half = 2 * quarter
	quarters := map[int64]bool{} // hours that have some
	for _, r := range rows {
		if r.at%half != 0 {
			quarters[r.at/3600] = true
		}
	}
	for _, r := range rows {
		f := figure{from: r.at, to: r.at + half, value: r.grams, basis: Generated, set: "eco2mix", fetched: fetched}
		// The newest hour may have its first half hour only: then the hour before says.
		if hour := r.at / 3600; quarters[hour] || quarters[hour-1] {
			f.to = r.at + quarter
		}
		list = append(list, f)
	}
	return list
}
