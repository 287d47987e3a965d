package main

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/hub"
	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// quietFor is how long a site may say nothing before its present is not known.
const quietFor = 45 * time.Second

// farStatus is what a hub knows of a site besides what the site's own aggregator would
// tell: how it is heard, and how far its sealed hours are here.
type farStatus struct {
	Heard   *int64         `json:"heard"`          // milliseconds since 1970; null: not since the hub started
	Silent  float64        `json:"silent_seconds"` // since then, or since the hub started
	Present bool           `json:"present"`        // it was heard so lately that what it said is of now
	Sealed  *int64         `json:"sealed"`         // its hours are here up to then; null: none is
	Behind  *int64         `json:"behind"`         // sealed hours of the site that are not here yet; null: it is not heard
	Refused string         `json:"refused"`        // why nothing more of its log is taken
	States  map[string]int `json:"gpu_states"`
	Halls   []farHall      `json:"halls"`
}

// farHall is a hall by its sums: its racks are known on the site.
type farHall struct {
	Hall   string    `json:"hall"`
	Watts  *float64  `json:"watts"`
	Reason string    `json:"reason,omitempty"` // why Watts is null
	Racks  int       `json:"racks"`
	Hosts  hub.Count `json:"hosts"`
	GPUs   int       `json:"gpus"`
	GPUsOk int       `json:"gpus_ok"`
}

// status is the present of the sites, as that of an aggregator is told: without racks
// and boards, which stay on the sites.
func (h *hubNode) status(ctx context.Context, sees func(site string) bool, site string, since int64) (any, error) {
	now := time.Now()
	out := pageStatus{Now: now.UnixMilli(), Version: version, Hub: h.witness.Verifier.Name(), Sites: []siteStatus{}}
	page := &statusPage{today: h.today}
	for _, s := range h.hub.Sites() {
		if !sees(s.Site) {
			continue
		}
		reason := silence(&s, now)
		st := presentAt(&s, reason, now)
		st.Simulated = h.Simulated(s.Site)
		if site == "" || site == s.Site { // else its tab is not shown
			st.History = h.series.history(s.Site, since)
		}
		x := page.site(ctx, st)
		x.Hub, x.AlertsReason = h.far(&s, reason, now), "the site's own aggregator watches over it"
		x.Tree = &treeStatus{Stages: []gapStatus{}, Reason: "the power tree stays on the site"}
		if reason != "" {
			x.Hosts.Reporting, x.GPUs.Reporting, x.Carbon.Reason = nil, nil, reason
			if s.Now == nil {
				x.Hosts.Expected, x.GPUs.Expected = nil, nil
			}
		}
		unsealed(&x)
		out.Sites = append(out.Sites, x)
	}
	slices.SortStableFunc(out.Sites, func(a, b siteStatus) int {
		switch {
		case a.Simulated == b.Simulated:
			return 0
		case a.Simulated:
			return 1
		}
		return -1
	})
	return out, nil
}

// unsealed says of a site of which no hour is here why it has no figures of the day.
func unsealed(x *siteStatus) {
	if x.Today != nil {
		return
	}
	const none = "none of its sealed hours is here yet"
	x.PUE.Reason, x.Carbon.Reason = none, cmp.Or(x.Carbon.Reason, none)
	for b := range x.Energy {
		x.Energy[b] = energyStatus{Reason: none}
	}
}

// silence is why the present of a site is not known: "" if it is.
func silence(s *hub.State, now time.Time) string {
	switch {
	case s.Now == nil:
		return "the site was not heard yet"
	case now.Sub(s.Heard) > quietFor:
		return "the site is silent"
	}
	return ""
}

// far is how a site is heard, and how far its hours are here.
func (h *hubNode) far(s *hub.State, reason string, now time.Time) *farStatus {
	f := &farStatus{Silent: max(0, now.Sub(s.Heard).Seconds()), Present: reason == "", Refused: s.Refused, States: map[string]int{}, Halls: []farHall{}}
	if sealed, ok := h.ledger.Sealed(s.Site); ok {
		f.Sealed = &sealed
	}
	if s.Now != nil {
		at := s.Heard.UnixMilli()
		f.Heard = &at
	}
	if !f.Present {
		return f
	}
	if have, err := h.mirror.Head(s.Site); err == nil {
		behind := max(0, s.Now.Leaves-have.Leaves)
		f.Behind = &behind
	}
	if s.Now.States != nil {
		f.States = s.Now.States
	}
	for _, x := range s.Now.Halls {
		f.Halls = append(f.Halls, farHall{x.Hall, x.Watts, x.Reason, x.Racks, x.Hosts, x.GPUs, x.GPUsOk})
	}
	return f
}

// presentAt is what a site said, as far as it is of now.
func presentAt(s *hub.State, reason string, now time.Time) *live.Status {
	st := &live.Status{Site: s.Site, Power: map[string]live.Figure{}, History: live.History{Step: 1000}, Halls: []live.HallStatus{}, Worst: []live.GPUStatus{}, Machines: []live.Machine{}}
	n := s.Now
	if n == nil {
		n = &hub.Now{}
	}
	for b := metric.Facility; b <= metric.GPUs; b++ {
		st.Power[b.String()] = powerAt(n.Power[b], reason)
	}
	st.Hosts, st.GPUs = live.Count(n.Hosts), live.Count(n.GPUs)
	st.Agents = live.AgentCount{Known: n.Agents, Silent: n.Silent, Refusals: []string{}}
	if reason != "" {
		return st
	}
	if g := n.Grid; g != nil {
		st.Grid = &live.Grid{GramsPerKWh: g.GramsPerKWh, Zone: g.Zone, Factor: g.Factor, Provider: g.Provider, Tier: g.Tier}
	}
	if n.Freshness != nil {
		behind := *n.Freshness + now.Sub(s.Heard).Seconds()
		st.Freshness = &behind
	}
	return st
}

func powerAt(p hub.Power, reason string) live.Figure {
	if reason != "" {
		return live.Figure{Reason: reason}
	}
	f := live.Figure{Watts: p.Watts, Reason: p.Reason}
	if p.Watts != nil {
		f.Coverage = 1
	}
	return f
}
