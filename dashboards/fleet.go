package main

func fleet() *board {
	state := func(kind, title string) panel {
		return panel{list, 12, title, "How many are in which state, by site. Failed and degraded ones need a person; unknown ones have not been heard.", count,
			asks(needs("count").ofAll().about(kind)), look{
				change: changes(matrix("Site", "State", "Count")), titles: matrixTitles(`Site\State`, "Site", "ok", "watch", "unknown", "degraded", "failed"), widths: map[string]int{"ok": 105, "watch": 105, "unknown": 105, "degraded": 105, "failed": 105}, lit: []string{"ok", "watch", "unknown", "degraded", "failed"}, by: healthSteps(),
				empty: "No site has told its health", links: []link{to("gpu-health", `Site\State`, "site", "${__value.text}")},
			}}
	}
	sum := func(b string) ask {
		return now(`sum(site_power_watts{boundary="`+b+`"})`, "").ofAll().as(boundaryName(b), boundaryColour(b))
	}
	return &board{
		uid: "fleet", person: "who answers for all sites", question: "are all sites well, and where does the power go?", since: "now-6h", refresh: "30s",
		next: []string{"site", "energy", "gpu-health", "alerts"},
		rows: []row{
			{"", 5, []panel{
				{figure, 12, "Power of all sites", "What the sites of this data source draw now, inside each boundary. A site of which it is not known is not in the sum: the table below shows which are. Of several aggregators each has its own sum.", watts, each(sum), look{empty: "No site has power that is known"}},
				{figure, 6, "GPUs reporting", "Share of the GPUs that the sites should have that report and are ok.", share,
					asks(now(down(10000, `sum(site_gpus{state="reporting"}) / sum(site_gpus{state="expected"})`), "").ofAll().as("GPUs reporting", "")), look{steps: coverage, decimals: ptr(2.0), empty: "No GPU is known"}},
				{figure, 6, "Hosts reporting", "Share of the hosts that the sites should have that report.", share,
					asks(now(down(10000, `sum(site_hosts{state="reporting"}) / sum(site_hosts{state="expected"})`), "").ofAll().as("Hosts reporting", "")), look{steps: coverage, decimals: ptr(2.0), empty: "No host is known"}},
			}},
			{"Sites", 9, []panel{
				{world, 11, "Where the sites are", "A marker a site, where its file says that it stands: the larger the more its facility draws, coloured by the share of its GPUs that are ok. A site without coordinates is in the table beside it alone, and a notice says which. The land comes from the tile server that Grafana is set to; where there is none, the markers stand on nothing.", share, asks(everySite()),
					look{steps: coverage, decimals: ptr(2.0), empty: "No site says where it is", links: []link{to("site", "site", "site", cell("site"))}}},
				{list, 13, "All sites", "What each site draws now, and how many of its hosts and GPUs report. A click opens the site.", mixed, asks(everySite()), look{
					hide: []string{"Latitude", "Longitude"}, units: map[string]string{"Power of the facility": watts, "Share of GPUs ok": share, "Freshness": seconds},
					titles: map[string]string{"Power of the facility": "Power", "Hosts expected": "Hosts", "Hosts reporting": "Reporting", "GPUs expected": "GPUs", "GPUs ok": "Ok", "Share of GPUs ok": "Share ok"},
					by:     map[string]steps{"Share of GPUs ok": coverage, "Freshness": freshness}, lit: []string{"Share of GPUs ok", "Freshness"}, sort: "Power",
					widths: map[string]int{"Site": 120, "Power of the facility": 90, "Hosts expected": 80, "Hosts reporting": 95, "GPUs expected": 85, "GPUs ok": 85, "Share of GPUs ok": 90, "Freshness": 95}, empty: "No site has spoken", links: []link{to("site", "Site", "site", cell("site"))},
				}},
			}},
			{"", 6, []panel{
				{list, 24, "Figures of today", "Figures of each site since its midnight. What is empty is not known; the site's own board says why.", ratio,
					asks(func() ask {
						a := kpi("table", "pue", "wue", "cue", "erf", "ref", "carbon_location").ofAll()
						a.Period = "today"
						return a
					}()), look{
						change: changes(matrix("Site", "Figure", "Value")), titles: matrixTitles(`Site\Figure`, "Site", "PUE", "WUE", "CUE", "ERF", "REF", "Carbon, location-based"), widths: map[string]int{`Site\Figure`: 220},
						units: map[string]string{"WUE": litreKWh, "CUE": kiloKWh, "ERF": share, "REF": share, "Carbon, location-based": tonnes}, steps: pueSteps, lit: []string{"PUE"}, decimals: ptr(2.0),
						empty: "No site has figures of today", links: []link{to("energy", `Site\Figure`, "site", "${__value.text}")},
					}},
				state("gpu", "GPUs by state"), state("host", "Hosts by state"),
			}},
			{"", 9, []panel{
				{lines, 24, "Power by site over time", "What each site's facility draws.", watts, asks(power("site", "facility").ofAll()), look{stacked: true, empty: "No site has facility meters"}},
			}},
			{"", 9, []panel{
				{list, 24, "What needs a person, at all sites", "Hosts and GPUs that have failed, are degraded or cannot be seen, of all sites, the worst first.", mixed, asks(needs("table", calling()...).ofAll().most(200)), look{
					empty: nobody, state: []string{"State"}, hide: []string{"Model", "UUID", "Action", "Last", "Kind", "Cause", "Findings"},
					units: map[string]string{"Since": ago}, widths: map[string]int{"Site": 130, "Hall": 75, "Rack": 85, "Host": 100, "GPU": 75, "Since": 130, "What is seen": 350}, wrap: []string{"What is seen", "What to do"},
					links: []link{to("site", "Site", "site", cell("site")), to("host", "Host", "site", cell("site"), "hall", cell("hall"), "rack", cell("rack"), "host", cell("host")), to("gpu", "GPU", "site", cell("site"), "host", cell("host"), "gpu", cell("uuid"))},
				}},
			}},
		},
	}
}

// everySite is a row a site.
func everySite() ask {
	a := question("counts").ofAll()
	a.Shape = "table"
	return a
}

// matrixTitles call each column of a matrix by its own name: the values' field
// would give them all one.
func matrixTitles(first, title string, columns ...string) map[string]string {
	out := map[string]string{first: title}
	if first == "" {
		out = map[string]string{}
	}
	for _, c := range columns {
		out[c] = c
	}
	return out
}
