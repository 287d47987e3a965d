package snmp

import (
	"fmt"
	"strings"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gigawatch/gigawatch/collector/setting"
)

// A RawMap mirrors an object map in a settings file; see the package.
type RawMap struct {
	Name       string      `yaml:"name"`
	Title      string      `yaml:"title"`
	RowIs      string      `yaml:"row_is"`
	Row        string      `yaml:"row"`
	MaxObjects *int        `yaml:"max_objects"`
	Values     []RawObject `yaml:"values"`
}

// A RawObject mirrors one value of it.
type RawObject struct {
	Measures      string    `yaml:"measures"`
	Point         string    `yaml:"point"`
	OID           string    `yaml:"oid"`
	Type          string    `yaml:"type"`
	Unit          string    `yaml:"unit"`
	Scale         string    `yaml:"scale"`
	Invert        bool      `yaml:"invert"`
	Sum           bool      `yaml:"sum"`
	Exponent      string    `yaml:"exponent"`
	Digits        string    `yaml:"digits"`
	SIScale       string    `yaml:"si_scale"`
	Signed        string    `yaml:"signed"`
	SignedMinimum string    `yaml:"signed_minimum"`
	Status        string    `yaml:"status"`
	StatusOK      []int64   `yaml:"status_ok"`
	NotAvailable  *[]string `yaml:"not_available"`
	RollsOverAt   *uint64   `yaml:"rolls_over_at"`
	Is            *int64    `yaml:"is"`
	Unverified    bool      `yaml:"unverified"`
}

// Limits of a map.
const (
	mostValues  = 64
	mostObjects = 60 // in a request, by the library
	usualMost   = 24 // that small agents answer in one datagram
	mostArcs    = 8  // of a row
)

// usualNone is what agents show where they know nothing.
var usualNone = []string{"-1", "4294967295"}

// ParseMap reads the text of an object map; name is for its errors, which say
// file, line and key.
func ParseMap(name string, b []byte) (*Map, error) {
	var r RawMap
	f, err := setting.Decode(name, b, &r)
	if err != nil {
		return nil, err
	}
	return r.in(f)
}

// Map makes a map of r, which stands in no file.
func (r *RawMap) Map() (*Map, error) { return r.in(setting.New("object map " + r.Name)) }

// in makes a map of r, which stands in f.
func (r *RawMap) in(f *setting.File) (*Map, error) {
	m := &Map{Name: r.Name, Title: r.Title, most: usualMost, row: r.Row}
	f.Require(r.Name != "", "name", "missing")
	if r.RowIs != "" {
		m.rowIs = strings.Split(r.RowIs, ".")
		f.Require(len(m.rowIs) <= mostArcs, "row_is", "a row of %d numbers", len(m.rowIs))
	}
	if m.row != "" {
		f.Require(validRow(m.row, len(m.rowIs)), "row", "%q is no row: write numbers for %q", m.row, r.RowIs)
	}
	if r.MaxObjects != nil {
		m.most = *r.MaxObjects
		f.Require(m.most >= 1 && m.most <= mostObjects, "max_objects", "%d is not 1 to %d objects", m.most, mostObjects)
	}
	f.Require(len(r.Values) > 0 && len(r.Values) <= mostValues, "values", "%d values; want 1 to %d", len(r.Values), mostValues)
	seen := map[string]bool{}
	for i := range r.Values {
		t := taker{Part: f.Part(fmt.Sprintf("values.%d", i)), m: m, r: &r.Values[i]}
		name := t.take()
		t.Require(!seen[name], "measures", "%s stands here twice", name)
		seen[name] = true
	}
	f.Require(len(m.entries) > 0 || len(r.Values) == 0, "values", "nothing of them is measured of the meter")
	f.Require(m.count == "" || m.sums(), "values", "rows are counted where they are summed, and no value has sum: true")
	f.Require(m.row == "" || !m.sums() && m.kind == "", "row", "where no row is said it is either this one, or a sum, or the one of a kind")
	if err := f.Err(); err != nil {
		return nil, err
	}
	return m, nil
}

// validRow reports whether s is so many numbers with points between.
func validRow(s string, arcs int) bool {
	n := 0
	for arc := range strings.SplitSeq(s, ".") {
		if n++; !number32(arc) {
			return false
		}
	}
	return n == arcs
}

// A taker makes what a value is as it is written.
type taker struct {
	setting.Part
	m *Map
	r *RawObject
}

