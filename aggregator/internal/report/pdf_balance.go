package report

// A stream is one band of the diagram of energy.
type stream struct {
	name  string
	key   string
	ink   ink
	f     *Figure
	value float64 // kWh, drawn; 0: not
}

// streams are those of which the record knows, and why it does not know others.
func (r *Record) streams(list ...stream) (drawn []stream, sum float64, without []stream) {
	for _, s := range list {
		s.f = r.Figure(s.key)
		if !s.f.known() || s.f.Value.Sign() <= 0 {
			without = append(without, s)
			continue
		}
		s.value = s.f.Value.Float()
		sum += s.value
		drawn = append(drawn, s)
	}
	return drawn, sum, without
}

// balance is where energy comes from and where it goes.
func (p *folio) balance(r *Record) {
	p.chapter("Energy balance", "From the sources through the data centre to its uses, each as wide as its energy of the period. Bands are drawn from the figures of the record as they are: "+
		"a part of the bar in the middle that no band meets is energy of which no meter tells.")
	from, in, noFrom := r.streams(stream{name: "Grid", key: "e_grid_kwh", ink: stone}, stream{name: "Generated on site", key: "e_onsite_kwh", ink: leaf},
		stream{name: "Back-up generators", key: "e_dc_bg_kwh", ink: rust})
	out, gone, noOut := r.streams(stream{name: "Exported", key: "e_export_kwh", ink: stone}, stream{name: "Used outside", key: "e_outside_kwh", ink: stone})
	uses, used, noUse := r.streams(stream{name: "IT", key: "e_it_kwh", ink: blue}, stream{name: "Cooling", key: "e_cooling_kwh", ink: sky},
		stream{name: "Distribution, losses", key: "e_losses_kwh", ink: orange}, stream{name: "Lighting", key: "e_lighting_kwh", ink: violet},
		stream{name: "Not told by meters", key: "e_rest_kwh", ink: pale})
	all := r.Figure("e_dc_kwh")
	if !all.known() || all.Value.Sign() <= 0 {
		p.nothingOf("The balance cannot be drawn: total energy", all)
	} else {
		p.sankey(all.Value.Float(), from, in, append(out, uses...), gone+used, gone, r.Figure("e_reuse_kwh"))
	}
	for _, s := range append(append(noFrom, noOut...), noUse...) {
		switch {
		case s.f == nil:
		case !s.f.known():
			p.para(left, wide, plain, 8.5, grey, s.name+": not known, "+s.f.Missing+".")
		case s.f.Value.Sign() < 0:
			p.para(left, wide, plain, 8.5, grey, s.name+": "+grouped(s.f.Value.String())+" kWh. The parts below the facility's meters add to more than it by so much; it cannot be drawn.")
		default:
			p.para(left, wide, plain, 8.5, grey, s.name+": 0 kWh.")
		}
	}
	p.y += 2
	p.section("The same in numbers, with load and carbon", 40)
	p.para(left, wide, plain, 8.5, grey, "These figures are not asked for by the rules; those that are asked for are held against them.")
	p.y += 1
	var list []Figure
	for _, key := range []string{"e_dc_kwh", "e_it_kwh", "e_dc_bg_kwh", "e_reuse_kwh"} {
		if f := r.Figure(key); f != nil {
			list = append(list, Figure{Key: f.Key, Point: f.Point, Symbol: f.Symbol, Title: f.Title, Unit: f.Unit, Value: f.Value, Missing: f.Missing, Quality: f.Quality, Coverage: f.Coverage})
		}
	}
	p.figureTable(append(list, r.Inside...), false)
}

// nothingOf says that something is not known, and why.
func (p *folio) nothingOf(what string, f *Figure) {
	t := what + " is not known."
	if f != nil && f.Missing != "" {
		t = what + " is not known: " + f.Missing + "."
	}
	p.para(left, wide, bold, 9, red, t)
	p.y += 2
}

