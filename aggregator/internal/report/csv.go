package report

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// columns are those of the long form: one row a figure, an entry, an issue.
var columns = []string{"section", "key", "point", "symbol", "title", "value", "unit", "quality", "coverage_pct", "measured_at", "meters", "source", "missing"}

// CSV is the record in its long form, for spreadsheets and other programs. A text
// that a spreadsheet would take for a formula has an apostrophe before it.
func (r *Record) CSV() ([]byte, error) {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	w.UseCRLF = true
	row := func(cells ...string) {
		for i := range cells {
			cells[i] = Cell(cells[i])
		}
		for len(cells) < len(columns) {
			cells = append(cells, "")
		}
		_ = w.Write(cells) // to memory
	}
	_ = w.Write(columns)
	row("record", "schema", "", "", "", r.Schema)
	row("record", "rule_set", "", "", "", r.RuleSet.ID, "", r.RuleSet.Status)
	row("record", "site", "", "", r.SiteName, r.Site)
	row("record", "entity_ref", "", "", "", r.EntityRef)
	row("record", "dc_ref", "", "", "", r.DCRef)
	row("record", "period_from", "", "", "", r.Period.From)
	row("record", "period_to", "", "", r.Period.Says, r.Period.To)
	row("record", "size_class", "Annex IV", "", "", r.Size)
	for i := range r.About {
		e := &r.About[i]
		row("annex1", e.Key, e.Point, "", e.Title, e.Value, "", "", "", "", "", e.Evidence, e.Missing)
	}
	for _, s := range []struct {
		name string
		list []Figure
	}{{"annex2", r.Figures}, {"annex3", r.Indicators}, {"internal", r.Inside}} {
		for i := range s.list {
			row(s.list[i].cells(s.name)...)
		}
	}
	for _, p := range r.Previews {
		for i := range p.Figures {
			row(p.Figures[i].cells("preview " + p.RuleSet.ID + ", not official")...)
		}
		for _, c := range p.Classes {
			row("preview "+p.RuleSet.ID+", not official", "class_"+c.Of, "", "", "", c.Class, "", "", "", "", "", "", c.Missing)
		}
	}
	for _, p := range r.Previews {
		for i := range p.Limits {
			x := &p.Limits[i]
			row("limit "+p.RuleSet.ID, x.Of, "", "", x.words(), text(x.Value), "", x.Is, "", "", "", "due "+x.Due, x.Why)
		}
	}
	for i := range r.Months {
		m := &r.Months[i]
		for _, x := range []struct {
			key, unit string
			v         *Decimal
		}{{"e_dc_kwh", "kWh", m.Facility}, {"e_it_kwh", "kWh", m.IT}, {"w_in_m3", "m³", m.Water}, {"e_reuse_kwh", "kWh", m.Reuse}, {"pue", "1", m.PUE}, {"mean_it_kw", "kW", m.Load}, {"coverage_pct", "percent", m.Coverage}} {
			if x.v != nil {
				row("month "+m.Month, x.key, "", "", "", x.v.String(), x.unit)
			}
		}
	}
	for i := range r.Meters {
		m := &r.Meters[i]
		var plates []string
		for _, d := range m.Devices {
			plates = append(plates, strings.TrimSpace(d.Serial+" "+d.Accuracy+" "+d.Calibrated))
		}
		row("meter", m.ID, "", "", m.Role, m.Amount.String(), m.Unit, QualityMeasured, text(m.Coverage), m.Point, "", strings.Join(plates, "; "))
		if m.Estimated != nil {
			row("meter", m.ID, "", "", m.Role, m.Estimated.String(), m.Unit, QualityEstimated)
		}
	}
	for i := range r.Guarantees {
		g := &r.Guarantees[i]
		row("guarantee", g.ID, "", "", g.Of, g.Counts.String(), "kWh", "", "", g.Produced, "", g.Evidence, g.Why)
	}
	for i := range r.Agreements {
		a := &r.Agreements[i]
		row("agreement", a.Name, "", "", a.How, a.Counts.String(), "kWh", "", "", "", "", a.Evidence, a.Why)
	}
	for i := range r.Issues {
		x := &r.Issues[i]
		row("issue", x.Code, x.Field, "", x.Text, x.Comment, "", x.Severity, "", "", "", "", x.Fix)
	}
	row("ledger", "log_root", "", "", strconv.FormatInt(r.Ledger.Leaves, 10)+" leaves", r.Ledger.Root)
	w.Flush()
	if err := w.Error(); err != nil {
		return nil, fmt.Errorf("write report of %s: %w", r.Site, err)
	}
	return out.Bytes(), nil
}

// cells are those of a figure.
func (f *Figure) cells(section string) []string {
	value := ""
	switch {
	case f.Value != nil:
		value = f.Value.String()
	case f.Is != nil:
		value = map[bool]string{true: "yes", false: "no"}[*f.Is]
	case f.None:
		value = "none"
	default:
		value = strings.Join(f.List, "; ")
	}
	source := f.Method
	if f.Evidence != "" {
		source = strings.TrimPrefix(source+"; "+f.Evidence, "; ")
	}
	return []string{section, f.Key, f.Point, f.Symbol, f.Title, value, f.Unit, f.Quality, text(f.Coverage), f.At, strings.Join(f.Meters, " "), source, f.Missing}
}

func text(d *Decimal) string {
	if d == nil {
		return ""
	}
	return d.String()
}

// Cell is s as it can stand in a cell: spreadsheets take for a formula what begins
// with one of its signs, unless it is a number.
func Cell(s string) string {
	if s == "" {
		return s
	}
	if strings.ContainsRune("=+-@\t\r\n|%", []rune(s)[0]) || strings.HasPrefix(s, "＝") || strings.HasPrefix(s, "＋") || strings.HasPrefix(s, "－") || strings.HasPrefix(s, "＠") {
		if _, err := ParseDecimal(s); err != nil || strings.HasPrefix(s, "+") {
			return "'" + s
		}
	}
	return s
}

// Formats are the outputs that there are.
func Formats() []string { return []string{"json", "csv", "xlsx", "pdf"} }

// As is the record in one of the formats.
func (r *Record) As(format string) ([]byte, error) {
	switch {
	case !slices.Contains(Formats(), format):
		return nil, fmt.Errorf("write report of %s: %q is none of %s", r.Site, format, strings.Join(Formats(), ", "))
	case format == "csv":
		return r.CSV()
	case format == "xlsx":
		return r.XLSX()
	case format == "pdf":
		return r.PDF(Beside{})
	}
	return r.JSON()
}

// A Channel hands a record to an authority and returns its receipt. None is
// implemented: the interface of the European database is not public, and is got
// from the coordinator of the Member State.
type Channel interface {
	Submit(record []byte) (receipt string, err error)
}
