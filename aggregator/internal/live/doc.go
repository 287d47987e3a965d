// Package live is what the site looks like this second: the newest reading of
// every device, the power of every rack, hall and site at 1 Hz, and what needs a
// person's eye.
//
//	Tick ─▶ per agent: sums of power by rack and boundary, kept for the last seconds
//	          │
//	          └─ second T complete, or 1.5 s old ─▶ rack, hall, site T ─▶ Emit, history
//
//	Top, Map, Things, Counts, Powers ─▶ agents in portions, the lock free between them
//
// It stands beside the store because the questions that everybody asks every
// second — totals, top lists, counts, maps — would take a query engine over
// 100,000 series most of a second each; here they are sums over a few numbers an
// agent.
//
// Invariants:
//   - A roll-up adds readings of the same second. A reading that did not come is
//     held for 2.5 of its agent's intervals and then missing; how many were there is
//     said beside every figure.
//   - A meter that is stated is awaited though it was never heard of, and counts as
//     it is stated: what stands in for another is never added to it.
//   - Boundaries are never filled from another: no meter, no figure, but a reason.
//     A sum of meters takes all of them; of hosts and GPUs it takes those there are.
//   - What two agents report counts once: the one that came first is believed
//     until it is silent, and the other is named.
//   - A series whose value is not known any more is ended.
//   - Who was known before the start is missed until it speaks, as one that falls silent;
//     a sum is no roll-up while they come back, one after the other.
//   - What is asked is answered of one site, of values that stand for the second last
//     closed, each with its own second: of a silent agent, or of a stream that is
//     behind, there are none, and why is said.
//   - No question holds up a reading for longer than a portion of agents takes.
//   - A figure of a simulated site stays a simulated figure.
package live
