// Soak runs every test that FAULTS.md names, as long as it is asked to, and prints the
// list with what was counted: faults injected, seeds run, millijoules of difference,
// files that were silently wrong.
//
//	FAULTS.md ─▶ rows ─▶ go test -json, a package at a time ─▶ tally ─▶ table, exit code
//	                          │
//	                          └─ lines of tests: soak: {"row":2,"injected":500}
//
// Invariants:
//   - A row whose test failed or did not run, or that has no count, is an error, and so
//     is a millijoule of difference or a file that is silently wrong.
//   - What a row does not cover is printed with it.
package main
