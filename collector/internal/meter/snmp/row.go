package snmp

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gosnmp/gosnmp"
)

// A selector says which row of its tables a meter is.
type selector struct {
	index  string // its numbers
	serial string // or the device's serial number
	name   string // or its name
	rest   string // the numbers behind the first, where serial is of a device with several rows
}

// selectorOf is row as a site's file has it: numbers, or serial:ABC123, or
// serial:ABC123/2 for a row within that device, or name:rack 7. Nothing is the
// usual one.
func (m *Map) selectorOf(row string) (s selector, err error) {
	if serial, ok := strings.CutPrefix(row, "serial:"); ok {
		s.serial, s.rest, _ = strings.Cut(serial, "/")
		_, usual, _ := strings.Cut(m.row, ".")
		if s.rest == "" {
			s.rest = usual
		}
		behind := 0
		if strings.HasSuffix(string(m.serial), firstHole) {
			behind = len(m.rowIs) - 1
		}
		switch {
		case !m.serial.tabular():
			return s, fmt.Errorf("row %q: no serial numbers of rows are known of %s", row, m.Name)
		case s.serial == "", (behind > 0 || s.rest != "") && !validRow(s.rest, behind):
			return s, fmt.Errorf("row %q: write serial: and the serial number, and where it has several rows / and the numbers of %s behind its first", row, m.meaning())
		}
		return s, nil
	}
	if name, ok := strings.CutPrefix(row, "name:"); ok {
		if s.name = name; !m.name.tabular() || name == "" {
			return s, fmt.Errorf("row %q: no names of rows are known of %s", row, m.Name)
		}
		return s, nil
	}
	s.index = row
	if row == "" {
		s.index = m.row
	}
	switch {
	case row != "" && !m.tabular():
		return s, fmt.Errorf("row %q: what is read has no rows", row)
	case row != "" && !validRow(row, len(m.rowIs)):
		return s, fmt.Errorf("row %q: write the number of %s, with points between if they are several%s", row, m.meaning(), m.otherwise())
	case s.index == "" && m.tabular() && !m.sums() && m.kind == "":
		return s, fmt.Errorf("no row: %s has many; write row: and the number of %s%s", m.Name, m.meaning(), m.otherwise())
	}
	return s, nil
}

// otherwise says how else a row can be called.
func (m *Map) otherwise() string {
	said := ""
	if m.serial.tabular() {
		said += ", or serial: and its serial number"
	}
	if m.name.tabular() {
		said += ", or name: and its name"
	}
	return said
}

// looked reports whether the row has to be looked for, and again when the agent
// was started anew: it may then have its rows in another order.
func (s selector) looked(m *Map) bool { return m.tabular() && s.index == "" }

// uptime is how long an agent has been running, in hundredths of a second.
const uptime template = "1.3.6.1.2.1.1.3.0"

// find finds the rows that are meant: one, or all that are summed.
func (s selector) find(on *session, m *Map) ([]string, error) {
	switch {
	case !m.tabular():
		return []string{""}, nil
	case s.index != "":
		return []string{s.index}, nil
	case s.serial != "":
		list, err := on.rows(m.serial, s.serial)
		return unique(list, err, fmt.Sprintf("device with serial number %q", s.serial), func(row string) string {
			if s.rest != "" {
				row += "." + s.rest
			}
			return row
		})
	case s.name == "" && m.sums():
		return on.all(m)
	}
	var named, kind []string
	var err error
	what := "row of its kind"
	if s.name != "" {
		what = fmt.Sprintf("row called %q", s.name)
		if named, err = on.rows(m.name, s.name); err != nil {
			return nil, err
		}
		kind = named
	}
	if m.kind != "" {
		if kind, err = on.rows(m.kind, fmt.Sprint(m.kindIs)); err != nil {
			return nil, err
		}
	}
	if s.name != "" {
		kind = slices.DeleteFunc(kind, func(row string) bool { return !slices.Contains(named, row) })
	}
	return unique(on.called(m, kind), nil, what, func(row string) string { row, _, _ = strings.Cut(row, " "); return row })
}

const mostTold = 8 // rows in an error

// unique is the only one of a list.
func unique(list []string, err error, what string, row func(string) string) ([]string, error) {
	switch {
	case err != nil:
		return nil, err
	case len(list) == 0:
		return nil, fmt.Errorf("the agent has no %s", what)
	case len(list) > 1:
		more := ""
		if len(list) > mostTold {
			list, more = list[:mostTold], " and more"
		}
		return nil, fmt.Errorf("the agent has more than one %s: rows %s%s; write row: and one of them", what, strings.Join(list, ", "), more)
	}
	return []string{row(list[0])}, nil
}

// all are the rows of m: as many as the agent says, or those there are.
func (on *session) all(m *Map) ([]string, error) {
	if m.count != "" {
		answers, _, err := on.ask([]string{string(m.count)})
		if err != nil {
			return nil, err
		}
		if n, err := small(answers[string(m.count)]); err == nil && n > 0 && n <= mostSummed {
			var list []string
			for i := range n {
				list = append(list, fmt.Sprint(i+1))
			}
			return list, nil
		}
	}
	i := slices.IndexFunc(m.entries, func(e entry) bool { return e.summed })
	list, err := on.rows(m.entries[i].oid, "")
	if err == nil && (len(list) == 0 || len(list) > mostSummed) {
		err = fmt.Errorf("the agent has %d rows of %s", len(list), m.meaning())
	}
	return list, err
}

// Limits of tables.
const (
	mostSummed = 16
	mostRows   = 4000
	atOnce     = 20 // rows, in one answer
)

// rows are those in which a column holds a text, or all if it is empty.
func (on *session) rows(t template, holds string) (list []string, err error) {
	column, _ := t.column()
	at := column
	for n := 0; n < mostRows; {
		answers, err := on.bulk(at, atOnce)
		var r refusal
		switch {
		case errors.As(err, &r) && r.code == gosnmp.NoSuchName:
			return list, nil // as agents say that theirs is at its end
		case errors.Is(err, errTooBig):
			return nil, on.broken("half a table: " + err.Error())
		case err != nil:
			return nil, fmt.Errorf("look for rows: %w", err)
		case len(answers) == 0:
			return nil, on.broken("half a table")
		}
		for _, v := range answers {
			row, within := strings.CutPrefix(v.Name, column+".")
			if !within || v.Type == gosnmp.EndOfMibView {
				return list, nil
			}
			if !later(v.Name, at) {
				return nil, on.broken("a table that goes round in circles")
			}
			at = v.Name
			n++
			if is, ok := written(v); ok && is == holds || holds == "" {
				list = append(list, row)
			}
		}
	}
	return nil, fmt.Errorf("the agent has more than %d rows", mostRows)
}

// later reports whether OID a comes after b.
func later(a, b string) bool {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(as), len(bs)) {
		switch {
		case len(as[i]) != len(bs[i]):
			return len(as[i]) > len(bs[i])
		case as[i] != bs[i]:
			return as[i] > bs[i]
		}
	}
	return len(as) > len(bs)
}

// called is rows with their names, as far as there are any.
func (on *session) called(m *Map, rows []string) []string {
	if !m.name.tabular() || len(rows) < 2 {
		return rows
	}
	rows = slices.Clone(rows)
	for i := range min(len(rows), mostTold) {
		oid := m.name.at(rows[i])
		if answers, _, err := on.ask([]string{oid}); err == nil {
			if name, ok := written(answers[oid]); ok {
				rows[i] += fmt.Sprintf(" (%s)", name)
			}
		}
	}
	return rows
}
