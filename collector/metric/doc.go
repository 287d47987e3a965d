// Package metric is the vocabulary every other package speaks: what can be
// measured, of what, in which unit, and how readings travel together.
//
// A [Sample] is one reading of one metric of one entity at one time. Samples
// never travel alone: an agent sends a [Batch], whose [Layout] says once which
// values follow, and whose Values carry them, tick after tick.
//
//	Layout                                       Values (one tick)
//	┌──────────┬───────────────────────────┐     ┌────┬────┬────┬────┬─
//	│ Entities │ hall h01                  │     │ v0 │ v1 │ v2 │ v3 │ …
//	│          │  └ rack r003              │     └────┴────┴────┴────┴─
//	│          │     └ host n0017          │       ▲         ▲
//	│          │        ├ gpu GPU-1b2…     │       │         │
//	│          │        └ gpu GPU-9f0…     │       │         │
//	├──────────┼───────────────────────────┤       │         │
//	│ Columns  │ gpu_power_watts × 2 gpus ─┼───────┘         │
//	│          │ gpu_energy_…    × 2 gpus ─┼─────────────────┘
//	└──────────┴───────────────────────────┘
//
// Invariants:
//   - The catalogue is closed: a metric that is not in it does not exist. The
//     store, the query, the documentation and the dashboards derive from it.
//   - A [Number] is given once and never to another metric.
//   - What the source counts in integers stays an integer ([Def.Per] raw units
//     to the base unit); energy is counted in millijoules.
//   - A value that was not read is [Missing]; it is never zero.
package metric
