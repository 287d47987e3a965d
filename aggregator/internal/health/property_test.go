package health_test

import (
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gigawatch/gigawatch/aggregator/internal/health"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// rapid's own hundred sequences miss what one in thousands shows.
func init() { _ = flag.Set("rapid.checks", "300") }

// conditions of a GPU that one value makes true, and when it does.
var conditions = []struct {
	cause string
	cell  cell
	is    func(metric.Raw) bool
}{
	{"row_remap_pending", cell{metric.GPURowRemapPending, 0, 0}, one},
	{"row_remap_failed", cell{metric.GPURowRemapFailed, 0, 0}, one},
	{"sram_threshold", cell{metric.GPUSRAMThreshold, 0, 0}, one},
	{"memory_unrepairable", cell{metric.GPUMemoryUnrepairable, 0, 0}, one},
	{"pages_pending", cell{metric.GPUPagesPending, 0, 0}, some},
	{"recovery_action", cell{metric.GPURecoveryAction, 0, 0}, func(v metric.Raw) bool { return v != 0 }},
	{"ecc_uncorrected", cell{metric.GPUECCErrors, volatileUncorrected, 0}, some},
}

func one(v metric.Raw) bool  { return v == 1 }
func some(v metric.Raw) bool { return v > 0 }

// Whatever values come in whatever order, with restarts, resets, silence and
// boards that come and go: nothing panics, what is remembered is bounded, a
// condition is reported while it is true and never when it is over, and every
// GPU is counted once.
func TestWhatIsReportedIsTrue(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) { // not in a bubble, whose days rapid would take for its own
		const n = 3
		dir, err := os.MkdirTemp("", "health")
		if err != nil {
			rt.Fatal(err)
		}
		defer os.RemoveAll(dir)
		start := func() *health.Health {
			h, err := health.New(health.Config{File: filepath.Join(dir, "h.json")})
			if err != nil {
				rt.Fatal(err)
			}
			return h
		}
		h, m := start(), newMachine("n1", n)
		m.has(metric.GPURecoveryAction, 0)
		m.on(metric.Device, "nvme0")
		m.on(metric.Port, "1")
		for _, c := range []metric.Number{metric.NVMeWarning, metric.NVMeMediaErrors, metric.NVSwitchErrors, metric.FabricPortRate, metric.FabricPortRateMax, metric.FabricPortLinkDowns} {
			m.has(c, 0)
		}
		boards := m.boards
		last := map[cell]metric.Raw{} // what was said last
		resets := false
		value := rapid.OneOf(rapid.SampledFrom([]metric.Raw{0, 1, 2, 3, 4, 8, 63, metric.Missing, math.MaxInt64, math.MinInt64 + 1, -1}), rapid.Map(rapid.Int64(), func(v int64) metric.Raw { return metric.Raw(v) }))
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			k := rapid.IntRange(0, n-1).Draw(rt, "GPU")
			switch op := rapid.SampledFrom([]string{"value", "value", "value", "condition", "condition", "state", "xid", "board", "agent", "aggregator", "reset", "leap", "clock", "silence"}).Draw(rt, "op"); op {
			case "value":
				c := rapid.SampledFrom(m.columns).Draw(rt, "column")
				if c.metric != metric.GPUState && c.metric != metric.GPUXIDTime || rapid.Bool().Draw(rt, "even so") {
					m.values[cell{c.metric, c.point, k}] = value.Draw(rt, "value")
				}
			case "condition":
				c := rapid.SampledFrom(conditions).Draw(rt, "condition").cell
				m.values[cell{c.metric, c.point, k}] = metric.Raw(rapid.IntRange(0, 2).Draw(rt, "value"))
			case "state":
				m.state(k, metric.Raw(rapid.IntRange(-1, 6).Draw(rt, "state")))
			case "xid":
				m.xid(k, rapid.SampledFrom([]uint32{13, 31, 45, 48, 79, 93, 94, 154, 4_000_000_000}).Draw(rt, "code"), rapid.IntRange(1, 3).Draw(rt, "times"))
			case "board":
				m.boards = boards[:rapid.IntRange(0, n).Draw(rt, "boards")]
				m.changed = true
			case "agent":
				m.agentAnew()
			case "aggregator":
				ended, end := contextOf(t)
				end()
				if err := h.Run(ended); err != nil {
					rt.Fatal(err)
				}
				h = start()
			case "reset":
				r := h.Report("fra1", 1, m.now())
				if r == nil { // nobody has reported yet
					continue
				}
				for _, v := range r.Subjects {
					name, cause := v.UUID, rapid.SampledFrom([]string{"", v.Findings[0].Cause, "nothing"}).Draw(rt, "cause")
					if name == "" {
						name = v.Host
					}
					_, err := h.Reset("fra1", name, cause, "me")
					resets = resets || err == nil
				}
			case "leap":
				m.ahead += time.Duration(rapid.IntRange(1, 1<<20).Draw(rt, "seconds")) * time.Second
			case "clock":
				m.skew = time.Duration(rapid.Int64().Draw(rt, "skew"))
			case "silence":
				for range 40 {
					m.ahead += time.Second
					h.Sweep(m.now())
				}
			}
			m.ahead += time.Second
			tick := m.tick()
			for i, v := range tick.Values {
				if v != metric.Missing {
					last[m.index[i]] = v
				}
			}
			h.Observe(tick)
			h.Sweep(m.now())
			check(rt, h, m, last, n, resets)
		}
	})
}

