// Package statement signs what is handed out of the ledger besides the record of a
// year, and keeps what was.
//
//	statement ─▶ file, as it is handed out ─┬─▶ Signer ─▶ note: SHA-256, what it is, the ledger's root ─▶ Verify, anywhere
//	                                        └─▶ Folder: kept by key, and one line of a log
//
//	DIR/statement/SITE/key            the private key, for this program alone
//	DIR/statement/SITE/key.pub        what Verify takes
//	DIR/statement/SITE/log            one line each, naming the one before by its hash
//	DIR/statement/SITE/SHA256.json    a statement as it is kept: jobs and tenants by key
//
// A note is in the form of golang.org/x/mod/sumdb/note: a text that people read, an
// empty line, and an Ed25519 signature over it.
//
// Invariants:
//   - What is kept here names nobody: names are in package names alone, and what is
//     forgotten there leaves every hash and signature here as it was.
//   - A line is added whole, under a lock; one that was changed or left out is found.
package statement
