// Package hub brings what is public of sites to a hub, exactly and however long the
// way was broken, and keeps everything else on the sites.
//
//	site: ledger ─▶ Site ─┬─ site.SITE.rollup.now    every 10 s, and after a seal: power, counts, how far the log is ─▶┐
//	                ▲     ├─ site.SITE.rollup.terms  what the operator states ──────────────────────────────────────▶ Hub ─▶ mirror of
//	                │     └─ site.SITE.rollup.hours  leaves from n on, their hours, a signed checkpoint ────────────▶┘       the logs
//	                └──────── hub.SITE.have          how far the log is here, signed by the hub as a witness ◀───────┘
//
// The site's own ledger is the buffer: nothing is queued anywhere else, and no state
// of a bus counts. The hub says how far it has come, and the site goes on from there.
// On the way are the leaf connection of the site's bus, or a connection to the hub's.
//
// Invariants:
//   - A leaf is taken at its place in the site's log, once: what comes twice, in
//     another order or not at all changes when the hub knows an hour, never what it
//     knows of it.
//   - Nothing is taken but under a signature of the site that the subject names, by a
//     key that the hub's operator entered, and only if the log goes on from what the
//     hub has: a fork or a log that became shorter is refused and said, at both ends.
//   - No host, GPU, job, tenant or person is named in what leaves a site: the types of
//     this package have no room for them. Halls, meters and zones of the grid are.
//   - Whatever arrives is bounded, and taken in one goroutine.
package hub
