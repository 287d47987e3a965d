package main

import "fmt"

func powerQuality() *board {
	at := func(b string) string { return `site_power_watts{site="$site",boundary="` + b + `"}` }
	swing := func(of, within string) string {
		return fmt.Sprintf(`max_over_time(%s[%s]) - min_over_time(%s[%s])`, of, within, of, within)
	}
	meters := func(role string) string { return `meter_power_watts{site="$site",role="` + role + `"}` }
	apart := func(role string) string {
		m := meters(role)
		return fmt.Sprintf(`(max(%s) - min(%s)) / avg(%s)`, m, m, m)
	}
	balance := from(good, step{0.1, caution}, step{0.25, poor})
	return &board{
		uid: "power-quality", person: "the electrical engineer", question: "how hard does the load swing, and are the feeds balanced?", since: "now-1h", refresh: "30s",
		chosen: []variable{bySite}, next: []string{"hall", "energy", "site"}, events: []string{"meter"},
		rows: []row{
			{"", 5, []panel{
				{figure, 6, "Swing of IT in five minutes", "Greatest less least power of IT in the last five minutes.", watts, asks(now(swing(at("it"), "5m"), "").as("Swing", itColour)), look{empty: "Not known"}},
				{figure, 6, "Steepest ramp", "How fast the facility's power rose or fell at most in the last quarter of an hour, over thirty seconds each.", wattSec, asks(now(`max_over_time(abs(deriv(`+at("facility")+`[30s]))[15m:10s])`, "").as("Ramp", facilityColour)), look{empty: "Not known"}},
				{figure, 6, "Grid feeds apart", "Greatest less least power of the grid feeds, as a share of their mean.", share, asks(now(apart("grid_input"), "").as("Apart", "")), look{decimals: ptr(1.0), steps: balance, empty: "No grid meter"}},
				{figure, 6, "UPS modules apart", "Greatest less least power of the UPS outputs, as a share of their mean.", share, asks(now(apart("ups_output"), "").as("Apart", "")), look{decimals: ptr(1.0), steps: balance, empty: "No meter at a UPS output"}},
			}},
			{"Swings", 9, []panel{
				{lines, 12, "Power, every second", "Power inside each boundary, pushed once a second from when this page was opened. Voltage, frequency and harmonics are not measured.", watts, asks(live()), look{since: "5m", anyBase: true, empty: "Waits for the next second"}},
				{lines, 12, "Swing within a minute", "Greatest less least power within a minute. Jobs that compute and communicate in step make it large.", watts, each(func(b string) ask {
					return series(swing(at(b), "1m"), "").as(boundaryName(b), boundaryColour(b))
				}), look{empty: "Not known"}},
				{lines, 12, "Ramp", "How fast power rises or falls, over thirty seconds each. What the grid operator or the generator bears is a line of the contract.", wattSec, each(func(b string) ask {
					return series(`deriv(`+at(b)+`[30s])`, "").as(boundaryName(b), boundaryColour(b))
				}), look{anyBase: true, empty: "Not known"}},
				{lines, 12, "Swing by hall", "Greatest less least power of the hosts of each hall within a minute. Halls that swing together add up.", watts,
					asks(series(swing(`hall_power_watts{site="$site",boundary="host"}`, "1m"), "{{hall}}")), look{legend: "right", empty: "Not known"}},
				{spread, 12, "How often which power", "How often IT and the facility drew how much in the range. Two heaps are a load that jumps.", watts, asks(
					series(at("facility"), "").as("Facility", facilityColour), series(at("it"), "").as("IT", itColour)), look{empty: "Not known"}},
				{lines, 12, "Peak of a quarter hour", "Mean power of the facility over the fifteen minutes before each point. Tariffs bill quarter hours of the clock, whose peak may be a little lower.", watts, asks(series(`avg_over_time(`+at("facility")+`[15m])`, "").as("Facility", facilityColour)), look{legend: "max", empty: "Not known"}},
			}},
			{"Feeds", 9, []panel{
				{lines, 12, "Grid feeds", "Power through each meter at the grid.", watts, asks(series(meters("grid_input"), "{{meter}}")), look{empty: "No grid meter"}},
				{lines, 12, "UPS outputs", "Power through each UPS output.", watts, asks(series(meters("ups_output"), "{{meter}}")), look{legend: "right", empty: "No meter at a UPS output"}},
				{list, 12, "PDUs by power", "Power through each rack's PDU, the greatest first.", watts, asks(rows(`topk(40, ` + meters("pdu_output") + `)`)), look{
					only: exactly("Hall", "Rack", "meter", "Meter", "Value"), widths: map[string]int{"Hall": 80, "Rack": 90, "meter": 140}, bar: "Value", sort: "Power", titles: map[string]string{"Value": "Power", "meter": "Meter"}, empty: "No meter at a PDU",
					links: []link{to("hall", "Rack", "site", here("site"), "hall", cell("hall"), "rack", cell("rack"))}}},
				{list, 12, "Stages that do not add up", "Meters, racks and hosts whose power less what stands below it is out of bounds, over the range.", mixed, asks(tree([]string{"lacking", "exceeds"}, "pdu", "meter", "rack", "host")), look{
					state: []string{"Finding"}, hide: []string{"Site", "From", "To", "Gap", "Expected from", "Expected to", "Coverage", "Below it", "Not known"}, widths: map[string]int{"Stage": 90, "Above": 110, "Below": 110, "Gap in percent": 125}, empty: "All that can be held against another adds up"}},
			}},
		},
	}
}
