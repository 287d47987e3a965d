// Package meter reads the meters of a site: what its feeds, plant and racks draw,
// its water and its heat. Each protocol is a [Reader] in a package of its own;
// all that makes a reading fit for the ledger is here.
//
//	Reader ─┐  own goroutine and clock each;
//	Reader ─┼▶ meters of one line, such as a gateway, take turns
//	Reader ─┘     │
//	              ▼
//	           device ─┬─ gauge ────────────────────▶ W, m³/s, °C ──┐
//	                   │    └─▶ integral ─┐                         ├─▶ Read
//	                   └─ register ─▶ counter ─▶ mJ, mL, epoch ─────┘
//	                                    ▲ ▼
//	                                  memory: a file that outlasts the agent
//
// A meter without a register is counted by the integral of its gauge alone.
//
// A register is believed as far as physics goes: it may count a fifth more than
// the meter's rating. What it does beyond that is told apart by [counter]: it
// rolled over, it began anew, the device was changed, it stands still while power
// flows, it jumped. What was then not counted is filled from the gauge beside it,
// as integrated, or is not known and ends the epoch.
//
// Beside what a meter measures stands how it is: its state, the age of what it
// said, and what went wrong when it was read.
//
// Invariants:
//   - Read never waits for a meter.
//   - No joule is counted twice, and no counter falls within an epoch.
//   - A value that was not read is missing, never zero. One that is older than
//     three of the meter's own periods is missing.
//   - A reading that physics does not allow is left out whole, never clipped, and
//     a sentence says why and what would make it right.
//   - A meter is asked by one request at a time, and less and less often while it
//     fails; a line that is dead delays its own meters only.
//   - A jump upwards that nobody explains is not counted until a person does.
package meter
