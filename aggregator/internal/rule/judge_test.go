package rule_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
	"github.com/gigawatch/gigawatch/collector/metric"
)

func TestALostGPUIsOneAlert(t *testing.T) {
	inBubble(t, racks(1, 2, 6, 8), func(s *stage) {
		s.settles()
		m := s.in("h1r01n02")[0]
		m.xid(3, 79)
		m.set(metric.GPUState, 0, 3, metric.GPULost)
		m.set(metric.GPURecoveryAction, 0, 3, 2)
		s.runs(5 * time.Minute)
		s.want("a GPU fell off the bus", "9s GPULost h1 h1r01 h1r01n02 3")
		s.runs(5 * time.Minute)
		m.set(metric.GPUState, 0, 3, metric.GPUOk)
		m.set(metric.GPURecoveryAction, 0, 3, 0)
		s.runs(15 * time.Minute)
		s.want("it is back", "1201s over: GPULost h1 h1r01 h1r01n02 3")
	})
}

func TestAllGPUsOfAHostLostIsOneAlert(t *testing.T) {
	inBubble(t, racks(1, 2, 6, 8), func(s *stage) {
		s.settles()
		m := s.in("h1r01n02")[0]
		for k := range 8 {
			m.xid(k, 79)
			m.set(metric.GPUState, 0, k, metric.GPULost)
		}
		s.runs(5 * time.Minute)
		s.want("its GPU board has no power", "10s HostGPUsLost h1 h1r01 h1r01n02")
	})
}

// A host that dies takes its boards along: theirs are no alerts of their own.
func TestBoardsHideBeneathTheirHost(t *testing.T) {
	inBubble(t, racks(1, 2, 6, 8), func(s *stage) {
		s.settles()
		m := s.in("h1r01n02")[0]
		m.xid(0, 95)
		m.set(metric.GPURowRemapFailed, 0, 5, 1)
		s.runs(time.Second)
		m.up = false
		s.runs(5 * time.Minute)
		s.want("boards broke, and the host", "11s HostSilent h1 h1r01 h1r01n02")
	})
}

func TestTheEndOfAJobIsNoAlert(t *testing.T) {
	inBubble(t, racks(1, 2, 6, 8), func(s *stage) {
		s.settles()
		for _, m := range s.machines {
			for k := range 8 {
				m.xid(k, 45)
			}
		}
		s.runs(5 * time.Minute)
		s.want("XID 45 everywhere")
	})
}

func TestAFindingSetAsideIsNoAlert(t *testing.T) {
	inBubble(t, racks(1, 1, 2, 8), func(s *stage) {
		s.settles()
		m := s.in("h1r01n02")[0]
		m.set(metric.GPURowRemapFailed, 0, 5, 1)
		s.runs(2 * time.Minute)
		s.want("a remapping failed", "9s GPUMemoryUnrepairable h1 h1r01 h1r01n02 5")
		if _, err := s.health.Reset("fra1", "GPU-h1r01n02-5", "", "ops"); err != nil {
			t.Fatal(err)
		}
		s.runs(time.Minute)
		s.runs(2 * time.Second)
		s.want("a person knows", "181s over: GPUMemoryUnrepairable h1 h1r01 h1r01n02 5")
		s.restart(time.Second)
		s.runs(5 * time.Minute)
		s.want("and after a restart")
	})
}

