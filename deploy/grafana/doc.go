// Package grafana is tests alone: what the README tells people to do with Grafana,
// held against the files that it names, as far as that goes without a Grafana.
//
//	README.md ── make, paths, variables ──▶ Makefile, deploy/grafana, dashboards
//	compose.yaml ── mounts, environment ──▶ plugin/dist, provisioning, dashboards
//	provisioning/*.yaml ── shapes, ids ───▶ Grafana's documentation, plugin.json
//
// Invariants:
//   - A key that Grafana would not know fails, in every provisioning file and in the
//     example of the plugin's page.
//   - A variable that a provisioning file expands is one that compose.yaml sets and
//     the README names.
//   - A path within the container that a file names is mounted, from what exists.
package grafana
