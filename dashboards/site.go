package main

func siteNow() *board {
	return &board{
		uid: "site", person: "the operator on shift", question: "is the site well this minute, and if not, where?", since: "now-15m", refresh: "10s",
		chosen: []variable{bySite}, next: []string{"hall", "energy", "gpu-health", "power-quality", "jobs", "alerts"}, events: []string{"health", "meter"},
		rows: []row{
			{"", 5, []panel{
				{figure, 12, "Power now", "Power inside each boundary, pushed once a second.", watts, asks(live()), look{empty: "Not known now"}},
				figureToday(4, "PUE today", "Facility energy over IT energy since the site's midnight (ISO/IEC 30134-2). The thresholds are those of Germany's Energy Efficiency Act: 1.2 for new data centres, 1.3 and 1.5 for others.", ratio, "pue", pueSteps),
				{figure, 4, "Carbon now", "Carbon dioxide equivalent an hour: power from the grid now times the grid's intensity now. What is booked is on Energy and carbon.", kiloHour,
					asks(now(`sum(meter_power_watts{site="$site",role="grid_input"}) / 1e6 * on () max(grid_carbon_intensity_grams_per_kwh{site="$site",factor="lifecycle"})`, "").as("Carbon", "")), look{decimals: ptr(1.0), empty: "Not known: no grid meter, or no intensity"}},
				{figure, 4, "Grid", "Carbon dioxide equivalent of a kilowatt-hour from the grid now, over the life of what makes it; of several providers the highest.", gramsKWh,
					asks(now(`max(grid_carbon_intensity_grams_per_kwh{site="$site",factor="lifecycle"})`, "").as("Intensity", "")), look{decimals: ptr(0.0), steps: from(good, step{200, caution}, step{400, poor}), empty: "No provider of grid intensity"}},
			}},
			{"", 4, []panel{
				howMany(8, "Hosts", "Hosts that the site should have, those that were heard in the last three seconds, and those that were not.", "Hosts", "reporting", "silent"),
				howMany(8, "GPUs", "GPUs that the site should have, those that are ok, and those that are not: lost ones are blank while their neighbours are not, stale ones stand still, unreachable ones have no answer from the host engine, silent ones stand in hosts that are not heard.", "GPUs", "ok", "not ok"),
				howManyNeed(4, to("gpu-health", "", "site", here("site"))),
				howFresh(4),
			}},
			{"", 7, []panel{attention(24, needs("table", calling()...))}},
			{"", 9, []panel{
				{lines, 12, "Power, every second", "Power inside each boundary, pushed once a second from when this page was opened. Steps and swings that the ten-second series smooth away are seen here.", watts, asks(live()), look{since: "5m", empty: "Waits for the next second"}},
				powerOver(12, "Power"),
			}},
			{"Racks", 7, []panel{
				rackTiles(24, "Power by rack", "A tile a rack, the brighter the more it draws. A few racks have their names and figures on their tiles; of more than sixty the colours alone tell. A click opens the rack.", watts, "Power", racks("power"), nil),
				rackTiles(12, "Hottest GPU by rack", "Temperature of the hottest GPU of each rack. A GPU slows itself down a little above 85 °C.", celsius, "Hottest GPU", racks("temperature"), hot),
				rackTiles(12, "GPU utilisation by rack", "Mean share of time in which kernels ran. A rack that is cold and draws power all the same waits for something.", share, "GPU utilization", racks("utilization"), nil),
			}},
		},
	}
}
