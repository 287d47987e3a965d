// Package desk is where the reports of sites' years are made, looked at and signed:
// by the command and by the server alike.
//
//	             ┌──────────────── Desk ────────────────┐
//	site files ─▶│ Make ─ one at a time ─▶ Draft ─ kept │─▶ Report, Issues, Figure, File
//	   ledger ─▶│   ▲                       │           │
//	             │   └── what is in force    ▼           │
//	             │                 Step: state, who, which record
//	             └───────────────────────────┼───────────┘
//	                                         ▼
//	                  Folder: SITE/YEAR/steps, v1.json, v2.json … lock
//
// Invariants:
//   - A draft is made of hours that were held against their log, or not at all; the
//     error names the hour that was changed.
//   - A draft is kept until anything that it is made of changes, and no longer than
//     some minutes. What is locked is made anew.
//   - Records are made one at a time. Who waits longer than they have is told to come
//     again, and what is being made goes on; how many wait is bounded.
//   - A step is on a record that its taker names by its hash: nobody signs another
//     than they looked at.
//   - Who locked a record does not approve it. Of a step by the server, who took it is
//     a principal that it knew; nobody without a name takes one there.
//   - Files of records are written once, and steps only added, in one piece, under a
//     lock that all processes respect.
package desk
