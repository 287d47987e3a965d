package snmp

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gosnmp/gosnmp"
)

// mapOfText is a map as it is written.
func mapOfText(t testing.TB, values string) *Map {
	t.Helper()
	m, err := ParseMap("map.yaml", []byte("name: m\nrow_is: row\nrow: \"1\"\nvalues:\n"+values))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// What an object is taken for, whichever type an agent gives it.
func TestObjects(t *testing.T) {
	power, energy := "measures: power, unit: W", "measures: energy, unit: Wh"
	for name, tc := range map[string]struct {
		entry string
		v     any
		more  map[string]any // below 1.3.9
		want  float64        // W; of a register Wh
		says  string         // "missing": nothing is said
	}{
		"an integer":                       {power, 512, nil, 512, ""},
		"a gauge":                          {power, uint32(512), nil, 512, ""},
		"scaled":                           {"measures: power, unit: kW, scale: 0.01", 512, nil, 5120, ""},
		"turned round":                     {power + ", invert: true", -512, nil, 512, ""},
		"less than zero":                   {power, -512, nil, -512, ""},
		"a float":                          {power, float32(512.5), nil, 512.5, ""},
		"a double":                         {power, 512.25, nil, 512.25, ""},
		"written out":                      {power, "512.25", nil, 512.25, ""},
		"written out, with spaces":         {power, " -512 ", nil, -512, ""},
		"minus one":                        {power, -1, nil, 0, "missing"},
		"minus one, written out":           {power, "-1", nil, 0, "missing"},
		"minus one, as a float":            {power, float32(-1), nil, 0, "missing"},
		"minus one, without a sign":        {power, uint32(math.MaxUint32), nil, 0, "missing"},
		"minus one, which is a number":     {power + ", not_available: []", -1, nil, -1, ""},
		"a code of the map":                {power + ", not_available: [N/A]", "N/A", nil, 0, "missing"},
		"no number":                        {power, math.NaN(), nil, 0, "missing"},
		"null":                             {power, nil, nil, 0, "missing"},
		"an empty text":                    {power, "", nil, 0, "missing"},
		"not there":                        {power, gone, nil, 0, "has nothing of object map m"},
		"infinite":                         {power, math.Inf(1), nil, 0, "reads +Inf, which is no reading"},
		"next to nothing":                  {power, 1e-30, nil, 0, "reads 1e-30, which is no reading"},
		"a text that is no number":         {power, "12,5 W", nil, 0, `reads "12,5 W", which is no decimal number`},
		"a text of another type":           {power + ", type: integer", "12", nil, 0, "power is of type text, and integer is expected"},
		"an integer of another type":       {power + ", type: text", 12, nil, 0, "power is of type integer, and text is expected"},
		"a register":                       {energy, counter32(123456), nil, 123456, ""},
		"a register of 64 bits":            {energy, uint64(987654321012), nil, 987654321012, ""},
		"a register that is written out":   {energy, "987654321012.5", nil, 987654321012.5, ""},
		"a register as a float":            {energy, 123456789.25, nil, 123456789.25, ""},
		"a register below zero":            {energy, -5, nil, 0, "energy reads -5, and a register of energy does not go below zero"},
		"a register of minus one":          {energy, -1, nil, 0, "missing"},
		"with an exponent":                 {power + ", exponent: 1.3.9.1", 512, map[string]any{"1": 2}, 51200, ""},
		"with digits":                      {power + ", digits: 1.3.9.1", 512, map[string]any{"1": 2}, 5.12, ""},
		"with digits below zero":           {power + ", digits: 1.3.9.1", 512, map[string]any{"1": -2}, 512, ""},
		"a register with digits":           {energy + ", digits: 1.3.9.1", uint32(4294967290), map[string]any{"1": uint32(3)}, 4294967.290, ""},
		"with digits that are not there":   {power + ", digits: 1.3.9.1", 512, map[string]any{"2": 0}, 0, "is not known: its number of decimal digits is not there"},
		"with digits that are not known":   {power + ", digits: 1.3.9.1", 512, map[string]any{"1": nil}, 0, "missing"},
		"with too many digits":             {power + ", digits: 1.3.9.1", 512, map[string]any{"1": 99}, 0, "is not known: its number of decimal digits reads 99"},
		"of kilo":                          {power + ", si_scale: 1.3.9.1", 512, map[string]any{"1": 10}, 512000, ""},
		"of milli, with digits":            {power + ", si_scale: 1.3.9.1, digits: 1.3.9.2", 512, map[string]any{"1": 8, "2": 1}, 0.0512, ""},
		"of no SI scale":                   {power + ", si_scale: 1.3.9.1", 512, map[string]any{"1": 0}, 0, "is not known: its SI scale reads 0"},
		"of yotta":                         {power + ", si_scale: 1.3.9.1", 512, map[string]any{"1": 17}, 0, "is not known: its SI scale reads 17"},
		"with an exponent that is text":    {power + ", exponent: 1.3.9.1", 512, map[string]any{"1": "x"}, 0, `is not known: its exponent reads "x"`},
		"with a fraction for an exponent":  {power + ", exponent: 1.3.9.1", 512, map[string]any{"1": "0.5"}, 0, "is not known: its exponent is no whole number"},
		"of good status":                   {power + ", status: 1.3.9.1, status_ok: [1]", 512, map[string]any{"1": 1}, 512, ""},
		"unavailable":                      {power + ", status: 1.3.9.1, status_ok: [1]", 0, map[string]any{"1": 2}, 0, "missing"},
		"of a status that is not known":    {power + ", status: 1.3.9.1, status_ok: [1]", 0, map[string]any{"1": "bad"}, 0, "missing"},
		"of a status that is not there":    {power + ", status: 1.3.9.1, status_ok: [1]", 512, map[string]any{"2": 1}, 512, ""},
		"signed":                           {power + ", signed: 1.3.9.1, signed_minimum: 1.3.9.2", uint32(0), map[string]any{"1": -512, "2": -4000}, -512, ""},
		"not signed":                       {power + ", signed: 1.3.9.1, signed_minimum: 1.3.9.2", uint32(512), map[string]any{"1": 0, "2": 0}, 512, ""},
		"not signed, as old agents have":   {power + ", signed: 1.3.9.1, signed_minimum: 1.3.9.2", uint32(512), map[string]any{"3": 0}, 512, ""},
		"signed, and the column is absent": {power + ", signed: 1.3.9.1, signed_minimum: 1.3.9.2", uint32(0), map[string]any{"2": -1000}, 0, "has nothing of object map m"},
	} {
		t.Run(name, func(t *testing.T) {
			m := mapOfText(t, "- {oid: 1.3.8.1, "+tc.entry+"}\n")
			r := &Reader{m: m, rows: []string{"1"}, got: map[meter.Kind]number{}}
			f := &fake{held: map[string]any{"1.3.8.1": tc.v}}
			for at, v := range tc.more {
				f.held["1.3.9."+at] = v
			}
			if tc.v == gone {
				delete(f.held, "1.3.8.1")
			}
			answers := map[string]gosnmp.SnmpPDU{}
			for _, oid := range r.oids() {
				answers[oid] = received(f.at(oid))
			}
			list, err := r.values(answers, nil)
			if tc.says != "" {
				if len(list) != 0 || (err == nil) != (tc.says == "missing") || err != nil && !strings.Contains(err.Error(), tc.says) {
					t.Errorf("%+v, %v; want %q", list, err, tc.says)
				}
				return
			}
			if err != nil || len(list) != 1 {
				t.Fatalf("%+v, %v", list, err)
			}
			got := list[0].Number
			if g := list[0].Register; list[0].Quantity.Counted() {
				got = float64(g.Steps) * float64(g.Size.Num) / float64(g.Size.Den) / (kwh / 1000)
			}
			if math.Abs(got-tc.want) > 1e-9*math.Abs(tc.want) {
				t.Errorf("%g, want %g", got, tc.want)
			}
		})
	}
}

// received is v as it comes over the wire.
func received(v gosnmp.SnmpPDU) gosnmp.SnmpPDU {
	switch x := v.Value.(type) {
	case string:
		v.Value = []byte(x)
	case uint32:
		if v.Type != gosnmp.TimeTicks {
			v.Value = uint(x)
		}
	}
	return v
}

func TestWhereRegistersRollOver(t *testing.T) {
	for name, tc := range map[string]struct {
		entry string
		v     any
		want  uint64
	}{
		"a counter":                 {"", counter32(7), 1 << 32},
		"a gauge":                   {"", uint32(7), 0},
		"an integer":                {"", 7, 0},
		"64 bits":                   {"", uint64(7), 0},
		"a display of six digits":   {", rolls_over_at: 1000000", 7, 1e6},
		"one that is beyond it now": {", rolls_over_at: 1000000", 1234567, 0},
		"a counter with a display":  {", rolls_over_at: 1000000", counter32(7), 1e6},
	} {
		m := mapOfText(t, "- {measures: energy, oid: 1.3.8.1, unit: kWh, scale: 0.1"+tc.entry+"}\n")
		e := &m.entries[0]
		f := &fake{held: map[string]any{"1.3.8.1": tc.v}}
		n, err := decode(received(f.at("1.3.8.1")), e.form, e.none)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := e.value(n); err != nil || v.Register.Modulus != tc.want {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
	}
}

// A sum that lacks a part is no sum.
func TestSumsOfLines(t *testing.T) {
	k := keys(t)
	column, count := "1.3.6.1.2.1.33.1.4.4.1.4.", "1.3.6.1.2.1.33.1.4.3.0"
	f := fakeAgent(t, map[string]any{column + "1": 1000, column + "2": 2000, column + "3": 3500, count: 3, string(uptime): ticks(500)})
	a := agent(t, k.as(f.addr, ""))
	all, second := reader(t, a, "ups-mib", ""), reader(t, a, "ups-mib", "2")
	read := func(r *Reader, want float64, says string) {
		t.Helper()
		got, err := r.Read(within(t, 5*time.Second))
		switch {
		case says == "" && (err != nil || len(got) != 1 || got[0].Number != want), says == "missing" && (len(got) != 0 || err != nil),
			says != "" && says != "missing" && (len(got) != 0 || err == nil || !strings.Contains(err.Error(), says)):
			t.Errorf("%+v, %v; want %g %q", got, err, want, says)
		}
	}
	read(all, 6500, "")
	read(second, 2000, "")
	f.change(map[string]any{column + "2": -1})
	read(all, 0, "missing")
	read(second, 0, "missing")
	f.change(map[string]any{column + "2": gone})
	read(all, 0, "in row \"1, 2, 3\"")
	f.change(map[string]any{count: 1})
	read(all, 1000, "")
	f.change(map[string]any{count: 3, column + "2": 0})
	read(all, 4500, "")
	f.change(map[string]any{count: gone, string(uptime): ticks(7)}) // it was started anew, and says no number
	read(all, 4500, "")
	f.change(map[string]any{column + "4": 1, string(uptime): ticks(3)})
	read(all, 4501, "")
	f.change(map[string]any{column + "1": gone, column + "2": gone, column + "3": gone, column + "4": gone})
	read(all, 0, "has nothing of object map ups-mib")
	f.change(map[string]any{string(uptime): ticks(1)})
	read(all, 0, "the agent has 0 rows of line")
	in := fakeAgent(t, map[string]any{"1.3.6.1.2.1.33.1.3.3.1.5.1": 0, "1.3.6.1.2.1.33.1.3.2.0": 1})
	read(reader(t, agent(t, k.as(in.addr, "")), "ups-mib-input", ""), 0, "") // on battery
}

func FuzzObject(f *testing.F) {
	f.Add(uint8(0), int64(512), "12.5", -1.5, int64(2), int64(10), int64(-3))
	f.Add(uint8(3), int64(math.MinInt64), "-0", math.Inf(1), int64(-9), int64(17), int64(math.MaxInt64))
	f.Add(uint8(5), int64(-1), "18446744073709551615", 1e300, int64(18), int64(1), int64(0))
	m := mapOfText(f, `- {measures: power, oid: 1.3.8.1, unit: kW, scale: 0.01, digits: 1.3.9.1, si_scale: 1.3.9.2, exponent: 1.3.9.3}
- {measures: energy, oid: 1.3.8.1, unit: kWh, scale: 0.1, digits: 1.3.9.1}
- {measures: water, oid: 1.3.8.1, unit: L, rolls_over_at: 1000000}
`)
	f.Fuzz(func(t *testing.T, kind uint8, i int64, s string, x float64, digits, si, exponent int64) {
		var v any
		switch kind % 8 {
		case 0:
			v = int(i)
		case 1:
			v = uint(i)
		case 2:
			v = uint32(i)
		case 3:
			v = uint64(i)
		case 4:
			v = float32(x)
		case 5:
			v = x
		case 6:
			v = []byte(s)
		}
		say := func(t template) gosnmp.SnmpPDU {
			p := gosnmp.SnmpPDU{Name: string(t), Type: gosnmp.Asn1BER(kind), Value: v}
			switch t {
			case "1.3.9.1":
				p.Type, p.Value = gosnmp.Integer, int(digits)
			case "1.3.9.2":
				p.Type, p.Value = gosnmp.Integer, int(si)
			case "1.3.9.3":
				p.Type, p.Value = gosnmp.Integer, int(exponent)
			}
			return p
		}
		for k := range m.entries {
			e := &m.entries[k]
			n, err := e.sum([]string{"1"}, func(t template, _ string) gosnmp.SnmpPDU { return say(t) })
			if err != nil {
				continue
			}
			got, err := e.value(n)
			switch {
			case err != nil:
			case math.IsNaN(got.Number) || math.IsInf(got.Number, 0):
				t.Errorf("%v reads %g", v, got.Number)
			case got.Quantity.Counted() && (got.Register.Size.Den == 0 || got.Register.Size.Num == 0):
				t.Errorf("%v is %+v", v, got.Register)
			case got.Register.Modulus > 0 && got.Register.Steps >= got.Register.Modulus:
				t.Errorf("%v is %+v", v, got.Register)
			case n.Number == -1 && n.by == 0:
				t.Errorf("%v is not missing", v)
			}
		}
		written(say("1.3.8.1"))
		if _, err := small(say("1.3.8.1")); errors.Is(err, errMoved) {
			t.Error(err)
		}
	})
}
