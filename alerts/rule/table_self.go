package rule

import (
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// agents are the collectors.
func agents() []Rule {
	return []Rule{
		{
			// The spool of the ledger lane takes 128 MiB unless it is set otherwise, which is 30
			// days of an ordinary host; half of it is two weeks without the aggregator.
			Name: "SpoolFilling", Severity: Warning, Owner: Platform, Level: Host, For: 5 * minute, Hold: 10 * minute, Board: boardSelf,
			Summary:  "Records wait on the disk of " + onHost,
			Evidence: "{{ $value | humanize1024 }}B of the ledger lane are not acknowledged by the aggregator. Nothing is lost yet.",
			Do:       "See whether others wait as well: all of them are the aggregator or the bus, one is its network or its credentials.",
			Watch:    &Watch{Metric: metric.AgentSpoolBytes, Points: []uint32{1}, Test: Above, Fire: 64 << 20, Clear: 32 << 20},
			Prom:     by(Host, `agent_spool_bytes{lane="ledger"} >= 67108864`),
		},
		{
			Name: "SpoolDropping", Severity: Warning, Owner: Platform, Level: Host, Hold: 10 * minute, Board: boardSelf,
			Summary:  theHost + " gives up what waits on its disk",
			Evidence: count + " batches in ten minutes: its spool is full or they were too old. Of the ledger lane records are thinned, and no energy is lost.",
			Do:       "See in its collector's log why it does not reach the bus.",
			Watch:    &Watch{Metric: metric.AgentSpoolDropped, Points: []uint32{0, 1}, Test: RateAbove, Fire: 1, Clear: 1, Over: 10 * minute},
			Prom:     by(Host, `increase(agent_spool_dropped_total[10m]) > 0.5`),
		},
		{
			Name: "SpoolWriteFailing", Severity: Warning, Owner: Platform, Level: Host, For: minute, Hold: 10 * minute, Board: boardHost,
			Summary:  "The collector of " + onHost + " cannot write to its disk",
			Evidence: "The disk of its spool is full, read only or broken. It goes on, and keeps in memory what the aggregator has not confirmed: that is lost if it ends.",
			Do:       "Make room on that disk, or have it replaced. Until it takes writes again, restart neither the collector nor the host.",
			Judged:   &Judged{Causes: []string{"spool_refused"}},
			Prom:     by(Host, `agent_source_stale{sensor="`+metric.DiskSensor+`"} == 1`),
		},
		{
			// The kernel's own bound grows by 0.5 ms a second while nothing sets the clock: half a
			// second is a quarter of an hour without NTP. Readings are booked by the host's clock.
			Name: "ClockSkew", Severity: Warning, Owner: Platform, Level: Host, For: 5 * minute, Hold: 5 * minute, Board: boardHost,
			Summary:  "The clock of " + onHost + " is not set by anything",
			Evidence: "It may be wrong by {{ $value | humanizeDuration }}; readings are booked by it.",
			Do:       "Run chronyc tracking on the host, or timedatectl; start chronyd.",
			Watch:    &Watch{Metric: metric.AgentClockError, Test: Above, Fire: 0.5, Clear: 0.25},
			Prom:     by(Host, `agent_clock_error_seconds >= 0.5`),
		},
		{
			// Whoever goes on is put there again within a minute of its release. HostSilent says
			// nothing of it: it speaks, and nobody listens.
			Name: "AgentQuarantined", Severity: Critical, Owner: Platform, Level: Host, Hold: 5 * minute, Board: boardHost,
			Summary:  theHost + " is in quarantine: it sends what no collector sends",
			Evidence: "It forged or damaged 30 batches within a minute. Nothing of it is shown or booked now; what a collector reads meanwhile waits on its disk.",
			Do:       "See who is on that host and what runs there. Broken into: aggregator bus revoke. All well: aggregator quarantine -release.",
			Judged:   &Judged{Causes: []string{"quarantined"}},
			Prom:     by(Host, `gigawatch_health_quarantined == 1`),
		},
	}
}

// itself is the aggregator. Its own metrics have no site unless one is named.
func itself() []Rule {
	const here = "the aggregator {{ $labels.instance }}"
	const here2 = "The aggregator {{ $labels.instance }}"
	const (
		certificate = `The certificate "{{ $labels.certificate }}" of `
		until       = `((gigawatch_certificate_expiry_timestamp_seconds > 0) - time()) / 86400`
		without     = "Without that of the page dashboards and API clients are refused, without those of the bus the site goes blind."
		left        = "{{ if lt $value 0.0 }}expired{{ else }}valid for another {{ $value | printf \"%.1f\" }} days{{ end }}. "
		renew       = "Renew it in place: the aggregator takes the new files by itself."
	)
	self := func(expr string, others ...string) string { return by(Aggregator, expr, others...) }
	return []Rule{
		{
			Name: "LedgerNotAdvancing", Severity: Critical, Owner: Platform, Level: Site, For: minute, Hold: 2 * minute, Board: boardSelf,
			Summary:  "The ledger of " + ofSite + " does not advance",
			Evidence: "Nothing was booked for two minutes, though hosts are expected. Collectors keep their records until it does; nothing is lost for 30 days.",
			Do:       "Ask the aggregator's /readyz what is behind; then look at its log, its disk, the bus.",
			// A site without any counter of energy has nothing to book.
			Ask: by(Site, `site_hosts{state="expected"} > 0`) +
				` and on (site) max_over_time(site_energy_joules_total[1d:10m])` +
				` unless on (site) time() - timestamp(site_energy_joules_total) < 120`,
		},
		{
			// An hour waits two hours for agents that are behind, and is sealed then.
			Name: "HoursSealedLate", Severity: Warning, Owner: Energy, Level: Site, For: 10 * minute, Hold: hour, Board: boardReport,
			Summary:  "Hours of " + ofSite + " are not sealed in time",
			Evidence: "The newest sealed hour ended {{ $value | humanizeDuration }} ago; three hours are usual.",
			Do:       "Look at the aggregator's log for what keeps an hour open, and at the disk of the ledger.",
			Ask:      by(Site, `time() - site_sealed_timestamp_seconds`) + ` > 14400 and on (site) site_hosts{state="reporting"} > 0`,
		},
		{
			Name: "TelemetryBehind", Severity: Warning, Owner: Platform, Level: Aggregator, For: minute, Hold: 2 * minute, Board: boardSelf,
			Summary:  here2 + " is behind with telemetry",
			Evidence: "What it shows is {{ $value | humanizeDuration }} old: alerts are as late.",
			Do:       "Look at its load and at the bus; after a restart it catches up by itself.",
			Ask:      self(`gigawatch_stream_telemetry_lag_seconds`) + ` > 15`,
			Still:    self(`gigawatch_stream_telemetry_lag_seconds`) + ` > 8`,
		},
		{
			Name: "LedgerCommitFailing", Severity: Critical, Owner: Platform, Level: Aggregator, Hold: 5 * minute, Board: boardSelf,
			Summary:  here2 + " cannot write its ledger",
			Evidence: count + " commits failed in five minutes. Collectors keep what is not committed.",
			Do:       "Look at the disk of the data folder: full, read-only, gone? Then the log.",
			Ask:      self(`increase(gigawatch_stream_commit_failures_total[5m]) > 0`),
		},
		{
			Name: "LedgerDamaged", Severity: Critical, Owner: Platform, Level: Aggregator, Hold: hour, Board: boardSelf,
			Summary:  "The ledger's state at " + here + " was lost and made anew",
			Evidence: "Neither of its two snapshots could be read when it started; it goes on from sealed hours and what collectors send again.",
			Do:       "Run aggregator verify on the data folder; keep the damaged files; look at the disk (smartctl).",
			Ask:      self(`gigawatch_ledger_lost_states_total > 0`),
		},
		{
			Name: "StoreFailing", Severity: Critical, Owner: Platform, Level: Aggregator, For: minute, Hold: 5 * minute, Board: boardSelf,
			Summary:  here2 + " cannot store samples",
			Evidence: count + " refusals in five minutes. The present and the ledger go on; graphs have a hole.",
			Do:       "Look at the disk of the data folder, then at the log (store refuses).",
			Ask:      self(`increase(gigawatch_recording_store_failures_total[5m]) > 0 or increase(gigawatch_store_wal_write_failures_total[5m]) > 0`),
		},
		{
			Name: "DataDiskFilling", Severity: Warning, Owner: Platform, Level: Aggregator, For: 5 * minute, Hold: 10 * minute, Board: boardSelf,
			Summary:  "The disk of " + here + " is filling",
			Evidence: share + " of it is free.",
			Do:       "Make room: a shorter retention of the store frees most. Never delete from the ledger's folder.",
			Ask:      self(`gigawatch_data_free_bytes / gigawatch_data_size_bytes < 0.15 or gigawatch_data_free_bytes == 0`),
			Known:    self(`gigawatch_data_free_bytes`),
			Still:    self(last(`gigawatch_data_free_bytes`) + ` / ` + last(`gigawatch_data_size_bytes`) + ` < 0.17`),
		},
		{
			Name: "DataDiskFull", Severity: Critical, Owner: Platform, Level: Aggregator, For: minute, Hold: 10 * minute, Board: boardSelf,
			Summary:  "The disk of " + here + " is all but full",
			Evidence: share + " of it is free. When it is full the bus stops taking records until it is restarted.",
			Do:       "Make room now: a shorter retention of the store. Never delete from the ledger's folder. Then restart the bus.",
			Ask:      self(`gigawatch_data_free_bytes / gigawatch_data_size_bytes < 0.05 or gigawatch_data_free_bytes == 0`),
			Known:    self(`gigawatch_data_free_bytes`),
			Still:    self(last(`gigawatch_data_free_bytes`) + ` / ` + last(`gigawatch_data_size_bytes`) + ` < 0.06`),
		},
		{
			// Three weeks leave time for a request, a fortnight of holidays and a mistake.
			Name: "CertificateExpiring", Severity: Warning, Owner: Platform, Level: Aggregator, Extra: []string{"certificate"}, For: hour, Hold: hour, Board: boardSelf,
			Summary:  certificate + here + " expires soon",
			Evidence: "It is valid for another " + count + " days. " + without,
			Do:       renew,
			Ask:      self(until, "certificate") + ` < 21`,
		},
		{
			Name: "CertificateExpired", Severity: Critical, Owner: Platform, Level: Aggregator, Extra: []string{"certificate"}, For: minute, Hold: hour, Board: boardSelf,
			Summary:  certificate + here + " expires within two days, or has",
			Evidence: "It is " + left + without,
			Do:       renew,
			Ask:      self(until, "certificate") + ` < 2`,
		},
		{
			Name: "CollectorCertificateExpiring", Severity: Warning, Owner: Platform, Level: Site, For: hour, Hold: hour, Board: boardSelf,
			Summary:  "Certificates of collectors of " + ofSite + " expire soon",
			Evidence: "The first of them is valid for another " + count + " days. Whose it is cannot speak to the bus then; most were made on one day.",
			Do:       "Renew them in place on the hosts: collectors take the new files by themselves.",
			Ask:      by(Site, `site_agent_certificate_left_seconds / 86400`) + ` < 21`,
		},
		{
			Name: "CollectorCertificateExpired", Severity: Critical, Owner: Platform, Level: Site, For: minute, Hold: hour, Board: boardSelf,
			Summary:  "Certificates of collectors of " + ofSite + " expire within two days, or have",
			Evidence: "The first of them is " + left + "What has expired cannot speak to the bus; most were made on one day.",
			Do:       "Renew them in place on the hosts now: collectors take the new files by themselves.",
			Ask:      by(Site, `site_agent_certificate_left_seconds / 86400`) + ` < 2`,
		},
		{
			Name: "BatchesRefused", Severity: Warning, Owner: Platform, Level: Aggregator, Extra: []string{"lane", "reason"}, For: 5 * minute, Hold: 10 * minute, Board: boardSelf,
			Summary:  here2 + " refuses what collectors send (lane {{ $labels.lane }}: {{ $labels.reason }})",
			Evidence: count + " batches in ten minutes.",
			Do:       "Its log names the collectors. Of future: their clocks are ahead. Of wrong_site: their credentials are another's.",
			// Duplicates and layouts that are asked for again are part of a restart. Of what an
			// agent in quarantine forged AgentQuarantined tells.
			Ask: self(`increase(gigawatch_stream_rejected_total{reason!~"duplicate|layout_unknown|quarantined"}[10m]) > 1`+
				` unless (increase(gigawatch_stream_rejected_total{reason=~"wrong_.*|oversized|magic|truncated|checksum|layout|corrupt"}[10m])`+
				` and on (instance) max_over_time(gigawatch_stream_quarantined_agents[10m]) > 0)`, "lane", "reason"),
		},
		{
			Name: "BusLostRecords", Severity: Warning, Owner: Platform, Level: Aggregator, Hold: hour, Board: boardSelf,
			Summary:  "The bus of " + here + " lost records that it had taken",
			Evidence: "Gaps in an hour: " + count + ". Collectors send again what was not acknowledged; the bus's disk is not to be trusted.",
			Do:       "Look at the bus's disk (smartctl, dmesg) and its log.",
			Ask:      self(`increase(gigawatch_stream_ledger_stream_gaps_total[1h]) > 0`),
		},
		{
			// Full telemetry loses its oldest, and is no reason; of the disk both lanes are stuck.
			Name: "BusKeepsNothing", Severity: Critical, Owner: Platform, Level: Aggregator, Extra: []string{"stream"}, For: 30 * time.Second, Hold: minute, Board: boardSelf,
			Summary:  "The bus of " + here + " keeps nothing that is sent (stream {{ $labels.stream }})",
			Evidence: "Messages pass by that its stream does not take. Collectors keep their records on disk, for 30 days; what is live stands still.",
			Do:       "Its log says why. A disk that was full: make room, then restart the bus. A limit that is reached: raise bus.ledger_bytes.",
			Ask:      self(`gigawatch_bus_stream_stuck == 1`, "stream"),
		},
		{
			Name: "SiteFileRefused", Severity: Warning, Owner: Platform, Level: Aggregator, Extra: []string{"site"}, For: 5 * minute, Hold: 5 * minute, Board: boardSelf,
			Summary:  "The site file of {{ $labels.site }} is not in order",
			Evidence: "What it said before stays in force.",
			Do:       "Run aggregator site -check -file FILE: it says what is wrong, by line.",
			Ask:      self(`gigawatch_site_file_refused == 1`, "site"),
		},
		{
			Name: "SeriesRefused", Severity: Warning, Owner: Platform, Level: Aggregator, For: 5 * minute, Hold: 10 * minute, Board: boardSelf,
			Summary:  here2 + " does not store new series of a host, which adds too many",
			Evidence: count + " samples in ten minutes. Series that there were go on, and so do the present and the ledger.",
			Do:       "Its log names the host (adds too many series): see which name or label there changes all the time.",
			Ask:      self(`increase(gigawatch_store_samples_dropped_total{reason="too_many_new_series"}[10m]) > 0`),
		},
		{
			Name: "RemoteWriteFailing", Severity: Warning, Owner: Platform, Level: Aggregator, Extra: []string{"remote"}, For: 10 * minute, Hold: 10 * minute, Board: boardSelf,
			Summary:  "Samples of " + here + " do not reach {{ $labels.remote }}",
			Evidence: count + " were given up in ten minutes.",
			Do:       "Look at the remote's own log: full, refused, or its credentials.",
			Ask:      self(`increase(gigawatch_store_remote_samples_failed_total[10m]) > 0`, "remote"),
		},
	}
}

// path is what tells that alerts themselves arrive.
func path() []Rule {
	return []Rule{
		{
			// It fires for ever. Who hears no more of it calls somebody: deploy/alertmanager.
			Name: "Watchdog", Severity: Notice, Owner: Platform, Level: Site, Hold: minute, Board: boardSelf,
			Summary:  "Gigawatch watches " + ofSite,
			Evidence: "Both lanes bring something new. This is as it should be: when it stops, the heartbeat service calls.",
			Do:       "Nothing. If it stopped, nobody is told of anything else: see whether the aggregator, the bus and Alertmanager run.",
			Judged:   &Judged{Causes: []string{Advancing}},
			Prom: by(Site, `time() - timestamp(site_hosts{state="reporting"}) < 60`) +
				` and on (site) time() - timestamp(site_energy_joules_total) < 180`,
		},
		{
			Name: "Canary", Severity: Notice, Owner: Platform, Level: Site, Hold: minute, Board: boardSelf,
			Summary:  "Test: the canary of " + ofSite + " is too hot",
			Evidence: "A board that does not exist gets too hot every ten minutes, so that the way of an alert is measured all the time.",
			Do:       "Nothing.",
			Judged:   &Judged{Causes: []string{Canary}},
			Prom:     by(Site, MetricCanaryHot+` == 1`),
		},
		{
			Name: "CanaryMissed", Severity: Critical, Owner: Platform, Level: Site, Hold: 5 * minute, Board: boardSelf, Direct: true,
			Summary:  "Test alerts of " + ofSite + " do not arrive",
			Evidence: count + " in a row were not confirmed: real ones may not arrive either.",
			Do:       "Run aggregator alert test -config FILE: it sends one along the real way. Then look at Alertmanager's log and routes.",
			Judged:   &Judged{Causes: []string{CanaryMissed}},
			Prom:     by(Site, MetricCanaryMissed+` >= 2`),
		},
		{
			Name: "AlertsSlow", Severity: Warning, Owner: Platform, Level: Site, For: 10 * minute, Hold: 10 * minute, Board: boardSelf,
			Summary:  "Alerts of " + ofSite + " arrive late",
			Evidence: "One in a hundred test alerts took {{ $value | humanizeDuration }} or longer; 20 s is the aim.",
			Do:       "Look at group_wait in Alertmanager, and at the aggregator's load.",
			Ask:      by(Site, MetricLatency+`{quantile="0.99"} > 20`),
			Still:    by(Site, MetricLatency+`{quantile="0.99"} > 18`),
		},
		{
			Name: "AlertsCapped", Severity: Critical, Owner: Platform, Level: Site, Hold: 5 * minute, Board: boardFleet,
			Summary:  "More alerts of " + ofSite + " fire than are sent",
			Evidence: "Held back: " + count + ". The status page counts them by rule; /api/v1/alerts of the aggregator names each.",
			Do:       "Look for what they have in common: place, model, time. It is one cause far more often than many.",
			Judged:   &Judged{Causes: []string{Capped}},
			Prom:     by(Site, MetricSuppressed+` > 0`),
		},
		{
			Name: "AlertsUndelivered", Severity: Critical, Owner: Platform, Level: Aggregator, For: 30 * time.Second, Hold: 5 * minute, Board: boardSelf, Direct: true,
			Summary:  "A receiver does not take alerts of the aggregator {{ $labels.instance }}",
			Evidence: "Receivers that fail: " + count + ". It is an Alertmanager, or the direct way past them.",
			Do:       "See which in the aggregator's log; amtool cluster show on the others.",
			Judged:   &Judged{Causes: []string{Undelivered}},
			Prom:     per(Aggregator, MetricUndelivered) + ` > 0`,
		},
	}
}
