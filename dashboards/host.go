package main

func host() *board {
	const h = `site="$site",host="$host"`
	rate := func(name, by, legend string) ask {
		return series(`sum by (`+by+`) (rate(`+name+`{`+h+`}[$__rate_interval]))`, legend)
	}
	gpuLink := []link{to("gpu", "", "site", here("site"), "host", here("host"), "gpu", label("uuid"))}
	return &board{
		uid: "host", person: "who is sent to a host", question: "what is wrong with this host, and since when?", since: "now-3h", refresh: "30s",
		chosen: []variable{bySite, byHall.open(), byRack.open(), byHost}, next: []string{"gpu", "hall", "jobs"}, events: []string{"health"},
		rows: []row{
			{"", 6, []panel{
				{figure, 8, "Power", "What the node draws, and of it the boards of its GPUs.", watts, asks(
					power("host", "host").in("host").as("Host", hostColour), now(`sum(gpu_power_watts{`+h+`})`, "").as("GPUs", gpuColour)), look{empty: "Not known"}},
				attention(16, needs("table").in("host"), "Hall", "Rack", "Host"),
			}},
			{"Power and heat", 9, []panel{
				{lines, 8, "Power by source", "What each source of the host's power says. They are never added: a BMC sees the whole node, the others a part of it.", watts,
					asks(mean(`host_power_watts{`+h+`}`, "{{source}}"), mean(`sum(gpu_power_watts{`+h+`})`, "").as("GPUs", gpuColour)), look{empty: "No source of power"}},
				{lines, 8, "Power by GPU", "What each board draws, by its own sensor.", watts, asks(power("gpu", "gpu").in("host")), look{name: "GPU " + label("gpu"), legend: "right", links: gpuLink, empty: "No GPU"}},
				{lines, 8, "Temperature by GPU", "Temperature of each GPU's die. A click on a series opens the GPU.", celsius, asks(series(`gpu_temperature_celsius{`+h+`}`, "GPU {{gpu}}")), look{legend: "right", steps: hot, anyBase: true, links: gpuLink, empty: "No GPU"}},
				{lines, 8, "Utilisation by GPU", "Share of time in which a kernel ran. It says nothing of how well.", share, asks(series(`gpu_utilization_ratio{`+h+`}`, "GPU {{gpu}}")), look{legend: "right", links: gpuLink, empty: "No GPU"}},
				{columns, 8, "Energy by interval", "Energy of the host as the ledger has booked it, by whole hours or longer.", wattHour, asks(energy("host", "host", "series").in("host").as("Host", hostColour), energy("host", "gpu", "series").in("host").as("GPUs", gpuColour)), look{points: 60, legend: "sum", empty: "Nothing is booked"}},
				{lines, 8, "Temperatures of the host", "Each sensor of the host: what it breathes in and out, processors.", celsius, asks(series(`host_temperature_celsius{`+h+`}`, "{{sensor}}")), look{legend: "right", anyBase: true, empty: "No sensor"}},
			}},
			{"Machine", 8, []panel{
				{lines, 8, "Processor and memory", "Share of the processors' time that is used, and of the memory.", share, asks(
					series(`host_cpu_usage_ratio{`+h+`}`, "").as("Processor", itColour), series(`host_memory_used_bytes{`+h+`} / host_memory_total_bytes{`+h+`}`, "").as("Memory", hostColour)), look{empty: "The host is silent"}},
				{lines, 8, "Network", "Bytes a second over each interface: received, and sent.", bytesPer, asks(rate("host_network_bytes_total", "device, direction", "{{device}} {{direction}}")), look{legend: "right", empty: "No interface"}},
				{lines, 8, "Disks", "Bytes a second of each disk: read, and written.", bytesPer, asks(rate("host_disk_bytes_total", "device, direction", "{{device}} {{direction}}")), look{legend: "right", empty: "No disk"}},
				{gauges, 8, "File systems", "How full each file system is.", share, asks(now(`host_filesystem_used_bytes{`+h+`} / host_filesystem_total_bytes{`+h+`}`, "{{mount}}")), look{steps: spaceUsed, empty: "No file system"}},
				{lines, 8, "Fabric", "Bytes a second over each port of the fabric: received, and sent.", bytesPer, asks(rate("fabric_port_bytes_total", "device, port, direction", "{{device}}/{{port}} {{direction}}")), look{legend: "right", empty: "No fabric port"}},
				{lines, 8, "Fabric errors", "Errors of each kind on all ports of the fabric, and links that went down, in ten minutes.", count, asks(
					series(`sum by (kind) (increase(fabric_port_errors_total{`+h+`}[10m]))`, "{{kind}}"), series(`sum(increase(fabric_port_link_downs_total{`+h+`}[10m]))`, "").as("Link down", bad)), look{steps: anyIsPoor, empty: "No fabric port"}},
				{lines, 8, "NVMe temperature", "Composite temperature of each NVMe disk.", celsius, asks(series(`nvme_temperature_celsius{`+h+`}`, "{{device}}")), look{steps: from(good, step{65, caution}, step{75, bad}), anyBase: true, empty: "No NVMe disk"}},
				{gauges, 8, "NVMe wear", "Share of each NVMe disk's rated endurance that is used; it may pass 100 %.", share, asks(now(`nvme_wear_ratio{`+h+`}`, "{{device}}")), look{steps: spaceUsed, empty: "No NVMe disk"}},
				{lines, 8, "GPUs expected and present", "GPUs that the host should have, and those that the driver shows.", count, asks(series(`host_gpus{`+h+`}`, "{{state}}")), look{empty: "The host has no GPUs, or its driver does not say"}},
			}},
			{"Agent", 5, []panel{
				{lines, 12, "What waits on the host", "Bytes on the host's disk that wait for the bus, or for the aggregator's word that they are durable.", bytesOf, asks(series(`agent_spool_bytes{`+h+`}`, "{{lane}}")), look{empty: "The agent does not say"}},
				{timeline, 12, "Silent sources", "When a source of the agent had not answered for more than three of its periods; its samples are missing then.", count, asks(series(`agent_source_stale{`+h+`}`, "{{sensor}}")), look{says: []saying{{"answers", good}, {"silent", bad}}, empty: "The agent does not say"}},
			}},
		},
	}
}
