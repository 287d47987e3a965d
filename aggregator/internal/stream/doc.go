// Package stream turns the bytes of the two lanes into batches in order, and
// tells the agents what became durable.
//
//	TELEMETRY ─▶ parse ─▶ checks ─▶ layout ─▶ values ─▶ Tick  ─▶ live, store
//	LEDGER    ─▶ parse ─▶ checks ─▶ batch  ─▶ Apply  ─▶ Commit ─▶ ctl.<site>.<agent>.ack
//
// Invariants:
//   - Nothing in a message is believed before its magic, version, length and
//     checksum hold, and its site and agent are those of its subject.
//   - What is refused is counted by reason, logged once a minute per agent at
//     most, and never handed on.
//   - Positions live with what was made of the messages: telemetry starts again
//     from a time, the ledger from the position in its own snapshot, under the
//     stream's identity.
//   - An acknowledgement leaves only after Commit has returned.
package stream
