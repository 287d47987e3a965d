package report

import (
	"fmt"
)

// issues are the rules that are broken, what must be mended first.
func (p *folio) issues(r *Record) {
	mend, comment := r.toDo()
	says := "Every rule is kept: nothing is to be done."
	switch n := len(r.Issues); {
	case n > 0 && mend+comment == 0:
		says = "Nothing is to be done: the operator commented on each of " + plural(n, "warning", "warnings") + "."
	case n > 0:
		says = fmt.Sprintf("%d to mend, %d to comment on before the record can be locked; %d commented on by the operator.", mend, comment, n-mend-comment)
	}
	p.chapter("Open issues, and what to do", says)
	for _, x := range []struct {
		title  string
		c      ink
		wanted func(*Issue) bool
	}{
		{"To mend", red, func(x *Issue) bool { return x.Severity == Error }},
		{"To comment on", amber, func(x *Issue) bool { return x.Severity != Error && x.Open() }},
		{"Commented on", grey, func(x *Issue) bool { return !x.Open() }},
	} {
		first := true
		for i := range r.Issues {
			if !x.wanted(&r.Issues[i]) {
				continue
			}
			if first {
				p.section(x.title, 20)
				first = false
			}
			p.issue(&r.Issues[i], x.c)
		}
	}
}

func (p *folio) issue(x *Issue, c ink) {
	const in = 4.0
	code := x.Code
	if x.Field != "" {
		code += "  " + x.Field
	}
	w := wide - in
	h := p.tall(w, bold, 8.5, code) + p.tall(w, plain, 8.5, x.Text)
	var below []string
	if x.Fix != "" && x.Open() {
		fix := x.Fix
		if x.Severity != Error {
			fix += "; or write report.comment_" + x.Code + " in the site file"
		}
		below = append(below, "What to do: "+fix+".")
	}
	if x.Comment != "" {
		below = append(below, "The operator: "+x.Comment)
	}
	for _, s := range below {
		h += p.tall(w, plain, 8.5, s)
	}
	if h < bottom-top {
		p.need(h)
	}
	from, page := p.y, p.f.PageNo()
	p.para(left+in, w, bold, 8.5, c, code)
	p.para(left+in, w, plain, 8.5, black, x.Text)
	for _, s := range below {
		p.para(left+in, w, plain, 8.5, grey, s)
	}
	if p.f.PageNo() != page {
		from = top
	}
	p.box(left, from, 1.2, p.y-from, c)
	p.y += 3
}

// verify is how a reader holds the document against the books.
func (p *folio) verify(r *Record, s standing) {
	p.chapter("How to verify", "Every figure rests on hours that were sealed one after another: each is a leaf of a Merkle tree, and the hash of its root stands below. "+
		"Whoever changes a byte of an hour, a record or a step of its way is found by these commands. DIR is the folder of the aggregator, FILE the site file.")
	t := p.table(8.5, lane{"What", 48, 0}, lane{"It is", 132, 0})
	for _, x := range [][2]string{
		{"State", s.words()},
		{"Record, sha256", s.hash},
		{"Log of the ledger, root", r.root()},
		{"Its tree, leaves", r.leaves()},
		{"Sealed hours that were read", grouped(fmt.Sprint(r.Ledger.Files)) + " files, each held against the log"},
		{"Hours not sealed yet", grouped(fmt.Sprint(r.Ledger.Unsealed))},
		{"Statements of the operator", "version " + r.Ledger.Terms},
		{"Rules, sha256 of their text", r.RuleSet.ID + ", " + r.RuleSet.SHA256},
		{"Made by", "Gigawatch " + r.Program},
	} {
		f := plain
		if len(x[1]) == 64 {
			f = mono
		}
		t.row(white, cell{text: x[0], ink: grey}, cell{text: x[1], face: f})
	}
	p.y += 4
	place := fmt.Sprintf("-data DIR -site-file FILE -site %s -year %d", r.Site, r.Period.Year)
	hour := fmt.Sprintf("%d-07-15T12Z", r.Period.Year)
	if r.Period.Partial && len(r.Period.To) == len("2006-01-02") {
		hour = r.Period.To + "T12Z"
	}
	steps := [][2]string{
		{"The books are whole: every hour is as it was sealed.", "aggregator verify -data DIR"},
		{"An hour of this report stands in the log: its proof leads to the root above.", "aggregator report " + place + " -do prove -hour " + hour},
		{"Who did what, and when.", "aggregator report " + place + " -do history"},
	}
	if s.fixed() {
		steps = append([][2]string{
			{"The record is the one that was locked: its hash is the one above.", fmt.Sprintf("sha256sum DIR/report/%s/%d/v%d.json", r.Site, r.Period.Year, s.version)},
			{"The record, the log it rests on and the hours are as they were when it was locked.", "aggregator report " + place + " -do check"},
		}, steps...)
	} else {
		steps[1][0] = "Once the record is locked: an hour of it stands in the log."
		steps = append([][2]string{{"A draft is not kept. Of a year that is over, the same books and statements give the same record, with the hash above.", "aggregator report " + place + " | sha256sum"}}, steps...)
	}
	p.section("Commands", 40)
	for i, x := range steps {
		p.set(mono, 8, black)
		lines := p.lines(x[1], wide-8)
		h := float64(len(lines))*lineOf(8) + 3
		p.need(h + lineOf(9) + 3)
		p.para(left, wide, plain, 9, black, fmt.Sprintf("%d. %s", i+1, x[0]))
		p.y += 0.8
		p.box(left, p.y, wide, h, paper)
		p.set(mono, 8, black)
		for k, l := range lines {
			p.write(left+3, p.y+1.5+float64(k)*lineOf(8), wide, 0, l)
		}
		p.y += h + 3.5
	}
	p.section("Words", 30)
	for _, x := range [][2]string{
		{"measured", "from registers of meters, read at both ends of each quarter of an hour; a small part may be estimated, and is told apart"},
		{"estimated", "a meter was silent for more than a day, or more than a twentieth is estimated"},
		{"calculated", "from other figures, or from what is stated"},
		{"entered", "stated by the operator, with evidence"},
		{"known", "the part of the period that readings cover"},
		{"not known", "there is no figure, for the reason that stands beside; it is never taken for zero"},
	} {
		p.need(lineOf(8.5))
		p.set(bold, 8.5, black)
		p.write(left, p.y, 28, 0, x[0])
		p.para(left+28, wide-28, plain, 8.5, grey, x[1])
		p.y += 0.6
	}
}
