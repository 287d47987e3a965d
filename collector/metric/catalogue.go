package metric

// The numbers, by room: 100 GPU, 200 host, 300 fabric and disks, 400 meters,
// 500 grid, 600 site and roll-ups, 700 jobs, 900 what the agents say of themselves.
const (
	GPUPowerWatts         Number = 100
	GPUEnergyJoules       Number = 101
	GPUTemperature        Number = 102
	GPUMemoryTemperature  Number = 103
	GPUTemperatureMargin  Number = 104
	GPUUtilization        Number = 105
	GPUMemoryUtilization  Number = 106
	GPUMemoryUsed         Number = 107
	GPUMemoryTotal        Number = 108
	GPUSMClock            Number = 109
	GPUMemoryClock        Number = 110
	GPUPowerLimit         Number = 111
	GPUECCErrors          Number = 112
	GPURemappedRows       Number = 113
	GPURowRemapPending    Number = 114
	GPURowRemapFailed     Number = 115
	GPURetiredPages       Number = 116
	GPUXIDEvents          Number = 117
	GPUSlowdownSeconds    Number = 118
	GPUPCIeReplays        Number = 119
	GPUNVLinkErrors       Number = 120
	GPUState              Number = 121
	GPURecoveryAction     Number = 122
	GPUPowerInstant       Number = 123
	GPUEncoderUtilization Number = 124
	GPUDecoderUtilization Number = 125
	GPUPerformanceState   Number = 126
	GPUClockReasons       Number = 127
	GPUPCIeWidth          Number = 128
	GPUPCIeGeneration     Number = 129
	GPUPowerLimitDefault  Number = 130
	GPUSRAMThreshold      Number = 131
	GPUMemoryUnrepairable Number = 132
	GPUPagesPending       Number = 133
	GPUEngineActive       Number = 134
	GPUSMActive           Number = 135
	GPUTensorActive       Number = 136
	GPUMemoryActive       Number = 137
	GPUPCIeThroughput     Number = 138
	GPUNVLinkThroughput   Number = 139
	GPUXIDTime            Number = 140
	GPUEnergyCheck        Number = 141
	GPUPartitions         Number = 142
	HostUp                Number = 200
	HostCPUUsage          Number = 201
	HostLoad1             Number = 202
	HostMemoryUsed        Number = 203
	HostMemoryTotal       Number = 204
	HostNetworkBytes      Number = 205
	HostDiskBytes         Number = 206
	HostFilesystemUsed    Number = 207
	HostFilesystemTotal   Number = 208
	HostTemperature       Number = 209
	HostPowerWatts        Number = 210
	HostEnergyJoules      Number = 211
	HostPowerAge          Number = 212
	HostGPUs              Number = 213
	FabricPortBytes       Number = 300
	FabricPortErrors      Number = 301
	FabricPortLinkDowns   Number = 302
	FabricPortRate        Number = 303
	FabricPortRateMax     Number = 304
	NVMeTemperature       Number = 310
	NVMeWear              Number = 311
	NVMeMediaErrors       Number = 312
	NVMeSpare             Number = 313
	NVMeWarning           Number = 314
	NVSwitchTemperature   Number = 320
	NVSwitchErrors        Number = 321
	MeterPowerWatts       Number = 400
	MeterEnergyJoules     Number = 401
	MeterWater            Number = 402
	MeterHeatJoules       Number = 403
	MeterFlow             Number = 404
	MeterTemperature      Number = 405
	MeterReadingAge       Number = 406
	MeterState            Number = 407
	MeterFailures         Number = 408
	MeterLeak             Number = 409
	MeterFlowLimit        Number = 410
	GridCarbonIntensity   Number = 500
	GridPrice             Number = 501
	SitePowerWatts        Number = 600
	SiteEnergyJoules      Number = 601
	SitePUE               Number = 602
	SiteWUE               Number = 603
	SiteCUE               Number = 604
	SiteERF               Number = 605
	SiteREF               Number = 606
	SiteCarbonGrams       Number = 607
	SiteCoverage          Number = 608
	SiteHosts             Number = 609
	SiteGPUs              Number = 610
	HallPowerWatts        Number = 611
	RackPowerWatts        Number = 612
	RackGPUTemperatureMax Number = 613
	HallHosts             Number = 614
	RackHosts             Number = 615
	SiteGridPower         Number = 616
	SiteGridContract      Number = 617
	RackPowerRating       Number = 618
	RackFeedRating        Number = 619
	SitePUEPlan           Number = 620
	SiteCoverageNeeded    Number = 621
	SiteYearForecast      Number = 622
	SiteReconciliation    Number = 623
	SiteSealed            Number = 624
	SiteCoolantLimit      Number = 625
	HallGPUTemperatureMax Number = 626
	SiteCertificateLeft   Number = 627
	HallXIDEvents         Number = 628
	JobGPUShare           Number = 700
	JobHostShare          Number = 701
	AgentSourceStale      Number = 900
	AgentSpoolBytes       Number = 901
	AgentSpoolDropped     Number = 902
	AgentSourceFailures   Number = 903
	AgentClockError       Number = 904
	AgentCertificateLeft  Number = 905
	CounterEpoch          Number = 910
	CounterQuality        Number = 911
)

