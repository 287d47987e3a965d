package health_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/health"
)

// counted are the totals of XIDs by hall and code.
func (s *stage) counted(t *testing.T) map[string]int64 {
	t.Helper()
	all := map[string]int64{}
	for _, x := range s.XIDs(nil) {
		k := strings.TrimSpace(fmt.Sprintf("%s %d", x.Hall, x.Code))
		if _, twice := all[k]; twice || x.Site != "fra1" {
			t.Errorf("%s stands twice, or for %q", k, x.Site)
		}
		all[k] = x.Total
	}
	return all
}

func TestXIDsAreCountedByHallAndCode(t *testing.T) {
	inBubble(t, 3, func(s *stage) {
		s.machines[1].place.Hall, s.machines[2].place.Hall = "h2", ""
		s.runs(time.Minute)
		if got := s.counted(t); len(got) > 0 {
			t.Errorf("before any: %v", got)
		}
		for k := range 3 {
			s.machines[0].xid(k, 74, 2)
		}
		s.machines[0].xid(0, 79, 1)
		s.machines[1].xid(0, 74, 1)
		s.machines[2].xid(0, 154, 1) // the table says nothing of it
		s.runs(time.Second)
		want := map[string]int64{"h1 74": 6, "h1 79": 1, "h2 74": 1, "154": 1}
		if d := cmp.Diff(want, s.counted(t)); d != "" {
			t.Error(d)
		}
		s.stop()
		s.start()
		if got := s.counted(t); len(got) > 0 {
			t.Errorf("before what the bus had is judged: %v", got)
		}
		s.runs(2 * time.Second)
		if d := cmp.Diff(want, s.counted(t)); d != "" {
			t.Errorf("after a restart: %s", d)
		}
	})
}

func TestCodesThatAHostMakesUpAreBounded(t *testing.T) {
	inBubble(t, 2, func(s *stage) {
		set := metrics.NewSet()
		h, err := health.New(health.Config{Metrics: set})
		if err != nil {
			t.Fatal(err)
		}
		s.Health = h
		s.runs(2 * time.Second)
		for range 2 {
			s.machines[0].xid(0, 1, 1<<62)
			s.runs(time.Second)
		}
		for code := range uint32(5000) {
			s.machines[code%2].xid(0, 1+code, 1)
		}
		s.runs(2 * time.Second)
		all := s.counted(t)
		if len(all) != 1<<12 {
			t.Errorf("%d are told apart", len(all))
		}
		for k, n := range all {
			if n <= 0 || n > 1<<33 {
				t.Errorf("%s: %d", k, n)
			}
		}
		if n := set.GetOrCreateCounter("gigawatch_health_refused_total").Get(); n == 0 {
			t.Error("none is counted as refused")
		}
	})
}
