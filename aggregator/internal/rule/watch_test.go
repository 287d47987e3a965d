package rule_test

import (
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

func TestAValueThatPassesItsBound(t *testing.T) {
	inBubble(t, racks(1, 1, 2, 8), func(s *stage) {
		s.settles()
		m := s.machines[0]
		hot := func(v float64) { m.set(metric.GPUMemoryTemperature, 0, 4, metric.Of(v)) }
		hot(95)
		s.runs(20 * time.Second)
		hot(94)
		s.runs(time.Second)
		hot(95)
		s.runs(20 * time.Second)
		hot(60)
		s.runs(time.Minute)
		s.want("it passes for less than it takes")
		hot(96)
		s.runs(2 * time.Minute)
		s.want("it passes", "131s GPUMemoryHot h1 h1r01 h1r01n01 4")
		for range 60 {
			hot(93)
			s.runs(2 * time.Second)
			hot(96)
			s.runs(2 * time.Second)
		}
		s.want("it swings about the bound")
		m.set(metric.GPUMemoryTemperature, 0, 4, metric.Missing)
		s.runs(30 * time.Second)
		s.want("it is not read for a moment")
		hot(91)
		s.runs(3 * time.Minute)
		s.want("it is over", "611s over: GPUMemoryHot h1 h1r01 h1r01n01 4")
	})
}

func TestAValueThatIsNotReadAnyMore(t *testing.T) {
	inBubble(t, racks(1, 1, 3, 1), func(s *stage) {
		s.machines[2].set(metric.HostPowerWatts, 0, 0, metric.Missing) // it never had one
		s.settles()
		s.machines[0].set(metric.HostPowerWatts, 0, 0, metric.Missing)
		s.runs(10 * time.Minute)
		s.want("a BMC stopped answering", "300s HostPowerMissing h1 h1r01 h1r01n01")
		s.machines[0].set(metric.HostPowerWatts, 0, 0, metric.Of(900))
		s.runs(10 * time.Minute)
		s.want("it answers", "900s over: HostPowerMissing h1 h1r01 h1r01n01")
	})
}

func TestACounterThatRises(t *testing.T) {
	inBubble(t, racks(1, 1, 2, 1), func(s *stage) {
		s.machines[0].set(metric.AgentSpoolDropped, 0, 0, 1000) // once
		s.settles()
		s.runs(20 * time.Minute)
		s.want("it rests")
		s.machines[0].set(metric.AgentSpoolDropped, 0, 0, 1003)
		s.runs(5 * time.Minute)
		s.want("it rose", "1209s SpoolDropping h1 h1r01 h1r01n01")
		s.runs(20 * time.Minute)
		s.want("it rests again", "2340s over: SpoolDropping h1 h1r01 h1r01n01")
		s.machines[0].set(metric.AgentSpoolDropped, 0, 0, 2) // the agent began anew
		s.runs(12 * time.Minute)
		s.want("it began anew, and rose", "2709s SpoolDropping h1 h1r01 h1r01n01")
	})
}

func TestAGPUThatIsSlowerThanItsPeers(t *testing.T) {
	var machines []*machine
	for i := range 4 {
		machines = append(machines, newMachine("h1", "r1", "n"+string(rune('1'+i)), 8, "j1"))
	}
	machines = append(machines, newMachine("h1", "r1", "n5", 8, "j2"), newMachine("h1", "r1", "n6", 8, ""))
	inBubble(t, machines, func(s *stage) {
		s.settles()
		for k := range 8 { // another job, and none: they are nobody's peers here
			s.machines[4].set(metric.GPUSMClock, 0, k, 1_200_000_000)
			s.machines[5].set(metric.GPUSMClock, 0, k, 1_200_000_000)
		}
		s.machines[1].set(metric.GPUSMClock, 0, 2, 1_500_000_000)
		s.machines[2].set(metric.GPUSMClock, 0, 1, 300_000_000)
		s.machines[2].set(metric.GPUUtilization, 0, 1, metric.Of(0.1)) // it has nothing to do
		s.runs(10 * time.Minute)
		s.want("one is slow", "301s GPUBelowPeers h1 r1 n2 2")
		s.machines[1].set(metric.GPUSMClock, 0, 2, 1_700_000_000)
		s.runs(time.Minute)
		s.want("it is a bit faster")
		s.machines[1].set(metric.GPUSMClock, 0, 2, 1_800_000_000)
		s.runs(7 * time.Minute)
		s.want("it is as fast as they are", "961s over: GPUBelowPeers h1 r1 n2 2")
	})
}
