package field

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gigawatch/gigawatch/collector/sim"
)

// A Config says where the meters of a world are found.
type Config struct {
	Host string        // where gateways listen; "": 127.0.0.1
	Port int           // of the plant's gateway, those of the halls follow; 0: any that are free
	Slow time.Duration // that a gateway waits for a device which hangs; 0: 400 ms
}

// A Plant is a wired world whose meters can be read. It takes the world's place:
// only it may step it from then on.
type Plant struct {
	*sim.World
	slow     time.Duration
	devices  []device // in the order of the world's instruments
	gateways []*gateway
	over     chan struct{} // closed in the end

	mu      sync.Mutex // guards the world, and the rest
	shown   []sim.Register
	around  sim.Temperatures
	hanging map[string]bool
}

// A device is a meter of the world.
type device struct {
	sim.Instrument
	model   *model
	gateway *gateway
	unit    uint8
	served  bool // its counter, as it is shown now; guarded by the plant
}

// Open starts gateways for the meters of w.
func Open(w *sim.World, c Config) (*Plant, error) {
	if c.Host == "" {
		c.Host = "127.0.0.1"
	}
	if c.Slow == 0 {
		c.Slow = 400 * time.Millisecond
	}
	p := &Plant{World: w, slow: c.Slow, over: make(chan struct{}), hanging: map[string]bool{}}
	by := map[string]*gateway{}
	behind := func(agent string) *gateway {
		if by[agent] == nil {
			by[agent] = &gateway{plant: p}
			p.gateways = append(p.gateways, by[agent])
		}
		return by[agent]
	}
	behind(sim.PlantAgent)
	for _, in := range w.Instruments() {
		g := behind(in.Agent)
		g.devices = append(g.devices, len(p.devices))
		p.devices = append(p.devices, device{Instrument: in, model: modelOf(&in), gateway: g, unit: uint8(len(g.devices))})
	}
	p.look()
	for i, g := range p.gateways {
		port := 0
		if c.Port != 0 {
			port = c.Port + i
		}
		if err := g.listen(c.Host, port); err != nil {
			return nil, errors.Join(fmt.Errorf("open gateway of simulated meters: %w", err), p.Close())
		}
	}
	return p, nil
}

// Close ends the gateways.
func (p *Plant) Close() error {
	close(p.over)
	var errs []error
	for _, g := range p.gateways {
		errs = append(errs, g.close())
	}
	return errors.Join(errs...)
}

// Step moves the world on to now, and its displays with it.
func (p *Plant) Step(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.witness()
	p.World.Step(now)
	p.look()
}

// Truth is the world's, with what displays showed as observed.
func (p *Plant) Truth() sim.Truth {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.witness()
	t := p.World.Truth()
	for i := range t.Meter {
		t.Meter[i].Step = p.devices[i].model.counter().step
	}
	return t
}

// Hang makes a meter hang, or answer again, besides what faults do. It reports
// whether there is one of that name.
func (p *Plant) Hang(meter string, hang bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.devices {
		if p.devices[i].Name == meter {
			p.hanging[meter] = hang
			return true
		}
	}
	return false
}

// look takes the registers of the world.
func (p *Plant) look() {
	p.shown, p.around = p.Registers(p.shown[:0]), p.Temperatures()
}

// witness tells the world which displays were read since it was stepped last.
func (p *Plant) witness() {
	for i := range p.devices {
		if d := &p.devices[i]; d.served {
			d.served = false
			p.World.Witness(i, d.model.counter().shown(p.shown[i].Amount))
		}
	}
}

// answer is what device i says when it is asked for registers.
func (p *Plant) answer(i int, function uint8, at, n int) ([]uint16, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d, r := &p.devices[i], &p.shown[i]
	switch {
	case r.Hung || p.hanging[d.Name]:
		return nil, errSilent
	case function != d.model.function:
		return nil, errFunction
	}
	words, counted, ok := d.model.read(&sight{*r, &p.around}, at, n)
	if !ok {
		return nil, errAddress
	}
	d.served = d.served || counted
	return words, nil
}
