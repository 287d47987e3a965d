package rule_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// window is one of these matchers, from now on.
func window(t *testing.T, d time.Duration, match ...string) rule.Window {
	t.Helper()
	w := rule.Window{From: time.Now(), To: time.Now().Add(d), Owner: "ops", Reason: "a new switch", By: "ada"}
	for _, text := range match {
		m, err := rule.ParseMatcher(text)
		if err != nil {
			t.Fatal(err)
		}
		w.Match = append(w.Match, m)
	}
	return w
}

func (s *stage) opens(d time.Duration, match ...string) rule.Window {
	s.t.Helper()
	w, err := s.OpenWindow(window(s.t, d, match...), time.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	return w
}

// What begins in a window is held back and counted, also after a restart, and sent
// when the window ends and it is still so.
func TestAWindowHoldsBack(t *testing.T) {
	inBubble(t, racks(1, 2, 6, 0), func(s *stage) {
		s.settles()
		w := s.opens(time.Hour, "rack=h1r01")
		s.in("h1r01n01")[0].up = false
		s.in("h1r02n01")[0].up = false
		s.runs(time.Minute)
		s.want("of two hosts one is in maintenance", "10s HostSilent h1 h1r02 h1r02n01")
		list := s.Windows(time.Now())
		if len(list) != 1 || list[0].ID != w.ID || list[0].Held != 1 || list[0].State != "open" {
			t.Errorf("the windows are %+v", list)
		}
		s.restart(time.Second)
		s.runs(10 * time.Minute)
		s.want("a restart opens nothing")
		if list := s.Windows(time.Now()); len(list) != 1 || list[0].Owner != "ops" || list[0].By != "ada" || list[0].Held != 1 {
			t.Errorf("after a restart the windows are %+v", list)
		}
		if _, err := s.CloseWindow(w.ID, "", "bob", time.Now()); err != nil {
			t.Fatal(err)
		}
		s.runs(time.Minute)
		if told := s.told(); len(told) != 1 || !strings.HasSuffix(told[0], "HostSilent h1 h1r01 h1r01n01") {
			t.Errorf("when it was closed, told %q", told)
		}
		s.restart(time.Second)
		if list := s.Windows(time.Now()); len(list) != 1 || list[0].State != "over" || list[0].ClosedBy != "bob" {
			t.Errorf("it is over, and is %+v", list)
		}
	})
}

// Windows of other words for the same hold nothing back for longer than the longest.
func TestNothingIsHeldBackForEver(t *testing.T) {
	inBubble(t, racks(1, 1, 2, 2), func(s *stage) {
		s.settles()
		s.opens(rule.LongestWindow, "host=h1r01n01")
		for i, other := range []string{"host=~h1r01n01", "host=~h1r01n0[1]", "host=~h1r01n(01)"} {
			w := window(t, 0, other)
			w.From = w.From.Add(time.Duration(i+1) * 5 * 24 * time.Hour)
			w.To = w.From.Add(rule.LongestWindow)
			if _, err := s.OpenWindow(w, time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		s.in("h1r01n01")[0].set(metric.GPURowRemapFailed, 0, 1, 1)
		pass := func(d time.Duration) { // the fleet is heard now and then
			for end := time.Now().Add(d); time.Now().Before(end); {
				time.Sleep(10 * time.Minute)
				s.runs(2 * time.Second)
			}
		}
		s.runs(time.Minute)
		pass(rule.LongestWindow - time.Hour)
		s.want("it is held back, in the end by another window")
		pass(2 * time.Hour)
		if told := s.told(); len(told) != 1 || !strings.HasSuffix(told[0], "GPUMemoryUnrepairable h1 h1r01 h1r01n01 1") {
			t.Errorf("after a week, told %q; windows %+v", told, s.Windows(time.Now()))
		}
	})
}

// A leak in a rack in maintenance is a leak, unless it is what the window is about.
func TestWhatIsDirectIsHeldBackByNameOnly(t *testing.T) {
	inBubble(t, racks(1, 2, 6, 8), func(s *stage) {
		for i := range s.config.Rules {
			if s.config.Rules[i].Name == "GPUMemoryUnrepairable" {
				s.config.Rules[i].Direct = true
			}
		}
		s.start()
		s.settles()
		s.opens(time.Hour, "rack=h1r01")
		s.in("h1r01n01")[0].set(metric.GPURowRemapFailed, 0, 3, 1)
		s.runs(time.Minute)
		if told := s.told(); len(told) != 1 || !strings.HasSuffix(told[0], "GPUMemoryUnrepairable h1 h1r01 h1r01n01 3") {
			t.Errorf("told %q", told)
		}
		s.inbox.lines = nil
		s.opens(time.Hour, "rack=h1r01", "alertname=GPUMemoryUnrepairable")
		s.in("h1r01n02")[0].set(metric.GPURowRemapFailed, 0, 3, 1)
		s.runs(time.Minute)
		s.want("it is named")
	})
}

// A file of windows that cannot be read is put aside: alerts are sent.
func TestAFileOfWindowsThatIsDamaged(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"cut":       func(b []byte) []byte { return b[:len(b)/2] },
		"a bit":     func(b []byte) []byte { b[len(b)-20] ^= 4; return b },
		"empty":     func([]byte) []byte { return nil },
		"of alerts": func(b []byte) []byte { return rule.Summed(b) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, racks(1, 1, 4, 0), func(s *stage) {
				s.settles()
				s.opens(time.Hour, "rack=h1r01")
				file := filepath.Join(s.files, "windows.json")
				b, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, damage(b), 0o600); err != nil {
					t.Fatal(err)
				}
				s.restart(time.Second)
				if _, err := os.Stat(file + ".damaged"); err != nil || len(s.Windows(time.Now())) > 0 {
					t.Errorf("%v, and windows %+v", err, s.Windows(time.Now()))
				}
				s.settles()
				s.in("h1r01n01")[0].up = false
				s.runs(time.Minute)
				if len(s.told()) != 1 {
					t.Errorf("told %q", s.inbox.lines)
				}
			})
		})
	}
}

// A window that cannot be kept is not opened.
func TestAWindowThatCannotBeKept(t *testing.T) {
	inBubble(t, racks(1, 1, 4, 0), func(s *stage) {
		s.settles()
		if err := os.MkdirAll(filepath.Join(s.files, "windows.json.new", "in the way"), 0o700); err != nil {
			t.Fatal(err)
		}
		if _, err := s.OpenWindow(window(t, time.Hour, "rack=h1r01"), time.Now()); err == nil || len(s.Windows(time.Now())) > 0 {
			t.Errorf("it is opened: %v, %+v", err, s.Windows(time.Now()))
		}
	})
}
