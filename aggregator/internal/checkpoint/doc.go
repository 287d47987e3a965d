// Package checkpoint signs how far the log of a site's ledger reaches, so that
// others can hold the site to it.
//
//	log ─▶ Checkpoint ─▶ Folder: signed, newest kept ─┬─▶ Request ─▶ Witness: follows from the one before? ─▶ signs too
//	  │                                               │
//	  └─▶ proof of an hour ──────────────────────────▶└─▶ Proof ─▶ Check, anywhere, by public keys alone
//
//	DIR/checkpoint/SITE/key             the private key, for this program alone
//	DIR/checkpoint/SITE/key.pub         what checks are made by
//	DIR/checkpoint/SITE/checkpoint      the newest, signed
//	DIR/checkpoint/SITE/witnessed       the newest that a witness signed too
//	DIR/witness/key  key.pub            of a witness
//	DIR/witness/seen/ORIGIN             the last checkpoint of each log that it signed
//
// The forms are those of C2SP: tlog-checkpoint, signed-note, tlog-cosignature
// (version 1), tlog-proof (version 1), and of requests the body of tlog-witness.
//
// Invariants:
//   - No two checkpoints of different logs are signed for one origin: neither the site
//     nor a witness signs what does not extend what it signed before.
//   - What was signed is on disk before it is handed out.
//   - It says that nothing that was sealed has been changed or left out, and not that
//     what was sealed is true.
package checkpoint
