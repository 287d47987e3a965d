package report

import (
	"fmt"
	"strings"
)

// cover is the first page.
func (p *folio) cover(r *Record, s standing) {
	p.page()
	p.box(0, 0, pageWide, 78, navy)
	p.set(plain, 11, sky)
	p.write(left, 16, wide, 0, "Energy performance of a data centre")
	p.y = 25
	size := 26.0
	for p.tall(wide, bold, size, r.named()) > 30 && size > 10 {
		size -= 2
	}
	p.set(bold, size, white)
	name := p.lines(r.named(), wide)
	if len(name) > 6 {
		name = append(name[:5], "…")
	}
	for _, l := range name {
		p.write(left, p.y, wide, 0, l)
		p.y += lineOf(size)
	}
	p.y = max(p.y+1, 50)
	p.set(bold, 14, white)
	p.write(left, p.y, wide, 0, r.Period.From+" to "+r.Period.To)
	p.y += 8
	p.set(plain, 9, white)
	for i, l := range p.lines(r.Period.Says, wide) {
		if i < 3 {
			p.write(left, p.y, wide, 0, l)
			p.y += lineOf(9)
		}
	}
	p.y = 84
	if r.Ledger.Simulated {
		p.banner(red, white, "SIMULATED: DO NOT REPORT", "The readings come from a model and not from meters. Nothing in this document is about a real data centre.")
	}
	p.standing(s)
	p.tiles(r)
	p.facts(r)
	p.coverEnd = p.y
	if p.f.PageNo() > 1 {
		p.coverEnd = bottom
	}
}

// banner is a loud box.
func (p *folio) banner(back, front ink, title, says string) {
	w := wide - 10
	h := p.tall(w, bold, 13, title) + p.tall(w, plain, 9, says) + 8
	p.box(left, p.y, wide, h, back)
	y := p.y
	p.y += 3.5
	p.para(left+5, w, bold, 13, front, title)
	p.y += 0.8
	p.para(left+5, w, plain, 9, front, says)
	p.y = y + h + 3
}

func (p *folio) standing(s standing) {
	says := "sha256 of the record as it is now: " + s.hash
	back, front := sand, amber
	if s.fixed() {
		back, front, says = mint, green, "sha256 of the record as it was locked: "+s.hash
		for _, e := range s.steps {
			if e.Action == ActValidate {
				continue
			}
			says += "\n" + e.At + "  " + string(after[e.Action]) + " by " + e.By
			if e.Text != "" {
				says += ": " + e.Text
			}
		}
	}
	if s.later > 0 {
		back, front = sand, amber
		says += fmt.Sprintf("\nA correction was begun since: version %d is worked on, and this one is superseded by it.", s.later)
	}
	p.banner(back, front, s.words(), says)
}

// tiles are the figures that a board asks for first.
func (p *folio) tiles(r *Record) {
	const gap, high, columns = 3.0, 25.0, 3
	w := (wide - gap*(columns-1)) / columns
	p.y += 1
	for i, x := range []struct{ key, symbol string }{{"pue", "PUE"}, {"e_dc_kwh", "Total energy"}, {"e_it_kwh", "Energy of IT"}, {"ref", "REF"}, {"erf", "ERF"}, {"wue", "WUE"}} {
		at, y := left+float64(i%columns)*(w+gap), p.y+float64(i/columns)*(high+gap)
		p.box(at, y, w, high, paper)
		f := r.Figure(x.key)
		p.set(bold, 9, grey)
		p.write(at+4, y+3, w-8, 0, x.symbol)
		switch {
		case f == nil:
			p.set(plain, 9, grey)
			p.write(at+4, y+10, w-8, 0, "not asked for by these rules")
		case f.Value == nil:
			p.set(bold, 13, red)
			p.write(at+4, y+8.5, w-8, 0, "not known")
			p.set(plain, 7, grey)
			for k, l := range p.lines(f.Missing, w-8) {
				if k == 2 {
					break
				}
				p.write(at+4, y+15.5+float64(k)*lineOf(7), w-8, 0, l)
			}
		default:
			sc := scaleOf(f.Value.Float(), f.Unit)
			p.set(bold, 18, black)
			v := sc.short(f.Value.Float())
			p.write(at+4, y+8, w-8, 0, v)
			from := at + 4 + p.f.GetStringWidth(v) + 1.5
			p.set(plain, 9, grey)
			p.write(from, y+11.2, w, 0, unitWords(sc.unit))
			says := f.Title + ", " + f.Quality
			if f.Coverage != nil {
				says += ", " + f.Coverage.String() + "\u00a0% known"
			}
			p.set(plain, 7, grey)
			for k, l := range p.lines(says, w-8) {
				if k == 2 {
					break
				}
				p.write(at+4, y+17+float64(k)*lineOf(7), w-8, 0, l)
			}
		}
	}
	p.y += 2*high + gap + 4
}

func (p *folio) facts(r *Record) {
	mend, comment := r.toDo()
	open := "none"
	if mend+comment > 0 {
		open = fmt.Sprintf("%d to mend, %d to comment on, before the record can be locked", mend, comment)
	}
	must := "It is not known whether the site must report"
	if r.Scope.Known {
		must = map[bool]string{true: "yes", false: "no"}[r.Scope.Must]
	}
	if r.Scope.Because != "" {
		must += ": " + r.Scope.Because
	}
	rows := [][2]string{
		{"Rules", r.RuleSet.ID + ", " + strings.ReplaceAll(r.RuleSet.Status, "_", " ") + "; " + strings.Join(r.RuleSet.Law, "; ")},
		{"Due", r.Due}, {"Must it report", must}, {"Size class", r.Size}, {"Number of the data centre", r.DCRef}, {"Number of the entity", r.EntityRef},
		{"Country", r.Country}, {"Open issues", open},
		{"Ledger", r.log()},
	}
	for _, x := range rows {
		if x[1] == "" {
			continue
		}
		h := p.tall(wide-48, plain, 8.5, x[1]) + 2
		if p.y+h > bottom {
			p.page()
		}
		p.line(left, p.y, right, p.y, 0.15, pale)
		p.y++
		p.set(bold, 8.5, grey)
		p.write(left, p.y, 46, 0, x[0])
		p.para(left+48, wide-48, plain, 8.5, black, x[1])
		p.y++
	}
}

// root is the hash of the log, or that it is not known.
func (r *Record) root() string {
	if r.Ledger.Root == "" {
		return "not known"
	}
	return r.Ledger.Root
}

// log is what the record says of the ledger's log.
func (r *Record) log() string {
	if r.Ledger.Root == "" {
		return "its log is not known"
	}
	return "log of " + r.leaves() + " leaves, root " + r.Ledger.Root
}

// leaves are how many the log has, or that it is not known.
func (r *Record) leaves() string {
	if r.Ledger.Root == "" {
		return "not known"
	}
	return grouped(fmt.Sprint(r.Ledger.Leaves))
}

// toDo counts what is open.
func (r *Record) toDo() (mend, comment int) {
	for i := range r.Issues {
		switch x := &r.Issues[i]; {
		case x.Severity == Error:
			mend++
		case x.Open():
			comment++
		}
	}
	return mend, comment
}
