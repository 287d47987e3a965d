package intake

import (
	"fmt"
	"slices"
	"strings"
)

// A wide layout has many values in a row: those of many meters, or those of a day.
// Each is read as if it stood in a row of its own, with the fields that are common
// to all before it.
type wide struct {
	cells  []wideCell
	clocks bool // cells are times of a day
	counts bool // they are counted from midnight, 23 to 25 hours of them
	step   int64
	width  int // of the names; behind it comes what a cell adds
	row    [][]byte
	others []string // columns that are of no meter of the site
}

// A wideCell is one of the values of a row.
type wideCell struct {
	at    int
	how   int // where its quality stands; -1: nowhere
	name  string
	field [4][]byte // meter, clock, unit, quality
}

// added are the columns that a cell adds to what is common, in the order of field.
var added = [...]column{meterColumn, clockColumn, unitColumn, qualityColumn}

// spread sets where in the longer row that a cell makes its columns are.
func (l *layout) spread(w *wide) {
	l.wide = w
	if w.clocks {
		l.kind = Interval // no register is shown like this
	}
	l.at[valueColumn] = w.width
	l.unit, _ = unitOf(string(w.cells[0].field[2]))
	for i, c := range added {
		for _, x := range w.cells {
			if x.field[i] != nil || c == qualityColumn && x.how >= 0 {
				l.at[c], l.name[c] = w.width+1+i, c.String()
			}
		}
	}
	for _, x := range w.cells {
		if u, _ := unitOf(string(x.field[2])); u != l.unit {
			l.unit = unit{} // each says its own
		}
	}
}

// each yields a row, or those that it stands for.
func (l *layout) each(fields [][]byte, yield func(fields [][]byte) error) error {
	w := l.wide
	if w == nil {
		return yield(fields)
	}
	if day := l.cell(fields, timeColumn); len(fields) <= 1 || isTotal(fields[0]) || isTotal(day) {
		return yield(fields)
	}
	for i := range w.cells {
		x := &w.cells[i]
		if w.clocks && (x.at >= len(fields) || isNothing(fields[x.at])) {
			continue // a day has 23 to 25 hours; of other gaps is told by what they leave
		}
		w.row = append(w.row[:0], fields[:min(len(fields), w.width)]...)
		for len(w.row) < w.width {
			w.row = append(w.row, nil)
		}
		w.row = append(w.row, w.row[x.at])
		w.row = append(w.row, x.field[:]...)
		if x.how >= 0 {
			w.row[w.width+4] = w.row[x.how]
		}
		l.name[valueColumn] = x.name
		if err := yield(w.row); err != nil {
			return err
		}
	}
	return nil
}

// says is what people should know of a wide layout.
func (f *File) says() {
	w := f.s.wide
	switch {
	case w == nil:
	case w.counts:
		f.note("each row is a day, and its columns %q to %q count from midnight, %s each: a day has 23 to 25 hours", w.cells[0].name, w.cells[len(w.cells)-1].name, Step{Seconds: w.step})
	case w.clocks:
		f.note("each row is a day, and its columns %q to %q are times of it", w.cells[0].name, w.cells[len(w.cells)-1].name)
	case len(w.others) > 0:
		f.note("no meter of the site is called as %s: these columns are not taken; -meter %q takes one, METER being one of the site's", someOf(w.others), "METER="+w.others[0])
	}
}

// someOf are the first of names.
func someOf(names []string) string {
	var list []string
	for _, n := range names[:min(len(names), 8)] {
		list = append(list, fmt.Sprintf("%q", short(n)))
	}
	if len(names) > 8 {
		list = append(list, fmt.Sprintf("%d more", len(names)-8))
	}
	return strings.Join(list, ", ")
}

// widen makes l wide if the names of a row are times of a day or meters; above
// are the rows before it. Two that are meters of the site make it so, or one that
// is asked for, or that stands in a column of another name than values have.
func (l *layout) widen(row []string, above [][]string, o *Options) error {
	if _, told := o.Columns["value"]; told {
		return nil
	}
	if w := l.daily(row); w != nil {
		l.spread(w)
		return nil
	}
	if l.has(meterColumn) || !l.has(timeColumn) {
		return nil
	}
	w, err := l.metered(row, above, o)
	if w != nil {
		l.spread(w)
	}
	return err
}

// metered finds the columns that are of a meter each, by their names or by what
// stands above these.
func (l *layout) metered(row []string, above [][]string, o *Options) (*wide, error) {
	_, as, chosen := strings.Cut(o.Meter, "=")
	meters, units := rowOf(above, meterColumn), rowOf(above, unitColumn)
	w := &wide{width: len(row)}
	var hows []int
	for i, header := range row {
		c, _ := columnOf(header)
		if c == qualityColumn {
			hows = append(hows, i)
		}
		if header == "" && field(meters, i) == "" || c != noColumn && c != valueColumn || slices.Contains(l.at[:], i) {
			continue
		}
		name, unit := bare(header)
		if m := field(meters, i); m != "" {
			name, _ = bare(m)
		}
		known := chosen && (strings.EqualFold(name, as) || strings.EqualFold(header, as))
		if !chosen {
			m, err := o.find(name)
			if err != nil {
				return nil, err
			}
			known = m != nil
		} else if known {
			name = as
		}
		switch {
		case known:
		case !isTotal([]byte(name)):
			w.others = append(w.others, name)
			continue
		default:
			continue
		}
		x := wideCell{at: i, how: -1, name: header}
		x.field[0] = []byte(name)
		if u := field(units, i); u != "" && unit == "" {
			unit = u
		}
		if unit != "" {
			x.field[2] = []byte(unit)
		}
		w.cells = append(w.cells, x)
	}
	if len(w.cells) == 0 {
		return nil, nil
	}
	if chosen {
		w.others = nil
	}
	w.qualify(hows)
	return w, nil
}

// qualify finds where the quality of each value stands: behind it, or once for all
// of a row.
func (w *wide) qualify(hows []int) {
	if len(hows) < 2 {
		return
	}
	for i := range w.cells {
		x := &w.cells[i]
		if n := slices.IndexFunc(hows, func(h int) bool { return h > x.at }); n >= 0 && hows[n] <= x.at+2 {
			x.how = hows[n]
		}
	}
}

// bare is a name without the unit in it.
func bare(header string) (name, unit string) {
	name = header
	for _, pair := range []string{"[]", "()", "{}"} {
		i := strings.LastIndexByte(name, pair[0])
		if i < 0 || !strings.HasSuffix(strings.TrimSpace(name), pair[1:]) {
			continue
		}
		inside := strings.TrimSuffix(strings.TrimSpace(name[i+1:]), pair[1:])
		if _, ok := unitOf(inside); ok {
			return strings.TrimSpace(name[:i]), inside
		}
	}
	for _, by := range []string{" ", "_"} {
		if i := strings.LastIndex(name, by); i > 0 {
			if _, ok := unitOf(name[i+1:]); ok && len(name) > i+2 {
				return strings.TrimSpace(name[:i]), name[i+1:]
			}
		}
	}
	return strings.TrimSpace(name), ""
}

// rowOf is the last of rows whose first field is called as column c is.
func rowOf(rows [][]string, c column) []string {
	for _, row := range slices.Backward(rows) {
		if len(row) > 1 {
			if is, _ := columnOf(row[0]); is == c {
				return row
			}
		}
	}
	return nil
}

// field is one of row; "" if there is none.
func field(row []string, i int) string {
	if i < len(row) {
		return row[i]
	}
	return ""
}
