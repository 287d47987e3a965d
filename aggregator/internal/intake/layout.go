package intake

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A layout is which column of a file is what.
type layout struct {
	by     byte // between fields
	header int  // line of the names; 0: there are none
	at     [columns]int
	name   [columns]string // as the file calls them
	unit   unit            // that the name of the value says
	kind   Kind            // likewise
	endTag bool            // the one time there is is of the end
	wide   *wide           // nil: a row is one value
	meter  string          // that lines above the names say all is of; "": none
}

// cell is the field of c in a row; nil if there is none.
func (l *layout) cell(fields [][]byte, c column) []byte {
	if i := l.at[c]; i >= 0 && i < len(fields) {
		return fields[i]
	}
	return nil
}

// has reports whether there is such a column.
func (l *layout) has(c column) bool { return l.at[c] >= 0 }

// delimiters by how likely they are where two do as well.
var delimiters = []byte{';', '\t', '|', ','}

// delimiter is what stands between the fields of most rows of a text.
func delimiter(sample []byte) byte {
	best, most := delimiters[0], 0
	for _, by := range delimiters {
		t := tableOf(sample[:min(len(sample), 256<<10)], by)
		counts := map[int]int{}
		for range 300 {
			fields, err := t.next()
			if errors.Is(err, errRow) {
				continue
			}
			if err != nil {
				break
			}
			if len(fields) > 1 {
				counts[len(fields)]++
			}
		}
		for _, n := range counts {
			if n > most {
				best, most = by, n
			}
		}
	}
	return best
}

// headerWithin is how many rows may come before the names of columns.
const headerWithin = 100

// lay finds the columns of a file.
func lay(sample []byte, o *Options) (*layout, error) {
	if len(sample) == 0 {
		return nil, errors.New("the file is empty")
	}
	by := delimiter(sample)
	t := tableOf(sample, by)
	var first [][]string
	for range headerWithin {
		fields, err := t.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			continue
		}
		var row []string
		for _, f := range fields {
			row = append(row, string(f))
		}
		l := &layout{by: by, header: t.line}
		found, err := l.take(row, first, o)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", t.line, err)
		}
		if found {
			l.units(t)
			return l, l.preamble(first, o)
		}
		first = append(first, row)
	}
	if len(o.Columns) == 0 {
		for n, row := range first {
			if l := positional(row); l != nil {
				l.by = by
				if n > 0 {
					l.header = 0
				}
				return l, nil
			}
		}
	}
	if len(first) > 0 && len(first[0]) == 1 && strings.ContainsAny(first[0][0], ";,\t|") {
		return nil, fmt.Errorf("each line is one field, as a whole in quotes: %q; take the quotes off, or split the column in the spreadsheet", short(first[0][0]))
	}
	seen := ""
	if len(first) > 0 {
		seen = strings.Join(first[0], " | ")
	}
	return nil, fmt.Errorf("no line has the names of a time and of a value; the first is %q: say -columns time=NAME,value=NAME, as the file calls them", short(seen))
}

// clockish and dayish tell two columns of time apart.
var (
	clockish = []string{"time", "zeit", "uhrzeit", "tijd", "tijdstip", "heure", "ora", "hora", "hour", "stunde"}
	fromish  = []string{"von", "from", "van", "dal", "desde", "start", "beginn", "begin", "inicio", "inizio", "debut", "du"}
	dayish   = []string{"date", "day", "datum", "data", "fecha", "jour", "tag", "dag", "giorno", "dia"}
)

