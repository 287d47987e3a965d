// Package rule is the table of what Gigawatch alerts on: one line for each cause
// that a person must hear of, and what that person is to do first.
//
//	                     ┌─ Judged   what the health judgement found of a GPU or host ─┐ 1 Hz, all
//	Table() ─▶ []Rule ───┼─ Watch    a value of a device, looked at as it passes ──────┘ devices
//	                     └─ Ask      PromQL over roll-ups, meters and Gigawatch itself, every 5 s
//	                          │
//	       the aggregator evaluates it · package alerts writes it for Prometheus and for Grafana
//
// Invariants:
//   - A rule has exactly one of Judged, Watch and Ask, and always a form in PromQL,
//     so that any Prometheus can evaluate the whole table.
//   - A rule looks at the catalogue's metrics, and at Gigawatch's own, gigawatch_…,
//     which have the label instance of the program that shows them at /metrics.
//   - What is late, by more than two minutes, raises nothing.
//   - Labels name a thing and never carry a value or a time: an alert keeps its
//     identity while it stands.
//   - Every rule has an owner, a first step, and a section of its name in
//     alerts/RUNBOOK.md.
//   - The table is data: nothing in it depends on a site. What differs from site to
//     site (a rating, a contract, a plan) is a metric that the site file sets.
package rule
