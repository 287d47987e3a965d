package report_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/report"
)

// keptTrace is the trace of a site with every kind of term.
func keptTrace(t testing.TB) (*report.Trace, []byte) {
	t.Helper()
	in := faked(t, `
meters:
  - {id: grid, role: grid_input}
  - {id: heat, role: heat_reuse}
  - {id: wind, role: distribution}
boundary: {heat_for_own_cooling: 12.5 %}
contracts:
  ppa:
    - {name: a, technology: solar, meter: wind, guarantees_retired: true, evidence: c, first_day: 2026-12-03}
    - {name: b, technology: hydro, volume: 7654321 kWh, guarantees_retired: true, evidence: c, first_day: 2026-01-01}
`+begun("2026-12"), &fakeLedger{perHour: map[string]float64{"grid": 2000, "heat": 333, "wind": 100}, known: blind("grid", 5, 9)})
	in.Trace = &report.Trace{}
	build(t, in)
	b, err := in.Trace.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return in.Trace, b
}

func TestATraceIsReadAsItWasKept(t *testing.T) {
	was, b := keptTrace(t)
	now, err := report.ParseTrace(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range report.Keys() {
		if was.Has(key) != now.Has(key) {
			t.Errorf("%s: %v", key, now.Has(key))
		}
		a, _ := was.Months(key)
		c, _ := now.Months(key)
		if d := cmp.Diff(a, c, cmp.AllowUnexported(report.Decimal{})); d != "" {
			t.Errorf("months of %s (-was +kept)\n%s", key, d)
		}
		a, _ = was.Hours(key, "2026-12-01")
		c, _ = now.Hours(key, "2026-12-01")
		if d := cmp.Diff(a, c, cmp.AllowUnexported(report.Decimal{})); d != "" {
			t.Errorf("hours of %s (-was +kept)\n%s", key, d)
		}
	}
	if again, err := now.Bytes(); err != nil || !bytes.Equal(again, b) {
		t.Errorf("it is written otherwise: %v", err)
	}
}

func unpacked(t testing.TB, b []byte) string {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func packed(text string) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write([]byte(text)) // a buffer takes it
	_ = z.Close()
	return out.Bytes()
}

func TestATraceThatIsNone(t *testing.T) {
	_, b := keptTrace(t)
	text := unpacked(t, b)
	for name, swap := range map[string][2]string{
		"of another schema":         {"gigawatch-trace/1", "gigawatch-trace/2"},
		"of no place":               {`"tz":"Europe/Luxembourg"`, `"tz":"Nowhere"`},
		"of a figure that is none":  {`"e_it_kwh"`, `"e_xx_kwh"`},
		"of a track that is none":   {`"track":"supply"`, `"track":"none"`},
		"with a share of more":      {`"share":125000`, `"share":1250000`},
		"with more than it can say": {`"schema"`, `"more":1,"schema"`},
		"with hours too long":       {`"hours":[[`, `"hours":[[3600001,`},
		"with an hour too many":     {`"hours":[[`, `"hours":[[],[`},
	} {
		if !strings.Contains(text, swap[0]) {
			t.Fatalf("%s: there is no %s", name, swap[0])
		}
		if _, err := report.ParseTrace(packed(strings.Replace(text, swap[0], swap[1], 1))); err == nil {
			t.Errorf("a trace %s is read", name)
		}
	}
	if _, err := report.ParseTrace(b[:len(b)/2]); err == nil {
		t.Error("half a trace is read")
	}
}

func FuzzParseTrace(f *testing.F) {
	_, b := keptTrace(f)
	f.Add(unpacked(f, b)[:2000])
	f.Add(`{"schema":"gigawatch-trace/1","from":0,"to":3600000,"tz":"UTC","terms":{"e_res_ppa_kwh":[{"from":5,"to":9,"spread":"7/3"}]},"tracks":[{"name":"x","hours":[[1,2,3]]}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		x, err := report.ParseTrace(packed(text))
		if err != nil {
			return
		}
		for _, key := range report.Keys() {
			months, _ := x.Months(key)
			report.Differ(months, months)
		}
		if _, err := x.Bytes(); err != nil {
			t.Error(err)
		}
	})
}