// take reads names of columns; found is false if the row has none.
func (l *layout) take(row []string, above [][]string, o *Options) (found bool, err error) {
	for c := range l.at {
		l.at[c] = -1
	}
	words := [columns]string{}
	var values []int
	put := func(c column, i int, word string) {
		l.at[c], l.name[c], words[c] = i, row[i], word
	}
	taken := map[int]bool{}
	for name, text := range o.Columns {
		i := slices.IndexFunc(row, func(f string) bool { return strings.EqualFold(f, text) })
		if i < 0 {
			return false, nil
		}
		put(column(slices.Index(columnNames[:], name)), i, "")
		taken[i] = true
	}
	_, told := o.Columns["value"]
	for i, f := range row {
		c, word := columnOf(f)
		switch {
		case taken[i] || f == "":
		case c == valueColumn:
			if _, odd := unitIn(f); odd == "" && !told {
				values = append(values, i)
			}
		case c == timeColumn && l.at[c] >= 0 && l.at[clockColumn] < 0 && (slices.Contains(clockish, word) || slices.Contains(fromish, word)) && slices.Contains(dayish, words[c]):
			put(clockColumn, i, word)
		case c == timeColumn && l.at[c] >= 0 && l.at[clockColumn] < 0 && slices.Contains(clockish, words[c]) && slices.Contains(dayish, word):
			put(clockColumn, l.at[timeColumn], words[c])
			put(timeColumn, i, word)
		case c != noColumn && l.at[c] < 0:
			put(c, i, word)
		}
	}
	if len(values) > 1 { // those that say their unit are the values; the others talk of them
		if with := slices.DeleteFunc(slices.Clone(values), func(i int) bool { u, _ := unitIn(row[i]); return u.of == ofNothing }); len(with) > 0 {
			values = with
		}
	}
	if !l.has(timeColumn) && l.has(endColumn) {
		l.at[timeColumn], l.name[timeColumn], l.at[endColumn], l.endTag = l.at[endColumn], l.name[endColumn], -1, true
		if l.has(endClockColumn) {
			l.at[clockColumn], l.at[endClockColumn] = l.at[endClockColumn], -1
		}
	}
	if err := l.widen(row, above, o); l.wide != nil || err != nil {
		return l.wide != nil, err
	}
	if !l.has(timeColumn) || len(values) == 0 && !told {
		return false, nil
	}
	if len(values) > 1 {
		var names []string
		for _, i := range values {
			names = append(names, row[i])
		}
		if l.has(meterColumn) {
			return false, fmt.Errorf("there are values in %s: say which by -columns value=%q, and take in the others by a command of their own", someOf(names), names[0])
		}
		return false, fmt.Errorf("there are values in %s, and no meter of the site is called so: say which by -meter %q, METER being one of the site's, and take in the others by a command of their own", someOf(names), "METER="+names[0])
	}
	if !told {
		put(valueColumn, values[0], "")
	}
	_, word := columnOf(row[l.at[valueColumn]])
	l.unit, _ = unitIn(row[l.at[valueColumn]])
	if u, ok := unitOf(row[l.at[valueColumn]]); ok {
		l.unit = u
	}
	l.kind = kindWords[word]
	return true, nil
}

// positional is the layout of a row without names, if it has a time and a number
// where they belong: meter_id,timestamp,value[,unit][,kind][,quality].
func positional(row []string) *layout {
	l := &layout{}
	for c := range l.at {
		l.at[c] = -1
	}
	isTime := func(i int) bool {
		if i >= len(row) {
			return false
		}
		_, ok := parseStamp([]byte(row[i]), dayFirst)
		return ok
	}
	isNumber := func(i int) bool {
		if i >= len(row) {
			return false
		}
		_, ok := parseDecimal([]byte(row[i]), point)
		_, or := parseDecimal([]byte(row[i]), comma)
		return ok || or
	}
	order := []column{meterColumn, timeColumn, valueColumn, unitColumn, kindColumn, qualityColumn}
	switch {
	case isTime(1) && isNumber(2):
	case isTime(0) && isNumber(1):
		order = order[1:]
	default:
		return nil
	}
	for i, c := range order {
		if i < len(row) {
			l.at[c], l.name[c] = i, c.String()
		}
	}
	return l
}

// units takes the row behind the names in where it says units.
func (l *layout) units(t *table) {
	if l.wide == nil || l.wide.clocks {
		return
	}
	fields, err := t.next()
	if err != nil {
		return
	}
	for i := range l.wide.cells {
		x := &l.wide.cells[i]
		if x.at >= len(fields) {
			return
		}
		if _, ok := unitOf(string(fields[x.at])); !ok {
			return
		}
	}
	for i := range l.wide.cells {
		x := &l.wide.cells[i]
		x.field[2] = append([]byte{}, fields[x.at]...)
	}
	l.header = t.line
	l.spread(l.wide)
}

// preamble takes from the lines above the names what these do not say: the unit of
// all values, and the meter, if it is one of the site's.
func (l *layout) preamble(above [][]string, o *Options) error {
	for n, row := range above {
		for i, name := range row {
			c, _ := columnOf(name)
			var says []string // what stands below it, or behind it
			if n+1 < len(above) {
				says = append(says, field(above[n+1], i))
			}
			for _, text := range append(says, field(row, i+1)) {
				switch {
				case text == "":
				case c == unitColumn && !l.has(unitColumn) && l.unit.of == ofNothing:
					l.unit, _ = unitOf(text)
				case c == meterColumn && !l.has(meterColumn) && l.meter == "":
					m, err := o.find(text)
					if err != nil {
						return err
					}
					if m != nil {
						l.meter = text
					}
				}
			}
		}
	}
	return nil
}

// owner is what a row says that its meter is.
func (l *layout) owner(fields [][]byte) []byte {
	if l.meter != "" {
		return []byte(l.meter)
	}
	return l.cell(fields, meterColumn)
}
