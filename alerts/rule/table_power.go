package rule

import "time"

// power is what feeds racks and the site. What differs from site to site — ratings,
// the contract — comes from the site's file; without it these rules say nothing.
func power() []Rule {
	const (
		pdu      = `meter_power_watts{role="pdu_output"}`
		feed     = ` / on (site, hall, rack) group_left () rack_feed_rating_watts`
		drawn    = `rack_power_watts{boundary="it"}`
		contract = ` / on (site) group_left () site_grid_contract_watts`
		rating   = ` / on (site, hall, rack) group_left () rack_power_rating_watts`
		taken    = `site_grid_power_watts`
	)
	carried := by(Meter, pdu+feed)
	twoFeeds := ` and on (site, hall, rack) count by (site, hall, rack) (` + last(pdu) + `) == 2`
	// The mean of a time; for what goes on, of what is known of it.
	mean := func(over string) string { return `avg_over_time(` + taken + `[` + over + `])` }
	lately := func(over string) string { return either(mean(over), last(taken)+` unless on (site) `+mean(over)) }
	return []Rule{
		{
			// A breaker holds what it is rated for; beyond it trips, the later the less.
			Name: "RackOverFeed", Severity: Critical, Owner: Facility, Level: Meter, For: 10 * time.Second, Hold: 10 * minute, Board: boardHall, Direct: true,
			Summary:  "Feed {{ $labels.meter }} of " + ofRack + " is over its rating",
			Evidence: "It carries " + share + " of what it is rated for: its breaker will trip.",
			Do:       "Take load off the rack now: lower its GPUs' power limit, or end work on it.",
			Ask:      by(Meter, `(`+pdu+feed+`) >= 1`),
			Known:    carried,
			Still:    by(Meter, `(`+last(pdu)+feed+`) >= 0.95`),
		},
		{
			// NEC 210.20(A) and IEC practice: what lasts takes up 80 % of a breaker at most.
			Name: "RackNearFeed", Severity: Warning, Owner: Facility, Level: Meter, For: 10 * minute, Hold: 10 * minute, Board: boardHall,
			Summary:  "Feed {{ $labels.meter }} of " + ofRack + " carries more than it should for long",
			Evidence: share + " of its rating for ten minutes; what lasts should stay below 80 %.",
			Do:       "Plan less for this rack, or balance its feeds.",
			Ask:      by(Meter, `(`+pdu+feed+`) >= 0.8`),
			Known:    carried,
			Still:    by(Meter, `(`+last(pdu)+feed+`) >= 0.75`),
		},
		{
			Name: "RackFeedsNotRedundant", Severity: Warning, Owner: Facility, Level: Rack, For: 5 * minute, Hold: 10 * minute, Board: boardHall,
			Summary:  "No feed of " + ofRack + " could carry it alone",
			Evidence: "The rack draws " + share + " of what one feed is rated for: if one fails, the other trips.",
			Do:       "Lower the power limit of the rack's GPUs, or move work.",
			Ask: by(Rack, `(`+drawn+feed+`) >= 1`) +
				` and on (site, hall, rack) count by (site, hall, rack) (` + pdu + `) == 2`,
			Known: by(Rack, drawn+feed),
			Still: by(Rack, `(`+last(drawn)+feed+`) >= 0.95`) + twoFeeds,
		},
		{
			// Of feeds, not of phases: no metric has what a phase carries, so that a rack with
			// one phase near its breaker's rating, and the others idle, is not told.
			Name: "RackFeedImbalance", Severity: Warning, Owner: Facility, Level: Rack, For: 10 * minute, Hold: 10 * minute, Board: boardHall,
			Summary:  "The two feeds of " + ofRack + " carry unlike loads",
			Evidence: "They are " + share + " of their sum apart: power supplies on one side are off, or the feed is.",
			Do:       "Look at the power supplies of the rack's hosts in their BMCs, and at the weaker feed.",
			Ask: `(` + by(Rack, pdu) + ` - min by (` + labels(Rack) + `) (` + pdu + `)) / (` + per(Rack, pdu) + ` > 1000) > 0.3` +
				` and on (site, hall, rack) count by (site, hall, rack) (` + pdu + `) == 2`,
			Known: by(Rack, pdu) + ` and on (site, hall, rack) count by (site, hall, rack) (` + pdu + `) == 2`,
			Still: `(` + by(Rack, last(pdu)) + ` - min by (` + labels(Rack) + `) (` + last(pdu) + `)) / (` + per(Rack, last(pdu)) + ` > 1000) > 0.25` + twoFeeds,
		},
		{
			Name: "RackOverRating", Severity: Warning, Owner: Facility, Level: Rack, For: 5 * minute, Hold: 10 * minute, Board: boardHall,
			Summary:  theRack("draws more than it is built for", "draw more than their rack is built for"),
			Evidence: share + " of its rating: its cooling is not made for that.",
			Do:       "Look at its temperatures; lower the power limit of its GPUs.",
			Ask:      by(Rack, `(`+drawn+rating+`) >= 1`),
			Known:    by(Rack, drawn+rating),
			Still:    by(Rack, `(`+last(drawn)+rating+`) >= 0.95`),
		},
		{
			// Contracts and settlement go by the mean of a quarter of an hour.
			Name: "SiteNearContract", Severity: Warning, Owner: Facility, Level: Site, For: minute, Hold: 10 * minute, Board: boardSite,
			Summary:  ofSite + " is near what its grid contract allows",
			Evidence: "The mean of the last quarter of an hour is " + shares + " of the contract.",
			Do:       "Start no large job; get ready to lower power limits.",
			Ask:      by(Site, `(`+mean("15m")+contract+`) >= 0.9`),
			Known:    by(Site, taken+contract),
			Still:    by(Site, `((`+lately("15m")+`)`+contract+`) >= 0.87`),
		},
		{
			Name: "SiteOverContract", Severity: Critical, Owner: Facility, Level: Site, For: 30 * time.Second, Hold: 10 * minute, Board: boardSite, Direct: true,
			Summary:  ofSite + " takes more from the grid than its contract allows",
			Evidence: "The mean of the last five minutes is " + shares + " of the contract: a penalty, or the grid operator's switch.",
			Do:       "Take load off now: lower power limits of the largest jobs, or start the generators.",
			Ask:      by(Site, `(`+mean("5m")+contract+`) >= 1`),
			Known:    by(Site, taken+contract),
			Still:    by(Site, `((`+lately("5m")+`)`+contract+`) >= 0.97`),
		},
		{
			// There is no general limit of ramps; a tenth of the contract within ten seconds is
			// what connection agreements of large loads begin to ask about. Put in what yours says.
			Name: "SitePowerSwing", Severity: Warning, Owner: Facility, Level: Site, Hold: 10 * minute, Board: boardQuality,
			Summary:  "The power of " + ofSite + " swings fast",
			Evidence: "IT moved by " + share + " of the grid contract within ten seconds.",
			Do:       "See which job steps together (jobs, power by job); switch on power smoothing for it, or stagger its start.",
			Ask:      by(Site, `(max_over_time(site_power_watts{boundary="it"}[10s]) - min_over_time(site_power_watts{boundary="it"}[10s]))`+contract+` >= 0.1`),
		},
	}
}
