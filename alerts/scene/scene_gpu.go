package scene

import "fmt"

// newXID is an XID that came a minute before the end; other is another one.
func newXID(code string) Series {
	return Series{`gpu_xid_event_timestamp_seconds{@gpu,xid="` + code + `"}`: "_x173 1730x30"}
}

// counted is one of an agent that tells no times.
func counted(code string) Series {
	return Series{`gpu_xid_events_total{@gpu,xid="` + code + `"}`: "0x130 1x70"}
}

func xids(code, other string) Scene {
	return Scene{Fires: newXID(code), Quiet: newXID(other)}.and("fires for XID "+code+" without its time", true, counted(code))
}

func is(series, fires, quiet string) Scene {
	return Scene{Fires: Series{series: fires}, Quiet: Series{series: quiet}}
}

func boards() map[string]Scene {
	const (
		other  = `site="s1",hall="h1",rack="r1",host="n1",gpu="4",uuid="GPU-4"`
		action = `gpu_recovery_action{@gpu}`
	)
	before := func(code string) Series {
		return Series{`gpu_xid_event_timestamp_seconds{@gpu,xid="` + code + `"}`: "_x140 1400x60"}
	}
	return map[string]Scene{
		"GPULost": Scene{
			Fires: Series{`gpu_state{@gpu,state="lost"}`: "1x200"},
			Quiet: Series{`gpu_state{@gpu,state="ok"}`: "1x200", `gpu_xid_event_timestamp_seconds{@gpu,xid="79"}`: "60x200"}, // long ago
		}.
			and("fires for XID 79", true, newXID("79")).and("fires for XID 79 without its time", true, counted("79")).
			and("is over ten minutes after XID 79, and ten more", false, Series{`gpu_xid_event_timestamp_seconds{@gpu,xid="79"}`: "_x40 400x160"}),
		"HostGPUsLost": {
			Fires: Series{`gpu_state{@gpu,state="lost"}`: "1x200", `gpu_state{` + other + `,state="lost"}`: "1x200"},
			Quiet: Series{`gpu_state{@gpu,state="lost"}`: "1x200", `gpu_state{` + other + `,state="ok"}`: "1x200"},
		},
		"GPUNeedsReset": is(action, "0x170 1x30", "0x170 2x30").
			and("fires for action 4", true, Series{action: "4x200"}).and("fires for action 6", true, Series{action: "6x200"}).
			and("is quiet for action 5", false, Series{action: "5x200"}).and("is quiet for action 7", false, Series{action: "7x200"}),
		"GPUNeedsReboot": is(action, "0x170 2x30", "0x170 1x30").
			and("fires for action 7", true, Series{action: "7x200"}).and("is quiet for action 6", false, Series{action: "6x200"}),
		"GPUNeedsDrain": is(action, "0x170 3x30", "0x200").
			and("fires for action 5", true, Series{action: "5x200"}).and("fires for one that is not known", true, Series{action: "8x200"}).
			and("is quiet for action 4", false, Series{action: "4x200"}).and("is quiet for action 7", false, Series{action: "7x200"}).
			and("fires for XID 154 where the driver says no more", true, newXID("154")).
			and("is quiet for XID 154 where the driver asks for nothing", false, newXID("154").with(Series{action: "0x200"})),
		"GPUMemoryUncontained": xids("95", "94"),
		"GPUMemoryUncorrected": is(`gpu_ecc_errors_total{@gpu,kind="uncorrected",scope="volatile"}`, "0x170 2x30", "2x200").
			and("fires for XID 48", true, newXID("48")).and("fires for XID 48 without its time", true, counted("48")).and("fires for XID 140", true, newXID("140")),
		"GPUMemoryContained": xids("94", "31"),
		"GPUMemoryUnrepairable": is(`gpu_row_remap_failed{@gpu}`, "0x170 1x30", "0x200").
			and("fires when no repair is left", true, Series{`gpu_memory_unrepairable{@gpu}`: "1x200"}).
			and("fires beyond the threshold of on-chip memory", true, Series{`gpu_ecc_sram_threshold_exceeded{@gpu}`: "1x200"}).
			and("fires at 63 retired pages of both causes", true, Series{`gpu_retired_pages_total{@gpu,kind="single_bit"}`: "40x200", `gpu_retired_pages_total{@gpu,kind="double_bit"}`: "23x200"}).
			and("is quiet at 62", false, Series{`gpu_retired_pages_total{@gpu,kind="double_bit"}`: "62x200"}).
			and("fires for XID 64", true, newXID("64")).and("fires for XID 64 without its time", true, counted("64")),
		"GPURemapPending": is(`gpu_row_remap_pending{@gpu}`, "0x100 1x100", "0x200").
			and("fires for a page", true, Series{`gpu_retired_pages_pending{@gpu}`: "1x200"}).and("fires for XID 63", true, before("63")).and("fires for XID 63 without its time", true, counted("63")),
		"GPUMemoryErrorsRising": is(`gpu_ecc_errors_total{@gpu,kind="corrected",scope="volatile"}`, "0+10x200", "0+1x200").
			and("fires for XID 92", true, before("92")).and("fires for XID 92 without its time", true, counted("92")),
		"GPUFailed":          xids("119", "45"),
		"GPUDegraded":        xids("121", "43"),
		"GPUNotRead":         {Fires: Series{`gpu_state{@gpu,state="stale"}`: "1x200"}, Quiet: Series{`gpu_state{@gpu,state="ok"}`: "1x200"}},
		"GPUThermalSlowdown": is(`gpu_slowdown_seconds_total{@gpu,reason="hardware_thermal"}`, "0+3x200", "0+0.2x200"),
		"GPUThrottledByHeat": is(`gpu_slowdown_seconds_total{@gpu,reason="software_thermal"}`, "0+3x200", "0+0.2x200"),
		"GPUPowerBrake":      is(`gpu_slowdown_seconds_total{@gpu,reason="power_brake"}`, "0+3x200", "0+0.2x200"),
		"GPUMemoryHot":       is(`gpu_memory_temperature_celsius{@gpu}`, "96x200", "94x200"),
		"GPUNearSlowdown":    is(`gpu_temperature_margin_celsius{@gpu}`, "2x200", "7x200"),
		"GPUBelowPeers": Scene{Fires: jobAt("1200000000x200"), Quiet: jobAt("1900000000x200")}.
			and("is quiet of a slower model beside a faster", false, jobOf("1410000000x200")).
			and("fires for one of a slower model", true, jobOf("1000000000x200")),
		"GPULinkFailed": xids("74", "137"),
		"GPULinkErrors": is(`gpu_nvlink_errors_total{@gpu,kind="crc_flit"}`, "0+2000x200", "0+100x200").
			and("fires for a replay", true, Series{`gpu_nvlink_errors_total{@gpu,kind="replay"}`: "0x150 1x50"}),
		"GPUPCIeErrors": is(`gpu_pcie_replays_total{@gpu}`, "0+2x200", "0+1x200").
			and("fires for lanes that are lost", true, Series{`gpu_pcie_link_width_lanes{@gpu,link="now"}`: "8x200", `gpu_pcie_link_width_lanes{@gpu,link="max"}`: "16x200"}).
			and("is quiet of a link that is asleep", false, Series{`gpu_pcie_link_width_lanes{@gpu,link="now"}`: "0x200", `gpu_pcie_link_width_lanes{@gpu,link="max"}`: "16x200"}),
	}
}

