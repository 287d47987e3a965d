package main

import (
	"fmt"
	"strings"
)

func gpu() *board {
	const g = `site="$site",uuid="$gpu"`
	of := func(name string) string { return name + `{` + g + `}` }
	grown := func(name, by, legend string) ask {
		return series(`sum by (`+by+`) (increase(`+name+`{`+g+`}[10m]))`, legend)
	}
	// One series of the state's number: a state has a series of its own.
	var states []string
	for i, s := range gpuStates() {
		states = append(states, fmt.Sprintf(`(gpu_state{%s,state=%q} == 1) * %d`, g, s.text, i))
	}
	state := series(`max(`+strings.Join(states, " or ")+`)`, "").as("State", "")
	return &board{
		uid: "gpu", person: "who looks into one GPU", question: "is this board well, what slows it down, and whose work is on it?", since: "now-3h", refresh: "30s",
		chosen: []variable{bySite, byHost.whose("site"), byGPU}, next: []string{"host", "jobs", "gpu-health"}, events: []string{"health"},
		rows: []row{
			{"", 5, []panel{
				{figure, 4, "Power", "What the board draws, by its own sensor.", watts, asks(series(of("gpu_power_watts"), "").as("Power", gpuColour)), look{empty: "Not known"}},
				{figure, 4, "Temperature", "Of the die. The board slows itself down a little above 85 °C.", celsius, asks(series(of("gpu_temperature_celsius"), "").as("Die", "")), look{steps: hot, empty: "Not known"}},
				{figure, 4, "Left before it slows", "Degrees left before the GPU slows itself down.", celsius, asks(series(of("gpu_temperature_margin_celsius"), "").as("Margin", "")), look{steps: from(bad, step{2, poor}, step{5, caution}, step{10, good}), empty: "The board does not say"}},
				{figure, 4, "Utilisation", "Share of time in which a kernel ran.", share, asks(series(of("gpu_utilization_ratio"), "").as("Busy", "")), look{empty: "Not known"}},
				{figure, 8, "Energy of the range", "Energy of the board as the ledger has booked it, by whole hours.", wattHour, asks(energy("gpu", "gpu", "total").in("host", "gpu").as("Energy", gpuColour)), look{decimals: ptr(2.0), empty: "Nothing is booked"}},
			}},
			{"", 7, []panel{
				attention(16, needs("table").in("host", "gpu"), "Hall", "Rack", "Host", "GPU"),
				{timeline, 8, "State", "What was known of the GPU: ok; lost (blank while its neighbours are not); blank (the driver answers nothing); stale (readings stand still); unreachable (no answer from the host engine).", count,
					asks(state), look{says: gpuStates(), empty: "The board was not heard"}},
			}},
			{"Power, heat and clocks", 9, []panel{
				{lines, 12, "Power and its limit", "Power of the board, averaged by its sensor, and the limit in force.", watts, asks(
					series(of("gpu_power_watts"), "").as("Power", gpuColour), series(of("gpu_power_limit_watts"), "").as("Limit", bad)), look{empty: "Not known"}},
				{lines, 12, "Temperatures", "Of the die, and of the memory.", celsius, asks(
					series(of("gpu_temperature_celsius"), "").as("Die", gpuColour), series(of("gpu_memory_temperature_celsius"), "").as("Memory", hostColour)), look{anyBase: true, empty: "Not known"}},
				{lines, 12, "Clocks", "Clock of the multiprocessors, and of the memory. A clock that falls while the board is busy was held down.", hertz, asks(
					series(of("gpu_sm_clock_hertz"), "").as("Multiprocessors", itColour), series(of("gpu_memory_clock_hertz"), "").as("Memory", hostColour)), look{empty: "Not known"}},
				{lines, 12, "Held down", "Share of the last ten minutes in which clocks were held down, by reason: the power cap, heat, the board's own limits, the power brake.", share, asks(series(`sum by (reason) (rate(gpu_slowdown_seconds_total{`+g+`}[10m]))`, "{{reason}}")), look{stacked: true, most: ptr(0.2), steps: from(good, step{0.05, caution}, step{0.2, poor}), empty: "The board does not say"}},
			}},
			{"Work", 8, []panel{
				{lines, 8, "Busy", "Share of time in which a kernel ran, and in which memory was read or written.", share, asks(
					series(of("gpu_utilization_ratio"), "").as("Kernels", itColour), series(of("gpu_memory_utilization_ratio"), "").as("Memory", hostColour)), look{empty: "Not known"}},
				{lines, 8, "How well it is used", "Share of time in which multiprocessors, tensor cores and memory were active, where profiling is on.", share, asks(
					series(of("gpu_sm_active_ratio"), "").as("Multiprocessors", itColour), series(of("gpu_tensor_active_ratio"), "").as("Tensor cores", gpuColour), series(of("gpu_memory_active_ratio"), "").as("Memory", hostColour)), look{empty: "Profiling is off on this host"}},
				{lines, 8, "Memory", "Memory in use, and all there is.", bytesOf, asks(
					series(of("gpu_memory_used_bytes"), "").as("In use", hostColour), series(of("gpu_memory_total_bytes"), "").as("All", plain)), look{empty: "Not known"}},
				{timeline, 16, "Jobs on it", "Which jobs held the board, and how much of it: 100 % is the whole.", share, asks(series(of("job_gpu_share_ratio"), "{{job}} ({{tenant}})")), look{empty: "No job held it, or no scheduler is asked",
					links: []link{to("jobs", "", "site", here("site"), "job", label("job"), "tenant", label("tenant"))}}},
				{lines, 8, "Bytes over its links", "Bytes a second over PCIe and NVLink, where profiling is on.", bytesPer, asks(
					series(of("gpu_pcie_throughput_bytes_per_second"), "PCIe {{direction}}"), series(of("gpu_nvlink_throughput_bytes_per_second"), "NVLink {{direction}}")), look{empty: "Profiling is off on this host"}},
			}},
			{"Errors", 8, []panel{
				{columns, 8, "XIDs", "Errors that the driver reported, by code. What a code means stands in the health table.", count, asks(series(xids("gpu_xid_events_total", g), "XID {{xid}}")), look{stacked: true, points: 90, legend: "sum", steps: anyIsBad, empty: "No XID was seen"}},
				{lines, 8, "Memory errors", "Errors since the driver was loaded: corrected, and not.", count, asks(series(`gpu_ecc_errors_total{`+g+`,scope="volatile"}`, "{{kind}}")), look{steps: anyIsPoor, empty: "The board does not say"}},
				{lines, 8, "Remapped rows", "Memory rows that were replaced over the board's life, for correctable and uncorrectable errors, and whether one waits for a reset.", count, asks(
					series(of("gpu_remapped_rows_total"), "{{kind}}"), series(of("gpu_row_remap_pending"), "").as("Waits for a reset", poor), series(of("gpu_row_remap_failed"), "").as("Failed", bad)), look{steps: anyIsPoor, empty: "The board does not say"}},
				{lines, 8, "NVLink errors", "Errors over all NVLinks of the board, in ten minutes.", count, asks(grown("gpu_nvlink_errors_total", "kind", "{{kind}}")), look{steps: anyIsPoor, empty: "The board has no NVLink"}},
				{lines, 8, "PCIe replays", "Packets that had to be sent again, in ten minutes.", count, asks(series(`increase(gpu_pcie_replays_total{`+g+`}[10m])`, "").as("Replays", poor)), look{steps: from(good, step{10, poor}), empty: "The board does not say"}},
				{figure, 8, "What the driver asks for", "What the driver asks for before the board can be trusted again: a reset, a reboot, or to drain it first.", count, asks(series(of("gpu_recovery_action"), "").as("Action", "")), look{steps: anyIsBad, says: recoveryActions(), empty: "The driver does not say"}},
			}},
		},
	}
}
