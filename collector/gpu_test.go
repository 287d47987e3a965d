//go:build cgo && linux

package main

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/gpu/dcgm/double"
)

// A fault is what befalls a host: what there is before its collector starts, and
// what happens then. At its end all is well again.
type fault struct {
	host, what string
	boards     int
	before     func(h *host)
	play       func(h *host)
	unseen     map[int]time.Duration // of boards whose counter began anew under load: for how long nobody had looked
}

const load = 300 // W

var faults = []fault{
	{host: "lost", what: "a GPU falls off the bus, and comes back", boards: 3, play: func(h *host) {
		at := h.event(1, 79)
		h.GPU(1).Status = double.Lost
		h.kernel(1, 79)
		h.awaits("ok", "lost", "ok")
		h.counts(1, 79, 1, at, 6*time.Second)
		h.verdict("1", "lost", "failed")
		h.verdict("1", "xid_79", "failed", "degraded")
		h.verdict("1", "", "failed")
		h.shows("gpu_power_watts", "0", "2")
		h.stands(1)
		h.GPU(1).Status = double.OK
		h.awaits(h.all("ok")...)
		h.verdict("1", "lost")
		h.counts(1, 79, 1, at, 6*time.Second)
	}},
	{host: "stopped", what: "the engine stops after XID 119, and is restarted", boards: 3, play: func(h *host) {
		pid, child := h.collector.pid(), h.child()
		at := h.event(0, 119)
		h.Stopped = 1
		h.kernel(0, 119)
		h.awaits(h.all("blank")...)
		h.counts(0, 119, 1, at, 6*time.Second)
		h.verdict("host", "gpus_blank", "unknown")
		h.verdict("0", "xid_119", "failed", "degraded")
		h.shows("gpu_power_watts")
		h.stands(0)
		h.down()
		h.awaits(h.all("unreachable")...)
		h.Stopped = 0
		h.up()
		h.awaits(h.all("ok")...)
		h.verdict("host", "gpus_blank")
		h.counts(0, 119, 1, at, 6*time.Second)
		h.alive(pid, child)
	}},
	{host: "frozen", what: "calls do not return, and then do", boards: 2, play: func(h *host) {
		pid, child, since := h.collector.pid(), h.child(), time.Now()
		h.Frozen = 1
		at := h.event(1, 31)
		h.kernel(1, 31)
		h.awaits(h.all("stale")...)
		h.verdict("host", "gpus_stale", "unknown")
		h.counts(1, 31, 1, at, 10*time.Second)
		if h.Frozen = 0; time.Since(since) > 12*time.Second {
			child = 0 // on a machine this slow it may have been replaced
		}
		h.awaits(h.all("ok")...)
		h.verdict("host", "gpus_stale")
		h.counts(1, 31, 1, at, 10*time.Second)
		h.alive(pid, child)
	}},
	{host: "hung", what: "calls do not return until the process that makes them is ended, and the driver is loaded again", boards: 2, unseen: map[int]time.Duration{1: time.Minute}, play: func(h *host) {
		pid, child := h.collector.pid(), h.child()
		h.Frozen = 1
		h.awaits(h.all("stale")...)
		h.stands(0)
		h.awaits(h.all("unreachable")...)
		h.verdict("host", "gpus_unreachable", "unknown")
		h.kernel(0, 62)
		h.counts(0, 62, 1, time.Now(), 30*time.Second)
		h.await(func() string { return fmt.Sprintf("process %d gives way to another", child) }, func() bool {
			return !there(child) && h.child() != 0
		})
		h.anew(1, load)
		h.Frozen = 0
		h.awaits(h.all("ok")...)
		h.alive(pid, 0)
		if n := len(children(pid)); n != 1 {
			h.t.Errorf("%d processes read the boards", n)
		}
	}},
	{host: "killed", what: "the engine is killed and started, twice", boards: 3, play: func(h *host) {
		pid, child := h.collector.pid(), h.child()
		h.down()
		h.awaits(h.all("unreachable")...)
		h.verdict("host", "gpus_unreachable", "unknown")
		h.stands(2)
		h.up()
		h.awaits(h.all("ok")...)
		h.verdict("host", "gpus_unreachable")
		h.down()
		time.Sleep(time.Second)
		h.up()
		h.awaits(h.all("ok")...)
		h.alive(pid, child)
	}},
	{host: "old", what: "an older engine lacks fields and the profiling module", boards: 2, before: func(h *host) {
		h.Forget("4.2.0", 1523, 1507, 1424, 140)
		h.Module = 0
	}, play: func(h *host) {
		h.awaits(h.all("ok")...)
		h.shows("gpu_temperature_celsius", "0", "1")
		h.shows("gpu_recovery_action")
		h.shows("gpu_memory_temperature_celsius")
		h.shows("gpu_sm_active_ratio")
		said := h.check()
		for _, want := range []string{"DCGM 4.2.0 host engine", "2 boards, 2 ok", "does not know fields 140, 1424, 1523", "does not know field 1507", "does not watch fields 1001"} {
			if !strings.Contains(said, want) {
				h.t.Errorf("collector -check does not say %q:\n%s", want, said)
			}
		}
		h.verdict("host", "")
		h.note("refused fields and module are named by -check")
	}},
	{host: "divided", what: "MIG: three instances, which repeat the board's energy", boards: 2, before: func(h *host) {
		for gi := range int32(3) {
			h.Divide(h.GPU(0), gi+1, 2)
		}
	}, play: func(h *host) {
		h.awaits(h.all("ok")...)
		h.shows("gpu_sm_active_ratio", "0", "1")
		h.await(func() string { return "3 partitions, and none" }, func() bool {
			p := h.site.ask(fmt.Sprintf("gpu_partitions{host=%q}", h.name), "gpu")
			return p["0"] == 3 && p["1"] == 0 && len(p) == 2
		})
		h.note("partitions 3, 0")
		want := load + load + 17.25
		h.await(func() string { return fmt.Sprintf("the rack draws %v W", want) }, func() bool {
			p, ok := h.site.ask(fmt.Sprintf(`rack_power_watts{rack=%q,boundary="gpu"}`, h.name), "rack")[h.name]
			return ok && p > want-1 && p < want+1
		})
		h.note("rack draws %v W", want)
		at := time.Now()
		h.XID(double.KindGPUInstance, 2, 94, at.Add(-time.Millisecond))
		h.XID(double.KindComputeInstance, 3, 94, at)
		h.counts(0, 94, 2, at, 0)
		h.verdict("0", "xid_94", "degraded ×2", "watch ×2")
	}},
	{host: "twice", what: "two XIDs a millisecond apart; the kernel tells of one", boards: 2, play: func(h *host) {
		at := time.Now()
		h.XID(double.KindGPU, 1, 48, at)
		h.XID(double.KindGPU, 1, 94, at.Add(time.Millisecond))
		h.kernel(1, 48)
		h.counts(1, 48, 1, at, 6*time.Second)
		h.counts(1, 94, 1, at.Add(time.Millisecond), 0)
		h.verdict("1", "xid_48", "failed", "degraded")
		h.verdict("1", "xid_94", "degraded", "watch")
		at = time.Now()
		h.XID(double.KindGPU, 0, 13, at)
		h.XID(double.KindGPU, 0, 13, at.Add(time.Millisecond))
		h.counts(0, 13, 2, at.Add(time.Millisecond), 0)
		h.counts(1, 48, 1, at, time.Minute)
	}},
	{host: "anew", what: "the driver is loaded again: at rest, and under load", boards: 2, unseen: map[int]time.Duration{1: 4 * time.Second}, play: func(h *host) {
		h.GPU(0).Set(1523, 1)
		at := h.event(0, 95)
		h.counts(0, 95, 1, at, 0)
		h.verdict("0", "recovery_action", "failed")
		h.verdict("0", "xid_95", "failed")
		h.rest(0)
		h.anew(0, load)
		h.GPU(0).Set(1523, 0)
		h.verdict("0", "recovery_action")
		h.verdict("0", "xid_95")
		h.anew(1, load)
		h.awaits(h.all("ok")...)
	}},
	{host: "held", what: "the engine's poller stands still, and goes on", boards: 2, play: func(h *host) {
		pid, child := h.collector.pid(), h.child()
		h.Held = time.Now().UnixMicro()
		h.awaits(h.all("stale")...)
		h.verdict("host", "gpus_stale", "unknown")
		h.stands(0)
		h.Held = 0
		h.awaits(h.all("ok")...)
		h.verdict("host", "gpus_stale")
		h.alive(pid, child)
	}},
	{host: "orphan", what: "the collector is killed while a call hangs, and started", boards: 3, unseen: map[int]time.Duration{2: time.Minute}, play: func(h *host) {
		h.counts(0, 63, 1, h.event(0, 63), 0)
		h.verdict("0", "xid_63", "degraded")
		h.Frozen = 1
		h.awaits(h.all("stale")...)
		h.again(func() {
			h.anew(2, load)
			time.AfterFunc(2*time.Second, func() { h.Frozen = 0 })
		})
		h.verdict("0", "xid_63", "degraded") // and not twice
	}},
	{host: "booted", what: "the host restarts with another board in a slot, and once more", boards: 2, play: func(h *host) {
		h.rest(0)
		h.rest(1)
		h.again(func() {
			h.down()
			h.boot("b", 0)
			h.replace(1, "GPU-another")
			h.up()
		})
		h.catches(1)
		// When they are read they have counted more than in the life before.
		h.again(func() { h.boot("c", 10*time.Second) })
	}},
	{host: "faulty", what: "the process that reads the boards faults", boards: 8, play: func(h *host) {
		pid, child := h.collector.pid(), h.child()
		h.signal(child, syscall.SIGSEGV)
		h.await(func() string { return "another process reads the boards" }, func() bool {
			return !there(child) && h.child() != 0 && h.child() != child
		})
		h.awaits(h.all("ok")...)
		h.alive(pid, 0)
		h.note("another process reads them")
	}},
}

