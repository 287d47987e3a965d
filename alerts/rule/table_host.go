package rule

import (
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// links are what boards talk over.
func links() []Rule {
	return []Rule{
		{
			Name: "GPULinkFailed", Severity: Critical, Owner: GPUs, Level: GPU, Hold: event, Board: boardHealth,
			Summary:  "An NVLink of " + onGPU + " has failed",
			Evidence: "XID 74, 136, 149 or 155 came in the last ten minutes: the link is down or could not be trained.",
			Do:       "Drain the host and reset the GPU. It may be the far end's fault: look at the GPUs and switches it is linked to.",
			Judged:   &Judged{Causes: []string{"xid_74", "xid_136", "xid_149", "xid_155"}},
			Prom:     xids("74|136|149|155"),
		},
		{
			// 100 a second: DCGM_LIMIT_MAX_NVLINK_CRC_ERROR. Of replays and recoveries DCGM
			// takes every one for a fault.
			Name: "GPULinkErrors", Severity: Warning, Owner: GPUs, Level: GPU, For: 2 * minute, Hold: event, Board: boardHealth,
			Summary:  "NVLink errors on " + onGPU,
			Evidence: count + " a second, or replays and recoveries: data has to be sent again.",
			Do:       "In working hours: run field diagnostics, then reseat the board.",
			Judged:   &Judged{Causes: []string{"nvlink_errors", "nvlink_replay", "nvlink_recovery"}},
			Prom: either(
				of(`rate(gpu_nvlink_errors_total{kind=~"crc_flit|crc_data|receive|effective|ecc"}[2m]) >= 100`),
				of(`increase(gpu_nvlink_errors_total{kind=~"replay|recovery"}[10m]) > 0`)),
		},
		{
			// 8 a minute: DCGM_LIMIT_MAX_PCIREPLAY_RATE.
			Name: "GPUPCIeErrors", Severity: Warning, Owner: GPUs, Level: GPU, For: 2 * minute, Hold: event, Board: boardHealth,
			Summary:  "The PCIe link of " + onGPU + " is bad",
			Evidence: "It has lost lanes, or packets are sent again, more than 8 a minute.",
			Do:       "In working hours: reseat the board or its riser.",
			Judged:   &Judged{Causes: []string{"pcie_replays", "pcie_width"}},
			Prom: either(
				of(`increase(gpu_pcie_replays_total[2m]) > 16`),
				of(`(gpu_pcie_link_width_lanes{link="now"} > 0) < ignoring (link) gpu_pcie_link_width_lanes{link="max"}`)),
		},
		{
			Name: "NVSwitchFailed", Severity: Critical, Owner: GPUs, Level: Host, Hold: event, Board: boardHost,
			Summary:  "An NVSwitch of " + onHost + " has a fatal error",
			Evidence: "Fatal SXids in ten minutes: " + count + ". All GPUs of the host may be cut off from each other.",
			Do:       "Drain the host and restart it.",
			Judged:   &Judged{Causes: []string{"nvswitch_fatal_*"}},
			Prom:     by(Host, `increase(nvswitch_errors_total{kind="fatal"}[10m]) > 0`),
		},
		{
			Name: "HostFabricDegraded", Severity: Warning, Owner: GPUs, Level: Host, For: 2 * minute, Hold: 5 * minute, Board: boardHost,
			Summary:  "A fabric port of " + onHost + " is slower than it should be",
			Evidence: "It runs at " + share + " of its rate: a lane or the cable.",
			Do:       "In working hours: clean or replace the cable or the transceiver. Jobs on the host wait for it.",
			Judged:   &Judged{Causes: []string{"fabric_rate_*"}},
			Prom:     `min by (` + labels(Host) + `) ((fabric_port_rate_bits_per_second > 0) / fabric_port_rate_max_bits_per_second < 1)`,
		},
		{
			// A port without a link may be one that nobody uses: what is told is that a link was
			// lost.
			Name: "HostFabricLinkLost", Severity: Warning, Owner: GPUs, Level: Host, Hold: event, Board: boardHost,
			Summary:  "A fabric port of " + onHost + " lost its link",
			Evidence: "Losses in ten minutes: " + count + ". It may be down still: jobs on the host fail or hang.",
			Do:       "See whether it is up again (ibstat, ethtool). If not, drain the host; many hosts at once are their switch.",
			Judged:   &Judged{Causes: []string{"fabric_link_down_*"}},
			Prom:     by(Host, `increase(fabric_port_link_downs_total[10m]) > 0`),
		},
	}
}

// hosts are what is known of hosts besides their boards. Three alerts that are easily
// taken for one another: nothing comes from a host; it reports, and its driver does
// not answer; it reports, and has fewer GPUs than it should.
func hosts() []Rule {
	return []Rule{
		{
			Name: "HostSilent", Severity: Critical, Owner: GPUs, Level: Host, Hold: hold, Board: boardHost,
			Summary:  theHost + " is silent",
			Evidence: "Its collector has said nothing for ten seconds or more. What runs on it may go on: this is known of the collector only.",
			Do:       "Ping the host and look at it in its BMC. If it is up, see whether its collector runs, and what it logs.",
			Judged:   &Judged{Causes: []string{Silent}},
			Prom:     by(Host, `host_up == 0`) + ` unless on (site, host) gigawatch_health_quarantined == 1`,
		},
		{
			Name: "HostProbeHung", Severity: Warning, Owner: GPUs, Level: Host, For: 30 * time.Second, Hold: hold, Board: boardHost,
			Summary:  "A probe of " + onHost + " hangs",
			Evidence: "The host reports, and one of its sources has not answered for three periods: its readings are missing, not zero, and nobody knows how what it reads is.",
			Do:       "See which on the host's board (Silent sources). For GPUs, restart the DCGM host engine; do not kill it with -9.",
			Judged:   &Judged{Causes: []string{"source_stale_*", "gpus_blank", "gpus_stale", "gpus_unreachable"}},
			Prom: either(by(Host, `agent_source_stale{sensor!="`+metric.DiskSensor+`"} == 1`),
				by(Host, `count by (`+labels(Host)+`) (gpu_state{state=~"blank|stale|unreachable"} == 1) == count by (`+labels(Host)+`) (gpu_state == 1)`)),
		},
		{
			// Two minutes: after a restart, drivers may still be loading.
			Name: "HostGPUsMissing", Severity: Critical, Owner: GPUs, Level: Host, For: 2 * minute, Hold: 2 * minute, Board: boardHost,
			Summary:  theHost + " has fewer GPUs than it should",
			Evidence: "Not even listed: " + count + ". Jobs that ask for all of them fail or wait.",
			Do:       "Count them: nvidia-smi -L, and lspci -d 10de:. What lspci lacks too is power, seating or a dead board.",
			Judged:   &Judged{Causes: []string{"gpus_missing"}},
			Prom:     by(Host, `host_gpus{state="expected"}`) + ` - (count by (` + labels(Host) + `) (gpu_state == 1) or 0 * ` + by(Host, `host_gpus{state="expected"}`) + `) > 0`,
		},
		{
			Name: "HostPowerMissing", Severity: Warning, Owner: GPUs, Level: Host, For: 5 * minute, Hold: 5 * minute, Board: boardHost,
			Summary:  "The power of " + onHost + " is not read any more",
			Evidence: "It was read within the last hour and is not now; its energy is estimated meanwhile, and the report's coverage falls.",
			Do:       "See why in its collector's log (source bmc): the BMC's address, its password, or the BMC itself (ipmitool mc reset cold).",
			Watch:    &Watch{Metric: metric.HostPowerWatts, Points: []uint32{0, 3}, Test: Missing, Over: 10 * time.Second},
			Prom: by(Host, `last_over_time(host_power_watts{source=~"bmc|module"}[1h])`) +
				` unless on (site, host) host_power_watts{source=~"bmc|module"} and on (site, host) host_up == 1`,
		},
		{
			Name: "HostDiskFailing", Severity: Warning, Owner: GPUs, Level: Host, Hold: hour, Board: boardHost,
			Summary:  "A disk of " + onHost + " is failing",
			Evidence: "It warns of itself (SMART critical warning), has media errors, or has had all the writes it is rated for.",
			Do:       "In working hours: save what is on it and replace it. nvme smart-log names the cause.",
			Judged:   &Judged{Causes: []string{"nvme_warning_*", "nvme_media_errors_*", "nvme_wear_*"}},
			Prom: either(by(Host, `nvme_critical_warning > 0`), by(Host, `nvme_wear_ratio >= 1`),
				by(Host, `increase(nvme_media_errors_total[1h]) > 0`)),
		},
	}
}
