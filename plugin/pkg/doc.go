// Program gpx_gigawatch is the back end of the Grafana data source
// gigawatch-gigawatch-datasource. Grafana starts it, and speaks gRPC with it; it
// asks one aggregator or several, and answers in frames.
//
//	Grafana                          this program                                aggregators
//	─────────                        ────────────                                ───────────
//	QueryData ─────▶ model ─▶ macros ─▶ question ─┐
//	                 (strict)                     │            ┌▶ caller (token, TLS, bounds) ─▶ site A
//	CallResource ──▶ resource ─▶ cache ───────────┼▶ fleet ────┤
//	CheckHealth ───▶ health ──────────────────────┤ (by site)  └▶ caller ────────────────────▶ hub
//	RunStream ─────▶ stream ──────────────────────┘                         │
//	        ◀── frames: typed, with units, names, notices ◀── answers ◀─────┘
//
// Invariants:
//   - What one data source may see is what its own token may see: instances share
//     no answer, no cache and no stream.
//   - Secrets come from secureJsonData alone, and no message shows them.
//   - Every query gets a response of its own; one that fails or panics takes no
//     other with it.
//   - A frame of numbers names its type, 0.1, and its series differ by labels. What
//     a panel shows, an alert rule reads.
//   - Null stays null; a notice says why. What was cut, a notice says too.
//   - What the aggregator or the way to it did wrong is a downstream error, with a
//     sentence that says what to do.
//   - Macros are expanded here alone.
package main
