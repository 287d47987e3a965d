package main

func reportReadiness() *board {
	monthly := kpi("series", "pue").as("PUE", facilityColour).by("month")
	return &board{
		uid: "report", person: "who signs the yearly report", question: "how far has the report come, and what is to be done before I sign it?", since: "now/y", refresh: "15m",
		chosen: []variable{bySite}, next: []string{"energy", "power-quality"}, events: []string{"restatement"},
		rows: []row{
			{"", 6, []panel{
				{list, 14, "How far the reports have come", "The report on each year: draft, validated, locked, approved, submitted; a correction begins a new version. It is what the aggregator's page of reports says, where the steps are taken.", mixed,
					asks(reportOf("steps")), look{hide: []string{"Site"}, widths: map[string]int{"Year": 60, "Version": 80, "The year": 85, "Due": 100, "Last step": 170, "When": 150}, wrap: []string{"Last step", "What to know"}, state: []string{"Status"}, empty: "The ledger has no year of this site"}},
				{figure, 10, "Before it can be signed", "Of the report on the year that the range ends in: rules that it breaks and that must be mended, those that a comment in the site file settles, and how many of its figures are ready.", count,
					asks(reportOf("open")), look{by: map[string]steps{"To mend": anyIsBad, "To comment on": anyIsPoor}, empty: "Not known"}},
			}},
			{"", 9, []panel{
				{list, 24, "What is to be done", "Rules that the report breaks, the worst first, and how to mend each. What is to be mended hinders its validation; what is to be commented on does until the site file says why it is so.", mixed,
					asks(reportOf("issues")), look{hide: []string{"Site", "Year", "Rule"}, widths: map[string]int{"Status": 125, "Code": 190, "Figure": 200, "Comment": 160}, wrap: []string{"Figure", "What is wrong", "How to mend it", "Comment"}, state: []string{"Status"}, empty: nothingOpen}},
			}},
			{"", 9, []panel{
				{list, 24, "The year's figures", "Each figure that the law asks for, as it stands in the report on the year that the range ends in: whether it is ready, how it is known, on how much of what was expected it rests, and what it lacks.", mixed,
					asks(reportOf("figures")), look{hide: []string{"Site", "Year"}, widths: map[string]int{"Point": 70, "Figure": 330, "Status": 125, "Value": 190, "Known": 100, "Coverage": 105}, tenths: shares(), wrap: []string{"Figure", "Value", "What it lacks"}, state: []string{"Status"}, steps: coverage, lit: []string{"Coverage"}, empty: "The record has no figures"}},
			}},
			{"What they rest on", 8, []panel{
				{lines, 8, "Coverage of each day", "Share of what was expected inside each boundary that the energy of the day so far rests on.", share, each(coverageOf), look{steps: coverage, anyBase: true, empty: "Not known yet"}},
				{columns, 8, "PUE by month", "The PUE of each month by itself.", ratio, asks(monthly), look{anyBase: true, steps: pueSteps, decimals: ptr(3.0), legend: "none", empty: "Not known: no facility meter, or no IT meter"}},
				{list, 8, "Corrections", "Readings that were taken in later: figures before and after may differ.", mixed, asks(happened("restatement")), look{hide: []string{"End", "Tags", "What"}, widths: map[string]int{"time": 165}, titles: map[string]string{"time": "Time"}, wrap: []string{"Text"}, sort: "Time", empty: "Nothing was corrected in the range"}},
			}},
			{"", 9, []panel{
				{list, 24, "Figures of the range", "Each figure with its method, the category of its IT meters, what of it is measured, and remarks.", mixed, asks(kpi("table", "pue", "wue", "wue_freshwater", "cue", "cue_market", "erf", "ref", "cfe", "carbon_location", "carbon_market", "carbon_hourly", "cost")), look{hide: []string{"Site", "From", "To"}, widths: remarkWidths(), tenths: shares(), wrap: []string{"Remarks", "Why not", "Method"}, steps: coverage, lit: []string{"Coverage", "Measured"}, empty: "Not known"}},
				{list, 24, "Power tree", "What each stage shows less what stands below it. Who checks the report asks for this.", mixed, asks(tree(nil, "facility", "ups", "pdu", "meter")), look{hide: []string{"Site", "From", "To"}, widths: stageWidths(), state: []string{"Finding"}, empty: "No stage can be held against another"}},
			}},
			{"Meters", 8, []panel{meterStates(12), meterAges(12)}},
		},
	}
}

// nothingOpen is said of a report that breaks no rule.
const nothingOpen = "Nothing is to be done"

// reportOf is what the aggregator says of its report, in a shape.
func reportOf(shape string) ask {
	a := question("report_status")
	a.Shape = shape
	return a
}

// figureWidths and stageWidths are of columns that need no more.
func figureWidths() map[string]int {
	return map[string]int{"Figure": 190, "Value": 90, "Unit": 80, "IT metered at": 130, "Coverage": 105, "Coverage needed": 165, "Measured": 110}
}

// remarkWidths leave most of the room to the method.
func remarkWidths() map[string]int {
	w := figureWidths()
	w["Remarks"], w["Why not"] = 170, 170
	return w
}

func shares() []string { return []string{"Coverage", "Coverage needed", "Measured"} }

func stageWidths() map[string]int {
	return map[string]int{"Stage": 100, "Name": 130, "Above": 110, "Below": 110, "Gap": 110, "Gap in percent": 140, "Expected from": 135, "Expected to": 120, "Coverage": 105, "Below it": 95}
}

// coverageOf is how much is known inside a boundary, in whole tenths of a percent.
func coverageOf(b string) ask {
	return series(down(1000, `site_coverage_ratio{site="$site",boundary="`+b+`"}`), "").as(boundaryName(b), boundaryColour(b))
}

// meterStates are meters that are not well now.
func meterStates(wide uint32) panel {
	return panel{list, wide, "Meters that are not well", "Meters that are silent, stale, frozen, implausible or quarantined now, or whose register and power disagree. What they missed is missing in the books.", count,
		asks(rows(`meter_state{site="$site",state!="ok"} == 1`)), look{hide: []string{"Site", "Hall", "Rack", "Value", "simulated"}, titles: map[string]string{"state": "State", "meter": "Meter", "role": "Role"}, steps: anyIsPoor, empty: "All meters are well"}}
}

func meterAges(wide uint32) panel {
	return panel{list, wide, "Oldest readings", "How old the newest of what each meter said is, by its own clock where it has one.", seconds,
		asks(rows(`topk(20, meter_reading_age_seconds{site="$site"})`)), look{hide: []string{"Site", "Hall", "Rack", "simulated"}, widths: map[string]int{"meter": 130, "role": 150}, bar: "Value", sort: "Age", titles: map[string]string{"Value": "Age", "meter": "Meter", "role": "Role"}, steps: from(good, step{60, caution}, step{300, poor}, step{3600, bad}), empty: "No meter has told its age"}}
}
