package rule

import "time"

// cooling is what keeps boards from switching off within a minute or two.
func cooling() []Rule {
	const (
		loop    = "{{ $labels.meter }} of {{ $labels.site }}" + atPlace
		supply  = `meter_temperature_celsius{role="cooling",point="supply"}`
		anyFlow = `meter_flow_cubic_metres_per_second`
		flow    = anyFlow + `{role="cooling"}`
		leak    = `meter_leak_detected`
		least   = `meter_flow_limit_cubic_metres_per_second`
		most    = `site_coolant_limit_celsius`
		day     = `[1d:10m]`
	)
	// A limit is told once a minute by the aggregator: one that starts has not told it.
	warmer := func(than, series, usual string) string {
		return either(series+` > on (site) group_left () (`+last(most)+than+`)`, series+usual+` unless on (site) `+last(most))
	}
	// A share of the most that flowed within a day: of that, noise is left when pumps stand.
	stands := func(series, share string) string {
		return series + ` <= ` + share + ` * (max_over_time(` + flow + day + `) > 0) unless on (site, meter) ` + last(least)
	}
	counted := func(meters string) string { return `count by (` + labels(Hall) + `) (` + meters + `)` }
	return []Rule{
		{
			// 45 °C: ASHRAE TC 9.9's warmest water class in wide use, W45, and what direct-to-chip
			// boards are specified for. Where the site's file has a limit, that one alone holds.
			Name: "CoolantSupplyHot", Severity: Critical, Owner: Facility, Level: Point, For: 30 * time.Second, Hold: 2 * minute, Board: boardHall, Direct: true,
			Summary:  "Coolant supply at " + loop + " is too warm",
			Evidence: tenths + " °C: at or above the limit of the site's file, or 45 °C where it has none.",
			Do:       "Look at pumps and heat rejection now. Boards slow down first and switch off next.",
			Ask:      by(Point, warmer(``, supply, ` >= 45`)),
			Known:    by(Point, supply),
			Still:    by(Point, warmer(` - 2`, last(supply), ` >= 43`)),
		},
		{
			Name: "CoolantSupplyRising", Severity: Warning, Owner: Facility, Level: Point, For: minute, Hold: 5 * minute, Board: boardHall,
			Summary:  "Coolant supply at " + loop + " is getting warmer fast",
			Evidence: tenths + " K more than ten minutes ago.",
			Do:       "Look at pumps, valves and heat rejection before it reaches its limit.",
			Ask:      by(Point, `delta(`+supply+`[10m]) >= 5`),
			Still:    by(Point, `delta(`+supply+`[10m]) >= 3`),
		},
		{
			Name: "CoolantLeak", Severity: Critical, Owner: Facility, Level: Meter, Hold: 5 * minute, Board: boardHall, Direct: true,
			Summary:  "Coolant leaks: " + loop + " is wet",
			Evidence: "The leak detector says so, or did when it was last heard.",
			Do:       "Send somebody to look. If it is not a false alarm, power off the racks beneath and close the loop's valves, in this order.",
			Ask:      by(Meter, leak+` == 1`),
			Known:    by(Meter, leak),
			Still:    by(Meter, last(leak)+` == 1`),
		},
		{
			// Only what the site's file says of a loop (min_flow) knows when little is too little.
			// A loop of which it says nothing has failed when it stands still.
			Name: "CoolantFlowLow", Severity: Critical, Owner: Facility, Level: Meter, For: 15 * time.Second, Hold: 2 * minute, Board: boardHall, Direct: true,
			Summary:  "Coolant flow at " + loop + " is too low",
			Evidence: tenths + " m³/h: below min_flow of the site's file or, where it says none, all but standing still, and it flowed within a day.",
			Do:       "Look at the pumps now: standby pump, valves, filters, leaks. Boards have a minute or two.",
			Ask:      `3600 * ` + by(Meter, either(anyFlow+` < on (site, meter) group_left () `+last(least), stands(flow, `0.02`))),
			Known:    by(Meter, anyFlow),
			Still:    `3600 * ` + by(Meter, either(last(anyFlow)+` < on (site, meter) group_left () (1.1 * `+last(least)+`)`, stands(last(flow), `0.1`))),
		},
		{
			// Pumps that follow the load of a day go down by a third and more: half is not that.
			Name: "CoolantFlowReduced", Severity: Warning, Owner: Facility, Level: Meter, For: 2 * minute, Hold: 10 * minute, Board: boardHall,
			Summary:  "Coolant flow at " + loop + " is half of what it was",
			Evidence: "It is " + share + " of what flows in the better part of a day; the site's file does not say what it may not fall below.",
			Do:       "See whether it is meant to. If not: pumps, filters, valves. Then write min_flow of this loop into the site's file.",
			Ask: by(Meter, flow+` / (quantile_over_time(0.9, `+flow+day+`) > 0) <= 0.5`) +
				` unless on (site, meter) ` + last(least) + ` unless on (site, meter) (` + stands(flow, `0.02`) + `)`,
			Known: by(Meter, flow),
			Still: by(Meter, last(flow)+` / (quantile_over_time(0.9, `+flow+day+`) > 0) <= 0.6`) + ` unless on (site, meter) ` + last(least),
		},
		{
			// Nobody hears of a leak from a detector that nobody hears. By hall, and of a good
			// part of what it has: an agent reads many. One that is broken, or was taken out, is
			// MeterSilent. While the site is blind as a whole, that is the alert.
			Name: "CoolingBlind", Severity: Critical, Owner: Facility, Level: Hall, For: 2 * minute, Hold: 5 * minute, Board: boardHall,
			Summary:  "Cooling of " + ofSite + "{{ with $labels.hall }}, hall {{ . }},{{ end }} is not watched any more",
			Evidence: "Instruments that were heard within a day and are not now: " + count + " (leak detectors, flow, supply temperature). Nobody would be told of a leak or a dead pump there.",
			Do:       "Have somebody look at the loops until they are read again. Then the agent that reads them and its gateways.",
			Ask: counted(either(by(Meter, unheard(leak)), by(Meter, unheard(flow)), by(Meter, unheard(supply)))) +
				` >= 0.3 * ` + counted(either(by(Meter, within(leak)), by(Meter, within(flow)), by(Meter, within(supply)))) +
				` unless on (site) (` + blind() + `)`,
		},
	}
}

// within are the meters that had a value within a day.
func within(series string) string { return `max_over_time(` + series + `[1d:10m])` }

// unheard are those of them that have none now.
func unheard(series string) string {
	return by(Meter, within(series)) + ` unless on (site, meter) ` + series
}
