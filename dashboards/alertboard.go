package main

func alertsNow() *board {
	firing := func(wide uint32, title, help, state, colour string) panel {
		return panel{figure, wide, title, help, count, asks(alerts("count", state)), look{only: "/^Alerts$/", sum: "sum", steps: from(good, step{1, colour}), empty: "0"}}
	}
	return &board{
		uid: "alerts", person: "who is on call", question: "what fires, what is behind it, and what just happened?", since: "now-24h", refresh: "30s",
		chosen: []variable{bySite}, next: []string{"site", "gpu-health", "self"}, events: []string{"health", "meter"},
		rows: []row{
			{"", 4, []panel{
				firing(6, "Firing", "Alerts of the aggregator that fire, without the watchdog, which fires as long as all is well. Grafana's own stand under Alerting.", "firing", bad),
				firing(6, "Pending", "Alerts whose condition holds, and not yet for long enough.", "pending", caution),
				howManyNeed(6),
				howFresh(6),
			}},
			{"", 7, []panel{
				{list, 24, "Alerts", "Alerts of the aggregator, with since when and what they say.", mixed, asks(alerts("table", "")), look{state: []string{"Severity"}, sort: "Since", hide: []string{"Site", "Labels"}, units: map[string]string{"Since": ago}, widths: map[string]int{"State": 95, "Alert": 260, "Since": 155, "Value": 110}, wrap: []string{"Summary"}, empty: "No alert fires or is pending"}},
			}},
			{"What is behind it", 9, []panel{
				attention(24, needs("table", calling()...)),
				powerOver(12, "Power"),
				{list, 12, "What happened", "Verdicts on hosts and GPUs, meters that were not well, and corrections, in the range.", mixed, asks(happened()), look{sort: "Time", hide: []string{"End", "Tags"}, widths: map[string]int{"time": 165, "title": 130}, titles: map[string]string{"time": "Time"}, wrap: []string{"Text"}, empty: "Nothing happened in the range"}},
			}},
		},
	}
}
