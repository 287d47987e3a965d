package health_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/health"
	"github.com/gigawatch/gigawatch/collector/metric"
)

func contextOf(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithCancel(t.Context())
}

// Each situation is one thing that happens on host n1.
func TestWhatHappensOnAHost(t *testing.T) {
	rate, most := metric.FabricPortRate, metric.FabricPortRateMax
	for name, tc := range map[string]struct {
		has     func(m *machine)
		happens func(m *machine)
		line    string
		is      string
		over    func(m *machine)
	}{
		"its probe hangs": {
			func(m *machine) {
				m.on(metric.Sensor, "dcgm")
				m.on(metric.Sensor, "host")
				m.set(metric.AgentSourceStale, 0, 0, 0)
			},
			func(m *machine) { m.set(metric.AgentSourceStale, 0, 0, 1) }, "unknown n1: source_stale_dcgm", "source dcgm does not answer",
			func(m *machine) { m.set(metric.AgentSourceStale, 0, 0, 0) },
		},
		"its collector's disk takes nothing": {
			func(m *machine) {
				m.on(metric.Sensor, "dcgm")
				m.on(metric.Sensor, metric.DiskSensor)
				m.set(metric.AgentSourceStale, 0, 0, 0)
			},
			func(m *machine) { m.set(metric.AgentSourceStale, 0, 1, 1) }, "degraded n1: spool_refused", "disk takes nothing",
			func(m *machine) { m.set(metric.AgentSourceStale, 0, 1, 0) },
		},
		"a disk warns": {
			func(m *machine) {
				m.on(metric.Device, "nvme0")
				m.on(metric.Device, "nvme1")
				m.set(metric.NVMeWarning, 0, 0, 0)
			},
			func(m *machine) { m.set(metric.NVMeWarning, 0, 1, 9) }, "degraded n1: nvme_warning_nvme1", "disk nvme1 warns: spare blocks are low, it is read only",
			func(m *machine) { m.set(metric.NVMeWarning, 0, 1, 0) },
		},
		"a disk has media errors": {
			func(m *machine) { m.on(metric.Device, "nvme0"); m.set(metric.NVMeMediaErrors, 0, 0, 17) },
			func(m *machine) { m.add(metric.NVMeMediaErrors, 0, 0, 2) }, "degraded n1: nvme_media_errors_nvme0", "nvme0: 2", nil,
		},
		"a disk is worn": {
			func(m *machine) { m.on(metric.Device, "nvme0"); m.set(metric.NVMeWear, 0, 0, metric.Of(0.99)) },
			func(m *machine) { m.set(metric.NVMeWear, 0, 0, metric.Of(1)) }, "watch n1: nvme_wear_nvme0", "rated for", nil,
		},
		"a port lost lanes": {
			func(m *machine) { m.on(metric.Port, "mlx5_0/1"); m.set(rate, 0, 0, 400e9); m.set(most, 0, 0, 400e9) },
			func(m *machine) { m.set(rate, 0, 0, 100e9) }, "degraded n1: fabric_rate_mlx5_0/1", "port mlx5_0/1 runs at 100 of 400 Gbit/s",
			func(m *machine) { m.set(rate, 0, 0, 400e9) },
		},
		"a port's link went down": {
			func(m *machine) { m.on(metric.Port, "1"); m.set(metric.FabricPortLinkDowns, 0, 0, 12) },
			func(m *machine) { m.add(metric.FabricPortLinkDowns, 0, 0, 1) }, "watch n1: fabric_link_down_1", "port 1: 1", nil,
		},
		"a port that nobody uses": {
			func(m *machine) { m.on(metric.Port, "1"); m.set(rate, 0, 0, 0); m.set(most, 0, 0, 400e9) }, func(*machine) {}, "", "", nil,
		},
		"all its GPUs are lost": {
			func(*machine) {}, func(m *machine) { all(m, metric.GPULost) }, "failed n1: gpus_lost", "none of the host's GPUs", func(m *machine) { all(m, metric.GPUOk) },
		},
		"the engine answers nothing": {
			func(*machine) {}, func(m *machine) { all(m, metric.GPUBlank) }, "unknown n1: gpus_blank", "for any GPU", func(m *machine) { all(m, metric.GPUOk) },
		},
		"the engine is not there": {
			func(*machine) {}, func(m *machine) { all(m, metric.GPUUnreachable) }, "unknown n1: gpus_unreachable", "does not answer", func(m *machine) { all(m, metric.GPUOk) },
		},
		"the engine hangs": {
			func(*machine) {}, func(m *machine) { all(m, metric.GPUStale) }, "unknown n1: gpus_stale", "of all GPUs have stopped", func(m *machine) { all(m, metric.GPUOk) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(s *stage) {
				m := s.machines[0]
				tc.has(m)
				s.runs(time.Minute)
				s.want("before")
				tc.happens(m)
				s.runs(2 * time.Second)
				if tc.line == "" {
					s.want("after")
					return
				}
				s.want("after it happened", tc.line)
				v := s.Report("fra1", 1, time.Now()).Subjects[0]
				if !strings.Contains(v.Findings[0].Evidence, tc.is) || v.Findings[0].Advice == "" {
					t.Errorf("evidence %q lacks %q; advice %q", v.Findings[0].Evidence, tc.is, v.Findings[0].Advice)
				}
				if v.Hall != "h1" || v.Rack != "r1" || v.Kind != "host" {
					t.Errorf("it is said to be at %+v", v.Who)
				}
				if tc.over != nil {
					tc.over(m)
					s.runs(2 * time.Second)
					s.want("once it was over")
				}
			})
		})
	}
}

