package rule

// places are what many hosts have in common.
//
// 30 % of a place, and five hosts at least: a dead rack is told by less than all of
// it, since hosts with two feeds may live on, and a pair of dead hosts is no rack.
func places() []Rule {
	lacking := `(` + by(Site, `site_hosts{state="expected"}`) + ` - ` + by(Site, `site_hosts{state="reporting"}`) + `)`
	// Of the others HostSilent tells, or what it is part of.
	told := `count by (` + labels(Site) + `) (ALERTS{alertname="HostSilent",alertstate=~"firing|suppressed"})`
	missing := `(` + lacking + ` - (` + told + ` or 0 * ` + lacking + `))`
	return []Rule{
		{
			Name: "RackDown", Severity: Critical, Owner: Facility, Level: Rack, Hold: hold, Board: boardHall,
			Summary:  theRack("is down", "are down"),
			Evidence: count + " of its hosts fell silent. Of them no alerts are sent.",
			Do:       "Look at the rack's PDUs and breakers, then at its switch. If PDUs show load, it is the network.",
			Judged:   &Judged{Causes: []string{SilentRack}},
			Prom:     silent(Rack, `rack_hosts`),
		},
		{
			Name: "HallDown", Severity: Critical, Owner: Facility, Level: Hall, Hold: hold, Board: boardHall,
			Summary:  theHall + " is down",
			Evidence: count + " of its hosts fell silent, in more than one rack. Of racks and hosts no alerts are sent.",
			Do:       "Look at the hall's UPS and switchboard, then at its network. If the UPS shows load, it is the network.",
			Judged:   &Judged{Causes: []string{SilentHall}},
			Prom: `(` + silent(Hall, `hall_hosts`) +
				`) and on (site, hall) count by (site, hall) (rack_hosts{state="reporting"} < ignoring (state) 0.7 * rack_hosts{state="expected"}) > 1`,
		},
		{
			Name: "SiteDown", Severity: Critical, Owner: Facility, Level: Site, Hold: hold, Board: boardFleet,
			Summary:  ofSite + " is down",
			Evidence: count + " of its hosts fell silent, in more than one hall, and some still report. Of halls, racks and hosts no alerts are sent.",
			Do:       "Look at the grid connection and at what its halls have in common: power first, then the network's core.",
			Judged:   &Judged{Causes: []string{SilentSite}},
			Prom: `((` + by(Site, `site_hosts{state="expected"}`) + ` - ` + by(Site, `max_over_time(site_hosts{state="reporting"}[10s])`) + `) >= 5) >= 0.3 * ` + by(Site, `site_hosts{state="expected"}`) +
				` and on (site) count by (site) (hall_hosts{state="reporting"} < ignoring (state) 0.7 * hall_hosts{state="expected"}) > 1` +
				` and on (site) site_hosts{state="reporting"} > 0`,
		},
		{
			// Hosts that all fall silent in one moment did not all die.
			Name: "TelemetryBlind", Severity: Critical, Owner: Platform, Level: Site, Hold: hold, Board: boardSelf,
			Summary:  "Gigawatch is blind at " + ofSite,
			Evidence: "All " + count + " hosts fell silent together: the bus or the network to it, not the hosts. No host's silence is alerted meanwhile; energy is counted on and sent later.",
			Do:       "Look at the bus (does NATS run?), at what /readyz of the aggregator says, and at the network between them.",
			Judged:   &Judged{Causes: []string{Blind}},
			Prom:     blind(),
		},
		{
			Name: "SiteHostsMissing", Severity: Warning, Owner: Platform, Level: Site, For: 15 * minute, Hold: 15 * minute, Board: boardSelf,
			Summary:  "Many hosts of " + ofSite + " do not report",
			Evidence: count + " of those that are expected, more than one in a hundred, and no other alert tells of them: never installed, or silent for more than a week.",
			Do:       "See on the status page which racks lack them. Install what is missing; take out of the site's file what is gone.",
			// At a large site some are always in repair.
			Ask:   missing + ` > 0.01 * ` + by(Site, `site_hosts{state="expected"}`),
			Still: missing + ` > 0.005 * ` + by(Site, `site_hosts{state="expected"}`),
		},
		{
			// A host that was never there falls silent for nobody.
			Name: "HostsNeverReported", Severity: Warning, Owner: Platform, Level: Site, For: 24 * hour, Hold: hour, Board: boardSelf,
			Summary:  "Hosts of " + ofSite + " have never reported",
			Evidence: count + " of those that the site's file expects, for a day.",
			Do:       "In working hours: install their collectors, or see in their logs why they do not reach the bus. Take out of the site's file what is not there.",
			Judged:   &Judged{Causes: []string{NeverReported}},
			Prom:     `(` + by(Site, `site_hosts{state="expected"}`) + ` - ` + by(Site, `site_hosts{state="known"}`) + `) > 0`,
		},
	}
}

// blind are the sites of which nothing is heard at all, with how many hosts they
// should have.
func blind() string {
	return by(Site, `site_hosts{state="expected"} > 0`) + ` unless on (site) max_over_time(site_hosts{state="reporting"}[10s]) > 0`
}

// silent is how many hosts of a place do not report, where they are 30 % of it and
// five at least, or all of a place that has fewer.
func silent(l Level, name string) string {
	expected, reporting := by(l, name+`{state="expected"}`), by(l, `max_over_time(`+name+`{state="reporting"}[10s])`)
	lacking := `(` + expected + ` - ` + reporting + `)`
	return either(
		`(`+lacking+` >= 5) >= 0.3 * `+expected,
		`(`+lacking+` > 1) == `+expected)
}
