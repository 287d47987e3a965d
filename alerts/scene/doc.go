// Package scene tells of each rule what makes it fire and what does not, as series
// that any evaluator can be shown.
//
//	Of("GPULost") ─▶ Fires ─┐ promtool's unit tests, the rules in PromQL here,
//	                 Quiet ─┘ the aggregator's own evaluation
//
// Invariants:
//   - Every rule of the table has both.
//   - What is quiet is close to what fires: it differs in what the rule is about.
package scene
