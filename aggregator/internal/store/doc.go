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
//   - A plan holds no pointer per value, and appending to known series does not
//     allocate.
package store
