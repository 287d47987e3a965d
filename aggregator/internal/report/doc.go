// Package report makes of a site's year in the ledger, and of what its operator
// states, the record that is reported: Delegated Regulation (EU) 2024/1364, and the
// rules that amend it or stand beside it.
//
//	sealed hours ─▶ branches by the quarter ─▶ sums, gaps, months ─┐
//	site file ────▶ entries, contracts, set points, people ────────┼─▶ Build ─▶ Record ─┬─▶ json, csv, xlsx, pdf
//	temperatures ─▶ cooling degree days ───────────────────────────┤     ▲              └─▶ Filing: locked, approved,
//	rules/*.yaml ─▶ Set: which figures, units, roundings, limits ──┘     │                  submitted, corrected
//	other sites, earlier records ─▶ double counts, year on year ─────────┘
//
// Beside the record stand statements of the same hours: of jobs at four boundaries, of
// tenants, whose rows sum to the site; and of records: of all sites, and for ESRS E1.
// Each is JSON, and a [leaflet] of which CSV, workbook and document are made; in what
// is kept of them jobs and tenants are called by keys.
//
// Invariants:
//   - It is pure: no file, no clock, no network. The same books, statements and
//     rules give the same record, byte for byte.
//   - Energy and water are integers of millijoules and millilitres up to the figure,
//     which is converted and rounded once, as its rule set says.
//   - Every figure has its quality, how much of the period it covers, its meters or
//     its evidence; or it is missing and says why. Missing is never zero.
//   - Which figures there are, in which unit and by which limits, is data: a Set of
//     rules, of the periods for which it is in force. What is not known of rules is
//     marked so there.
//   - A record that was locked is never made anew under later rules: it is kept as
//     it was, and what corrects it is another version under the same rules.
//   - What was not read of a meter is estimated by what it showed at other times,
//     told apart from what was read, and never counts as covered.
//   - A figure of the rules to come is a preview: never official.
//
// An output format rests on Record alone. What sends a record to the authority
// implements [Channel]; the interface of the European database is not public.
package report
