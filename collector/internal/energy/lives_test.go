package energy

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
	"pgregory.net/rapid"
)

// rapid's own hundred sequences miss what one in thousands shows.
func init() { _ = flag.Set("rapid.checks", "2000") }

const boot = "6a1c94f2-2d5c-4d0c-9f0b-7c1c1e8f3d11"

// tester is a *testing.T or a *rapid.T.
type tester interface {
	Helper()
	Fatal(...any)
}

func open(t tester, path, boot string) *Lives {
	t.Helper()
	l, err := OpenLives(path, boot)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *Lives) must(t tester, device, driver string, value uint64) metric.Raw {
	t.Helper()
	e, err := l.Epoch(device, driver, value)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestLivesOfARegister(t *testing.T) {
	type reading struct {
		driver  string
		value   uint64
		restart string // of the agent, before: "" none, else the boot it finds
		sleep   time.Duration
		same    bool // the epoch of the reading before
	}
	for name, readings := range map[string][]reading{
		"it goes on":                 {{value: 10}, {value: 10, same: true}, {value: 99, same: true}},
		"it fell":                    {{value: 10}, {value: 9}, {value: 10, same: true}},
		"it fell twice to the same":  {{value: 10}, {value: 0}, {value: 10, same: true}, {value: 0}},
		"the agent restarted":        {{value: 10}, {value: 11, restart: boot, same: true}},
		"fell, then a restart":       {{value: 10}, {value: 5}, {value: 6, restart: boot, same: true}},
		"it fell while nobody read":  {{value: 10}, {value: 50, sleep: time.Minute, same: true}, {value: 40, restart: boot}},
		"another boot":               {{value: 10}, {value: 11, restart: "another"}},
		"another driver":             {{value: 10, driver: "550"}, {value: 11, driver: "560"}},
		"there and back":             {{value: 10, driver: "550"}, {value: 11, driver: "560"}, {value: 12, driver: "550"}},
		"another driver by then":     {{value: 10, driver: "550"}, {value: 11, driver: "560", restart: boot}},
		"its driver is learnt later": {{value: 10}, {value: 11, driver: "550", same: true}, {value: 12, driver: "550", restart: boot, same: true}},
		"its driver is not told":     {{value: 10, driver: "550"}, {value: 11, same: true}, {value: 12, restart: boot, same: true}},
		"as much as when last saved": {{value: 10}, {value: 10, restart: boot, same: true}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "lives")
				l := open(t, path, boot)
				seen := map[metric.Raw]bool{}
				var last metric.Raw
				for i, r := range readings {
					time.Sleep(r.sleep)
					if r.restart != "" {
						l = open(t, path, r.restart)
					}
					e := l.must(t, "GPU-1", r.driver, r.value)
					if same := e == last; same != r.same {
						t.Errorf("reading %d: the same epoch: %v, want %v", i, same, r.same)
					}
					if e != last && seen[e] {
						t.Errorf("reading %d: an epoch that had ended goes on", i)
					}
					last, seen[e] = e, true
				}
			})
		})
	}
}

func TestDevicesHaveLivesOfTheirOwn(t *testing.T) {
	l := open(t, "", boot)
	a, b := l.must(t, "GPU-1", "550", 10), l.must(t, "GPU-2", "550", 10)
	if a == b {
		t.Error("two boards share an epoch")
	}
	l.must(t, "GPU-1", "550", 1)
	if l.must(t, "GPU-2", "550", 11) != b {
		t.Error("a board's epoch ended with another's")
	}
}

func TestForsakenUntilItBeginsAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lives")
	l := open(t, path, boot)
	if err := l.Forsake("GPU-3"); err != nil {
		t.Fatal(err)
	}
	if l.must(t, "GPU-3", "550", 10); !l.Forsaken("GPU-3") {
		t.Error("a register is not forsaken because it was not there at first")
	}
	l.must(t, "GPU-1", "550", 10)
	if err := l.Forsake("GPU-1"); err != nil || !l.Forsaken("GPU-1") || l.Forsaken("GPU-2") {
		t.Errorf("not forsaken, or another is; %v", err)
	}
	l = open(t, path, boot)
	l.must(t, "GPU-1", "550", 10)
	if !l.Forsaken("GPU-1") {
		t.Error("forgotten over a restart")
	}
	l.must(t, "GPU-1", "550", 9)
	if l.Forsaken("GPU-1") {
		t.Error("forsaken although it began anew")
	}
	l.Forsake("GPU-1")
	l.must(t, "GPU-1", "560", 20)
	if l.Forsaken("GPU-1") {
		t.Error("forsaken although its driver is another")
	}
}

func TestFileOfLives(t *testing.T) {
	for name, x := range map[string]struct{ content, refused string }{
		"empty":             {"", "unexpected end"},
		"no JSON":           {"\x00\x01", "invalid character"},
		"another form":      {`{"boot":"` + boot + `","devices":[1]}`, "cannot unmarshal"},
		"a device without":  {`{"boot":"` + boot + `","devices":{"GPU-1":null}}`, ""},
		"nothing kept":      {`{}`, ""},
		"of another boot":   {`{"boot":"x","devices":{"GPU-1":{"driver":"","anew":7,"last":99}}}`, ""},
		"of an older agent": {`{"boot":"` + boot + `","fell":{"GPU-1":3}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "lives")
			if err := os.WriteFile(path, []byte(x.content), 0o600); err != nil {
				t.Fatal(err)
			}
			l, err := OpenLives(path, boot)
			if (err == nil) != (x.refused == "") || err != nil && !strings.Contains(err.Error(), x.refused) {
				t.Errorf("error %v, want %q", err, x.refused)
			}
			first := l.must(t, "GPU-1", "", 5)
			if again := open(t, path, boot).must(t, "GPU-1", "", 6); again != first {
				t.Error("the file was not replaced by a good one")
			}
		})
	}
}

// Where nothing can be written the epochs are right all the same, as long as the
// agent runs.
func TestNoPlaceToRemember(t *testing.T) {
	l, err := OpenLives(filepath.Join(t.TempDir(), "no such directory", "lives"), boot)
	if err != nil {
		t.Fatal(err)
	}
	a, err := l.Epoch("GPU-1", "", 10)
	if err == nil || !strings.Contains(err.Error(), "remember the lives of counters") {
		t.Errorf("error %v", err)
	}
	if b, err := l.Epoch("GPU-1", "", 11); b != a || err != nil {
		t.Errorf("another epoch, or it is tried again at once: %v", err)
	}
	if b, err := l.Epoch("GPU-1", "", 1); b == a || err == nil {
		t.Errorf("the same epoch after a fall, error %v", err)
	}
	if _, err := OpenLives(t.TempDir(), boot); err == nil {
		t.Error("a directory is read")
	}
}

// Whatever a register does, and whenever the agent restarts, a counter whose
// readings are taken with their epochs never falls within one.
func TestNoRegisterFallsWithinItsEpoch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lives")
	rapid.Check(t, func(t *rapid.T) {
		os.Remove(path)
		l := open(t, path, boot)
		highest := map[metric.Raw]uint64{}
		value, driver := uint64(0), "550"
		for range rapid.IntRange(1, 40).Draw(t, "readings") {
			switch rapid.IntRange(0, 9).Draw(t, "event") {
			case 0:
				value = rapid.Uint64Range(0, value).Draw(t, "fell to")
			case 1:
				driver = rapid.SampledFrom([]string{"550", "560", ""}).Draw(t, "driver")
			case 2:
				if err := l.save(); err != nil {
					t.Fatal(err)
				}
				l = open(t, path, boot)
			default:
				value += rapid.Uint64Range(0, 1000).Draw(t, "more")
			}
			e := l.must(t, "GPU-1", driver, value)
			if value < highest[e] {
				t.Fatalf("fell from %d to %d", highest[e], value)
			}
			highest[e] = value
		}
	})
}
