package snmp

import (
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
)

// What is built in can be read, row by row.
func TestProfiles(t *testing.T) {
	a := agent(t, keys(t).as("127.0.0.1:9", ""))
	for _, name := range meter.Profiles(profiles) {
		m, err := Profile(name)
		if err != nil {
			t.Fatal(err)
		}
		if m.Name != name || m.Title == "" {
			t.Errorf("%s is called %q, %q", name, m.Name, m.Title)
		}
		row := strings.Repeat(".1", len(m.rowIs))[1:]
		r, err := a.Reader(m, row)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Gives()) == 0 || r.Gives()[0] != (meter.Kind{Quantity: meter.Power}) {
			t.Errorf("%s gives %v", name, r.Gives())
		}
		r.rows = []string{row}
		if n := len(r.oids()); n > usualMost {
			t.Errorf("%s asks for %d objects", name, n)
		}
		for _, oid := range r.oids() {
			if err := template(oid).valid(); err != nil || template(oid).tabular() {
				t.Errorf("%s: %s, %v", name, oid, err)
			}
		}
	}
	m, err := Profile("vertiv-geist-outlet")
	if err != nil || len(m.Unverified()) != 1 {
		t.Errorf("%v, %v", m, err)
	}
	if _, err := Profile("../doc"); err == nil {
		t.Error("a profile from elsewhere")
	}
}