// check compares what is reported with what m said.
func check(rt *rapid.T, h *health.Health, m *machine, last map[cell]metric.Raw, n int, resets bool) {
	now := m.now()
	r := h.Report("fra1", 0, now)
	gpus := 0
	for _, k := range r.GPUs {
		gpus += k
		if k < 0 {
			rt.Fatalf("GPUs are counted as %v", r.GPUs)
		}
	}
	if gpus > n || gpus < len(m.boards) {
		rt.Fatalf("%d GPUs are counted, and %d are there", gpus, len(m.boards))
	}
	reported := map[string]bool{}
	for i, v := range r.Subjects {
		if len(v.Findings) == 0 || len(v.Findings) > 64 || v.State != v.Findings[0].State {
			rt.Fatalf("verdict %+v", v)
		}
		if i > 0 && r.Subjects[i-1].State < v.State {
			rt.Fatalf("%s is after %s", v.State, r.Subjects[i-1].State)
		}
		for _, f := range v.Findings {
			if f.State > v.State || f.Evidence == "" || f.Advice == "" || f.Action == "" || f.Since > now.UnixMilli() {
				rt.Fatalf("finding %+v", f)
			}
			reported[v.UUID+" "+f.Cause] = true
		}
	}
	for k, b := range m.boards {
		for _, c := range conditions {
			at := cell{c.cell.metric, c.cell.point, k}
			said, known := last[at]
			is := known && c.is(said)
			saysSo := m.said(at) == said
			if got := reported[b.Name+" "+c.cause]; got && !is || is && saysSo && !got && !resets {
				rt.Fatalf("%s of GPU %d: reported %v; it said %d", c.cause, k, got, said)
			}
		}
		state := m.values[cell{metric.GPUState, 0, k}]
		for i, cause := range []string{"lost", "blank", "stale", "unreachable"} {
			is := state == metric.Raw(i+1)
			same := !slices.ContainsFunc(indexes(len(m.boards)), func(o int) bool { return m.values[cell{metric.GPUState, 0, o}] != state })
			got, of := reported[b.Name+" "+cause], reported[" gpus_"+cause]
			if len(m.boards) > 1 && same {
				got, of = of, got
			} else {
				of = false
			}
			if got && !is || of || is && !got && !resets {
				rt.Fatalf("%s of GPU %d: reported %v and %v; its state is %d, %v", cause, k, got, of, state, fmt.Sprint(reported))
			}
		}
	}
}

// said is m's value of its newest tick.
func (m *machine) said(c cell) metric.Raw {
	if i := slices.Index(m.index, c); i >= 0 {
		return m.newest[i]
	}
	return metric.Missing
}

func indexes(n int) []int {
	is := make([]int, n)
	for i := range is {
		is[i] = i
	}
	return is
}
