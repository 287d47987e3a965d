// Package query is how a program asks an aggregator: the typed client of its
// HTTP surface, and the questions and answers that both sides share.
//
//	Client ── Question.Values ──▶ GET /api/v1/… ──▶ aggregator/internal/web
//	  ▲                                                 │
//	  └── Energy, KPIs, HealthReport … ◀── Envelope ◀───┘
//
// Invariants:
//   - A program that imports it links neither a query engine nor a bus.
//   - Millijoules travel as decimal strings, exact; kWh are derived from them.
//   - A figure that is not known is nil with a reason, never zero.
//   - An answer that says no is an *Error; one that was cut says so.
//   - A Secret is shown by no printing.
package query
