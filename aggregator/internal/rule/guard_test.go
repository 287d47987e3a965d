package rule_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
	table "github.com/gigawatch/gigawatch/alerts/rule"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A rack of few hosts of which all are dead is a rack; one host alone is a host.
func TestASmallRackThatIsWhollySilent(t *testing.T) {
	list := slices.Concat(racks(1, 2, 8, 0), []*machine{newMachine("h1", "two", "two1", 0, ""), newMachine("h1", "two", "two2", 0, ""), newMachine("h1", "one", "one1", 0, "")})
	inBubble(t, list, func(s *stage) {
		s.settles()
		for _, m := range append(s.in("two"), s.in("one")...) {
			m.up = false
		}
		s.runs(2 * time.Minute)
		if n := s.kinds(); n["RackDown"] != 1 || n["HostSilent"] != 1 || len(n) != 2 {
			t.Errorf("told %q", s.inbox.lines)
		}
	})
}

// Whatever rules they are of, no more alerts of a site are sent at once than is set.
func TestASiteIsCappedWhateverTheRules(t *testing.T) {
	inBubble(t, racks(1, 2, 6, 2), func(s *stage) {
		s.config.Caps = rule.Caps{Rule: 6, Site: 8}
		s.start()
		s.settles()
		for _, m := range s.machines { // 6 of each rule may be
			m.set(metric.AgentSpoolDropped, 0, 0, 100)
			m.set(metric.GPURecoveryAction, 0, 1, 3)
		}
		s.runs(45 * time.Second)
		n := s.kinds()
		delete(n, "AlertsCapped")
		all := 0
		for _, k := range n {
			all += k
		}
		if len(n) < 2 || all != 8 {
			t.Errorf("told %d: %v", all, n)
		}
	})
}

// What stands for many is never held back because there are many.
func TestARackIsToldHoweverManyThereAre(t *testing.T) {
	inBubble(t, racks(6, 4, 6, 0), func(s *stage) {
		s.config.Caps = rule.Caps{Rule: 1, Site: 1}
		s.start()
		s.settles()
		for h := 1; h <= 6; h++ {
			for _, m := range s.in(fmt.Sprintf("h%dr01", h)) {
				m.up = false
			}
		}
		s.runs(2 * time.Minute)
		if n := s.kinds(); n["RackDown"] != 6 || len(n) != 1 {
			t.Errorf("told %q", s.inbox.lines)
		}
	})
}

// kept is what the file of alerts says.
func (s *stage) kept() string {
	b, err := os.ReadFile(filepath.Join(s.files, "alerts.json"))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}

// What a receiver is told is on disk by then: who dies in between tells the same again.
func TestTheSetIsOnDiskBeforeItIsSent(t *testing.T) {
	inBubble(t, racks(1, 2, 6, 0), func(s *stage) {
		s.settles()
		told := 0
		s.sink = func(list []rule.Message) {
			kept := s.kept()
			for i := range list {
				host := ""
				for _, p := range list[i].Labels {
					if p.Name == "host" {
						host = p.Value
					}
				}
				if host == "" || !list[i].Fresh {
					continue
				}
				told++
				var alerts []struct {
					Labels map[string]string
					Phase  rule.Phase
				}
				_, rest, _ := strings.Cut(kept, "\n")
				if err := json.Unmarshal([]byte(rest), &alerts); err != nil {
					t.Fatal(err)
				}
				found := false
				for _, a := range alerts {
					found = found || a.Labels["host"] == host && a.Phase == rule.Firing
				}
				if !found {
					t.Errorf("%s is told, and the file says %s", host, kept)
				}
			}
		}
		for _, name := range []string{"h1r01n01", "h1r01n02", "h1r02n01"} {
			s.in(name)[0].up = false
			s.runs(2 * time.Second)
		}
		s.runs(time.Minute)
		if told != 3 {
			t.Errorf("%d were told", told)
		}
	})
}

// What an alert is part of is known from the first moment after a restart.
func TestParentsOutliveARestart(t *testing.T) {
	inBubble(t, racks(1, 2, 8, 0), func(s *stage) {
		s.settles()
		for _, m := range s.in("h1r01") {
			m.up = false
		}
		s.runs(time.Minute)
		s.restart(5 * time.Second)
		if told, _ := s.Told("fra1", 10); len(told) != 1 || told[0].Label("alertname") != "RackDown" || told[0].Beneath != 8 {
			t.Errorf("before it steps, the page has %+v", told)
		}
	})
}

