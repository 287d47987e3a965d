// Package agent is the collector: it reads sources on one schedule, makes
// batches of what they say, and sends them in two lanes.
//
//	source ─┐ own goroutine each                 ┌─ telemetry: publish; while the bus is away
//	source ─┼─▶ tick: merge readings ─▶ wire ─┤              spool, oldest dropped, counted
//	source ─┘  (late ones are missing)          └─ ledger: spool ─▶ publish ─▶ wait for the
//	                                                          aggregator's ack ─▶ trim
//
// What a grid's source comes to know better of the past is restated: a record of
// the ledger lane among the others, which is told again until it is durable.
//
// Invariants:
//   - Ticks fall on whole multiples of the interval of the wall clock; work done
//     in one tick never moves the next.
//   - A source that is slow, hung or failing delays no other. What it did not
//     read is missing, never repeated as fresh, and it is reported stale.
//   - A ledger batch is on disk before it is published, and stays there until
//     the aggregator says that it is durable. A publish is no proof of anything.
//   - What a ledger record says of allocations holds until the next one: where
//     they or the layout change, a record is taken at that tick. What flaps waits
//     for the regular records, counted.
//   - A batch of telemetry that waited is sent once, save that a crash sends those
//     of its last seconds again.
//   - A meter of the site's file has one reader: the agent that it names, or the one
//     that the settings name for those that name none.
//   - Real and simulated readings are never in one batch, and what an agent sends is
//     marked as a model's whole or not at all.
//   - Sequences are contiguous in each lane; what is given up is counted.
package agent
