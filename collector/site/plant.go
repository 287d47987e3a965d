package site

import "github.com/gigawatch/gigawatch/collector/metric"

// A Generator makes electricity of a fuel.
type Generator struct {
	ID        string
	Fuel      string // diesel, hvo, gas, biogas, hydrogen, other
	Rating    Power
	Factor    Factor // of the electricity that it gives
	HasFactor bool
	Meters    []string
	Evidence  string

	mark *mark
}

// A Battery stores electricity, in a UPS or beside it.
type Battery struct {
	ID       string
	Capacity Energy
	Power    Power
	Offered  Power    // to the grid, on average, under a contract
	Meters   []string // through which it is charged and discharged

	mark *mark
}

// A SetPoint is the temperature that intake air is controlled to.
type SetPoint struct {
	Halls  []string // none: all
	Intake Temperature
	Span
}

var fuels = []string{"diesel", "hvo", "gas", "biogas", "hydrogen", "other"}

func (s *Site) readGenerators(r *reader, v value) {
	seen := map[string]place{}
	for _, item := range v.items() {
		k := item.section()
		ids := k.ids("generators", "write id: genset-1, or a pattern", "the generator")
		g := Generator{Fuel: k.get("fuel").choice(fuels...), Evidence: k.get("evidence").text(), Meters: k.get("meter").patternAll()}
		rating, _ := powers.take(k.get("rating"))
		factor, has := factors.take(k.get("factor"))
		g.Rating, g.Factor, g.HasFactor = Power(rating), Factor(factor), has
		k.end()
		g.mark = k.mark()
		for _, id := range r.once(seen, g.mark.at("id"), ids) {
			g.ID = id
			s.Generators = append(s.Generators, g)
		}
	}
}

func (s *Site) readBatteries(r *reader, v value) {
	seen := map[string]place{}
	for _, item := range v.items() {
		k := item.section()
		ids := k.ids("batteries", "write id: bess, or a pattern", "the battery")
		capacity, _ := energies.take(k.get("capacity"))
		power, _ := powers.take(k.get("power"))
		offered, _ := powers.take(k.get("offered_to_grid"))
		b := Battery{Capacity: Energy(capacity), Power: Power(power), Offered: Power(offered), Meters: k.get("meter").patternAll()}
		k.end()
		b.mark = k.mark()
		for _, id := range r.once(seen, b.mark.at("id"), ids) {
			b.ID = id
			s.Batteries = append(s.Batteries, b)
		}
	}
}

func (s *Site) readSetPoints(r *reader, v value) {
	for _, item := range v.items() {
		k := item.section()
		p := SetPoint{Halls: k.get("hall").patternAll(), Span: k.span()}
		for _, h := range p.Halls {
			if _, ok := s.hall[h]; !ok {
				r.wrong(k.at("hall"), r.nearestOf(h, s.hallNames), "there is no hall %q under halls", short(h))
				break
			}
		}
		t, ok := temperatures.take(k.get("intake_air"))
		p.Intake = Temperature(t)
		switch at := k.at("intake_air"); {
		case !ok && !k.has("intake_air"):
			r.wrong(at, "write intake_air: 24 °C, as it is set in the building's controls", "missing: the temperature that is set")
		case ok && (t < 10_000 || t > 45_000):
			r.wrong(at, "write what is set for the air that servers take in", "%s is no set-point of intake air", p.Intake)
		case ok && (t < 18_000 || t > 32_000):
			r.warn(at, "check it", "%s is outside of 18 °C to 32 °C, as equipment is built for", p.Intake)
		}
		k.end()
		s.SetPoints = append(s.SetPoints, p)
	}
}

// judgePlant holds generators, batteries and the connection against the meters.
func (s *Site) judgePlant(r *reader) {
	var told *mark
	for i := range s.Generators {
		g := &s.Generators[i]
		if told == g.mark {
			continue
		}
		told = g.mark
		s.judgeMeters(r, g.mark, g.Meters)
		if len(s.MetersOf(metric.RoleGeneratorOutput)) == 0 {
			r.warn(g.mark.at("id"), "write a meter of role generator_output", "no meter counts what %s gives: on days when it runs the PUE is too low, and the share of back-up generators is not known", g.ID)
		}
		if !g.HasFactor {
			r.warn(g.mark.at("id"), "write factor:, such as 700 g/kWh, with evidence", "the fuel of %s has no factor: scope 1 carbon is not known", g.ID)
		}
	}
	for i := range s.Batteries {
		b := &s.Batteries[i]
		if told == b.mark {
			continue
		}
		told = b.mark
		s.judgeMeters(r, b.mark, b.Meters)
		if b.Power > 0 && b.Offered > b.Power {
			r.wrong(b.mark.at("offered_to_grid"), "check both", "%s offers the grid %s, and gives %s", b.ID, b.Offered, b.Power)
		}
	}
	var inputs Power
	for _, m := range s.MetersOf(metric.RoleGridInput) {
		if m.Rating == 0 {
			return
		}
		inputs += m.Rating
	}
	if s.Grid.Connection > 0 && inputs > 0 && inputs < s.Grid.Connection {
		r.warn(s.marks["grid"].at("connection"), "check the ratings: what a meter shows beyond its rating is not believed", "the connection lets %s flow, and the meters of role grid_input are rated %s together", s.Grid.Connection, inputs)
	}
	if s.Grid.Connection > 0 && inputs > 20*s.Grid.Connection {
		r.warn(s.marks["grid"].at("connection"), "check the unit of the connection and of the ratings: what a meter shows is believed up to its rating", "the connection lets %s flow, and the meters of role grid_input are rated %s together", s.Grid.Connection, inputs)
	}
	if len(s.MetersOf(metric.RoleWaterPotable)) > 0 && len(s.MetersOf(metric.RoleWaterTotal)) == 0 {
		r.warn(s.MetersOf(metric.RoleWaterPotable)[0].mark.at("role"), "write a meter of role water_total; it may be that of another point, where all water comes in", "potable water is metered, and water in all is not")
	}
}

// judgeMeters complains of meters that are named and not there.
func (s *Site) judgeMeters(r *reader, at *mark, ids []string) {
	for _, id := range ids {
		if s.Meter(id) == nil {
			r.wrong(at.at("meter"), s.meantMeter(r, id), "there is no meter %q", short(id))
			return
		}
	}
}
