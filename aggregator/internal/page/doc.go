// Package page is the status page: one screen that tells a site's engineer how
// much power the site draws, where it goes, and which part of it needs a look.
// It is plain files compiled into the program; it needs no other server, no
// internet and no build step, and asks the aggregator for everything it shows.
//
//	 browser                                   aggregator
//	┌──────────────────────────────┐  GET /   ┌──────────────────────┐
//	│ index.html ─ theme.css ─ …   │ ◀─────── │ page.Handler         │
//	│                              │          │                      │
//	│ app.js ── contact.js ──────────────────▶│ GET /api/v1/status   │
//	│   ├ view.js   cards          │  1 Hz    │   ?since=MS&site=NAME│
//	│   ├ chart.js  15 minutes     │          └──────────────────────┘
//	│   ├ racks.js  every rack     │
//	│   ├ figures.js  WUE to cost, │
//	│   │   power tree, site file  │
//	│   ├ machines.js  a few hosts │
//	│   ├ sites.js  one tab a site │
//	│   └ fleet.js  a hub's table  │
//	└──────────────────────────────┘
//
// Beside it stands the page of reports, under /report, for the energy manager:
//
//	report.html ─ report.js ─▶ /api/v1/report, …/SITE/YEAR, …/issues     which report, how far it has come, what is to be done
//	  ├ reportview.js   figures, issues, who did what
//	  ├ reportdrill.js ─▶ …/figure/KEY?at=2026-03-14T12Z                 months, days, hours, meters behind a figure
//	  │   └ proof.js    that the hour stands in the ledger's log, checked in the browser
//	  └ reportstep.js ──▶ POST …/validate lock approve submit correct    the next step, on the record that is on screen
//
// The chart library is copied beside the page by the package.json here. A build
// without it shows every figure and says why there is no chart.
//
// # Status
//
// The page asks for api/v1/status?since=MS&site=NAME, relative to its own
// address. Since is a time in unix milliseconds (0 at first): history older than
// it may be left out. Site is the site on screen: halls, worst_gpus and history
// of other sites may be left out. Both may be ignored. Sites come in the order
// of the tabs; the first is shown until the reader chooses. All times are unix
// milliseconds, and a figure that is not known is null, with its reason:
//
//	{
//	  "now": 1795366000123,
//	  "version": "0.1.0",               // another version makes the page reload itself
//	  "hub": "hub.example.org",         // left out by all but a hub
//	  "sites": [{
//	    "site": "demo", "simulated": true, "zone": "DE-LU",
//	    "time_zone": "Europe/Luxembourg",                // of the IANA database; times of day on the page are in it
//	    "site_file": {"version": "1f0c…",                // null: no file describes the site
//	      "taken": 1795305600000, "refused": ""},        // refused: why what stands in the file now is not in force
//	    "hub": {                                         // left out by all but a hub: how the site is heard there
//	      "heard": 1795366000123, "silent_seconds": 3.1, // heard null: not yet, for so long since the hub started
//	      "present": true,                               // what it said is of now
//	      "sealed": 1795363200000, "behind": 0,          // its hours are there up to then; hours on the way, null: not known
//	      "refused": "",                                 // why nothing more of its log is taken
//	      "gpu_states": {"ok": 127, "lost": 1},
//	      "halls": [{"hall": "h01", "watts": 400123, "racks": 8, "hosts": {…}, "gpus": 512, "gpus_ok": 511}]},
//	    "hosts": {"expected": 16, "reporting": 16},      // null: not known
//	    "gpus": {"expected": 128, "reporting": 127},
//	    "power": {                                       // watts, a gauge
//	      "facility": {"watts": 123456.7, "coverage": 1, "reason": ""},
//	      "it": {"watts": 101777.0, "coverage": 1, "reason": "", "category": 1,
//	        "note": "a backup stands in for a meter"},   // or left out
//	      "host": {…}, "gpu": {…}
//	    },
//	    "history": {                                     // up to 900 points, watts or null
//	      "start": 1795365100000, "step": 1000,          // the first point, and to the next
//	      "facility": [123456.7, null], "it": […], "host": […], "gpu": […]
//	    },
//	    "today": {                                       // what PUE, carbon and energy of today are of; null: nothing is known
//	      "from": 1795305600000, "to": 1795366020000,    // since the site's midnight or its first minute, to the end of this one
//	      "asked": 1795365998000                         // when the ledger was asked, which is after each of its commits
//	    },
//	    "pue": {"value": 1.213, "category": 1, "coverage": 0.998, "coverage_needed": 0.95,   // needed once the day is over
//	      "from": 1795305600000, "to": 1795366020000, "interim": true,
//	      "reason": "", "detail": "",                    // "no metered PUE", and why
//	      "quality": {"measured": 0.98, "integrated": 0.02}, "flags": [], "wrong": false},   // wrong: it must not be reported
//	    "figures": [                                     // wue cue erf ref carbon_location carbon_market carbon_scope1 cost
//	      {"kpi": "wue", "unit": "litres_per_kwh", …,    // the rest as of PUE
//	       "method": "…", "grid": [{"provider": "entsoe", "tier": "2", "zone": "DE-LU", "revised": false, "share": 1}]}
//	    ],
//	    "power_tree": {"from": 1795305600000, "to": 1795327200000, "reason": "",
//	      "odd": 1, "unknown": 0, "all": 38,             // of which stages holds some, the odd ones first
//	      "stages": [{"stage": "meter", "name": "ups-03", "above_kwh": 107.9, "below_kwh": 113.8, "children": 17,
//	        "gap_percent": -5.44, "low_percent": -2, "high_percent": 2, "coverage": 1,
//	        "finding": "exceeds", "missing": [], "hint": "…"}]},   // ok lacking exceeds unknown
//	    "carbon": {"grams_per_kwh": 312.4, "tonnes_today": 0.0123, "reason": "", "zone": "DE-LU",
//	      "factor": "lifecycle", "provider": "simulated", "tier": "1", "grid": []},   // grid: of today's, as in figures
//	    "energy_today": {
//	      "facility": {"kwh": 12.3, "millijoules": "44280000000", "coverage": 0.99, "reason": ""},
//	      "it": {…}, "host": {…}, "gpu": {…}
//	    },
//	    "freshness_seconds": 0.41,                       // age of the newest reading; null: none yet
//	    "halls": [{"hall": "h01", "watts": 400123, "racks": [   // watts null: "reason" says why, as of a rack
//	      {"rack": "r0001", "watts": 50123, "rated_watts": 90000, "hosts": 8, "reporting": 8,
//	       "gpus": 64, "gpus_ok": 63, "gpu_celsius_max": 71, "state": "ok"}   // ok warn bad silent
//	    ]}],
//	    "worst_gpus": [                                  // worst first, ten are shown
//	      {"host": "n00007", "gpu": "3", "uuid": "GPU-…", "model": "NVIDIA H200", "rack": "r0001",
//	       "celsius": 84, "watts": 690, "state": "ok", "why": ["84 °C"]}      // gpu_state's states
//	    ],
//	    "alerts": [                                      // null, with alerts_reason: no rules loaded
//	      {"name": "RackDown", "severity": "critical", "summary": "…", "since": 1795365990000,   // critical warning info
//	       "evidence": "…", "do": "…", "beneath": 72,    // so many more are part of it, and are not sent
//	       "of": "aggregator"}                           // of no site; who sees some sites only is not told what it says
//	    ],
//	    "agents": {"known": 18, "silent": 0,
//	      "refused": 1,                                  // something of so many is not counted: another reports it, and came first
//	      "refusals": ["agent n1-b: host n1 not counted, as agent n1-a came first"]},
//	    "machines": [                                    // null: more than eight hosts, which have no room
//	      {"host": "vm", "reporting": true, "cpu_ratio": 0.31, "load1": 0.9,
//	       "memory_used_bytes": 5658619412, "memory_total_bytes": 16771847291,
//	       "disk_used_ratio": 0.13,                      // of the fullest file system
//	       "celsius_max": null}                          // of the hottest sensor; null: not measured
//	    ]
//	  }],
//	  "bus": {"telemetry_lag_seconds": 0.2, "ledger_lag_seconds": 3.1}
//	}
//
// Invariants:
//   - What is not known is said in words where the number would be; it is never 0.
//   - A simulated site is marked wherever it appears, and enters no sum.
//   - Figures older than a few seconds are grey, and a banner says how old.
//   - The page speaks to its own origin only; the content security policy holds it to that.
package page
