package scene

import "time"

func cooling() map[string]Scene {
	const (
		supply = `meter_temperature_celsius{@point,role="cooling"}`
		limit  = `site_coolant_limit_celsius{@site}`
		leak   = `meter_leak_detected{@meter,role="cooling"}`
		flow   = `meter_flow_cubic_metres_per_second{@meter,role="cooling"}`
		least  = `meter_flow_limit_cubic_metres_per_second{@meter,role="cooling"}`
		day    = 3 * time.Hour
	)
	hot := is(supply, "42x200", "39x200").with(Series{limit: "40x200"}).
		apart(30*time.Minute, supply, "42", "38.5", "37").gone(supply, "42").
		and("is quiet below a limit of 50", false, Series{supply: "46x200", limit: "50x200"}).
		and("fires at 46 without a limit", true, Series{supply: "46x200"}).
		and("is quiet at 44 without a limit", false, Series{supply: "44x200"}).
		and("goes by the limit that was last told", false, Series{supply: "46x200", limit: "50x60 stale"})
	wet := is(leak, "0x170 1x30", "0x200").gone(leak, "1").
		and("is over when it is dry", false, Series{leak: "1x90 0x100"}).
		and("is over when nothing was heard for an hour", false, Series{leak: "1x90 stale"}).lasting(10*time.Second, 90*time.Minute)
	low := is(flow, "0.0015x200", "0.0018x200").with(Series{least: "0.0016x200"}).
		apart(30*time.Minute, flow, "0.0015", "0.0017", "0.002").gone(flow, "0.0015").
		and("is quiet at half of before, above its limit", false, Series{flow: "0.02x90 0.01x100", least: "0.006x200"}).
		and("fires at a standstill", true, Series{flow: "0.02x120 0x70"}).
		and("goes on hours after the pumps stopped", true, Series{flow: "0.02x60 0x420"}).lasting(time.Minute, day).
		and("is over when it flows again", false, Series{flow: "0.02x60 0x60 0.015x80"}).
		and("is quiet where it may stand still", false, Series{flow: "0.02x120 0x70", least: "0x200"}).
		and("is quiet where nothing flowed", false, Series{flow: "0x200"}).
		and("is quiet when pumps follow the load", false, Series{flow: "0.02x120 0.01x70"})
	reduced := is(flow, "0.02x120 0.0095x70", "0.02x120 0.013x70").
		and("goes on for hours", true, Series{flow: "0.02x120 0.0095x360"}).lasting(time.Minute, day).
		and("goes on at 0.55 of it", true, Series{flow: "0.02x100 0.0095x40 0.011x50"}).
		and("does not begin at 0.55 of it", false, Series{flow: "0.02x100 0.011x90"}).
		and("fires when it sinks slowly", true, Series{flow: "0.02-0.0001x190"}).
		and("is quiet at a standstill, which is another alert", false, Series{flow: "0.02x120 0x70"}).
		and("is quiet where the site's file says what is too little", false, Series{flow: "0.02x120 0.0095x70", least: "0.006x200"})
	blind := is(leak, "0x100 stale", "0x200").
		and("fires for a flow", true, Series{flow: "0.02x100 stale"}).
		and("fires for a temperature", true, Series{supply: "30x100 stale"}).
		and("is over when it is heard again", false, Series{leak: "0x50 stale _x50 0x80"}).
		and("is quiet for one of four", false, Series{leak: "0x100 stale",
			`meter_leak_detected{site="s1",hall="h1",rack="r1",meter="m2",role="cooling"}`: "0x200", `meter_leak_detected{site="s1",hall="h1",rack="r1",meter="m3",role="cooling"}`: "0x200", `meter_leak_detected{site="s1",hall="h1",rack="r1",meter="m4",role="cooling"}`: "0x200"}).
		and("is quiet of other meters", false, Series{`meter_power_watts{@meter,role="pdu_output"}`: "5000x100 stale"}).
		and("is quiet while the site is blind as a whole", false, Series{
			leak: "0x100 stale", `site_hosts{@site,state="expected"}`: "100x200", `site_hosts{@site,state="reporting"}`: "100x100 0x100"}).
		and("is no part of a site without hosts", true, Series{leak: "0x100 stale", `site_hosts{@site,state="expected"}`: "0x200", `site_hosts{@site,state="reporting"}`: "0x200"})
	return map[string]Scene{
		"CoolantSupplyHot": hot,
		"CoolantSupplyRising": is(supply, "20x120 20+0.1x80", "20x120 20+0.02x80").
			and("goes on when it gets warmer more slowly", true, Series{supply: "20x60 20+0.1x60 26+0.06x80"}).
			and("does not begin so", false, Series{supply: "20+0.06x200"}),
		"CoolantLeak": wet, "CoolantFlowLow": low, "CoolantFlowReduced": reduced, "CoolingBlind": blind,
	}
}
