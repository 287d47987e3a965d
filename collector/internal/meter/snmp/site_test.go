package snmp

import (
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gigawatch/gigawatch/collector/site"
	"github.com/google/go-cmp/cmp"
)

// What a site file says of SNMP is read.
func TestDevicesOfASiteFile(t *testing.T) {
	s, err := site.Parse("site.yaml", site.Example)
	if err != nil {
		t.Fatal(err)
	}
	var all Agents
	var meters []meter.Meter
	for i := range s.Meters {
		m := &s.Meters[i]
		if m.Read == nil || m.Read.SNMP == nil {
			continue
		}
		r, line, err := all.Of(m.Read.SNMP)
		if err != nil {
			t.Fatal(err)
		}
		if line != "snmp "+m.Read.SNMP.Address {
			t.Errorf("%s is read by line %q", m.ID, line)
		}
		meters = append(meters, meter.Of(s, m, r, line))
	}
	if len(meters) < 4 {
		t.Errorf("%d meters", len(meters))
	}
	if _, err := meter.New(meter.Config{Meters: meters}); err != nil {
		t.Error(err)
	}
	if d := cmp.Diff(meter.Profiles(profiles), site.Profiles("snmp")); d != "" {
		t.Errorf("the profiles that a site file may name are not those that there are: %s", d)
	}
}

func TestObjectsByHand(t *testing.T) {
	f := fakeAgent(t, map[string]any{"1.3.6.1.4.1.9.1": 215, "1.3.6.1.4.1.9.2": counter32(77), "1.3.6.1.4.1.9.3": -12})
	k := keys(t)
	d := &site.SNMP{Address: f.addr, Version: "v2c", CommunityFile: k.community, Objects: []site.Object{
		{Field: site.Field{Measures: site.MeasuresTemperature, Point: "supply", Unit: "C", Scale: "0.1"}, OID: ".1.3.6.1.4.1.9.1"},
		{Field: site.Field{Measures: site.MeasuresHeat, Unit: "kWh"}, OID: "1.3.6.1.4.1.9.2"},
		{Field: site.Field{Measures: site.MeasuresPower, Unit: "kW", Invert: true}, OID: "1.3.6.1.4.1.9.3"},
	}}
	var all Agents
	r, _, err := all.Of(d)
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Read(within(t, 5*time.Second))
	same(t, []meter.Value{
		{Quantity: meter.Temperature, Point: "supply", Number: 21.5},
		{Quantity: meter.Heat, Register: meter.Register{Steps: 77, Modulus: 1 << 32, Size: meter.Size{Num: kwh, Den: 1}}},
		watts(12_000),
	}, got, err)
	for says, change := range map[string]func(*site.SNMP){
		`row "2": what is read has no rows`:                                        func(d *site.SNMP) { d.Row = "2" },
		`"L" is no unit of power`:                                                  func(d *site.SNMP) { d.Objects[2].Unit = "L" },
		`"iso.org" is no OID`:                                                      func(d *site.SNMP) { d.Objects[0].OID = "iso.org" },
		`"x" is none of the object maps that are built in: apc-rpdu2`:              func(d *site.SNMP) { d.Profile = "x" },
		"its version, user, protocols and files are the same for all meters that ": func(d *site.SNMP) { d.Version = "v3"; d.User = "meter" },
	} {
		other := *d
		other.Objects = append([]site.Object(nil), d.Objects...)
		change(&other)
		if _, _, err := all.Of(&other); err == nil || !strings.Contains(err.Error(), says) || !strings.HasPrefix(err.Error(), "snmp agent "+f.addr+": ") {
			t.Errorf("%v; want %q", err, says)
		}
	}
}

func TestAgentsOfASite(t *testing.T) {
	var s Agents
	c := AgentConfig{Address: "10.0.0.7:161", Version: "v3", User: "u", AuthFile: "a", PrivFile: "p"}
	a, err := s.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	c.AuthProtocol, c.PrivProtocol = "SHA-256", "AES"
	if b, err := s.Open(c); err != nil || a != b || a.Line() != "snmp 10.0.0.7:161" {
		t.Errorf("another agent at the same address: %v", err)
	}
	for says, c := range map[string]AgentConfig{
		"want host:port":              {},
		`"10.0.0.8": want host:port`:  {Address: "10.0.0.8", Version: "v2c", CommunityFile: "c"},
		`":161": want host:port`:      {Address: ":161", Version: "v2c", CommunityFile: "c"},
		`"h:0": want host:port`:       {Address: "h:0", Version: "v2c", CommunityFile: "c"},
		`"h:70000": want host:port`:   {Address: "h:70000", Version: "v2c", CommunityFile: "c"},
		`version "v1" is neither`:     {Address: "h:1", Version: "v1", CommunityFile: "c"},
		"the file of its community":   {Address: "h:2", Version: "v2c"},
		"the name of a user":          {Address: "h:3", Version: "v3"},
		"of 32 bytes at most":         {Address: "h:4", Version: "v3", User: strings.Repeat("u", 33)},
		"it needs auth_file":          {Address: "h:5", Version: "v3", User: "u", PrivFile: "p"},
		`no auth_protocol "SHA-3"`:    {Address: "h:6", Version: "v3", User: "u", AuthFile: "a", AuthProtocol: "SHA-3"},
		`no priv_protocol "Blowfish"`: {Address: "h:7", Version: "v3", User: "u", AuthFile: "a", PrivFile: "p", PrivProtocol: "Blowfish"},
	} {
		if _, err := s.Open(c); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v; want %q", c, err, says)
		}
	}
	if _, err := s.Open(AgentConfig{Address: "[fe80::1]:161", Version: "v3", User: "u"}); err != nil {
		t.Error(err)
	}
}
