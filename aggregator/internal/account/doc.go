// Package account turns the readings of counters into energy that can be
// defended: so many millijoules, of this device, in that hour, known in this way.
//
//	batch ─▶ sequence ─▶ clock ─▶ counters ─▶ hours ─▶ Freeze ─▶ Content ─▶ (sealed by ledger)
//	 │        next?      when?    how much?   rows by account, place, quality
//	 │                               │        minutes by quantity
//	 └─ claims ─▶ holdings ──────────┴─────▶  rows by host, job, quality
//	               whose?
//
// Energy is the difference of two readings of a register, never a product of
// power and time; the exception is what a register lost when it began anew,
// which is estimated and booked apart.
//
// Invariants:
//   - It is pure: no file, no clock, no goroutine, no float where energy is
//     counted. The same batches give the same state, byte for byte.
//   - Energy is unsigned millijoules. A sum that does not fit is an error, and
//     the reading is not booked.
//   - For every account, what is booked is the sum of its rows over all hours,
//     and never more than its register counted.
//   - A batch is booked once: (agent, incarnation, sequence) is its identity, and
//     one that is not the next is not booked at all.
//   - Of a quantity, an hour is the sum of its minutes and the sum of its rows.
//   - A reading that physics does not allow is set aside, never clipped.
//   - An hour that was frozen is not booked into: what comes late is apart.
//   - What a board or a host drew is given to jobs, to nobody, to unknown jobs or
//     to no record of jobs, by shares that sum to one whole: to the millijoule,
//     for every host and hour.
//   - Who holds a board in record k holds it until record k+1: agents take a
//     record when that changes. Where records are missing, the two beside them
//     must agree; else the energy is of unknown jobs. It is never guessed.
//
// What boards show besides, such as their activity, is kept of jobs as sums of the hour,
// and no energy is ever made of it.
//
// What a meter adds to is booked by the role of its first reading, and answered by
// the role that the operator states: one that was wrong is set right there, of all
// times, and files stay as they are. Minutes are booked by quantity and not by
// meter, so that of a role that was set right quarters are known and minutes are
// not; hours of programs that kept no quarters stay as they were booked.
//
// Meters of one role add up: feeds A and B each carry a part. A device is
// expected from its first reading until it has been silent for a week, a meter
// for 30 days, so that what is missing shows as missing.
package account
