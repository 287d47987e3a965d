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
//   - Limits are set, or computed from the disk or the inventory, and never left
//     to grow. A stream that exists is never made less: not its bytes, its age or
//     its copies.
//   - What does not come under a served site's name takes no room in a stream.
package bus
