package rule

import (
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// What is known of a board comes from the health judgement: it knows what an event
// is, what the driver asks for, and what a reset has healed. XIDs are sorted by its
// dated table; xids.go has what PromQL needs of it.

// of keeps a GPU's labels of expr.
func of(expr string) string { return by(GPU, expr) }

// xids is of the GPUs that had one of the XIDs, as a regular expression, in the
// last ten minutes: the value is how long ago the newest was, in seconds. An agent
// that tells no times counts.
func xids(codes string) string {
	return either(
		of(`time() - gpu_xid_event_timestamp_seconds{xid=~"`+codes+`"} < 600`),
		of(`increase(gpu_xid_events_total{xid=~"`+codes+`"}[10m]) > 0`))
}

func boards() []Rule {
	return []Rule{
		{
			Name: "GPULost", Severity: Critical, Owner: GPUs, Level: GPU, Hold: event, Board: boardHealth,
			Summary:  onGPU + " is lost",
			Evidence: "The GPU answers nothing while its neighbours do, or the driver reported XID 79 (fallen off the bus) in the last ten minutes.",
			Do:       "Drain the host, then power-cycle it, cold. Do not reset the GPU alone: it is not on the bus.",
			Judged:   &Judged{Causes: []string{"lost", "xid_79"}},
			Prom:     either(of(`gpu_state{state="lost"} == 1`), xids("79")),
		},
		{
			Name: "HostGPUsLost", Severity: Critical, Owner: GPUs, Level: Host, For: 10 * time.Second, Hold: hold, Board: boardHost,
			Summary:  "No GPU of " + onHost + " answers",
			Evidence: "All " + count + " GPUs of the host are lost at once: power or cabling of the GPU board, not the GPUs.",
			Do:       "Drain the host and look at the power of its GPU board in the BMC's event log.",
			Judged:   &Judged{Causes: []string{"gpus_lost"}},
			Prom:     `count by (` + labels(Host) + `) (gpu_state{state="lost"} == 1) == on (site, host) group_left () count by (site, host) (gpu_state == 1) > 1`,
		},
		// Recovery actions: nvmlDeviceGpuRecoveryAction_t, DCGM field 1523. The driver's
		// word goes before any table of XIDs.
		{
			Name: "GPUNeedsReset", Severity: Critical, Owner: GPUs, Level: GPU, Hold: hold, Board: boardHealth,
			Summary:  onGPU + " must be reset",
			Evidence: "The driver asks for recovery action {{ $value }} (1 reset, 4 drain and reset, 6 reset of the PCIe bus).",
			Do:       "End the work on the GPU, then nvidia-smi --gpu-reset -i {{ with $labels.gpu }}{{ . }}{{ else }}{{ $labels.uuid }}{{ end }}. If it asks for a reset of the PCIe bus, restart the host.",
			Judged:   &Judged{Causes: []string{"recovery_action"}, Actions: []string{"reset_gpu", "drain_and_reset", "reset_bus"}},
			Prom:     of(`gpu_recovery_action == 1 or gpu_recovery_action == 4 or gpu_recovery_action == 6`),
		},
		{
			Name: "GPUNeedsReboot", Severity: Critical, Owner: GPUs, Level: GPU, Hold: hold, Board: boardHealth,
			Summary:  theHost + " must be restarted for " + theGPU,
			Evidence: "The driver asks for recovery action {{ $value }} (2 restart of the host, 7 of the whole system).",
			Do:       "Drain the host and restart it.",
			Judged:   &Judged{Causes: []string{"recovery_action"}, Actions: []string{"reboot"}},
			Prom:     of(`gpu_recovery_action == 2 or gpu_recovery_action == 7`),
		},
		{
			Name: "GPUNeedsDrain", Severity: Warning, Owner: GPUs, Level: GPU, Hold: hold, Board: boardHealth,
			Summary:  onGPU + " must be drained",
			Evidence: "The driver asks for recovery action {{ $value }} (3 drain of peer-to-peer work, 5 recovery of the IMEX domain, or one that is not known).",
			Do:       "Start no work that reaches this GPU over NVLink until the driver asks for no more.",
			Judged:   &Judged{Causes: []string{"recovery_action", "xid_154"}, Actions: []string{"drain_p2p", "recover_imex_domain", "check_host"}},
			Prom: either(of(`gpu_recovery_action == 3 or gpu_recovery_action == 5 or gpu_recovery_action > 7`),
				`(`+xids("154")+`) unless on (site, uuid) gpu_recovery_action`),
		},
		{
			Name: "GPUMemoryUncontained", Severity: Critical, Owner: GPUs, Level: GPU, Hold: event, Board: boardHealth,
			Summary:  "Uncontained memory error on " + onGPU,
			Evidence: "XID 95: every process on the GPU may have wrong data.",
			Do:       "End all work on the GPU and reset it; what ran there starts anew from a checkpoint before the error.",
			Judged:   &Judged{Causes: []string{"xid_95"}},
			Prom:     xids("95"),
		},
		{
			Name: "GPUMemoryUncorrected", Severity: Critical, Owner: GPUs, Level: GPU, Hold: event, Board: boardHealth,
			Summary:  "Double-bit memory error on " + onGPU,
			Evidence: "Uncorrected ECC errors were counted in the last ten minutes, or the driver reported XID 48 or 140.",
			Do:       "Take the GPU out of scheduling; when its work has ended, reset it.",
			Judged:   &Judged{Causes: []string{"ecc_uncorrected", "xid_48", "xid_140"}, States: []string{"failed"}},
			Prom:     either(of(`increase(gpu_ecc_errors_total{kind="uncorrected",scope="volatile"}[10m]) > 0`), xids("48|140")),
		},
		{
			Name: "GPUMemoryContained", Severity: Warning, Owner: GPUs, Level: GPU, Hold: event, Board: boardHealth,
			Summary:  "Contained memory error on " + onGPU,
			Evidence: "XID 94: the application that met it was ended; others are unaffected.",
			Do:       "Start that application anew; reset the GPU at the next pause.",
			Judged:   &Judged{Causes: []string{"xid_94"}},
			Prom:     xids("94"),
		},
		{
			Name: "GPUMemoryUnrepairable", Severity: Critical, Owner: GPUs, Level: GPU, Hold: hold, Board: boardHealth,
			Summary:  "Memory of " + onGPU + " cannot be repaired",
			Evidence: "A row remapping failed (DCGM field 395, XID 64), no repair is left (1507), or the on-chip memory is beyond the vendor's threshold (346).",
			Do:       "Drain the GPU, run field diagnostics and open a return with the vendor.",
			Judged:   &Judged{Causes: []string{"row_remap_failed", "memory_unrepairable", "sram_threshold", "xid_64", "pages_limit"}},
			// 63 retired pages: DCGM_LIMIT_MAX_RETIRED_PAGES.
			Prom: either(of(`gpu_row_remap_failed == 1`), of(`gpu_memory_unrepairable == 1`), of(`gpu_ecc_sram_threshold_exceeded == 1`),
				`sum by (`+labels(GPU)+`) (gpu_retired_pages_total) >= 63`, xids("64")),
		},
		{
			Name: "GPURemapPending", Severity: Warning, Owner: GPUs, Level: GPU, For: 5 * minute, Hold: event, Board: boardHealth,
			Summary:  "Memory of " + onGPU + " waits for a reset to be repaired",
			Evidence: "A row remapping or a page retirement is recorded and takes effect with the next reset (DCGM fields 396, 392; XID 63).",
			Do:       "Reset the GPU at the next maintenance; work on it may go on until then.",
			Judged:   &Judged{Causes: []string{"row_remap_pending", "pages_pending", "row_remapped", "pages_retired", "xid_63"}},
			Prom:     either(of(`gpu_row_remap_pending == 1`), of(`gpu_retired_pages_pending > 0`), xids("63")),
		},
		{
			// NVIDIA names no limit; boards in service show fewer than 1,000 in months.
			Name: "GPUMemoryErrorsRising", Severity: Warning, Owner: GPUs, Level: GPU, For: 5 * minute, Hold: hour, Board: boardHealth,
			Summary:  "Corrected memory errors pile up on " + onGPU,
			Evidence: count + " corrected errors in an hour.",
			Do:       "Nothing tonight. If it stays for days, have the GPU looked at in maintenance.",
			Judged:   &Judged{Causes: []string{"ecc_corrected", "xid_92"}},
			Prom:     either(of(`increase(gpu_ecc_errors_total{kind="corrected",scope="volatile"}[1h]) > 1000`), xids("92")),
		},
		{
			Name: "GPUFailed", Severity: Critical, Owner: GPUs, Level: GPU, Hold: event, Board: boardHealth,
			Summary:  onGPU + " has failed",
			Evidence: "An XID that NVIDIA's catalogue asks to act on at once came in the last ten minutes.",
			Do:       "See on the status page which XID it was; it says what to do. Mostly: end the work, reset the GPU.",
			Judged:   &Judged{Causes: []string{"xid_*"}, But: xidsOfOthers(), States: []string{"failed"}},
			Prom:     xids(xidFailed),
		},
		{
			Name: "GPUDegraded", Severity: Warning, Owner: GPUs, Level: GPU, Hold: event, Board: boardHealth,
			Summary:  onGPU + " had an error that somebody should look at",
			Evidence: "An XID that NVIDIA's catalogue asks to follow up came in the last ten minutes.",
			Do:       "See on the status page which XID it was, in working hours.",
			Judged:   &Judged{Causes: []string{"xid_*"}, But: xidsOfOthers(), States: []string{"degraded"}},
			Prom:     xids(xidDegraded),
		},
		{
			Name: "GPUNotRead", Severity: Warning, Owner: GPUs, Level: GPU, For: minute, Hold: hold, Board: boardHost,
			Summary:  onGPU + " is not read",
			Evidence: "The driver answers nothing for it, or its readings stand still: nobody knows how it is.",
			Do:       "Look whether the host's other GPUs are read; restart the DCGM host engine.",
			Judged:   &Judged{Causes: []string{"blank", "stale", "unreachable"}},
			Prom:     of(`gpu_state{state=~"blank|stale|unreachable"} == 1`),
		},
		{
			// Hardware slowdown halves clocks or worse, shortly before the board switches off.
			Name: "GPUThermalSlowdown", Severity: Critical, Owner: GPUs, Level: GPU, For: 5 * time.Second, Hold: 5 * minute, Board: boardHealth, Heat: true,
			Summary:  onGPU + " is too hot and slows down",
			Evidence: "Because of heat the hardware held its clocks down for " + count + " s of the last twenty.",
			Do:       "Look whether its neighbours are hot too: one GPU is its own cooling, a rack is the coolant.",
			Watch:    &Watch{Metric: metric.GPUSlowdownSeconds, Points: []uint32{5}, Test: RateAbove, Fire: 2, Clear: 1, Over: 20 * time.Second},
			Prom:     of(`increase(gpu_slowdown_seconds_total{reason="hardware_thermal"}[1m]) / 3 >= 2`),
		},
		{
			Name: "GPUThrottledByHeat", Severity: Warning, Owner: GPUs, Level: GPU, For: 5 * minute, Hold: 5 * minute, Board: boardHealth, Heat: true,
			Summary:  onGPU + " is slower than it could be: heat",
			Evidence: "The driver held its clocks down for more than a tenth of the last minute (" + share + ") because of heat.",
			Do:       "Compare with the rack's other GPUs; look at supply temperature and flow.",
			Judged:   &Judged{Causes: []string{"software_thermal_slowdown"}},
			Prom:     of(`rate(gpu_slowdown_seconds_total{reason="software_thermal"}[1m]) > 0.1`),
		},
		{
			Name: "GPUPowerBrake", Severity: Critical, Owner: GPUs, Level: GPU, Hold: 5 * minute, Board: boardHealth,
			Summary:  onGPU + " is braked by the host's power supply",
			Evidence: "The power brake held its clocks down for " + count + " s of the last twenty.",
			Do:       "Look at the host's power supplies in its BMC, then at the feeds of its rack.",
			Watch:    &Watch{Metric: metric.GPUSlowdownSeconds, Points: []uint32{6}, Test: RateAbove, Fire: 2, Clear: 1, Over: 20 * time.Second},
			Prom:     of(`increase(gpu_slowdown_seconds_total{reason="power_brake"}[1m]) / 3 >= 2`),
		},
		{
			// 95 °C: the memory's maximum operating temperature of A100, H100, H200 and B200,
			// as nvidia-smi -q says it (Memory Max Operating Temp).
			Name: "GPUMemoryHot", Severity: Warning, Owner: GPUs, Level: GPU, For: 30 * time.Second, Hold: 2 * minute, Board: boardHealth, Heat: true,
			Summary:  "Memory of " + onGPU + " is too hot",
			Evidence: tenths + " °C; the memory is built for up to 95 °C.",
			Do:       "Compare with the other GPUs of the host: one alone is its heat sink, all are its air or coolant.",
			Watch:    &Watch{Metric: metric.GPUMemoryTemperature, Test: Above, Fire: 95, Clear: 92},
			Prom:     of(`gpu_memory_temperature_celsius >= 95`),
		},
		{
			// DCGM field 153 counts down to 0, where the GPU slows itself.
			Name: "GPUNearSlowdown", Severity: Warning, Owner: GPUs, Level: GPU, For: minute, Hold: 2 * minute, Board: boardHealth, Heat: true,
			Summary:  onGPU + " is close to slowing down",
			Evidence: tenths + " °C are left before it slows itself down.",
			Do:       "Look at the rack's other GPUs, then at supply temperature and flow.",
			Watch:    &Watch{Metric: metric.GPUTemperatureMargin, Test: Below, Fire: 3, Clear: 6},
			Prom:     of(`gpu_temperature_margin_celsius <= 3`),
		},
		{
			// A job is as fast as its slowest GPU. GPUs of one job at work have clocks within a
			// few percent of each other.
			Name: "GPUBelowPeers", Severity: Warning, Owner: GPUs, Level: GPU, For: 5 * minute, Hold: 5 * minute, Board: boardJobs, Heat: true,
			Summary:  onGPU + " is slower than the other GPUs of its job",
			Evidence: "Its clock is " + share + " of its peers' median; all GPUs of the job wait for it.",
			Do:       "Look why: heat, power brake, power limit. Then move the job off the host.",
			Watch:    &Watch{Metric: metric.GPUSMClock, Test: PeerBelow, Fire: 0.85, Clear: 0.92, While: metric.GPUUtilization, AtLeast: 0.5, MinPeers: 4},
			Prom:     of(`(` + jobClocks + ` / on (site, job, model) group_left () quantile by (site, job, model) (0.5, ` + jobClocks + `) <= 0.85) and on (site, job, model) count by (site, job, model) (` + jobClocks + `) >= 4`),
		},
	}
}

// jobClocks are the clocks of GPUs that are at work, by the jobs that hold them.
const jobClocks = `((gpu_sm_clock_hertz and on (site, uuid) gpu_utilization_ratio >= 0.5) * on (site, uuid) group_right () (job_gpu_share_ratio > bool 0))`
