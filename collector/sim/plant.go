package sim

import (
	"math"
	"time"
)

// A rack is what its PDU meter sees.
type rack struct {
	meter
	load int64 // mJ of its nodes in this step
}

// A meter is one register of the plant with what it shows beside it.
type meter struct {
	counter
	name, role string
	watts      int64 // mean of the last step
	hung       bool  // it does not answer
}

// book counts the mJ of a step of ms.
func (m *meter) book(mj, ms int64) {
	m.add(mj)
	m.watts = (mj + ms/2) / ms
}

// Meters of the plant, in the order of its layout; the UPS modules follow lighting,
// then heat and water.
const (
	gridA = iota
	gridB
	generator
	solar
	export
	chillers
	dryCoolers
	pumps
	distribution
	lighting
	fixedMeters
)

// A plant is everything between the racks and the grid.
type plant struct {
	rng    source
	racks  []rack
	meters []meter // fixed ones, then one per UPS module
	feeds  []int64 // mJ that each UPS module gives in this step
	heat   meter   // what the heat customer takes
	total  meter   // water, mL
	drink  meter   // water of that which is potable, mL

	rackRating, moduleRating, rating float64 // W
	solarPeak                        float64 // W
	air                              float64 // °C of the cold aisle
	warmth                           float64 // W of heat that the cooling sees: it lags the load
	tilt                             float64 // feed A's share, around one half
	supply, back                     float64 // °C of the cooling loop
	heatFlow, waterFlow, drinkFlow   float64 // m³/s
	waterDue, drinkDue               float64 // mL not yet a whole one
}

// books are sums since the world began, each counted where it is spent, in mJ.
// doc.go says which of them balance.
type books struct {
	parts                                 // of all nodes
	node, switches, pdu, floor            int64
	upsOutput, upsLoss, transformer       int64
	chillers, dryCoolers, pumps, lighting int64
	grid, generator, solar, export, heat  int64
	water, potable                        int64   // mL
	carbonLifecycle, carbonDirect         float64 // g
}

func (b *books) facility() int64 { return b.grid + b.generator + b.solar - b.export }
func (b *books) cooling() int64  { return b.chillers + b.dryCoolers + b.pumps }

// clear makes the racks ready for the loads of another step.
func (p *plant) clear() {
	for i := range p.racks {
		p.racks[i].load = 0
	}
	clear(p.feeds)
}

// step carries the loads of the racks to the grid.
func (p *plant) step(w *World, ms int64, e *parts) {
	b, s := &w.books, &w.sky
	dt := float64(ms) / 1000
	mj := func(watts float64) int64 { return int64(watts*float64(ms) + 0.5) }

	// Racks, and the busways that reach them.
	var node, switches, pdu, floor int64
	for i := range p.racks {
		r := &p.racks[i]
		sw := mj(switchWatts + 0.004*float64(r.load)/float64(ms))
		out := r.load + sw
		r.book(out, ms)
		busway := mj(0.003*p.rackRating + 0.006*float64(out)/float64(ms))
		node, switches, pdu, floor = node+r.load, switches+sw, pdu+out, floor+busway
		p.feeds[i/hallRacks] += out + busway
	}

	if len(p.racks) <= hallRacks { // the modules of a lone hall run side by side
		p.feeds[1] = p.feeds[0] * 49 / 100
		p.feeds[0] -= p.feeds[1]
	}

	// UPS modules, one a hall: a fixed loss, one that grows with the load, one with its square.
	var upsOutput, upsLoss int64
	for i, out := range p.feeds {
		x := float64(out) / float64(ms)
		loss := mj(0.012*p.moduleRating + 0.016*x + 0.012*x*x/p.moduleRating)
		p.meters[fixedMeters+i].book(out, ms)
		upsOutput, upsLoss = upsOutput+out, upsLoss+loss
	}

	chill, dry, pump := p.cool(s, dt, float64(upsOutput+upsLoss)/float64(ms))
	light := p.rating * 0.002
	if s.hour > 6.5 && s.hour < 19 {
		light += p.rating * 0.003
	}
	chillMJ, dryMJ, pumpMJ, lightMJ := mj(chill), mj(dry), mj(pump), mj(light)

	below := upsOutput + upsLoss + chillMJ + dryMJ + pumpMJ + lightMJ
	transformer := mj(0.003*p.rating + 0.007*float64(below)/float64(ms))
	facility := below + transformer

	// Sources.
	sun := mj(p.solarPeak * s.insolation())
	gen := int64(0)
	if trial(w.now) {
		gen = facility * 3 / 5
	}
	grid, out := facility-sun-gen, int64(0)
	if grid < 0 {
		grid, out = 0, -grid
	}
	p.tilt = drift(p.tilt, dt, 1800, &p.rng)
	a := grid * int64(500+20*min(1, max(-1, p.tilt))) / 1000

	p.meters[gridA].book(a, ms)
	p.meters[gridB].book(grid-a, ms)
	p.meters[generator].book(gen, ms)
	p.meters[solar].book(sun, ms)
	p.meters[export].book(out, ms)
	p.meters[chillers].book(chillMJ, ms)
	p.meters[dryCoolers].book(dryMJ, ms)
	p.meters[pumps].book(pumpMJ, ms)
	p.meters[distribution].book(upsLoss+transformer, ms)
	p.meters[lighting].book(lightMJ, ms)

	b.parts.add(e)
	b.node, b.switches, b.pdu, b.floor = b.node+node, b.switches+switches, b.pdu+pdu, b.floor+floor
	b.upsOutput, b.upsLoss, b.transformer = b.upsOutput+upsOutput, b.upsLoss+upsLoss, b.transformer+transformer
	b.chillers, b.dryCoolers, b.pumps, b.lighting = b.chillers+chillMJ, b.dryCoolers+dryMJ, b.pumps+pumpMJ, b.lighting+lightMJ
	b.grid, b.generator, b.solar, b.export = b.grid+grid, b.generator+gen, b.solar+sun, b.export+out
	kwh := float64(grid) / 3.6e9
	b.carbonLifecycle += kwh * s.lifecycle
	b.carbonDirect += kwh * s.direct
	p.reuse(w, ms)
	p.drinkAndSpray(w, ms)
}

