package sim

import (
	"fmt"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// Config is what a simulated site is like. Two worlds of one Config that are
// stepped to the same times are equal to the last bit.
type Config struct {
	Site  string
	Hosts int // at least 1
	GPUs  int // a host; 0: 8
	Seed  uint64
	Start time.Time // when the model begins

	Model  string // of the GPUs: "NVIDIA H100", "NVIDIA H200" (also ""), "NVIDIA B200"
	Zone   string // bidding zone of the grid; "": "DE-LU"
	Wired  bool   // meters are read by others, over a wire: see package field
	Faults Faults // how often things break; the zero value: now and then
}

// The most that a world holds.
const (
	maxHosts = 50_000
	maxGPUs  = 16
)

// A World is a site with the true millijoules of everything. Step must not run
// beside anything else; Telemetry may run beside itself and Ledger beside
// itself for other agents.
type World struct {
	site  string
	zone  string
	wired bool
	seed  uint64
	board board
	gpus  int // a host
	start int64
	now   int64 // ms since 1970

	sky
	schedule schedule
	hosts    []host
	boards   []gpu
	plant    plant
	faults   faults
	books    books

	plan    plan
	values  []metric.Raw // what the drivers show, host after host, in the plan's order
	percent [101]metric.Raw
	agents  []Agent
	columns [2]hostColumns // of hosts without a job, and with one

	begun     int        // jobs, so far
	tenancies []*tenancy // of them

	fanScale, airRise   float64
	psuFixed, psuSquare float64
}

// An Agent is one collector of the site. Its layouts are new pointers after
// something new appeared or its boards changed hands.
type Agent struct {
	Name              string
	Telemetry, Ledger *metric.Layout
}

// Streams of the seed.
const (
	streamSky uint64 = iota + 1
	streamSchedule
	streamPlant
	streamFaults
	streamJobs  = 1 << 32
	streamHosts = 2 << 32
)

// New is a site that has been running for a while.
func New(c Config) (*World, error) {
	if c.GPUs == 0 {
		c.GPUs = 8
	}
	if c.Model == "" {
		c.Model = "NVIDIA H200"
	}
	if c.Zone == "" {
		c.Zone = "DE-LU"
	}
	b, err := boardOf(c.Model)
	switch {
	case err != nil:
		return nil, fmt.Errorf("simulate site %q: %w", c.Site, err)
	case !metric.ValidName(c.Site):
		return nil, fmt.Errorf("simulate site %q: the name is not of [A-Za-z0-9_-]{1,63}", c.Site)
	case c.Hosts < 1 || c.Hosts > maxHosts:
		return nil, fmt.Errorf("simulate site %q: %d hosts, not 1 to %d", c.Site, c.Hosts, maxHosts)
	case c.GPUs < 1 || c.GPUs > maxGPUs:
		return nil, fmt.Errorf("simulate site %q: %d GPUs a host, not 1 to %d", c.Site, c.GPUs, maxGPUs)
	case c.Start.IsZero():
		return nil, fmt.Errorf("simulate site %q: no time to start at", c.Site)
	}
	w := &World{site: c.Site, zone: c.Zone, wired: c.Wired, seed: c.Seed, board: b, gpus: c.GPUs, start: c.Start.UnixMilli(), now: c.Start.UnixMilli()}
	for _, name := range [tenancies]string{"", "unknown", "forgotten"} {
		w.tenancies = append(w.tenancies, &tenancy{name: name})
	}
	for i := range w.percent {
		w.percent[i] = metric.Of(float64(i) / 100)
	}
	rating := b.nodeRating(c.GPUs)
	w.fanScale = float64(c.GPUs) * b.limit / 5600
	w.airRise = 0.0019 / w.fanScale
	w.psuFixed, w.psuSquare = 0.004*rating, 0.026/rating

	w.sky.rng = newSource(c.Seed, streamSky)
	w.sky.slot = -1
	for range 50 { // so that its noises begin where they may be later
		w.sky.at(w.now, 3600)
	}
	w.furnish(c.Hosts)
	w.populate(c.Seed)
	w.build(c)
	w.faults.begin(c, w)
	w.settle()
	return w, nil
}

// Step moves the world on to now, in pieces of a minute at the most. A time that
// is not after the last does nothing.
func (w *World) Step(now time.Time) {
	const longest = 60_000
	for end := now.UnixMilli(); w.now < end; {
		w.step(min(longest, end-w.now))
	}
}

// step moves the world on by ms milliseconds.
func (w *World) step(ms int64) {
	dt := float64(ms) / 1000
	w.faults.step(w, ms)
	w.turn(dt)
	p := paceOf(ms, w.plant.air)
	var e parts
	w.plant.clear()
	for h := range w.hosts {
		w.plant.racks[h/rackHosts].load += w.stepHost(h, &p, &e)
	}
	w.plant.step(w, ms, &e)
	w.now += ms
	w.sky.at(w.now, dt)
}

// settle lets temperatures and powers come to where they would be, and forgets
// what was spent meanwhile.
func (w *World) settle() {
	off := w.faults.off
	w.faults.off = true
	at := w.now
	for range 30 {
		w.step(20_000)
		w.now = at
	}
	w.sky.at(at, 1)
	w.faults.off = off
	w.books = books{}
}

// Agents is the number of agents: one a host, then one a hall for the meters of
// its racks, then one for the plant. Of a wired world what comes after the hosts is
// one agent, for what the grid's providers say.
func (w *World) Agents() int { return len(w.agents) }

// Agent is agent i.
func (w *World) Agent(i int) Agent { return w.agents[i] }

// shown is what the drivers of host h show.
func (w *World) shown(h int) []metric.Raw {
	return w.values[h*w.plan.width : (h+1)*w.plan.width : (h+1)*w.plan.width]
}
