package main

func jobsAndTenants() *board {
	const j = `site="$site",job="$job",tenant=~"$tenant"`
	ranked := func(title, help, by, column string, links ...link) panel {
		return panel{list, 12, title, help, wattHour, asks(energy(by, "host", "total").in("tenant").largest(100)), look{
			change: changes(listed()), hide: []string{"site", "boundary", "Field"}, bar: "Last *", sort: "Energy", decimals: ptr(2.0),
			titles: map[string]string{"Last *": "Energy", "job": "Job", "tenant": "Tenant"}, links: links, empty: "Nothing is booked to " + column,
		}}
	}
	return &board{
		uid: "jobs", person: "who runs the scheduler and who pays", question: "who uses the energy, and what does a job need?", since: "now-24h", refresh: "5m",
		chosen: []variable{bySite, byTenant, byJob}, next: []string{"energy", "host", "gpu", "site"},
		rows: []row{
			{"Tenants", 9, []panel{
				ranked("Energy by tenant", "What the hosts and GPUs of each tenant's jobs needed, as booked, of a hundred the most. What nobody held is unallocated.", "tenant", "tenants"),
				{columns, 12, "Power by tenant", "Mean power of each interval, from the ledger's energy, by whole hours or longer: of the ten tenants with the most, and of all others together.", watts, asks(power("tenant", "host").in("tenant").largest(10)), look{stacked: true, points: 60, legend: "right", empty: "Nothing is booked to tenants"}},
			}},
			{"Jobs", 10, []panel{
				ranked("Energy by job", "What the hosts and GPUs of each job needed, as booked, of a hundred the most. A click chooses the job.", "job", "jobs", to("jobs", "job", "site", here("site"), "tenant", cell("tenant"), "job", cell("job"))),
				{columns, 12, "Power by job", "Mean power of each interval, from the ledger's energy, by whole hours or longer: of the ten jobs with the most, and of all others together.", watts, asks(power("job", "host").in("tenant").largest(10)), look{stacked: true, points: 60, legend: "right", empty: "Nothing is booked to jobs"}},
			}},
			{"Job $job", 5, []panel{
				{figure, 12, "Energy of the job", "What is booked to the job in the range: its hosts, and of that its boards; of each tenant apart, where several have a job of that name. What lies outside its hosts is nobody's by any meter.", wattHour, asks(
					energy("job", "host", "total").in("job", "tenant").called("Hosts", hostColour), energy("job", "gpu", "total").in("job", "tenant").called("GPUs", gpuColour)), look{decimals: ptr(2.0), empty: "Nothing is booked to it"}},
				{figure, 4, "GPUs", "Boards that the job holds a part of now; of each tenant apart, where several have a job of that name.", count, asks(now(`count by (tenant) (job_gpu_share_ratio{`+j+`})`, "{{tenant}}").as("", gpuColour)), look{empty: "It does not run now"}},
				{figure, 4, "Whole GPUs", "Shares of boards that it holds, added up; of each tenant apart.", count, asks(now(`sum by (tenant) (job_gpu_share_ratio{`+j+`})`, "{{tenant}}").as("", gpuColour)), look{decimals: ptr(1.0), empty: "It does not run now"}},
				{figure, 4, "Hosts", "Hosts that the job holds a part of now; of each tenant apart.", count, asks(now(`count by (tenant) (job_host_share_ratio{`+j+`})`, "{{tenant}}").as("", hostColour)), look{empty: "It does not run now"}},
			}},
			{"", 9, []panel{
				{columns, 12, "Power of the job", "Mean power of each interval, from the ledger's energy: of its boards, and of its hosts.", watts, asks(
					power("job", "host").in("job", "tenant").called("Hosts", hostColour), power("job", "gpu").in("job", "tenant").called("GPUs", gpuColour)), look{points: 60, empty: "Nothing is booked to it"}},
				{list, 12, "Where it runs", "Hosts that the job holds now, and how much of each.", share, asks(rows(`job_host_share_ratio{` + j + `}`).most(500)), look{widths: map[string]int{"Hall": 80, "Rack": 90, "Host": 110},
					only: exactly("Hall", "Rack", "Host", "Tenant", "Value"), bar: "Value", titles: map[string]string{"Value": "Share"}, empty: "It does not run now",
					links: []link{to("host", "Host", "site", here("site"), "hall", cell("hall"), "rack", cell("rack"), "host", cell("host"))}}},
			}},
		},
	}
}
