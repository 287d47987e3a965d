package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/hub"
	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// quietFor is how long a site may say nothing before its present is not known.
const quietFor = 45 * time.Second

// status is the present of the sites, as that of an aggregator is told: without racks
// and boards, which stay on the sites.
func (h *hubNode) status(ctx context.Context, sees func(site string) bool, site string, since int64) (any, error) {
	now := time.Now()
	out := pageStatus{Now: now.UnixMilli(), Version: version, Sites: []siteStatus{}}
	page := &statusPage{today: h.today}
	for _, s := range h.hub.Sites() {
		if !sees(s.Site) {
			continue
		}
		st := presentAt(&s, now)
		st.Simulated = h.Simulated(s.Site)
		if site == "" || site == s.Site { // else its tab is not shown
			st.History = h.series.history(s.Site, since)
		}
		x := page.site(ctx, st)
		x.Remote, x.AlertsReason = true, "the site's own aggregator watches over it"
		x.Tree = &treeStatus{Stages: []gapStatus{}, Reason: "the power tree stays on the site"}
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

// presentAt is what a site said, if it was not long ago.
func presentAt(s *hub.State, now time.Time) *live.Status {
	st := &live.Status{Site: s.Site, Power: map[string]live.Figure{}, History: live.History{Step: 1000}, Halls: []live.HallStatus{}, Worst: []live.GPUStatus{}, Machines: []live.Machine{}}
	n, reason := s.Now, ""
	switch away := now.Sub(s.Heard).Round(time.Second); {
	case n == nil:
		n, reason = &hub.Now{}, "the site was not heard yet"
	case away > quietFor:
		reason = fmt.Sprintf("the site was last heard %s ago", away)
	}
	if g := n.Grid; g != nil && reason == "" {
		st.Grid = &live.Grid{GramsPerKWh: g.GramsPerKWh, Zone: g.Zone, Factor: g.Factor, Provider: g.Provider, Tier: g.Tier}
	}
	st.Hosts, st.GPUs = live.Count(n.Hosts), live.Count(n.GPUs)
	st.Agents = live.AgentCount{Known: n.Agents, Silent: n.Silent, Refusals: []string{}}
	if reason == "" && n.Freshness != nil {
		behind := *n.Freshness + now.Sub(s.Heard).Seconds()
		st.Freshness = &behind
	}
	for b := metric.Facility; b <= metric.GPUs; b++ {
		st.Power[b.String()] = powerAt(n.Power[b], reason)
	}
	if reason != "" {
		st.Hosts.Reporting, st.GPUs.Reporting = 0, 0
		return st
	}
	for _, hall := range n.Halls {
		p := powerAt(hall.Power, reason)
		st.Halls = append(st.Halls, live.HallStatus{Hall: hall.Hall, Watts: p.Watts, Reason: p.Reason, Racks: []live.RackStatus{}})
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