func all(m *machine, state metric.Raw) {
	for k := range m.boards {
		m.state(k, state)
	}
}

func TestGPUsThatSayNothingAreUnknown(t *testing.T) {
	inBubble(t, 2, func(s *stage) {
		s.runs(time.Minute)
		all(s.machines[0], metric.Missing) // their source hangs
		s.runs(time.Second)
		r := s.Report("fra1", 0, time.Now())
		if r.GPUs != [health.States]int{health.OK: 8, health.Unknown: 8} {
			t.Errorf("GPUs are %v", r.GPUs)
		}
		s.machines[1].up = false
		s.runs(time.Minute)
		r = s.Report("fra1", 0, time.Now())
		if r.GPUs != [health.States]int{health.Unknown: 16} || r.Hosts != [health.States]int{health.OK: 1, health.Unknown: 1} {
			t.Errorf("GPUs are %v, hosts %v", r.GPUs, r.Hosts)
		}
		s.want("a silent host hides its GPUs", "unknown n2: silent")
	})
}

func TestSilence(t *testing.T) {
	down := func(s *stage, hosts ...int) {
		for _, i := range hosts {
			s.machines[i].up = false
		}
	}
	for name, tc := range map[string]struct {
		hosts int
		down  []int
		lines []string
	}{
		"the only one":  {1, []int{0}, []string{"unknown n1: silent"}},
		"one of eight":  {8, []int{4}, []string{"unknown n5: silent"}},
		"four of eight": {8, []int{0, 1, 2, 3}, []string{"unknown n1: silent", "unknown n2: silent", "unknown n3: silent", "unknown n4: silent"}},
		"five of eight": {8, []int{0, 1, 2, 3, 4}, []string{"blind: 5 of 8 hosts fell silent together: n1, n2, n3, …"}},
		"all of eight":  {8, []int{0, 1, 2, 3, 4, 5, 6, 7}, []string{"blind: 8 of 8 hosts fell silent together: n1, n2, n3, …"}},
		"both of two":   {2, []int{0, 1}, []string{"blind: 2 of 2 hosts fell silent together: n1, n2"}},
		"two of three":  {3, []int{0, 2}, []string{"unknown n1: silent", "unknown n3: silent"}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, tc.hosts, func(s *stage) {
				s.runs(time.Minute)
				down(s, tc.down...)
				s.runs(29 * time.Second)
				s.want("29 s later")
				s.runs(10 * time.Second)
				s.want("after 39 s", tc.lines...)
				s.passes(time.Hour)
				s.want("an hour later", tc.lines...)
				for _, m := range s.machines {
					m.up = true
				}
				s.runs(2 * time.Second)
				s.want("when they are back")
			})
		})
	}
	t.Run("most, one after the other, is no blindness", func(t *testing.T) {
		inBubble(t, 4, func(s *stage) {
			s.runs(time.Minute)
			var want []string
			for i := range 3 {
				down(s, i)
				s.passes(time.Hour)
				want = append([]string{"unknown n" + string(rune('1'+i)) + ": silent"}, want...)
			}
			s.want("three of four", want...)
			s.leaps(7 * 24 * time.Hour)
			s.want("a week later they are no longer expected")
		})
	})
	t.Run("since the aggregator's start", func(t *testing.T) {
		inBubble(t, 3, func(s *stage) {
			s.runs(time.Minute)
			s.stop()
			down(s, 1)
			time.Sleep(time.Hour)
			s.start()
			s.want("nothing is known yet")
			s.runs(20 * time.Second)
			s.want("20 s after the start")
			s.runs(30 * time.Second)
			s.want("50 s after the start", "unknown n2: silent")
			if age := time.Since(time.UnixMilli(s.finding("n2", "silent").Since)); age < time.Hour {
				t.Errorf("it is said to be silent for %v", age)
			}
		})
	})
	t.Run("the bus is away, and is no host's fault", func(t *testing.T) {
		inBubble(t, 8, func(s *stage) {
			s.runs(time.Minute)
			for _, m := range s.machines {
				m.up = false
			}
			s.restart()
			s.runs(time.Minute)
			s.want("after a restart", "blind: 8 of 8 hosts fell silent together: n1, n2, n3, …")
		})
	})
}

