package health_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

var (
	volatileUncorrected = point(metric.GPUECCErrors, "uncorrected", "volatile")
	volatileCorrected   = point(metric.GPUECCErrors, "corrected", "volatile")
	uncorrectable       = point(metric.GPURemappedRows, "uncorrectable")
)

// Each situation is one thing that happens to GPU 3 of host n1.
func TestWhatHappensToAGPU(t *testing.T) {
	const gpu = 3
	for name, tc := range map[string]struct {
		happens func(m *machine)
		lines   []string
		action  string
		is      []string // part of the evidence
		over    func(m *machine)
		after   []string // what is left once it is over
	}{
		"nothing": {func(*machine) {}, nil, "", nil, nil, nil},
		"it is lost": {
			func(m *machine) { m.state(gpu, metric.GPULost) }, []string{"failed n1/3: lost"}, "reboot", []string{"its neighbours do"},
			func(m *machine) { m.state(gpu, metric.GPUOk) }, nil,
		},
		"it alone is stale": {
			func(m *machine) { m.state(gpu, metric.GPUStale) }, []string{"unknown n1/3: stale"}, "check_host", []string{"stopped advancing"},
			func(m *machine) { m.state(gpu, metric.GPUOk) }, nil,
		},
		"the driver asks for a reset": {
			func(m *machine) { m.set(metric.GPURecoveryAction, 0, gpu, 1) }, []string{"failed n1/3: recovery_action"}, "reset_gpu", []string{"asks for a reset of the GPU"},
			func(m *machine) { m.set(metric.GPURecoveryAction, 0, gpu, 0) }, nil,
		},
		"the driver asks for a reboot": {
			func(m *machine) { m.set(metric.GPURecoveryAction, 0, gpu, 2) }, []string{"failed n1/3: recovery_action"}, "reboot", []string{"restart of the host"}, nil, nil,
		},
		"the driver asks for what nobody knows yet": {
			func(m *machine) { m.set(metric.GPURecoveryAction, 0, gpu, 77) }, []string{"degraded n1/3: recovery_action"}, "check_host", []string{"number 77"}, nil, nil,
		},
		"a row remapping waits": {
			func(m *machine) { m.set(metric.GPURowRemapPending, 0, gpu, 1) }, []string{"degraded n1/3: row_remap_pending"}, "reset_at_maintenance", nil,
			func(m *machine) { m.set(metric.GPURowRemapPending, 0, gpu, 0) }, nil,
		},
		"a row remapping has failed": {
			func(m *machine) { m.set(metric.GPURowRemapFailed, 0, gpu, 1) }, []string{"failed n1/3: row_remap_failed"}, "contact_support", nil, nil, nil,
		},
		"rows were remapped": {
			func(m *machine) { m.add(metric.GPURemappedRows, uncorrectable, gpu, 2) }, []string{"degraded n1/3: row_remapped"}, "reset_at_maintenance", []string{"errors: 2"},
			func(m *machine) { m.energy(gpu, 0) }, nil,
		},
		"SRAM had too many errors": {
			func(m *machine) { m.set(metric.GPUSRAMThreshold, 0, gpu, 1) }, []string{"failed n1/3: sram_threshold"}, "contact_support", nil, nil, nil,
		},
		"its memory is beyond repair": {
			func(m *machine) { m.set(metric.GPUMemoryUnrepairable, 0, gpu, 1) }, []string{"failed n1/3: memory_unrepairable"}, "contact_support", nil, nil, nil,
		},
		"uncorrected errors, and a driver that does not say what it wants": {
			func(m *machine) { m.add(metric.GPUECCErrors, volatileUncorrected, gpu, 2) }, []string{"failed n1/3: ecc_uncorrected"}, "drain_and_reset", []string{"loaded: 2"},
			func(m *machine) { m.set(metric.GPUECCErrors, volatileUncorrected, gpu, 0); m.energy(gpu, 0) }, nil,
		},
		"uncorrected errors, and a driver that asks for nothing": {
			func(m *machine) {
				m.set(metric.GPURecoveryAction, 0, gpu, 0)
				m.add(metric.GPUECCErrors, volatileUncorrected, gpu, 2)
			}, []string{"degraded n1/3: ecc_uncorrected"}, "drain_and_reset", nil, nil, nil,
		},
		"an uncorrected error that was contained": {
			func(m *machine) {
				m.xid(gpu, 94, 1)
				m.add(metric.GPUECCErrors, volatileUncorrected, gpu, 1)
			}, []string{"degraded n1/3: ecc_uncorrected xid_94"}, "drain_and_reset", nil, nil, nil,
		},
		"a double-bit error with an XID": {
			func(m *machine) {
				m.xid(gpu, 48, 1)
				m.xid(gpu, 94, 1)
				m.add(metric.GPUECCErrors, volatileUncorrected, gpu, 1)
			}, []string{"failed n1/3: ecc_uncorrected xid_48 xid_94(degraded)"}, "drain_and_reset", nil,
			func(m *machine) { m.set(metric.GPUECCErrors, volatileUncorrected, gpu, 0); m.energy(gpu, 0) }, nil,
		},
		"pages wait to be retired": {
			func(m *machine) { m.set(metric.GPUPagesPending, 0, gpu, 1) }, []string{"degraded n1/3: pages_pending"}, "reset_at_maintenance", nil, nil, nil,
		},
		"a page was retired for a double-bit error": {
			func(m *machine) { m.add(metric.GPURetiredPages, point(metric.GPURetiredPages, "double_bit"), gpu, 1) },
			[]string{"degraded n1/3: pages_retired"}, "reset_at_maintenance", nil, nil, nil,
		},
		"a page was retired for single-bit errors": {
			func(m *machine) { m.add(metric.GPURetiredPages, point(metric.GPURetiredPages, "single_bit"), gpu, 1) },
			[]string{"watch n1/3: pages_retired_single_bit"}, "none", nil, nil, nil,
		},
		"as many pages were retired as are allowed": {
			func(m *machine) { m.set(metric.GPURetiredPages, point(metric.GPURetiredPages, "single_bit"), gpu, 63) },
			[]string{"degraded n1/3: pages_limit pages_retired_single_bit(watch)"}, "contact_support", nil, nil, nil,
		},
		"its PCIe link lost lanes": {
			func(m *machine) { m.set(metric.GPUPCIeWidth, point(metric.GPUPCIeWidth, "now"), gpu, 8) },
			[]string{"degraded n1/3: pcie_width"}, "check_cabling", []string{"8 of 16 lanes"},
			func(m *machine) { m.set(metric.GPUPCIeWidth, point(metric.GPUPCIeWidth, "now"), gpu, 16) }, nil,
		},
		"an NVLink recovered": {
			func(m *machine) { m.add(metric.GPUNVLinkErrors, point(metric.GPUNVLinkErrors, "recovery"), gpu, 1) },
			[]string{"degraded n1/3: nvlink_recovery"}, "check_cabling", nil, nil, nil,
		},
		"NVLink 4 replayed": {
			func(m *machine) { m.add(metric.GPUNVLinkErrors, point(metric.GPUNVLinkErrors, "replay"), gpu, 3) },
			[]string{"degraded n1/3: nvlink_replay"}, "check_cabling", []string{"replays: 3"}, nil, nil,
		},
		"XID 13, an application's fault": {
			func(m *machine) { m.xid(gpu, 13, 1) }, []string{"watch n1: xid_13"}, "restart_app", []string{"on GPU 3", "XID 13"}, nil, nil,
		},
		"XID 93, which nobody needs to know": {func(m *machine) { m.xid(gpu, 93, 5) }, nil, "", nil, nil, nil},
		"XID 777, of tomorrow": {
			func(m *machine) { m.xid(gpu, 777, 1) }, []string{"degraded n1/3: xid_777"}, "check_host", []string{"not in the table of 2025-10-29"},
			func(m *machine) { m.energy(gpu, 0) }, nil,
		},
		"XID 154 of a GPU that reports no recovery action": {
			func(m *machine) { m.xid(gpu, 154, 1) }, []string{"degraded n1/3: xid_154"}, "check_host", nil, nil, nil,
		},
		"XID 154 of one that does": {
			func(m *machine) { m.set(metric.GPURecoveryAction, 0, gpu, 2); m.xid(gpu, 154, 1) }, []string{"failed n1/3: recovery_action"}, "reboot", nil, nil, nil,
		},
		"XID 48 and recovery action 0": {
			func(m *machine) { m.set(metric.GPURecoveryAction, 0, gpu, 0); m.xid(gpu, 48, 1) }, []string{"degraded n1/3: xid_48"}, "drain_and_reset", nil, nil, nil,
		},
		"XID 48 and recovery action 1": {
			func(m *machine) { m.set(metric.GPURecoveryAction, 0, gpu, 1); m.xid(gpu, 48, 1) }, []string{"failed n1/3: recovery_action xid_48"}, "reset_gpu", nil,
			func(m *machine) { m.set(metric.GPURecoveryAction, 0, gpu, 0) }, nil,
		},
		"XID 48 and no recovery action": {
			func(m *machine) { m.xid(gpu, 48, 1) }, []string{"failed n1/3: xid_48"}, "drain_and_reset", nil,
			func(m *machine) { m.energy(gpu, 0) }, nil,
		},
		"XID 79 and the GPU is lost, its driver having asked for nothing before": {
			func(m *machine) {
				m.set(metric.GPURecoveryAction, 0, gpu, 0)
				m.xid(gpu, 79, 1)
				m.state(gpu, metric.GPULost)
			}, []string{"failed n1/3: lost xid_79"}, "reboot", nil,
			func(m *machine) { m.state(gpu, metric.GPUOk); m.energy(gpu, 5) }, nil,
		},
		"XID 79, and it comes back without a restart": {
			func(m *machine) { m.xid(gpu, 79, 1); m.state(gpu, metric.GPULost) }, []string{"failed n1/3: lost xid_79"}, "reboot", nil,
			func(m *machine) { m.state(gpu, metric.GPUOk) }, []string{"failed n1/3: xid_79"},
		},
		"XID 119 and the engine answers nothing": {
			func(m *machine) {
				m.set(metric.GPURecoveryAction, 0, gpu, 0)
				m.xid(gpu, 119, 1)
				for k := range 8 {
					m.state(k, metric.GPUBlank)
				}
			}, []string{"failed n1/3: xid_119", "unknown n1: gpus_blank"}, "reset_gpu", nil,
			func(m *machine) {
				for k := range 8 {
					m.state(k, metric.GPUOk)
				}
			}, []string{"degraded n1/3: xid_119"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(s *stage) {
				m := s.machines[0]
				s.passes(90 * time.Second)
				s.want("before")
				tc.happens(m)
				s.runs(2 * time.Second)
				s.want("after it happened", tc.lines...)
				if len(tc.lines) > 0 {
					v := s.Report("fra1", 1, time.Now()).Subjects[0]
					f := v.Findings[0]
					if string(f.Action) != tc.action || f.Advice == "" {
						t.Errorf("action is %s, want %s; advice %q", f.Action, tc.action, f.Advice)
					}
					for _, part := range tc.is {
						if !strings.Contains(f.Evidence, part) {
							t.Errorf("evidence %q lacks %q", f.Evidence, part)
						}
					}
					if age := time.Since(time.UnixMilli(v.Since)); age < 0 || age > 3*time.Second {
						t.Errorf("since %v ago", age)
					}
				}
				if tc.over != nil {
					tc.over(m)
					s.runs(2 * time.Second)
					s.want("once it was over", tc.after...)
				}
			})
		})
	}
}

