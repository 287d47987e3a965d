package live

import (
	"fmt"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// GPUStatus is a GPU that deserves a look, and why.
type GPUStatus struct {
	Host    string   `json:"host"`
	GPU     string   `json:"gpu"`
	UUID    string   `json:"uuid"`
	Model   string   `json:"model"`
	Rack    string   `json:"rack"`
	Celsius *float64 `json:"celsius"`
	Watts   *float64 `json:"watts"`
	State   string   `json:"state"`
	Why     []string `json:"why"`
}

// evidence is what a GPU's counters said at some time.
type evidence struct{ corrected, xids, slow int64 }

// remembered is how often the evidence moves on: what is new is what came in
// the last one to two of these.
const remembered = 300 // seconds

// remember moves the evidence of all GPUs on, every few minutes.
func (s *site) remember(second int64) {
	if second%remembered != 0 {
		return
	}
	for _, a := range s.senders {
		for i := range a.gpus {
			g := &a.gpus[i]
			g.before, g.since = g.since, g.evidence(a.values)
		}
	}
}

// evidence is what the counters say; of one that says nothing now, what it said
// before.
func (g *gpu) evidence(values []metric.Raw) evidence {
	sum := func(old int64, at ...int32) (n int64) {
		for _, i := range at {
			if i < 0 {
				continue
			}
			if values[i] == metric.Missing {
				return old
			}
			n += int64(values[i])
		}
		return n
	}
	return evidence{
		corrected: sum(g.since.corrected, g.corrected),
		xids:      sum(g.since.xids, g.xids...),
		slow:      sum(g.since.slow, g.slowThermal, g.slowHardware),
	}
}

// rise is by how much a counter rose; one that fell began anew.
func rise(before, now int64) int64 {
	if now < before {
		return now
	}
	return now - before
}

// integer is value i, zero where there is none: used for differences that are
// shown only when they rise.
func integer(values []metric.Raw, i int32) int64 {
	if i < 0 || values[i] == metric.Missing {
		return 0
	}
	return int64(values[i])
}

func number(values []metric.Raw, i int32) *float64 {
	if i < 0 {
		return nil
	}
	if v, ok := sane(values[i]); ok {
		return &v
	}
	return nil
}

// judge says how much a GPU deserves a look, in an order of urgency, and why if
// that is asked for. Every GPU has its temperature for a score, so that the list
// is never empty for want of faults.
func (g *gpu) judge(values []metric.Raw, explain bool) (score float64, why []string) {
	add := func(points float64, format string, args ...any) {
		score += points
		if explain {
			why = append(why, fmt.Sprintf(format, args...))
		}
	}
	if g.state >= 0 && values[g.state] != metric.GPUOk && values[g.state] != metric.Missing {
		add(1000, "%s", stateName(values[g.state]))
	}
	if integer(values, g.failed) > 0 {
		add(800, "row remap failed")
	}
	if n := integer(values, g.uncorrected); n > 0 {
		add(600, "%s since the driver was loaded", plural(n, "uncorrected ECC error"))
	}
	if a := integer(values, g.recovery); a > 0 {
		add(500, "asks for %s", recovery(a))
	}
	if integer(values, g.pending) > 0 {
		add(300, "row remap waits for a reset")
	}
	now := g.evidence(values)
	if n := rise(g.before.xids, now.xids); n > 0 {
		add(200+float64(min(n, 50)), "%s in the last minutes", plural(n, "XID event"))
	}
	if ns := rise(g.before.slow, now.slow); ns > 1e9 {
		add(150, "slowed by heat for %d s", ns/1e9)
	}
	if n := rise(g.before.corrected, now.corrected); n > 0 {
		add(100+float64(min(n, 50)), "%s in the last minutes", plural(n, "corrected ECC error"))
	}
	if c := number(values, g.celsius); c != nil {
		if score += *c; *c >= hot {
			add(100, "%.0f °C", *c)
		}
	}
	return score, why
}

func (a *sender) gpuStatus(g *gpu, why []string) GPUStatus {
	e := &a.layout.Entities[g.entity]
	st := GPUStatus{
		GPU: e.Label("gpu"), UUID: e.Name, Model: e.Label("model"),
		Celsius: number(a.values, g.celsius), Watts: number(a.values, g.watts), State: "ok", Why: why,
	}
	if why == nil {
		st.Why = []string{}
	}
	if g.state >= 0 {
		st.State = stateName(a.values[g.state])
	}
	if h := a.layout.Ancestor(int(g.entity), metric.Host); h >= 0 {
		st.Host = a.layout.Entities[h].Name
	}
	if a.rack >= 0 {
		st.Rack = a.site.racks[a.rack].name
	}
	return st
}

func stateName(r metric.Raw) string {
	states := metric.Lookup(metric.GPUState).Labels[0].Values
	if r < 0 || int(r) >= len(states) {
		return "unknown"
	}
	return states[r]
}

// recovery names the values of gpu_recovery_action (DCGM field 1523).
func recovery(action int64) string {
	switch action {
	case 1:
		return "a GPU reset"
	case 2:
		return "a reboot"
	case 3:
		return "peer-to-peer traffic to be drained"
	case 4:
		return "a drain and a reset"
	}
	return fmt.Sprintf("recovery action %d", action)
}

func plural(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
