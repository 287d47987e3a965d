// Package health says which GPUs and hosts need a person, since when, on what
// evidence, and what to do.
//
//	ticks ─▶ what changed? ─▶ rules ─▶ findings of a GPU or host ─▶ verdict: the worst of them
//	         (a compare a value)  ▲        │ condition: stands while it is true
//	                              │        ├ event: stands until a reset, a person, or its time is over
//	                 XID table ───┘        └ rate: stands while it is exceeded, and five minutes more
//
// What the driver asks for (recovery action, DCGM field 1523) decides where the
// board reports it; the dated table of XIDs is the fallback.
//
// Invariants:
//   - An event is counted once: by its time, so that a restart of the agent or of
//     the aggregator does not raise it again.
//   - What cannot be judged is unknown, never well: a silent host, a hung probe,
//     blank or stale values.
//   - One cause is one line: a silent host hides its GPUs, clean-up after a job is
//     one line a host, and a site where most hosts fell silent at once is one line.
//   - A person may set any finding aside; a condition comes back when it changes,
//     an event when it happens again.
//   - Ticks that come late are not judged.
package health
