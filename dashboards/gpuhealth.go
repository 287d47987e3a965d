package main

import "strings"

func gpuHealth() *board {
	const s = `site="$site"`
	flag := func(title, help, metric, shown string) panel {
		p := ranking(8, title, help, count, shown, top("gpu", metric, 50), anyIsPoor)
		p.look.empty = "None"
		p.look.change = changes(change("renameByRegex", map[string]any{"regex": `/^(?!(Site|Hall|Rack|Host|GPU|UUID|Model)$).*$/`, "renamePattern": shown}), change("filterByValue", map[string]any{
			"type": "include", "match": "any",
			"filters": []any{map[string]any{"fieldName": shown, "config": map[string]any{"id": "greater", "options": map[string]any{"value": 0}}}},
		}))
		return p
	}
	judged := func(kind, title, help string) panel {
		return panel{figure, 8, title, help, count, asks(needs("count").about(kind)), look{
			change: changes(matrix("Kind", "State", "Count")), titles: matrixTitles("", "", "ok", "watch", "unknown", "degraded", "failed"), by: healthSteps(), empty: "Nothing was judged yet"}}
	}
	return &board{
		uid: "gpu-health", person: "who keeps the GPUs alive", question: "which boards are failing, of what, and is it getting worse?", since: "now-24h", refresh: "1m",
		chosen: []variable{bySite}, next: []string{"gpu", "host", "hall", "alerts"}, events: []string{"health"},
		rows: []row{
			{"", 5, []panel{
				judged("gpu", "GPUs by health", "GPUs by the state that their evidence puts them in."),
				judged("host", "Hosts by health", "Hosts by the state that their evidence puts them in."),
				{figure, 8, "GPUs that are not ok", "How many are what now: lost ones are blank while their neighbours are not, stale ones stand still, unreachable ones have no answer from the host engine, silent ones stand in hosts that are not heard.", count, asks(question("counts")), look{
					only: "/^GPUs (lost|blank|stale|silent|unreachable)/", change: changes(bareState()), by: map[string]steps{"lost": from(plain, step{1, bad}), "blank": from(plain, step{1, poor}), "stale": from(plain, step{1, poor}), "silent": from(plain, step{1, unknown}), "unreachable": from(plain, step{1, unknown})}, empty: "Nothing is known now"}},
			}},
			{"", 9, []panel{attention(24, needs("table"))}},
			{"By cause", 9, []panel{
				{list, 8, "How many of each cause", "What the evidence is, of hosts and GPUs together, and of how many: XIDs by code, memory errors, lost boards, links, heat.", count, asks(needs("table")), look{
					change: changes(counted("Cause")), titles: map[string]string{"Kind (count)": "How many"}, bar: "Kind (count)", steps: anyIsPoor, sort: "How many", empty: nobody}},
				{columns, 8, "XIDs by code", "Errors that the driver reported, by code, as they were seen here.", count, asks(series(xids("hall_gpu_xid_events_total", s), "XID {{xid}}")), look{stacked: true, points: 90, legend: "sum", steps: anyIsBad, empty: "No XID was seen"}},
				{lines, 8, "Boards that are not ok", "How many GPUs are lost, blank, stale or unreachable.", count, asks(series(`count by (state) (gpu_state{`+s+`,state=~"`+notOk()+`"} == 1)`, "{{state}}")), look{stacked: true, steps: anyIsPoor, empty: "All are ok"}},
			}},
			{"", 8, []panel{
				{lines, 12, "GPUs expected and reporting", "GPUs that the site should have, and those that report and are ok.", count, asks(
					series(`site_gpus{`+s+`,state="expected"}`, "").as("Expected", plain), series(`site_gpus{`+s+`,state="reporting"}`, "").as("Reporting", gpuColour)), look{anyBase: true, empty: "No GPU is known"}},
				{lines, 12, "Hottest GPU", "Temperature of the hottest GPU of the site, and of each hall.", celsius, asks(
					series(`max(hall_gpu_temperature_celsius_max{`+s+`})`, "").as("Hottest", plain), series(`hall_gpu_temperature_celsius_max{`+s+`}`, "{{hall}}")), look{steps: hot, anyBase: true, legend: "right", empty: "No GPU says its temperature"}},
			}},
			{"Boards that wait for something", 6, []panel{
				flag("Rows that wait for a reset", "GPUs with a row remapping that waits for a reset: drain them and reset.", "gpu_row_remap_pending", "Waits"),
				flag("Remappings that failed", "GPUs whose row remapping has failed: they are to be replaced.", "gpu_row_remap_failed", "Failed"),
				flag("What the driver asks for", "GPUs of which the driver asks something: 1 a reset, 2 a reboot, 3 to drain peer-to-peer, 4 to drain and reset.", "gpu_recovery_action", "Action"),
			}},
			{"Heat", 9, []panel{
				ranking(8, "Hottest GPUs", "The hottest GPUs of the site, now.", celsius, "Die", top("gpu", "gpu_temperature_celsius", 20), hot),
				ranking(8, "Hottest memory", "GPUs with the hottest memory, now.", celsius, "Memory", top("gpu", "gpu_memory_temperature_celsius", 20), from(good, step{85, caution}, step{95, bad})),
				func() panel {
					a := top("gpu", "gpu_temperature_margin_celsius", 20)
					a.Order = "asc"
					return ranking(8, "Least margin", "GPUs with the fewest degrees left before they slow themselves down, now.", celsius, "Left", a, from(bad, step{2, poor}, step{5, caution}, step{10, good}))
				}(),
			}},
		},
	}
}

// notOk are the states of GPUs but ok. By name few series are looked at; by what they
// are not, all.
func notOk() string {
	var names []string
	for _, s := range gpuStates()[1:] {
		names = append(names, s.text)
	}
	return strings.Join(names, "|")
}

// xids are the events of an interval that a counter tells. A code that was never seen
// has no series, so that the first of it would be no increase.
func xids(counter, of string) string {
	x := counter + `{` + of + `}`
	return `sum by (xid) (clamp_min(` + x + ` - (` + x + ` offset $__interval or ` + x + ` * 0), 0))`
}
