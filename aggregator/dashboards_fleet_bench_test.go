package main

import (
	"fmt"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/sim"
)

// factorySite is what the site of the dashboards' benchmark is called.
const factorySite = "gigafactory"

// A factory is a simulated site whose hosts say, besides, what an agent says of
// itself: of that the dashboards ask as well.
type factory struct {
	*sim.World
	hosts  int
	agents []factoryAgent
}

type factoryAgent struct {
	key       string
	simulated *metric.Layout // that layout is made of
	layout    *metric.Layout
}

// factorySources are those of an agent of a GPU host.
var factorySources = []string{"gpu", "host", "power", "jobs", "self"}

func factoryConfig(hosts int, began time.Time) sim.Config {
	return sim.Config{Site: factorySite, Hosts: hosts, GPUs: 8, Seed: 1, Start: began}
}

func newFactory(hosts int, began time.Time) (*factory, error) {
	w, err := sim.New(factoryConfig(hosts, began))
	if err != nil {
		return nil, fmt.Errorf("make the factory: %w", err)
	}
	f := &factory{World: w, hosts: hosts, agents: make([]factoryAgent, w.Agents())}
	for i := range f.agents {
		f.agents[i].key = factorySite + "/" + w.Agent(i).Name
	}
	return f, nil
}

// layout is that of agent i's telemetry.
func (f *factory) layout(i int) *metric.Layout {
	l, a := f.Agent(i).Telemetry, &f.agents[i]
	if a.simulated == l {
		return a.layout
	}
	a.simulated, a.layout = l, l
	if i >= f.hosts {
		return l
	}
	const host = 2 // hall, rack, host
	es := append([]metric.Entity(nil), l.Entities...)
	first := len(es)
	for _, name := range factorySources {
		es = append(es, metric.Entity{Kind: metric.Sensor, Name: name, Parent: host})
	}
	cs := append([]metric.Column(nil), l.Columns...)
	for lane := range uint32(2) {
		cs = append(cs,
			metric.Column{Metric: metric.AgentSpoolBytes, Form: metric.Int, Point: lane, First: host, Count: 1},
			metric.Column{Metric: metric.AgentSpoolDropped, Form: metric.Int, Point: lane, First: host, Count: 1})
	}
	cs = append(cs,
		metric.Column{Metric: metric.AgentSourceStale, Form: metric.Int, First: first, Count: len(factorySources)},
		metric.Column{Metric: metric.AgentSourceFailures, Form: metric.Int, First: first, Count: len(factorySources)})
	a.layout = &metric.Layout{Simulated: l.Simulated, Entities: es, Columns: cs}
	return a.layout
}

// telemetry appends what agent i says at now; false if it is dead.
func (f *factory) telemetry(i int, now time.Time, dst []metric.Raw) ([]metric.Raw, bool) {
	dst, ok := f.Telemetry(i, dst)
	if !ok || i >= f.hosts {
		return dst, ok
	}
	second := now.Unix()
	waiting := metric.Raw((second/10+int64(i))%7) * 800 // of the ledger lane, until it is durable
	dropped, failed := metric.Raw(0), metric.Raw(0)
	if i%500 == 7 { // some hosts are not well
		waiting, dropped, failed = waiting+metric.Raw(i)<<10, metric.Raw(second/60), metric.Raw(second/30)
	}
	dst = append(dst, 0, 0, waiting, dropped)
	for range factorySources {
		dst = append(dst, 0)
	}
	for k := range factorySources {
		if k > 0 {
			failed = 0
		}
		dst = append(dst, failed)
	}
	return dst, true
}

// The world is stepped coarsely where only the ledger is fed.
const (
	factoryStep = 10 * time.Second
	coarseStep  = time.Minute
)

// advance steps the world to the end of a history as every run does: alike steps
// make alike worlds.
func (f *factory) advance(p *prepared, each func(now time.Time) error) error {
	for now := p.Start; now.Before(p.End); {
		if now.Before(p.Base) {
			now = now.Add(coarseStep)
		} else {
			now = now.Add(factoryStep)
		}
		f.Step(now)
		if each == nil {
			continue
		}
		if err := each(now); err != nil {
			return err
		}
	}
	return nil
}
