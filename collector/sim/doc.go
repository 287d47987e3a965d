// Package sim is a seeded model of a site that knows the true millijoules of
// everything in it. What its agents read is a view of it, and what an
// accountant made of those readings can be held against its [Truth].
//
//	 jobs ─▶ GPUs ─▶ hosts ─▶ racks ─▶ PDUs ─▶ UPS ─▶ boards ─▶ grid a + b, sun, generator
//	           │       │                 │       │       ▲
//	           └ heat ─┴─────────────────┴───────┴─▶ cooling ◀─ weather ─▶ grid intensity, price
//
//	World ─ Step(now) ─▶ Telemetry(agent): everything, each tick
//	                     Ledger(agent):    counters, remembered as observed
//	                     Truth():          what was spent, what could be seen of it
//
// Agents are in this order: one a host (n00001…), one a hall for the PDU meters
// of its racks (pdu-h01…), and plant. In a wired world nobody reads the meters but
// who asks for their registers, as package field does; after the hosts comes grid.
//
// A job holds whole hosts, and the layouts of their agents name it: an entity of
// kind Job under each board and one under the host. When it ends or another
// begins the layouts are new, so that a record can be taken at once.
//
// The books are integers and balance after every step:
//
//	node       = gpus + cpu + dram + nic + disk + fans + board + psu
//	pdu        = Σ node + switches                          of the rack
//	ups output = Σ (pdu + busway)                           of the module's hall; a lone hall has two modules
//	ups input  = ups output + ups loss
//	facility   = Σ ups input + chillers + dry coolers + pumps + lighting + transformer loss
//	facility   = grid a + grid b + generator + solar − export
//
// The meter of role distribution counts transformer and UPS losses together, so
// that the meters alone balance as well:
//
//	grid a + grid b + generator + solar − export =
//	    Σ ups output + Σ cooling + distribution + lighting
//
// Invariants:
//   - Two worlds of one [Config] that are stepped to the same times are equal.
//   - A counter never falls within an epoch; its epoch is the CounterEpoch
//     beside it in the ledger layout.
//   - Energy is drawn whether anyone can read it or not: a lost GPU idles, a
//     dead host burns on for a while and then only feeds its BMC.
//   - What the truth gives to jobs, to nobody and to unknown jobs is what the
//     ledger records showed, by who held the boards at the record before.
//   - Nothing is allocated by a tick, save when an XID is seen for the first
//     time and a layout grows by its column, and when a job begins or ends.
package sim
