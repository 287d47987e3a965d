package snmp

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"
)

func TestRows(t *testing.T) {
	sensors := map[string]any{
		"1.3.6.1.2.1.99.1.1.1.1.12": 6, "1.3.6.1.2.1.99.1.1.1.2.12": 9, "1.3.6.1.2.1.99.1.1.1.3.12": 0, "1.3.6.1.2.1.99.1.1.1.4.12": 300, "1.3.6.1.2.1.99.1.1.1.5.12": 1,
		"1.3.6.1.2.1.99.1.1.1.1.13": 6, "1.3.6.1.2.1.99.1.1.1.2.13": 9, "1.3.6.1.2.1.99.1.1.1.3.13": 1, "1.3.6.1.2.1.99.1.1.1.4.13": 4005, "1.3.6.1.2.1.99.1.1.1.5.13": 1,
		"1.3.6.1.2.1.99.1.1.1.1.14": 4, "1.3.6.1.2.1.99.1.1.1.4.14": 230, "1.3.6.1.2.1.99.1.1.1.5.14": 1,
		"1.3.6.1.2.1.47.1.1.1.1.7.12": "PSU 1 input", "1.3.6.1.2.1.47.1.1.1.1.7.13": "PSU 2 input", "1.3.6.1.2.1.47.1.1.1.1.7.14": "PSU 2 input",
	}
	const pdu2 = "1.3.6.1.4.1.13742.6."
	px := map[string]any{
		pdu2 + "3.2.1.1.4.1": "PX4-A", pdu2 + "3.2.1.1.4.2": "PX4-B",
		pdu2 + "5.2.3.1.4.1.1.5": uint32(100), pdu2 + "3.3.4.1.7.1.1.5": 0,
		pdu2 + "5.2.3.1.4.2.1.5": uint32(2001), pdu2 + "3.3.4.1.7.2.1.5": 1,
		pdu2 + "5.2.3.1.4.2.3.5": uint32(0), pdu2 + "5.2.3.1.6.2.3.5": 230, pdu2 + "3.3.4.1.7.2.3.5": 0, pdu2 + "3.3.4.1.27.2.3.5": -5000,
		pdu2 + "5.4.3.1.4.1.7.5": uint32(45), pdu2 + "3.5.4.1.7.1.7.5": 0,
	}
	geist := map[string]any{
		"1.3.6.1.4.1.21239.5.2.3.1.1.9.1": uint32(4100), "1.3.6.1.4.1.21239.5.2.3.1.1.12.1": uint32(99), "1.3.6.1.4.1.21239.5.2.3.1.1.5.1": uint32(1),
		"1.3.6.1.4.1.21239.5.2.3.6.1.12.9": uint32(33),
	}
	sentry := map[string]any{"1.3.6.1.4.1.1718.4.1.3.3.1.3.1.1": 888, "1.3.6.1.4.1.1718.4.1.3.3.1.3.2.1": 919, "1.3.6.1.4.1.1718.4.1.2.2.1.4.2": "AFXY5"}
	for name, tc := range map[string]struct {
		held         map[string]any
		profile, row string
		want         float64 // W
		says         string
	}{
		"the first PDU":                {rpdu2(1, 2), "apc-rpdu2", "", 5130, ""},
		"the second":                   {rpdu2(1, 2), "apc-rpdu2", "2", 5140, ""},
		"by serial number":             {rpdu2(1, 2, 3), "apc-rpdu2", "serial:ZA3", 5150, ""},
		"by name":                      {rpdu2(1, 2, 3), "apc-rpdu2", "name:rack 2", 5140, ""},
		"no such PDU":                  {rpdu2(1, 2), "apc-rpdu2", "3", 0, `nothing of object map apc-rpdu2 in row "3"`},
		"no such serial number":        {rpdu2(1, 2), "apc-rpdu2", "serial:ZA9", 0, `the agent has no device with serial number "ZA9"`},
		"no such name":                 {rpdu2(1, 2), "apc-rpdu2", "name:x", 0, `the agent has no row called "x"`},
		"a sensor":                     {sensors, "entity-sensor", "13", 400.5, ""},
		"a sensor by its name":         {sensors, "entity-sensor", "name:PSU 2 input", 400.5, ""},
		"a sensor of volts":            {sensors, "entity-sensor", "14", 0, "row 14 is of kind 4, and kind 6 is meant"},
		"several sensors":              {sensors, "entity-sensor", "", 0, "more than one row of its kind: rows 12 (PSU 1 input), 13 (PSU 2 input); write row: and one of them"},
		"the first inlet":              {px, "raritan-pdu2", "", 100, ""},
		"an inlet of the second PDU":   {px, "raritan-pdu2", "2.1", 200.1, ""},
		"it, by serial number":         {px, "raritan-pdu2", "serial:PX4-B", 200.1, ""},
		"its third, which is signed":   {px, "raritan-pdu2", "serial:PX4-B/3", 230, ""},
		"an outlet":                    {px, "raritan-pdu2-outlet", "1.7", 45, ""},
		"an outlet, by serial number":  {px, "raritan-pdu2-outlet", "serial:PX4-A/7", 45, ""},
		"a Geist PDU":                  {geist, "vertiv-geist", "", 4100, ""},
		"an outlet of one":             {geist, "vertiv-geist-outlet", "9", 33, ""},
		"an input cord":                {sentry, "servertech-sentry4", "", 888, ""},
		"that of a unit, by serial no": {sentry, "servertech-sentry4", "serial:AFXY5", 919, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := fakeAgent(t, tc.held)
			r := reader(t, agent(t, keys(t).as(f.addr, "")), tc.profile, tc.row)
			for range 2 {
				got, err := r.Read(within(t, 5*time.Second))
				switch {
				case tc.says != "" && (len(got) != 0 || err == nil || !strings.Contains(err.Error(), tc.says)):
					t.Errorf("%+v, %v; want %q", got, err, tc.says)
				case tc.says == "" && (len(got) == 0 || math.Abs(got[0].Number-tc.want) > 1e-9):
					t.Errorf("%+v, %v; want %g W", got, err, tc.want)
				}
			}
		})
	}
}