// A host that is taken out of the inventory is not silent any more.
func TestAHostThatNobodyExpects(t *testing.T) {
	inBubble(t, racks(1, 2, 8, 0), func(s *stage) {
		s.settles()
		s.in("h1r01n01")[0].up = false
		s.runs(time.Minute)
		s.want("it is dead", "10s HostSilent h1 h1r01 h1r01n01")
		s.removed = map[string]bool{"h1r01n01": true}
		s.runs(3 * time.Minute)
		if n := s.kinds(); n["over:HostSilent"] != 1 {
			t.Errorf("it is taken out: told %q", s.inbox.lines)
		}
		if told, _ := s.Told("fra1", 10); len(told) > 0 {
			t.Errorf("it is still told: %+v", told)
		}
	})
}

// Who refuses alerts has not been told, whatever the reason; and who takes them is told
// with the labels of the configuration.
func TestAReceiverThatRefuses(t *testing.T) {
	for _, says := range []int{http.StatusBadRequest, http.StatusNotFound, http.StatusRequestEntityTooLarge, http.StatusBadGateway, http.StatusFound} {
		t.Run(fmt.Sprint(says), func(t *testing.T) {
			inBubble(t, racks(1, 2, 6, 0), func(s *stage) {
				w := newWorld("am1")
				w.ams["am1"].says = says
				s.deliver(w, true)
				s.settles()
				s.in("h1r01n01")[0].up = false
				s.runs(time.Minute)
				faults := s.config.Faults()
				if len(faults) != 1 || !strings.Contains(faults[0].Says, fmt.Sprint(says)) {
					t.Errorf("faults %+v", faults)
				}
				s.runs(5 * time.Minute)
				w.mu.Lock()
				defer w.mu.Unlock()
				if !slices.Contains(w.pager, "AlertsUndelivered") {
					t.Errorf("the pager was told %q", w.pager)
				}
			})
		})
	}
}

// Labels of the configuration are on every alert that leaves.
func TestLabelsOfTheConfigurationAreSent(t *testing.T) {
	inBubble(t, racks(1, 2, 6, 0), func(s *stage) {
		w := newWorld("am1")
		s.deliver(w, false)
		s.settles()
		s.in("h1r01n01")[0].up = false
		s.runs(time.Minute)
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(w.ams["am1"].sent) == 0 {
			t.Error("nothing was sent")
		}
		for _, labels := range w.ams["am1"].sent {
			if labels["region"] != "eu" {
				t.Errorf("%v was sent without its region", labels)
			}
		}
	})
}

// A window of a whole site holds back no alert about alerts: those who watch the
// watchdog would page, and what is held back would not be said.
func TestAWindowOfASiteLeavesItsWatchdog(t *testing.T) {
	inBubble(t, racks(1, 4, 12, 8), func(s *stage) {
		s.opens(time.Hour, "site=fra1")
		s.config.Advancing = func(string) bool { return true }
		s.config.Faults = func() []rule.Fault { return []rule.Fault{{Receiver: "http://am1", Since: 1, Says: "no"}} }
		s.start()
		s.in("h1r01n01")[0].up = false
		s.runs(5 * time.Minute)
		if n := s.kinds(); n["Watchdog"] != 1 || n["AlertsUndelivered"] != 1 || len(n) != 2 {
			t.Errorf("told %q", s.inbox.lines)
		}
	})
}

