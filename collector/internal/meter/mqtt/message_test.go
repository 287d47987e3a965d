package mqtt

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/meter"
	"github.com/gigawatch/gigawatch/collector/site"
)

func TestMessages(t *testing.T) {
	for name, tc := range map[string]struct {
		in   string
		want any
		says string
	}{
		"an object":               {`{"p": 1.50, "a": [1, null]}`, map[string]any{"p": json.Number("1.50"), "a": []any{json.Number("1"), nil}}, ""},
		"a number":                {`12.5`, json.Number("12.5"), ""},
		"a mark of byte order":    {"\ufeff{}", map[string]any{}, ""},
		"a zero at the end":       {"{}\x00", map[string]any{}, ""},
		"NaN of Python":           {`{"p": NaN, "q":-Infinity,"r":[Infinity]}`, map[string]any{"p": nil, "q": nil, "r": []any{nil}}, ""},
		"nan of C":                {`{"p": nan,"q":-inf}`, map[string]any{"p": nil, "q": nil}, ""},
		"NaN in words":            {`{"NaN": "NaN, \" NaN"}`, map[string]any{"NaN": `NaN, " NaN`}, ""},
		"half":                    {`{"p": 12.`, nil, `9 bytes that are no JSON: it ends in the middle: "{\"p\": 12."`},
		"two":                     {`{} {}`, nil, "there is more after it"},
		"words":                   {`hello`, nil, "no JSON"},
		"Sparkplug":               {"\x08\xc4\x89\x89\x83\xd3\x2c", nil, "no JSON"},
		"nothing":                 {" \n", nil, "nothing in it"},
		"NaN that goes on":        {`{"p": NaNa}`, nil, "no JSON"},
		"as deep as can be":       {strings.Repeat("[", deepest) + strings.Repeat("]", deepest), nested(deepest), ""},
		"too deep":                {strings.Repeat("[", 100000), nil, "more than 32 levels"},
		"brackets in words":       {`"` + strings.Repeat("[", 100) + `"`, strings.Repeat("[", 100), ""},
		"too long":                {`"` + strings.Repeat("x", mostBytes) + `"`, nil, "more than 262144 bytes"},
		"a secret is not shouted": {strings.Repeat("x", 100), nil, `"` + strings.Repeat("x", longestShown) + `…"`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parse([]byte(tc.in))
			if (err == nil) != (tc.says == "") || err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%v; want %q", err, tc.says)
			}
			if err == nil && !reflect.DeepEqual(got, tc.want) {
				t.Errorf("%v, want %v", got, tc.want)
			}
		})
	}
}

func nested(n int) any {
	v := []any{}
	for range n - 1 {
		v = []any{v}
	}
	return v
}

func TestPaths(t *testing.T) {
	const said = `{"p": 1, "a": {"b": {"c": 2}, "b.c": 3}, "m": [{"p": 4}, {"p": 5}], "1.8.0": 6, "x": {"y.z": {"w": 7}}, "long": "text", "with space": 8}`
	for path, want := range map[string]string{
		"p": "1", "a.b.c": "2", "m.1.p": "5", "1.8.0": "6", "x.y.z.w": "7", "with space": "8",
		"power":  "it has 1.8.0, a, long, m, p, \"with space\", x",
		"a.b.d":  `"a.b" has c`,
		"m.2.p":  `"m" is a list of 2`,
		"m.p":    `"m" is a list of 2`,
		"m.-1":   `"m" is a list of 2`,
		"p.q":    `"p" is 1; the path of nothing but a value is a dot`,
		"long.q": `"long" is "text"`,
	} {
		t.Run(path, func(t *testing.T) {
			m, err := parse([]byte(said))
			if err != nil {
				t.Fatal(err)
			}
			names := strings.Split(path, ".")
			got := ""
			if v, ok := find(m, names); ok {
				got = sort(v)
			} else {
				got = lacks(m, names)
			}
			if got != want && !(strings.HasPrefix(got, want) && strings.Contains(got, "is ")) {
				t.Errorf("%s; want %s", got, want)
			}
		})
	}
	m, _ := parse([]byte("17"))
	if v, ok := find(m, nil); !ok || v != json.Number("17") {
		t.Error(v)
	}
	if got := lacks(m, []string{"p"}); got != "it is 17; the path of nothing but a value is a dot" {
		t.Error(got)
	}
	many := map[string]any{}
	for c := 'a'; c <= 'z'; c++ {
		many[string(c)] = nil
	}
	if got := lacks(many, []string{"p2"}); got != "it has a, b, c, d, e, f, g, h, i, j, k, l and 14 more" {
		t.Error(got)
	}
}

