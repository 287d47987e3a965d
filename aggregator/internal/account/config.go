package account

import "github.com/gigawatch/gigawatch/collector/metric"

// A Config says what is plausible and how much is remembered. The zero Config
// has the defaults.
type Config struct {
	Interval   int64  // ms between records of an agent; 10,000
	GPUPower   uint64 // mW that no board draws more than; 3 kW
	HostPower  uint64 // mW, of a host; 50 kW
	MeterPower uint64 // mW, through a meter; 2 GW
	WaterFlow  uint64 // mL/s, through a meter; 10 m³/s
	Sites      int    // that are told apart; 1,024
	Agents     int    // of a site; 65,536
	Accounts   int    // of a site; 1,048,576
	Places     int    // of a site; 262,144, and at most 1,048,576
	Traits     int    // of a site: models, roles; 65,536
	JobsOfHost int    // on one host in one hour, each quality of one counting; 4,096
	JobNames   int    // of a site at one time; 262,144
	JobRows    int    // of a site in one hour; 1,048,576
}

func (c Config) withDefaults() Config {
	or := func(p *uint64, v uint64) {
		if *p == 0 {
			*p = v
		}
	}
	or(&c.GPUPower, 3_000_000)
	or(&c.HostPower, 50_000_000)
	or(&c.MeterPower, 2_000_000_000_000)
	or(&c.WaterFlow, 10_000_000)
	if c.Interval == 0 {
		c.Interval = 10_000
	}
	for p, v := range map[*int]int{
		&c.Sites: 1 << 10, &c.Agents: 1 << 16, &c.Accounts: 1 << 20, &c.Places: 1 << 18, &c.Traits: 1 << 16,
		&c.JobsOfHost: 1 << 12, &c.JobNames: 1 << 18, &c.JobRows: 1 << 20,
	} {
		if *p == 0 {
			*p = v
		}
	}
	c.Places = min(c.Places, mostPlaces)
	return c
}

const (
	minute = int64(60_000)
	hour   = 60 * minute

	// maxBridge is how long an interval may be that is spread over the hours it
	// spans; of a longer one the last maxBridge take it all. Spools hold a month.
	maxBridge = 35 * 24 * hour
	// maxResidue is how long before a restart the last power is believed.
	maxResidue = 15 * minute
	// takeover is how long an owner must be silent before another agent's reading
	// of the same device is taken.
	takeover = minute
	// frozen is how long a counter may stand still while power flows.
	frozen = 15 * minute
	// varies is how many times as much may have flowed through a meter between two
	// readings as at either, where its register does not go on from before.
	varies = 4
	// memory is how long a lifetime that seemed to end may turn out not to have.
	memory = 10 * minute
)

// rate is the most that a counter of metric n may count, in its raw unit a
// second.
func (c *Config) rate(n metric.Number) uint64 {
	switch n {
	case metric.GPUEnergyJoules:
		return c.GPUPower
	case metric.HostEnergyJoules:
		return c.HostPower
	case metric.MeterWater:
		return c.WaterFlow
	}
	return c.MeterPower
}

// plausible reports whether a counter may have counted d within dt
// milliseconds: a fifth more than the most, and two seconds of it for what
// clocks and refresh add.
func plausible(d, rate uint64, dt int64) bool {
	dt = min(max(0, dt), 1<<40)
	most, ok := product(rate, uint64(dt)*6/5+2000).over(1000)
	return !ok || d <= most
}
