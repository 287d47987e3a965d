package rule_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/health"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// Of a host in quarantine one alert tells, and not that it is silent: it speaks. When
// it is heard again it is not called silent for what was not taken meanwhile, unless it
// says nothing then.
func TestAHostInQuarantineIsNotSilent(t *testing.T) {
	inBubble(t, racks(1, 2, 6, 0), func(s *stage) {
		s.settles()
		hold := func(m *machine) {
			now := time.Now()
			s.held = append(s.held, health.Held{Site: "fra1", Agent: m.name, Since: now, Until: now.Add(10 * time.Minute), Refused: 30, Why: "it says fra1/other", Times: 1})
			m.up = false // it says nothing that comes here
		}
		back, away := s.machines[1], s.machines[7]
		hold(back)
		hold(away)
		s.runs(10 * time.Minute)
		if n := s.kinds(); n["AgentQuarantined"] != 2 || len(n) != 1 {
			t.Fatalf("told %q", s.inbox.lines)
		}
		for _, m := range s.inbox.now {
			if !slices.ContainsFunc(m.Annotations, func(p metric.Pair) bool {
				return p.Name == "evidence" && strings.Contains(p.Value, "30 batches within a minute that no collector sends, the last: it says fra1/other")
			}) {
				t.Errorf("it is told with %+v", m.Annotations)
			}
		}
		for i := range s.held {
			s.held[i].Until, s.held[i].Released = time.Now(), true
		}
		back.up = true
		s.inbox.lines = nil
		s.runs(20 * time.Minute)
		told := strings.Join(s.inbox.lines, "\n")
		if strings.Contains(told, "HostSilent h1 h1r01 "+back.name) || strings.Count(told, "HostSilent h1 h1r02 "+away.name) != 1 || strings.Count(told, "over: AgentQuarantined") != 2 {
			t.Errorf("told %s", told)
		}
	})
}
