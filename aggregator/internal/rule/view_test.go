package rule_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
)

func TestWhatIsSuppressedIsShownBeneathItsParent(t *testing.T) {
	inBubble(t, racks(1, 2, 8, 2), func(s *stage) {
		s.settles()
		for _, m := range s.in("h1r01") {
			m.up = false
		}
		s.runs(time.Minute)
		list, more := s.Alerts("fra1", 100)
		var lines []string
		for _, v := range list {
			parent := ""
			for _, p := range v.Parent {
				if p.Name == "alertname" {
					parent = p.Value
				}
			}
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s %s %s %d", v.State, v.Label("alertname"), v.Label("host"), v.Reason, parent, v.Beneath)))
		}
		want := []string{"firing RackDown    8"}
		for i := range 8 {
			want = append(want, fmt.Sprintf("suppressed HostSilent h1r01n%02d rack RackDown 0", i+1))
		}
		if d := cmp.Diff(want, lines); d != "" || more != 0 {
			t.Errorf("-want +got, %d more:\n%s", more, d)
		}
		if told, _ := s.Told("fra1", 10); len(told) != 1 || told[0].Text("summary") != "Rack h1r01 (h1) is down" || !strings.HasPrefix(told[0].Text("evidence"), "8 of its 8 hosts fell silent. ") {
			t.Errorf("the page has %+v", told)
		}
		for _, r := range s.Rules(100) {
			if (r.State != "inactive") != (r.Rule.Name == "RackDown") && r.Rule.Name != "HostSilent" {
				t.Errorf("%s is %s", r.Rule.Name, r.State)
			}
		}
	})
}

// What is wrong with the aggregator stands on the page of each site.
func TestTheAggregatorsOwnAlertsAreShownAtEachSite(t *testing.T) {
	inBubble(t, racks(1, 1, 2, 0), func(s *stage) {
		began := time.Now()
		s.config.Faults = func() []rule.Fault {
			return []rule.Fault{{Receiver: "http://alertmanager-2:9093", Since: began.UnixMilli(), Says: "connection refused"}}
		}
		s.start()
		s.settles()
		s.runs(time.Minute)
		if told, _ := s.Told("fra1", 10); len(told) != 1 || told[0].Label("alertname") != "AlertsUndelivered" {
			t.Errorf("the page has %+v", told)
		}
	})
}
