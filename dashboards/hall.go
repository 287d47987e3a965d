package main

func hallAndRack() *board {
	where := `site="$site",hall="$hall"`
	rack := where + `,rack="$rack"`
	return &board{
		uid: "hall", person: "the technician of a hall", question: "which rack stands out, and which host in it?", since: "now-1h", refresh: "30s",
		chosen: []variable{bySite, byHall, byRack}, next: []string{"host", "power-quality", "gpu-health"}, events: []string{"health", "meter"},
		rows: []row{
			{"Hall $hall", 9, []panel{
				{lines, 8, "Power of the hall", "Power inside each boundary that the hall has. IT is known while all of its PDU meters answer.", watts, asks(
					power("hall", "it").in("hall").as("IT", itColour), power("hall", "host").in("hall").as("Hosts", hostColour), power("hall", "gpu").in("hall").as("GPUs", gpuColour)), look{empty: "Nothing is known of the hall"}},
				rackTiles(8, "Power by rack", "A tile a rack, the brighter the more it draws among those of the hall. A click chooses the rack.", watts, "Power", racks("power").in("hall"), nil),
				rackTiles(8, "Hottest GPU by rack", "Temperature of the hottest GPU of each rack of the hall.", celsius, "Hottest GPU", racks("temperature").in("hall"), hot),
			}},
			{"", 9, []panel{
				{lines, 12, "Power by rack over time", "Power of the hosts of each rack of the hall. Racks that swing together run one job.", watts, asks(power("rack", "host").in("hall")), look{name: label("rack"), legend: "right", empty: "No host of the hall says its power"}},
				{lines, 12, "Hottest GPU by rack over time", "Temperature of the hottest GPU of each rack of the hall: the highest of the time up to each point.", celsius,
					asks(series(`max_over_time(rack_gpu_temperature_celsius_max{`+where+`}[$__interval])`, "{{rack}}")), look{legend: "right", anyBase: true, empty: "No GPU says its temperature"}},
			}},
			{"", 9, []panel{
				rackTiles(8, "GPUs not ok by rack", "How many GPUs of each rack are lost, blank, stale or unreachable now.", count, "GPUs not ok", racks("gpus_not_ok").in("hall"), anyIsPoor),
				rackTiles(8, "Silent hosts by rack", "How many hosts of each rack were not heard in the last three seconds.", count, "Hosts silent", racks("hosts_silent").in("hall"), anyIsBad),
				rackTiles(8, "GPU utilisation by rack", "Mean share of time in which kernels ran.", share, "GPU utilization", racks("utilization").in("hall"), nil),
			}},
			{"Rack $rack", 9, []panel{
				{lines, 12, "Power of the rack", "Power inside each boundary that the rack has.", watts, asks(
					power("rack", "it").in("hall", "rack").as("IT", itColour), power("rack", "host").in("hall", "rack").as("Hosts", hostColour), power("rack", "gpu").in("hall", "rack").as("GPUs", gpuColour)), look{empty: "Nothing is known of the rack"}},
				{lines, 12, "Power by host", "Power of each host of the rack, as its BMC tells it, or the best source that there is.", watts, asks(power("host", "host").in("hall", "rack").most(80)), look{
					legend: "right", empty: "No host of the rack says its power", links: []link{to("host", "", "site", here("site"), "hall", here("hall"), "rack", here("rack"), "host", label("host"))}}},
			}},
			{"", 9, []panel{
				ranking(8, "Hosts by power", "Hosts of the rack, the hungriest first, now.", watts, "Power", top("host", "host_power_watts", 40).in("hall", "rack"), nil),
				ranking(8, "GPUs by temperature", "GPUs of the rack, the hottest first, now.", celsius, "Temperature", top("gpu", "gpu_temperature_celsius", 40).in("hall", "rack"), hot),
				ranking(8, "GPUs by power", "GPUs of the rack, the hungriest first, now.", watts, "Power", top("gpu", "gpu_power_watts", 40).in("hall", "rack"), nil),
			}},
			{"", 8, []panel{
				{lines, 8, "Meters of the rack", "Power through each meter of the rack, as it tells it itself.", watts, asks(mean(`meter_power_watts{`+rack+`}`, "{{meter}}")), look{empty: "No meter stands in this rack"}},
				attention(16, needs("table").in("hall", "rack"), "Hall", "Rack"),
			}},
		},
	}
}
