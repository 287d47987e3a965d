// Package terms makes of a site file what the ledger's figures rest on.
//
//	site.yaml ─▶ site.Site ─▶ Of ─▶ account.Terms ─▶ ledger.SetTerms
//	                 │                    │
//	  what people write, with its units   └ what arithmetic takes, in whole numbers
//
// Invariants:
//   - What the file leaves out stays left out: a figure that needs it says so.
//   - Zero in a file is zero. Where the terms mean something else by it, the entry
//     is left out.
//   - A claim that the file does not prove to be the site's is none: guarantees
//     that are not retired, agreements without theirs.
package terms
