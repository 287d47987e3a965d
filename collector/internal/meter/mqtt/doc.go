// Package mqtt reads meters whose gateways publish JSON on an MQTT broker.
//
//	gateway ──▶ broker ═══════ one connection a broker and user ═══════▶ Broker
//	   │          ▲                                                        │ by topic
//	   └─ will ───┘ (status topic)                     ┌────────┬──────────┤
//	                                                   ▼        ▼          ▼
//	  frames: nothing oversized ─▶ parse once ─▶     Reader   Reader     Reader
//	                                                   │ path, time, order
//	                                                   ▼
//	                                    queue ─▶ Read ─▶ meter.Value
//
// A path names members joined by dots, and items of lists by their number from 0:
// meters.0.p. Names may have dots themselves, as OBIS codes have: 1.8.0. The path
// of a message that is nothing but a number is a dot.
//
// A time in a message, of RFC 3339 with its zone or a number of s, ms, µs or ns
// since 1970, is the time of its values. Without one they are of the moment at
// which they came. Where a path of the time was given, a message without one does
// not count.
//
// Subscriptions are of QoS 1 in a clean session. A session that outlasts the
// connection would keep what came meanwhile, and send it all at once: of messages
// without a time nobody could tell then how old they are, two collectors of one
// name would take turns to throw each other out, and what was missed is no energy
// that was missed, since registers go on counting. Power that was not seen is a
// gap, and shown as one.
//
// Of a device that sends at intervals, every: says at which, a minute if it is not
// given: what it said stands for three of them. Of one that sends on change it says
// at which it sends at the latest: what it said stands for three of them, and for
// an hour if that is not given.
//
// Invariants:
//   - Read never waits for the network, but for the first connection to have come
//     about or failed. A broker that is down delays its own meters only.
//   - A retained message without a time is of unknown age, and does not count.
//   - Once the gateway's will says that it is offline, its readings are missing
//     until it sends anew or says that it is online. Those of a device that sends on
//     change are missing also when the connection was lost.
//   - A message that comes late, after younger ones, is left out: of a register it
//     would seem to have begun anew.
//   - Registers are taken from the digits as they were written, to a tenth of a
//     joule or a millilitre; no float is in between.
//   - What is kept is bounded: bytes of a message, its depth, messages of a meter.
//     Of too many every second is left out, and it is said how many.
//   - The password is read from its file at each connection, and is in no error.
package mqtt
