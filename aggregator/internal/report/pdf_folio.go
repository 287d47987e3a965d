package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-pdf/fpdf"
)

// Measures of a page, mm: A4 upright.
const (
	pageWide, pageHigh = 210.0, 297.0
	left, right        = 15.0, 195.0
	wide               = right - left
	top, bottom        = 24.0, 280.0
	ptToMM             = 25.4 / 72
)

// An ink is a colour: red, green and blue in a byte each.
type ink uint32

const (
	black  ink = 0x101828
	grey   ink = 0x475467
	pale   ink = 0xd0d5dd
	paper  ink = 0xf2f4f7
	white  ink = 0xffffff
	red    ink = 0xb42318
	rose   ink = 0xfee4e2
	amber  ink = 0xb54708
	sand   ink = 0xfef0c7
	green  ink = 0x05603a
	mint   ink = 0xd1fadf
	navy   ink = 0x102a54
	blue   ink = 0x0072b2
	sky    ink = 0x56b4e9
	orange ink = 0xe69f00
	leaf   ink = 0x009e73
	rust   ink = 0xd55e00
	violet ink = 0x965a96
	stone  ink = 0x98a2b3
)

func (c ink) rgb() (r, g, b int) { return int(c >> 16), int(c >> 8 & 0xff), int(c & 0xff) }

// A folio is a document in the making: pages, filled from above.
type folio struct {
	*letters
	f          *fpdf.Fpdf
	y          float64 // where the next thing goes
	head, mark string  // in the header of every page
	simulated  bool
	foot       string
	chapters   []entry
	coverEnd   float64 // how far the cover is written
}

// An entry is one of the list of contents.
type entry struct {
	title string
	page  int
}

// A front is what stands in and about all pages of a document.
type front struct {
	title, subject, author, keywords, program string
	made                                      time.Time
	head, mark, foot                          string
	simulated                                 bool
}

func newFolio(r *Record, s standing) (*folio, error) {
	x := front{
		title: fmt.Sprintf("Energy performance of %s, %s to %s", r.named(), r.Period.From, r.Period.To), subject: r.RuleSet.ID + ", " + strings.ToLower(s.words()),
		author: r.named(), keywords: "sha256 " + s.hash, program: r.Program, made: r.made(s), simulated: r.Ledger.Simulated,
		head: fmt.Sprintf("%s · %s to %s", r.named(), r.Period.From, r.Period.To), foot: "Record sha256 " + s.hash[:16] + "…",
	}
	switch {
	case !s.known:
		x.mark = "draft, unless it was locked"
	case !s.fixed():
		x.mark = "draft, not locked"
	default:
		x.mark = fmt.Sprintf("%s, version %d", s.state, s.version)
	}
	return openFolio(x)
}

func openFolio(x front) (*folio, error) {
	l, err := newLetters()
	if err != nil {
		return nil, err
	}
	f := fpdf.New("P", "mm", "A4", "")
	f.SetCatalogSort(true)
	f.SetCreationDate(x.made)
	f.SetModificationDate(x.made)
	f.SetAutoPageBreak(false, 0)
	f.SetMargins(left, top, pageWide-right)
	for _, face := range []typeface{plain, bold, mono} {
		name, style := face.family()
		f.AddUTF8FontFromBytes(name, style, face.file())
	}
	p := &folio{letters: l, f: f, simulated: x.simulated}
	f.SetTitle(p.clean(x.title), true)
	f.SetSubject(p.clean(x.subject), true)
	f.SetAuthor(p.clean(x.author), true)
	f.SetCreator(p.clean(strings.TrimSpace("Gigawatch "+x.program)), true)
	f.SetKeywords(p.clean(x.keywords), true)
	f.SetLang("en")
	p.head, p.mark, p.foot = p.clean(x.head), x.mark, p.clean(x.foot)
	return p, f.Error()
}

// named is what the site is called.
func (r *Record) named() string { return named(r.SiteName, r.Site) }

// page begins one.
func (p *folio) page() {
	p.f.AddPage()
	p.y = top
}

// need begins a page unless there is so much room left.
func (p *folio) need(h float64) {
	if p.y+h > bottom {
		p.page()
	}
}

// set chooses what texts are written in; size is in points.
func (p *folio) set(x typeface, size float64, c ink) {
	name, style := x.family()
	p.f.SetFont(name, style, size)
	p.f.SetTextColor(c.rgb())
}

// lineOf is how high a line is, mm.
func lineOf(size float64) float64 { return size * ptToMM * 1.35 }

// write writes one line whose upper edge is y, at a share of the width w: 0 is left,
// 1 right.
func (p *folio) write(x, y, w, at float64, s string) {
	size, _ := p.f.GetFontSize()
	if at > 0 {
		x += (w - p.f.GetStringWidth(s)) * at
	}
	p.f.Text(x, y+size*ptToMM*1.02, s)
}

// mostLines bounds what stands in one place: the record has all of it.
const mostLines = 60

