// Package web is the aggregator's HTTP surface, one port: time series as any
// Prometheus client asks for them, and energy and its figures as the ledger
// holds them. Package query is its typed client.
//
//	            ┌ canonical path ─ method ─ who ─ role ─ body ─ scope ─┐
//	request ──▶ │                 guard (every route)                  │ ──▶ gate ──▶ deadline ─┐
//	            └──────────────────────────────────────────────────────┘   503 when full        │
//	   ┌────────────────────────────────────────────────────────────────────────────────────────┘
//	   ├─ /api/v1/query query_range series labels … ──▶ Prometheus' own API ──▶ bounded engine ──▶ Queryable
//	   ├─ /api/v1/metadata ───────────────────────────▶ metric.All
//	   ├─ /api/v1/energy kpi ─────────────────────────▶ Ledger
//	   ├─ /api/v1/imports ────────────────────────────▶ Imports: its body is a file, which the handler reads
//	   ├─ /api/v1/health health/reset ────────────────▶ Health
//	   ├─ /api/v1/report report/{site}/{year}/… ──────▶ Reports: steps are JSON
//	   ├─ /api/v1/inventory top map counts live ──────▶ Live
//	   ├─ /api/v1/status ─────────────────────────────▶ Status
//	   └─ /healthz /readyz (open) /metrics / (the page)
//
// Invariants:
//   - What is not in the route table is not served, and no server is made of a table
//     in which a route does not say who may ask it and what of the sites it holds.
//   - Whoever may ask sees their sites and tenants alone, by every path; what they
//     are refused does not tell whether it exists.
//   - A path that is not in canonical form is refused, never cleaned and tried.
//   - Connections are bounded, of all and of each address, and who finds no room is
//     refused at once: nobody waits behind whoever holds them.
//   - Every route has a body limit and a deadline, every list a greatest length;
//     an answer that was cut says so.
//   - Millijoules leave as decimal strings, exact; kWh are derived from them.
//   - A figure that is not known is null with a reason, never zero.
//   - Streams are bounded, and so is what waits for a slow reader: it loses events, is
//     told how many, and they are counted. They end with the server.
//   - Errors are {"status":"error","errorType":…,"error":…}.
package web
