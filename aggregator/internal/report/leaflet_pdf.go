package report

import (
	"bytes"
	"fmt"
)

// pdf is a document: a front page that says what it is of, then the tables.
func (p *leaflet) pdf() ([]byte, error) {
	f, err := openFolio(front{
		title: p.title + ", " + p.name, subject: p.period, author: p.name, program: p.program, made: p.made, simulated: p.simulated,
		head: p.name + " · " + p.period, mark: p.mark, foot: p.foot,
	})
	if err != nil {
		return nil, fmt.Errorf("write document of %s: %w", p.kind, err)
	}
	f.page()
	f.box(0, 0, pageWide, 62, navy)
	f.set(plain, 11, sky)
	f.write(left, 15, wide, 0, f.clean(p.title))
	f.y = 23
	size := 22.0
	for f.tall(wide, bold, size, p.name) > 22 && size > 9 {
		size -= 2
	}
	f.para(left, wide, bold, size, white, p.name)
	f.y = max(f.y+1, 44)
	f.para(left, wide, bold, 12, white, p.period)
	f.y = 68
	if p.simulated {
		f.banner(red, white, "SIMULATED", "The readings come from a model and not from meters. Nothing in this document is about a real data centre.")
	}
	if p.says != "" {
		f.para(left, wide, plain, 9, grey, p.says)
		f.y += 3
	}
	if len(p.facts) > 0 {
		t := f.table(8.5, lane{"Item", 45, 0}, lane{"Value", wide - 45, 0})
		for _, x := range p.facts {
			t.row(white, cell{text: x[0], face: bold}, cell{text: x[1]})
		}
	}
	for i := range p.blocks {
		b := &p.blocks[i]
		f.section(b.title, 22)
		if b.says != "" {
			f.para(left, wide, plain, 8, grey, b.says)
			f.y += 1.5
		}
		t := f.table(leafletSize, b.lanes...)
		for n, cells := range b.rows {
			row := make([]cell, len(cells))
			for k, c := range cells {
				row[k] = cell{text: t.spaced(c, b.lanes[k])}
			}
			back := white
			if n%2 == 1 {
				back = paper
			}
			t.row(back, row...)
		}
	}
	f.margins()
	var out bytes.Buffer
	if err := f.f.Output(&out); err != nil {
		return nil, fmt.Errorf("write document of %s: %w", p.kind, err)
	}
	return out.Bytes(), nil
}

// leafletSize is that of the letters in tables of a leaflet.
const leafletSize = 7.5

// spaced is a number in groups of three digits where it then fits on a line.
func (t *table) spaced(s string, l lane) string {
	if _, err := ParseDecimal(s); err != nil || l.at == 0 {
		return s
	}
	t.set(plain, t.size, black)
	if g := grouped(s); len(t.lines(g, l.wide-2*padX)) == 1 {
		return g
	}
	return s
}
