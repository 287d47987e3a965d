// Package ledger keeps what account books: durably, so that every kWh can be
// shown to be what was sealed.
//
//	Apply ─▶ account.State ─▶ Commit(now):
//	                           1. hours that are due are frozen
//	                           2. the state is written to the older of two slots
//	                           3. each frozen hour becomes a file, then a leaf of its site's log
//	                           4. the frozen hours are dropped; acknowledgements may go out
//
//	DIR/VERSION  DIR/LOCK
//	DIR/ledger/state.0  state.1                   the state, its stream and position, and how far the logs reach
//	DIR/ledger/SITE/hours/2026-11-22T17Z.hour     one hour; what comes late is 2026-11-22T17Z.r001.hour, …
//	DIR/ledger/SITE/log/leaves                    one line a file, in the order of sealing
//	DIR/ledger/SITE/log/hashes                    the Merkle tree over the lines (golang.org/x/mod/sumdb/tlog)
//
// Invariants:
//   - What Commit returns is durable: written, synced, renamed, and the rename
//     synced.
//   - A file of an hour is never written again. A correction is another file and
//     another leaf, and holds what must be added.
//   - A frozen hour is in the state before it is in a file. After a crash between
//     any two steps it is sealed again, to the same bytes.
//   - The sum of the sealed hours and of those still open is what every account
//     has booked, to the millijoule, and of every host and hour it is what was
//     given to jobs: [Check] says so, and is what `aggregator verify` runs.
//   - Files, leaves and states of the version before are read, and stay as they
//     are.
//   - What is damaged is found: a slot by its SHA-256, then the other one serves;
//     a file by its blocks' CRC-32C and its leaf; a leaf by the tree.
package ledger