func TestGPUsThatAreMissing(t *testing.T) {
	without := func(m *machine, k int) {
		m.boards = append(append([]metric.Entity{}, m.boards[:k]...), m.boards[k+1:]...)
		m.changed = true
	}
	const line = "failed n1: gpus_missing"
	t.Run("after a restart of the host", func(t *testing.T) {
		inBubble(t, 1, func(s *stage) {
			m := s.machines[0]
			s.runs(time.Minute)
			m.xid(3, 79, 1)
			m.state(3, metric.GPULost)
			s.runs(15 * time.Second)
			kept := m.boards
			m.agentAnew()
			m.state(3, metric.GPUOk) // of the board after it
			without(m, 3)            // the agent knows nothing of it any more; the others move up
			s.runs(time.Minute)
			s.want("a minute later, drivers may still be loading", "failed n1/3: lost xid_79")
			s.runs(2 * time.Minute)
			s.want("three minutes later", line, "failed n1/3: xid_79")
			if e := s.finding("n1", "gpus_missing").Evidence; e != "7 of 8 GPUs are there; missing: GPU 3 (GPU-n1-3)" {
				t.Errorf("evidence is %q", e)
			}
			if r := s.Report("fra1", 0, time.Now()); r.GPUs != [health.States]int{health.OK: 7, health.Failed: 1} {
				t.Errorf("GPUs are %v", r.GPUs)
			}
			s.restart()
			s.runs(3 * time.Minute)
			s.want("after a restart of the aggregator", line, "failed n1/3: xid_79")
			m.boards, m.changed = kept, true
			m.energy(3, 0)
			s.runs(2 * time.Second)
			s.want("it is back")
		})
	})
	t.Run("another was put in its place", func(t *testing.T) {
		inBubble(t, 1, func(s *stage) {
			m := s.machines[0]
			s.runs(time.Minute)
			m.xid(3, 79, 1)
			s.runs(time.Second)
			kept := m.boards
			m.agentAnew()
			without(m, 3)
			s.runs(5 * time.Minute)
			s.want("while it is away", line, "failed n1/3: xid_79")
			m.boards, m.changed = append([]metric.Entity{}, kept...), true
			m.boards[3].Name = "GPU-new"
			s.runs(2 * time.Second)
			s.want("the new one is there")
		})
	})
	t.Run("it was moved to another host", func(t *testing.T) {
		inBubble(t, 2, func(s *stage) {
			a, b := s.machines[0], s.machines[1]
			s.runs(time.Minute)
			moved := a.boards[3]
			without(a, 3)
			s.runs(5 * time.Minute)
			s.want("while it is away", line)
			moved.Labels = board("n2", 8).Labels
			b.boards, b.changed = append(b.boards, moved), true
			s.runs(2 * time.Second)
			s.want("it turned up")
		})
	})
	t.Run("the only one was moved, and the host dies later", func(t *testing.T) {
		inBubble(t, 3, func(s *stage) {
			a, b := newMachine("n1", 1), s.machines[1]
			s.machines[0] = a
			s.runs(time.Minute)
			moved := a.boards[0]
			a.boards, a.changed = nil, true
			s.runs(5 * time.Second)
			moved.Labels = board("n2", 8).Labels
			b.boards, b.changed = append(b.boards, moved), true
			s.runs(5 * time.Minute)
			s.want("it turned up")
			a.up = false
			s.runs(time.Minute)
			s.want("the host died", "unknown n1: silent")
		})
	})
	t.Run("the host is told to expect more than there ever were", func(t *testing.T) {
		inBubble(t, 1, func(s *stage) {
			s.machines[0].set(metric.HostGPUs, 0, 0, 9)
			s.runs(5 * time.Minute)
			s.want("8 of 9", line)
		})
	})
	t.Run("the driver was not loaded", func(t *testing.T) {
		inBubble(t, 1, func(s *stage) {
			m := s.machines[0]
			s.runs(time.Minute)
			kept := m.boards
			m.boards, m.changed = nil, true
			s.runs(3 * time.Minute)
			s.want("none is there", line)
			if e := s.finding("n1", "gpus_missing").Evidence; e != "0 of 8 GPUs are there" {
				t.Errorf("evidence is %q", e)
			}
			m.boards, m.changed = kept, true
			s.runs(2 * time.Second)
			s.want("it was")
		})
	})
	t.Run("all of the host is silent", func(t *testing.T) {
		inBubble(t, 1, func(s *stage) {
			s.runs(time.Minute)
			s.machines[0].up = false
			s.runs(5 * time.Minute)
			s.want("it is one line", "unknown n1: silent")
		})
	})
}

