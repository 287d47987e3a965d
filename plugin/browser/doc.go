// Package browser is tests alone: the built plugin, and the dashboards, as a
// person meets them.
//
//	Chromium ── page/host.tsx: the real @grafana/* around the built module.js
//	   │            editors, Save & test, answers in panels
//	   │            page/board.tsx: each dashboard's file, every panel in its place
//	   ▼
//	façade ──── the paths of Grafana's server: /api/ds/query, health, resources, live
//	   │ go-plugin, with Grafana's handshake
//	   ▼
//	plugin/dist/gpx_gigawatch ── HTTP ──▶ aggregator all-in-one, a simulated site
//	                                         ▲ a day of its ledger, told beforehand
//
// A dashboard is drawn with what @grafana/data and @grafana/ui have: variables by
// the data source's own lists, transformations, field settings and overrides, the
// panels stat, time series, table and bar gauge, annotations, streams. It fails for
// an empty panel that does not say why, a number without a unit, an error, a
// setting that is not applied, a variable without values, panels that overlap, and
// anything that the page logs. Pictures are in out/dashboards.
//
// What it cannot show: Grafana's own loader, pages, permissions and alerting, and
// its state timeline and histogram; they are in no package. For those two there are
// plain stand-ins, which say so.
package browser
