// Program dashboards writes the Grafana dashboards as JSON, beside itself.
//
//	board ─┬─ variables   $site ▶ $hall ▶ $rack ▶ $host ▶ $gpu, each a list of the data source
//	       ├─ links       the next depth, with what was chosen
//	       └─ rows ─ panels ─ asks        a panel: kind, width, title, help, unit, what it asks, how it looks
//	                             │
//	board.dashboard() ──────────▶ dashboard.Dashboard of the Foundation SDK ──▶ UID.json
//
//	Fleet ▶ Site now ▶ Hall and rack ▶ Host ▶ GPU
//	           ├▶ Energy and carbon ▶ Report readiness
//	           ├▶ GPU health · Jobs and tenants · Power quality
//	           └▶ Alerts · Gigawatch itself
//
// Invariants:
//   - Each dashboard answers one question of one person, and says which.
//   - Every panel has a title, help, a unit and thresholds, and asks the data source
//     that the dashboard's variable names.
//   - What is of the present, and of many things, is asked of the aggregator's live
//     state. PromQL is of roll-ups, of meters, or of one host or GPU.
//   - A boundary has one colour, and a state has one, wherever it stands (look.go).
//   - No metric is named that the catalogue has not.
//   - Only panels that come with Grafana itself are used.
package main

//go:generate go run .
