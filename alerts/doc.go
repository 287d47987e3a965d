// Alerts writes the table of package rule in the forms that other programs
// evaluate.
//
//	rule.Table() ─┬─▶ prometheus/OWNER.yaml        any Prometheus, vmalert, Mimir
//	scene.Of() ───┼─▶ prometheus/tests/OWNER.yaml  a case that fires and one that does not, for promtool
//	              ├─▶ deploy/grafana/provisioning/alerting/*.yaml
//	              └─▶ RUNBOOK.md                   what the table says of each rule, between the marks
//
// Invariants:
//   - Nothing is written by hand but the advice in RUNBOOK.md; tests hold what is
//     committed against what the program writes.
//   - A rule without a scene, or without a section in the runbook, fails a test.
//   - Rules take the PromQL of Prometheus 2.42, the oldest that they are checked
//     with.
package main

//go:generate go run -tags dedupelabels . ..
