// Package carbon knows the grid that a site is fed from: how much carbon dioxide
// a kilowatt-hour of it stands for, what it costs, and how warm it is outside.
//
//	                   each polled on its own clock             every quarter of an hour
//	ENTSO-E ────────┐                                        ┌ one choice a quantity, kept
//	Electricity Maps┤  figures with provenance               │ until the quarter is over ──▶ Read
//	éCO2mix ────────┼──────────▶ shelf of each ──▶ evidence ─┤
//	Energy-Charts ──┤            provider         by tier    └ better evidence of a quarter
//	yearly table ───┘              │                           that is over ──▶ Revisions
//	                               └──────── journal on disk ───────┘
//
// Tiers of evidence, best first. A figure carries its tier and its provider, and
// figures of two are never mixed:
//
//	1  measured, of what the zone consumes (imports traced); a price set by auction
//	2  measured, of what the zone generates, its mix complete
//	3  an estimate for that very time: the provider's own, else the same hour a week before
//	4  the mean of that hour over thirty days
//	5  the yearly figure of the country
//
// Within a tier the order of the configuration decides.
//
// Invariants:
//   - Read never waits for a provider or a disk.
//   - Time is UTC and cut into quarters of an hour; intervals are half-open. A
//     figure says its own interval and nothing beyond it.
//   - What was said of a quarter is said until it is over, and after a restart. A
//     better tier takes over with the next quarter, and for the quarters behind
//     it by a revision.
//   - When a quarter begins, a provider that had figures is waited for, ten minutes
//     at most, before another tier stands in. What came late is said of the
//     quarter's beginning by a revision, too.
//   - Other factors hold from the day on that they are chosen, and revise nothing.
//   - What is not known is missing: nothing is held on to, and nothing is
//     interpolated. A mix that lacks a type which is usual at that hour, or most of
//     the load, is no mix.
//   - A provider has one request on its way at most, is asked less and less often
//     while it fails, and is left alone for as long as it asks for. What it answers is
//     bounded. Redirects are not followed.
//   - Keys come from files or the environment and are read anew each time. None is
//     in an error, a log line, a description or a file.
package carbon
