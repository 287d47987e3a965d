package health_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/health"
)

func table(t *testing.T, text string) (*health.Table, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "xid.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return health.LoadTable(file)
}

func TestAnOperatorsOwnLines(t *testing.T) {
	own, err := table(t, `date: 2026-02-03
xids:
  - {xid: 31, state: failed, action: contact_support, meaning: "our own", then: "call us"}
  - {xid: 79, state: none, action: none, meaning: "we know"}
  - {xid: 900, state: watch, action: none, host: true, meaning: "of our driver"}
`)
	if err != nil {
		t.Fatal(err)
	}
	inBubble(t, 1, func(s *stage) {
		s.config.Table = own
		s.start()
		m := s.machines[0]
		s.runs(time.Minute)
		m.xid(0, 31, 1)
		m.xid(1, 79, 1)
		m.xid(2, 900, 1)
		m.xid(3, 95, 1) // as it came
		s.runs(time.Second)
		s.want("after", "failed n1/0: xid_31", "failed n1/3: xid_95", "watch n1: xid_900")
		f := s.finding("GPU-n1-0", "xid_31")
		if f.Action != health.ContactSupport || f.Advice != "call us" || !strings.HasPrefix(f.Evidence, "XID 31: our own, at ") {
			t.Errorf("it says %+v", f)
		}
		if r := s.Report("fra1", 0, time.Now()); r.Table != "2025-10-29, with lines of 2026-02-03" {
			t.Errorf("the table is %q", r.Table)
		}
	})
}

func TestWhatIsWrongWithATable(t *testing.T) {
	const head = "date: 2026-01-01\nxids:\n"
	for name, tc := range map[string]struct{ text, want string }{
		"no date":                  {"xids: []\n", `xid.yaml: date: "" is not of the form 2025-10-29`},
		"a date of another form":   {"date: 1.1.2026\n", `xid.yaml:1: date: "1.1.2026" is not of the form`},
		"an unknown state":         {head + "  - {xid: 1, action: none, meaning: m,\n     state: bad}\n", `xid.yaml:4: xids.0.state: state "bad" is none of none, watch, degraded, failed`},
		"a state that is computed": {head + "  - {xid: 1, state: unknown, action: none, meaning: m}\n", `xid.yaml:3: xids.0.state: state "unknown"`},
		"no state":                 {head + "  - {xid: 1, action: none, meaning: m}\n", `xid.yaml:3: xids.0: state ""`},
		"an unknown action":        {head + "  - {xid: 1, state: watch, action: pray, meaning: m}\n", `xid.yaml:3: xids.0.action: action "pray" is none of`},
		"no meaning":               {head + "  - {xid: 1, state: watch, action: none}\n", `xid.yaml:3: xids.0: a meaning is needed`},
		"much meaning":             {head + "  - {xid: 1, state: watch, action: none, meaning: " + strings.Repeat("m", 501) + "}\n", `xids.0.meaning: a meaning is needed, of at most 500 bytes`},
		"much to do":               {head + "  - {xid: 1, state: watch, action: none, meaning: m, then: " + strings.Repeat("m", 501) + "}\n", `xids.0.then: then is longer`},
		"xid 0":                    {head + "  - {xid: 0, state: watch, action: none, meaning: m}\n", `xid.yaml:3: xids.0.xid: an xid above zero`},
		"an xid below zero":        {head + "  - {xid: -1, state: watch, action: none, meaning: m}\n", `xid.yaml:3: cannot unmarshal`},
		"an xid twice":             {head + "  - {xid: 1, state: watch, action: none, meaning: m}\n  - {xid: 1, state: watch, action: none, meaning: m}\n", `xid.yaml:4: xids.1.xid: xid 1 stands twice`},
		"an unknown key":           {head + "  - {xid: 1, stat: watch, action: none, meaning: m}\n", `xid.yaml:3: stat: no such key`},
		"two documents":            {head + "---\n", `a second document`},
		"several at once":          {head + "  - {xid: 1, state: bad, action: pray, meaning: m}\n", "xids.0.action"},
		"no YAML":                  {"\tdate", "xid.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := table(t, tc.text)
			if err == nil || !strings.HasPrefix(err.Error(), "read XID table: ") || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error is %v, want %q", err, tc.want)
			}
		})
	}
	if _, err := health.LoadTable(filepath.Join(t.TempDir(), "none.yaml")); err == nil || !strings.Contains(err.Error(), "read XID table: open ") {
		t.Errorf("no file: error is %v", err)
	}
}

func FuzzTable(f *testing.F) {
	b, err := os.ReadFile("xid.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(b[:2000]))
	f.Add("date: 2026-01-01\nxids:\n  - {xid: 1, state: watch, action: none, meaning: m}\n")
	f.Add("xids: [{}, {xid: 99999999999}]")
	f.Fuzz(func(t *testing.T, text string) {
		own, err := table(t, text)
		if (own == nil) == (err == nil) {
			t.Errorf("table %v, error %v", own, err)
		}
	})
}
