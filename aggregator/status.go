package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
	"github.com/gigawatch/gigawatch/aggregator/internal/stream"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// pageStatus is what the status page reads once a second.
type pageStatus struct {
	Now     int64        `json:"now"` // milliseconds since 1970 UTC
	Version string       `json:"version"`
	Hub     string       `json:"hub,omitempty"` // its name, if this is one
	Sites   []siteStatus `json:"sites"`
	Bus     *busStatus   `json:"bus"` // null: that of a hub holds nothing up
}

type busStatus struct {
	TelemetryLag float64  `json:"telemetry_lag_seconds"`
	LedgerLag    *float64 `json:"ledger_lag_seconds"`
}

// siteStatus is a site's present with what the ledger says of its day.
type siteStatus struct {
	*live.Status
	Hub          *farStatus              `json:"hub,omitempty"` // of a hub: the parts of a site are known to its own aggregator alone
	Hosts        countStatus             `json:"hosts"`
	GPUs         countStatus             `json:"gpus"`
	Zone         string                  `json:"zone"`
	TimeZone     string                  `json:"time_zone"` // of the IANA database, by which days are cut
	File         *fileStatus             `json:"site_file"` // null: none describes the site
	Today        *dayStatus              `json:"today"`     // what PUE, carbon and energy of today are of; null: nothing is known
	PUE          pueStatus               `json:"pue"`
	Carbon       carbonStatus            `json:"carbon"`
	Figures      []figureStatus          `json:"figures"` // of today
	Tree         *treeStatus             `json:"power_tree"`
	Energy       map[string]energyStatus `json:"energy_today"`
	Alerts       []alertStatus           `json:"alerts"`      // null: there are no rules
	AlertsMore   int                     `json:"alerts_more"` // that are not in the list
	AlertsReason string                  `json:"alerts_reason"`
	Held         []heldStatus            `json:"alerts_held"` // that nobody was told of
	Windows      []windowStatus          `json:"windows"`
}

// countStatus is how many there should be and how many report; null: not known.
type countStatus struct {
	Expected  *int `json:"expected"`
	Reporting *int `json:"reporting"`
}

func countOf(c live.Count) countStatus { return countStatus{&c.Expected, &c.Reporting} }

// dayStatus is [From, To) in milliseconds since 1970, and when the ledger was asked
// for it.
type dayStatus struct {
	From  int64 `json:"from"`
	To    int64 `json:"to"`
	Asked int64 `json:"asked"`
}

type pueStatus struct {
	Value    *float64 `json:"value"`
	Category int      `json:"category"`
	Coverage float64  `json:"coverage"`
	From     int64    `json:"from"`
	To       int64    `json:"to"`
	Reason   string   `json:"reason"`
	Detail   string   `json:"detail"` // of the reason
	Interim  bool     `json:"interim"`

	Needed  float64            `json:"coverage_needed"` // once the day is over
	Quality map[string]float64 `json:"quality"`         // shares of the energy, by how it is known
	Flags   []string           `json:"flags"`
	Wrong   bool               `json:"wrong"` // it must not be reported
}

type carbonStatus struct {
	GramsPerKWh *float64 `json:"grams_per_kwh"`
	Tonnes      *float64 `json:"tonnes_today"`
	Reason      string   `json:"reason"`
	Zone        string   `json:"zone"`
	Factor      string   `json:"factor"`
	Provider    string   `json:"provider"`
	Tier        string   `json:"tier"`

	Grid []gridStatus `json:"grid"` // whose word counts for which share of today's
}

// statusPage answers /api/v1/status.
type statusPage struct {
	live      *live.Live
	today     *today
	files     *siteFiles
	telemetry *stream.Telemetry
	ledger    *stream.Ledger
	alerts    *rule.Evaluator
}