// Every fault of an engine and its boards that can be played, from the C library
// to what the aggregator answers: states, events, verdicts, and each millijoule
// once.
func TestNoFaultInventsOrLosesAJoule(t *testing.T) {
	s := newSite(t)
	t.Run("programs", func(t *testing.T) {
		for _, name := range []string{"collector", "aggregator"} {
			checkBinding(t, filepath.Join(s.programs, name), filepath.Join(s.programs, "libdcgm.so.4"))
		}
	})
	for _, f := range faults {
		h := s.newHost(f.host, f.boards)
		if f.before != nil {
			f.before(h)
		}
		h.collect()
	}
	for _, h := range s.hosts {
		h.awaits(h.all("ok")...)
		for n := range h.boards { // from here on they are counted
			h.catches(n)
		}
	}
	for _, h := range s.hosts {
		h.draw(load)
	}
	bounded := s.watch()
	for _, h := range s.hosts {
		h.draws(0, load)
	}
	var all sync.WaitGroup // together, however few processors there are: they mostly wait
	for i, f := range faults {
		all.Go(func() {
			t.Run(f.host, func(t *testing.T) {
				s.hosts[i].t = t
				f.play(s.hosts[i])
			})
		})
	}
	all.Wait()
	for _, h := range s.hosts {
		h.t = t
	}
	if !t.Failed() {
		s.pull(s.host("killed"), s.host("lost"), s.host("twice"))
	}
	for _, h := range s.hosts {
		h.draw(0)
	}
	for i, h := range s.hosts {
		for n := range h.boards {
			if faults[i].unseen[n] == 0 {
				h.catches(n)
			}
		}
	}
	bounded()
	s.tell()
	s.host("held").Frozen = 1 // the end may not wait for a call
	s.stop()
}

