package health_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/gigawatch/gigawatch/aggregator/internal/health"
	"github.com/gigawatch/gigawatch/collector/metric"
)

func TestWhatIsRememberedIsBounded(t *testing.T) {
	inBubble(t, 1, func(s *stage) {
		set := metrics.NewSet()
		h, err := health.New(health.Config{Agents: 10, Subjects: 40, Metrics: set})
		if err != nil {
			t.Fatal(err)
		}
		s.Health, s.machines = h, nil
		for i := range 50 {
			s.machines = append(s.machines, newMachine(fmt.Sprintf("n%d", i+1), 8))
		}
		s.runs(5 * time.Second)
		r := s.Report("fra1", 0, time.Now())
		hosts, gpus := 0, 0
		for state := range health.States {
			hosts, gpus = hosts+r.Hosts[state], gpus+r.GPUs[state]
		}
		if hosts+gpus > 40 || hosts > 10 || hosts == 0 {
			t.Errorf("%d hosts and %d GPUs are known", hosts, gpus)
		}
		if n := set.GetOrCreateCounter("gigawatch_health_refused_total").Get(); n == 0 {
			t.Error("none is counted as refused")
		}
		for i := range 3000 {
			m := newMachine("n1", 0)
			m.site = fmt.Sprintf("s%d", i)
			m.key = m.site + "/n1"
			s.Observe(m.tick())
		}
		if n := len(s.Sites()); n > 1024 {
			t.Errorf("%d sites are known", n)
		}
	})
}

func TestAHostWithHundredsOfXIDs(t *testing.T) {
	inBubble(t, 1, func(s *stage) {
		m := s.machines[0]
		s.runs(2 * time.Second)
		for code := range uint32(300) {
			m.xid(0, 1000+code, 1)
			s.Observe(m.tick())
			time.Sleep(100 * time.Millisecond)
		}
		m.xid(0, 79, 1)
		m.state(1, metric.GPULost)
		s.runs(2 * time.Second)
		lines := s.lines()
		if len(lines) != 2 || !strings.HasPrefix(lines[0], "failed n1/0: xid_79") || strings.Count(lines[0], " ") > 66 {
			t.Errorf("it says %d lines: %.300q", len(lines), lines)
		}
		if n := strings.Count(s.log.String(), "\n"); n > 400 {
			t.Errorf("%d lines are logged", n)
		}
	})
}

func TestABoardThatComesAndGoesDoesNotFillALog(t *testing.T) {
	inBubble(t, 1, func(s *stage) {
		m := s.machines[0]
		for i := range 600 {
			for k := range 4 {
				m.state(k, metric.Raw(i%2))
			}
			s.runs(time.Second)
		}
		if n := strings.Count(s.log.String(), "\n"); n > 11*100 {
			t.Errorf("%d lines are logged in ten minutes", n)
		}
		if !strings.Contains(s.log.String(), "not logged") {
			t.Error("it is not said that lines are left out")
		}
	})
}

func TestAReportIsCutFromItsEnd(t *testing.T) {
	inBubble(t, 3, func(s *stage) {
		s.runs(time.Minute)
		for i, m := range s.machines {
			m.set(metric.GPURowRemapPending, 0, i, 1)
			m.set(metric.GPURowRemapFailed, 0, 7, 1)
			s.runs(time.Second)
			m.set(metric.GPURowRemapPending, 0, 5, 1)
			m.xid(6, 13, 1)
			s.runs(time.Second)
		}
		s.want("all", "failed n3/7: row_remap_failed", "failed n2/7: row_remap_failed", "failed n1/7: row_remap_failed",
			"degraded n3/5: row_remap_pending", "degraded n3/2: row_remap_pending", "degraded n2/5: row_remap_pending",
			"degraded n2/1: row_remap_pending", "degraded n1/5: row_remap_pending", "degraded n1/0: row_remap_pending",
			"watch n3: xid_13", "watch n2: xid_13", "watch n1: xid_13")
		r := s.Report("fra1", 4, time.Now())
		if len(r.Subjects) != 4 || r.Cut != 8 || r.Subjects[3].GPU != "5" {
			t.Errorf("%d subjects, %d cut: %+v", len(r.Subjects), r.Cut, r.Subjects)
		}
		if s.Report("nowhere", 0, time.Now()) != nil {
			t.Error("a site that is not there has a report")
		}
	})
}

func TestFindingsAreCounted(t *testing.T) {
	inBubble(t, 4, func(s *stage) {
		set := metrics.NewSet()
		h, err := health.New(health.Config{Metrics: set})
		if err != nil {
			t.Fatal(err)
		}
		s.Health = h
		calamity(s)
		var b bytes.Buffer
		set.WritePrometheus(&b)
		for _, line := range []string{
			`gigawatch_health_findings{state="watch"} 1`, `gigawatch_health_findings{state="unknown"} 1`,
			`gigawatch_health_findings{state="degraded"} 1`, `gigawatch_health_findings{state="failed"} 4`,
			`gigawatch_health_raised_total 7`,
		} {
			if !strings.Contains(b.String(), line+"\n") {
				t.Errorf("metrics lack %s:\n%s", line, &b)
			}
		}
	})
}

// What all may do at once, for the race detector.
func TestAllAtOnce(t *testing.T) {
	h, err := health.New(health.Config{File: filepath.Join(t.TempDir(), "health.json"), Silence: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() {
		if err := h.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	for i := range 4 {
		all.Go(func() {
			m := newMachine(fmt.Sprintf("n%d", i), 8)
			for n := range 100 {
				m.xid(n%8, 45, 1)
				m.state(n%8, metric.Raw(n%3))
				h.Observe(m.tick())
			}
		})
		all.Go(func() {
			for range 20 {
				if r := h.Report("fra1", 10, time.Now()); r != nil {
					for _, v := range r.Subjects {
						_, _ = h.Reset("fra1", v.UUID, "", "me") // it may be well by now
					}
				}
				h.Sites()
				h.Sweep(time.Now())
			}
		})
	}
	time.Sleep(50 * time.Millisecond)
	cancel()
	all.Wait()
}