// status is the present of one site, or of all if site is empty, as far as whoever
// asks sees them: real sites first. History is given for what came after since.
func (p *statusPage) status(ctx context.Context, sees func(site string) bool, site string, since int64) (any, error) {
	now := time.Now().UnixMilli()
	out := pageStatus{Now: now, Version: version, Sites: []siteStatus{}, Bus: &busStatus{TelemetryLag: p.telemetry.Lag().Seconds()}}
	if lag, ok := p.ledger.Lag(); ok {
		s := lag.Seconds()
		out.Bus.LedgerLag = &s
	}
	for _, name := range p.live.Sites() {
		if !sees(name) {
			continue
		}
		st := p.live.Status(name, since, now)
		if st == nil {
			continue
		}
		if site != "" && site != name { // its tab is not shown
			st.Halls, st.Worst, st.History = []live.HallStatus{}, []live.GPUStatus{}, live.History{Step: 1000}
		}
		out.Sites = append(out.Sites, p.site(ctx, st))
	}
	slices.SortStableFunc(out.Sites, func(a, b siteStatus) int {
		if a.Simulated != b.Simulated {
			if a.Simulated {
				return 1
			}
			return -1
		}
		return strings.Compare(a.Site, b.Site)
	})
	return out, nil
}

func (p *statusPage) site(ctx context.Context, st *live.Status) siteStatus {
	out := siteStatus{Status: st, Hosts: countOf(st.Hosts), GPUs: countOf(st.GPUs), Energy: map[string]energyStatus{},
		TimeZone: p.today.ledger.Place(st.Site).String(), File: p.files.of(st.Site).status(), Figures: []figureStatus{}, PUE: pueStatus{Quality: map[string]float64{}, Flags: []string{}}}
	out.Alerts, out.AlertsMore, out.AlertsReason = firing(ctx, p.alerts, st.Site)
	out.Held, out.Windows = quieted(p.alerts, st.Site, time.Now())
	out.Carbon.Grid = []gridStatus{}
	if g := st.Grid; g != nil {
		out.Zone = g.Zone
		out.Carbon = carbonStatus{Grid: []gridStatus{}, GramsPerKWh: &g.GramsPerKWh, Zone: g.Zone, Factor: g.Factor, Provider: g.Provider, Tier: g.Tier}
	} else {
		out.Carbon.Reason = "no carbon intensity of the grid"
	}
	day := p.today.of(st.Site)
	for b := metric.Facility; b <= metric.GPUs; b++ {
		if day == nil {
			out.Energy[b.String()] = energyStatus{Reason: "nothing in the ledger yet"}
			continue
		}
		e := energyOf(day.energy[b])
		e.Reason = brief(e.Reason)
		if p := st.Power[b.String()]; e.Reason != "" && b >= metric.Hosts && p.Watts == nil {
			e.Reason = p.Reason // the same, in better words
		}
		if day.since != 0 && day.since < day.from {
			e.Since = day.since
		}
		out.Energy[b.String()] = e
	}
	if day == nil {
		out.PUE.Reason = "nothing in the ledger yet"
		return out
	}
	out.Today = &dayStatus{day.from, day.to, day.asked.UnixMilli()}
	k := day.kpis["pue"]
	f := figureOf(&k)
	out.PUE = pueStatus{Value: f.Value, Category: f.Category, Coverage: f.Coverage, From: f.From, To: f.To, Reason: f.Reason, Detail: f.Detail, Interim: f.Interim,
		Needed: f.Needed, Quality: f.Quality, Flags: f.Flags, Wrong: f.Wrong}
	for _, name := range shownKPIs[1:] {
		k := day.kpis[name]
		out.Figures = append(out.Figures, figureOf(&k))
	}
	out.Tree = treeOf(day.tree)
	if c := day.kpis["carbon_location"]; c.Value != nil {
		t := *c.Value / 1000 // kilograms
		out.Carbon.Tonnes, out.Carbon.Grid = &t, figureOf(&c).Grid
	} else if out.Carbon.Reason == "" {
		out.Carbon.Reason = brief(c.Reason)
	}
	return out
}

// brief is a reason without its details, for a card.
func brief(reason string) string {
	head, _, _ := strings.Cut(reason, ": ")
	return head
}