// An aggregator that starts tells of what fired, and of nothing else that its file has.
func TestAStartTellsOnlyWhatFired(t *testing.T) {
	inBubble(t, racks(1, 4, 8, 2), func(s *stage) {
		s.config.Caps.Rule = 2
		s.start()
		s.settles()
		s.opens(time.Hour, "host=h1r04n01")
		s.in("h1r04n01")[0].set(metric.GPURowRemapFailed, 0, 1, 1) // in a window
		s.in("h1r03n01")[0].set(metric.GPURowRemapFailed, 0, 1, 1) // ended
		s.runs(time.Minute)
		s.in("h1r03n01")[0].set(metric.GPURowRemapFailed, 0, 1, 0)
		s.runs(90 * time.Second)
		for _, m := range s.in("h1r01") { // a rack, its hosts beneath it
			m.up = false
		}
		for _, m := range s.in("h1r02") { // some fire, the others are too many
			m.set(metric.GPUMemoryTemperature, 0, 0, metric.Of(99))
		}
		s.runs(40 * time.Second)
		s.in("h1r03n02")[0].set(metric.GPUMemoryTemperature, 0, 0, metric.Of(99)) // pending
		s.runs(10 * time.Second)
		kept := s.kept()
		for _, phase := range []rule.Phase{rule.Pending, rule.Firing, rule.Suppressed, rule.Ended} {
			if !strings.Contains(kept, fmt.Sprintf(`"phase":%d`, phase)) {
				t.Errorf("none in the file is %s: %s", phase, kept)
			}
		}
		fires := map[string]bool{}
		for _, m := range s.inbox.now {
			fires[m.Key()] = true
		}
		w := newWorld("am1")
		if err := rule.Resume(s.t.Context(), filepath.Join(s.files, "alerts.json"), s.config.Rules, rule.DeliveryConfig{Transport: w, Alertmanagers: []rule.Endpoint{{URL: "http://am1"}}}); err != nil {
			t.Fatal(err)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, labels := range w.ams["am1"].sent {
			m := rule.Message{}
			for _, name := range slices.Sorted(maps.Keys(labels)) {
				m.Labels = append(m.Labels, metric.Pair{Name: name, Value: labels[name]})
			}
			if !fires[m.Key()] {
				t.Errorf("it tells of %v, which does not fire", labels)
			}
		}
		if len(w.ams["am1"].sent) != len(fires) {
			t.Errorf("it tells of %d, of %d that fire", len(w.ams["am1"].sent), len(fires))
		}
	})
}

// What is missing is no low value, of integers as of floats.
func TestAValueThatIsMissingIsNotLow(t *testing.T) {
	d := metric.Lookup(metric.GPUTemperatureMargin)
	for _, x := range []struct {
		what  string
		value metric.Raw
		told  bool
	}{
		{"missing", metric.Missing, false},
		{"at the bound", d.Raw(3), true},
		{"above it", d.Raw(4), false},
	} {
		t.Run(x.what, func(t *testing.T) {
			list := racks(1, 1, 2, 4)
			for _, m := range list {
				at := len(m.layout.Entities) - 4
				m.layout.Columns = append(m.layout.Columns, metric.Column{Metric: d.Number, Form: d.Form, First: at, Count: 4})
				for range 4 {
					m.values = append(m.values, d.Raw(20))
				}
			}
			inBubble(t, list, func(s *stage) {
				s.settles()
				list[0].set(metric.GPUTemperatureMargin, 0, 2, x.value)
				s.runs(5 * time.Minute)
				if got := slices.ContainsFunc(s.told(), func(l string) bool { return strings.Contains(l, "GPUNearSlowdown h1 h1r01 h1r01n01 2") }); got != x.told || len(s.told()) > 1 {
					t.Errorf("told %q", s.inbox.lines)
				}
			})
		})
	}
	list := racks(1, 1, 3, 2)
	inBubble(t, list, func(s *stage) {
		s.config.Rules = []table.Rule{
			{Name: "FewGPUs", Severity: table.Warning, Owner: table.Platform, Level: table.Host, Watch: &table.Watch{Metric: metric.HostGPUs, Test: table.Below, Fire: 1, Clear: 1}},
			{Name: "FewWatts", Severity: table.Warning, Owner: table.Platform, Level: table.Host, Watch: &table.Watch{Metric: metric.HostPowerWatts, Test: table.Below, Fire: 5, Clear: 10}},
		}
		s.start()
		s.settles()
		few := func(m *machine, gpus, watts metric.Raw) {
			m.set(metric.HostGPUs, 0, 0, gpus)
			m.set(metric.HostPowerWatts, 0, 0, watts)
		}
		few(list[0], metric.Missing, metric.Missing)
		few(list[1], 1, metric.Of(4))
		s.runs(5 * time.Minute)
		s.want("integers and floats", "9s FewGPUs h1 h1r01 h1r01n02", "9s FewWatts h1 h1r01 h1r01n02")
		few(list[1], metric.Missing, metric.Missing)
		s.runs(5 * time.Minute)
		if n := s.kinds(); n["over:FewGPUs"] != 1 || n["over:FewWatts"] != 1 || len(n) != 2 {
			t.Errorf("they are not read any more: told %q", s.inbox.lines)
		}
	})
}