// Boundaries, outside in; the values of the label boundary.
var boundaries = []string{"facility", "it", "host", "gpu"}

// Qualities of a counter's reading, best first: how its joules came to be
// known.
var qualities = []string{"measured", "counter_bridged", "integrated", "estimated_profile", "estimated_static", "manual", "corrected", "missing"}

// gpuStates: what is known of a GPU, best first.
var gpuStates = []string{"ok", "lost", "blank", "stale", "unreachable"}

// meterStates: what is known of a meter, best first.
var meterStates = []string{"ok", "stale", "implausible", "disagreeing", "frozen", "quarantined", "silent"}

// meterFailures: what may go wrong when a meter is read.
var meterFailures = []string{"no_answer", "partial", "implausible", "time", "late"}

var (
	direction = Label{"direction", []string{"receive", "transmit"}}
	readWrite = Label{"direction", []string{"read", "write"}}
	boundary  = Label{"boundary", boundaries}
	hostState = Label{"state", []string{"expected", "reporting"}}
	siteState = Label{"state", []string{"expected", "reporting", "known"}}
)

// catalogue is never written to.
var catalogue = []Def{
	{GPUPowerWatts, "gpu_power_watts", Watts, Gauge, Float, 1, GPU, nil, Fast, false,
		"Power drawn by the GPU board, as its own sensor averages it (DCGM field 155)."},
	{GPUEnergyJoules, "gpu_energy_joules_total", Joules, Counter, Int, 1000, GPU, nil, Fast, true,
		"Energy drawn by the GPU board since its driver was loaded (DCGM field 156)."},
	{GPUTemperature, "gpu_temperature_celsius", Celsius, Gauge, Float, 1, GPU, nil, Fast, false,
		"Temperature of the GPU die (DCGM field 150)."},
	{GPUMemoryTemperature, "gpu_memory_temperature_celsius", Celsius, Gauge, Float, 1, GPU, nil, Fast, false,
		"Temperature of the GPU's memory (DCGM field 140)."},
	{GPUTemperatureMargin, "gpu_temperature_margin_celsius", Celsius, Gauge, Float, 1, GPU, nil, Fast, false,
		"Degrees left before the GPU slows itself down (DCGM field 153); negative once it has."},
	{GPUUtilization, "gpu_utilization_ratio", Ratio, Gauge, Float, 1, GPU, nil, Fast, false,
		"Share of the last sample period in which a kernel ran (DCGM field 203)."},
	{GPUMemoryUtilization, "gpu_memory_utilization_ratio", Ratio, Gauge, Float, 1, GPU, nil, Fast, false,
		"Share of the last sample period in which the GPU's memory was read or written (DCGM field 204)."},
	{GPUMemoryUsed, "gpu_memory_used_bytes", Bytes, Gauge, Int, 1, GPU, nil, Fast, false,
		"GPU memory in use (DCGM field 252)."},
	{GPUMemoryTotal, "gpu_memory_total_bytes", Bytes, Gauge, Int, 1, GPU, nil, Slow, false,
		"GPU memory in all (DCGM field 250)."},
	{GPUSMClock, "gpu_sm_clock_hertz", Hertz, Gauge, Int, 1, GPU, nil, Fast, false,
		"Clock of the GPU's multiprocessors (DCGM field 100)."},
	{GPUMemoryClock, "gpu_memory_clock_hertz", Hertz, Gauge, Int, 1, GPU, nil, Slow, false,
		"Clock of the GPU's memory (DCGM field 101)."},
	{GPUPowerLimit, "gpu_power_limit_watts", Watts, Gauge, Float, 1, GPU, nil, Slow, true,
		"Power limit in force on the GPU board (DCGM field 164): the one that is set (160), unless another is lower."},
	{GPUECCErrors, "gpu_ecc_errors_total", Count, Counter, Int, 1, GPU,
		[]Label{{"kind", []string{"corrected", "uncorrected"}}, {"scope", []string{"volatile", "aggregate"}}}, Slow, false,
		"Memory errors, corrected or not, since the driver was loaded (volatile; DCGM fields 310, 311) or over the board's life (aggregate; 312, 313)."},
	{GPURemappedRows, "gpu_remapped_rows_total", Count, Counter, Int, 1, GPU,
		[]Label{{"kind", []string{"correctable", "uncorrectable"}}}, Slow, false,
		"Memory rows remapped for correctable or uncorrectable errors (DCGM fields 394, 393)."},
	{GPURowRemapPending, "gpu_row_remap_pending", Count, Gauge, Int, 1, GPU, nil, Slow, false,
		"1 if a row remapping waits for a GPU reset (DCGM field 396)."},
	{GPURowRemapFailed, "gpu_row_remap_failed", Count, Gauge, Int, 1, GPU, nil, Slow, false,
		"1 if a row remapping has failed (DCGM field 395)."},
	{GPURetiredPages, "gpu_retired_pages_total", Count, Counter, Int, 1, GPU,
		[]Label{{"kind", []string{"single_bit", "double_bit"}}}, Slow, false,
		"Memory pages retired for single- or double-bit errors, on GPUs older than row remapping (DCGM fields 390, 391)."},
	{GPUXIDEvents, "gpu_xid_events_total", Count, Counter, Int, 1, GPU, []Label{{"xid", nil}}, Slow, false,
		"XID events seen by the agent since it started, by code; an event is counted once, and nothing is shown as current (DCGM field 230)."},
	{GPUSlowdownSeconds, "gpu_slowdown_seconds_total", Seconds, Counter, Int, 1e9, GPU,
		[]Label{{"reason", []string{"power", "thermal", "board", "reliability", "software_thermal", "hardware_thermal", "power_brake"}}}, Fast, false,
		"Time for which the GPU's clocks were held down, by reason (DCGM fields 240, 241, 243, 245, 1422, 1423, 1424)."},
	{GPUPCIeReplays, "gpu_pcie_replays_total", Count, Counter, Int, 1, GPU, nil, Slow, false,
		"PCIe packets that had to be sent again (DCGM field 202)."},
	{GPUNVLinkErrors, "gpu_nvlink_errors_total", Count, Counter, Int, 1, GPU,
		[]Label{{"kind", []string{"crc_flit", "crc_data", "replay", "recovery", "receive", "effective", "ecc"}}}, Slow, false,
		"NVLink errors over all links of the GPU (DCGM fields 409, 419, 429, 439; from NVLink 5 on 1205 to 1207, 1219, 1220)."},
	{GPUState, "gpu_state", Count, State, Int, 1, GPU, []Label{{"state", gpuStates}}, Slow, false,
		"1 for what is known of the GPU now: ok; lost (all blank, its neighbours are not); blank (the driver answers nothing); stale (readings stopped advancing); unreachable (no answer from the host engine)."},
	{GPURecoveryAction, "gpu_recovery_action", Count, Gauge, Int, 1, GPU, nil, Slow, false,
		"What the driver asks for: 0 nothing, 1 GPU reset, 2 reboot, 3 drain peer-to-peer, 4 drain and reset (DCGM field 1523)."},
	{GPUPowerInstant, "gpu_power_instant_watts", Watts, Gauge, Float, 1, GPU, nil, Fast, false,
		"Power drawn by the GPU board at the moment of its reading (DCGM field 157)."},
	{GPUEncoderUtilization, "gpu_encoder_utilization_ratio", Ratio, Gauge, Float, 1, GPU, nil, Slow, false,
		"Share of time in which the video encoder was busy (DCGM field 206)."},
	{GPUDecoderUtilization, "gpu_decoder_utilization_ratio", Ratio, Gauge, Float, 1, GPU, nil, Slow, false,
		"Share of time in which the video decoder was busy (DCGM field 207)."},
	{GPUPerformanceState, "gpu_performance_state", Count, Gauge, Int, 1, GPU, nil, Slow, false,
		"Performance state, from 0 the fastest to 15 (DCGM field 190)."},
	{GPUClockReasons, "gpu_clock_event_reasons", Count, Gauge, Int, 1, GPU, nil, Slow, false,
		"Why clocks are below their maximum, as the driver's bits: 1 idle, 2 clock setting, 4 software power cap, 8 hardware slowdown, 16 sync boost, 32 software thermal, 64 hardware thermal, 128 power brake, 256 display (DCGM field 112)."},
	{GPUPCIeWidth, "gpu_pcie_link_width_lanes", Count, Gauge, Int, 1, GPU, []Label{{"link", linkEnds}}, Slow, false,
		"Lanes of the PCIe link, now and at most (DCGM fields 238, 236)."},
	{GPUPCIeGeneration, "gpu_pcie_link_generation", Count, Gauge, Int, 1, GPU, []Label{{"link", linkEnds}}, Slow, false,
		"Generation of the PCIe link, now and at most; an idle GPU may lower it to save power (DCGM fields 237, 235)."},
	{GPUPowerLimitDefault, "gpu_power_limit_default_watts", Watts, Gauge, Float, 1, GPU, nil, Slow, false,
		"Power limit that the board is built for (DCGM field 163)."},
	{GPUSRAMThreshold, "gpu_ecc_sram_threshold_exceeded", Count, Gauge, Int, 1, GPU, nil, Slow, false,
		"1 if the on-chip memory has had more uncorrected errors than the vendor allows (DCGM field 346)."},
	{GPUMemoryUnrepairable, "gpu_memory_unrepairable", Count, Gauge, Int, 1, GPU, nil, Slow, false,
		"1 if the memory has a fault that no repair is left for (DCGM field 1507)."},
	{GPUPagesPending, "gpu_retired_pages_pending", Count, Gauge, Int, 1, GPU, nil, Slow, false,
		"Memory pages that wait for a reboot to be retired (DCGM field 392; AMD gpu_vram_bad_pages, flag P)."},
	{GPUEngineActive, "gpu_engine_active_ratio", Ratio, Gauge, Float, 1, GPU, nil, Fast, false,
		"Share of time in which the graphics or compute engine was active (DCGM field 1001)."},
	{GPUSMActive, "gpu_sm_active_ratio", Ratio, Gauge, Float, 1, GPU, nil, Fast, true,
		"Share of time in which a multiprocessor had work, over all of them (DCGM field 1002)."},
	{GPUTensorActive, "gpu_tensor_active_ratio", Ratio, Gauge, Float, 1, GPU, nil, Fast, true,
		"Share of cycles in which the tensor pipe was active (DCGM field 1004)."},
	{GPUMemoryActive, "gpu_memory_active_ratio", Ratio, Gauge, Float, 1, GPU, nil, Fast, false,
		"Share of cycles in which the memory interface moved something (DCGM field 1005)."},
	{GPUPCIeThroughput, "gpu_pcie_throughput_bytes_per_second", BytesPerSecond, Gauge, Int, 1, GPU, []Label{direction}, Fast, false,
		"Bytes per second over PCIe, overhead included (DCGM fields 1010, 1009)."},
	{GPUNVLinkThroughput, "gpu_nvlink_throughput_bytes_per_second", BytesPerSecond, Gauge, Int, 1, GPU, []Label{direction}, Fast, false,
		"Bytes per second over all NVLinks of the GPU, without headers (DCGM fields 1012, 1011)."},
	{GPUXIDTime, "gpu_xid_event_timestamp_seconds", Seconds, Gauge, Int, 1000, GPU, []Label{{"xid", nil}}, Slow, false,
		"When the newest XID event of a code happened, as seconds since 1970 UTC (DCGM field 230)."},
	{GPUEnergyCheck, "gpu_energy_check_ratio", Ratio, Gauge, Float, 1, GPU, nil, Slow, false,
		"What the GPU's energy counter moved over the last five minutes, over its power integrated across the same time; far from 1 one of them is wrong."},
	{GPUPartitions, "gpu_partitions", Count, Gauge, Int, 1, GPU, nil, Slow, false,
		"Instances that the GPU is divided into (MIG, compute partitions); 0 if it is whole. Energy and power are of the whole board."},

	{HostUp, "host_up", Count, Gauge, Int, 1, Host, nil, Slow, false,
		"1 while the host's agent reports; the aggregator writes 0 when it has stopped."},
	{HostCPUUsage, "host_cpu_usage_ratio", Ratio, Gauge, Float, 1, Host, nil, Fast, false,
		"Share of the host's processor time that was not idle since the tick before."},
	{HostLoad1, "host_load1", Count, Gauge, Float, 1, Host, nil, Fast, false,
		"Load average over one minute."},
	{HostMemoryUsed, "host_memory_used_bytes", Bytes, Gauge, Int, 1, Host, nil, Fast, false,
		"Memory in use: total less what the kernel calls available."},
	{HostMemoryTotal, "host_memory_total_bytes", Bytes, Gauge, Int, 1, Host, nil, Slow, false,
		"Memory in all."},
	{HostNetworkBytes, "host_network_bytes_total", Bytes, Counter, Int, 1, Device, []Label{direction}, Fast, false,
		"Bytes that passed a network interface."},
	{HostDiskBytes, "host_disk_bytes_total", Bytes, Counter, Int, 1, Device, []Label{readWrite}, Fast, false,
		"Bytes read from or written to a disk."},
	{HostFilesystemUsed, "host_filesystem_used_bytes", Bytes, Gauge, Int, 1, Mount, nil, Slow, false,
		"Bytes in use on a file system."},
	{HostFilesystemTotal, "host_filesystem_total_bytes", Bytes, Gauge, Int, 1, Mount, nil, Slow, false,
		"Size of a file system."},
	{HostTemperature, "host_temperature_celsius", Celsius, Gauge, Float, 1, Sensor, nil, Fast, false,
		"Temperature of a sensor on the host."},
	{HostPowerWatts, "host_power_watts", Watts, Gauge, Float, 1, Host, []Label{hostSource}, Fast, false,
		"Power of the host, by where it was read: bmc is the whole node; module a superchip with its GPU; grace its processor socket, inside the module; rapl_package and rapl_dram are inside the node and never added to it."},
	{HostEnergyJoules, "host_energy_joules_total", Joules, Counter, Int, 1000, Host, []Label{hostSource}, Fast, true,
		"Energy of the host, by where it was counted; see host_power_watts."},
	{HostPowerAge, "host_power_age_seconds", Seconds, Gauge, Float, 1, Host, []Label{hostSource}, Slow, false,
		"Age of the reading that host_power_watts shows, where its source is slower than the agent."},
	{HostGPUs, "host_gpus", Count, Gauge, Int, 1, Host, []Label{{"state", []string{"expected", "present"}}}, Slow, false,
		"GPUs of the host: expected by its configuration, or else the most that were seen since the agent started; and present with state ok."},

	{FabricPortBytes, "fabric_port_bytes_total", Bytes, Counter, Int, 1, Port, []Label{direction}, Fast, false,
		"Bytes that passed a fabric port."},
	{FabricPortErrors, "fabric_port_errors_total", Count, Counter, Int, 1, Port,
		[]Label{{"kind", []string{"symbol", "receive", "transmit_discard", "link_integrity"}}}, Slow, false,
		"Errors on a fabric port."},
	{FabricPortLinkDowns, "fabric_port_link_downs_total", Count, Counter, Int, 1, Port, nil, Slow, false,
		"How often a fabric port lost its link."},
	{FabricPortRate, "fabric_port_rate_bits_per_second", BitsPerSecond, Gauge, Int, 1, Port, nil, Slow, false,
		"Signalling rate of a fabric port now; below its maximum a cable or a lane is at fault."},
	{FabricPortRateMax, "fabric_port_rate_max_bits_per_second", BitsPerSecond, Gauge, Int, 1, Port, nil, Slow, false,
		"Highest signalling rate that a fabric port has had since the agent started, or that its adapter states."},
	{NVMeTemperature, "nvme_temperature_celsius", Celsius, Gauge, Float, 1, Device, nil, Fast, false,
		"Composite temperature of an NVMe disk."},
	{NVMeWear, "nvme_wear_ratio", Ratio, Gauge, Float, 1, Device, nil, Slow, false,
		"Share of an NVMe disk's rated endurance that is used; may pass 1."},
	{NVMeMediaErrors, "nvme_media_errors_total", Count, Counter, Int, 1, Device, nil, Slow, false,
		"Unrecovered media errors of an NVMe disk."},
	{NVMeSpare, "nvme_available_spare_ratio", Ratio, Gauge, Float, 1, Device, nil, Slow, false,
		"Share of an NVMe disk's spare blocks that is left."},
	{NVMeWarning, "nvme_critical_warning", Count, Gauge, Int, 1, Device, nil, Slow, false,
		"Critical warnings of an NVMe disk, as its bits: 1 spare low, 2 temperature, 4 reliability, 8 read only, 16 backup failed (NVM Express base specification, SMART / Health Information)."},
	{NVSwitchTemperature, "nvswitch_temperature_celsius", Celsius, Gauge, Float, 1, Device, nil, Fast, false,
		"Temperature of an NVSwitch (DCGM field 858)."},
	{NVSwitchErrors, "nvswitch_errors_total", Count, Counter, Int, 1, Device, []Label{{"kind", []string{"fatal", "non_fatal"}}}, Slow, false,
		"SXid errors of an NVSwitch seen by the agent since it started (DCGM fields 856, 857)."},

	{MeterPowerWatts, "meter_power_watts", Watts, Gauge, Float, 1, Meter, nil, Fast, false,
		"Active power through a meter, positive in the direction of its role."},
	{MeterEnergyJoules, "meter_energy_joules_total", Joules, Counter, Int, 1000, Meter, nil, Fast, true,
		"Active energy through a meter, by its own register."},
	{MeterWater, "meter_water_cubic_metres_total", CubicMetres, Counter, Int, 1_000_000, Meter, nil, Fast, true,
		"Water through a meter; counted in millilitres."},
	{MeterHeatJoules, "meter_heat_joules_total", Joules, Counter, Int, 1000, Meter, nil, Fast, true,
		"Heat handed over through a heat meter."},
	{MeterFlow, "meter_flow_cubic_metres_per_second", CubicMetresPerSecond, Gauge, Float, 1, Meter, nil, Fast, false,
		"Volume flow through a meter."},
	{MeterTemperature, "meter_temperature_celsius", Celsius, Gauge, Float, 1, Point, nil, Fast, false,
		"Temperature at a measuring point: supply and return of a loop, outside air."},
	{MeterReadingAge, "meter_reading_age_seconds", Seconds, Gauge, Float, 1, Meter, nil, Slow, false,
		"Age of the newest of what a meter said, by its own clock if it has one; missing if it has said nothing since the agent started."},
	{MeterState, "meter_state", Count, State, Int, 1, Meter, []Label{{"state", meterStates}}, Slow, false,
		"1 for what is known of a meter now: ok; stale (it answers, and some of what it gave it does not say any more, or says it late); implausible (it says what cannot be, and that is left out); disagreeing (its register moves as its power does not); frozen (its register stands still while something flows); quarantined (its register jumped, and waits for a person); silent (no answer for three of its periods)."},
	{MeterFailures, "meter_failures_total", Count, Counter, Int, 1, Meter, []Label{{"kind", meterFailures}}, Slow, false,
		"What went wrong when a meter was read, since the agent started: no_answer (or nothing that is known here), partial (an error beside values), implausible (a value left out or set aside), time (a value left out for its time), late (its line was busy for more than a period)."},
	{MeterLeak, "meter_leak_detected", Count, Gauge, Float, 1, Meter, nil, Fast, false,
		"1 if the leak detector that is read as a meter's value is wet."},
	{MeterFlowLimit, "meter_flow_limit_cubic_metres_per_second", CubicMetresPerSecond, Gauge, Float, 1, Meter, nil, Slow, false,
		"Volume flow that a meter's loop is not to fall below, as the site's file states it; 0 if it may stand still."},

	{GridCarbonIntensity, "grid_carbon_intensity_grams_per_kwh", GramsPerKWh, Gauge, Float, 1, Zone,
		[]Label{{"factor", []string{"lifecycle", "direct"}}}, Fast, true,
		"Carbon dioxide equivalent of a kilowatt-hour taken from a bidding zone's grid now, by kind of emission factor, provider and tier of evidence."},
	{GridPrice, "grid_price_eur_per_mwh", EURPerMWh, Gauge, Float, 1, Zone, nil, Fast, true,
		"Day-ahead price in a bidding zone; may be negative."},

	{SitePowerWatts, "site_power_watts", Watts, Gauge, Float, 1, Site, []Label{boundary}, Fast, false,
		"Power of the site inside a boundary: the sum over its meters, hosts or GPUs of the same second."},
	{SiteEnergyJoules, "site_energy_joules_total", Joules, Counter, Int, 1000, Site, []Label{boundary}, Fast, false,
		"Energy of the site inside a boundary since the ledger began, corrections included."},
	{SitePUE, "site_pue_ratio", Ratio, Gauge, Float, 1, Site, []Label{{"category", []string{"1", "2", "3"}}}, Fast, false,
		"Power usage effectiveness of the day so far: facility energy over IT energy of the same minutes (ISO/IEC 30134-2); the category says where IT energy is metered: 1 UPS output, 2 PDU output, 3 IT input."},
	{SiteWUE, "site_wue_litres_per_kwh", LitresPerKWh, Gauge, Float, 1, Site, nil, Fast, false,
		"Water usage effectiveness of the day so far (ISO/IEC 30134-9)."},
	{SiteCUE, "site_cue_kg_per_kwh", KilogramsPerKWh, Gauge, Float, 1, Site, nil, Fast, false,
		"Carbon usage effectiveness of the day so far, location-based (ISO/IEC 30134-8)."},
	{SiteERF, "site_erf_ratio", Ratio, Gauge, Float, 1, Site, nil, Fast, false,
		"Energy reuse factor of the day so far (ISO/IEC 30134-6)."},
	{SiteREF, "site_ref_ratio", Ratio, Gauge, Float, 1, Site, nil, Fast, false,
		"Renewable energy factor of the day so far (ISO/IEC 30134-3)."},
	{SiteCarbonGrams, "site_carbon_grams_total", Grams, Counter, Float, 1, Site,
		[]Label{{"method", []string{"location", "market"}}}, Fast, false,
		"Carbon dioxide equivalent of the energy taken from the grid since the ledger began, by GHG Protocol scope 2 method."},
	{SiteCoverage, "site_coverage_ratio", Ratio, Gauge, Float, 1, Site, []Label{boundary}, Fast, false,
		"Share of what was expected inside a boundary that the energy of the day so far rests on."},
	{SiteHosts, "site_hosts", Count, Gauge, Int, 1, Site, []Label{siteState}, Fast, false,
		"Hosts of the site: expected by its inventory, reporting in the last three seconds, and, of a site whose file names racks, known: of those expected the ones that were ever heard of."},
	{SiteGPUs, "site_gpus", Count, Gauge, Int, 1, Site, []Label{hostState}, Fast, false,
		"GPUs of the site: expected, and reporting with state ok in the last three seconds."},
	{HallPowerWatts, "hall_power_watts", Watts, Gauge, Float, 1, Hall, []Label{boundary}, Fast, false,
		"Power of a hall inside a boundary."},
	{RackPowerWatts, "rack_power_watts", Watts, Gauge, Float, 1, Rack, []Label{boundary}, Fast, false,
		"Power of a rack inside a boundary."},
	{RackGPUTemperatureMax, "rack_gpu_temperature_celsius_max", Celsius, Gauge, Float, 1, Rack, nil, Fast, false,
		"Temperature of the hottest GPU of a rack."},
	{HallHosts, "hall_hosts", Count, Gauge, Int, 1, Hall, []Label{hostState}, Fast, false,
		"Hosts of a hall: expected by the site's file, or else known; and reporting in the last three seconds."},
	{RackHosts, "rack_hosts", Count, Gauge, Int, 1, Rack, []Label{hostState}, Fast, false,
		"Hosts of a rack: expected by the site's file, or else known; and reporting in the last three seconds."},
	{SiteGridPower, "site_grid_power_watts", Watts, Gauge, Float, 1, Site, nil, Fast, false,
		"Power that the site takes from the grid: the sum over its meters of role grid_input."},
	{SiteGridContract, "site_grid_contract_watts", Watts, Gauge, Float, 1, Site, nil, Slow, false,
		"Power that the grid connection's contract lets the site take, as its file states it."},
	{RackPowerRating, "rack_power_rating_watts", Watts, Gauge, Float, 1, Rack, nil, Slow, false,
		"Power that a rack is built for, as the site's file states it."},
	{RackFeedRating, "rack_feed_rating_watts", Watts, Gauge, Float, 1, Rack, nil, Slow, false,
		"Power that one feed of a rack is rated for: the least rating of its PDUs, as the site's file states it."},
	{SitePUEPlan, "site_pue_plan_ratio", Ratio, Gauge, Float, 1, Site, nil, Slow, false,
		"Power usage effectiveness that the site is to stay below, as its file states it."},
	{SiteCoverageNeeded, "site_coverage_needed_ratio", Ratio, Gauge, Float, 1, Site, nil, Slow, false,
		"Share of a year that must be known for its figures to be reported."},
	{SiteYearForecast, "site_year_forecast_ratio", Ratio, Gauge, Float, 1, Site,
		[]Label{{"figure", []string{"energy", "carbon", "water", "pue"}}}, Slow, false,
		"What a figure of the calendar year will come to if it goes on as in the last four weeks, over the limit that the site's file sets; above 1 the limit is missed."},
	{SiteReconciliation, "site_reconciliation_stages", Count, Gauge, Int, 1, Site,
		[]Label{{"finding", []string{"ok", "lacking", "exceeds", "unknown"}}}, Slow, false,
		"Stages of the power tree, by what the last hours show of what comes in against what is metered below."},
	{SiteSealed, "site_sealed_timestamp_seconds", Seconds, Gauge, Int, 1, Site, nil, Slow, false,
		"End of the newest hour that the ledger has sealed, as seconds since 1970 UTC."},
	{SiteCoolantLimit, "site_coolant_limit_celsius", Celsius, Gauge, Float, 1, Site, nil, Slow, false,
		"Highest temperature at which coolant may be supplied, as the site's file states it."},
	{HallGPUTemperatureMax, "hall_gpu_temperature_celsius_max", Celsius, Gauge, Float, 1, Hall, nil, Fast, false,
		"Temperature of the hottest GPU of a hall."},
	{SiteCertificateLeft, "site_agent_certificate_left_seconds", Seconds, Gauge, Int, 1, Site, nil, Slow, false,
		"The least agent_certificate_left_seconds of the site's agents: when the first of them can speak to the bus no more."},
	{HallXIDEvents, "hall_gpu_xid_events_total", Count, Counter, Int, 1, Hall, []Label{{"xid", nil}}, Slow, false,
		"XID events of a hall's GPUs that the aggregator has seen, by code; restarts of agents and of the aggregator are none of it."},

	{JobGPUShare, "job_gpu_share_ratio", Ratio, Gauge, Int, 1_000_000, Job, nil, Slow, true,
		"Share of a GPU that a job holds: 1 for a whole one; of a divided or shared one what its instances make of the board, a model and not a measurement."},
	{JobHostShare, "job_host_share_ratio", Ratio, Gauge, Int, 1_000_000, Job, nil, Slow, true,
		"Share of a host that a job holds, by which the energy of the host besides its GPUs is given to it."},

	{AgentSourceStale, "agent_source_stale", Count, Gauge, Int, 1, Sensor, nil, Slow, false,
		"1 while a source of the agent has not answered for more than three of its periods; its samples are missing then. The label sensor names the source."},
	{AgentSpoolBytes, "agent_spool_bytes", Bytes, Gauge, Int, 1, Host, []Label{{"lane", []string{"telemetry", "ledger"}}}, Slow, false,
		"Bytes that wait on the agent's disk for the bus or for the aggregator's word that they are durable."},
	{AgentSpoolDropped, "agent_spool_dropped_total", Count, Counter, Int, 1, Host, []Label{{"lane", []string{"telemetry", "ledger"}}}, Slow, false,
		"Batches that the agent gave up because its spool was full or they were too old; in the ledger lane thinned, so that no energy is lost."},
	{AgentSourceFailures, "agent_source_failures_total", Count, Counter, Int, 1, Sensor, nil, Slow, false,
		"Readings of a source that failed or came too late. The label sensor names the source."},
	{AgentClockError, "agent_clock_error_seconds", Seconds, Gauge, Float, 1, Host, nil, Slow, false,
		"By how much the host's clock may be wrong, as its kernel bounds it: it grows while nothing sets the clock."},
	{AgentCertificateLeft, "agent_certificate_left_seconds", Seconds, Gauge, Int, 1, Host, nil, Slow, false,
		"For how long, in whole hours, the certificates are valid by which the agent and the bus know each other; below zero one has expired."},
	{CounterEpoch, "counter_epoch", Count, Gauge, Int, 1, Site, []Label{{"counter", nil}}, Slow, true,
		"Identity of the lifetime that an accounted counter of the entity is in; another value means that the counter began again from zero. The counter is the metric's number times 65536 plus its point. Ledger lane only."},
	{CounterQuality, "counter_quality", Count, State, Int, 1, Site, []Label{{"quality", qualities}}, Slow, true,
		"How an accounted counter of the entity is known, where it is not measured. Ledger lane only."},
}