// checkBinding checks that a program finds all of DCGM's symbols, and looks for
// them only when they are called.
func checkBinding(t *testing.T, program, library string) {
	t.Helper()
	if err := double.Check(program, library); err != nil {
		t.Error(err)
	}
	f, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	symbols, err := f.ImportedSymbols()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, s := range symbols {
		if strings.HasPrefix(strings.ToLower(s.Name), "dcgm") {
			n++
		}
	}
	t.Logf("%s refers to %d symbols of DCGM's", filepath.Base(program), n)
	if n == 0 {
		t.Errorf("%s refers to no symbol of DCGM's: there is nothing to check", program)
	}
}

// shows waits until a metric is shown of these boards and no others.
func (h *host) shows(name string, gpus ...string) {
	h.t.Helper()
	var got []string
	h.await(func() string { return fmt.Sprintf("%s of %v; it is shown of %v", name, gpus, got) }, func() bool {
		all := h.site.ask(fmt.Sprintf("%s{host=%q}", name, h.name), "gpu")
		got = sorted(all)
		return all != nil && slices.Equal(got, gpus)
	})
}

// draws waits until a board is shown to draw so much.
func (h *host) draws(n int, watts float64) {
	h.t.Helper()
	got := -1.0
	h.await(func() string { return fmt.Sprintf("GPU %d draws %v W, want %v", n, got, watts) }, func() bool {
		p, ok := h.site.ask(fmt.Sprintf("gpu_power_watts{host=%q,gpu=\"%d\"}", h.name, n), "gpu")[fmt.Sprint(n)]
		if ok {
			got = p
		}
		return ok && p > watts-0.01 && p < watts+0.01
	})
}

// check is what collector -check says.
func (h *host) check() string {
	h.t.Helper()
	dir := filepath.Join(h.site.dir, h.name)
	b, err := os.ReadFile(filepath.Join(dir, "collector.yaml"))
	if err != nil {
		h.t.Fatal(err)
	}
	h.site.write(h.name+"/check.yaml", "%s", strings.ReplaceAll(string(b), dir+"/spool", dir+"/check"))
	c := exec.Command(filepath.Join(h.site.programs, "collector"), "-check", "-config", filepath.Join(dir, "check.yaml"))
	c.Env = append(os.Environ(), h.env()...)
	out, err := c.CombinedOutput()
	if err != nil {
		h.t.Errorf("collector -check: %v: %s", err, out)
	}
	return string(out)
}

// rest waits until a board draws nothing, and the ledger has it so.
func (h *host) rest(n int) {
	h.t.Helper()
	h.mu.Lock()
	h.boards[n].Power(time.Now(), 0)
	h.mu.Unlock()
	h.catches(n)
	h.draws(n, 0)
	time.Sleep(2 * time.Second) // a record of that
}

// again kills the collector, does what, and starts it; its child ends with it.
func (h *host) again(what func()) {
	h.t.Helper()
	child := h.child()
	h.collector.kill()
	h.await(func() string { return fmt.Sprintf("process %d ends with its parent", child) }, func() bool { return child != 0 && !there(child) })
	h.note("child ended with it")
	what()
	h.collect()
	h.awaits(h.all("ok")...)
}