// Errors that were there when health first looked are told, and are of no
// hurry; what lasts for life is not.
func TestWhatWasThereBefore(t *testing.T) {
	inBubble(t, 1, func(s *stage) {
		m := s.machines[0]
		m.set(metric.GPUECCErrors, volatileUncorrected, 0, 3)
		m.set(metric.GPUECCErrors, point(metric.GPUECCErrors, "uncorrected", "aggregate"), 1, 3)
		m.set(metric.GPURemappedRows, uncorrectable, 2, 3)
		m.set(metric.GPURowRemapPending, 0, 3, 1)
		m.set(metric.GPUPCIeReplays, 0, 4, 1e6)
		m.set(metric.GPUNVLinkErrors, point(metric.GPUNVLinkErrors, "recovery"), 5, 7)
		s.passes(5 * time.Minute)
		s.want("at first sight", "degraded n1/0: ecc_uncorrected", "degraded n1/3: row_remap_pending")
		m.add(metric.GPUECCErrors, volatileUncorrected, 0, 1)
		s.runs(2 * time.Second)
		s.want("one more", "failed n1/0: ecc_uncorrected", "degraded n1/3: row_remap_pending")
		s.leaps(24*time.Hour + time.Minute)
		s.want("a day later", "degraded n1/0: ecc_uncorrected", "degraded n1/3: row_remap_pending")
	})
}

