package main

// Panels that stand on several boards.

const nobody = "Nothing needs a person"

// calling are the states that need a person: what is watched needs nobody yet.
func calling() []string { return []string{"failed", "degraded", "unknown"} }

// howManyNeed is how many lines the list of what needs a person has.
func howManyNeed(wide uint32, links ...link) panel {
	return panel{figure, wide, "Needing a person", "Hosts and GPUs that have failed, are degraded or cannot be seen: as many as are in the list. A host is among them once it has not been heard for half a minute.", count, asks(needs("needing", calling()...)),
		look{only: "/^Count$/", sum: "sum", steps: anyIsBad, empty: "0", links: links}}
}

// attention is what needs a person, worst first as the data source has it.
// What the board is about stands in no column.
func attention(wide uint32, a ask, known ...string) panel {
	widths := map[string]int{"Site": 120, "Hall": 75, "Rack": 85, "Host": 100, "GPU": 75, "Since": 130}
	if wide == 24 {
		widths["What is seen"] = 400
	}
	return panel{list, wide, "What needs a person", "Hosts and GPUs that are not well: what is seen, since when, and what to do. The worst are first. Whoever is in charge may set a finding aside on the aggregator; then it is not here.", mixed,
		asks(a), look{
			empty: nobody, state: []string{"State"}, hide: append([]string{"Site", "Model", "UUID", "Action", "Last", "Kind", "Cause", "Findings"}, known...),
			units: map[string]string{"Since": ago}, widths: widths, wrap: []string{"What is seen", "What to do"},
			links: []link{to("host", "Host", "site", cell("site"), "hall", cell("hall"), "rack", cell("rack"), "host", cell("host")), to("gpu", "GPU", "site", cell("site"), "host", cell("host"), "gpu", cell("uuid"))},
		}}
}

// ranking is of GPUs, hosts or racks by what they say now.
func ranking(wide uint32, title, help, unit, shown string, a ask, limits steps) panel {
	l := look{bar: "value", titles: map[string]string{"value": shown}, widths: map[string]int{"Rack": 80, "Host": 90, "GPU": 60}, steps: limits, hide: []string{"Site", "Hall"}, empty: "Nothing is known now"}
	switch a.Of {
	case "gpu":
		l.hide = append(l.hide, "UUID", "Model")
		l.links = []link{to("gpu", "GPU", "site", cell("site"), "host", cell("host"), "gpu", cell("uuid")), to("host", "Host", "site", cell("site"), "hall", cell("hall"), "rack", cell("rack"), "host", cell("host"))}
	case "host":
		l.links = []link{to("host", "Host", "site", cell("site"), "hall", cell("hall"), "rack", cell("rack"), "host", cell("host"))}
	case "rack":
		l.links = []link{to("hall", "Rack", "site", cell("site"), "hall", cell("hall"), "rack", cell("rack"))}
	}
	return panel{list, wide, title, help, unit, asks(a), l}
}

// rackTiles is a tile a rack, coloured by thresholds, or where there are none by
// how great its value is among all. The data source says what stands on it: nothing
// where there are too many for words.
func rackTiles(wide uint32, title, help, unit, shown string, a ask, limits steps) panel {
	a.Words = map[uint32]int{8: 24, 12: 36, 24: 60}[wide]
	var decimals *float64
	if unit == celsius { // so that all are as long, and larger
		decimals = ptr(0.0)
	}
	return panel{tiles, wide, title, help, unit, asks(a), look{
		decimals: decimals,
		only:     exactly("Hall", "Rack", "Tile", shown), name: cell("tile"), steps: limits, heat: limits == nil, empty: "No rack says it now",
		links: []link{to("hall", "", "site", here("site"), "hall", cell("hall"), "rack", cell("rack"))},
	}}
}

// powerOver is the site's power inside each boundary.
func powerOver(wide uint32, title string) panel {
	return panel{lines, wide, title, "Power inside each boundary: the facility is all that comes in, IT what its meters feed, hosts what the nodes draw, GPUs their boards alone. A gap is time of which nothing is known.", watts,
		each(func(b string) ask { return power("site", b) }), look{}}
}

// howMany are hosts or GPUs: how many there should be, how many are as they
// should, and the others.
func howMany(wide uint32, title, help, what, well, others string) panel {
	return panel{figure, wide, title, help, count, asks(question("counts")), look{
		only: "/^" + what + " (expected|" + well + ")/", change: changes(bareState(), less(others, "expected", well)), by: map[string]steps{others: from(good, step{1, bad})}, empty: "Nothing is known now"}}
}

func howFresh(wide uint32) panel {
	return panel{figure, wide, "Freshness", "How old the newest second is that is whole. Above 30 s the aggregator says nothing of the present any more.", seconds,
		asks(question("counts")), look{only: "/^Freshness/", steps: freshness, empty: "Nothing was heard yet"}}
}

// today's figure, with the same thresholds wherever it stands.
func figureToday(wide uint32, title, help, unit, name string, s steps) panel {
	return panel{figure, wide, title, help, unit, asks(today(name).as(title, "")), look{steps: s, empty: "Not known: see the notice"}}
}

// of is a figure of the range that is chosen.
func figureOf(wide uint32, title, help, unit, name string, s steps) panel {
	return panel{figure, wide, title, help, unit, asks(kpi("value", name).as(title, "")), look{steps: s, empty: "Not known: see the notice"}}
}
