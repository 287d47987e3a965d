package main

import (
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/live"
	"github.com/gigawatch/gigawatch/aggregator/internal/rights"
	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
	table "github.com/gigawatch/gigawatch/alerts/rule"
)

// What is wrong with the aggregator stands on the page of every site. Who sees some
// sites is told that it is and since when; what it says may be of another site.
func TestTheAggregatorsOwnAlertsAreToldByWhatOneSees(t *testing.T) {
	began := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	e, err := rule.New(rule.Config{Rules: table.Table(), Self: "here", Faults: func() []rule.Fault {
		return []rule.Fault{{Receiver: "http://pager.zulu:9093", Since: began.UnixMilli(), Says: "connection refused"}}
	}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 300 {
		e.Step(began.Add(time.Duration(i) * time.Second))
	}
	p := &statusPage{today: newToday(emptyLedger(t), func([]live.Point) {}, quietly()), alerts: e}
	for name, tt := range map[string]struct {
		scope rights.Scope
		all   bool
	}{
		"who sees every site":                          {rights.All(), true},
		"who sees every site, and what is no tenant's": {rights.NewScope([]string{"*"}, []string{"physics"}, true), true},
		"who sees one site":                            {rights.NewScope([]string{"alfa"}, nil, false), false},
		"who sees all sites that there are":            {rights.NewScope([]string{"alfa", "zulu"}, nil, false), false},
	} {
		ctx, release := (&rights.Principal{Name: "anna", Role: rights.Viewer, Scope: tt.scope}).Bind(t.Context())
		list := p.site(ctx, &live.Status{Site: "alfa"}).Alerts
		release()
		if len(list) != 1 || list[0].Name != "AlertsUndelivered" || list[0].Of != "aggregator" || list[0].Severity == "" || list[0].Since == 0 {
			t.Errorf("%s is told %+v", name, list)
			continue
		}
		said := list[0].Summary + list[0].Evidence + list[0].Do
		if strings.Contains(said, "pager.zulu") != tt.all || (said != "") != tt.all {
			t.Errorf("%s is told %q", name, said)
		}
	}
	if list := p.site(t.Context(), &live.Status{Site: "alfa"}).Alerts; len(list) != 1 || list[0].Evidence != "" {
		t.Errorf("nobody is told %+v", list)
	}
}
