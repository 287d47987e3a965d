package report

// A cell is one of a table.
type cell struct {
	text string
	sub  string // below it, small
	face typeface
	ink  ink
	span int // columns it takes; 0 is one
}

// A lane is a column of a table.
type lane struct {
	head string
	wide float64 // mm
	at   float64 // of its width: 0 is left, 1 right
}

// A table is one in the making: its heading is repeated on every page.
type table struct {
	*folio
	lanes []lane
	size  float64
}

const (
	padX, padY = 1.4, 1.1
	subSize    = 6.5
	mostCell   = 24 // lines
)

func (p *folio) table(size float64, lanes ...lane) *table {
	t := &table{folio: p, lanes: lanes, size: size}
	t.header()
	return t
}

func (t *table) header() {
	high := 0.0
	t.set(bold, t.size, white)
	for _, l := range t.lanes {
		high = max(high, float64(len(t.lines(l.head, l.wide-2*padX)))*lineOf(t.size))
	}
	x := left
	whole := 0.0
	for _, l := range t.lanes {
		whole += l.wide
	}
	t.box(left, t.y, whole, high+2*padY, navy)
	t.set(bold, t.size, white)
	for _, l := range t.lanes {
		for i, s := range t.lines(l.head, l.wide-2*padX) {
			t.write(x+padX, t.y+padY+float64(i)*lineOf(t.size), l.wide-2*padX, l.at, s)
		}
		x += l.wide
	}
	t.y += high + 2*padY
}

// cut are the lines of a cell, bounded.
func (t *table) cut(s string, f typeface, size, w float64) []string {
	if s == "" {
		return nil
	}
	t.set(f, size, black)
	l := t.lines(s, w-2*padX)
	if len(l) > mostCell {
		l = append(l[:mostCell-1], "… the record has all of it")
	}
	return l
}

// row writes one, on the next page if it does not fit here.
func (t *table) row(back ink, cells ...cell) {
	high, i := 0.0, 0
	width := func(c cell, at int) (w float64) {
		for k := at; k < min(at+max(1, c.span), len(t.lanes)); k++ {
			w += t.lanes[k].wide
		}
		return w
	}
	for _, c := range cells {
		w := width(c, i)
		h := float64(len(t.cut(c.text, c.face, t.size, w)))*lineOf(t.size) + float64(len(t.cut(c.sub, plain, subSize, w)))*lineOf(subSize)
		high, i = max(high, h), i+max(1, c.span)
	}
	high += 2 * padY
	if t.y+high > bottom {
		t.page()
		t.header()
	}
	whole := 0.0
	for _, l := range t.lanes {
		whole += l.wide
	}
	if back != white {
		t.box(left, t.y, whole, high, back)
	}
	t.line(left, t.y+high, left+whole, t.y+high, 0.15, pale)
	t.fillWith(white)
	x := left
	i = 0
	for _, c := range cells {
		if i >= len(t.lanes) {
			break
		}
		w, at, y := width(c, i), t.lanes[i].at, t.y+padY
		if c.span > 1 {
			at = 0
		}
		text := t.cut(c.text, c.face, t.size, w)
		colour := c.ink
		if colour == 0 {
			colour = black
		}
		t.set(c.face, t.size, colour)
		for _, s := range text {
			t.write(x+padX, y, w-2*padX, at, s)
			y += lineOf(t.size)
		}
		sub := t.cut(c.sub, plain, subSize, w)
		t.set(plain, subSize, grey)
		for _, s := range sub {
			t.write(x+padX, y, w-2*padX, at, s)
			y += lineOf(subSize)
		}
		x, i = x+w, i+max(1, c.span)
	}
	t.y += high
}
