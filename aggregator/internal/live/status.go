package live

import (
	"slices"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// A Status is the present of one site, as the status page reads it. What the
// ledger knows — energy, PUE, carbon — is added by whoever asks.
type Status struct {
	Site      string            `json:"site"`
	Simulated bool              `json:"simulated"`
	Hosts     Count             `json:"hosts"`
	GPUs      Count             `json:"gpus"`
	Power     map[string]Figure `json:"power"` // by boundary
	History   History           `json:"history"`
	Grid      *Grid             `json:"grid"` // nil: no grid source
	Freshness *float64          `json:"freshness_seconds"`
	Halls     []HallStatus      `json:"halls"`
	Worst     []GPUStatus       `json:"worst_gpus"`
	Machines  []Machine         `json:"machines"` // null where there are more than the page has room for
	Agents    AgentCount        `json:"agents"`
}

// A Count is how many there should be and how many report.
type Count struct {
	Expected  int `json:"expected"`
	Reporting int `json:"reporting"`
}

// An AgentCount is how many agents are known, how many of them are silent, and of
// how many something is not counted, since another reports it and came first.
type AgentCount struct {
	Known    int      `json:"known"`
	Silent   int      `json:"silent"`
	Refused  int      `json:"refused"`
	Refusals []string `json:"refusals"` // which, and why, of the first few
}

// History is power in watts, a value a second from Start; null: not known.
type History struct {
	Start    int64      `json:"start"` // milliseconds since 1970 UTC
	Step     int64      `json:"step"`
	Facility []*float32 `json:"facility"`
	IT       []*float32 `json:"it"`
	Host     []*float32 `json:"host"`
	GPU      []*float32 `json:"gpu"`
}

// Grid is the carbon intensity in force.
type Grid struct {
	GramsPerKWh float64 `json:"grams_per_kwh"`
	Zone        string  `json:"zone"`
	Factor      string  `json:"factor"`
	Provider    string  `json:"provider"`
	Tier        string  `json:"tier"`
}

// HallStatus is one hall with its racks.
type HallStatus struct {
	Hall   string       `json:"hall"`
	Watts  *float64     `json:"watts"`
	Reason string       `json:"reason,omitempty"` // why Watts is null
	Racks  []RackStatus `json:"racks"`
}

// RackStatus is one rack. State is silent (no host reports), bad (a host is
// silent or a GPU lost), warn (hot, or a GPU is not ok, or a PDU silent), ok, or
// unknown until a second is closed.
type RackStatus struct {
	Rack      string   `json:"rack"`
	Watts     *float64 `json:"watts"`
	Boundary  string   `json:"boundary"`         // of Watts: it, host or gpu, the outermost that is metered
	Reason    string   `json:"reason,omitempty"` // why Watts is null
	Hosts     int      `json:"hosts"`
	Reporting int      `json:"reporting"`
	GPUs      int      `json:"gpus"`
	GPUsOk    int      `json:"gpus_ok"`
	Celsius   *float64 `json:"gpu_celsius_max"`
	State     string   `json:"state"`
}

// hot is where a GPU's temperature deserves a look: a few degrees below where
// data-centre parts slow themselves down.
const hot = 85

// gridHold is for how many seconds a carbon intensity is in force after it was
// last said: it is of a whole hour.
const gridHold = 3600

// Sites are the names of the sites that have spoken, sorted.
func (l *Live) Sites() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	names := make([]string, 0, len(l.sites))
	for n := range l.sites {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Agents are the names under which the agents of a host speak, as site/agent;
// site "" is any.
func (l *Live) Agents(site, host string) (keys []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, a := range l.senders {
		if a.host == host && (site == "" || a.site.name == site) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// Status is the present of a site, with the seconds of its history after since
// (milliseconds since 1970 UTC); nil if nothing was heard of it. now is the
// wall clock in the same unit.
func (l *Live) Status(name string, since, now int64) *Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.sites[name]
	if s == nil {
		return nil
	}
	known := s.inventory()
	st := &Status{
		Site: name, Simulated: s.simulated,
		Hosts: Count{known.Hosts, s.hosts}, GPUs: Count{known.GPUs, s.gpus},
		Power: map[string]Figure{}, Halls: s.hallStatus(), Worst: s.worst(), Machines: s.machines(),
		Agents: AgentCount{Known: len(s.senders)},
	}
	st.Agents.Refused, st.Agents.Refusals = s.refusals()
	for b := metric.Facility; b <= metric.GPUs; b++ {
		st.Power[b.String()] = s.power(b)
	}
	start, series := s.history.since(since / 1000)
	st.History = History{Start: start * 1000, Step: 1000, Facility: series[0], IT: series[1], Host: series[2], GPU: series[3]}
	if g := s.grid; g.at > 0 && s.last-g.at <= gridHold {
		st.Grid = &Grid{g.grams, g.zone, g.factor, g.provider, g.tier}
	}
	for _, a := range s.senders {
		if now/1000-a.newest > a.hold+1 {
			st.Agents.Silent++
		}
	}
	if s.last > 0 {
		f := float64(now)/1000 - float64(s.last)
		st.Freshness = &f
	}
	return st
}

func (s *site) hallStatus() []HallStatus {
	out := []HallStatus{}
	halls, racks := s.order()
	for _, h := range halls {
		hs := HallStatus{Hall: s.halls[h].name, Racks: []RackStatus{}}
		hs.Watts, _, hs.Reason = outermost(&s.halls[h].sums, s.halls[h].pdus+s.halls[h].due)
		for _, i := range racks[int32(h)] {
			r := s.racks[i].status()
			if s.last == 0 { // its hosts are not counted yet
				r.State = "unknown"
			}
			hs.Racks = append(hs.Racks, r)
		}
		out = append(out, hs)
	}
	return out
}

// outermost is the power inside the outermost boundary that is metered, or why it
// is not known: then no inner one stands in for it.
func outermost(sums *[quantities]total, pdus int32) (watts *float64, boundary, reason string) {
	if pdus > 0 {
		if t := sums[pduWatts]; t.n < pdus {
			return nil, metric.IT.String(), lack(pduWatts, t.n, pdus, pdus, 0)
		}
	}
	for _, q := range []struct {
		quantity
		metric.Boundary
	}{{pduWatts, metric.IT}, {hostWatts, metric.Hosts}, {gpuWatts, metric.GPUs}} {
		if t := sums[q.quantity]; t.n > 0 {
			w := t.sum
			return &w, q.Boundary.String(), ""
		}
	}
	return nil, "", "no power is reported"
}

func (r *rack) status() RackStatus {
	st := RackStatus{Rack: r.name, Hosts: int(r.hosts), Reporting: int(r.up), GPUs: int(r.gpus), GPUsOk: int(r.sums[gpusOk].n), State: "ok"}
	st.Watts, st.Boundary, st.Reason = outermost(&r.sums, r.pdus+r.due)
	if t := r.sums[gpuCelsius]; t.n > 0 {
		c := t.sum
		st.Celsius = &c
	}
	switch {
	case r.hosts > 0 && r.up == 0:
		st.State = "silent"
	case r.up < r.hosts || r.sums[gpusLost].n > 0:
		st.State = "bad"
	case r.sums[pduWatts].n < r.pdus+r.due, st.GPUsOk < st.GPUs, st.Celsius != nil && *st.Celsius >= hot:
		st.State = "warn"
	}
	return st
}

// worstGPUs is how many GPUs the page lists.
const worstGPUs = 10

// worst lists the GPUs that deserve a look most, the first first. It is worked
// out once a second, however many ask.
func (s *site) worst() []GPUStatus {
	if s.worstAt == s.last && s.worstNow != nil {
		return s.worstNow
	}
	type candidate struct {
		sender *sender
		gpu    *gpu
		score  float64
	}
	var top [worstGPUs]candidate
	for _, a := range s.senders {
		if s.last-a.newest > max(10, a.hold) {
			continue // the host is silent, which says more than its GPUs
		}
		for i := range a.gpus {
			c := candidate{a, &a.gpus[i], 0}
			c.score, _ = c.gpu.judge(a.values, false)
			for k := len(top) - 1; k >= 0 && c.score > top[k].score; k-- {
				if k < len(top)-1 {
					top[k+1] = top[k]
				}
				top[k] = c
			}
		}
	}
	s.worstAt, s.worstNow = s.last, []GPUStatus{}
	for _, c := range top {
		if c.gpu != nil {
			_, why := c.gpu.judge(c.sender.values, true)
			s.worstNow = append(s.worstNow, c.sender.gpuStatus(c.gpu, why))
		}
	}
	return s.worstNow
}
