package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/tsdb"
)

func startVictoria(ctx context.Context, b *testing.B, dir, name, short string) *contender {
	listen := freePort(b)
	return startPeer(ctx, b, &contender{name: name, short: short, dir: dir, count: "vm_rows_inserted_total"}, listen, "/health",
		"victoria-metrics", "-httpListenAddr="+listen, "-storageDataPath="+dir, "-loggerLevel=ERROR")
}

func startPrometheus(ctx context.Context, b *testing.B, dir, name, short string) *contender {
	listen, config := freePort(b), dir+".yml"
	if err := os.WriteFile(config, []byte("global: {}\n"), 0o644); err != nil {
		b.Fatal(err)
	}
	return startPeer(ctx, b, &contender{name: name, short: short, dir: dir, count: "prometheus_tsdb_head_samples_appended_total"}, listen, "/-/ready",
		"prometheus", "--config.file="+config, "--storage.tsdb.path="+dir, "--web.listen-address="+listen, "--web.enable-remote-write-receiver", "--log.level=error")
}

// startPeer runs a peer until it is ready for remote write. It dies with ctx or
// with the benchmark.
func startPeer(ctx context.Context, b *testing.B, c *contender, listen, ready, program string, args ...string) *contender {
	b.Helper()
	p := &process{t: b, url: "http://" + listen, cmd: exec.CommandContext(ctx, program, args...)}
	p.cmd.Stdout, p.cmd.Stderr = p, p
	if err := p.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(p.kill)
	p.await(30*time.Second, c.name+" is ready", func() bool {
		r, err := http.Get(p.url + ready)
		if err == nil {
			r.Body.Close()
		}
		return err == nil && r.StatusCode == http.StatusOK
	})
	c.process, c.sender = p, newSender(ctx, p.url+"/api/v1/write")
	return c
}

// measureDisk is the time series that an ended contender left. What the head of a
// Prometheus database still had in its log only is written to dir as the block it
// would become.
func (c *contender) measureDisk(b *testing.B, dir string) {
	b.Helper()
	if data := filepath.Join(c.dir, "data"); c.count == "vm_rows_inserted_total" {
		c.values, c.index = sizeOf(data), sizeOf(filepath.Join(c.dir, "indexdb"))
		return
	}
	series := c.dir
	if c.sender == nil {
		series = filepath.Join(c.dir, "tsdb")
	}
	db, err := tsdb.OpenDBReadOnly(series, b.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	if err := db.FlushWAL(dir); err != nil {
		b.Fatalf("%s: make a block of its log: %v", c.name, err)
	}
	for _, root := range []string{series, dir} {
		for what, n := range map[string]*int64{"chunks": &c.values, "index": &c.index} {
			found, _ := filepath.Glob(filepath.Join(root, "*", what))
			for _, f := range found {
				*n += sizeOf(f)
			}
		}
	}
}

// machine is what the kernel says of all processors, seconds.
type machine struct{ busy, idle, own float64 }

func machineNow(b *testing.B) (m machine) {
	b.Helper()
	raw, err := os.ReadFile("/proc/stat")
	if err != nil {
		b.Fatal(err)
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	for i, f := range strings.Fields(line)[1:9] { // guests count as users already
		v, _ := strconv.ParseFloat(f, 64)
		if i == 3 || i == 4 { // idle, waiting for a disk
			m.idle += v / 100
		} else {
			m.busy += v / 100
		}
	}
	m.own = usageOf(b, os.Getpid()).cpu
	return m
}

// since says how much of the machine was free.
func (m machine) since(o machine) string {
	busy, idle := m.busy-o.busy, m.idle-o.idle
	return fmt.Sprintf("Of the machine's %d processors %.0f %% was idle and %.0f %% fed.", runtime.NumCPU(), 100*idle/(busy+idle), 100*(m.own-o.own)/(busy+idle))
}
