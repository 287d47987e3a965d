// Package health says which GPUs and hosts need a person, since when, on what
// evidence, and what to do.
//
//	ticks ─▶ what changed? ─▶ rules ─▶ findings of a GPU or host ─▶ verdict: the worst of them
//	         (a compare a value)  ▲        │ condition: stands while it is true
//	                              │        ├ event: stands until the board begins anew, or its time is over
//	                 XID table ───┘        └ rate: stands while it is exceeded, and five minutes more
//
// What the driver asks for (recovery action, DCGM field 1523) decides where the
// board reports it; the dated table of XIDs is the fallback.
//
// Invariants:
//   - An event is raised once: by its time and by how far the bus was judged, so
//     that a restart of the agent or of the aggregator does not raise it again.
//   - What cannot be judged is unknown, never well: a silent host, a hung probe,
//     blank or stale values.
//   - One cause is one line: boards that say the same of themselves all at once are
//     a line of their host, as are clean-up after a job and what applications do
//     wrong; a silent host hides its boards; hosts that fell silent together are
//     one line of the site.
//   - A board that was there is missed until it turns up, is replaced, or a person
//     says that it is gone: an agent that restarts knows nothing of it.
//   - A person may set any finding aside; a condition comes back when it changes,
//     an event when it happens again.
//   - Ticks that come late are not judged.
//   - Silence is measured by the arrivals at the bus, never by the clocks of hosts.
package health
