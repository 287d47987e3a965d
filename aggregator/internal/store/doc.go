// Package store keeps the site's samples as time series: an embedded Prometheus
// TSDB, so that PromQL, its HTTP API and its rules work on it unchanged.
//
//	tick of an agent, 1 Hz      one in ten, each agent at its own second     TSDB
//	┌────┬────┬────┬────┐      ┌─────────────────────────────────┐         ┌──────────────┐
//	│ v0 │ v1 │ v2 │ …  │──Due─▶ same as the last one? ──yes──▶  │ ──────▶ │ head │ blocks│
//	└────┴────┴────┴────┘      │       │ no         heartbeat    │  Commit └──────┬───────┘
//	roll-ups, 1 Hz ────────────▶ write it, and before it the     │                └─▶ remote write
//	                           │ last one where it still held    │
//	                           └─────────────────────────────────┘
//
// A value that stays the same is written once in a heartbeat only. When it
// changes, the old value is first written at the tick before, so that the step
// is where it happened; a counter's increase over the change is therefore exact.
//
// Invariants:
//   - What was not read is not written: a value that goes missing, or an agent
//     that dies, ends its series with a staleness marker, never with a zero.
//   - A series that has a value has a point at least once in a heartbeat, which
//     is shorter than PromQL's lookback, so a query never loses sight of it.
//   - Labels come from the catalogue and the layout alone, and what the metric
//     says wins over what an entity says.
//   - No sample stops the store: what the TSDB refuses is counted by reason.
//   - What is read again after a restart is not stored twice, and what comes late
//     takes a bounded part of the memory.
//   - Who is silent for a week is forgotten, and its series end; agents beyond a
//     bound are refused and counted.
//   - What is read back at full rate has the form of what is stored: a gap is a
//     gap, and what the catalogue has not is passed over.
//   - An agent's plan holds no pointer per value, and appending to known series
//     does not allocate.
//
// What it costs, measured on two 2.5 GHz cores with 1,000,000 series of busy
// hosts over 2 h 40 min (BenchmarkSteady; 325 values a host, of which 29 % move
// in ten seconds), built with -tags dedupelabels, GOGC=40:
//
//	heap a series      0.70 kB fresh, 0.77 to 0.91 kB from the first hour on; 0.12 kB more without the tag
//	resident a series  0.82 kB fresh, 1.5 kB after an hour, 2.3 kB at most, while a block is cut
//	processor          5 µs to make a series, 0.3 to 0.5 µs a value offered, blocks and collections included
//	disk               4.6 bytes a sample, of which 140 a series and hour
//	opening            12 s of processor time for a million series, 60 s after a crash
package store