// sankey draws streams from the left into a bar, and from it to the right.
func (p *folio) sankey(all float64, from []stream, in float64, to []stream, out, gone float64, heat *Figure) {
	const high, bar, between, tagHigh = 92.0, 5.0, 4.0, 8.0
	room := high - between*float64(max(len(from), len(to), 1)-1)
	most := max(all+gone, in, out)
	sc, mm := scaleOf(most, "kWh"), room/most
	const xFrom, xMid, xTo, xHeat = left + 36.0, left + 78.0, left + 120.0, left + 168.0
	y0 := p.y + 4
	for _, h := range []struct {
		x, at float64
		text  string
	}{{xFrom - 36, 0, "Sources"}, {xMid - 20 + bar/2, 0.5, "Data centre"}, {xTo, 0, "Uses"}, {right - 40, 1, "Heat handed over"}} {
		p.set(bold, 8.5, grey)
		p.write(h.x, p.y-1, 40, h.at, h.text)
	}
	y0 += 2
	// The bar in the middle is what was drawn, and above it what passes through.
	mid := y0 + (high-(all+gone)*mm)/2
	y, at := y0+(high-in*mm-between*float64(max(0, len(from)-1)))/2, mid
	low := y0 - 20 // where the last tag ended
	for _, s := range from {
		h := s.value * mm
		p.band(xFrom+bar, y, xMid, at, h, s.ink)
		p.box(xFrom, y, bar, max(h, 0.3), s.ink)
		low = max(y+h/2, low+tagHigh)
		p.tag(xFrom-36, low, 34.5, 1, s.name, sc.short(s.value)+" "+sc.unit)
		y, at = y+h+between, at+h
	}
	y, at = y0+(high-out*mm-between*float64(max(0, len(to)-1)))/2, mid
	ended := low
	low = y0 - 20
	for _, s := range to {
		h := s.value * mm
		p.band(xMid+bar, at, xTo, y, h, s.ink)
		p.box(xTo, y, bar, max(h, 0.3), s.ink)
		low = max(y+h/2, low+tagHigh)
		p.tag(xTo+bar+1.5, low, 42, 0, s.name, sc.short(s.value)+" "+sc.unit)
		y, at = y+h+between, at+h
	}
	if gone > 0 {
		p.box(xMid, mid, bar, gone*mm, stone)
	}
	p.box(xMid, mid+gone*mm, bar, all*mm, navy)
	p.set(bold, 8.5, navy)
	p.write(xMid-15, mid+(all+gone)*mm+1.5, 30+bar, 0.5, sc.short(all)+" "+sc.unit)
	switch {
	case heat.known() && heat.Value.Sign() > 0:
		v := heat.Value.Float()
		h := min(v*mm, high)
		p.box(xHeat, y0+(high-h)/2, bar, max(h, 0.3), rust)
		p.tag(xHeat-8, y0+(high+h)/2+5, 21, 0.5, "", sc.short(v)+" "+sc.unit)
	case heat.known():
		p.tag(xHeat-8, y0+high/2, 21, 0.5, "none", "0 kWh")
	default:
		p.tag(xHeat-8, y0+high/2, 21, 0.5, "", "not known")
	}
	p.y = max(y0+high, low, ended) + 6
	p.para(left, wide, plain, 8, grey, "Heat handed over leaves the data centre after its use and is drawn at the same scale; it is no part of the sums.")
	p.y += 2
}

// band is a stream between two edges.
func (p *folio) band(x0, y0, x1, y1, h float64, c ink) {
	p.fillWith(c)
	p.f.SetAlpha(0.45, "Normal")
	m := (x0 + x1) / 2
	p.f.MoveTo(x0, y0)
	p.f.CurveBezierCubicTo(m, y0, m, y1, x1, y1)
	p.f.LineTo(x1, y1+h)
	p.f.CurveBezierCubicTo(m, y1+h, m, y0+h, x0, y0+h)
	p.f.ClosePath()
	p.f.DrawPath("F")
	p.f.SetAlpha(1, "Normal")
}

// tag is a name over a value, about the height y.
func (p *folio) tag(x, y, w, at float64, name, value string) {
	p.fillWith(white)
	p.set(plain, 8, grey)
	p.write(x, y-4, w, at, p.one(name, w))
	p.set(bold, 8, black)
	p.write(x, y-0.3, w, at, p.one(value, w))
}