// What stood before a restart neither ends nor fires again.
func TestARestartChangesNothing(t *testing.T) {
	inBubble(t, racks(1, 2, 6, 8), func(s *stage) {
		s.settles()
		m := s.in("h1r01n02")[0]
		m.xid(0, 95)                                            // judged, an event
		m.set(metric.GPURowRemapFailed, 0, 1, 1)                // judged, a condition
		m.set(metric.GPUMemoryTemperature, 0, 2, metric.Of(98)) // watched
		s.in("h1r02n05")[0].up = false                          // silent
		s.runs(2 * time.Minute)
		s.want("four things broke", "9s GPUMemoryUncontained h1 h1r01 h1r01n02 0", "9s GPUMemoryUnrepairable h1 h1r01 h1r01n02 1", "10s HostSilent h1 h1r02 h1r02n05", "30s GPUMemoryHot h1 h1r01 h1r01n02 2")
		for range 3 {
			s.restart(10 * time.Second)
			s.runs(20 * time.Minute)
		}
		s.want("three restarts")
		m.set(metric.GPURowRemapFailed, 0, 1, 0)
		m.set(metric.GPUMemoryTemperature, 0, 2, metric.Of(60))
		s.in("h1r02n05")[0].up = true
		s.restart(10 * time.Second)
		s.runs(20 * time.Minute)
		if n := len(s.inbox.lines); n != 3 || strings.Count(strings.Join(s.inbox.lines, " "), "over: ") != 3 {
			t.Errorf("what was mended meanwhile: %q", s.inbox.lines)
		}
	})
}

// A day that comes late says nothing now, nor does what is read again after the
// aggregator was down for a while.
func TestWhatIsLateIsNoAlert(t *testing.T) {
	inBubble(t, racks(1, 2, 3, 8), func(s *stage) {
		s.settles()
		late := newMachine("h1", "h1r01", "h1r01n01", 8, "")
		late.late = true
		for k := range 8 {
			late.xid(k, 95)
			late.set(metric.GPUMemoryTemperature, 0, k, metric.Of(110))
			late.set(metric.GPURowRemapFailed, 0, k, 1)
		}
		for range 24 * 60 { // a minute of it each second
			s.tick(late, time.Now())
			s.runs(time.Second)
		}
		s.want("a day came late")
	})
	inBubble(t, racks(1, 2, 3, 8), func(s *stage) {
		s.settles()
		s.restart(20 * time.Minute)
		m := s.machines[0]
		for ago := 20 * time.Minute; ago > 0; ago -= 10 * time.Second { // hot for a while, and an XID
			if m.set(metric.GPUMemoryTemperature, 0, 0, metric.Of(60)); ago > 10*time.Minute {
				m.set(metric.GPUMemoryTemperature, 0, 0, metric.Of(110))
			}
			if ago == 15*time.Minute {
				m.xid(0, 95)
				m.set(metric.GPUXIDTime, 95, 0, metric.Raw(time.Now().Add(-ago).UnixMilli()))
			}
			for _, m := range s.machines {
				s.tick(m, time.Now().Add(-ago))
			}
		}
		s.runs(5 * time.Minute)
		s.want("it reads what it missed")
	})
}

func TestMaintenanceIsNotAlerted(t *testing.T) {
	inBubble(t, racks(1, 2, 8, 0), func(s *stage) {
		rack, err := rule.NewMatcher("rack", "h1r01", false)
		if err != nil {
			t.Fatal(err)
		}
		s.config.Windows = []rule.Window{{Match: []rule.Matcher{rack}, From: time.Now(), To: time.Now().Add(time.Hour), Owner: "ops", Reason: "new switch"}}
		s.start()
		s.settles()
		for _, m := range s.in("h1r01") {
			m.up = false
		}
		s.in("h1r02n01")[0].up = false
		s.runs(30 * time.Minute)
		s.want("a rack is worked on", "10s HostSilent h1 h1r02 h1r02n01")
		s.runs(40 * time.Minute)
		s.want("and was not finished", "3544s RackDown h1 h1r01")
	})
}

// A fault of all boards of a kind calls somebody some times, not a thousand.
func TestManyAlertsAreCapped(t *testing.T) {
	inBubble(t, racks(2, 4, 8, 8), func(s *stage) {
		s.settles()
		for _, m := range s.machines {
			for k := range 8 {
				m.set(metric.GPURowRemapFailed, 0, k, 1)
			}
		}
		s.runs(time.Minute)
		capped := 0
		for _, l := range s.inbox.lines {
			if strings.HasSuffix(l, "AlertsCapped") {
				capped++
			}
		}
		if n := len(s.inbox.lines); n < 31 || n > 33 || capped != 1 {
			t.Errorf("of 512 boards %d are told, and %d times that there are more: %q", n-capped, capped, s.inbox.lines)
		}
	})
}
