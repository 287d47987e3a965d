// Package energy makes the counters that the ledger can account out of what
// instruments give: registers that begin anew, and gauges of power.
//
//	register mJ ──▶ Lives ──▶ epoch: (device, boot, driver, times it fell)
//	gauge W ──────▶ Integral ─▶ mJ, and an epoch that ends with each gap
//
// Invariants:
//   - A counter never falls within an epoch.
//   - Time in which nothing was read is not integrated over: an epoch ends there,
//     and the ledger books the gap apart.
//   - The same life of the same register has the same epoch after a restart.
package energy
