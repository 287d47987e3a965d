// Package energy makes the counters that the ledger can account out of what
// instruments give: registers that begin anew, and gauges of power.
//
//	register mJ ──▶ Lives ──▶ epoch: (device, boot, driver, times it began anew)
//	                  │ ▲
//	                  ▼ │ file, of this boot only
//	gauge W ──────▶ Integral ─▶ mJ, and an epoch that ends with each gap
//
// Invariants:
//   - A counter never falls within an epoch.
//   - Time in which nothing was read is not integrated over: an epoch ends there,
//     and the ledger books the gap apart.
//   - The same life of the same register has the same epoch after a restart of the
//     agent. A register that shows less then than when it was last saved, at most
//     a minute before, is in another life.
package energy