func TestTimesOfMessages(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		path, in string
		want     time.Time
		says     string
	}{
		"RFC 3339":                      {"", `{"time": "2026-11-22T11:00:00+01:00"}`, at, ""},
		"another name":                  {"", `{"timestamp": "2026-11-22T10:00:00.250Z"}`, at.Add(250 * time.Millisecond), ""},
		"s":                             {"", `{"ts": 1795341600}`, at, ""},
		"s with a fraction":             {"", `{"ts": 1795341600.25}`, at.Add(250 * time.Millisecond), ""},
		"s in words":                    {"", `{"ts": "1795341600"}`, at, ""},
		"s with an exponent":            {"", `{"ts": 1.7953416e9}`, at, ""},
		"ms":                            {"", `{"ts": 1795341600250}`, at.Add(250 * time.Millisecond), ""},
		"µs":                            {"", `{"ts": 1795341600000250}`, at.Add(250 * time.Microsecond), ""},
		"ns":                            {"", `{"ts": 1795341600000000250}`, at.Add(250), ""},
		"a path":                        {"meta.0.at", `{"meta": [{"at": "2026-11-22 10:00:00+0000"}]}`, at, ""},
		"none":                          {"", `{"p": 1}`, time.Time{}, "it has no time"},
		"what is called time and is no": {"", `{"time": 35, "ts": "soon"}`, time.Time{}, "it has no time"},
		"none, and there should be":     {"meta.at", `{"meta": {"p": 1}}`, time.Time{}, `its time meta.at is not there: "meta" has p`},
		"null":                          {"at", `{"at": null}`, time.Time{}, "its time at is null, and no time"},
		"since it was switched on":      {"at", `{"at": 86400}`, time.Time{}, "no time in s, ms, µs or ns since 1970"},
		"a clock that is not set":       {"at", `{"at": "1970-01-01T00:00:10Z"}`, time.Time{}, "the device's clock is not set"},
		"before 1970":                   {"at", `{"at": -1795341600}`, time.Time{}, "no time"},
		"without a zone":                {"at", `{"at": "2026-11-22T10:00:00"}`, time.Time{}, "a time without a zone"},
		"a huge one":                    {"at", `{"at": 1e400}`, time.Time{}, "no time"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := parse([]byte(tc.in))
			if err != nil {
				t.Fatal(err)
			}
			got, err := (&Reader{time: tc.path}).clock(m)
			if !got.Equal(tc.want) || (err == nil) != (tc.says == "") || err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%v, %v; want %v, %q", got, err, tc.want, tc.says)
			}
		})
	}
}

func TestWhatGatewaysSayOfThemselves(t *testing.T) {
	for said, want := range map[string]presence{
		"online": online, "Offline": offline, "true": online, "0": offline, "1": online, `"offline"`: offline, "lost\n": offline, "ON": online,
		`{"state": "offline"}`: offline, `{"online": true}`: online, `{"status": {"state": "offline"}}`: unsaid, `{"uptime": 7}`: unsaid,
		"": unsaid, "connection lost": unsaid, "17": unsaid, "{": unsaid, "null": unsaid, "[]": unsaid, strings.Repeat("offline", 1000): unsaid,
	} {
		if got := presenceOf([]byte(said)); got != want {
			t.Errorf("%.40q: %d, want %d", said, got, want)
		}
	}
}

// Whatever a broker sends: nothing breaks, what is JSON is read as Go reads it, and
// what is read is a reading.
func FuzzMessage(f *testing.F) {
	for _, s := range []string{`{"p": 1.5, "e": "12.5", "ts": 1795341600}`, `{"p": NaN}`, `{"a":{"b":[1,2]}}`, `{"e": 1e19, "p": -0}`, `17`, "\ufeff{}\x00", `{"1.8.0": "x"}`, `{"p":"\u00`, `[[[[`, "offline", `{"time":"2026-11-22T10:00:00Z"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		presenceOf(b)
		m, err := parse(b)
		var want any
		d := json.NewDecoder(bytes.NewReader(b))
		d.UseNumber()
		if json.Valid(b) && d.Decode(&want) == nil && len(b) < mostBytes {
			if err != nil && !strings.Contains(err.Error(), "levels") {
				t.Errorf("%q: %v", b, err)
			}
			if err == nil && !reflect.DeepEqual(m, want) {
				t.Errorf("%q: %v, want %v", b, m, want)
			}
		}
		if err != nil {
			return
		}
		var set Brokers
		r, _, err := set.Of(&site.MQTT{Broker: "tcp://h", Topic: "t", Fields: []site.Member{
			member("power", "p", "kW"), member("energy", "e", "kWh"), member("heat", ".", "MWh"), member("water", "a.b.0", "m3"), member("flow", "1.8.0", "L/h"),
		}})
		if err != nil {
			t.Fatal(err)
		}
		r.arrive(m, nil, false, time.Now())
		list, _ := r.Read(t.Context())
		for _, v := range list {
			if v.At.IsZero() || math.IsNaN(v.Number) || !v.Missing && v.Quantity.Counted() && (v.Register.Size == meter.Size{} || v.Register.Grain == 0) {
				t.Errorf("%q: %+v", b, v)
			}
		}
	})
}

func member(q site.Quantity, path, unit string) site.Member {
	return site.Member{Field: site.Field{Measures: q, Unit: unit}, Path: path}
}
