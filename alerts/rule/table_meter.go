package rule

// meters are the instruments that energy, water and heat are counted by.
func meters() []Rule {
	const meter = "Meter {{ $labels.meter }} of {{ $labels.site }}" + atPlace
	// A state that was is seen for as long as a query looks back where nobody ended it.
	mute := by(Meter, `meter_state{state=~"silent|stale"} == 1`) + ` unless on (site, meter) meter_state{state="ok"} == 1`
	unread := unheard(`meter_state`)
	manyUnread := `count by (` + labels(Site) + `) (` + unread + `) >= 5`
	state := func(states string) (ask, known, still string) {
		is := `meter_state{state=~"` + states + `"}`
		return by(Meter, is+` == 1`), by(Meter, `meter_state`), by(Meter, last(is)+` == 1`) + ` unless on (site, meter) meter_state`
	}
	frozen, known, stillFrozen := state("frozen")
	odd, _, stillOdd := state("implausible|disagreeing|quarantined")
	return []Rule{
		{
			// Of one meter. Where many are read by nobody, their agent is the cause: MetersNotRead.
			Name: "MeterSilent", Severity: Warning, Owner: Facility, Level: Meter, For: 2 * minute, Hold: 5 * minute, Board: boardEnergy,
			Summary:  meter + " is silent",
			Evidence: "It does not answer, or what it says is old, or nobody reads it any more. The figures that rest on it are missing, not lower.",
			Do:       "Ping its gateway; see its last error in the log of the collector that reads it (source meter).",
			Ask:      either(mute, `(`+unread+`) unless on (site) (`+manyUnread+`)`),
			Still:    either(mute, unread),
		},
		{
			Name: "MetersNotRead", Severity: Warning, Owner: Facility, Level: Site, For: minute, Hold: 5 * minute, Board: boardEnergy,
			Summary:  "Many meters of " + ofSite + " are not read any more",
			Evidence: count + " were read within a day and by nobody now: an agent that reads meters is down, or its site file lost them. Of single ones no alerts are sent.",
			Do:       "See which agent reads them (read: in the site file), and whether it runs and what it logs.",
			Ask:      manyUnread,
			Still:    `count by (` + labels(Site) + `) (` + unread + `)`,
		},
		{
			Name: "MeterFrozen", Severity: Warning, Owner: Facility, Level: Meter, For: 5 * minute, Hold: 10 * minute, Board: boardEnergy,
			Summary:  meter + " is frozen",
			Evidence: "It answers, and its register stands still while power flows.",
			Do:       "Read its display: if that moves, the gateway is stuck: restart it. If not, the meter is broken.",
			Ask:      frozen,
			Known:    known,
			Still:    stillFrozen,
		},
		{
			Name: "MeterImplausible", Severity: Warning, Owner: Facility, Level: Meter, For: 5 * minute, Hold: 10 * minute, Board: boardEnergy,
			Summary:  meter + " says what cannot be",
			Evidence: "Beyond its rating, a register that does not fit its power, or one that jumped: it is left out of all figures until a person looks.",
			Do:       "Check its register map and scale in the site file with aggregator site -check -file FILE. If the device was changed, write its installation.",
			Ask:      odd,
			Known:    known,
			Still:    stillOdd,
		},
		{
			Name: "ReconciliationGap", Severity: Warning, Owner: Energy, Level: Site, For: 30 * minute, Hold: hour, Board: boardEnergy,
			Summary:  "Meters of " + ofSite + " do not add up",
			Evidence: "Stages of the power tree below which more or less is metered than comes in, beyond the tolerance, over the last hours: " + count + ".",
			Do:       "Open the power tree on the status page: it names the stages, by how much, and where to look.",
			Ask:      per(Site, `site_reconciliation_stages{finding=~"lacking|exceeds"}`) + ` > 0`,
		},
	}
}
