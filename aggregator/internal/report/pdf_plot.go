package report

import (
	"math"
	"strconv"
	"time"
)

// A plot is a field with an axis of values on its left and one of months below.
type plot struct {
	*folio
	x, y, w, h float64 // of the field
	low, high  float64 // at its lower and upper edge
	months     []string
}

// A scale turns values into those of an axis: MWh instead of kWh.
type scale struct {
	by   float64
	unit string
}

// scaleOf is that by which values of so much are read best.
func scaleOf(most float64, unit string) scale {
	prefix := map[string][]string{"kWh": {"kWh", "MWh", "GWh", "TWh"}, "kW": {"kW", "MW", "GW"}}[unit]
	s := scale{1, unit}
	for i, u := range prefix {
		if i > 0 && most < 1000*s.by {
			break
		}
		if s.unit = u; i > 0 {
			s.by *= 1000
		}
	}
	return s
}

// short is a value as a diagram says it: three digits that count.
func (s scale) short(v float64) string {
	v /= s.by
	if a := math.Abs(v); a >= 1000 {
		return grouped(strconv.FormatFloat(v, 'f', 0, 64))
	} else if a > 0 && a < 0.001 {
		return strconv.FormatFloat(v, 'g', 2, 64)
	}
	digits := 3
	for a := math.Abs(v); a >= 1 && digits > 0; a /= 10 {
		digits--
	}
	return grouped(strconv.FormatFloat(v, 'f', digits, 64))
}

// stepOf is a round number of which about n make up span.
func stepOf(span float64, n int) float64 {
	raw := span / float64(n)
	if raw <= 0 || math.IsInf(raw, 0) || math.IsNaN(raw) {
		return 1
	}
	base := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, k := range []float64{1, 2, 2.5, 5} {
		if k*base >= raw*0.999 {
			return k * base
		}
	}
	return 10 * base
}

// plot draws the axes of values from low to at least high; label names them.
func (p *folio) plot(h, low, high float64, label string, months []string) *plot {
	const axis = 16.0
	p.need(h + 16)
	step := stepOf(high-low, 5)
	low = math.Floor(low/step+1e-9) * step
	high = low + max(1, math.Ceil((high-low)/step-1e-9))*step
	g := &plot{folio: p, x: left + axis, y: p.y + 6, w: wide - axis, h: h, low: low, high: high, months: months}
	p.set(plain, 7.5, grey)
	p.write(left, p.y, wide, 0, label)
	places := max(0, -int(math.Floor(math.Log10(step)+1e-9)))
	if step*math.Pow(10, float64(places)) != math.Trunc(step*math.Pow(10, float64(places))) {
		places++
	}
	for k := range int(math.Round((high-low)/step)) + 1 {
		v := low + float64(k)*step
		y := g.at(v)
		p.line(g.x, y, g.x+g.w, y, 0.15, pale)
		p.set(plain, 7.5, grey)
		p.write(left, y-1.6, axis-2, 1, grouped(strconv.FormatFloat(v, 'f', places, 64)))
	}
	p.line(g.x, g.at(low), g.x+g.w, g.at(low), 0.3, grey)
	p.set(plain, 7.5, grey)
	for i, m := range months {
		name := m
		if t, err := time.Parse("2006-01", m); err == nil {
			if name = t.Format("Jan"); len(months) <= 6 || i == 0 {
				name = t.Format("Jan 06")
			}
		}
		p.write(g.x+float64(i)*g.slot(), g.y+h+1, g.slot(), 0.5, name)
	}
	p.y = g.y + h + 7
	return g
}

// slot is how wide a month is.
func (g *plot) slot() float64 { return g.w / float64(max(1, len(g.months))) }

// at is the height at which a value stands.
func (g *plot) at(v float64) float64 {
	v = min(max(v, g.low), g.high)
	return g.y + g.h*(1-(v-g.low)/(g.high-g.low))
}

// bar draws one in the n-th of the slots of month i.
func (g *plot) bar(i, n, of int, v float64, c ink) {
	w := min(g.slot()*0.7, 26) / float64(of)
	x := g.x + (float64(i)+0.5)*g.slot() + (float64(n)-float64(of)/2)*w
	from, to := g.at(max(0, g.low)), g.at(v)
	g.box(x, min(from, to), w*0.94, math.Abs(from-to), c)
}

// label writes above the value of month i.
func (g *plot) label(i int, v float64, s string) {
	g.set(plain, 7, black)
	g.write(g.x+float64(i)*g.slot(), g.at(v)-4, g.slot(), 0.5, s)
}

// unknown says so in the slot of month i.
func (g *plot) unknown(i int) {
	x := g.x + (float64(i)+0.5)*g.slot()
	g.fillWith(white)
	g.set(plain, 7, red)
	g.f.TransformBegin()
	g.f.TransformRotate(90, x+1, g.y+g.h-2)
	g.f.Text(x+1, g.y+g.h-2, "not known")
	g.f.TransformEnd()
}

// curve joins the values of months; nil is a break.
func (g *plot) curve(values []*Decimal, c ink) {
	dot := func(i int) (x, y float64) { return g.x + (float64(i)+0.5)*g.slot(), g.at(values[i].Float()) }
	for i := range values {
		if values[i] == nil {
			continue
		}
		x, y := dot(i)
		if i > 0 && values[i-1] != nil {
			px, py := dot(i - 1)
			g.line(px, py, x, y, 0.6, c)
		}
	}
	for i := range values {
		if values[i] != nil {
			x, y := dot(i)
			g.fillWith(c)
			g.f.Circle(x, y, 1, "F")
		}
	}
}

// A mark is an entry of a legend.
type mark struct {
	ink  ink
	text string
}

// legend explains colours at p.y.
func (p *folio) legend(marks ...mark) {
	x := left
	for _, m := range marks {
		p.set(plain, 8, grey)
		w := p.f.GetStringWidth(m.text) + 9
		if x > left && x+w > right {
			x, p.y = left, p.y+5
		}
		p.box(x, p.y+0.5, 3, 3, m.ink)
		p.set(plain, 8, grey)
		p.write(x+4.2, p.y+0.3, w, 0, m.text)
		x += w
	}
	p.y += 6
}