// lines are s, cut so that each fits into w in the font that is set.
func (p *folio) lines(s string, w float64) (out []string) {
	space := p.f.GetStringWidth(" ")
	for part := range strings.SplitSeq(p.clean(s), "\n") {
		line, have := "", 0.0
		for word := range strings.SplitSeq(part, " ") {
			width := p.f.GetStringWidth(word)
			if line != "" && have+space+width > w {
				out, line, have = append(out, line), "", 0
			}
			for width > w && len(out) < mostLines { // a word that is longer than a line
				n := p.fits(word, w)
				out, word = append(out, word[:n]), word[n:]
				width = p.f.GetStringWidth(word)
			}
			if line != "" {
				line, have = line+" ", have+space
			}
			line, have = line+word, have+width
			if len(out) >= mostLines {
				out[mostLines-1] += " …"
				return out[:mostLines]
			}
		}
		out = append(out, line)
	}
	return out
}

// fits is how many bytes of a word fit into w, at least one letter of it.
func (p *folio) fits(word string, w float64) int {
	n, have := 0, 0.0
	for i, r := range word {
		have += p.f.GetStringWidth(string(r))
		if have > w && n > 0 {
			return n
		}
		n = i + len(string(r))
	}
	return n
}

// one is s cut to one line.
func (p *folio) one(s string, w float64) string {
	l := p.lines(s, w)
	if len(l) == 1 {
		return l[0]
	}
	return p.lines(s, w-p.f.GetStringWidth("…"))[0] + "…"
}

// para writes a paragraph at p.y, over pages if it must.
func (p *folio) para(x, w float64, f typeface, size float64, c ink, s string) {
	p.set(f, size, c)
	for _, line := range p.lines(s, w) {
		if p.y+lineOf(size) > bottom {
			p.page()
			p.set(f, size, c)
		}
		p.write(x, p.y, w, 0, line)
		p.y += lineOf(size)
	}
}

// tall is how high a paragraph is.
func (p *folio) tall(w float64, f typeface, size float64, s string) float64 {
	p.set(f, size, black)
	return float64(len(p.lines(s, w))) * lineOf(size)
}

// chapter begins one on a page of its own.
func (p *folio) chapter(title, says string) {
	p.page()
	p.f.Bookmark(title, 0, p.y)
	p.chapters = append(p.chapters, entry{title, p.f.PageNo()})
	p.para(left, wide, bold, 16, navy, title)
	p.y += 1
	if says != "" {
		p.para(left, wide, plain, 9, grey, says)
	}
	p.y += 3
}

// section is a heading within a chapter, with so much room below it.
func (p *folio) section(title string, room float64) {
	p.y += 3
	p.need(room + 10)
	p.para(left, wide, bold, 11, navy, title)
	p.y += 1.5
}

func (p *folio) fillWith(c ink) { p.f.SetFillColor(c.rgb()) }

func (p *folio) box(x, y, w, h float64, c ink) {
	p.fillWith(c)
	p.f.Rect(x, y, w, h, "F")
}

func (p *folio) line(x0, y0, x1, y1, width float64, c ink) {
	p.f.SetDrawColor(c.rgb())
	p.f.SetLineWidth(width)
	p.f.Line(x0, y0, x1, y1)
}

// margins writes header and footer of all pages: how many there are is known at
// last.
func (p *folio) margins() {
	n := p.f.PageCount()
	for i := 1; i <= n; i++ {
		p.f.SetPage(i)
		p.fillWith(white)
		if i > 1 {
			p.header()
		}
		p.set(plain, 7.5, grey)
		p.write(left, 285, wide, 0, p.foot)
		p.write(left, 285, wide, 1, fmt.Sprintf("Page %d of %d", i, n))
	}
	if p.lost > 0 && n > 0 {
		p.f.SetPage(n)
		p.set(plain, 7.5, grey)
		p.write(left, 281, wide, 0, fmt.Sprintf("%c stands for a character that the fonts of this document lack (%d times): the record has it.", unwritten, p.lost))
	}
}

// contents lists the chapters at the foot of the cover, if there is room.
func (p *folio) contents() {
	const high = 5.2
	y := 278 - high*float64(len(p.chapters))
	if y-8 < p.coverEnd {
		return
	}
	p.f.SetPage(1)
	p.fillWith(white)
	p.set(bold, 9, navy)
	p.write(left, y-6, wide, 0, "Contents")
	for _, e := range p.chapters {
		link := p.f.AddLink()
		p.f.SetLink(link, 0, e.page)
		p.set(plain, 9, grey)
		p.write(left, y, wide, 0, e.title)
		p.write(left, y, wide, 1, fmt.Sprint(e.page))
		p.line(left, y+high-1, right, y+high-1, 0.1, pale)
		p.f.Link(left, y, wide, high, link)
		y += high
	}
}

func (p *folio) header() {
	p.set(plain, 8, grey)
	mark := p.one(p.mark, 50)
	w := p.f.GetStringWidth(mark) + 4
	p.write(left, 10, wide-w-45, 0, p.one(p.head, wide-w-45))
	p.write(left, 10, wide, 1, mark)
	if p.simulated {
		p.box(right-w-38, 9, 36, 5.4, red)
		p.set(bold, 8, white)
		p.write(right-w-38, 10, 36, 0.5, "SIMULATED")
	}
	p.line(left, 16, right, 16, 0.25, pale)
}
