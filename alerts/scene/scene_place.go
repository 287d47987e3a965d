package scene

import (
	"fmt"
	"maps"
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
	// pair is a hall of two racks, or a site of two halls, each with so many hosts, of which
	// so many report; there may be more that stand in none.
	pair := func(of string, expected, each, first, second int) Series {
		s, inner := Series{}, map[string]string{"hall": "rack", "site": "hall"}[of]
		counts(s, of+"_hosts", "@"+of, expected, expected-2*each+first+second)
		counts(s, inner+"_hosts", fmt.Sprintf(`@%s,%s="a"`, of, inner), each, first)
		return counts(s, inner+"_hosts", fmt.Sprintf(`@%s,%s="b"`, of, inner), each, second)
	}
	return map[string]Scene{
		"RackDown": Scene{Fires: counts(Series{}, "rack_hosts", "@rack", 18, 3), Quiet: counts(Series{}, "rack_hosts", "@rack", 18, 14)}.
			and("fires for all of a small rack", true, counts(Series{}, "rack_hosts", "@rack", 2, 0)).
			and("is quiet for one of a small rack", false, counts(Series{}, "rack_hosts", "@rack", 2, 1)).
			and("is quiet for a rack of one, which is its host", false, counts(Series{}, "rack_hosts", "@rack", 1, 0)).
			and("fires for 30 %", true, counts(Series{}, "rack_hosts", "@rack", 20, 14)).
			and("is quiet for a quarter", false, counts(Series{}, "rack_hosts", "@rack", 20, 15)).
			and("fires for five", true, counts(Series{}, "rack_hosts", "@rack", 16, 11)).
			and("is quiet for four", false, counts(Series{}, "rack_hosts", "@rack", 12, 8)),
		"HallDown": Scene{Fires: hall(0, 0), Quiet: hall(0, 18)}.
			and("fires for 30 %", true, pair("hall", 46, 20, 13, 13)).
			and("is quiet below", false, pair("hall", 47, 20, 13, 13)).
			and("fires for five", true, pair("hall", 6, 3, 0, 1)).
			and("is quiet for four", false, pair("hall", 6, 3, 1, 1)).
			and("is quiet where one of its racks has 70 %", false, pair("hall", 40, 20, 2, 14)),
		"SiteDown": Scene{Fires: site(0, 20), Quiet: site(0, 50)}.
			and("fires for 30 %", true, pair("site", 46, 20, 13, 13)).
			and("is quiet below", false, pair("site", 47, 20, 13, 13)).
			and("fires for five", true, pair("site", 6, 3, 0, 1)).
			and("is quiet for four", false, pair("site", 6, 3, 1, 1)).
			and("is quiet where one of its halls has 70 %", false, pair("site", 40, 20, 2, 14)).
			and("is quiet where nobody reports, which is blindness", false, pair("site", 40, 20, 0, 0)),
		"TelemetryBlind": {Fires: counts(Series{}, "site_hosts", "@site", 100, 0), Quiet: counts(Series{}, "site_hosts", "@site", 100, 20)},
		"HostsNeverReported": is(`site_hosts{@site,state="known"}`, "997x400", "1000x400").with(Series{`site_hosts{@site,state="expected"}`: "1000x400"}).
			lasts(5*time.Minute, 26*time.Hour).
			and("is quiet where no file says who is expected", false, Series{`site_hosts{@site,state="expected"}`: "1000x400", `site_hosts{@site,state="reporting"}`: "990x400"}),
		"SiteHostsMissing": is(`site_hosts{@site,state="reporting"}`, "970x200", "992x200").with(Series{`site_hosts{@site,state="expected"}`: "1000x200"}).
			apart(time.Hour, `site_hosts{@site,state="reporting"}`, "970", "993", "997").
			and("fires for one of a small site", true, untold(16, 15, "firing", 0)).
			and("is quiet for one that HostSilent tells of", false, untold(16, 15, "firing", 1)).
			and("is quiet for a rack of which its parent tells", false, untold(144, 72, "suppressed", 72)).
			and("is quiet for hosts that came back and are held", false, untold(144, 144, "suppressed", 72)).
			and("fires for who is missing besides", true, untold(144, 70, "suppressed", 72)),
	}
}

// untold is a site some hosts of which do not report, and of some of those HostSilent
// has an alert.
func untold(expected, reporting int, state string, told int) Series {
	s := Series{`site_hosts{@site,state="expected"}`: fmt.Sprintf("%dx200", expected), `site_hosts{@site,state="reporting"}`: fmt.Sprintf("%dx200", reporting)}
	for i := range told {
		s[fmt.Sprintf(`ALERTS{alertname="HostSilent",alertstate="%s",severity="critical",owner="gpus",@rack,host="n%d"}`, state, i)] = "1x200"
	}
	return s
}

// with is s with more series in both.
func (s Scene) with(more Series) Scene {
	for name, values := range more {
		s.Fires[name], s.Quiet[name] = values, values
	}
	return s
}

