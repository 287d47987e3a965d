// Package stream turns the bytes of the two lanes into batches in order, and
// tells the agents what became durable.
//
//	TELEMETRY ─▶ parse ─▶ checks ─▶ layout ─▶ values ─▶ Tick  ─▶ live, store
//	LEDGER    ─▶ parse ─▶ checks ─▶ batch  ─▶ Apply  ─▶ Commit ─▶ ctl.<site>.<agent>.ack
//	no stream ─▶ Strays: sites that are not served, counted and logged
//
// Invariants:
//   - Nothing in a message is believed before its magic, version, length and
//     checksum hold, and its site and agent are those of its subject.
//   - What is refused is counted by reason, logged once a minute per agent and a
//     hundred times a minute at most, and never handed on.
//   - Who says too much that no collector says is not heard for a while, where the
//     bus knows who speaks, and nothing of it is acknowledged: it is sent again.
//   - What a lane knows of its agents is bounded: who is silent for a day is
//     forgotten, and more than are told apart are refused.
//   - Positions live with what was made of the messages: telemetry starts again
//     from a time, the ledger from the position in its own snapshot, under the
//     stream's identity.
//   - An acknowledgement leaves only after Commit has returned.
package stream
