package live_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// seconds tells for each second that was rolled up what the facility drew, in
// watts; a dash where that is not known.
func seconds(p *present) string {
	var b strings.Builder
	for _, v := range p.status(0).History.Facility {
		switch {
		case v == nil:
			b.WriteByte('-')
		default:
			b.WriteByte('0' + byte(*v))
		}
	}
	return b.String()
}

func TestAReadingIsHeldForTwoAndAHalfIntervalsOfItsAgent(t *testing.T) {
	for name, tc := range map[string]struct {
		step  int // seconds between the meters' ticks
		until int // they speak no more from this second on
		want  string
	}{
		// Until a second tick has come, an agent is taken to speak once a second.
		"every second":     {1, 6, strings.Repeat("1", 8)},
		"every 2 seconds":  {2, 6, strings.Repeat("1", 10)},
		"every 5 seconds":  {5, 20, "111-" + strings.Repeat("1", 24)},
		"every 10 seconds": {10, 20, "111------" + strings.Repeat("1", 27)},
	} {
		p := newPresent(t, nil)
		host, grid := newMachine("n1", "h01", "r1"), meters("plant", "grid_input")
		for n := range 42 {
			p.says(host, n, 100, well(1, 1)...)
			if n%tc.step == 0 && n < tc.until {
				p.says(grid, n, 150, of(1)...)
			}
		}
		got := seconds(p)
		if got := strings.Trim(got, "-"); got != tc.want {
			t.Errorf("%s: got %s, want %s", name, got, tc.want)
		}
	}
}

func TestNoAgentIsHeldForMoreThanTwoAndAHalfMinutes(t *testing.T) {
	p := newPresent(t, nil)
	host, grid := newMachine("n1", "h01", "r1"), meters("plant", "grid_input")
	for n := range 1800 {
		p.says(host, n, 100, well(1, 1)...)
		if n == 0 || n == 900 {
			p.says(grid, n, 150, of(1)...)
		}
	}
	if got := strings.Count(seconds(p)[2:], "1"); got != 151 {
		t.Errorf("a reading stood for %d seconds", got)
	}
}

func TestAnAgentThatLosesTicksIsNoSlowerForIt(t *testing.T) {
	p := newPresent(t, nil)
	host, grid := newMachine("n1", "h01", "r1"), meters("plant", "grid_input")
	for n := range 60 {
		p.says(host, n, 100, well(1, 1)...)
		if n < 10 || n >= 30 && n < 33 {
			p.says(grid, n, 150, of(1)...)
		}
	}
	want := strings.Repeat("1", 12) + strings.Repeat("-", 18) + strings.Repeat("1", 5) + strings.Repeat("-", 20)
	if got := seconds(p); !strings.HasPrefix(got[strings.IndexByte(got, '1'):], want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestASlowAgentIsNotSaidToBeSilentBetweenItsTicks(t *testing.T) { synctest.Test(t, slowAgent) }

func slowAgent(t *testing.T) {
	p := newPresent(t, nil)
	host, slow := newMachine("n1", "h01", "r1"), newMachine("n2", "h01", "r1")
	for n := range 400 {
		p.says(host, n, 100, well(1, 1)...)
		if n < 240 && n%30 == 0 {
			p.says(slow, n, 150, well(1, 1)...)
		}
		p.tend()
		if n == 230 {
			if st := p.status(n); st.Agents.Silent != 0 || st.Hosts.Reporting != 2 || len(st.Worst) != 2 {
				t.Errorf("between its ticks: %+v, %+v, %d GPUs", st.Agents, st.Hosts, len(st.Worst))
			}
			p.silent = nil // before its second tick it is not known to be slow
		}
	}
	if len(p.silent) != 2 || !strings.HasPrefix(p.silent[0], "s/n2 285") {
		t.Errorf("said: %q, want it 75 seconds after its last tick", p.silent)
	}
	if st := p.status(400); st.Agents.Silent != 1 || st.Hosts.Reporting != 1 || st.Hosts.Expected != 2 {
		t.Errorf("at last: %+v, %+v", st.Agents, st.Hosts)
	}
}

func TestAClockThatIsSetBackIsFollowed(t *testing.T) {
	p := newPresent(t, nil)
	host, ahead := newMachine("n1", "h01", "r1"), newMachine("n2", "h01", "r1")
	for n := range 60 {
		p.says(host, n, 100, well(1, 1)...)
		at := n
		if n < 30 {
			at = n + 100
		}
		p.Observe("s/n2", "s", ahead.layout, second(at).UnixMilli(), []metric.Raw{metric.Of(1), metric.Of(1), metric.Of(60), metric.GPUOk}, second(n))
		if n == 36 {
			if st := p.status(n); st.Hosts.Reporting != 2 {
				t.Errorf("a few seconds after the clock was set: %+v", st.Hosts)
			}
		}
	}
}
