package main

func energyAndCarbon() *board {
	// What the rest of the calendar year has, in seconds, UTC.
	const rest = `((366 - (year() % 4 > bool 0) - day_of_year()) * 86400 + 86400 - hour() * 3600 - minute() * 60)`
	// What the facility drew on average in the last week, and what that emitted.
	const drawn = `avg_over_time(site_power_watts{site="$site",boundary="facility"}[7d])`
	const emitted = `(sum(avg_over_time(meter_power_watts{site="$site",role="grid_input"}[7d])) * on () max(avg_over_time(grid_carbon_intensity_grams_per_kwh{site="$site",factor="lifecycle"}[7d])))`
	role := func(name, title, colour string) ask {
		return mean(`sum(meter_power_watts{site="$site",role="`+name+`"})`, "").as(title, colour)
	}
	figure3 := func(title, help, unit, name string, s steps) panel { return figureOf(4, title, help, unit, name, s) }
	return &board{
		uid: "energy", person: "the energy manager", question: "how much energy, carbon and money did the site need, how well is that known, and where will the year end?", since: "now-7d", refresh: "5m",
		chosen: []variable{bySite}, next: []string{"report", "jobs", "power-quality", "site"}, events: []string{"restatement"},
		rows: []row{
			{"The range that is chosen", 5, []panel{
				{figure, 12, "Energy", "Energy inside each boundary as the ledger has booked it, corrections included. The range is widened to whole hours.", wattHour,
					each(func(b string) ask { return energy("site", b, "total") }), look{decimals: ptr(2.0), empty: "Nothing is booked"}},
				figure3("Cost", "Energy from the grid by its tariff: energy, grid fee, capacity, tax and carbon emitted on site, without value added tax.", euros, "cost", quiet()),
				figure3("Carbon, location", "GHG Protocol scope 2, location-based: grid energy times its intensity, minute by minute.", tonnes, "carbon_location", quiet()),
				figure3("Carbon, market", "GHG Protocol scope 2, market-based: contracted energy by its factor, the rest by the supplier's or the residual mix.", tonnes, "carbon_market", quiet()),
			}},
			{"", 4, []panel{
				figure3("PUE", "Facility energy over IT energy (ISO/IEC 30134-2); the category, where IT energy is metered, stands in the table below.", ratio, "pue", pueSteps),
				figure3("WUE", "Water over IT energy (ISO/IEC 30134-9).", litreKWh, "wue", quiet()),
				figure3("CUE", "Carbon over IT energy, location-based (ISO/IEC 30134-8).", kiloKWh, "cue", quiet()),
				figure3("ERF", "Share of the facility's energy handed over as heat for reuse (ISO/IEC 30134-6).", share, "erf", quiet()),
				figure3("REF", "Share of renewable energy by guarantees, contracts and own generation (ISO/IEC 30134-3).", share, "ref", quiet()),
				figure3("Carbon-free share", "Share of the facility's energy that was matched hour by hour with carbon-free energy.", share, "cfe", quiet()),
			}},
			{"Over time", 9, []panel{
				{columns, 12, "Energy by interval", "Energy inside each boundary, as booked, by whole hours or longer.", wattHour, each(func(b string) ask { return energy("site", b, "series") }), look{points: 90, legend: "sum", empty: "Nothing is booked"}},
				{columns, 12, "Carbon by interval", "Carbon dioxide equivalent of each interval, by both methods.", tonnes, asks(kpi("series", "carbon_location").as("Location-based", gridColour), kpi("series", "carbon_market").as("Market-based", sunColour)), look{points: 90, legend: "sum", empty: "Not known: no grid meter, or no intensity"}},
				{lines, 12, "PUE by interval", "The PUE of each interval by itself. In the cold it is lower than in the heat.", ratio, asks(kpi("series", "pue").as("PUE", facilityColour)), look{points: 200, steps: pueSteps, limits: true, anyBase: true, decimals: ptr(3.0), empty: "Not known: no facility meter, or no IT meter"}},
				{lines, 12, "Grid intensity", "Carbon dioxide equivalent of a kilowatt-hour from the grid: over the life of what makes it, and direct emissions alone.", gramsKWh,
					asks(series(`grid_carbon_intensity_grams_per_kwh{site="$site"}`, "{{factor}} {{zone}} {{provider}}")), look{empty: "No provider of grid intensity"}},
			}},
			{"Balance", 9, []panel{
				{lines, 12, "Where power comes from", "Power by what delivers it. Export is what leaves the site again and is no part of the facility.", watts, asks(
					role("grid_input", "Grid", gridColour), role("onsite_generation", "Own generation", sunColour),
					role("generator_output", "Generators", fuelColour), role("export", "Export", plain)), look{empty: "No facility meter"}},
				{lines, 12, "Where power goes", "Power by use, as its meters tell: IT at the UPS, cooling, what distribution loses, lighting.", watts, asks(
					role("ups_output", "UPS output", itColour), role("cooling", "Cooling", coldColour),
					role("distribution", "Distribution", fuelColour), role("lighting", "Lighting", sunColour)), look{stacked: true, empty: "No meters of use"}},
				{lines, 12, "Water", "Water that flows in, as its meters count it.", waterRun, asks(series(`sum by (role) (rate(meter_water_cubic_metres_total{site="$site"}[10m])) * 3600`, "{{role}}")), look{titles: map[string]string{"water_total": "All water", "water_potable": "Potable water"}, empty: "No water meter"}},
				{lines, 12, "Price", "Day-ahead price of the bidding zone; it may be negative.", euroMWh, asks(series(`grid_price_eur_per_mwh{site="$site"}`, "{{zone}} {{provider}}")), look{anyBase: true, empty: "No provider of prices"}},
			}},
			{"How well it is known", 9, []panel{
				{list, 24, "What the figures rest on", "Each figure of the range with the share of time it rests on, the share that is needed to report it, what of it is measured, and what to know of it.", mixed,
					asks(kpi("table", "pue", "wue", "cue", "erf", "ref", "cfe", "carbon_location", "carbon_market", "cost")), look{
						hide: []string{"Site", "From", "To", "Method"}, widths: figureWidths(), tenths: shares(), wrap: []string{"Remarks", "Why not"}, steps: coverage, lit: []string{"Coverage", "Measured"}, empty: "Not known"}},
				{list, 24, "Power tree", "What each stage shows less what stands below it. A gap outside its bounds is energy that nobody can account for, or a meter that lies. Racks and hosts are on the power-quality board.", mixed,
					asks(tree(nil, "facility", "ups", "pdu", "hosts", "gpus")), look{state: []string{"Finding"}, hide: []string{"Site", "From", "To"}, widths: stageWidths(), empty: "No stage can be held against another"}},
			}},
			{"To the end of the year", 5, []panel{
				{figure, 12, "Energy of the calendar year", "Booked so far, what is to come if the facility goes on as it did on average in the last seven days, and both. Where that average is not known, neither is the end of the year. UTC. A ledger that began within the year knows only its part.", wattHour, asks(
					energy("site", "facility", "total").as("", ""),
					now(drawn+` / 3600 * on () `+rest, "To come"), unknownEnd(drawn)), look{
					since: "now/y", decimals: ptr(2.0), empty: "Not known", titles: map[string]string{"energy": "So far"},
					change: changes(change("concatenate", map[string]any{"frameNameMode": "drop"}), sum("So far and to come", "facility", "To come")),
				}},
				{figure, 12, "Carbon of the calendar year", "Booked so far, location-based; to come: power from the grid and its intensity as they were on average in the last seven days. Where one of them is not known, neither is the end of the year.", tonnes, asks(
					kpi("value", "carbon_location"),
					now(emitted+` / 3.6e6 / 1e6 * on () `+rest, "To come"), unknownEnd(emitted)), look{
					since: "now/y", decimals: ptr(1.0), empty: "Not known", titles: map[string]string{"carbon_location": "So far"},
					change: changes(change("concatenate", map[string]any{"frameNameMode": "drop"}), sum("So far and to come", "Carbon, location-based", "To come")),
				}},
			}},
		},
	}
}

// unknownEnd answers only where expr is not known: with nothing, under a name that
// says what that leaves open.
func unknownEnd(expr string) ask { return now("absent("+expr+") * NaN", "To come, and in all") }
