package web

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/query"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// fleet tells what each site drew and what all did together, real and simulated ones
// apart. A site of which nothing is known is one that the sum lacks.
func (s *Server) fleet(w http.ResponseWriter, r *http.Request) {
	if s.c.Fleet == nil {
		s.notYet(w, r)
		return
	}
	q, names, err := s.parseFleet(r.Form, time.Now())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	a := query.Fleet{From: q.from, To: q.to, Sites: []query.FleetSite{}}
	var real, simulated fleetSum
	for _, name := range visible(r.Context(), s.c.Fleet.Sites()) {
		if q.site != "" && q.site != name {
			continue
		}
		if err := overdueOrGone(r.Context()); err != nil {
			s.fail(w, r, err)
			return
		}
		x, err := s.fleetSite(name, q, names)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		of := &real
		if x.simulated = s.c.Fleet.Simulated(name); x.simulated {
			of = &simulated
		}
		of.add(x)
		a.Sites = append(a.Sites, x.shown())
	}
	if q.site != "" && len(a.Sites) == 0 {
		s.fail(w, r, refuse(query.NotFound, "no site %q", q.site))
		return
	}
	a.Real, a.Simulated = real.shown(names), simulated.shown(names)
	s.succeed(w, r, &a)
}

func (s *Server) parseFleet(v url.Values, now time.Time) (q span, names []string, err error) {
	if err := known(v, "site", "kpi", "from", "to"); err != nil {
		return q, nil, err
	}
	if q, err = parseSpan(v, now); err != nil {
		return q, nil, err
	}
	if d := q.to.Sub(q.from); d > s.l.Range {
		return q, nil, badParameter("from", "%v before to; the limit is %v", model.Duration(d), model.Duration(s.l.Range))
	}
	all := account.FleetKPINames()
	said := v.Get("kpi")
	if said == "" {
		return q, all, nil
	}
	for name := range strings.SplitSeq(said, ",") {
		name = strings.TrimSpace(name)
		switch {
		case !slices.Contains(all, name):
			return q, nil, badParameter("kpi", "%q is none that sites have together: %s", name, strings.Join(all, ", "))
		case slices.Contains(names, name):
			return q, nil, badParameter("kpi", "%s is asked for twice", name)
		}
		names = append(names, name)
	}
	return q, names, nil
}

// siteFigures are those of one site.
type siteFigures struct {
	name      string
	simulated bool
	lines     [4]account.Line // by boundary
	kpis      []account.KPI
}

func (s *Server) fleetSite(name string, q span, names []string) (x siteFigures, err error) {
	x.name = name
	if !slices.Contains(s.c.Ledger.Sites(), name) {
		for b := range x.lines {
			x.lines[b] = account.Line{From: q.from.UnixMilli(), To: q.to.UnixMilli(), Reason: unheard}
		}
		for _, n := range names {
			x.kpis = append(x.kpis, account.KPI{Name: n, From: q.from.UnixMilli(), To: q.to.UnixMilli(), Reason: unheard})
		}
		return x, nil
	}
	for b := metric.Facility; b <= metric.GPUs; b++ {
		lines, err := s.c.Ledger.Energy(account.Question{Site: name, Boundary: b, From: q.from.UnixMilli(), To: q.to.UnixMilli()})
		switch {
		case err != nil:
			return x, fmt.Errorf("read energy of %s: %w", name, asked(err))
		case len(lines) == 0:
			x.lines[b] = account.Line{From: q.from.UnixMilli(), To: q.to.UnixMilli(), Reason: unheard}
		default:
			x.lines[b] = lines[0]
		}
	}
	x.kpis, err = s.c.Ledger.KPIs(name, account.KPIQuestion{Names: names, From: q.from.UnixMilli(), To: q.to.UnixMilli()})
	if err != nil {
		return x, fmt.Errorf("read figures of %s: %w", name, asked(err))
	}
	return x, nil
}

// unheard is why nothing is known of a site.
const unheard = "nothing of the site was heard yet"

func (x *siteFigures) shown() query.FleetSite {
	out := query.FleetSite{Site: x.name, Simulated: x.simulated, Energy: map[string]query.EnergyLine{}, KPIs: []query.KPI{}}
	for b := range x.lines {
		out.Energy[metric.Boundary(b).String()] = energyLine(&x.lines[b], account.BySite)
	}
	for i := range x.kpis {
		out.KPIs = append(out.KPIs, kpiShown(&x.kpis[i]))
	}
	return out
}

// fleetSum is of sites of one sort.
type fleetSum struct {
	sites  []string
	energy [4]account.FleetEnergy
	kpis   [][]account.KPI // by site
}

func (f *fleetSum) add(x siteFigures) {
	f.sites, f.kpis = append(f.sites, x.name), append(f.kpis, x.kpis)
	for b := range f.energy {
		f.energy[b].Add(x.name, x.lines[b])
	}
}

func (f *fleetSum) shown(names []string) *query.FleetSum {
	if len(f.sites) == 0 {
		return nil
	}
	out := &query.FleetSum{Sites: len(f.sites), Energy: map[string]query.FleetEnergy{}, KPIs: []query.FleetKPI{}}
	for b := range f.energy {
		out.Energy[metric.Boundary(b).String()] = fleetEnergyShown(&f.energy[b])
	}
	for i, name := range names {
		of := make([]account.KPI, 0, len(f.sites))
		for _, ks := range f.kpis {
			of = append(of, ks[i])
		}
		k := account.NewFleetKPI(name, f.sites, of)
		out.KPIs = append(out.KPIs, query.FleetKPI{
			Name: k.Name, Unit: k.Unit, Value: finite(k.Value), Known: finite(k.Known), Reason: k.Reason, Coverage: k.Coverage, Lacking: lacksShown(k.Lacking),
		})
	}
	return out
}

func fleetEnergyShown(f *account.FleetEnergy) query.FleetEnergy {
	e := query.FleetEnergy{Known: f.Sum.String(), Parts: map[string]string{}, Final: f.Final, Lacking: lacksShown(f.Lacking)}
	for q, w := range f.Parts {
		if w != (account.Wide{}) {
			e.Parts[metric.Quality(q).String()] = w.String()
		}
	}
	if f.ExpectedMillis > 0 {
		c := float64(f.CoveredMillis) / float64(f.ExpectedMillis)
		e.Coverage = &c
	}
	if n := len(f.Lacking); n > 0 {
		e.Reason = fmt.Sprintf("not known of %d of %d sites", n, f.Sites)
		return e
	}
	kwh := math.Round(f.Sum.Float()/(metric.MillijoulesPerKWh/1000)) / 1000
	e.Millijoules, e.KWh = &e.Known, &kwh
	return e
}

func lacksShown(of []account.Lack) (out []query.Lack) {
	for _, l := range of {
		out = append(out, query.Lack(l))
	}
	return out
}
