package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/health"
	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
	"github.com/gigawatch/gigawatch/collector/site"
)

func TestWhoWasNeverHeardOf(t *testing.T) {
	names := func(list ...string) (hosts []site.Host) {
		for _, n := range list {
			hosts = append(hosts, site.Host{Name: n})
		}
		return hosts
	}
	s := &site.Site{Token: "fra1", TimeZone: time.UTC, Racks: []site.Rack{
		{ID: "r1", Hall: "h1", Hosts: names("a", "b", "c")},
		{ID: "r2", Hall: "h1", Hosts: names("", "", "")},
		{ID: "r3", Hosts: names("", "")},
	}}
	host := func(site, hall, rack, name string) health.Host {
		return health.Host{Site: site, Hall: hall, Rack: rack, Name: name}
	}
	for name, c := range map[string]struct {
		heard []health.Host
		want  rule.Absent
	}{
		"nobody": {nil, rule.Absent{Site: "fra1", Hosts: 8, Of: 8, Names: []string{"2 in rack r3", "3 in rack r2 (h1)", "a (h1 r1)", "b (h1 r1)", "c (h1 r1)"}}},
		"some, wherever they say they stand": {
			[]health.Host{host("fra1", "h1", "r2", "x"), host("fra1", "h9", "r9", "a"), host("fra1", "", "r3", "y"), host("fra1", "", "r3", "z"), host("par1", "h1", "r1", "b")},
			rule.Absent{Site: "fra1", Hosts: 4, Of: 8, Names: []string{"2 in rack r2 (h1)", "b (h1 r1)", "c (h1 r1)"}},
		},
		"all, and one more than its rack counts": {
			[]health.Host{
				host("fra1", "h1", "r1", "a"), host("fra1", "h1", "r1", "b"), host("fra1", "h1", "r1", "c"), host("fra1", "", "r3", "y"), host("fra1", "", "r3", "z"),
				host("fra1", "h1", "r2", "u"), host("fra1", "h1", "r2", "v"), host("fra1", "h1", "r2", "w"), host("fra1", "h1", "r2", "x"),
			},
			rule.Absent{Site: "fra1", Of: 8},
		},
	} {
		if d := cmp.Diff(c.want, absentOf(s, c.heard, time.Now())); d != "" {
			t.Errorf("%s: -want +got\n%s", name, d)
		}
	}
}
