package odata

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"path"
	"strings"
	"testing"
	"time"
)

func TestNumbers(t *testing.T) {
	for text, want := range map[string]string{
		`812.5`:                          "812.5",
		`"812.5"`:                        "812.5",
		`{"Reading": 812.5}`:             "812.5",
		`{"Reading": " 812.5 "}`:         "812.5",
		`null`:                           "null",
		`{"Reading": null}`:              "null",
		`{}`:                             "not reported",
		`"N/A"`:                          `"N/A"`,
		`1e400`:                          `"1e400"`,
		`[1]`:                            `"[1]"`,
		strings.Repeat("1", 65):          `"` + strings.Repeat("1", 64) + `"… is too long for a number`,
		`{"Reading": {"Reading": 5}}`:    `"{\"Reading\": 5}"`,
		`{"Reading": 5, "Reading": 6}`:   "6",
		`{"Reading": true}`:              `"true"`,
		`{"SensorResetTime": 5}`:         "not reported",
		`{"Reading": 4, "Oem": {"a":1}}`: "4",
	} {
		var e Excerpt
		if err := Lenient(json.Unmarshal([]byte(text), &e)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		v, err := e.Reading.Value()
		got := ""
		if err != nil {
			got = err.Error()
		} else if b, err := json.Marshal(v); err == nil {
			got = string(b)
		}
		if got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}

func TestConfigsThatCannotBe(t *testing.T) {
	for says, c := range map[string]Config{
		"cannot be parsed":         {URL: "https://a b:hunter2@%zz"},
		"a password has no place":  {URL: "https://root:hunter2@10.0.0.17"},
		"is not https://host":      {URL: "http://10.0.0.17"},
		"go together":              {URL: "https://10.0.0.17", User: "root"},
		"a user or a token":        {URL: "https://10.0.0.17", User: "root", PasswordFile: "p", TokenFile: "t"},
		"read its certificates: o": {URL: "https://10.0.0.17", CA: "/none"},
		"there is none in":         {URL: "https://10.0.0.17", CA: "doc.go"},
	} {
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestLater(t *testing.T) {
	why := errors.New("busy")
	var p interface{ RetryAfter() time.Duration }
	if err := Later(why, time.Minute); !errors.Is(err, why) || !errors.As(err, &p) || p.RetryAfter() != time.Minute {
		t.Error(err)
	}
}

func TestWhenToAskAgain(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(in time.Duration) string { return now.Add(in).Format(http.TimeFormat) }
	for after, want := range map[string]time.Duration{
		"120": 2 * time.Minute, "-1": busy, "0": busy, "": busy, "soon": busy, "999999999999999999999": busy, "86400": longest,
		at(5 * time.Minute): 5 * time.Minute, at(48 * time.Hour): longest, at(-time.Hour): busy,
	} {
		err := refusal(&http.Response{StatusCode: 503, Status: "503", Header: http.Header{"Retry-After": {after}, "Date": {at(0)}}}, "get")
		var p interface{ RetryAfter() time.Duration }
		if !errors.As(err, &p) || p.RetryAfter() != want {
			t.Errorf("%q: %v", after, err)
		}
	}
}

func FuzzNumber(f *testing.F) {
	f.Add([]byte(`{"Reading": "4294967295", "LifetimeReading": 1e999, "SensorResetTime": 5}`))
	f.Add([]byte(`"0x1p-2"`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var e Excerpt
		if Lenient(json.Unmarshal(b, &e)) != nil {
			return
		}
		for _, n := range []Number{e.Reading, e.LifetimeReading} {
			if v, err := n.Value(); err == nil && (math.IsNaN(v) || math.IsInf(v, 0)) {
				t.Errorf("%q is %v", n, v)
			}
			if text, err := n.Text(); err == nil && len(text) > longestNumber {
				t.Errorf("%q", text)
			}
		}
	})
}

func FuzzLinks(f *testing.F) {
	for _, link := range []string{"/redfish/v1/Chassis/1", "/redfish/../admin", "//evil/redfish/v1", "https://bmc/redfish/v1/", "/redfish/v1/%2e%2e/%2e%2e/admin", "/redfish/v1?a=b#c", "redfish/v1"} {
		f.Add(link)
	}
	c, err := New(Config{URL: "https://bmc"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, link string) {
		p, err := c.Local(link)
		p, _, _ = strings.Cut(p, "?")
		if err == nil && (!strings.HasPrefix(p, "/redfish") || !strings.HasPrefix(path.Clean(p)+"/", "/redfish/")) {
			t.Errorf("%q leads to %q", link, p)
		}
	})
}

// A service on the link to its host is asked, and what hands out credentials of a cloud
// there is not.
func TestNoServiceIsWhereCredentialsAreHandedOut(t *testing.T) {
	c, err := New(Config{URL: "https://169.254.169.254", Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Get(t.Context(), ServicePath, new(any)); err == nil || !strings.Contains(err.Error(), "nothing connects there") {
		t.Error(err)
	}
}
