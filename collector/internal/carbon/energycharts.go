package carbon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// An energyCharts asks Energy-Charts of Fraunhofer ISE for the intensity of what a
// country generates, and for the day-ahead price.
type energyCharts struct {
	*client
	country, zone string
	vendor        *vendor
}

func (s *Source) openEnergyCharts(p *Provider) error {
	c, err := s.client(p, "https://api.energy-charts.info")
	if err != nil {
		return err
	}
	c.pace = max(c.pace, 5*s.c.pace) // it limits what comes more often
	e := &energyCharts{client: c, country: s.area.EnergyCharts, zone: s.area.EnergyChartsPrice}
	if p.Area != "" {
		e.country = p.Area
	}
	if p.PriceArea != "" {
		e.zone = p.PriceArea
	}
	o := &poller{name: p.Name}
	period := p.Period
	if period == 0 {
		period = 15 * time.Minute
	}
	if p.Only != "price" && e.country != "" {
		o.feeds = append(o.feeds, &feed{what: "intensity", period: period, fetch: e.fetchIntensity})
	}
	if p.Only != "intensity" && e.zone != "" {
		o.feeds = append(o.feeds, &feed{what: "prices", period: max(period, 30*time.Minute), fetch: e.fetchPrices})
	}
	if len(o.feeds) == 0 {
		return fmt.Errorf("it has nothing for zone %s that is asked for: say its name there as area or price_area", s.c.Zone)
	}
	e.vendor = s.vendor(p.Name)
	s.pollers = append(s.pollers, o)
	return nil
}

// days is a query for the days around now.
func days(now time.Time, back, ahead int) url.Values {
	const form = "2006-01-02"
	now = now.UTC()
	return url.Values{"start": {now.AddDate(0, 0, -back).Format(form)}, "end": {now.AddDate(0, 0, ahead).Format(form)}}
}

func (e *energyCharts) fetchIntensity(ctx context.Context, now time.Time) (list []delivery, err error) {
	q := days(now, 3, 1)
	q.Set("country", e.country)
	err = e.ask(ctx, "/co2eq", q, func(b []byte) error {
		figures, err := parseEnergyCharts(b, now.Unix())
		list = []delivery{{e.vendor, Lifecycle, figures}}
		return err
	})
	return list, err
}

func (e *energyCharts) fetchPrices(ctx context.Context, now time.Time) (list []delivery, err error) {
	q := days(now, 2, 1)
	q.Set("bzn", e.zone)
	err = e.ask(ctx, "/v2/price", q, func(b []byte) error {
		figures, err := parseEnergyChartsPrice(b, now.Unix())
		list = []delivery{{e.vendor, Price, figures}}
		return err
	})
	return list, err
}

// parseEnergyCharts reads parallel arrays, in which anything may be null: what was
// measured and, where that is not known, what is forecast.
func parseEnergyCharts(b []byte, fetched int64) ([]figure, error) {
	var doc struct {
		Seconds  []int64    `json:"unix_seconds"`
		Measured []*float64 `json:"co2eq"`
		Forecast []*float64 `json:"co2eq_forecast"`
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, fmt.Errorf("read intensity: %w", err)
	}
	if doc.Seconds == nil {
		return nil, errors.New("read intensity: no times")
	}
	n := len(doc.Seconds)
	if len(doc.Measured) != n && len(doc.Measured) != 0 || len(doc.Forecast) != n && len(doc.Forecast) != 0 {
		return nil, fmt.Errorf("read intensity: %d times, %d values, %d forecasts", n, len(doc.Measured), len(doc.Forecast))
	}
	width, err := widthOf(doc.Seconds)
	if err != nil {
		return nil, fmt.Errorf("read intensity: %w", err)
	}
	var list []figure
	for i, from := range doc.Seconds {
		f := figure{from: from, to: from + width, set: "energycharts", fetched: fetched}
		switch {
		case len(doc.Measured) > 0 && doc.Measured[i] != nil:
			f.value, f.basis = *doc.Measured[i], Generated
		case len(doc.Forecast) > 0 && doc.Forecast[i] != nil:
			f.value, f.basis = *doc.Forecast[i], Forecast
		default:
			continue
		}
		list = append(list, f)
	}
	return list, nil
}

// widthOf is the resolution of a series that says when each interval begins: the
// least distance. There may be holes.
func widthOf(seconds []int64) (int64, error) {
	width := int64(0)
	for i := 1; i < len(seconds); i++ {
		d := seconds[i] - seconds[i-1]
		if d <= 0 {
			return 0, errors.New("times that do not rise")
		}
		if width == 0 || d < width {
			width = d
		}
	}
	if len(seconds) > 1 && !slices.Contains([]int64{900, 1800, 3600}, width) {
		return 0, fmt.Errorf("intervals of %d s", width)
	}
	return width, nil
}

// parseEnergyChartsPrice reads rows of named values, in which anything may be null.
func parseEnergyChartsPrice(b []byte, fetched int64) ([]figure, error) {
	var doc struct {
		Unit       string `json:"unit"`
		Resolution string `json:"resolution"`
		Data       []struct {
			Time   string              `json:"timestamp"`
			Values map[string]*float64 `json:"values"`
		} `json:"data"`
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, fmt.Errorf("read prices: %w", err)
	}
	if unit := strings.ReplaceAll(doc.Unit, " ", ""); !strings.EqualFold(unit, "EUR/MWh") {
		return nil, fmt.Errorf("prices in %q where EUR/MWh is wanted", doc.Unit)
	}
	width, ok := map[string]int64{"PT15M": 900, "PT30M": 1800, "PT60M": 3600, "PT1H": 3600}[doc.Resolution]
	if !ok {
		return nil, fmt.Errorf("prices in resolution %q", doc.Resolution)
	}
	var list []figure
	for _, row := range doc.Data {
		v := row.Values["day_ahead_price"]
		if v == nil {
			continue
		}
		at, err := parseTime(row.Time)
		if err != nil {
			return nil, fmt.Errorf("read prices: %w", err)
		}
		list = append(list, figure{from: at.Unix(), to: at.Unix() + width, value: *v, basis: Auctioned, set: "day-ahead", fetched: fetched})
	}
	return list, nil
}
