package rule_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// warm makes the memory of all boards of some machines so hot, one machine after
// another.
func (s *stage) warm(list []*machine, every time.Duration, celsius float64) {
	for _, m := range list {
		for k := range 4 {
			m.set(metric.GPUMemoryTemperature, 0, k, metric.Of(celsius))
		}
		s.runs(every)
	}
}

// The cooling of a rack fails: one page, with its hosts, and none of its 72 boards.
func TestARackWhoseCoolingFailsIsOneAlert(t *testing.T) {
	for name, every := range map[string]time.Duration{"at once": 0, "within half a minute": 2 * time.Second} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, racks(1, 3, 18, 4), func(s *stage) {
				s.settles()
				s.warm(s.in("h1r02"), every, 97)
				s.runs(3 * time.Minute)
				if told := s.told(); len(told) != 1 || !strings.Contains(told[0], "RackHot h1 h1r02") || !within(told[0], 5, 45) {
					t.Errorf("told %q", told)
				}
				list, _ := s.Told("fra1", 1)
				if want := "72 of its 72 boards are too hot, or about to slow down because of it: h1r02n01 (4), h1r02n02 (4), h1r02n03 (4), h1r02n04 (4), h1r02n05 (4) and 13 more hosts."; list[0].Text("evidence") != want || list[0].Beneath != 72 {
					t.Errorf("%d are beneath it, its evidence is %q", list[0].Beneath, list[0].Text("evidence"))
				}
				s.inbox.lines = nil
				s.warm(s.in("h1r02")[1:], 0, 70)
				s.runs(10 * time.Minute) // one host stays hot, and is told by itself
				ended := 0
				for _, l := range s.inbox.lines {
					if strings.Contains(l, "over: RackHot") {
						ended++
					}
				}
				if told := s.told(); ended != 1 || len(told) != 4 || !strings.Contains(told[0], "GPUMemoryHot h1 h1r02 h1r02n01") {
					t.Errorf("when it is over: %q", s.inbox.lines)
				}
			})
		})
	}
}

func TestAHallWhoseCoolingFailsIsOneAlert(t *testing.T) {
	inBubble(t, racks(2, 4, 6, 4), func(s *stage) {
		s.settles()
		s.warm(s.in("h2"), 0, 97)
		s.runs(3 * time.Minute)
		if told := s.told(); len(told) != 1 || !strings.Contains(told[0], "HallHot h2") {
			t.Errorf("told %q", told)
		}
	})
}

// What slows down at once is a page of each board: it waits for its rack.
func TestARackThatSlowsDownHostByHost(t *testing.T) {
	inBubble(t, racks(1, 2, 18, 4), func(s *stage) {
		s.settles()
		list := s.in("h1r02")
		for second := range 3 * 60 {
			for _, m := range list[:min(len(list), 1+second/2)] {
				for k := range 4 {
					m.set(metric.GPUSlowdownSeconds, 5, k, metric.Raw(second*1e9))
				}
			}
			s.runs(time.Second)
		}
		if told := s.told(); len(told) != 1 || !strings.Contains(told[0], "RackHot h1 h1r02") || !within(told[0], 10, 45) {
			t.Errorf("told %q", told)
		}
	})
}

func TestHotBoardsThatAreNoRack(t *testing.T) {
	for name, c := range map[string]struct {
		hot    func(s *stage) []*machine
		window string
		told   int
	}{
		"of one host": {func(s *stage) []*machine { return s.in("h1r01n01") }, "", 4},
		"of one host of each rack": {func(s *stage) []*machine {
			return append(append(s.in("h1r01n01"), s.in("h1r02n01")...), s.in("h1r03n01")...)
		}, "", 12},
		"of hosts at work": {func(s *stage) []*machine { return s.in("h1r01") }, "h1r01", 0},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, racks(1, 3, 3, 4), func(s *stage) {
				s.settles()
				if c.window != "" {
					s.opens(time.Hour, "rack="+c.window)
				}
				s.warm(c.hot(s), 0, 97)
				s.runs(3 * time.Minute)
				told := s.told()
				if len(told) != c.told || c.told > 0 && strings.Contains(strings.Join(told, " "), "RackHot") {
					t.Errorf("told %q", told)
				}
			})
		})
	}
}
