package rule

// What the evaluation of alerts shows of itself, for rules of the table.
const (
	// MetricLatency is how long canaries took from their board being hot to the word
	// that somebody was told: a summary with the label site.
	MetricLatency = "gigawatch_alert_e2e_latency_seconds"
	// MetricCanaryHot is 1 while the canary of a site is too hot; label site.
	MetricCanaryHot = "gigawatch_alert_canary_hot"
	// MetricCanaryMissed is how many canaries in a row nobody said to have been told
	// of; label site.
	MetricCanaryMissed = "gigawatch_alert_canaries_missed"
	// MetricSuppressed is how many alerts fire and are not sent because of the caps;
	// label site.
	MetricSuppressed = "gigawatch_alerts_capped"
	// MetricUndelivered is 1 while a receiver does not take alerts; label receiver.
	MetricUndelivered = "gigawatch_alert_receiver_failing"
)
