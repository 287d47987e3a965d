package site

// A Part of a site has meters of its own, by which it has a partial PUE.
type Part struct {
	Name       string
	Supply, IT []string // meters

	mark *mark
}

// An OtherEnergy is energy, or an emission, that no meter counts: fuel for heating,
// cold from outside, by invoice. It is spread evenly over its days.
type OtherEnergy struct {
	Name     string
	Energy   Energy
	Counts   Share // by which it counts as energy of the site; 100 % unless the report's rules say else
	Emitted  Mass  // on the site
	Evidence string
	Span

	mark *mark
}

// Boundary is what figures need to know besides meters.
type Boundary struct {
	WaterCategory int   // of WUE, 1 to 3 of ISO/IEC 30134-9; 0: not said
	OwnCooling    Share // of the heat handed over that cools the site itself, where no meter tells
	Parts         []Part
	Other         []OtherEnergy
}

// Limits of a boundary's lists.
const (
	mostParts = 200
	mostOther = 2000
)

func (s *Site) readBoundary(r *reader, v value) {
	top := v.section()
	b := &s.Boundary
	b.WaterCategory = top.get("wue_category").whole(1, 3, 0)
	b.OwnCooling = top.get("heat_for_own_cooling").share(0)
	for i, item := range top.get("parts").items() {
		if i == mostParts {
			item.wrong("", "more than %d parts", mostParts)
			break
		}
		k := item.section()
		p := Part{Name: k.named("boundary.parts"), Supply: k.get("supply").patternAll(), IT: k.get("it").patternAll()}
		k.end()
		p.mark = k.mark()
		if len(p.Supply) == 0 || len(p.IT) == 0 {
			r.wrong(k.place, "write supply: and it:, each with the meters of it", "a part has meters of what is supplied to it, and of its IT")
		}
		b.Parts = append(b.Parts, p)
	}
	for i, item := range top.get("other_energy").items() {
		if i == mostOther {
			item.wrong("", "more than %d entries", mostOther)
			break
		}
		b.Other = append(b.Other, item.other())
	}
	top.end()
}

// other is one entry of energy that no meter counts.
func (v value) other() OtherEnergy {
	k := v.section()
	o := OtherEnergy{Name: k.named("boundary.other_energy"), Counts: k.get("counts_as").share(1e6), Evidence: k.get("evidence").text(), Span: k.span()}
	energy, hasEnergy := energies.take(k.get("energy"))
	emitted, hasMass := masses.take(k.get("emitted"))
	o.Energy, o.Emitted = Energy(energy), Mass(emitted)
	k.end()
	o.mark = k.mark()
	if o.First == (Date{}) || o.Last == (Date{}) {
		k.r.wrong(k.place, "write first_day: and last_day:, of the invoice", "missing: of which time it is")
	}
	if !hasEnergy && !hasMass && !k.has("energy") && !k.has("emitted") {
		k.r.wrong(k.place, "write energy: 120 MWh, or emitted: 3 t", "missing: how much it is")
	}
	k.evidence(true, o.Evidence, "energy that no meter counts")
	return o
}

// judgeBoundary looks for meters that are named and not there.
func (s *Site) judgeBoundary(r *reader) {
	for i := range s.Boundary.Parts {
		p := &s.Boundary.Parts[i]
		for _, list := range []struct {
			key string
			ids []string
		}{{"supply", p.Supply}, {"it", p.IT}} {
			for _, id := range list.ids {
				if s.Meter(id) == nil {
					r.wrong(p.mark.at(list.key), s.meantMeter(r, id), "there is no meter %q", short(id))
					break
				}
			}
		}
	}
}
