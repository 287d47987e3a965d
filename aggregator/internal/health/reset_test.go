package health_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/health"
	"github.com/gigawatch/gigawatch/collector/metric"
)

func (s *stage) reset(subject, cause string, want ...string) {
	s.t.Helper()
	got, err := s.Reset("fra1", subject, cause, "ada")
	if err != nil {
		s.t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		s.t.Errorf("set aside (-want +got): %s", d)
	}
}

// aside are the findings that are set aside.
func (s *stage) aside() []string {
	lines := []string{}
	for _, a := range s.Report("fra1", 0, time.Now()).Aside {
		lines = append(lines, a.Host+"/"+a.GPU+" "+a.Cause+" by "+a.By)
	}
	return lines
}

func TestWhatAPersonSetsAside(t *testing.T) {
	const uuid = "GPU-n1-3"
	replays := func(s *stage, m *machine, minutes int) {
		for range minutes {
			m.add(metric.GPUPCIeReplays, 0, 3, 100)
			s.passes(time.Minute)
		}
	}
	for name, tc := range map[string]struct {
		happens func(s *stage, m *machine)
		cause   string
		aside   []string // while it lasts
		goesOn  func(s *stage, m *machine)
		again   func(s *stage, m *machine)
		line    string // once it changed, or happened again
	}{
		"a condition": {
			func(_ *stage, m *machine) { m.set(metric.GPURowRemapPending, 0, 3, 1) }, "row_remap_pending", []string{"n1/3 row_remap_pending by ada"},
			func(s *stage, m *machine) { m.on(metric.Sensor, "another"); s.passes(3 * time.Hour) },
			func(s *stage, m *machine) {
				m.set(metric.GPURowRemapPending, 0, 3, 0)
				s.runs(time.Second)
				m.set(metric.GPURowRemapPending, 0, 3, 1)
			}, "degraded n1/3: row_remap_pending",
		},
		"a condition, and the aggregator restarts": {
			func(_ *stage, m *machine) { m.set(metric.GPURowRemapPending, 0, 3, 1) }, "row_remap_pending", []string{"n1/3 row_remap_pending by ada"},
			func(s *stage, _ *machine) { s.start(); s.runs(time.Minute); s.restart(); s.runs(time.Minute) },
			func(s *stage, m *machine) {
				m.set(metric.GPURowRemapPending, 0, 3, 0)
				s.runs(time.Second)
				m.set(metric.GPURowRemapPending, 0, 3, 1)
			}, "degraded n1/3: row_remap_pending",
		},
		"what the driver asks for, and then it asks for more": {
			func(_ *stage, m *machine) { m.set(metric.GPURecoveryAction, 0, 3, 1) }, "recovery_action", []string{"n1/3 recovery_action by ada"},
			func(s *stage, _ *machine) { s.passes(time.Hour) },
			func(_ *stage, m *machine) { m.set(metric.GPURecoveryAction, 0, 3, 2) }, "failed n1/3: recovery_action",
		},
		"uncorrected errors, and then there are more": {
			func(s *stage, m *machine) { m.add(metric.GPUECCErrors, volatileUncorrected, 3, 1) }, "ecc_uncorrected", []string{"n1/3 ecc_uncorrected by ada"},
			func(s *stage, _ *machine) { s.passes(time.Hour) },
			func(_ *stage, m *machine) { m.add(metric.GPUECCErrors, volatileUncorrected, 3, 1) }, "failed n1/3: ecc_uncorrected",
		},
		"an XID": {
			func(_ *stage, m *machine) { m.xid(3, 74, 1) }, "xid_74", nil,
			func(s *stage, m *machine) {
				s.passes(time.Minute)
				m.agentAnew()
				s.passes(time.Minute)
				s.start()
				s.passes(time.Hour)
			},
			func(_ *stage, m *machine) { m.xid(3, 74, 1) }, "failed n1/3: xid_74",
		},
		"a rate": {
			func(s *stage, m *machine) { replays(s, m, 2) }, "pcie_replays", []string{"n1/3 pcie_replays by ada"},
			func(s *stage, m *machine) { replays(s, m, 20) },
			func(s *stage, m *machine) { s.passes(10 * time.Minute); replays(s, m, 2) }, "degraded n1/3: pcie_replays",
		},
		"all of it": {
			func(_ *stage, m *machine) { m.xid(3, 74, 1); m.set(metric.GPURowRemapPending, 0, 3, 1) }, "", []string{"n1/3 row_remap_pending by ada"},
			func(s *stage, _ *machine) { s.passes(time.Hour) },
			func(_ *stage, m *machine) { m.xid(3, 74, 1) }, "failed n1/3: xid_74",
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(s *stage) {
				m := s.machines[0]
				s.passes(2 * time.Minute)
				tc.happens(s, m)
				s.runs(2 * time.Second)
				want := []string{tc.cause}
				if tc.cause == "" {
					want = []string{"row_remap_pending", "xid_74"}
				}
				s.reset(uuid, tc.cause, want...)
				for _, when := range []string{"at once", "while it goes on"} {
					s.want(when)
					if d := cmp.Diff(tc.aside, s.aside()); d != "" && len(tc.aside)+len(s.aside()) > 0 {
						t.Errorf("%s, what is aside (-want +got): %s", when, d)
					}
					if when == "at once" {
						tc.goesOn(s, m)
					}
				}
				tc.again(s, m)
				s.runs(2 * time.Second)
				s.want("again", tc.line)
			})
		})
	}
}

