package redfish

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/odata"
)

func TestDecimals(t *testing.T) {
	for text, want := range map[string]string{
		"0":                            "0",
		"0.0":                          "0",
		"325675.25":                    "1172430900000000",
		"0.1":                          "360000000",
		"0.3":                          "1080000000", // no float is 0.3
		"16777216.003":                 "60397977610800000",
		"9007199254740993e-9":          "32425917317067574", // no float is the digits
		"325675.250000001":             "1172430900000003",
		"325675.2500000019":            "1172430900000006", // rounded down
		"3.2567525e5":                  "1172430900000000",
		"3.2567525E+5":                 "1172430900000000",
		"32567525e-2":                  "1172430900000000",
		"2562047788.0152":              "9223372036854720000",
		"2562047789":                   "it shows more than can be counted",
		"1e40":                         "it shows more than can be counted",
		"1e41":                         "is no reading",
		"1e999999999999999999999":      "is no reading",
		"1e-41":                        "is no reading",
		"-1":                           "is no reading",
		"":                             "is no reading",
		".":                            "is no reading",
		"1.2.3":                        "is no reading",
		"1e":                           "is no reading",
		"1e+":                          "is no reading",
		"0x10":                         "is no reading",
		"1_000":                        "is no reading",
		"NaN":                          "is no reading",
		"N/A":                          "is no reading",
		"12 kWh":                       "is no reading",
		"1,5":                          "is no reading",
		strings.Repeat("9", 41):        "is no reading",
		"0." + strings.Repeat("0", 39): "0",
	} {
		got := ""
		n, err := parseDecimal(text)
		if err == nil {
			var mj uint64
			if mj, err = n.times(kilowattHour); err == nil {
				got = fmt.Sprint(mj)
			}
		}
		if err != nil {
			got = err.Error()
		}
		if got != want && !(err != nil && strings.Contains(got, want)) {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

func TestGrains(t *testing.T) {
	for name, x := range map[string]struct {
		texts []string
		want  uint64
	}{
		"whole kWh":                       {[]string{"56438"}, kilowattHour},
		"tenths, written whole by chance": {[]string{"56438.1", "56439"}, kilowattHour / 10},
		"hundredths":                      {[]string{"1234.57"}, kilowattHour / 100},
		"a float of 32 bits":              {[]string{"325675.25"}, kilowattHour / 32},
		"one of its shortest text":        {[]string{"325675.28"}, kilowattHour / 32},
		"finer than such a float":         {[]string{"325675.251"}, kilowattHour / 1000},
		"finer than a millijoule":         {[]string{"1.00000000001"}, 1},
	} {
		var g register
		var got uint64
		for _, text := range x.texts {
			r, err := g.read(of(t, `{"Reading": `+text+`}`), "/m", "")
			if err != nil {
				t.Fatal(err)
			}
			got = r.Grain
		}
		if got != x.want {
			t.Errorf("%s: %d mJ, want %d", name, got, x.want)
		}
	}
}

// of is a resource with an EnergykWh, and what else is given.
func of(t *testing.T, energy string, more ...string) *resource {
	t.Helper()
	var d resource
	if err := odata.Lenient(json.Unmarshal([]byte(`{"EnergykWh": `+energy+strings.Join(more, "")+`}`), &d)); err != nil {
		t.Fatal(err)
	}
	return &d
}

// Which register is read, and which life it is of.
func TestRegisters(t *testing.T) {
	const (
		ever  = "/m#EnergykWh.LifetimeReading S1"
		plain = "/m#EnergykWh.Reading S1"
	)
	type step struct {
		energy, more string
		wh           uint64
		life, says   string
	}
	for name, steps := range map[string][]step{
		"over its lifetime": {
			{energy: `{"Reading": 1.5, "LifetimeReading": 400.001, "SensorResetTime": "2026-01-01T00:00:00Z"}`, wh: 400_001, life: ever},
			{energy: `{"Reading": 0.5, "LifetimeReading": 400.002, "SensorResetTime": "2026-02-01T00:00:00Z"}`, wh: 400_002, life: ever},
		},
		"the other does not stand in for it": {
			{energy: `{"Reading": 399, "LifetimeReading": 400}`, wh: 400_000, life: ever},
			{energy: `{"Reading": 400, "LifetimeReading": null}`, says: "EnergykWh.LifetimeReading: null"},
			{energy: `{"Reading": 401}`, says: "EnergykWh.LifetimeReading: not reported"},
			{energy: `{"Reading": 402, "LifetimeReading": 403}`, wh: 403_000, life: ever},
		},
		"and is left for it": {
			{energy: `{"Reading": 1.5}`, wh: 1500, life: plain},
			{energy: `{"Reading": 1.6, "LifetimeReading": 400}`, wh: 400_000, life: ever},
		},
		"a reset": {
			{energy: `{"Reading": 100}`, wh: 100_000, life: plain},
			{energy: `{"Reading": 101, "SensorResetTime": "2026-01-01T00:00:00Z"}`, wh: 101_000, life: plain + " 2026-01-01T00:00:00Z"},
			{energy: `{"Reading": 102, "SensorResetTime": null}`, wh: 102_000, life: plain + " 2026-01-01T00:00:00Z"},
			{energy: `{"Reading": 110, "SensorResetTime": "2026-01-02T00:00:00Z"}`, wh: 110_000, life: plain + " 2026-01-02T00:00:00Z"},
			{energy: `{"Reading": 0.1, "SensorResetTime": "2026-01-02T00:00:30Z"}`, wh: 100, life: plain + " 2026-01-02T00:00:30Z"},
		},
		"a clock that drifts": {
			{energy: `{"Reading": 100, "SensorResetTime": "2026-01-01T00:00:00Z"}`, wh: 100_000, life: plain + " 2026-01-01T00:00:00Z"},
			{energy: `{"Reading": 101, "SensorResetTime": "2026-01-01T00:00:50Z"}`, wh: 101_000, life: plain + " 2026-01-01T00:00:00Z"},
			{energy: `{"Reading": 102, "SensorResetTime": "2026-01-01T01:01:40+01:00"}`, wh: 102_000, life: plain + " 2026-01-01T00:00:00Z"},
			{energy: `{"Reading": 103, "SensorResetTime": "yesterday"}`, wh: 103_000, life: plain + " 2026-01-01T00:00:00Z"},
		},
		"joules where there is nothing else": {
			{energy: `null`, more: `, "EnergyJoules": {"Reading": 7200.5}`, wh: 2, life: "/m#EnergyJoules.Reading S1"},
			{energy: `{"Reading": 1}`, more: `, "EnergyJoules": 7200`, wh: 1000, life: plain},
		},
		"none":                        {{energy: `{}`, says: "it shows none; write measures: [power]"}},
		"null":                        {{energy: `{"Reading": null}`, says: "EnergykWh.Reading: null"}},
		"garbage":                     {{energy: `{"Reading": "N/A", "LifetimeReading": -4}`, says: `EnergykWh.Reading: "N/A" is no reading`}},
		"written as it should not be": {{energy: `"12.5"`, wh: 12_500, life: plain}},
	} {
		var g register
		for i, x := range steps {
			r, err := g.read(of(t, x.energy, x.more), "/m", "S1")
			if (err == nil) != (x.says == "") || err != nil && !strings.Contains(err.Error(), x.says) {
				t.Errorf("%s: %d: %v; want %s", name, i, err, x.says)
			}
			if r.Steps/3_600_000 != x.wh || r.Life != x.life {
				t.Errorf("%s: %d: %d mJ of %q", name, i, r.Steps, r.Life)
			}
		}
	}
	var g register
	if r, err := g.read(of(t, `{"Reading": 1, "SensorResetTime": "2026-01-01T02:00:00+02:00"}`), "/m", ""); err != nil || !r.Since.Equal(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%v, %v", r.Since, err)
	}
	if r, err := g.read(of(t, `{"LifetimeReading": 1, "SensorResetTime": "2026-01-01T02:00:00+02:00"}`), "/m", ""); err != nil || !r.Since.IsZero() {
		t.Errorf("over a lifetime since %v, %v", r.Since, err)
	}
}

// A decimal is what arithmetic without bounds makes of it.
func FuzzDecimal(f *testing.F) {
	for _, text := range []string{"325675.25", "1e-9", "0.0000000001", "9.999e8", "-0", "1e", ".5", "5."} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := parseDecimal(text)
		if err != nil {
			return
		}
		exact, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatalf("%q is no number", text)
		}
		exact.Mul(exact, big.NewRat(kilowattHour, 1))
		want := new(big.Int).Div(exact.Num(), exact.Denom())
		got, err := n.times(kilowattHour)
		if (err == nil) != (want.BitLen() <= 63) || err == nil && want.Uint64() != got {
			t.Errorf("%q is %d mJ, %v; want %d", text, got, err, want)
		}
	})
}

// Whatever a device writes, nothing is made up of it.
func FuzzResource(f *testing.F) {
	f.Add([]byte(`{"EnergykWh": {"Reading": "4294967295", "LifetimeReading": 1e999, "SensorResetTime": "2026-01-01T00:00:00Z"}, "PowerWatts": 5, "Status": {"State": 4}, "Members": [{"@odata.id": 5}]}`))
	f.Add([]byte(`{"EnergykWh": {"LifetimeReading": 325675.25}, "SerialNumber": null, "Status": {"State": "Absent"}, "Mains": {"@odata.id": "/redfish"}}`))
	f.Add([]byte(`[[[[[]]]]]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var d resource
		if odata.Lenient(json.Unmarshal(b, &d)) != nil {
			return
		}
		var g register
		for range 2 {
			r, err := g.read(&d, "/m", d.SerialNumber)
			if err == nil && (r.Grain == 0 || r.Life == "" || r.Steps >= 1<<63) {
				t.Errorf("%+v", r)
			}
			if err == nil && !d.electric() {
				t.Errorf("%d mJ of nothing", r.Steps)
			}
		}
		d.state()
		d.connector()
		listed(d.Members)
	})
}