func TestAnAMDBoard(t *testing.T) {
	inBubble(t, 1, func(s *stage) {
		m := s.machines[0]
		m.lacks(metric.GPURetiredPages)
		bad := point(metric.GPURetiredPages, "double_bit") // the only kind that AMD counts
		for k := range 8 {
			m.set(metric.GPURetiredPages, bad, k, 200) // of old
		}
		s.passes(time.Minute)
		s.want("at first sight")
		m.add(metric.GPUECCErrors, volatileUncorrected, 2, 1)
		m.add(metric.GPURetiredPages, bad, 2, 1)
		m.set(metric.GPUPagesPending, 0, 2, 1)
		s.passes(time.Minute)
		s.want("after an uncorrected error", "failed n1/2: ecc_uncorrected pages_pending(degraded) pages_retired(degraded)")
		m.set(metric.GPUECCErrors, volatileUncorrected, 2, 0) // the driver was loaded anew
		m.set(metric.GPUPagesPending, 0, 2, 0)
		m.energy(2, 0)
		s.runs(2 * time.Second)
		s.want("the driver was loaded anew", "degraded n1/2: pages_retired")
		s.leaps(7 * 24 * time.Hour)
		s.want("a week later")
	})
}

func TestWhatIsSlowOrNoisy(t *testing.T) {
	slow := func(reason string) uint32 { return point(metric.GPUSlowdownSeconds, reason) }
	for name, tc := range map[string]struct {
		metric  metric.Number
		point   uint32
		aMinute metric.Raw
		line    string
	}{
		"8 PCIe replays a minute are allowed": {metric.GPUPCIeReplays, 0, 8, ""},
		"9 are not":                           {metric.GPUPCIeReplays, 0, 9, "degraded n1/3: pcie_replays"},
		"too hot for 3 s of a minute":         {metric.GPUSlowdownSeconds, slow("hardware_thermal"), 3e9, ""},
		"too hot for 20 s of a minute":        {metric.GPUSlowdownSeconds, slow("hardware_thermal"), 20e9, "degraded n1/3: hardware_thermal_slowdown"},
		"the driver found it too hot":         {metric.GPUSlowdownSeconds, slow("software_thermal"), 20e9, "watch n1/3: software_thermal_slowdown"},
		"the power brake is on":               {metric.GPUSlowdownSeconds, slow("power_brake"), 60e9, "degraded n1/3: power_brake_slowdown"},
		"the power limit is reached, as ever": {metric.GPUSlowdownSeconds, slow("power"), 60e9, ""},
		"90 NVLink CRC errors a second":       {metric.GPUNVLinkErrors, point(metric.GPUNVLinkErrors, "crc_flit"), 90 * 60, ""},
		"110 of them":                         {metric.GPUNVLinkErrors, point(metric.GPUNVLinkErrors, "crc_flit"), 110 * 60, "degraded n1/3: nvlink_errors"},
		"15 corrected errors a minute":        {metric.GPUECCErrors, volatileCorrected, 15, ""},
		"100 of them":                         {metric.GPUECCErrors, volatileCorrected, 100, "watch n1/3: ecc_corrected"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(s *stage) {
				m := s.machines[0]
				s.passes(90 * time.Second)
				for range 30 {
					s.passes(30 * time.Second)
					m.add(tc.metric, tc.point, 3, tc.aMinute/2)
					s.passes(30 * time.Second)
					m.add(tc.metric, tc.point, 3, tc.aMinute-tc.aMinute/2)
				}
				want := []string{}
				if tc.line != "" {
					want = []string{tc.line}
				}
				s.passes(time.Minute)
				s.want("while it lasts", want...)
				s.passes(7 * time.Minute)
				if tc.metric != metric.GPUECCErrors {
					s.want("seven minutes after")
				}
				s.passes(time.Hour)
				s.want("an hour after")
				// A counter that begins anew, or was away for an hour, is no flood.
				m.add(tc.metric, tc.point, 3, 100*tc.aMinute)
				m.state(3, metric.GPULost)
				s.passes(time.Hour)
				m.state(3, metric.GPUOk)
				s.passes(2 * time.Minute)
				s.want("after an hour without values")
				m.up = false
				time.Sleep(time.Hour)
				m.add(tc.metric, tc.point, 3, 1000*tc.aMinute)
				m.up = true
				s.passes(2 * time.Minute)
				if tc.metric != metric.GPUECCErrors {
					s.want("after an hour without reports")
				}
				m.set(tc.metric, tc.point, 3, 0)
				s.passes(2 * time.Minute)
				if tc.metric != metric.GPUECCErrors {
					s.want("it began anew")
				}
			})
		})
	}
}

