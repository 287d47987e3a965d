// Package browser is tests alone: the built plugin as a person meets it.
//
//	Chromium ── page/host.tsx: the real @grafana/* around the built module.js
//	   │            editors, Save & test, answers in panels
//	   ▼
//	façade ──── the paths of Grafana's server: /api/ds/query, health, resources
//	   │ go-plugin, with Grafana's handshake
//	   ▼
//	plugin/dist/gpx_gigawatch ── HTTP ──▶ aggregator all-in-one, a simulated site
//
// What it cannot show: Grafana's own loader, pages, panels, permissions and
// alerting; they are not in any package.
package browser