var hostSource = Label{"source", []string{"bmc", "rapl_package", "rapl_dram", "module", "estimate", "grace"}}

var linkEnds = []string{"now", "max"}

// byNumber indexes the catalogue; 0 means no such metric. byName likewise.
var byNumber, byName = func() ([1024]uint8, map[string]Number) {
	var n [1024]uint8
	m := make(map[string]Number, len(catalogue))
	for i := range catalogue {
		n[catalogue[i].Number] = uint8(i + 1)
		m[catalogue[i].Name] = catalogue[i].Number
	}
	return n, m
}()

// Lookup is the definition of metric n, nil if the catalogue has none.
func Lookup(n Number) *Def {
	if int(n) >= len(byNumber) || byNumber[n] == 0 {
		return nil
	}
	return &catalogue[byNumber[n]-1]
}

// ByName is the definition of the metric that Prometheus shows under name, nil
// if the catalogue has none.
func ByName(name string) *Def {
	n, ok := byName[name]
	if !ok {
		return nil
	}
	return Lookup(n)
}

// All yields every definition, in the order of the numbers.
func All(yield func(*Def) bool) {
	for i := range catalogue {
		if !yield(&catalogue[i]) {
			return
		}
	}
}

// A Boundary is an index of the label boundary.
type Boundary uint8

