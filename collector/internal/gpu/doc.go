// Package gpu makes the readings of a host's accelerators out of what a driver
// knows of them. A driver only tells what it was told; what to believe is decided
// here, alike for all of them.
//
//	 vendor's library                       kernel's log
//	or sysfs                                /dev/kmsg
//	   │                                       │ NVRM: Xid (PCI:…): 79, …
//	   ▼                                       ▼
//	Driver ──Reading──▶ Source ┬─ boards: states, values ──────┬─▶ layout, values
//	   ▲                       ├─ energy: register or power ───┤
//	   │ guard: the same over  ├─ XIDs: each counted once ─────┤
//	   │ a pipe, from a child  └─ superchips, NVSwitches ──────┘
//
// The state of a board, by the first that is true:
//
//	unreachable  the driver answers with an error
//	stale        it has not answered for more than three periods
//	lost         it says so or does not list the board; or the board says nothing
//	             while another says something
//	blank        no board says anything: DCGM's host engine after XID 119
//	stale        the board's values are those of more than three periods ago
//	ok
//
// Invariants:
//   - A board that is not ok shows its state, what the agent itself counted, and
//     nothing else. A value of one that is ok is at most three periods old.
//   - Energy is the register's own value where there is one that moves, and power
//     integrated where there is none; never the one added to the other. It never
//     falls within an epoch, and no epoch begins with joules of another.
//   - An XID counts once, whether the library, the kernel or both tell of it. What
//     happened before the agent started is not counted.
//   - A board, a value, a code that was seen has its column until the agent ends;
//     only a board that was replaced a day ago goes.
//   - Everything foreign is bounded: boards, names, codes, lines, events.
package gpu
