// Package opcua reads meters from servers of OPC UA: the values of nodes, by one
// Read for all that a meter has.
//
//	Reader ─┐                 discovery: which endpoints, which certificate
//	Reader ─┼─▶ Server ─┬─▶ secure channel ─▶ session ─▶ Read ─▶ values with status and time
//	Reader ─┘           └─ after an error anew, less and less often
//	   ▲                                                            │
//	   └────────── number, scale, time ─▶ meter.Value ◀─────────────┘
//
// Readers of one server share a session and take turns. Nothing is subscribed to:
// what is read is read when it is due.
//
// Invariants:
//   - The policy and mode of security are those of the settings; what the server
//     offers besides is not taken. Where its certificate was given, no other is.
//   - A password goes to a server in the clear only where the settings have no
//     security at all.
//   - A value whose status is bad or uncertain is missing, and the status is said.
//   - The time of a value is that at which its server knew it, unless the settings
//     say otherwise; one without a time is of when it was asked for.
//
// What the library decodes it takes at its word: a server that means harm, or who
// stands before it without security, can make it ask for more memory than there is.
// Sizes of buffers are held in bounds here; lengths within a message cannot be.
package opcua
