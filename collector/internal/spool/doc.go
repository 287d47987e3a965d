// Package spool is a durable queue of opaque frames on the local disk: what an
// agent appends stays until the far end says that it has it.
//
// A spool is a directory of segments. A segment is a file named by the first
// sequence number in it, and holds frames, one after the other:
//
//	 0        2     3      4         8           16            24             32
//	┌────────┬─────┬──────┬─────────┬───────────┬─────────────┬──────────────┬─────────┬──────────────────┐
//	│ magic  │ ver │ type │ len u32 │ first u64 │ seq u64     │ time i64     │ payload │ crc32c of all    │
//	│ F7 A9  │ 1   │      │         │           │             │ ms since 1970│ len     │ before it, u32   │
//	└────────┴─────┴──────┴─────────┴───────────┴─────────────┴──────────────┴─────────┴──────────────────┘
//	                                  little endian
//
// The type is the frame's [Class]. A frame stands for the sequence numbers from
// first to seq: one, save for a gap, which stands for a run that is no longer
// held.
//
//	Append ─▶ memory: not yet synced ──fsync every 5 s──▶ forgotten
//	  │           │                                                          Ack
//	  ▼           └─ no disk: a bounded ring, until a segment can be        deletes
//	┌─────────┐ ┌─────────┐ ┌────┄┄   written again                      whole segments
//	│ 1…9000  │ │ 9001…   │ │ …                                               │
//	└─────────┘ └─────────┘ └────┄┄                                           ▼
//	  oldest ───────────────▶ newest ──▶ Next ──▶ bus ──▶ aggregator ──▶ "durable up to"
//
// Invariants:
//   - Sequence numbers are contiguous. What the spool holds from its oldest
//     frame to its newest is whole: a number is a frame or lies in a gap.
//   - A payload comes back as it went in or not at all.
//   - The trim point is not on disk, unless asked for: a restart sends again from
//     the oldest frame on, and whoever listens drops what it has.
//   - The newest segment is never deleted, so a spool remembers its last number.
//   - Damage and a failing disk never stop a spool from opening, nor an Append.
//   - Memory is bounded: the ring, one read window, one segment while thinning.
package spool