func TestAConditionThatTheNewDriverDoesNotKnowEnds(t *testing.T) {
	inBubble(t, 1, func(s *stage) {
		m := s.machines[0]
		m.set(metric.GPURecoveryAction, 0, 3, 1)
		m.set(metric.GPURowRemapPending, 0, 4, 1)
		s.passes(time.Minute)
		m.lacks(metric.GPURecoveryAction)
		s.passes(59 * time.Minute)
		s.want("while it may be a pause", "failed n1/3: recovery_action", "degraded n1/4: row_remap_pending")
		since := s.finding("GPU-n1-4", "row_remap_pending").Since
		s.passes(3 * time.Minute)
		s.want("an hour later", "degraded n1/4: row_remap_pending")
		if got := s.finding("GPU-n1-4", "row_remap_pending").Since; got != since {
			t.Errorf("the other is said to be since %d, and was since %d", got, since)
		}
	})
}

// A driver that was loaded anew may not know what the one before it did; else what
// it says as before stands.
func TestAConditionStandsAfterItsBoardWasAway(t *testing.T) {
	for name, state := range map[string]metric.Raw{"lost": metric.GPULost, "blank": metric.GPUBlank, "stale": metric.GPUStale, "unreachable": metric.GPUUnreachable} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(s *stage) {
				m := s.machines[0]
				m.set(metric.GPURowRemapFailed, 0, 4, 1)
				m.set(metric.GPUECCErrors, volatileUncorrected, 4, 2)
				m.set(metric.GPURowRemapPending, 0, 5, 1)
				s.passes(time.Minute)
				since := s.finding("GPU-n1-4", "row_remap_failed").Since
				for k := range 8 {
					m.state(k, state)
				}
				s.passes(10 * time.Second)
				for k := range 8 {
					m.state(k, metric.GPUOk)
				}
				m.set(metric.GPURowRemapPending, 0, 5, metric.Missing)
				s.passes(10 * time.Second)
				s.want("it is back", "failed n1/4: row_remap_failed ecc_uncorrected(degraded)", "degraded n1/5: row_remap_pending")
				s.passes(61 * time.Minute)
				s.want("an hour later", "failed n1/4: row_remap_failed ecc_uncorrected(degraded)")
				if got := s.finding("GPU-n1-4", "row_remap_failed").Since; got != since {
					t.Errorf("it is said to be since %d, and was since %d", got, since)
				}
			})
		})
	}
}
