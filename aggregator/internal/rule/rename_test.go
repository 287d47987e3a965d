package rule_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// moved is m under another hall and rack, with what it shows.
func moved(m *machine, hall, rack string, gpus int) {
	to := newMachine(hall, rack, m.name, gpus, "")
	to.layout.Columns = m.layout.Columns
	m.layout = to.layout
}

// What fires goes on as it was told when its rack and hall have other names, over a
// restart too, and is under the new ones when it fires the next time.
func TestARackThatGetsAnotherName(t *testing.T) {
	inBubble(t, racks(1, 2, 6, 4), func(s *stage) {
		s.settles()
		sick := s.in("h1r01")
		for _, m := range sick {
			m.set(metric.GPUMemoryTemperature, 0, 0, metric.Of(99)) // watched
			m.set(metric.GPURowRemapFailed, 0, 1, 1)                // judged
			m.set(metric.HostPowerWatts, 0, 0, metric.Missing)      // missing
		}
		s.runs(8 * time.Minute)
		told := len(s.told())
		if told < 3*len(sick) {
			t.Fatalf("told %q", s.inbox.lines)
		}
		s.inbox.lines = nil
		for _, m := range sick {
			moved(m, "west", "w01", 4)
		}
		s.runs(10 * time.Minute)
		s.want("they have other names")
		s.restart(10 * time.Second)
		s.runs(10 * time.Minute)
		s.want("and after a restart")
		for _, m := range sick {
			m.set(metric.GPUMemoryTemperature, 0, 0, metric.Of(60))
			m.set(metric.GPURowRemapFailed, 0, 1, 0)
			m.set(metric.HostPowerWatts, 0, 0, metric.Of(8000))
		}
		s.runs(40 * time.Minute)
		over := 0
		for _, l := range s.inbox.lines {
			if strings.Contains(l, "over: ") && strings.Contains(l, "h1r01") {
				over++
			}
		}
		if over != told || len(s.inbox.lines) != told {
			t.Errorf("%d of %d are over: %q", over, told, s.inbox.lines)
		}
		s.runs(time.Hour)
		s.inbox.lines = nil
		sick[0].set(metric.GPUMemoryTemperature, 0, 0, metric.Of(99))
		s.runs(2 * time.Minute)
		if got := s.told(); len(got) != 1 || !strings.Contains(got[0], "GPUMemoryHot west w01 h1r01n01 0") {
			t.Errorf("the next time: told %q", got)
		}
	})
}

// A dead host whose rack is renamed in the inventory is told once.
func TestADeadHostWhoseRackGetsAnotherName(t *testing.T) {
	inBubble(t, racks(1, 2, 6, 0), func(s *stage) {
		s.settles()
		dead := s.in("h1r01n01")[0]
		dead.up = false
		s.runs(time.Minute)
		s.want("it is dead", "10s HostSilent h1 h1r01 h1r01n01")
		moved(dead, "h1", "x1", 0)
		s.tick(dead, time.Now().Add(-time.Minute)) // what it said last
		s.runs(time.Second)
		s.runs(10 * time.Minute)
		s.want("its rack has another name")
	})
}

// Hosts that are in no rack, beside some that are, die together as a rack does.
func TestHostsWithoutARackDieTogether(t *testing.T) {
	list := racks(1, 4, 10, 0)
	for i := range 40 {
		list = append(list, newMachine("h1", "", fmt.Sprintf("loose%02d", i), 0, ""))
	}
	inBubble(t, list, func(s *stage) {
		s.settles()
		loose := slices.Clone(s.in("loose"))
		for _, m := range loose {
			m.up = false
		}
		s.runs(5 * time.Minute)
		if n := s.kinds(); n["RackDown"] != 1 || len(n) != 1 {
			t.Errorf("told %q", s.inbox.lines)
		}
		for _, m := range s.inbox.now {
			for _, p := range m.Annotations {
				if p.Name == "summary" && p.Value != "Hosts in no rack (h1) are down" {
					t.Errorf("it says %q", p.Value)
				}
			}
		}
		s.restart(10 * time.Second)
		s.runs(2 * time.Minute)
		for i, m := range loose {
			m.up = i > 0
		}
		s.inbox.lines = nil
		s.runs(10 * time.Minute)
		if n := s.kinds(); n["over:RackDown"] != 1 || n["HostSilent"] != 1 || len(n) != 2 {
			t.Errorf("but one is back: told %q", s.inbox.lines)
		}
	})
}
