package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/aggregator/internal/rights"
	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// Live answers for the present, in milliseconds however large the site is; ok is
// false of a site of which nothing was heard. It is asked from many goroutines at
// once.
type Live interface {
	SiteNames() []live.Present
	Things(site string, q live.ThingQuestion, now time.Time) (p live.Present, things []live.Thing, total int, ok bool)
	Top(site string, q live.TopQuestion, now time.Time) (t live.Top, ok bool)
	Map(site string, of live.MapValue, now time.Time) (p live.Present, racks []live.MapRack, ok bool)
	Counts(site string, now time.Time) (c live.Counts, ok bool)
	// Powers are inside boundary b, or if it is negative as /api/v1/live says.
	Powers(site string, level metric.EntityKind, b int, now time.Time) (p live.Present, powers []live.PlacePower, ok bool)
	Closed() <-chan struct{} // closed when the next second of any site is
}

// How long lists of the present are, and may be.
const (
	fewItems  = 1000
	mostItems = 10_000
	fewRows   = 10
	mostRows  = 1000
	mostRacks = 20_000
)

// present wraps what answers from the present.
func (s *Server) present(answer func(ctx context.Context, v url.Values, now time.Time) (any, error), names ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.c.Live == nil {
			s.notYet(w, r)
			return
		}
		if err := known(r.Form, names...); err != nil {
			s.fail(w, r, err)
			return
		}
		for _, name := range names {
			if v := r.Form.Get(name); len(v) > metric.MaxText {
				s.fail(w, r, badParameter(name, "%d bytes long; the limit is %d", len(v), metric.MaxText))
				return
			}
		}
		a, err := answer(r.Context(), r.Form, time.Now())
		if err != nil {
			s.fail(w, r, err)
			return
		}
		s.succeed(w, r, a)
	}
}

// presents are the sites that whoever asks sees.
func (s *Server) presents(ctx context.Context) []live.Present {
	scope := scopeOf(ctx)
	return slices.DeleteFunc(slices.Clone(s.c.Live.SiteNames()), func(p live.Present) bool { return !scope.Site(p.Site) })
}

// liveSite is the site that v names, or the only one there is to see.
func (s *Server) liveSite(ctx context.Context, v url.Values) (string, error) {
	sites, site := s.presents(ctx), v.Get("site")
	if site == "" {
		if len(sites) != 1 {
			return "", badParameter("site", "needed, as %d sites are known", len(sites))
		}
		return sites[0].Site, nil
	}
	if !metric.ValidName(site) {
		return "", badParameter("site", "%q is not a site's name", site)
	}
	for i := range sites {
		if sites[i].Site == site {
			return site, nil
		}
	}
	return "", noSite(site)
}

func noSite(site string) error {
	return refuse(query.NotFound, "parameter \"site\": no site %q", site)
}

// limitOf reads a limit.
func limitOf(v url.Values, few, most int) (int, error) {
	t := v.Get("limit")
	if t == "" {
		return few, nil
	}
	n, err := strconv.Atoi(t)
	if err != nil || n < 1 || n > most {
		return 0, badParameter("limit", "%q is not a number from 1 to %d", t, most)
	}
	return n, nil
}

// chosen is the index of what v says among names, the first if it says nothing.
func chosen(v url.Values, name string, names ...string) (int, error) {
	t := v.Get(name)
	for i, n := range names {
		if t == n || t == "" {
			return i, nil
		}
	}
	return 0, badParameter(name, "%q is none of %s", t, strings.Join(names, ", "))
}

func where(v url.Values) live.Where {
	return live.Where{Hall: v.Get("hall"), Rack: v.Get("rack"), Host: v.Get("host")}
}

// secondOf is a second of the present; nil if there is none.
func secondOf(second int64) *time.Time {
	if second == 0 {
		return nil
	}
	t := time.Unix(second, 0).UTC()
	return &t
}

// kinds are those of an inventory.
func itemKinds() ([]string, []metric.EntityKind) {
	return []string{"host", "site", "hall", "rack", "gpu", "meter", "job", "tenant"},
		[]metric.EntityKind{metric.Host, metric.Site, metric.Hall, metric.Rack, metric.GPU, metric.Meter, metric.Job, metric.Job}
}

