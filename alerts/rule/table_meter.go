package rule

import "time"

// meters are the instruments that energy, water and heat are counted by.
func meters() []Rule {
	const meter = "Meter {{ $labels.meter }} of {{ $labels.site }}"
	return []Rule{
		{
			Name: "MeterSilent", Severity: Warning, Owner: Facility, Level: Meter, For: 2 * minute, Hold: 5 * minute, Board: boardEnergy,
			Summary:  meter + " is silent",
			Evidence: "It does not answer, or what it says is old. The figures that rest on it are missing, not lower.",
			Do:       "Ping its gateway; see its last error on the status page of the agent that reads it.",
			Ask: either(by(Meter, `meter_state{state=~"silent|stale"} == 1`),
				by(Meter, `last_over_time(meter_energy_joules_total[6h]) unless meter_energy_joules_total`)+` unless on (site, meter) meter_state`),
		},
		{
			Name: "MeterFrozen", Severity: Warning, Owner: Facility, Level: Meter, For: 5 * minute, Hold: 10 * minute, Board: boardEnergy,
			Summary:  meter + " is frozen",
			Evidence: "It answers, and its register stands still while power flows.",
			Do:       "Read its display: if that moves, the gateway is stuck: restart it. If not, the meter is broken.",
			Ask:      by(Meter, `meter_state{state="frozen"} == 1`),
		},
		{
			Name: "MeterImplausible", Severity: Warning, Owner: Facility, Level: Meter, For: 5 * minute, Hold: 10 * minute, Board: boardEnergy,
			Summary:  meter + " says what cannot be",
			Evidence: "Beyond its rating, a register that does not fit its power, or one that jumped: it is left out of all figures until a person looks.",
			Do:       "Check its register map and scale in the site file with aggregator site -check. If the device was changed, write its installation.",
			Ask:      by(Meter, `meter_state{state=~"implausible|disagreeing|quarantined"} == 1`),
		},
		{
			Name: "ReconciliationGap", Severity: Warning, Owner: Energy, Level: Site, For: 30 * minute, Hold: hour, Board: boardEnergy,
			Summary:  "Meters of " + ofSite + " do not add up",
			Evidence: "Stages of the power tree below which more or less is metered than comes in, beyond the tolerance, over the last hours: {{ $value | humanize }}.",
			Do:       "Open the power tree on the status page: it names the stages, by how much, and where to look.",
			Ask:      per(Site, `site_reconciliation_stages{finding=~"lacking|exceeds"}`) + ` > 0`,
		},
	}
}

// cooling is what keeps boards from switching off within a minute or two.
func cooling() []Rule {
	const loop = "{{ $labels.meter }} of {{ $labels.site }}"
	return []Rule{
		{
			// 45 °C: ASHRAE TC 9.9's warmest water class in wide use, W45, and what direct-to-chip
			// boards are specified for. The site's own limit, if its file has one, goes first.
			Name: "CoolantSupplyHot", Severity: Critical, Owner: Facility, Level: Point, For: 30 * time.Second, Hold: 2 * minute, Board: boardHall, Direct: true,
			Summary:  "Coolant supply at " + loop + " is too warm",
			Evidence: "{{ $value | humanize }} °C.",
			Do:       "Look at pumps and heat rejection now. Boards slow down first and switch off next.",
			Ask: by(Point, either(`meter_temperature_celsius{role="cooling",point="supply"} > on (site) group_left () site_coolant_limit_celsius`,
				`meter_temperature_celsius{role="cooling",point="supply"} >= 45`)),
		},
		{
			Name: "CoolantSupplyRising", Severity: Warning, Owner: Facility, Level: Point, For: minute, Hold: 5 * minute, Board: boardHall,
			Summary:  "Coolant supply at " + loop + " is getting warmer fast",
			Evidence: "{{ $value | humanize }} K more than ten minutes ago.",
			Do:       "Look at pumps, valves and heat rejection before it reaches its limit.",
			Ask:      by(Point, `delta(meter_temperature_celsius{role="cooling",point="supply"}[10m]) >= 5`),
		},
		{
			Name: "CoolantLeak", Severity: Critical, Owner: Facility, Level: Meter, Hold: 5 * minute, Board: boardHall, Direct: true,
			Summary:  "Coolant leaks: " + loop + " is wet",
			Evidence: "The leak detector says so now.",
			Do:       "Send somebody to look. If it is not a false alarm, power off the racks beneath and close the loop's valves, in this order.",
			Ask:      by(Meter, `meter_leak_detected == 1`),
		},
		{
			Name: "CoolantFlowLow", Severity: Critical, Owner: Facility, Level: Meter, For: 15 * time.Second, Hold: 2 * minute, Board: boardHall, Direct: true,
			Summary:  "Coolant flow at " + loop + " is low",
			Evidence: "{{ $value | humanizePercentage }} of its mean of the hour before.",
			Do:       "Look at the pumps now: standby pump, valves, filters, leaks. Boards have a minute or two.",
			Ask:      by(Meter, `meter_flow_cubic_metres_per_second{role="cooling"} / (avg_over_time(meter_flow_cubic_metres_per_second{role="cooling"}[1h] offset 5m) > 0) <= 0.7`),
		},
	}
}
