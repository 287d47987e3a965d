package query

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
)

// A FleetQuestion asks for figures of all sites and of all together. From and To are
// on whole hours, half-open; zero: today in UTC, up to the end of this hour.
type FleetQuestion struct {
	Site     string   // "": all that whoever asks sees
	KPIs     []string // of [FleetKPINames]; none: all
	From, To time.Time
}

// FleetKPINames are the figures that several sites have together.
func FleetKPINames() []string { return account.FleetKPINames() }

// Fleet is the answer. Real and simulated sites are never added up together.
type Fleet struct {
	From      time.Time   `json:"from"`
	To        time.Time   `json:"to"`
	Real      *FleetSum   `json:"real"`      // null: there is no such site
	Simulated *FleetSum   `json:"simulated"` // likewise
	Sites     []FleetSite `json:"sites"`
}

// A FleetSite is one site, as [Energy] and [KPIs] tell it.
type FleetSite struct {
	Site      string                `json:"site"`
	Simulated bool                  `json:"simulated"`
	Energy    map[string]EnergyLine `json:"energy"` // by boundary
	KPIs      []KPI                 `json:"kpis"`
}

// A FleetSum is all sites of one sort together.
type FleetSum struct {
	Sites  int                    `json:"sites"`
	Energy map[string]FleetEnergy `json:"energy"` // by boundary
	KPIs   []FleetKPI             `json:"kpis"`
}

// FleetEnergy is energy of all sites together. Where it is not known of some it is not
// known of all: then Known is that of the others.
type FleetEnergy struct {
	Millijoules *string           `json:"millijoules"` // exact, a decimal integer; null: not known
	KWh         *float64          `json:"kwh"`         // Millijoules to three decimals
	Known       string            `json:"known_millijoules"`
	Parts       map[string]string `json:"millijoules_by_quality"` // Known, by how it is known
	Coverage    *float64          `json:"coverage"`               // share of the time that is known; null: nothing was expected
	Final       bool              `json:"final"`
	Reason      string            `json:"reason,omitempty"` // why Millijoules is null
	Lacking     []Lack            `json:"lacking,omitempty"`
}

// A Lack is a site of which something is not known, and why.
type Lack struct {
	Site   string `json:"site"`
	Reason string `json:"reason"`
}

// A FleetKPI is a figure of all sites together: a ratio of sums, or a sum.
type FleetKPI struct {
	Name     string   `json:"kpi"`
	Unit     string   `json:"unit"`
	Value    *float64 `json:"value"`            // null: it is not known of all sites
	Known    *float64 `json:"known"`            // of the sites of which it is
	Reason   string   `json:"reason,omitempty"` // why Value is null, or what to know of it
	Coverage float64  `json:"coverage"`         // the least of the sites of which it is known
	Lacking  []Lack   `json:"lacking,omitempty"`
}

// Fleet asks for figures of all sites.
func (c *Client) Fleet(ctx context.Context, q FleetQuestion) (*Fleet, error) {
	s := span{site: q.Site, from: q.From, to: q.To}
	v := s.values()
	if len(q.KPIs) > 0 {
		v.Set("kpi", strings.Join(q.KPIs, ","))
	}
	var a Fleet
	if _, err := c.ask(ctx, "/api/v1/fleet", v, &a); err != nil {
		return nil, fmt.Errorf("ask for the fleet: %w", err)
	}
	return &a, nil
}