func TestWhatIsWrongWithAMap(t *testing.T) {
	ok := "- {measures: power, oid: \"1.3.6.1.{row}\", unit: W}\n"
	for name, tc := range map[string]struct{ head, values, says string }{
		"nothing at all":            {"title: m\n", "", "values: 0 values; want 1 to 64"},
		"an unknown key":            {"name: m\n", "- {measure: power}\n", "map.yaml:5: measure: no such key"},
		"no name":                   {"title: x\n", ok, "name: missing"},
		"an unknown quantity":       {"name: m\n", "- {measures: light, oid: 1.3.6.1, unit: W}\n", `"light" is none of power`},
		"no OID":                    {"name: m\n", "- {measures: power, unit: W}\n", `"" is no OID`},
		"an OID with a name":        {"name: m\n", "- {measures: power, oid: iso.3.6.1, unit: W}\n", `"iso.3.6.1" is no OID`},
		"an OID with a large part":  {"name: m\n", "- {measures: power, oid: 1.3.4294967296, unit: W}\n", "is no OID"},
		"an OID of nobody":          {"name: m\n", "- {measures: power, oid: 7.3.6.1, unit: W}\n", "it begins with 1.3"},
		"an OID of one number":      {"name: m\n", "- {measures: power, oid: \"1\", unit: W}\n", "it begins with 1.3"},
		"two holes":                 {"name: m\n", "- {measures: power, oid: \"1.3.{row}.{row}\", unit: W}\n", "is no OID"},
		"rows of nothing":           {"name: m\nrow_is: \"\"\n", "- {measures: power, oid: \"1.3.6.{row}\", unit: W}\n", "row_is does not say"},
		"a row of text":             {"name: m\nrow: x\n", ok, `"x" is no row`},
		"a row of too many numbers": {"name: m\nrow: \"1.2\"\n", ok, `"1.2" is no row`},
		"no unit":                   {"name: m\n", "- {measures: power, oid: 1.3.6.1}\n", `"" is no unit of power`},
		"a scale below zero":        {"name: m\n", "- {measures: power, oid: 1.3.6.1, unit: W, scale: -1}\n", `"-1" is no number above zero`},
		"a scale with an exponent":  {"name: m\n", "- {measures: power, oid: 1.3.6.1, unit: W, scale: 1e-2}\n", `is no number above zero`},
		"the same twice":            {"name: m\n", ok + ok, "power stands here twice"},
		"serial numbers alone":      {"name: m\n", "- {measures: serial, oid: \"1.3.6.1.{row}\"}\n", "nothing of them is measured"},
		"a serial with a unit":      {"name: m\n", ok + "- {measures: serial, oid: 1.3.6.1, unit: W}\n", "a serial has an oid, and nothing that quantities have"},
		"a serial in the middle":    {"name: m\n", ok + "- {measures: serial, oid: \"1.3.6.{row}.1\"}\n", "has {row} or {row.1} at its end"},
		"a kind of nothing":         {"name: m\n", ok + "- {measures: kind, oid: \"1.3.6.{row}\"}\n", "it says which number rows have"},
		"a kind without rows":       {"name: m\n", ok + "- {measures: kind, oid: 1.3.6.1, is: 1}\n", "a kind is of rows"},
		"a power of a kind":         {"name: m\n", "- {measures: power, oid: 1.3.6.1, unit: W, is: 1}\n", "it is for a kind"},
		"rows that are not summed":  {"name: m\n", ok + "- {measures: rows, oid: 1.3.6.1}\n", "no value has sum: true"},
		"many numbers of rows":      {"name: m\n", "- {measures: power, oid: \"1.3.6.1.{row}\", unit: W, sum: true}\n- {measures: rows, oid: \"1.3.6.{row}\"}\n", "the number of rows is one"},
		"a sum of one":              {"name: m\n", "- {measures: power, oid: 1.3.6.1, unit: W, sum: true}\n", "rows are summed of what has rows"},
		"a sum in the middle":       {"name: m\n", "- {measures: power, oid: \"1.3.6.{row}.1\", unit: W, sum: true}\n", "rows that are summed have one number, at the end"},
		"a sum, and a usual row":    {"name: m\nrow: \"1\"\n", "- {measures: power, oid: \"1.3.6.{row}\", unit: W, sum: true}\n", "either this one, or a sum"},
		"a sum of degrees":          {"name: m\n", "- {measures: temperature, point: a, oid: \"1.3.6.{row}\", unit: C, sum: true}\n", "no temperatures"},
		"a temperature of nothing":  {"name: m\n", "- {measures: temperature, oid: 1.3.6.1, unit: C}\n", "a temperature has a point"},
		"a power at a point":        {"name: m\n", "- {measures: power, point: a, oid: 1.3.6.1, unit: W}\n", "a temperature has a point"},
		"an unknown type":           {"name: m\n", "- {measures: power, oid: 1.3.6.1, unit: W, type: u32}\n", `"u32" is none of integer, text, float`},
		"half of signed":            {"name: m\n", "- {measures: power, oid: 1.3.6.1, unit: W, signed: 1.3.6.2}\n", "signed and signed_minimum go together"},
		"half of a status":          {"name: m\n", "- {measures: power, oid: 1.3.6.1, unit: W, status: 1.3.6.2}\n", "status and status_ok go together"},
		"a power that rolls over":   {"name: m\n", "- {measures: power, oid: 1.3.6.1, unit: W, rolls_over_at: 100}\n", "power does not roll over"},
		"rolling over at one":       {"name: m\n", "- {measures: energy, oid: 1.3.6.1, unit: Wh, rolls_over_at: 1}\n", "1 is no number of steps"},
		"a sum that rolls over":     {"name: m\n", "- {measures: energy, oid: \"1.3.6.{row}\", unit: Wh, sum: true, rolls_over_at: 100}\n", "where a sum rolls over cannot be told"},
		"no objects at once":        {"name: m\nmax_objects: 0\n", ok, "0 is not 1 to 60 objects"},
		"too many objects at once":  {"name: m\nmax_objects: 61\n", ok, "61 is not 1 to 60 objects"},
	} {
		t.Run(name, func(t *testing.T) {
			text := tc.head
			if !strings.Contains(text, "row_is") {
				text += "row_is: row\n"
			}
			if !strings.Contains(text, "max_objects") {
				text += "max_objects: 10\n"
			}
			_, err := ParseMap("map.yaml", []byte(text+"values:\n"+tc.values))
			if err == nil || !strings.Contains(err.Error(), tc.says) || !strings.HasPrefix(err.Error(), "map.yaml") {
				t.Errorf("%v; want %q", err, tc.says)
			}
		})
	}
}

func FuzzParseMap(f *testing.F) {
	for _, name := range meter.Profiles(profiles) {
		b, err := profiles.ReadFile("profiles/" + name + ".yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseMap("map.yaml", b)
		if err != nil {
			return
		}
		a := agent(t, AgentConfig{Address: "h:1", Version: "v2c", CommunityFile: "c"})
		for _, row := range []string{"", "1", "1.1", "serial:A", "serial:A/1", "name:x"} {
			r, err := a.Reader(m, row)
			if err != nil {
				continue
			}
			if r.rows = []string{row}; r.row.looked(m) || row == "" {
				r.rows = []string{strings.TrimSuffix(strings.Repeat("1.", len(m.rowIs)), ".")}
			}
			for _, oid := range r.oids() {
				if err := template(oid).valid(); err != nil || strings.Contains(oid, "{") {
					t.Errorf("row %q: %s, %v", row, oid, err)
				}
			}
			if _, err := r.values(nil, nil); err != nil {
				t.Error(err)
			}
		}
	})
}
