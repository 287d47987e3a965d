package main

// What the data source calls the columns of what agents say of themselves.
const (
	waits    = "Agent spool"
	givenUp  = "Agent spool dropped"
	failures = "Agent source failures"
)

func itself() *board {
	const s = `site="$site"`
	waiting := func(lane string) panel {
		return panel{list, 8, "Most waiting, " + lane + " lane", "Hosts with the most bytes on disk that wait. In the ledger lane nothing is lost while it waits; the telemetry lane gives up what is old.", bytesOf,
			asks(top("host", "agent_spool_bytes", 20).of(lane)), look{only: exactly("Rack", "Host", waits), bar: waits, sort: "Waiting", titles: map[string]string{waits: "Waiting"}, steps: from(good, step{1e6, caution}, step{5e7, poor}), empty: "No agent tells it",
				links: []link{to("host", "Host", "site", here("site"), "host", cell("host"))}}}
	}
	return &board{
		uid: "self", person: "who runs Gigawatch", question: "does Gigawatch itself see everything, and lose nothing?", since: "now-6h", refresh: "30s",
		chosen: []variable{bySite}, next: []string{"host", "report", "alerts"}, events: []string{"meter"},
		rows: []row{
			{"", 5, []panel{
				{figure, 6, "Agents", "Agents that were ever heard, and those that are silent now.", count, asks(question("counts")), look{only: "/^Agents/", change: changes(bareState()), by: map[string]steps{"silent": from(good, step{1, poor})}, empty: "Nothing is known now"}},
				howFresh(6),
				howMany(6, "Hosts", "Hosts that the site should have, those that report, and those that do not.", "Hosts", "reporting", "silent"),
				{figure, 6, "Coverage of today", "Share of what was expected inside each boundary that the energy of today rests on.", share, each(func(b string) ask { a := coverageOf(b); a.Mode, a.colour = "instant", ""; return a }), look{steps: coverage, decimals: ptr(1.0), empty: "Nothing is booked yet"}},
			}},
			{"What is seen", 8, []panel{
				{lines, 8, "Hosts expected and reporting", "The space between the two is hosts that are silent.", count, asks(
					series(`site_hosts{`+s+`,state="expected"}`, "").as("Expected", plain), series(`site_hosts{`+s+`,state="reporting"}`, "").as("Reporting", hostColour)), look{anyBase: true, steps: quiet(), empty: "No host is known"}},
				{lines, 8, "GPUs expected and reporting", "The space between the two is GPUs that are silent or not ok.", count, asks(
					series(`site_gpus{`+s+`,state="expected"}`, "").as("Expected", plain), series(`site_gpus{`+s+`,state="reporting"}`, "").as("Reporting", gpuColour)), look{anyBase: true, empty: "No GPU is known"}},
				{lines, 8, "Coverage", "Share of what was expected inside each boundary that the energy of the day so far rests on.", share, each(coverageOf), look{steps: coverage, anyBase: true, empty: "Nothing is booked yet"}},
			}},
			{"What waits, and what was lost", 8, []panel{
				waiting("ledger"), waiting("telemetry"),
				{list, 8, "Given up in the last hour", "Batches that hosts gave up because their spool was full. In the ledger lane they are thinned, so that no energy is lost.", count,
					asks(top("host", "agent_spool_dropped_total", 20).over("1h")), look{only: exactly("Rack", "Host", "lane", givenUp), bar: givenUp, sort: "Batches", titles: map[string]string{givenUp: "Batches", "lane": "Lane"}, steps: anyIsPoor, empty: "Nothing was given up",
						links: []link{to("host", "Host", "site", here("site"), "host", cell("host"))}}},
			}},
			{"Sources and meters", 8, []panel{
				{list, 8, "Sources that fail", "Sources of agents whose readings failed or came too late in the last quarter of an hour.", count,
					asks(top("sensor", "agent_source_failures_total", 20).over("15m")), look{only: exactly("Rack", "Host", "sensor", failures), bar: failures, sort: "Failures", titles: map[string]string{failures: "Failures", "sensor": "Source"}, steps: anyIsPoor, empty: "No source failed"}},
				meterStates(8), meterAges(8),
			}},
			{"", 8, []panel{
				{columns, 12, "Meters that failed", "What went wrong when meters were read, by kind, in ten minutes each.", count, asks(series(`sum by (kind) (increase(meter_failures_total{`+s+`}[10m])) > 0`, "{{kind}}")), look{stacked: true, points: 90, legend: "sum", steps: anyIsPoor, empty: "No reading failed in the range"}},
				{list, 12, "Corrections", "Readings that were taken in later, in the range.", mixed, asks(happened("restatement")), look{hide: []string{"End", "Tags"}, widths: map[string]int{"time": 165, "title": 130}, titles: map[string]string{"time": "Time"}, wrap: []string{"Text"}, sort: "Time", empty: "Nothing was taken in"}},
			}},
		},
	}
}
