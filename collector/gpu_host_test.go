//go:build cgo && linux

package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/gpu/dcgm/double"
)

// A host has a collector, an engine that is a double, and boards.
type host struct {
	*double.World
	t         *testing.T // of what is played on it now
	site      *site
	name      string
	file      string // of the world
	socket    string
	engine    net.Listener
	collector *process

	mu     sync.Mutex // guards what the boards' counters show
	boards []*board
	gone   []*board // that were replaced
	seen   []string // what the test saw, in its order
}

// A board is one, and what its counter truly counted.
type board struct {
	*double.GPU
	base    int64 // mJ that the counter stood at when its life began, as far as the test goes
	earlier int64 // mJ that it counted in lives before
}

// moved is what the counter counted up to a time, in millijoules.
func (b *board) moved(at time.Time) int64 { return b.earlier + b.Energy(at) - b.base }

// newHost makes a host whose boards draw nothing yet.
func (s *site) newHost(name string, boards int) *host {
	s.t.Helper()
	dir := filepath.Join(s.dir, name)
	h := &host{t: s.t, site: s, name: name, file: filepath.Join(dir, "world"), socket: filepath.Join(dir, "dcgm")}
	s.write(name+"/root/proc/sys/kernel/random/boot_id", "boot-of-%s\n", name)
	s.write(name+"/root/dev/kmsg", "")
	s.write(name+"/collector.yaml", "site: s1\nagent: %[1]s\nplace: {hall: h1, rack: %[1]s, host: %[1]s}\nbus: {urls: [%[2]q]}\n"+
		"interval: 1s\nledger_interval: 1s\nspool: {dir: %[3]s/spool}\n"+
		"sources:\n  host: {enabled: false, root: %[3]s/root}\n  node_power: {enabled: false}\n  gpu: {engine: \"unix://%[4]s\"}\n",
		name, "nats://"+s.bus, dir, h.socket)
	w, err := double.Create(h.file)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { w.Close() })
	h.World = w
	h.Module = 1
	now := time.Now().Add(-time.Minute)
	for i := range boards {
		g := w.AddGPU(now)
		g.Name(fmt.Sprintf("GPU-%s-%d", name, i))
		// On its way through what would be a blank if it had 32 bits.
		b := &board{GPU: g, base: 1<<31 - 1_000_000 - int64(i)}
		g.Power(now, 0, b.base)
		g.SetFloat(1002, 0.5)
		h.boards = append(h.boards, b)
	}
	h.up()
	s.hosts = append(s.hosts, h)
	return h
}

// collect starts the host's collector.
func (h *host) collect() {
	h.t.Helper()
	h.collector = launch(h.site.t, h.env(), filepath.Join(h.site.programs, "collector"), "-config", filepath.Join(h.site.dir, h.name, "collector.yaml"))
}

func (h *host) env() []string {
	return []string{"LD_LIBRARY_PATH=" + h.site.programs, "DCGM_DOUBLE=" + h.file}
}

// up has the engine listen.
func (h *host) up() {
	h.t.Helper()
	l, err := net.Listen("unix", h.socket)
	if err != nil {
		h.t.Fatal(err)
	}
	h.engine = l
	h.site.t.Cleanup(func() { l.Close() })
	go func() {
		for c, err := l.Accept(); err == nil; c, err = l.Accept() {
			c.Close()
		}
	}()
	h.Down = 0
}

// down kills the engine; what it knew is lost.
func (h *host) down() {
	h.engine.Close()
	h.Down = 1
	h.Restart()
}

// draw sets the power of all boards, each a little different.
func (h *host) draw(watts float64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	for i, b := range h.boards {
		if watts == 0 {
			b.Power(now, 0)
		} else {
			b.Power(now, watts+17.25*float64(i))
		}
	}
}

// anew has a board's counter begin again, as by another load of the driver.
func (h *host) anew(n int, watts float64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now, b := time.Now(), h.boards[n]
	b.earlier, b.base = b.moved(now), 0
	b.Power(now, watts, 0)
}

// replace puts another board in the place of one that draws nothing.
func (h *host) replace(n int, uuid string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	old := *h.boards[n].GPU
	h.gone = append(h.gone, &board{GPU: &old, base: h.boards[n].base, earlier: h.boards[n].earlier})
	h.boards[n].Name(uuid)
	h.boards[n].base, h.boards[n].earlier = 77_000, 0 // what it counted before it was seen is nobody's
	h.boards[n].Power(time.Now(), 0, 77_000)
}

// boot begins another life of the host, in which the boards have drawn power for
// a while before anybody looks.
func (h *host) boot(id string, ago time.Duration) {
	h.t.Helper()
	h.site.write(h.name+"/root/proc/sys/kernel/random/boot_id", "%s\n", id)
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	for _, b := range h.boards {
		b.earlier, b.base = b.moved(now), 0
		if ago == 0 {
			b.Power(now, 0, 0)
		} else {
			b.Power(now.Add(-ago), load, 0)
		}
	}
}

func (h *host) moved(n int) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.boards[n].moved(time.Now())
}

// ledger is what the ledger has of a board; false without an answer.
func (h *host) ledger(n int) (joules, bool) {
	j, ok := h.site.energy()[h.boards[n].UUID()]
	return j, ok
}