// with is s with other values of some.
func (s Series) with(more Series) Series {
	out := maps.Clone(s)
	maps.Copy(out, more)
	return out
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
	const (
		load  = `meter_power_watts{@meter,role="pdu_output"}`
		drawn = `rack_power_watts{@rack,boundary="it"}`
		taken = `site_grid_power_watts{@site}`
		most  = `rack_power_rating_watts{@rack}`
		long  = 45 * time.Minute
	)
	return map[string]Scene{
		"RackOverFeed":          is(load, "104000x200", "99000x200").with(feed).apart(30*time.Minute, load, "104000", "97000", "94000").gone(load, "104000"),
		"RackNearFeed":          is(load, "85000x200", "75000x200").with(feed).apart(long, load, "85000", "77000", "74000").gone(load, "85000"),
		"RackFeedsNotRedundant": two.apart(long, drawn, "105000", "97000", "94000").gone(drawn, "105000"),
		"RackFeedImbalance": is(load, "20000x200", "45000x200").with(Series{`meter_power_watts{` + second + `}`: "50000x200"}).
			apart(long, load, "20000", "28000", "32000").gone(load, "20000"),
		"RackOverRating": is(drawn, "130000x200", "119000x200").with(Series{most: "120000x200"}).
			apart(long, drawn, "130000", "117000", "110000").gone(drawn, "130000"),
		"SiteNearContract": is(taken, "93000000x200", "85000000x200").with(contract).
			apart(time.Hour, taken, "93000000", "88000000", "86000000").gone(taken, "93000000"),
		"SiteOverContract": is(taken, "101000000x200", "99000000x200").with(contract).
			apart(long, taken, "101000000", "98000000", "96000000").gone(taken, "101000000"),
		"SitePowerSwing": swing.lasts(time.Second, 2*time.Minute),
	}
}

func meters() map[string]Scene {
	state := func(bad string) Scene {
		return Scene{Fires: Series{`meter_state{@meter,role="pdu_output",state="` + bad + `"}`: "1x200"}, Quiet: Series{`meter_state{@meter,role="pdu_output",state="ok"}`: "1x200"}}
	}
	mute := func(n int) Series {
		s := Series{}
		for i := range n {
			s[fmt.Sprintf(`meter_state{site="s1",hall="h1",rack="r1",meter="x%d",role="pdu_output",state="silent"}`, i)] = "1x200"
		}
		return s
	}
	// some are n meters that are ok for a time, the first of which stands in for all.
	some := func(n int, then string) Series {
		s := Series{`meter_state{@meter,role="pdu_output",state="ok"}`: "1x100 " + then}
		for i := range n - 1 {
			s[fmt.Sprintf(`meter_state{site="s1",hall="h1",rack="r1",meter="x%d",role="pdu_output",state="ok"}`, i)] = "1x100 " + then
		}
		return s
	}
	return map[string]Scene{
		"MeterSilent": state("silent").
			and("fires when nobody reads it any more", true, some(1, "stale")).
			and("is quiet where many are read by nobody, which is one alert", false, some(6, "stale")).
			and("goes on when others follow", true, some(6, "stale").with(Series{`meter_state{@meter,role="pdu_output",state="ok"}`: "1x40 stale"})),
		"MetersNotRead": Scene{Fires: some(6, "stale"), Quiet: some(4, "stale")}.
			and("is quiet when they are read and do not answer", false, mute(6)).
			and("is over when most are read again", false, some(6, "stale _x30 1x70")),
		"MeterFrozen": state("frozen").gone(`meter_state{@meter,role="pdu_output",state="frozen"}`, "1").
			and("is over when it moves", false, Series{`meter_state{@meter,role="pdu_output",state="frozen"}`: "1x90 stale", `meter_state{@meter,role="pdu_output",state="ok"}`: "_x90 1x110"}),
		"MeterImplausible":  state("quarantined").gone(`meter_state{@meter,role="pdu_output",state="quarantined"}`, "1"),
		"ReconciliationGap": is(`site_reconciliation_stages{@site,finding="exceeds"}`, "1x300", "0x300").with(Series{`site_reconciliation_stages{@site,finding="unknown"}`: "2x300"}).lasts(10*time.Second, 45*time.Minute),
	}
}

func report() map[string]Scene {
	const carbon = `grid_carbon_intensity_grams_per_kwh{@site,zone="DE-LU",factor="lifecycle",`
	fallback := Scene{
		Fires: Series{carbon + `provider="table",tier="5"}`: "300x200"},
		Quiet: Series{carbon + `provider="table",tier="5"}`: "300x200", carbon + `provider="entsoe",tier="2"}`: "280x200"},
	}
	return map[string]Scene{
		"PUEAbovePlan": is(`site_pue_ratio{@site,category="1"}`, "1.4x200", "1.25x200").with(Series{`site_pue_plan_ratio{@site}`: "1.3x200"}).lasts(time.Minute, 3*time.Hour).
			apart(6*time.Hour, `site_pue_ratio{@site,category="1"}`, "1.4", "1.295", "1.28"),
		"CoverageLow": is(`site_coverage_ratio{@site,boundary="it"}`, "0.93x200", "0.995x200").with(Series{`site_coverage_needed_ratio{@site}`: "0.99x200"}).lasts(time.Minute, 2*time.Hour).called("boundary", "it").
			apart(6*time.Hour, `site_coverage_ratio{@site,boundary="it"}`, "0.93", "0.991", "0.993"),
		"CarbonFeedFallback": fallback.lasts(time.Minute, 3*time.Hour).called("zone", "DE-LU"),
		"CarbonFeedMissing":  is(carbon+`provider="entsoe",tier="2"}`, "300x60 stale", "300x200").lasts(time.Minute, 2*time.Hour).called("zone", "DE-LU"),
		"YearlyLimitAtRisk": is(`site_year_forecast_ratio{@site,figure="energy"}`, "1.07x300", "0.96x300").lasts(2*time.Minute, 8*time.Hour).called("figure", "energy").
			and("goes on at 0.99", true, Series{`site_year_forecast_ratio{@site,figure="energy"}`: "1.07x110 0.99x300"}).lasting(4*time.Minute, 12*time.Hour),
	}
}
