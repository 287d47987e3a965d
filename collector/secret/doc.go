// Package secret holds what nobody but the one it is for may read: passwords,
// tokens, keys, and addresses that may have one in them. No printing shows them.
//
//	file ─▶ Read ─▶ Text ─▶ Gate ─▶ Reveal ─▶ device
//	                 │       ▲                  │
//	                 │       └───── refused ────┤
//	                 └─▶ Hide, Conceal ◀── what it answers ─▶ log, metrics, people
//
// Refused ones are kept from being tried again and again: devices lock accounts. And
// devices say back what they were told, so that what they say is shown without it.
//
// Invariants:
//   - A Text is shown as [redacted] by every printing, and an Address as its scheme,
//     host and path; the zero of both as nothing.
//   - Reveal is called where a library or the wire needs the string, and nowhere else.
//   - No error holds what was read from a file.
//   - A file may be put right at any time.
package secret