func TestARenamedHostIsNotMissed(t *testing.T) {
	rename := func(m *machine, to string) {
		m.place.Host, m.changed = to, true
	}
	t.Run("by the same agent", func(t *testing.T) {
		inBubble(t, 3, func(s *stage) {
			s.runs(time.Minute)
			s.machines[0].xid(2, 95, 1)
			s.runs(time.Second)
			rename(s.machines[0], "m1")
			s.runs(5 * time.Minute)
			s.want("after", "failed m1/2: xid_95")
		})
	})
	t.Run("one without GPUs", func(t *testing.T) {
		inBubble(t, 3, func(s *stage) {
			s.machines[0] = newMachine("n9", 0)
			s.runs(time.Minute)
			rename(s.machines[0], "m9")
			s.runs(5 * time.Minute)
			s.want("after")
		})
	})
	t.Run("with its agent", func(t *testing.T) {
		inBubble(t, 3, func(s *stage) {
			m := s.machines[0]
			s.runs(time.Minute)
			m.xid(2, 95, 1)
			s.runs(time.Second)
			m.up = false
			s.runs(10 * time.Second)
			m.up, m.key = true, "fra1/m1"
			rename(m, "m1")
			m.agentAnew()
			for range 90 {
				s.runs(time.Second)
				for _, l := range s.lines() {
					if strings.Contains(l, "silent") {
						t.Fatalf("it is missed: %q", l)
					}
				}
			}
			s.want("after", "failed m1/2: xid_95")
		})
	})
	t.Run("many times over", func(t *testing.T) {
		inBubble(t, 1, func(s *stage) {
			m := s.machines[0]
			for i := range 50 {
				m.key = "fra1/agent" + string(rune('A'+i))
				rename(m, "host"+string(rune('A'+i)))
				s.passes(6 * time.Minute)
			}
			r := s.Report("fra1", 0, time.Now())
			if r.Hosts != [health.States]int{health.OK: 1} || r.GPUs != [health.States]int{health.OK: 8} {
				t.Errorf("hosts %v, GPUs %v: %q", r.Hosts, r.GPUs, s.lines())
			}
		})
	})
}