// take takes the value, and is its name.
func (t *taker) take() string {
	r := t.r
	if q, known := meter.ParseQuantity(r.Measures); known {
		return t.quantity(q)
	}
	into := map[string]*template{"serial": &t.m.serial, "name": &t.m.name, "started": &t.m.started, "rows": &t.m.count, "kind": &t.m.kind}[r.Measures]
	if into == nil {
		t.Complain("measures", "%q is none of power, energy, energy_export, water, heat, flow, temperature, serial, name, started, rows, kind", r.Measures)
		return r.Measures
	}
	more := r.Point + r.Type + r.Unit + r.Scale + r.Exponent + r.Digits + r.SIScale + r.Signed + r.SignedMinimum + r.Status
	t.Require(more == "" && !r.Invert && !r.Sum && !r.Unverified && r.StatusOK == nil && r.NotAvailable == nil && r.RollsOverAt == nil,
		"measures", "a %s has an oid, and nothing that quantities have", r.Measures)
	t.Require((r.Measures == "kind") == (r.Is != nil), "is", "it says which number rows have that are meant, at a kind and nowhere else")
	*into = t.template("oid", r.OID)
	_, column := into.column()
	t.Require(!into.tabular() || column, "oid", "a %s has {row} or {row.1} at its end, or none", r.Measures)
	t.Require(r.Measures != "kind" || into.tabular(), "oid", "a kind is of rows, and has {row} at its end")
	t.Require(r.Measures != "rows" || !into.tabular(), "oid", "the number of rows is one, and has no {row}")
	if r.Is != nil {
		t.m.kindIs = *r.Is
	}
	return r.Measures
}

// template is an OID of the value.
func (t *taker) template(key, s string) template {
	p := template(strings.TrimPrefix(s, "."))
	if err := p.valid(); err != nil {
		t.Complain(key, "%v", err)
		return ""
	}
	t.Require(!p.tabular() || t.m.tabular(), key, "it has rows, and row_is does not say what their numbers stand for")
	return p
}

// given is an OID that may be left out.
func (t *taker) given(key, s string) template {
	if s == "" {
		return ""
	}
	return t.template(key, s)
}

func (t *taker) quantity(q meter.Quantity) string {
	r := t.r
	e := entry{
		kind: meter.Kind{Quantity: q, Point: r.Point}, unit: r.Unit, factor: r.Scale, summed: r.Sum, invert: r.Invert, checked: !r.Unverified,
		oid: t.template("oid", r.OID), exponent: t.given("exponent", r.Exponent), digits: t.given("digits", r.Digits), siScale: t.given("si_scale", r.SIScale),
		signed: t.given("signed", r.Signed), signedMinimum: t.given("signed_minimum", r.SignedMinimum),
		status: t.given("status", r.Status), statusOK: r.StatusOK, none: usualNone,
	}
	e.name = e.kind.String()
	var known bool
	e.form, known = forms[r.Type]
	t.Require(known, "type", "%q is none of integer, text, float", r.Type)
	if e.factor == "" {
		e.factor = "1"
	}
	var err error
	if e.scale, err = meter.NewScale(q, e.factor, r.Unit); err != nil {
		t.Complain("unit", "%v", err)
	} else if _, err := e.scaled(1); err != nil {
		t.Complain("scale", "%v", err)
	}
	t.Require((r.Point != "") == (q == meter.Temperature), "measures", "a temperature has a point such as supply, and nothing else has")
	t.Require(r.Is == nil, "is", "it is for a kind")
	t.Require((r.Signed == "") == (r.SignedMinimum == ""), "signed", "signed and signed_minimum go together")
	t.Require((r.Status == "") == (len(r.StatusOK) == 0), "status", "status and status_ok go together")
	t.Require(!r.Sum || e.oid.tabular() && q != meter.Temperature, "sum", "rows are summed of what has rows, and no temperatures")
	if _, column := e.oid.column(); r.Sum {
		t.Require(column && len(t.m.rowIs) == 1, "sum", "rows that are summed have one number, at the end of the oid")
	}
	if r.NotAvailable != nil {
		e.none = *r.NotAvailable
	}
	if r.RollsOverAt != nil {
		e.modulus = *r.RollsOverAt
		t.Require(e.modulus > 1, "rolls_over_at", "%d is no number of steps", e.modulus)
		t.Require(q.Counted(), "rolls_over_at", "%s does not roll over", q)
		t.Require(!r.Sum, "rolls_over_at", "where a sum rolls over cannot be told")
	}
	t.m.entries = append(t.m.entries, e)
	return e.name
}
