// Package site knows a site as people describe it: one YAML file that says where
// it is, what stands in it, how energy flows through it and what is paid for it.
// Both programs read the same file.
//
//	site.yaml ─▶ Parse ─▶ Site ─┬─ Meters, each with how it is read ─▶ collectors
//	               │            ├─ PowerTree, ITCategory ─▶ balances, PUE
//	               ▼            ├─ Contracts, Tariffs ─▶ carbon, cost
//	        Check: problems     ├─ Day, Month, Year ─▶ where figures are cut
//	        file:line:key       └─ Outlooks ─▶ which figures it can have, and why not
//
// Three words decide how meters add up. What hangs below a parent is part of it.
// Feeds carry a part each and are added. Backups measure the same point as
// another and never are.
//
// Invariants:
//   - Parse takes any text. What it does not understand it complains of by file,
//     line and key, all of it at once, and says what to write.
//   - A site that Parse returned without an error is whole: what is named is
//     there, names are unique, the power tree has no circle, no energy is counted
//     twice by it, installations do not overlap, every local time is one instant.
//   - A pattern is counted before it is expanded, and a file has bounds: it may
//     be refused, it cannot be made to take the machine's memory.
//   - Quantities are whole numbers of a small unit. A quantity without its unit
//     is refused.
//   - What was left out is left out: nothing is assumed for it.
//   - Secrets are named by files.
package site
