package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sys/unix"

	"github.com/gigawatch/gigawatch/collector/internal/gpu/dcgm/double"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
)

// overheadUsage is what the kernel says of a process.
type overheadUsage struct {
	cpu                 float64 // seconds, of all threads and ended children
	rss, anonymous, pss float64 // bytes
}

func overheadOf(b *testing.B, pid int) (u overheadUsage) {
	b.Helper()
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|2), &t); err != nil { // the CPU clock of a process
		b.Fatalf("processor time of process %d: %v", pid, err)
	}
	stat := overheadFile(b, pid, "stat")
	f := strings.Fields(stat[strings.LastIndexByte(stat, ')')+2:])
	ticks := func(i int) float64 {
		n, _ := strconv.ParseFloat(f[i], 64)
		return n / 100 // USER_HZ
	}
	u.cpu = time.Duration(t.Nano()).Seconds() + ticks(13) + ticks(14)
	for line := range strings.Lines(overheadFile(b, pid, "smaps_rollup")) {
		name, value, _ := strings.Cut(line, ":")
		kb, _ := strconv.ParseFloat(strings.Fields(value + " 0")[0], 64)
		switch name {
		case "Rss":
			u.rss = kb * 1024
		case "Anonymous":
			u.anonymous = kb * 1024
		case "Pss":
			u.pss = kb * 1024
		}
	}
	return u
}

func overheadFile(b *testing.B, pid int, name string) string {
	b.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	if err != nil {
		b.Fatal(err)
	}
	return string(raw)
}

// overheadRow is what one process took, or several.
type overheadRow struct {
	name                string
	cpu                 float64 // percent of a core
	rss, anonymous, pss float64 // bytes, at the end
	values              int     // in a message or a scrape
	bytes               float64 // a second
}

func (r *overheadRow) add(before, after overheadUsage, took float64) {
	r.cpu += 100 * (after.cpu - before.cpu) / took
	r.rss += after.rss
	r.anonymous += after.anonymous
	r.pss += after.pss
}

// overheadTraffic counts what a collector publishes.
type overheadTraffic struct {
	mu sync.Mutex
	overheadCount
}

type overheadCount struct{ messages, bytes, values int }

// take counts a message: its bytes are those on the wire, and its values those
// of a tick.
func (t *overheadTraffic) take(m *nats.Msg) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.messages++
	t.bytes += len("PUB  ") + len(m.Subject) + len(strconv.Itoa(len(m.Data))) + len("\r\n") + len(m.Data) + len("\r\n")
	var parsed wire.Message
	if parsed.Parse(m.Data) != nil || parsed.Lane != metric.Telemetry {
		return
	}
	if l, err := parsed.Layout(); err == nil {
		t.values = l.Width()
	}
}

func overheadCounts(of []*overheadTraffic) (all []overheadCount) {
	for _, t := range of {
		t.mu.Lock()
		all = append(all, t.overheadCount)
		t.mu.Unlock()
	}
	return all
}

// overheadScrapes is what a Prometheus server gets from node_exporter.
type overheadScrapes struct {
	url               string
	n, bytes, samples int
}

func (s *overheadScrapes) scrape(b *testing.B) {
	req, err := http.NewRequest(http.MethodGet, s.url, nil)
	if err != nil {
		b.Error(err)
		return
	}
	req.Header.Set("Accept-Encoding", "gzip")
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Error(err)
		return
	}
	defer r.Body.Close()
	packed, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		b.Errorf("scrape: %s, %v", r.Status, err)
		return
	}
	s.n++
	s.bytes += len(packed)
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		b.Error(err)
		return
	}
	text, err := io.ReadAll(z)
	if err != nil {
		b.Error(err)
	}
	s.samples = 0
	for line := range bytes.Lines(text) {
		if line[0] != '#' {
			s.samples++
		}
	}
}

// overheadWorld is a host with GPUs, and how a collector gets to it.
func overheadWorld(b *testing.B, dir string, gpus int) (w *double.World, env []string, socket string) {
	b.Helper()
	if _, err := double.Build(dir); errors.Is(err, double.ErrNoCompiler) {
		b.Skipf("the double of libdcgm.so.4 cannot be built: %v", err)
	} else if err != nil {
		b.Fatal(err)
	}
	file := filepath.Join(dir, "world")
	w, err := double.Create(file)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { w.Close() })
	for range gpus {
		w.AddGPU(time.Now())
	}
	w.Module = 1
	for _, field := range []int32{1001, 1002, 1004, 1005} {
		for i := range gpus {
			w.GPU(i).SetFloat(field, 0.5)
		}
	}
	socket = filepath.Join(dir, "dcgm")
	l, err := net.Listen("unix", socket)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	return w, []string{"LD_LIBRARY_PATH=" + dir, "DCGM_DOUBLE=" + file}, socket
}

// overheadLoad moves what moves on a GPU at work.
func overheadLoad(w *double.World, now time.Time) {
	for i := range w.GPUs() {
		g, n := w.GPU(i), (now.Unix()*7+int64(i)*13)%100
		g.Power(now, 400+2.5*float64(n))
		g.Set(150, 50+n/5)
		g.Set(140, 60+n/5)
		g.Set(153, 37-n/5)
		g.Set(203, n)
		g.Set(204, n/2)
		g.Set(252, 40000+n)
		g.Set(100, 1600+n)
		g.SetFloat(1001, float64(n)/100)
		g.SetFloat(1002, float64(n)/120)
		g.SetFloat(1004, float64(n)/200)
		g.SetFloat(1005, float64(n)/150)
		for _, field := range []int32{1009, 1010, 1011, 1012} {
			g.Set(field, 1e9+n*1e7)
		}
	}
}

// overheadEverySecond calls do each second until the function that it returns is
// called.
func overheadEverySecond(do func(now time.Time)) (stop func()) {
	quit, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case now := <-tick.C:
				do(now)
			case <-quit:
				return
			}
		}
	}()
	return func() { close(quit); <-over }
}

// overheadStart starts a program that ends with the benchmark.
func overheadStart(b *testing.B, env []string, program string, args ...string) *exec.Cmd {
	b.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), env...)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		late := time.AfterFunc(10*time.Second, func() { cmd.Process.Kill() })
		defer late.Stop()
		if err := cmd.Wait(); b.Failed() {
			b.Logf("%s ended (%v):\n%s", filepath.Base(program), err, said.Bytes())
		}
	})
	return cmd
}

func overheadCopy(b *testing.B, from, to string) {
	b.Helper()
	raw, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, raw, 0o700)
	}
	if err != nil {
		b.Fatal(err)
	}
}

// overheadChild is the one child of a process.
func overheadChild(b *testing.B, pid int) int {
	b.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		b.Fatal(err)
	}
	for _, stat := range all {
		raw, _ := os.ReadFile(stat)
		f := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
		if len(f) < 2 || f[1] != strconv.Itoa(pid) {
			continue
		}
		child, err := strconv.Atoi(filepath.Base(filepath.Dir(stat)))
		if err != nil {
			b.Fatal(err)
		}
		return child
	}
	b.Fatal("the collector with GPUs has no child")
	return 0
}

func overheadReaches(address string) bool {
	c, err := net.Dial("tcp", address)
	if err == nil {
		c.Close()
	}
	return err == nil
}

func overheadAwait(b *testing.B, what string, ok func() bool) {
	b.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.Fatalf("waited in vain for %s", what)
		}
	}
}
