package scene

import (
	"fmt"
	"time"
)

// counts are how many hosts there should be and how many report.
func counts(s Series, metric, labels string, expected, reporting int) Series {
	s[fmt.Sprintf(`%s{%s,state="expected"}`, metric, labels)] = fmt.Sprintf("%dx200", expected)
	s[fmt.Sprintf(`%s{%s,state="reporting"}`, metric, labels)] = fmt.Sprintf("%dx170 %dx30", expected, reporting)
	return s
}

func places() map[string]Scene {
	hall := func(r1, r2 int) Series {
		s := counts(Series{}, "hall_hosts", "@hall", 36, r1+r2)
		counts(s, "rack_hosts", `@hall,rack="r1"`, 18, r1)
		return counts(s, "rack_hosts", `@hall,rack="r2"`, 18, r2)
	}
	site := func(h1, h2 int) Series {
		s := counts(Series{}, "site_hosts", "@site", 100, h1+h2)
		counts(s, "hall_hosts", `@site,hall="h1"`, 50, h1)
		return counts(s, "hall_hosts", `@site,hall="h2"`, 50, h2)
	}
	return map[string]Scene{
		"RackDown":         {Fires: counts(Series{}, "rack_hosts", "@rack", 18, 3), Quiet: counts(Series{}, "rack_hosts", "@rack", 18, 14)},
		"HallDown":         {Fires: hall(0, 0), Quiet: hall(0, 18)},
		"SiteDown":         {Fires: site(0, 20), Quiet: site(0, 50)},
		"TelemetryBlind":   {Fires: counts(Series{}, "site_hosts", "@site", 100, 0), Quiet: counts(Series{}, "site_hosts", "@site", 100, 20)},
		"SiteHostsMissing": is(`site_hosts{@site,state="expected"}`, "100x200", "97x200").with(Series{`site_hosts{@site,state="reporting"}`: "97x200"}),
	}
}

// with is s with more series in both.
func (s Scene) with(more Series) Scene {
	for name, values := range more {
		s.Fires[name], s.Quiet[name] = values, values
	}
	return s
}

// lasts is s, looked at later, with fewer values.
func (s Scene) lasts(every, at time.Duration) Scene {
	s.Every, s.At = every, at
	return s
}

// called is s with a label besides the level's.
func (s Scene) called(label, value string) Scene {
	s.Extra = map[string]string{label: value}
	return s
}

func power() map[string]Scene {
	const second = `site="s1",hall="h1",rack="r1",meter="m2",role="pdu_output"`
	feed := Series{`rack_feed_rating_watts{@rack}`: "100000x200"}
	contract := Series{`site_grid_contract_watts{@site}`: "100000000x200"}
	swing := is(`site_power_watts{@site,boundary="it"}`, "80000000x115 60000000x60", "80000000x115 75000000x60").with(contract)
	two := is(`meter_power_watts{@meter,role="pdu_output"}`, "55000x200", "45000x200").with(feed).with(Series{`meter_power_watts{` + second + `}`: "50000x200"})
	two.Fires[`rack_power_watts{@rack,boundary="it"}`], two.Quiet[`rack_power_watts{@rack,boundary="it"}`] = "105000x200", "95000x200"
	return map[string]Scene{
		"RackOverFeed":          is(`meter_power_watts{@meter,role="pdu_output"}`, "104000x200", "99000x200").with(feed),
		"RackNearFeed":          is(`meter_power_watts{@meter,role="pdu_output"}`, "85000x200", "75000x200").with(feed),
		"RackFeedsNotRedundant": two,
		"RackFeedImbalance":     is(`meter_power_watts{@meter,role="pdu_output"}`, "20000x200", "45000x200").with(Series{`meter_power_watts{` + second + `}`: "50000x200"}),
		"RackOverRating":        is(`rack_power_watts{@rack,boundary="it"}`, "130000x200", "119000x200").with(Series{`rack_power_rating_watts{@rack}`: "120000x200"}),
		"SiteNearContract":      is(`site_grid_power_watts{@site}`, "93000000x200", "85000000x200").with(contract),
		"SiteOverContract":      is(`site_grid_power_watts{@site}`, "101000000x200", "99000000x200").with(contract),
		"SitePowerSwing":        swing.lasts(time.Second, 2*time.Minute),
	}
}

func meters() map[string]Scene {
	state := func(bad string) Scene {
		return Scene{Fires: Series{`meter_state{@meter,role="pdu_output",state="` + bad + `"}`: "1x200"}, Quiet: Series{`meter_state{@meter,role="pdu_output",state="ok"}`: "1x200"}}
	}
	return map[string]Scene{
		"MeterSilent":         state("silent"),
		"MeterFrozen":         state("frozen"),
		"MeterImplausible":    state("quarantined"),
		"ReconciliationGap":   is(`site_reconciliation_stages{@site,finding="exceeds"}`, "1x300", "0x300").with(Series{`site_reconciliation_stages{@site,finding="unknown"}`: "2x300"}).lasts(10*time.Second, 45*time.Minute),
		"CoolantSupplyHot":    is(`meter_temperature_celsius{@point,role="cooling"}`, "42x200", "39x200").with(Series{`site_coolant_limit_celsius{@site}`: "40x200"}),
		"CoolantSupplyRising": is(`meter_temperature_celsius{@point,role="cooling"}`, "20x120 20+0.1x80", "20x120 20+0.02x80"),
		"CoolantLeak":         is(`meter_leak_detected{@meter,role="cooling"}`, "0x170 1x30", "0x200"),
		"CoolantFlowLow":      is(`meter_flow_cubic_metres_per_second{@meter,role="cooling"}`, "0.02x200 0.01x40", "0.02x200 0.018x40").lasts(10*time.Second, 36*time.Minute),
	}
}

func report() map[string]Scene {
	const carbon = `grid_carbon_intensity_grams_per_kwh{@site,zone="DE-LU",factor="lifecycle",`
	fallback := Scene{
		Fires: Series{carbon + `provider="table",tier="5"}`: "300x200"},
		Quiet: Series{carbon + `provider="table",tier="5"}`: "300x200", carbon + `provider="entsoe",tier="2"}`: "280x200"},
	}
	return map[string]Scene{
		"PUEAbovePlan":       is(`site_pue_ratio{@site,category="1"}`, "1.4x200", "1.25x200").with(Series{`site_pue_plan_ratio{@site}`: "1.3x200"}).lasts(time.Minute, 3*time.Hour),
		"CoverageLow":        is(`site_coverage_ratio{@site,boundary="it"}`, "0.93x200", "0.995x200").with(Series{`site_coverage_needed_ratio{@site}`: "0.99x200"}).lasts(time.Minute, 2*time.Hour).called("boundary", "it"),
		"CarbonFeedFallback": fallback.lasts(time.Minute, 3*time.Hour).called("zone", "DE-LU"),
		"CarbonFeedMissing":  is(carbon+`provider="entsoe",tier="2"}`, "300x60 stale", "300x200").lasts(time.Minute, 2*time.Hour).called("zone", "DE-LU"),
		"YearlyLimitAtRisk":  is(`site_year_forecast_ratio{@site,figure="energy"}`, "1.07x300", "0.96x300").lasts(2*time.Minute, 8*time.Hour).called("figure", "energy"),
	}
}
