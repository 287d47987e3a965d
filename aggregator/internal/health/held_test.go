package health_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/health"
)

// A host of which nothing is taken needs a person, and is not one that is silent. When
// that is over by itself somebody is to look even so; by a person's word, nobody is.
func TestAHostInQuarantine(t *testing.T) {
	inBubble(t, 3, func(s *stage) {
		var held []health.Held
		s.config.Held = func() []health.Held { return held }
		s.start()
		s.runs(time.Minute)
		now := time.Now()
		held = []health.Held{
			{Site: "fra1", Agent: "n2", Since: now, Until: now.Add(10 * time.Minute), Refused: 30, Why: "it says fra1/n3", Times: 2},
			{Site: "fra1", Agent: "new", Since: now, Until: now.Add(10 * time.Minute), Refused: 30, Why: "checksum", Times: 1},
		}
		s.machines[1].up = false // nothing that it says comes here
		s.runs(2 * time.Minute)
		s.want("in quarantine", "failed n2: quarantined", "failed new: quarantined")
		f := s.finding("n2", "quarantined")
		if f.Since != now.UnixMilli() || !f.Stands || f.Action != health.CheckHost || f.Count != 30 || !strings.Contains(f.Evidence, "it says fra1/n3; so 2 times lately") ||
			!strings.Contains(f.Advice, "aggregator bus revoke") || !strings.Contains(f.Advice, "aggregator quarantine -release") {
			t.Errorf("the finding is %+v", f)
		}
		if r := s.Report("fra1", 0, time.Now()); r.Hosts != [health.States]int{health.OK: 2, health.Failed: 1} || r.Subjects[0].Rack != "r2" {
			t.Errorf("hosts are %v, and it is %+v", r.Hosts, r.Subjects[0].Who)
		}
		for _, h := range s.Hosts(nil) {
			if h.Held != (h.Name == "n2") {
				t.Errorf("%s is held: %t", h.Name, h.Held)
			}
		}
		var out bytes.Buffer
		s.set.WritePrometheus(&out)
		for _, line := range []string{`gigawatch_health_quarantined{site="fra1",hall="h1",rack="r2",host="n2"} 1`, `gigawatch_health_quarantined{site="fra1",host="new"} 1`} {
			if !strings.Contains(out.String(), line+"\n") {
				t.Errorf("there is no %s in\n%s", line, out.String())
			}
		}

		// The aggregator starts anew.
		s.stop()
		s.start()
		s.runs(2 * time.Second)
		s.want("after a restart", "failed n2: quarantined", "failed new: quarantined")

		// A person has looked; the other is released.
		if _, err := s.Reset("fra1", "n2", "quarantined", "ada"); err != nil {
			t.Fatal(err)
		}
		held[1].Until, held[1].Released = time.Now(), true
		s.runs(time.Minute)
		s.want("set aside, and released")

		s.runs(8 * time.Minute)
		s.machines[1].up = true
		s.runs(time.Minute)
		s.want("when its time is over", "degraded n2: was_quarantined")
		if f := s.finding("n2", "was_quarantined"); f.Stands || f.Last != held[0].Until.UnixMilli() {
			t.Errorf("it is %+v", f)
		}
		if _, err := s.Reset("fra1", "n2", "", "ada"); err != nil {
			t.Fatal(err)
		}
		s.runs(time.Minute)
		s.want("when somebody has looked")

		now = time.Now()
		held = []health.Held{{Site: "fra1", Agent: "n2", Since: now, Until: now.Add(time.Minute), Refused: 30, Why: "lane differs", Times: 3}}
		s.runs(2 * time.Second)
		s.want("again", "failed n2: quarantined")
		s.runs(2 * time.Minute)
		s.want("which is over", "degraded n2: was_quarantined")
		s.passes(24 * time.Hour)
		s.want("a day later")
	})
}

// One that is in quarantine falls silent when it says nothing once it is heard again.
func TestAHostThatIsAwayAfterItsQuarantineIsSilent(t *testing.T) {
	inBubble(t, 3, func(s *stage) {
		var held []health.Held
		s.config.Held = func() []health.Held { return held }
		s.start()
		s.runs(time.Minute)
		now := time.Now()
		held = []health.Held{{Site: "fra1", Agent: "n2", Since: now, Until: now.Add(time.Minute), Released: true}}
		s.machines[1].up = false
		s.runs(50 * time.Second)
		s.want("in quarantine", "failed n2: quarantined")
		s.runs(20 * time.Second)
		s.want("just after it")
		s.runs(time.Minute)
		s.want("a minute later", "unknown n2: silent")
	})
}
