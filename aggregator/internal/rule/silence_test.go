package rule_test

import (
	"testing"
	"time"
)

func TestOneDeadHostIsOneAlert(t *testing.T) {
	inBubble(t, racks(2, 3, 8, 2), func(s *stage) {
		s.settles()
		s.in("h1r02n03")[0].up = false
		s.runs(5 * time.Minute)
		s.want("a host is dead", "10s HostSilent h1 h1r02 h1r02n03")
		s.in("h1r02n03")[0].up = true
		s.runs(5 * time.Minute)
		s.want("it is back", "361s over: HostSilent h1 h1r02 h1r02n03")
	})
}

func TestADeadRackIsOneAlert(t *testing.T) {
	inBubble(t, racks(2, 3, 72, 0), func(s *stage) {
		s.settles()
		for i, m := range s.in("h1r02") { // within seconds
			time.AfterFunc(time.Duration(i%4)*time.Second+500*time.Millisecond, func() { m.up = false })
		}
		s.runs(5 * time.Minute)
		s.want("a rack is dead", "12s RackDown h1 h1r02")
		for i, m := range s.in("h1r02") { // hosts need a while to start
			time.AfterFunc(time.Duration(i)*5*time.Second+500*time.Millisecond, func() { m.up = true })
		}
		s.runs(10 * time.Minute)
		s.want("it is back", "682s over: RackDown h1 h1r02")
	})
}

func TestADeadHallIsOneAlert(t *testing.T) {
	inBubble(t, racks(3, 6, 8, 0), func(s *stage) {
		s.settles()
		for i, m := range s.in("h2") { // a rack every second
			time.AfterFunc(time.Duration(i/8)*time.Second+500*time.Millisecond, func() { m.up = false })
		}
		s.runs(5 * time.Minute)
		s.want("a hall is dead", "13s HallDown h2")
	})
}

// Hosts of which a few die every now and then are told one by one.
func TestHostsThatDieOneByOneAreNoRack(t *testing.T) {
	inBubble(t, racks(1, 2, 10, 0), func(s *stage) {
		s.settles()
		for i := range 4 {
			s.in("h1r01")[i].up = false
			s.runs(2 * time.Minute)
		}
		s.want("four died", "10s HostSilent h1 h1r01 h1r01n01", "130s HostSilent h1 h1r01 h1r01n02", "250s HostSilent h1 h1r01 h1r01n03", "370s HostSilent h1 h1r01 h1r01n04")
	})
}

func TestABusThatIsAwayIsOneAlert(t *testing.T) {
	inBubble(t, racks(4, 8, 16, 0), func(s *stage) {
		s.settles()
		s.deaf = true
		s.runs(10 * time.Minute)
		s.want("the bus is away", "8s TelemetryBlind")
		s.in("h1r01n01")[0].up = false // meanwhile
		s.deaf = false
		s.runs(5 * time.Minute)
		s.want("it is back", "634s HostSilent h1 h1r01 h1r01n01", "661s over: TelemetryBlind")
	})
}

func TestAllHostsSilentAtOnceAreNotTheHosts(t *testing.T) {
	inBubble(t, racks(2, 4, 16, 0), func(s *stage) {
		s.settles()
		for _, m := range s.machines {
			m.up = false
		}
		s.runs(10 * time.Minute)
		s.want("nothing is heard", "8s TelemetryBlind")
		for i, m := range s.machines { // they take half a minute to connect again
			time.AfterFunc(time.Duration(i%30)*time.Second+500*time.Millisecond, func() { m.up = true })
		}
		s.runs(5 * time.Minute)
		s.want("they are back", "662s over: TelemetryBlind")
	})
}

// An aggregator that is killed while a rack dies says it once.
func TestARestartWhileARackDies(t *testing.T) {
	for name, after := range map[string]time.Duration{"before it was told": 8 * time.Second, "after": 20 * time.Second} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, racks(2, 3, 72, 0), func(s *stage) {
				s.settles()
				for _, m := range s.in("h1r02") {
					m.up = false
				}
				s.runs(after)
				s.restart(5 * time.Second)
				s.runs(10 * time.Minute)
				if told := s.told(); len(told) != 1 || told[0][len(told[0])-len("RackDown h1 h1r02"):] != "RackDown h1 h1r02" {
					t.Errorf("told %q", s.inbox.lines)
				}
				t.Logf("%q", s.inbox.lines)
			})
		})
	}
}