// cool is the power of chillers, dry coolers and pumps for a heat load in W.
// A third of the heat leaves the boards in warm water, which needs no chiller.
func (p *plant) cool(s *sky, dt, heat float64) (chill, dry, pump float64) {
	p.warmth += (heat - p.warmth) * toward(dt, 150)
	cold := 0.65 * (1 - s.freeCooling()) * p.warmth
	chill = cold / s.cop()
	hot := min(1, max(0, (s.outside+5)/35))
	dry = 0.016 * p.warmth * (0.35 + hot)
	load := p.warmth / p.rating
	pump = p.rating * (0.016 + 0.022*load*load)
	p.air += (23.5 + max(0, 0.25*(s.outside-24)) - p.air) * toward(dt, 300)
	p.supply += (p.air - 5 - p.supply) * toward(dt, 120)
	p.back += (p.supply + 4 + 8*load - p.back) * toward(dt, 180)
	return chill, dry, pump
}

// Water of the heat customer's loop: 15 K between supply and return.
const (
	heatSupply = 47.0         // °C
	heatReturn = 32.0         // °C
	heatPerM3  = 4.131e6 * 15 // J/m³ at 40 °C
)

// reuse hands heat to the customer, more of it when it is cold.
func (p *plant) reuse(w *World, ms int64) {
	share := min(0.3, max(0.03, (17-w.sky.outside)/60))
	given := int64(share * p.warmth * float64(ms))
	p.heat.book(given, ms)
	p.heatFlow = float64(p.heat.watts) / heatPerM3
	w.books.heat += given
}

// drinkAndSpray draws water: a little for people, much for the dry coolers'
// spray when it is warm, of which two fifths come from the mains.
func (p *plant) drinkAndSpray(w *World, ms int64) {
	dt := float64(ms) / 1000
	people := (3 + 1.5e-5*p.rating) * (0.5 + hump(w.sky.hour, 12.5, 7)) // mL/s
	wet := min(1, max(0, (w.sky.outside-19)/12))
	spray := wet * p.warmth / 1000 / 3600 * 900 // 0.9 L to the kWh of heat, in mL/s
	p.waterFlow, p.drinkFlow = (people+spray)/1e6, (people+0.4*spray)/1e6
	p.waterDue += (people + spray) * dt
	p.drinkDue += (people + 0.4*spray) * dt
	water, drink := math.Floor(p.waterDue), math.Floor(p.drinkDue)
	p.waterDue -= water
	p.drinkDue -= drink
	p.total.add(int64(water))
	p.drink.add(int64(drink))
	w.books.water += int64(water)
	w.books.potable += int64(drink)
}

// trial reports whether the generator has its monthly trial: on the first, from
// 10:00 to 10:30 UTC.
func trial(ms int64) bool {
	const day, open = 86_400_000, 10 * 3_600_000
	in := ms % day
	return in >= open && in < open+1_800_000 && time.UnixMilli(ms).UTC().Day() == 1
}
