// Package bus keeps the two lanes between the collectors and the aggregator:
// the streams of a JetStream server, and that server itself where none is at
// hand.
//
//	telemetry.<site>.<agent> ─▶ TELEMETRY  file, NoAck, oldest discarded   ─▶ flight recorder, live
//	ledger.<site>.<agent>    ─▶ LEDGER     file, NoAck, newest refused     ─▶ ledger
//
// Invariants:
//   - NoAck: the server answers no publish. An answer would prove nothing about
//     durability, and would be sent with the server's rights to whatever reply
//     subject a publisher names.
//   - No message ids: duplicates are told by (agent, incarnation, sequence).
//   - Limits are computed from the disk or the inventory, never left to grow,
//     and their sum is what the server may use.
package bus
