package snmp

import (
	"fmt"
	"strings"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
)

// A Map says what the objects of an agent mean.
type Map struct {
	Name, Title string
	entries     []entry
	rowIs       []string // what the numbers of a row stand for; none: its objects stand in no table
	row         string   // that is meant where none is said
	most        int      // objects in a request
	own         bool     // it is not built in: whoever reads an error can change it

	serial, name, started, count template
	kind                         template // tells rows that are meant from others
	kindIs                       int64
}

// An entry is one quantity of a map.
type entry struct {
	name         string // for people
	kind         meter.Kind
	oid          template
	form         form
	unit, factor string // of a step
	scale        meter.Scale
	summed       bool // where no row is said, all are meant together
	invert       bool
	none         []string // shown where nothing is known
	modulus      uint64   // in steps; 0: where its type does
	checked      bool     // compared with a display

	exponent, digits, siScale template // of the power of ten
	signed, signedMinimum     template // where the value is if its minimum is below zero
	status                    template
	statusOK                  []int64
}

// A form is how an object holds a number.
type form uint8

const (
	anyForm form = iota
	integer
	text
	float
)

var forms = map[string]form{"": anyForm, "integer": integer, "text": text, "float": float}

func (f form) String() string {
	return map[form]string{integer: "integer", text: "text", float: "float"}[f]
}

// A template is an OID in which {row} stands for the numbers of a row, and
// {row.1} for the first of them. The empty template is of no object.
type template string

const (
	rowHole   = "{row}"
	firstHole = "{row.1}"
)

// at is t in a row.
func (t template) at(row string) string {
	first, _, _ := strings.Cut(row, ".")
	return strings.Replace(strings.Replace(string(t), rowHole, row, 1), firstHole, first, 1)
}

// tabular reports whether t is different in each row.
func (t template) tabular() bool { return strings.Contains(string(t), "{") }

// column is t up to where rows are told apart. Rows are looked for by it, which
// takes that nothing comes behind.
func (t template) column() (oid string, ok bool) {
	if before, whole := strings.CutSuffix(string(t), "."+rowHole); whole {
		return before, true
	}
	return strings.CutSuffix(string(t), "."+firstHole)
}

// valid says what is wrong with t.
func (t template) valid() error {
	plain := t.at("1")
	n := 0
	for arc := range strings.SplitSeq(plain, ".") {
		if n++; !number32(arc) {
			return fmt.Errorf("%q is no OID: write numbers with points between, {row} or {row.1} for those of a row", string(t))
		}
	}
	if n < 3 || n > 120 || (plain[0] != '1' && plain[0] != '0' && plain[0] != '2') || plain[1] != '.' {
		return fmt.Errorf("%q is no OID: it begins with 1.3, and has 3 to 120 numbers", string(t))
	}
	return nil
}

// number32 reports whether s is a number that an OID may have.
func number32(s string) bool {
	if s == "" || len(s) > 10 || len(s) == 10 && s > "4294967295" {
		return false
	}
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// tabular reports whether m has to know a row.
func (m *Map) tabular() bool { return len(m.rowIs) > 0 }

// sums reports whether m means all rows together where none is said.
func (m *Map) sums() bool {
	for i := range m.entries {
		if m.entries[i].summed {
			return true
		}
	}
	return false
}

// meaning is what the numbers of a row stand for, for people.
func (m *Map) meaning() string { return strings.Join(m.rowIs, ".") }

// kinds is what a device with map m gives.
func (m *Map) kinds() (list []meter.Kind) {
	for i := range m.entries {
		list = append(list, m.entries[i].kind)
	}
	return list
}

// Unverified names the values that nobody has compared with a display.
func (m *Map) Unverified() (list []string) {
	for i := range m.entries {
		if e := &m.entries[i]; !e.checked {
			list = append(list, e.name)
		}
	}
	return list
}

// templates are the objects of one row that tell its value.
func (e *entry) templates() (list []template) {
	for _, t := range []template{e.oid, e.exponent, e.digits, e.siScale, e.signed, e.signedMinimum, e.status} {
		if t != "" {
			list = append(list, t)
		}
	}
	return list
}

// scaled is the scale of e where a step is ten to the power of by more.
func (e *entry) scaled(by int) (meter.Scale, error) {
	if by == 0 {
		return e.scale, nil
	}
	return meter.NewScale(e.kind.Quantity, fmt.Sprintf("%se%d", e.factor, by), e.unit)
}
