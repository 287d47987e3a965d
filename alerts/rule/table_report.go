package rule

// report is what figures rest on, and limits of the year.
func report() []Rule {
	return []Rule{
		{
			// ISO/IEC 30134-2; what the plan is, the site's file says. In Germany EnEfG § 11 sets
			// 1.2 for new sites and 1.5, from 2030 1.3, for others, as the mean of a year.
			Name: "PUEAbovePlan", Severity: Warning, Owner: Facility, Level: Site, For: 2 * hour, Hold: hour, Board: boardEnergy,
			Summary:  "The PUE of " + ofSite + " is above plan",
			Evidence: "It is {{ printf \"%.2f\" $value }} for the day so far.",
			Do:       "Compare cooling with the day before at the same outside temperature: chillers on by hand, set-points, dirty coils.",
			Ask:      by(Site, `site_pue_ratio > on (site) group_left () site_pue_plan_ratio`),
			Known:    by(Site, `site_pue_ratio and on (site) site_pue_plan_ratio`),
			Still:    by(Site, last(`site_pue_ratio`)+` > on (site) group_left () (site_pue_plan_ratio - 0.01)`),
		},
		{
			// A figure of the year needs 99 % of it, unless the site's file says otherwise.
			Name: "CoverageLow", Severity: Warning, Owner: Energy, Level: Site, Extra: []string{"boundary"}, For: hour, Hold: hour, Board: boardReport,
			Summary:  "Too little is known of the {{ if eq $labels.boundary \"it\" }}IT{{ else }}{{ $labels.boundary }}{{ end }} energy of " + ofSite,
			Evidence: shares + " of what is expected was measured today; a year with as little cannot be reported.",
			Do:       "See on the report dashboard which meters or hosts are missing; import their readings if they were read elsewhere.",
			Ask:      by(Site, `site_coverage_ratio{boundary=~"facility|it"} < on (site) group_left () site_coverage_needed_ratio`, "boundary"),
			// Until it lacks a fifth less than it may.
			Still: by(Site, last(`site_coverage_ratio{boundary=~"facility|it"}`)+` < on (site) group_left () (0.2 + 0.8 * site_coverage_needed_ratio)`, "boundary"),
		},
		{
			// Tiers 1 to 3 are of that very hour; 4 is a mean of thirty days, 5 a yearly figure.
			Name: "CarbonFeedFallback", Severity: Warning, Owner: Energy, Level: Site, Extra: []string{"zone"}, For: 2 * hour, Hold: hour, Board: boardReport,
			Summary:  "Carbon intensity of {{ $labels.zone }} is a mean, not a measurement ({{ $labels.site }})",
			Evidence: "No provider has figures of now: tier 4 or 5 stands in. It is set right when they come.",
			Do:       "See what providers answer in the log of the collector that asks (source grid); check their keys.",
			Ask: by(Site, `grid_carbon_intensity_grams_per_kwh{tier=~"4|5|9"}`, "zone") +
				` unless on (site, zone) grid_carbon_intensity_grams_per_kwh{tier=~"1|2|3"}`,
		},
		{
			Name: "CarbonFeedMissing", Severity: Warning, Owner: Energy, Level: Site, Extra: []string{"zone"}, For: 30 * minute, Hold: hour, Board: boardReport,
			Summary:  "Carbon intensity of {{ $labels.zone }} is missing ({{ $labels.site }})",
			Evidence: "There was one within a day, and there is none now: carbon of these hours is not known.",
			Do:       "See whether the collector that asks for it runs, and what its log says of the source grid.",
			Ask:      by(Site, `last_over_time(grid_carbon_intensity_grams_per_kwh[1d])`, "zone") + ` unless on (site, zone) grid_carbon_intensity_grams_per_kwh`,
		},
		{
			Name: "YearlyLimitAtRisk", Severity: Warning, Owner: Energy, Level: Site, Extra: []string{"figure"}, For: 6 * hour, Hold: 24 * hour, Board: boardReport,
			Summary:  ofSite + " will miss its {{ $labels.figure }} limit of the year",
			Evidence: "By what was used so far and the pace of the last four weeks it will come to " + share + " of the limit.",
			Do:       "In working hours: see by how much, and since when, on the energy board.",
			Ask:      by(Site, `site_year_forecast_ratio > 1`, "figure"),
			Still:    by(Site, last(`site_year_forecast_ratio`)+` > 0.98`, "figure"),
		},
	}
}