// kernel logs an XID.
func (h *host) kernel(n, code int) {
	h.t.Helper()
	f, err := os.OpenFile(filepath.Join(h.site.dir, h.name, "root/dev/kmsg"), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = fmt.Fprintf(f, "4,%d,%d,-;NVRM: Xid (PCI:0000:%02x:00): %d, pid=1, name=python3\n", time.Now().Unix(), time.Now().UnixMicro(), 0x19+n*0x11, code)
		f.Close()
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

// event has the engine hear of an XID on a board, and returns when it was.
func (h *host) event(n, code int) time.Time {
	at := time.Now()
	h.XID(double.KindGPU, n, int64(code), at)
	return at
}

// child is the process that reads the boards; 0 if there is none.
func (h *host) child() int {
	for _, pid := range children(h.collector.pid()) {
		return pid
	}
	return 0
}

func (h *host) note(format string, args ...any) {
	h.seen = append(h.seen, fmt.Sprintf(format, args...))
}

func (h *host) await(what func() string, ok func() bool) {
	h.t.Helper()
	await(h.t, patience, func() string {
		return what() + "\nthe collector of " + h.name + " said:\n" + tail(h.collector.output())
	}, ok)
}

func tail(s string) string {
	lines := strings.Split(s, "\n")
	return strings.Join(lines[max(0, len(lines)-40):], "\n")
}

// states are those of the boards, in their order, as they are shown now.
func (h *host) states() string {
	at := h.site.ask(fmt.Sprintf("gpu_state{host=%q} == 1", h.name), "gpu", "state")
	list := make([]string, len(h.boards))
	for k := range at {
		gpu, state, _ := strings.Cut(k, "/")
		var n int
		if _, err := fmt.Sscan(gpu, &n); err == nil && n < len(list) {
			list[n] = strings.TrimSpace(list[n] + " " + state)
		}
	}
	return strings.Join(list, ", ")
}

// awaits waits until the boards are shown in these states.
func (h *host) awaits(states ...string) {
	h.t.Helper()
	want, got, since := strings.Join(states, ", "), "", time.Now()
	h.await(func() string { return "states " + want + "; they are " + got }, func() bool { got = h.states(); return got == want })
	if all := states[0]; strings.Count(want, all) == len(states) {
		want = "all " + all
	}
	h.note("%s (%.1f s)", want, time.Since(since).Seconds())
}

// all is a state for each board.
func (h *host) all(state string) (states []string) {
	for range h.boards {
		states = append(states, state)
	}
	return states
}

// counts waits until so many XIDs of a code are shown on a board, and checks
// when the newest was: to the millisecond, or else to within slack.
func (h *host) counts(n, code, count int, at time.Time, slack time.Duration) {
	h.t.Helper()
	labels := fmt.Sprintf("{host=%q,gpu=\"%d\",xid=\"%d\"}", h.name, n, code)
	got := -1.0
	h.await(func() string { return fmt.Sprintf("XIDs %s: %v, want %d", labels, got, count) }, func() bool {
		v, ok := h.site.ask("gpu_xid_events_total"+labels, "gpu")[fmt.Sprint(n)]
		if ok {
			got = v
		}
		return ok && v == float64(count)
	})
	when := h.site.ask("gpu_xid_event_timestamp_seconds"+labels, "gpu")[fmt.Sprint(n)]
	if off := time.UnixMilli(int64(when*1000 + 0.5)).Sub(at.Truncate(time.Millisecond)).Abs(); off > slack {
		h.t.Errorf("XID %d of GPU %d: at %.3f, which is %s off", code, n, when, off)
	}
	h.note("XID %d on GPU %d: %d", code, n, count)
}

// verdict waits until health has a finding against a GPU, by its index, or
// "host", in one of these states; none: until it has no finding of that cause.
// An empty cause is the verdict over all.
func (h *host) verdict(of, cause string, states ...string) {
	h.t.Helper()
	var got map[string]map[string]string
	h.await(func() string {
		return fmt.Sprintf("health of %s: %q is one of %q; there is %v", of, cause, states, got)
	}, func() bool {
		got = h.site.findings(h.name)
		is, ok := got[of][cause]
		return got != nil && (len(states) == 0 && !ok || slices.Contains(states, is))
	})
	if len(states) > 0 {
		h.note("health of %s: %s", of, strings.TrimSpace(cause+" "+got[of][cause]))
	}
}

// stands checks that the ledger books nothing more of a board for a while.
func (h *host) stands(n int) {
	h.t.Helper()
	var was, is joules
	h.await(func() string { return fmt.Sprintf("the ledger stands at %v; it is at %v", was, is) }, func() bool {
		before, ok := h.ledger(n)
		time.Sleep(1500 * time.Millisecond) // a record, and a half
		after, also := h.ledger(n)
		was, is = before, after
		return ok && also && was == is
	})
	if moved := h.moved(n); is.counted >= moved {
		h.t.Errorf("GPU %d: the ledger has %d mJ of what cannot be read; its counter is at %d", n, is.counted, moved)
	}
}

// catches waits until the ledger has what the counter of a board counted; it
// must stand still meanwhile.
func (h *host) catches(n int) {
	h.t.Helper()
	var got joules
	want := h.moved(n)
	h.await(func() string {
		return fmt.Sprintf("GPU %d has %d mJ in the ledger, want %d (%+d)", n, got.total, want, got.total-want)
	}, func() bool {
		j, ok := h.ledger(n)
		got = j
		return ok && got.total == want
	})
}

// alive checks that nobody had to start the collector again.
func (h *host) alive(pid, child int) {
	h.t.Helper()
	if !there(pid) || h.collector.pid() != pid {
		h.t.Errorf("%s: the collector is not the one it was", h.name)
	}
	if child != 0 && h.child() != child {
		h.t.Errorf("%s: the process that reads the boards is %d, was %d", h.name, h.child(), child)
	}
}

func (h *host) signal(pid int, s syscall.Signal) {
	h.t.Helper()
	if err := syscall.Kill(pid, s); err != nil {
		h.t.Fatal(err)
	}
}
