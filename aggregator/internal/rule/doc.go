// Package rule evaluates the table of alerts and keeps the one set of what fires.
//
//	ticks, 1 Hz ──▶ watch    a value of a device against its bounds ──┐
//	health ───────▶ judge    findings whose cause a rule names ───────┤
//	hosts heard ──▶ silence  host, rack, hall, site, or blind ────────┼─▶ set of alerts, kept on disk
//	store, 5 s ───▶ ask      PromQL in Prometheus' rules manager ─────┤        │ once a second
//	itself ───────▶ pulse    watchdog, canary, caps, delivery ────────┘        ▼
//	                         pending ─for─▶ mustered ─▶ firing ─hold─▶ ended ─▶ told for a while ─▶ gone
//	                                            │  ▲
//	                              has a parent, │  │ has none any more
//	                 a window, too many at once ▼  │
//	                                         suppressed: shown, counted, not sent
//
//	firing, ended ─▶ every Alertmanager, again each 30 s ─▶ receivers
//	             └─▶ of the few that are direct: a webhook besides
//
// An alert is mustered for some seconds before it is sent, so that the rack is
// found before its hosts are told one by one.
//
// Invariants:
//   - An alert is its labels; they hold no value and no time. One that stands is
//     never sent as another.
//   - Nothing is raised by what is older than two minutes.
//   - A restart neither ends nor fires what stood: the set is on disk before it is
//     sent, and what no gear has looked at yet stays as it was.
//   - What is suppressed is counted by reason, and shown beneath its parent.
//   - Of one device, what begins together is one cause: the worst is sent.
//   - Silence is measured against who is expected and by arrivals at the bus; while
//     nothing at all is heard, no host is said to be silent.
//   - No lock is held while something is written, asked or sent. Everything is
//     bounded, and what is over a bound is counted.
//   - A device that is well costs a comparison a rule, and no memory save where a
//     rule looks back.
package rule
