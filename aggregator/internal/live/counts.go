package live

import (
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// Counts are how many of a site there are, and how many are well.
type Counts struct {
	Present
	Hosts  Count
	GPUs   Count          // Reporting: that say they are ok
	States map[string]int // of the GPUs that are known, by what they say; unknown: nothing; silent: their agent says nothing
	Agents AgentCount
	Behind *float64 // seconds since the second last closed; nil: none is
}

// Counts counts a site; ok is false if nothing was heard of it.
func (l *Live) Counts(name string, now time.Time) (c Counts, ok bool) {
	c.States = map[string]int{"unknown": 0, "silent": 0}
	for _, s := range metric.Lookup(metric.GPUState).Labels[0].Values {
		c.States[s] = 0
	}
	states := make([]int, len(c.States))
	silent, unknown := len(states)-1, len(states)-2
	c.Present, ok = l.walk(name, now, func(a *sender, p Present) {
		if now.Unix()-a.newest > a.hold+1 {
			c.Agents.Silent++
		}
		if p.Reason != "" || !a.stands(p.Second) {
			states[silent] += len(a.gpus)
			return
		}
		for i := range a.gpus {
			state := unknown
			if g := &a.gpus[i]; g.state >= 0 {
				if v := a.values[g.state]; v >= 0 && v < metric.Raw(unknown) {
					state = int(v)
				}
			}
			states[state]++
		}
	})
	if !ok {
		return c, false
	}
	for i, s := range metric.Lookup(metric.GPUState).Labels[0].Values {
		c.States[s] = states[i]
	}
	c.States["silent"], c.States["unknown"] = states[silent], states[unknown]
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.sites[name]
	known := s.inventory()
	c.Hosts, c.GPUs = Count{Expected: known.Hosts}, Count{Expected: known.GPUs}
	c.Agents.Known = len(s.senders)
	c.Agents.Refused, c.Agents.Refusals = s.refusals()
	if c.Reason == "" {
		c.Hosts.Reporting, c.GPUs.Reporting = s.hosts, s.gpus
	}
	if s.last > 0 {
		f := float64(now.UnixMilli())/1000 - float64(s.last)
		c.Behind = &f
	}
	return c, true
}
