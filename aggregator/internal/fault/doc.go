// Package fault holds what the way from a counter to the sealed hours promises
// against the simulated site, which knows every millijoule, while all that can
// fail does. It has tests only.
//
//	sim.World ─▶ agent.Recorder ─▶ bus ─▶ stream.Ledger ─▶ ledger ─▶ answers
//	   │             │ spool        │ model of JetStream,    │ slots, hours, log
//	   │             ▼              ▼ or the server itself   ▼
//	   │          disk that      loses, doubles, delays,   disk that
//	   │          forgets        wipes, partitions         forgets
//	   └───────────────────── oracle ◀── invariants I1 to I7 ──┘
//
// Everything between the world and the disks is the product's own code. A run
// follows from its seed: time is virtual, nothing is left to the scheduler, and
// which faults may happen how often is drawn from the seed as well. What fails
// prints its seed, what was drawn, and the command that shows it again.
//
// Invariants, after every step; of energy in integer millijoules:
//
//	I1  no account has booked more than was spent
//	I2  what is booked is what could be seen: nothing is lost, nothing doubled
//	I3  with what is estimated it is off by no more than the time nobody saw allows
//	I4  the sealed and open hours add up to the accounts (ledger.CheckDisk)
//	I5  what is sealed stays: files, leaves, and no hour becomes less
//	I6  when the faults end, every record is durable within minutes
//	I7  an alarm is raised where its cause was injected, and nowhere else
//
// FAULTS.md is the list of faults and of the tests that inject them.
package fault
