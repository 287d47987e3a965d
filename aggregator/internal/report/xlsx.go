package report

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"
)

// A book is a workbook in the making; the first error stays.
type book struct {
	f     *excelize.File
	style struct{ title, head, headRight, text, number, error, warn, note int }
	err   error
}

// XLSX is the record as a workbook for a person: the annexes in their order, for
// typing into a form, then what stands behind them. Cells hold texts and numbers
// and no formula.
func (r *Record) XLSX() ([]byte, error) {
	b := &book{f: excelize.NewFile()}
	defer b.f.Close() // it has no file
	b.styles()
	r.cover(b)
	r.annexes(b)
	r.behind(b)
	if b.err == nil {
		b.f.SetActiveSheet(0)
		b.err = b.f.SetDocProps(&excelize.DocProperties{
			Title: fmt.Sprintf("Report on %s, %d", r.Site, r.Period.Year), Subject: r.RuleSet.ID, Creator: "Gigawatch",
			Created: r.Period.To + "T00:00:00Z", Modified: r.Period.To + "T00:00:00Z",
		})
	}
	var out bytes.Buffer
	if b.err == nil {
		_, b.err = b.f.WriteTo(&out)
	}
	if b.err != nil {
		return nil, fmt.Errorf("write workbook of %s: %w", r.Site, b.err)
	}
	return out.Bytes(), nil
}

func (b *book) styles() {
	border := []excelize.Border{{Type: "bottom", Color: "D0D5DD", Style: 1}}
	top := &excelize.Alignment{Vertical: "top", WrapText: true}
	format := "#,##0.#########"
	plain := &excelize.Font{Family: face, Size: 10}
	for _, s := range []struct {
		to *int
		x  excelize.Style
	}{
		{&b.style.title, excelize.Style{Font: &excelize.Font{Family: face, Bold: true, Size: 14, Color: "101828"}}},
		{&b.style.head, excelize.Style{Font: &excelize.Font{Family: face, Size: 10, Bold: true, Color: "FFFFFF"}, Fill: fill("344054"), Alignment: top}},
		{&b.style.headRight, excelize.Style{Font: &excelize.Font{Family: face, Size: 10, Bold: true, Color: "FFFFFF"}, Fill: fill("344054"), Alignment: &excelize.Alignment{Vertical: "top", Horizontal: "right", Indent: 1, WrapText: true}}},
		{&b.style.text, excelize.Style{Font: plain, Alignment: top, Border: border}},
		{&b.style.number, excelize.Style{Font: plain, Alignment: &excelize.Alignment{Vertical: "top", Horizontal: "right", Indent: 1}, Border: border, CustomNumFmt: &format}},
		{&b.style.error, excelize.Style{Font: plain, Alignment: top, Border: border, Fill: fill("FEE4E2")}},
		{&b.style.warn, excelize.Style{Font: plain, Alignment: top, Border: border, Fill: fill("FEF0C7")}},
		{&b.style.note, excelize.Style{Alignment: top, Font: &excelize.Font{Family: face, Size: 10, Italic: true, Color: "475467"}}},
	} {
		if b.err == nil {
			*s.to, b.err = b.f.NewStyle(&s.x)
		}
	}
}

// face is what texts are set in, and lineHeight what a line of it takes, in points.
const (
	face       = "Calibri"
	lineHeight = 13.5
)

func fill(colour string) excelize.Fill {
	return excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{colour}}
}

// A sheet is one of a book.
type sheet struct {
	*book
	name  string
	row   int
	width []float64 // of columns, in characters
}

// column is one of a sheet: its heading, and its width in characters.
type column struct {
	head  string
	width float64
}

// headRow is that of the headings, below the title.
const headRow = 2

