package main

import (
	"context"
	"strings"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/gigawatch/gigawatch/aggregator/query"
)

// places are those that a site is made of, outer to inner.
func places() []string { return []string{"hall", "rack", "host"} }

// exactly is what m and its filters say that labels are.
func (m *powerModel) exactly() map[string]string {
	is := map[string]string{}
	for i := range m.Filters {
		if v, ok := m.Filters[i].one(); ok {
			is[m.Filters[i].Key] = v
		}
	}
	for k, v := range map[string]string{"hall": m.Hall, "rack": m.Rack, "host": m.Host, "gpu": m.GPU, "job": m.Job, "tenant": m.Tenant} {
		if v != "" {
			is[k] = v
		}
	}
	return is
}

// selection is what the aggregator already narrows its answer to: of a whole large
// site it would be too long.
func (m *powerModel) selection() (p query.Selection) {
	is := m.exactly()
	switch m.By {
	case "job":
		p.Job, p.Tenant = is["job"], is["tenant"]
	case "tenant":
		p.Tenant = is["tenant"]
	case "gpu":
		if p.GPU = is["gpu"]; p.GPU == "" {
			p.GPU = is["uuid"]
		}
		fallthrough
	case "host":
		p.Host = is["host"]
		fallthrough
	case "rack":
		p.Rack = is["rack"]
		fallthrough
	case "hall":
		p.Hall = is["hall"]
	}
	return p
}

// running are the jobs or tenants of a place, where m is of one; nil where it is
// not. The ledger does not tell the energy of a job by place: it is meant with all
// that it drew, if it runs there now.
func (m *powerModel) running(ctx context.Context, a *asking, s siteOf) (there map[string]bool, notes []data.Notice, err error) {
	is := m.exactly()
	if !m.ofJobs() || is["hall"]+is["rack"]+is["host"] == "" {
		return nil, nil, nil
	}
	if a.fromAlert { // it would see no notice
		return nil, nil, wrong("the ledger does not tell the energy of %s by place: leave hall, rack and host out, or ask by=hall, by=rack or by=host", plural(m.By))
	}
	got, err := a.fleet.inventory(ctx, s.by, query.InventoryQuestion{Site: s.name, Kind: m.By, Hall: is["hall"], Rack: is["rack"], Host: is["host"], Limit: maxChoices})
	if err != nil {
		return nil, nil, err
	}
	there = map[string]bool{}
	for i := range got.Items {
		there[got.Items[i].Name] = true
	}
	var at []string
	for _, k := range places() {
		if is[k] != "" {
			at = append(at, k+" "+is[k])
		}
	}
	notes = append(notes, warning("%s: this is not what %s drew in %s, which the ledger does not tell: it is all that those drew that run there now, and those that ended are not among them", s.name, plural(m.By), strings.Join(at, ", ")))
	if got.Truncated {
		notes = append(notes, warning("%s: %d of %d %s that run there are looked at: choose a smaller place", s.name, len(got.Items), got.Total, plural(m.By)))
	}
	return there, notes, nil
}