// Boundaries, outside in.
const (
	Facility Boundary = iota
	IT
	Hosts
	GPUs
)

func (b Boundary) String() string { return boundaries[b] }

// ParseBoundary is the boundary called name.
func ParseBoundary(name string) (Boundary, bool) {
	for i, s := range boundaries {
		if s == name {
			return Boundary(i), true
		}
	}
	return 0, false
}

// A Quality is an index of the label quality: how joules came to be known.
type Quality uint8

// Qualities, best first.
const (
	Measured         Quality = iota // from the counter, read at both ends of the interval
	CounterBridged                  // the counter spans a gap: the total is measured, its split over time is not
	Integrated                      // summed from power readings where there is no counter
	EstimatedProfile                // guessed from the device's own behaviour
	EstimatedStatic                 // guessed from a constant
	Manual                          // typed in or imported
	Corrected                       // replaced by a better figure later
	QualityMissing                  // not known
	Qualities                       // their number
)

func (q Quality) String() string { return qualities[q] }

// GPU states, indexes of the label state of gpu_state.
const (
	GPUOk Raw = iota
	GPULost
	GPUBlank
	GPUStale
	GPUUnreachable
)

// Meter states, indexes of the label state of meter_state.
const (
	MeterOk Raw = iota
	MeterStale
	MeterImplausible
	MeterDisagreeing
	MeterFrozen
	MeterQuarantined
	MeterSilent
)

// Points of meter_failures_total, by its label kind.
const (
	MeterNoAnswer uint32 = iota
	MeterPartial
	MeterRefused
	MeterTime
	MeterLate
	MeterFailureKinds // their number
)

// EpochPoint is the point of CounterEpoch and CounterQuality for the counter of
// metric n at point p.
func EpochPoint(n Number, p uint32) uint32 { return uint32(n)<<16 | p&0xffff }
