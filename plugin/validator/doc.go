// Program validator holds the plugin's archive against the rules of Grafana's
// catalogue: the analyzers of plugin-validator, each run alone, without network.
//
//	plugin.zip ─▶ unpack ─┬▶ analyzer 1 ─▶ findings ─┐
//	                      ├▶ analyzer 2 ─▶ …         ├▶ a line each ─▶ exit status
//	plugin/, module root ─┴▶ …         ▲             │
//	                                   │ HTTP        │
//	              plugin.json's schema ┴ refused ────┘ "cannot be verified offline"
//
// The program that comes with the analyzers ends silently at the first one whose
// request fails, and exits 0. Here one that fails takes no other with it, and what
// it asked for is named.
//
// Invariants:
//   - Every analyzer of the list gets a line, and passed means that it judged all it
//     is for, here.
//   - An analyzer that asked the network has not passed, even if it says nothing.
//   - A finding fails the run unless accepted.go says why it may stand, and what
//     accepted.go names and nothing finds fails it too.
//
// It is a module of its own: what the analyzers require has no place in the
// programs' one.
package main