func TestWhatTwoAgentsReportIsJudgedOnce(t *testing.T) {
	inBubble(t, 1, func(s *stage) {
		m := s.machines[0]
		twin := newMachine("n1", 8)
		twin.key = "fra1/n1-b"
		s.machines = append(s.machines, twin)
		s.runs(time.Minute)
		all(twin, metric.GPULost) // it has no rights
		twin.xid(1, 48, 1)
		for k := range 8 { // the same counters
			twin.energy(k, 1e12)
		}
		s.runs(time.Minute)
		s.want("the first is believed")
		m.up = false
		s.runs(time.Minute)
		s.want("until it is silent", "failed n1: gpus_lost", "failed n1/1: xid_48")
		all(twin, metric.GPUOk)
		s.runs(2 * time.Second)
		s.want("the second has the word", "failed n1/1: xid_48")
		m.up = true
		m.state(1, metric.GPULost)
		m.set(metric.GPURowRemapFailed, 0, 2, 1)
		s.runs(time.Minute)
		s.want("and keeps it", "failed n1/1: xid_48")
	})
}

func TestWhoReadsAHostsPowerDoesNotSpeakForIt(t *testing.T) {
	inBubble(t, 1, func(s *stage) {
		s.runs(time.Minute)
		s.machines[0].up = false
		l := &metric.Layout{Entities: metric.Place{Host: "n1"}.Entities(), Columns: []metric.Column{{Metric: metric.HostPowerWatts, Form: metric.Float, Count: 1}}}
		for range 60 {
			s.Observe(health.Tick{Key: "fra1/bmcs", Site: "fra1", Layout: l, Millis: time.Now().UnixMilli(), Values: []metric.Raw{metric.Of(900)}, Received: time.Now()})
			s.runs(time.Second)
		}
		s.want("its BMC answers", "unknown n1: silent")
	})
}

func TestWhatComesLateIsNotJudged(t *testing.T) {
	inBubble(t, 1, func(s *stage) {
		m := s.machines[0]
		s.runs(time.Minute)
		m.state(3, metric.GPULost)
		m.xid(4, 48, 1)
		old := m.tick()
		m.state(3, metric.GPUOk)
		m.agentAnew()
		s.runs(time.Minute)
		old.Late, old.Received = true, time.Now()
		s.Observe(old)
		s.want("a backlog")
		old.Late, old.Received = false, time.Now().Add(-time.Minute)
		s.Observe(old)
		s.want("out of order")
		m.up = false
		for range 60 {
			s.runs(time.Second)
			old.Late, old.Received = true, time.Now()
			s.Observe(old)
		}
		s.want("it does not make the host heard", "unknown n1: silent")
	})
}

func TestASimulatedSiteIsOne(t *testing.T) {
	inBubble(t, 2, func(s *stage) {
		real, model := s.machines[0], s.machines[1]
		model.simulated = true
		s.runs(time.Minute)
		r := s.Report("fra1", 0, time.Now())
		if r.Simulated || r.Hosts != [health.States]int{health.OK: 1} {
			t.Errorf("a model under a real site's name: simulated %v, hosts %v", r.Simulated, r.Hosts)
		}
		model.site, model.key = "sim", "sim/n2"
		s.runs(time.Minute)
		s.restart()
		if r := s.Report("sim", 0, time.Now()); r == nil || !r.Simulated {
			t.Errorf("after a restart: %+v", r)
		}
		real.site, real.key = "sim", "sim/n1" // the name is used for real now
		real.changed, model.up = true, false
		s.runs(time.Minute)
		if r := s.Report("sim", 0, time.Now()); r.Simulated || r.Hosts != [health.States]int{health.OK: 1} {
			t.Errorf("after it was taken over: simulated %v, hosts %v", r.Simulated, r.Hosts)
		}
	})
}