func TestRowsThatAreNone(t *testing.T) {
	a := agent(t, keys(t).as("127.0.0.1:9", ""))
	for _, tc := range []struct{ profile, row, says string }{
		{"apc-rpdu2", "x", "write the number of pdu, with points between if they are several, or serial: and its serial number, or name: and its name"},
		{"apc-rpdu2", "1.2", "write the number of pdu"},
		{"apc-rpdu2", "99999999999", "write the number of pdu"},
		{"apc-rpdu2", "serial:", "write serial: and the serial number"},
		{"apc-rpdu2", "serial:A/2", "write serial: and the serial number"},
		{"raritan-pdu2", "2", "write the number of pdu.inlet"},
		{"raritan-pdu2", "serial:A/2.3", "write serial: and the serial number"},
		{"raritan-pdu2", "name:x", "no names of rows are known of raritan-pdu2"},
		{"raritan-pdu2-outlet", "", "no row: raritan-pdu2-outlet has many; write row: and the number of pdu.outlet, or serial: and its serial number"},
		{"raritan-pdu2-outlet", "serial:A", "write serial: and the serial number"},
		{"vertiv-geist-outlet", "serial:A", "no serial numbers of rows are known of vertiv-geist-outlet"},
		{"ups-mib", "serial:A", "no serial numbers of rows are known of ups-mib"},
	} {
		m, err := Profile(tc.profile)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Reader(m, tc.row); err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s %q: %v; want %q", tc.profile, tc.row, err, tc.says)
		}
	}
	m, err := ParseMap("m", []byte("name: m\nvalues:\n- {measures: power, oid: 1.3.6.1, unit: W}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Reader(m, "1"); err == nil || !strings.Contains(err.Error(), "what is read has no rows") {
		t.Error(err)
	}
}

// Rows are in another order after a restart; what has a serial number is found
// again, within one reading.
func TestRowsThatChange(t *testing.T) {
	const ident, power = "1.3.6.1.4.1.318.1.1.26.2.1.", "1.3.6.1.4.1.318.1.1.26.4.3.1.5."
	for name, change := range map[string]map[string]any{
		"and say so":                      {ident + "9.1": "ZA2", ident + "9.2": "ZA1", ident + "3.1": "rack 2", ident + "3.2": "rack 1", power + "1": 514, power + "2": 513},
		"and their names come back later": {string(uptime): ticks(5), ident + "9.1": "ZA2", ident + "9.2": "ZA1", ident + "3.1": "rack 2", ident + "3.2": "rack 1", power + "1": 514, power + "2": 513},
	} {
		for _, row := range []string{"serial:ZA2", "name:rack 2"} {
			t.Run(name+" "+row, func(t *testing.T) {
				f := fakeAgent(t, rpdu2(1, 2))
				r := reader(t, agent(t, keys(t).as(f.addr, "")), "apc-rpdu2", row)
				for i := range 4 {
					got, err := r.Read(within(t, 5*time.Second))
					if err != nil || len(got) != 2 || got[0].Number != 5140 || !strings.HasPrefix(got[1].Register.Life, "ZA2 since") {
						t.Fatalf("%d: %+v, %v", i, got, err)
					}
					if i == 1 {
						f.change(change)
					}
				}
				f.change(map[string]any{ident + "9.1": gone, ident + "3.1": gone})
				if got, err := r.Read(within(t, 5*time.Second)); len(got) != 0 || err == nil {
					t.Errorf("%+v, %v", got, err)
				}
			})
		}
	}
	f := fakeAgent(t, rpdu2(1))
	f.set(func() {
		f.answers = func(p *gosnmp.SnmpPacket) {
			for i := range p.Variables {
				if v := &p.Variables[i]; p.Variables[0].Name == "."+power+"1" && v.Name == "."+ident+"9.1" {
					v.Value = "another"
				}
			}
		}
	})
	if got, err := reader(t, agent(t, keys(t).as(f.addr, "")), "apc-rpdu2", "serial:ZA1").Read(within(t, 5*time.Second)); len(got) != 0 || err == nil || !strings.Contains(err.Error(), "its rows change while they are read") {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestOIDsInOrder(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want bool
	}{{"1.3.10", "1.3.9", true}, {"1.3.9", "1.3.10", false}, {"1.3.9", "1.3.9", false}, {"1.3.9.1", "1.3.9", true}, {"1.3.9", "1.3.9.1", false}, {"1.3.4294967295", "1.3.9.9", true}} {
		if later(tc.a, tc.b) != tc.want {
			t.Errorf("%s after %s: %v", tc.a, tc.b, !tc.want)
		}
	}
}
