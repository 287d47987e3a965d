package agent

import (
	"fmt"
	"log/slog"

	"github.com/gigawatch/gigawatch/collector/internal/carbon"
	"github.com/gigawatch/gigawatch/collector/secret"
	"github.com/gigawatch/gigawatch/collector/setting"
)

// take fills c's grid, and complains to f.
func (g *rawGrid) take(c *Config, f *setting.File) {
	w := &g.Weather
	c.Grid = GridConfig{
		Zone: g.Zone, Lifecycle: g.Lifecycle, Direct: g.Direct, Factors: g.Factors,
		Timeout: f.Duration("sources.grid.timeout", g.Timeout, 0),
		Weather: WeatherConfig{
			File: w.File, URL: secret.At(w.URL), Value: w.Value, Time: w.Time, Unit: w.Unit, Point: w.Point,
			Period: f.Duration("sources.grid.weather.period", w.Period, 0), MaxAge: f.Duration("sources.grid.weather.max_age", w.MaxAge, 0),
			KeyFile: w.KeyFile, KeyEnv: w.KeyEnv, KeyHeader: w.KeyHeader, KeyQuery: w.KeyQuery,
		},
	}
	f.Require(w.KeyFile == "" || w.KeyEnv == "", "sources.grid.weather.key_env", "there is a key_file too; want one of them")
	for i := range g.Providers {
		p := &g.Providers[i]
		key := fmt.Sprintf("sources.grid.providers.%d.", i)
		oneOf(f, key+"name", p.Name, "electricitymaps", "entsoe", "eco2mix", "energycharts", "yearly")
		oneOf(f, key+"only", p.Only, "", "intensity", "price")
		f.Require(p.KeyFile == "" || p.KeyEnv == "", key+"key_env", "there is a key_file too; want one of them")
		c.Grid.Providers = append(c.Grid.Providers, GridProvider{
			Name: p.Name, URL: p.URL, KeyFile: p.KeyFile, KeyEnv: p.KeyEnv, Area: p.Area, PriceArea: p.PriceArea,
			Period: f.Duration(key+"period", p.Period, 0), Only: p.Only, PastDays: p.PastDays, Sequence: p.Sequence,
			CheckBalance: p.CheckBalance == nil || *p.CheckBalance, Trace: p.Trace, File: p.File,
		})
	}
	if !c.Grid.asked() {
		f.Require(g.Zone+g.Lifecycle+g.Direct+g.Factors == "" && g.Timeout == nil, "sources.grid.providers", "missing: whose word is taken about the grid")
		return
	}
	if s := c.Facility; s != nil && s.Zone.Name != "" {
		f.Require(g.Zone == "" || g.Zone == s.Zone.Name, "sources.grid.zone", "%q is not the zone of the site's file, which is %s; leave it out", g.Zone, s.Zone.Name)
		c.Grid.Zone = s.Zone.Name
	}
	f.Require(c.Grid.Zone != "", "sources.grid.zone", "missing: the bidding zone, such as DE-LU, and no site_file says it")
}

// asked reports whether anybody is.
func (g *GridConfig) asked() bool {
	return len(g.Providers) > 0 || g.Weather.File != "" || !g.Weather.URL.IsZero()
}

// openGrid makes the source of the grid.
func openGrid(c *Config, state string, log *slog.Logger) (*carbon.Source, error) {
	g, w := &c.Grid, &c.Grid.Weather
	conf := carbon.Config{
		Place: c.Place, Zone: g.Zone, Lifecycle: g.Lifecycle, Direct: g.Direct, Factors: g.Factors, State: state, Timeout: g.Timeout, Logger: log,
		Weather: carbon.Weather{
			File: w.File, URL: w.URL, Value: w.Value, Time: w.Time, Unit: w.Unit, Point: w.Point, Period: w.Period, MaxAge: w.MaxAge,
			Key: carbon.Key{File: w.KeyFile, Env: w.KeyEnv}, KeyHeader: w.KeyHeader, KeyQuery: w.KeyQuery,
		},
	}
	for i := range g.Providers {
		p := &g.Providers[i]
		conf.Providers = append(conf.Providers, carbon.Provider{
			Name: p.Name, URL: p.URL, Area: p.Area, PriceArea: p.PriceArea, Key: carbon.Key{File: p.KeyFile, Env: p.KeyEnv}, Period: p.Period,
			Only: p.Only, PastDays: p.PastDays, Sequence: p.Sequence, NoBalance: !p.CheckBalance, Trace: p.Trace, File: p.File,
		})
	}
	return carbon.New(conf)
}
