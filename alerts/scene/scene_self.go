package scene

import (
	"time"

	"github.com/gigawatch/gigawatch/alerts/rule"
)

func itself() map[string]Scene {
	booked := func(fires, quiet string) Scene {
		return is(`site_energy_joules_total{@site,boundary="it"}`, fires, quiet).with(Series{
			`site_hosts{@site,state="expected"}`: "10x200", `site_hosts{@site,state="reporting"}`: "10x200",
		})
	}
	free := func(fires, quiet string) Scene {
		return is(`gigawatch_data_free_bytes{@self}`, fires, quiet).with(Series{`gigawatch_data_size_bytes{@self}`: "1000x200"})
	}
	unsealed := Series{`site_sealed_timestamp_seconds{@site}`: "0x200", `site_hosts{@site,state="reporting"}`: "10x200"}
	heard := func(hosts, booked string) Series {
		return Series{`site_hosts{@site,state="reporting"}`: hosts, `site_energy_joules_total{@site,boundary="it"}`: booked}
	}
	refused := is(`gigawatch_stream_rejected_total{@self,lane="ledger",reason="future"}`, "0+1x200", "3x200")
	refused.Extra = map[string]string{"lane": "ledger", "reason": "future"}
	forged := func(held string) Series {
		return Series{`gigawatch_stream_rejected_total{@self,lane="ledger",reason="wrong_site"}`: "0x150 30x50", `gigawatch_stream_rejected_total{@self,lane="ledger",reason="quarantined"}`: "0x150 0+9x50",
			`gigawatch_stream_quarantined_agents{@self}`: held}
	}
	refused = refused.and("is quiet of what AgentQuarantined tells of", false, forged("0x150 1x10 0x40")).
		and("fires of clocks though somebody is in quarantine", true, Series{`gigawatch_stream_rejected_total{@self,lane="ledger",reason="future"}`: "0+1x200", `gigawatch_stream_quarantined_agents{@self}`: "1x200"})
	return map[string]Scene{
		"LedgerNotAdvancing": booked("0+100x60 _x140", "0+100x200"),
		"HoursSealedLate": is(`site_sealed_timestamp_seconds{@site}`, "0x200", "0+120x200").with(Series{`site_hosts{@site,state="reporting"}`: "10x200"}).lasts(2*time.Minute, 6*time.Hour).
			and("is quiet after four hours and eight minutes", false, unsealed).lasting(2*time.Minute, 4*time.Hour+8*time.Minute).
			and("fires after four hours and twelve", true, unsealed).lasting(2*time.Minute, 4*time.Hour+12*time.Minute),
		"TelemetryBehind": is(`gigawatch_stream_telemetry_lag_seconds{@self}`, "40x200", "2x200").
			apart(30*time.Minute, `gigawatch_stream_telemetry_lag_seconds{@self}`, "40", "10", "2"),
		"LedgerCommitFailing":          is(`gigawatch_stream_commit_failures_total{@self}`, "0x170 4x30", "4x200"),
		"LedgerDamaged":                is(`gigawatch_ledger_lost_states_total{@self}`, "1x200", "0x200"),
		"StoreFailing":                 is(`gigawatch_recording_store_failures_total{@self}`, "0+1x200", "9x200"),
		"DataDiskFilling":              free("120x200", "300x200").apart(45*time.Minute, `gigawatch_data_free_bytes{@self}`, "120", "160", "180").gone(`gigawatch_data_free_bytes{@self}`, "120"),
		"DataDiskFull":                 free("30x200", "120x200").apart(45*time.Minute, `gigawatch_data_free_bytes{@self}`, "30", "55", "70").gone(`gigawatch_data_free_bytes{@self}`, "30"),
		"CertificateExpiring":          is(`gigawatch_certificate_expiry_timestamp_seconds{@self,certificate="bus"}`, "1000000x200", "9000000x200").lasts(time.Minute, 2*time.Hour).called("certificate", "bus"),
		"CollectorCertificateExpiring": is(`site_agent_certificate_left_seconds{@site}`, "1728000x200", "2592000x200").lasts(time.Minute, 2*time.Hour),
		"CollectorCertificateExpired": is(`site_agent_certificate_left_seconds{@site}`, "86400x200", "259200x200").
			and("fires when it has", true, Series{`site_agent_certificate_left_seconds{@site}`: "-3600x200"}),
		"CertificateExpired": is(`gigawatch_certificate_expiry_timestamp_seconds{@self,certificate="bus"}`, "100000x200", "1000000x200").lasts(time.Minute, time.Hour).called("certificate", "bus").
			and("fires when it has", true, Series{`gigawatch_certificate_expiry_timestamp_seconds{@self,certificate="bus"}`: "60x200"}).
			and("is quiet when it cannot be read", false, Series{`gigawatch_certificate_expiry_timestamp_seconds{@self,certificate="bus"}`: "0x200"}),
		"BatchesRefused":     refused,
		"AgentQuarantined":   is(`gigawatch_health_quarantined{@self,@host}`, "_x170 1x30", "0x200"),
		"BusLostRecords":     is(`gigawatch_stream_ledger_stream_gaps_total{@self}`, "0x170 1x30", "1x200"),
		"BusKeepsNothing":    is(`gigawatch_bus_stream_stuck{@self,stream="LEDGER"}`, "1x200", "0x200").called("stream", "LEDGER"),
		"SiteFileRefused":    is(`gigawatch_site_file_refused{@self,site="s1"}`, "1x200", "0x200").called("site", "s1"),
		"SeriesRefused":      is(`gigawatch_store_samples_dropped_total{@self,reason="too_many_new_series"}`, "0+10x200", "70x200"),
		"RemoteWriteFailing": is(`gigawatch_store_remote_samples_failed_total{@self,remote="central"}`, "0+10x200", "70x200").called("remote", "central"),
		"Watchdog": booked("0+100x200", "0+100x60 _x140").
			and("fires a minute after hosts were last heard, and one more", true, heard("10x169", "0+100x200")).
			and("is over after that", false, heard("10x167", "0+100x200")).
			and("fires three minutes after something was last booked, and one more", true, heard("10x200", "0+100x157")).
			and("is over after that, too", false, heard("10x200", "0+100x155")),
		"Canary":       is(rule.MetricCanaryHot+`{@self,site="s1"}`, "0x178 1x22", "0x200"),
		"CanaryMissed": is(rule.MetricCanaryMissed+`{@self,site="s1"}`, "0x170 2x30", "1x200"),
		"AlertsSlow": is(rule.MetricLatency+`{@self,site="s1",quantile="0.99"}`, "31x200", "12x200").
			apart(45*time.Minute, rule.MetricLatency+`{@self,site="s1",quantile="0.99"}`, "31", "19", "12"),
		"AlertsCapped":      is(rule.MetricSuppressed+`{@self,site="s1"}`, "0x170 40x30", "0x200"),
		"AlertsUndelivered": is(rule.MetricUndelivered+`{@self,receiver="am-1"}`, "1x200", "0x200"),
	}
}