func (s *Server) inventory(ctx context.Context, v url.Values, now time.Time) (any, error) {
	names, kinds := itemKinds()
	k, err := chosen(v, "kind", names...)
	if err != nil {
		return nil, err
	}
	limit, err := limitOf(v, fewItems, mostItems)
	if err != nil {
		return nil, err
	}
	if kinds[k] == metric.Site {
		return s.siteItems(ctx, v, limit)
	}
	scope := scopeOf(ctx)
	if kinds[k] != metric.Job && !scope.Whole() {
		return nil, s.lacks(rights.From(ctx), "sees %v; of the site's parts only kind job and tenant are among that", scope)
	}
	site, err := s.liveSite(ctx, v)
	if err != nil {
		return nil, err
	}
	p, things, total, ok := s.c.Live.Things(site, live.ThingQuestion{
		Kind: kinds[k], Tenants: names[k] == "tenant", Where: where(v), Match: v.Get("match"), Limit: limit, Sees: scope.Tenant,
	}, now)
	if !ok {
		return nil, noSite(site)
	}
	a := query.Inventory{Items: make([]query.Item, 0, len(things)), Total: total, Truncated: total > len(things)}
	if kinds[k] == metric.Job {
		a.Reason = p.Reason
	}
	for i := range things {
		t := &things[i]
		a.Items = append(a.Items, query.Item{
			Kind: names[k], Name: t.Name, Site: site, Hall: t.Hall, Rack: t.Rack, Host: t.Host, GPU: t.GPU, UUID: t.UUID, Model: t.Model,
			Job: t.Job, Tenant: t.Tenant, Role: t.Role, Simulated: p.Simulated,
		})
	}
	return &a, nil
}

// siteItems are the sites there are.
func (s *Server) siteItems(ctx context.Context, v url.Values, limit int) (any, error) {
	if only := v.Get("site"); only != "" {
		if _, err := s.liveSite(ctx, v); err != nil {
			return nil, err
		}
	}
	a := query.Inventory{Items: []query.Item{}}
	for _, p := range s.presents(ctx) {
		if only := v.Get("site"); only != "" && only != p.Site || !strings.Contains(strings.ToLower(p.Site), strings.ToLower(v.Get("match"))) || (where(v) != live.Where{}) {
			continue
		}
		if a.Total++; len(a.Items) < limit {
			item := query.Item{Kind: "site", Name: p.Site, Site: p.Site, Simulated: p.Simulated}
			if s.c.Where != nil {
				if latitude, longitude, ok := s.c.Where(p.Site); ok {
					item.Latitude, item.Longitude = &latitude, &longitude
				}
			}
			a.Items = append(a.Items, item)
		}
	}
	a.Truncated = a.Total > len(a.Items)
	return &a, nil
}

// mapValues are what a map shows, in the order of live's.
func mapValues() (names, units []string) {
	return []string{"power", "temperature", "gpus_not_ok", "hosts_silent", "utilization"}, []string{"watts", "celsius", "count", "count", "ratio"}
}

func (s *Server) rackMap(ctx context.Context, v url.Values, now time.Time) (any, error) {
	names, units := mapValues()
	of, err := chosen(v, "value", names...)
	if err != nil {
		return nil, err
	}
	site, err := s.liveSite(ctx, v)
	if err != nil {
		return nil, err
	}
	p, racks, ok := s.c.Live.Map(site, live.MapValue(of), now)
	if !ok {
		return nil, noSite(site)
	}
	a := query.RackMap{
		Site: site, Simulated: p.Simulated, Of: names[of], Unit: units[of], At: secondOf(p.Second), Reason: p.Reason,
		Racks: make([]query.MapRack, 0, len(racks)), Total: len(racks), Truncated: len(racks) > mostRacks,
	}
	for i := range racks {
		r := &racks[i]
		m := query.MapRack{
			Hall: r.Hall, Rack: r.Rack, Value: r.Value, Reason: r.Reason, State: r.State, Hosts: r.Hosts, Reporting: r.Reporting, GPUs: r.GPUs, GPUsOk: r.GPUsOk,
		}
		if live.MapValue(of) == live.MapPower {
			m.Boundary = r.Boundary
		}
		a.Racks = append(a.Racks, m)
	}
	if a.Truncated {
		slices.SortFunc(a.Racks, func(x, y query.MapRack) int { return query.WorstFirst(&x, &y) })
		a.Racks = a.Racks[:mostRacks]
	}
	return &a, nil
}

func (s *Server) counts(ctx context.Context, v url.Values, now time.Time) (any, error) {
	site, err := s.liveSite(ctx, v)
	if err != nil {
		return nil, err
	}
	c, ok := s.c.Live.Counts(site, now)
	if !ok {
		return nil, noSite(site)
	}
	return &query.Counts{
		Site: site, Simulated: c.Simulated, At: secondOf(c.Second), Reason: c.Reason,
		Hosts:  query.HostCount(c.Hosts),
		GPUs:   query.GPUCount{Expected: c.GPUs.Expected, Reporting: c.GPUs.Reporting, States: c.States},
		Agents: query.AgentCounts{Known: c.Agents.Known, Silent: c.Agents.Silent, Refused: c.Agents.Refused}, Freshness: c.Behind,
	}, nil
}
