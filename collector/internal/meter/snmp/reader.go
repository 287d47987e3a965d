package snmp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gosnmp/gosnmp"
)

// A Reader reads one meter of an agent. It is used by one goroutine.
type Reader struct {
	a   *Agent
	m   *Map
	row selector

	rows []string // that were found; none: they are to be looked for
	up   uint64   // uptime of the agent then, and since
	told [2]bool  // the serial number and the start of counting were read once
	got  map[meter.Kind]number
}

// Reader reads what map m makes of a row of a's tables; see the package for how a
// row is written.
func (a *Agent) Reader(m *Map, row string) (*Reader, error) {
	s, err := m.selectorOf(row)
	if err != nil {
		return nil, err
	}
	return &Reader{a: a, m: m, row: s, got: map[meter.Kind]number{}}, nil
}

// Gives is what the map says.
func (r *Reader) Gives() []meter.Kind { return r.m.kinds() }

// errMoved says that the rows of the agent are no longer those that were found.
var errMoved = errors.New("its rows change while they are read")

// Read asks for all values of the map. Some may be lacking where the agent does not
// have their objects.
func (r *Reader) Read(ctx context.Context) (list []meter.Value, err error) {
	err = r.a.do(ctx, func(s *session) error {
		var err error
		if list, err = r.read(s); errors.Is(err, errMoved) {
			list, err = r.read(s)
		}
		return err
	})
	if err != nil {
		err = fmt.Errorf("%s: %w", r.a.c.line(), err)
	}
	return list, err
}

func (r *Reader) read(s *session) ([]meter.Value, error) {
	var err error
	if r.rows == nil {
		r.up = 0
		if r.rows, err = r.row.find(s, r.m); err != nil {
			return nil, err
		}
	}
	s.bound = r.m.most
	answers, refused, err := s.ask(r.oids())
	if err != nil {
		return nil, err
	}
	if r.row.looked(r.m) && !r.still(answers) {
		r.rows = nil
		return nil, errMoved
	}
	if oid := r.m.kind.at(r.rows[0]); oid != "" && len(r.rows) == 1 {
		if is, ok := written(answers[oid]); ok && is != fmt.Sprint(r.m.kindIs) {
			return nil, fmt.Errorf("row %s is of kind %s, and kind %d is meant", r.rows[0], is, r.m.kindIs)
		}
	}
	return r.values(answers, refused)
}

// oids are the objects of all values, and those that show that they are still what
// they were.
func (r *Reader) oids() (list []string) {
	add := func(t template, row string) {
		if oid := t.at(row); t != "" && !slices.Contains(list, oid) {
			list = append(list, oid)
		}
	}
	for i := range r.m.entries {
		e := &r.m.entries[i]
		for _, row := range r.of(e) {
			for _, t := range e.templates() {
				add(t, row)
			}
		}
	}
	first := r.rows[0]
	add(r.m.serial, first)
	add(r.m.started, first)
	if len(r.rows) == 1 {
		add(r.m.kind, first)
	}
	if !r.row.looked(r.m) {
		return list
	}
	add(uptime, "")
	if r.row.name != "" {
		add(r.m.name, first)
	}
	if r.row.name == "" && r.m.sums() {
		add(r.m.count, "")
	}
	return list
}

// of are the rows that an entry is of.
func (r *Reader) of(e *entry) []string {
	if e.summed {
		return r.rows
	}
	return r.rows[:1]
}

// still reports whether the rows that were looked for are still those.
func (r *Reader) still(answers map[string]gosnmp.SnmpPDU) bool {
	first := r.rows[0]
	holds := func(t template, want string) bool {
		is, ok := written(answers[t.at(first)])
		return ok && is == want
	}
	if n, err := decode(answers[string(uptime)], anyForm, nil); err == nil {
		if n.Steps < r.up {
			return false
		}
		r.up = n.Steps
	}
	switch {
	case r.row.serial != "":
		return holds(r.m.serial, r.row.serial)
	case r.row.name != "" && !holds(r.m.name, r.row.name):
		return false
	case r.m.kind != "":
		return holds(r.m.kind, fmt.Sprint(r.m.kindIs))
	case r.row.name == "" && r.m.count != "":
		n, err := small(answers[string(r.m.count)])
		return err != nil || n < 1 || n > mostSummed || n == int64(len(r.rows))
	}
	return true
}

// values is what answers mean.
func (r *Reader) values(answers map[string]gosnmp.SnmpPDU, refused []error) (list []meter.Value, err error) {
	errs := refused
	clear(r.got)
	gone := 0
	for i := range r.m.entries {
		e := &r.m.entries[i]
		n, err := e.sum(r.of(e), func(t template, row string) gosnmp.SnmpPDU {
			if v, ok := answers[t.at(row)]; ok {
				return v
			}
			return gosnmp.SnmpPDU{Type: gosnmp.Null}
		})
		var v meter.Value
		if err == nil {
			r.got[e.kind] = n
			v, err = e.value(n)
		}
		switch {
		case err == nil:
			list = append(list, v)
		case errors.Is(err, errMissing):
		case errors.Is(err, errNoObject):
			gone++
			errs = append(errs, fmt.Errorf("%s %w: the agent has no object %s", e.name, err, e.oid.at(r.rows[0])))
		default:
			errs = append(errs, fmt.Errorf("%s %w", e.name, err))
		}
	}
	if gone == len(r.m.entries) {
		return nil, fmt.Errorf("the agent has nothing of object map %s in row %q, such as %s: another profile or row is needed, or what it lets us see is too little",
			r.m.Name, strings.Join(r.rows, ", "), r.m.entries[0].oid.at(r.rows[0]))
	}
	life := r.life(answers)
	for i := range list {
		if list[i].Quantity.Counted() {
			list[i].Register.Life = life
		}
	}
	return list, errors.Join(errs...)
}

// life is what tells this life of the registers from others, "" while it is not
// known in whole.
func (r *Reader) life(answers map[string]gosnmp.SnmpPDU) string {
	var parts []string
	for i, t := range []template{r.m.serial, r.m.started} {
		if t == "" {
			continue
		}
		is, ok := written(answers[t.at(r.rows[0])])
		if !ok && r.told[i] {
			return ""
		}
		if ok {
			r.told[i] = true
			parts = append(parts, []string{"", "since "}[i]+is)
		}
	}
	return strings.Join(parts, " ")
}

// Otherwise is what the last reading would be in another scale, where a person
// wrote the scale.
func (r *Reader) Otherwise(k meter.Kind) (list []meter.Otherwise) {
	n, ok := r.got[k]
	i := slices.IndexFunc(r.m.entries, func(e entry) bool { return e.kind == k })
	if !ok || !r.m.own || i < 0 || k.Quantity == meter.Temperature {
		return nil
	}
	e := &r.m.entries[i]
	for by, said := range []string{"", "a tenth", "a hundredth", "a thousandth"} {
		scale, err := e.scaled(n.by - by)
		if err == nil && by > 0 {
			list = append(list, meter.Otherwise{Setting: said + " of its scale, or less,", Number: scale.Gauge(n.Number)})
		}
	}
	return list
}