// jobOf is a job on four boards of a slower model, of which one has other clocks than
// the rest, and eight of a faster.
func jobOf(clock string) Series {
	s := Series{}
	for i := range 12 {
		hertz, model := "1410000000x200", "A100"
		switch {
		case i == 3:
			hertz = clock
		case i > 3:
			hertz, model = "1980000000x200", "H100"
		}
		s.works(i, model, hertz)
	}
	return s
}

// works is a GPU at work for a job.
func (s Series) works(i int, model, hertz string) {
	who := fmt.Sprintf(`site="s1",hall="h1",rack="r1",host="n1",gpu="%d",uuid="GPU-%d",model="%s"`, i, i, model)
	s[`gpu_sm_clock_hertz{`+who+`}`] = hertz
	s[`gpu_utilization_ratio{`+who+`}`] = "0.98x200"
	s[`job_gpu_share_ratio{`+who+`,job="4711"}`] = "1x200"
}

// jobAt is a job on eight GPUs at work, of which one has other clocks than the rest.
func jobAt(clock string) Series {
	s := Series{}
	for i := range 8 {
		hertz := "1980000000x200"
		if i == 3 {
			hertz = clock
		}
		s.works(i, "H200", hertz)
	}
	return s
}

func hosts() map[string]Scene {
	const other = `site="s1",hall="h1",rack="r1",host="n1",gpu="4",uuid="GPU-4"`
	return map[string]Scene{
		"NVSwitchFailed": is(`nvswitch_errors_total{@host,device="nvswitch0",kind="fatal"}`, "0x170 1x30", "1x200"),
		"HostFabricDegraded": {
			Fires: Series{`fabric_port_rate_bits_per_second{@host,device="mlx5_0",port="1"}`: "100000000000x200", `fabric_port_rate_max_bits_per_second{@host,device="mlx5_0",port="1"}`: "400000000000x200"},
			Quiet: Series{`fabric_port_rate_bits_per_second{@host,device="mlx5_0",port="1"}`: "0x200", `fabric_port_rate_max_bits_per_second{@host,device="mlx5_0",port="1"}`: "400000000000x200"}, // nobody uses it
		},
		"HostFabricLinkLost": is(`fabric_port_link_downs_total{@host,device="mlx5_0",port="1"}`, "0x150 1x50", "1x200"),
		"HostSilent": is(`host_up{@host}`, "1x170 0x30", "1x200").
			and("is quiet for one that AgentQuarantined tells of", false, Series{`host_up{@host}`: "1x170 0x30", `gigawatch_health_quarantined{@self,@host}`: "1x200"}),
		"HostProbeHung": is(`agent_source_stale{@host,sensor="dcgm"}`, "0x170 1x30", "0x200").
			and("is quiet when its disk takes nothing, which is another alert", false, Series{`agent_source_stale{@host,sensor="disk"}`: "1x200"}).
			and("fires when no GPU is read", true, Series{`gpu_state{@gpu,state="stale"}`: "1x200", `gpu_state{` + other + `,state="blank"}`: "1x200"}).
			and("is quiet when one is", false, Series{`gpu_state{@gpu,state="stale"}`: "1x200", `gpu_state{` + other + `,state="ok"}`: "1x200"}),
		"HostGPUsMissing": {
			Fires: Series{`host_gpus{@host,state="expected"}`: "2x200", `gpu_state{@gpu,state="ok"}`: "1x200"},
			Quiet: Series{`host_gpus{@host,state="expected"}`: "2x200", `gpu_state{@gpu,state="ok"}`: "1x200", `gpu_state{` + other + `,state="lost"}`: "1x200"}, // lost is another alert
		},
		"HostPowerMissing": {
			Fires: Series{`host_power_watts{@host,source="bmc"}`: "5000x100 stale", `host_up{@host}`: "1x200"},
			Quiet: Series{`host_power_watts{@host,source="bmc"}`: "5000x100 stale", `host_up{@host}`: "1x100 0x100"}, // the host is silent as a whole
		},
		"HostDiskFailing": is(`nvme_critical_warning{@host,device="nvme0"}`, "0x170 4x30", "0x200").
			and("fires for one that is worn", true, Series{`nvme_wear_ratio{@host,device="nvme0"}`: "1x200"}).
			and("fires for media errors", true, Series{`nvme_media_errors_total{@host,device="nvme0"}`: "0x150 1x50"}),
		"SpoolFilling":  is(`agent_spool_bytes{@host,lane="ledger"}`, "70000000x200", "1000000x200"),
		"SpoolDropping": is(`agent_spool_dropped_total{@host,lane="telemetry"}`, "0x170 5x30", "5x200"),
		"SpoolWriteFailing": is(`agent_source_stale{@host,sensor="disk"}`, "0x160 1x40", "0x200").
			and("is quiet when a source hangs, which is another alert", false, Series{`agent_source_stale{@host,sensor="dcgm"}`: "1x200"}),
		"ClockSkew": is(`agent_clock_error_seconds{@host}`, "0.8x200", "0.05x200"),
	}
}
