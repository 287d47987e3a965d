package rule_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/rule"
	table "github.com/gigawatch/gigawatch/alerts/rule"
)

// What stands is kept; a file that was cut, or in which a bit fell over, is put aside
// and what still stands is found anew.
func TestAFileThatIsDamaged(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"cut":       func(b []byte) []byte { return b[:len(b)/2] },
		"a bit":     func(b []byte) []byte { b[len(b)-20] ^= 4; return b },
		"empty":     func([]byte) []byte { return nil },
		"of others": func([]byte) []byte { return []byte("{}") },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, racks(1, 1, 4, 0), func(s *stage) {
				s.settles()
				s.in("h1r01n01")[0].up = false
				s.runs(time.Minute)
				file := filepath.Join(s.files, "alerts.json")
				b, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, damage(b), 0o600); err != nil {
					t.Fatal(err)
				}
				s.restart(time.Second)
				if _, err := os.Stat(file + ".damaged"); err != nil {
					t.Error(err)
				}
				s.runs(3 * time.Minute)
				s.want("the same stands", "10s HostSilent h1 h1r01 h1r01n01")
			})
		})
	}
}

func FuzzKept(f *testing.F) {
	f.Add([]byte("gigawatch-alerts 1 8f0ec3ac\n[]"))
	f.Add([]byte(`gigawatch-alerts 1 00000000
[{"rule":"HostSilent","labels":{"site":"s"},"bits":1,"phase":2}]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		file := filepath.Join(t.TempDir(), "alerts.json")
		if err := os.WriteFile(file, rule.Summed(b), 0o600); err != nil {
			t.Fatal(err)
		}
		e, err := rule.New(rule.Config{Rules: table.Table(), File: file})
		if err != nil {
			t.Fatal(err)
		}
		e.Step(time.Now())
		e.Alerts("", 100)
	})
}