func TestAHostOrGPUThatIsGoneForGood(t *testing.T) {
	t.Run("a host", func(t *testing.T) {
		inBubble(t, 4, func(s *stage) {
			s.runs(time.Minute)
			s.machines[1].up = false
			s.runs(time.Minute)
			s.want("before", "unknown n2: silent")
			s.reset("n2", "", "silent")
			s.restart()
			s.passes(time.Hour)
			s.want("after")
			if r := s.Report("fra1", 0, time.Now()); r.Hosts != [health.States]int{health.OK: 3} || r.GPUs != [health.States]int{health.OK: 24} {
				t.Errorf("hosts %v, GPUs %v", r.Hosts, r.GPUs)
			}
			s.machines[1].up = true
			s.runs(time.Minute)
			s.want("it is back")
			s.machines[1].up = false
			s.runs(time.Minute)
			s.want("and away again", "unknown n2: silent")
		})
	})
	t.Run("most of a site", func(t *testing.T) {
		inBubble(t, 8, func(s *stage) {
			s.runs(time.Minute)
			for i := range 6 {
				s.machines[i].up = false
			}
			s.runs(time.Minute)
			s.want("before", "blind: 6 of 8 hosts fell silent together: n1, n2, n3, …")
			s.reset("fra1", "", "blind")
			s.runs(time.Minute)
			s.want("after")
		})
	})
	t.Run("a GPU", func(t *testing.T) {
		inBubble(t, 1, func(s *stage) {
			m := s.machines[0]
			s.runs(time.Minute)
			m.boards, m.changed = m.boards[:7], true
			s.runs(3 * time.Minute)
			s.want("before", "failed n1: gpus_missing")
			s.reset("n1", "gpus_missing", "gpus_missing")
			s.restart()
			s.runs(5 * time.Minute)
			s.want("after")
			m.boards, m.changed = m.boards[:6], true
			s.runs(3 * time.Minute)
			s.want("another", "failed n1: gpus_missing")
		})
	})
	t.Run("a GPU that the configuration expects", func(t *testing.T) {
		inBubble(t, 1, func(s *stage) {
			m := s.machines[0]
			m.set(metric.HostGPUs, 0, 0, 8)
			s.runs(time.Minute)
			m.boards, m.changed = m.boards[:7], true
			s.runs(3 * time.Minute)
			s.reset("n1", "gpus_missing", "gpus_missing")
			s.restart()
			s.runs(5 * time.Minute)
			s.want("after")
			if d := cmp.Diff([]string{"n1/ gpus_missing by ada"}, s.aside()); d != "" {
				t.Error(d)
			}
		})
	})
}

func TestWhatCannotBeReset(t *testing.T) {
	inBubble(t, 1, func(s *stage) {
		s.runs(time.Minute)
		s.machines[0].state(3, metric.GPULost)
		s.runs(time.Minute)
		for name, tc := range map[string]struct {
			site, subject, cause string
			nothing              bool
			message              string
		}{
			"another site":            {"ber2", "GPU-n1-3", "", false, `reset health of "GPU-n1-3" at "ber2": there is no such site`},
			"a GPU that nobody knows": {"fra1", "GPU-n9-9", "", true, "nothing is known against it"},
			"a GPU that is well":      {"fra1", "GPU-n1-4", "", true, "nothing is known against it"},
			"another cause":           {"fra1", "GPU-n1-3", "xid_79", true, "nothing is known against it"},
			"a site that sees":        {"fra1", "fra1", "", true, "nothing is known against it"},
			"no name":                 {"fra1", "", "", true, "nothing is known against it"},
		} {
			_, err := s.Reset(tc.site, tc.subject, tc.cause, "ada")
			if err == nil || !strings.Contains(err.Error(), tc.message) || errors.Is(err, health.ErrNothing) != tc.nothing {
				t.Errorf("%s: error is %v", name, err)
			}
		}
		s.want("it stands", "failed n1/3: lost")
	})
}

func TestAResetOutlivesACrash(t *testing.T) {
	inBubble(t, 1, func(s *stage) {
		s.runs(time.Minute)
		s.machines[0].state(3, metric.GPULost)
		s.runs(2 * time.Second)
		s.reset("GPU-n1-3", "lost", "lost")
		s.start() // a crash
		s.runs(time.Minute)
		s.want("after")
		if b, err := os.ReadFile(s.config.File); err != nil || !strings.Contains(string(b), `"by":"ada"`) {
			t.Errorf("the file does not say who: %s, %v", b, err)
		}
	})
}
