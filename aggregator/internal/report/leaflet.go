package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

// A leaflet is a statement as it is laid out: what it is about, then tables. CSV,
// workbook and document are made of it; JSON is of the statement itself.
type leaflet struct {
	kind, title, name, period, says string
	simulated                       bool
	mark                            string // in the header of every page
	program                         string
	made                            time.Time
	facts                           [][2]string
	blocks                          []block
	foot                            string
}

// A block is a table of a leaflet.
type block struct {
	title, says string
	lanes       []lane
	rows        [][]string
}

func (b *block) row(cells ...string) { b.rows = append(b.rows, cells) }

// A Statement is what is made of the ledger besides the record of a year.
type Statement interface {
	leaflet() *leaflet
	JSON() ([]byte, error)
}

// Write is a statement in one of the formats.
func Write(s Statement, format string) ([]byte, error) {
	p := s.leaflet()
	switch format {
	case "json":
		return s.JSON()
	case "csv":
		return p.csv()
	case "xlsx":
		return p.xlsx()
	case "pdf":
		return p.pdf()
	}
	return nil, fmt.Errorf("write %s: %q is none of %s", p.kind, format, strings.Join(Formats(), ", "))
}

// indented is v as JSON that is kept: the same bytes for the same value.
func indented(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("write statement: %w", err)
	}
	return b.Bytes(), nil
}

// csv is the long form: one row a cell.
func (p *leaflet) csv() ([]byte, error) {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	w.UseCRLF = true
	row := func(cells ...string) {
		for i := range cells {
			cells[i] = Cell(cells[i])
		}
		_ = w.Write(cells) // to memory
	}
	row("section", "row", "item", "field", "value")
	if p.simulated {
		row(p.kind, "", "SIMULATED", "", "The readings come from a model and not from meters.")
	}
	for _, f := range p.facts {
		row(p.kind, "", f[0], "", f[1])
	}
	for i := range p.blocks {
		b := &p.blocks[i]
		for n, cells := range b.rows {
			for k := 1; k < len(cells); k++ {
				if cells[k] != "" {
					row(b.title, fmt.Sprint(n+1), cells[0], b.lanes[k].head, cells[k])
				}
			}
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return nil, fmt.Errorf("write %s: %w", p.kind, err)
	}
	return out.Bytes(), nil
}

// xlsx is a workbook: a sheet a table.
func (p *leaflet) xlsx() ([]byte, error) {
	b := &book{f: excelize.NewFile()}
	defer b.f.Close() // it has no file
	b.styles()
	s := b.sheet(coverName, p.title, column{"Item", 30}, column{"", 90})
	s.add(b.style.text, "Of", p.name)
	s.add(b.style.text, "Period", p.period)
	if p.simulated {
		s.add(b.style.error, "SIMULATED", "The readings come from a model and not from meters.")
	}
	for _, f := range p.facts {
		s.add(b.style.text, f[0], f[1])
	}
	if p.says != "" {
		s.add(b.style.note, "", p.says)
	}
	for i := range p.blocks {
		t := &p.blocks[i]
		var columns []column
		for _, l := range t.lanes {
			columns = append(columns, column{l.head, max(10, l.wide*0.75)})
		}
		s := b.sheet(sheetName(t.title), t.title, columns...)
		for _, cells := range t.rows {
			var row []any
			for k, c := range cells {
				if d, err := ParseDecimal(c); err == nil && t.lanes[k].at > 0 && len(c) <= mostDigits {
					row = append(row, &d)
					continue
				}
				row = append(row, c)
			}
			s.add(b.style.text, row...)
		}
		s.wide(t.says)
	}
	if b.err == nil {
		at := p.made.UTC().Format(time.RFC3339)
		b.f.SetActiveSheet(0)
		b.err = b.f.SetDocProps(&excelize.DocProperties{Title: p.title + ", " + p.name, Subject: p.period, Creator: "Gigawatch", Created: at, Modified: at})
	}
	var out bytes.Buffer
	if b.err == nil {
		_, b.err = b.f.WriteTo(&out)
	}
	if b.err != nil {
		return nil, fmt.Errorf("write workbook of %s: %w", p.kind, b.err)
	}
	return out.Bytes(), nil
}

// mostDigits is how long a number in a workbook is: of longer ones it would round the
// last digits away, and they stay texts.
const mostDigits = 15

// wide writes a text below a table, over all of its columns.
func (s *sheet) wide(text string) {
	if text == "" || s.err != nil {
		return
	}
	s.row++
	s.put(1, text, s.style.note)
	first, err := excelize.CoordinatesToCellName(1, s.row)
	s.try(err)
	last, err := excelize.CoordinatesToCellName(len(s.width), s.row)
	s.try(err)
	if s.err != nil {
		return
	}
	all := 0.0
	for _, w := range s.width {
		all += w
	}
	s.try(s.f.MergeCell(s.name, first, last))
	s.try(s.f.SetRowHeight(s.name, s.row, lineHeight*(1+float64(int(float64(len([]rune(text)))/all*1.1)))+3))
	s.row++
}

// sheetName is a title as the name of a sheet can be.
func sheetName(title string) string {
	r := []rune(strings.NewReplacer("/", " ", "\\", " ", "?", "", "*", "", "[", "(", "]", ")", ":", "", "'", "").Replace(title))
	return string(r[:min(31, len(r))])
}