// sheet begins one with a heading row that stays in sight and is printed on every
// page.
func (b *book) sheet(name, title string, columns ...column) *sheet {
	s := &sheet{book: b, name: name, row: 1}
	for _, c := range columns {
		s.width = append(s.width, c.width)
	}
	if b.err != nil {
		return s
	}
	if name == coverName {
		b.err = b.f.SetSheetName("Sheet1", name)
	} else {
		_, b.err = b.f.NewSheet(name)
	}
	if b.err != nil {
		return s
	}
	s.put(1, title, b.style.title)
	s.row = headRow
	for i, c := range columns {
		letter, _ := excelize.ColumnNumberToName(i + 1)
		s.try(b.f.SetColWidth(name, letter, letter, c.width))
		s.put(i+1, c.head, b.style.head)
	}
	s.row = 3
	portrait, landscape := "portrait", "landscape"
	orientation, size, wide, high, fit := &landscape, 9, 1, 0, true // A4, as wide as a page
	if len(columns) < 4 {
		orientation = &portrait
	}
	s.try(b.f.SetPageLayout(name, &excelize.PageLayoutOptions{Orientation: orientation, Size: &size, FitToWidth: &wide, FitToHeight: &high}))
	s.try(b.f.SetSheetProps(name, &excelize.SheetPropsOptions{FitToPage: &fit}))
	s.try(b.f.SetPanes(name, &excelize.Panes{Freeze: true, YSplit: 2, TopLeftCell: "A3", ActivePane: "bottomLeft"}))
	s.try(b.f.SetHeaderFooter(name, &excelize.HeaderFooterOptions{OddFooter: "&L" + name + "&RPage &P of &N"}))
	s.try(b.f.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Titles", RefersTo: "'" + name + "'!$1:$2", Scope: name}))
	return s
}

func (s *sheet) try(err error) {
	if s.err == nil {
		s.err = err
	}
}

// mostText is how long a text in a cell is: a workbook holds 32,767 characters.
const mostText = 30_000

// put writes one cell: a Decimal is a number, all else text.
func (s *sheet) put(col int, v any, style int) {
	if s.err != nil {
		return
	}
	at, err := excelize.CoordinatesToCellName(col, s.row)
	s.try(err)
	switch v := v.(type) {
	case *Decimal:
		if v != nil {
			s.try(s.f.SetCellFloat(s.name, at, v.Float(), -1, 64))
			s.headRight(col)
		}
		if style == s.style.text {
			style = s.style.number
		}
	case string:
		if r := []rune(v); len(r) > mostText {
			v = string(r[:mostText]) + "…"
		}
		s.try(s.f.SetCellStr(s.name, at, v))
	}
	s.try(s.f.SetCellStyle(s.name, at, at, style))
}

// headRight sets the heading of a column above its numbers.
func (s *sheet) headRight(col int) {
	at, err := excelize.CoordinatesToCellName(col, headRow)
	s.try(err)
	s.try(s.f.SetCellStyle(s.name, at, at, s.style.headRight))
}

// add writes a row, as high as its longest text needs: not every program finds
// that out.
func (s *sheet) add(style int, cells ...any) {
	lines := 1
	for i := range s.width {
		var v any = ""
		if i < len(cells) {
			v = cells[i]
		}
		s.put(i+1, v, style)
		if t, ok := v.(string); ok {
			n := 0
			for part := range strings.SplitSeq(t, "\n") {
				n += 1 + int(float64(len([]rune(part)))/s.width[i]*1.05)
			}
			lines = max(lines, n)
		}
	}
	if s.err == nil {
		s.try(s.f.SetRowHeight(s.name, s.row, min(400, lineHeight*float64(lines)+3)))
	}
	s.row++
}

const coverName = "Report"

func (r *Record) cover(b *book) {
	s := b.sheet(coverName, "Report on a data centre's energy performance", column{"Item", 30}, column{"", 90})
	errors, warnings := 0, 0
	for i := range r.Issues {
		if r.Issues[i].Severity == Error {
			errors++
		} else if r.Issues[i].Open() {
			warnings++
		}
	}
	for _, x := range [][2]string{
		{"Data centre", strings.TrimSpace(r.SiteName + " (" + r.Site + ")")}, {"Number of the data centre", r.DCRef}, {"Number of the entity", r.EntityRef},
		{"Period", r.Period.From + " to " + r.Period.To}, {"", r.Period.Says}, {"Due", r.Due},
		{"Rules", r.RuleSet.ID + ", " + strings.ReplaceAll(r.RuleSet.Status, "_", " ")}, {"", strings.Join(r.RuleSet.Law, "; ")},
		{"Must it report", r.Scope.Because}, {"Size class", r.Size},
		{"Open issues", fmt.Sprintf("%d to mend, %d to comment on: see the sheet Issues", errors, warnings)},
		{"Ledger", fmt.Sprintf("log of %d leaves, root %s", r.Ledger.Leaves, r.Ledger.Root)}, {"", fmt.Sprintf("%d files of sealed hours were held against it", r.Ledger.Files)},
		{"How to check", fmt.Sprintf("aggregator report -data DIR -site-file FILE -site %s -year %d -do check", r.Site, r.Period.Year)},
	} {
		if x[1] != "" {
			s.add(b.style.text, x[0], x[1])
		}
	}
	s.row++
	s.add(b.style.note, "", "Numbers have a point or a comma as this computer writes them; type them into the form as absolute values in the unit shown.")
}

func (r *Record) annexes(b *book) {
	s := b.sheet("Annex I", "Annex I: information about the data centre", column{"Point", 8}, column{"Field", 40}, column{"Value", 60}, column{"Evidence", 50})
	for i := range r.About {
		e := &r.About[i]
		style, value := b.style.text, e.Value
		if e.Missing != "" {
			value = e.Missing
			if e.Missing != "not stated" {
				style = b.style.error
			}
		}
		s.add(style, e.Point, e.Title, value, e.Evidence)
	}
	for _, a := range []struct {
		name, title string
		list        []Figure
	}{
		{"Annex II", "Annex II: key performance indicators", r.Figures}, {"Annex III", "Annex III: sustainability indicators, as the database will compute them", r.Indicators},
		{"Inside", "Figures that are not asked for", r.Inside},
	} {
		b.figures(a.name, a.title, a.list)
	}
	for i := range r.Previews {
		p := &r.Previews[i]
		var list []Figure
		for _, c := range p.Classes {
			list = append(list, Figure{Key: "class_" + c.Of, Title: "Class of " + strings.ToUpper(c.Of) + ", a preview and not official", List: []string{c.Class}, Missing: c.Missing})
		}
		b.figures("Preview "+strconv.Itoa(i+1), p.RuleSet.ID+": "+p.Says, append(list, p.Figures...))
		if len(p.Limits) == 0 {
			continue
		}
		s := b.sheet("Limits "+strconv.Itoa(i+1), p.RuleSet.ID+": limits", column{"Of", 10}, column{"Limit", 20}, column{"Due", 14}, column{"This year", 18}, column{"Is", 14}, column{"By this year's figure", 20}, column{"Why", 60})
		for k := range p.Limits {
			x := &p.Limits[k]
			s.add(b.style.text, x.Of, x.words(), x.Due, x.Value, x.Is, x.Would, x.Why)
		}
	}
}

func (b *book) figures(name, title string, list []Figure) {
	s := b.sheet(name, title, column{"Point", 7}, column{"Symbol", 11}, column{"Indicator", 32}, column{"Value", 22}, column{"Unit", 12},
		column{"Quality", 11}, column{"Coverage %", 14}, column{"Measuring point", 34}, column{"Meters", 20}, column{"How, and evidence", 36}, column{"Notes", 28})
	for i := range list {
		f := &list[i]
		c := f.cells("")
		var value any = c[5]
		if f.Value != nil {
			value = f.Value
		}
		style := b.style.text
		if f.Missing != "" {
			style, value = b.style.error, "missing: "+f.Missing
			if f.Point == "" {
				style = b.style.note
			}
		}
		notes := strings.Join(f.Notes, "; ")
		if f.Unknown != "" {
			notes = strings.TrimPrefix(notes+"; not known of the rule: "+f.Unknown, "; ")
		}
		s.add(style, f.Point, f.Symbol, f.Title, value, unitWords(f.Unit), f.Quality, f.Coverage, f.At, shortList(f.Meters), c[11], notes)
	}
}

// shortList names some meters; the sheet of meters has them all.
func shortList(names []string) string {
	const some = 12
	if len(names) <= some {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:some], ", ") + fmt.Sprintf(" and %d more", len(names)-some)
}
