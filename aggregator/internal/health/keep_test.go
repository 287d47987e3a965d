package health_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gigawatch/gigawatch/aggregator/internal/health"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// inventory is the other file.
func (s *stage) inventory() string {
	return strings.TrimSuffix(s.config.File, ".json") + "-inventory.json"
}

// calamity is a bit of everything.
func calamity(s *stage) {
	m := s.machines[0]
	s.runs(time.Minute)
	m.xid(1, 79, 1)
	m.state(1, metric.GPULost)
	m.set(metric.GPURecoveryAction, 0, 2, 1)
	m.set(metric.GPUECCErrors, volatileUncorrected, 3, 0)
	s.runs(time.Second)
	m.set(metric.GPUECCErrors, volatileUncorrected, 3, 2)
	m.add(metric.GPUPCIeReplays, 0, 4, 1000)
	for k := range 8 {
		m.xid(k, 45, 3)
	}
	s.machines[1].up = false
	s.runs(time.Minute)
}

var calamities = []string{"failed n1/1: lost xid_79", "failed n1/2: recovery_action", "degraded n1/4: pcie_replays",
	"degraded n1/3: ecc_uncorrected", "unknown n2: silent", "watch n1: xid_45"}

func TestARestartForgetsNothing(t *testing.T) {
	inBubble(t, 4, func(s *stage) {
		calamity(s)
		s.want("before", calamities...)
		before := s.Report("fra1", 0, time.Now())
		for range 3 {
			s.restart()
			s.want("at once", calamities...)
		}
		for _, m := range s.machines {
			if m.up {
				s.Observe(m.tick())
			}
		}
		s.Sweep(time.Now())
		s.want("with the first ticks", calamities...)
		s.log.Reset()
		after := s.Report("fra1", 0, time.Now())
		if d := cmp.Diff(before, after, cmpopts.IgnoreUnexported(health.Finding{}, health.Aside{}),
			cmpopts.IgnoreFields(health.Report{}, "At"), cmpopts.IgnoreFields(health.Finding{}, "Last")); d != "" {
			t.Error(d)
		}
		s.runs(2 * time.Minute)
		if strings.Contains(s.log.String(), "health finding\"") {
			t.Errorf("something is raised again:\n%s", s.log)
		}
	})
}

func TestACrashForgetsTenSeconds(t *testing.T) {
	inBubble(t, 4, func(s *stage) {
		calamity(s)
		s.passes(time.Minute)
		s.start() // with no end before
		s.runs(2 * time.Second)
		s.want("after", calamities...)
	})
}

func TestFilesThatCannotBeUsedArePutAside(t *testing.T) {
	newer := func(file string) string { return `{"version":2,"what":"nobody knows"}` }
	for name, tc := range map[string]struct {
		content func(file string) string
		aside   string
	}{
		"cut off":         {func(file string) string { b, _ := os.ReadFile(file); return string(b[:len(b)/2]) }, ".damaged"},
		"empty":           {func(string) string { return "" }, ".damaged"},
		"of another kind": {func(string) string { return `{"version":1,"sites":[1,2]}` }, ".damaged"},
		"an unknown state": {func(file string) string {
			return `{"version":1,"sites":{"fra1":{"hosts":{"n1":{"findings":[{"state":"bad"}]}}}}}`
		}, ".damaged"},
		"of a newer version": {newer, ".version-2"},
		"of no version":      {func(string) string { return `{}` }, ".version-0"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, which := range []string{"findings", "inventory"} {
				inBubble(t, 4, func(s *stage) {
					calamity(s)
					s.stop()
					file := s.config.File
					if which == "inventory" {
						file = s.inventory()
						if name == "an unknown state" {
							return
						}
					}
					if err := os.WriteFile(file, []byte(tc.content(file)), 0o600); err != nil {
						t.Fatal(err)
					}
					s.start()
					if _, err := os.Stat(file + tc.aside); err != nil || !strings.Contains(s.log.String(), "put aside") {
						t.Errorf("%s: %v\n%s", which, err, s.log)
					}
					s.runs(time.Minute) // and it works
					if len(s.lines()) == 0 {
						t.Error("nothing is known against anybody")
					}
				})
			}
		})
	}
	t.Run("a folder", func(t *testing.T) {
		if _, err := health.New(health.Config{File: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "read health: ") {
			t.Errorf("error is %v", err)
		}
	})
}

func TestNonsenseInFilesDoesNoHarm(t *testing.T) {
	inBubble(t, 1, func(s *stage) {
		many := make([]map[string]any, 500)
		for i := range many {
			many[i] = map[string]any{"cause": strings.Repeat("x", i), "state": "failed", "kind": "event", "since": -1 << 62, "until": 1 << 62}
		}
		b, _ := json.Marshal(map[string]any{"version": 1, "judged": int64(1) << 62, "sites": map[string]any{
			"fra1": map[string]any{"hosts": map[string]any{"n1": map[string]any{"findings": many, "aside": many[:0], "events": map[string]any{"": 1}}, "n9": nil}, "gpus": nil},
			"":     nil,
		}})
		c, _ := json.Marshal(map[string]any{"version": 1, "sites": map[string]any{
			"fra1": []any{map[string]any{"name": "n1", "heard": int64(1) << 62, "gpus": []any{map[string]any{"uuid": "a"}, map[string]any{"uuid": "a"}, map[string]any{}}}, map[string]any{}, nil},
		}})
		for file, b := range map[string][]byte{s.config.File: b, s.inventory(): c} {
			if err := os.WriteFile(file, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s.start()
		s.runs(2 * time.Minute)
		if r := s.Report("fra1", 0, time.Now()); len(r.Subjects) != 1 || len(r.Subjects[0].Findings) > 64 {
			t.Errorf("there are %d subjects", len(r.Subjects))
		}
		s.machines[0].state(1, metric.GPULost)
		s.runs(time.Second)
		s.finding("GPU-n1-1", "lost")
	})
}

func TestADiskThatIsFull(t *testing.T) {
	inBubble(t, 1, func(s *stage) {
		s.config.File = filepath.Join(s.config.File, "not", "a", "folder")
		if err := os.WriteFile(filepath.Dir(filepath.Dir(filepath.Dir(s.config.File))), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := health.New(s.config)
		if err == nil {
			t.Fatal("a path through a file is taken")
		}
		s.config.File = filepath.Join(t.TempDir(), "away", "health.json") // of which the folder is not there
		s.start()
		s.runs(time.Minute)
		s.machines[0].state(1, metric.GPULost)
		s.passes(10 * time.Minute)
		s.want("it judges all the same", "failed n1/1: lost")
		if n := strings.Count(s.log.String(), "not kept on disk"); n == 0 || n > 15 {
			t.Errorf("it is said %d times", n)
		}
	})
}
