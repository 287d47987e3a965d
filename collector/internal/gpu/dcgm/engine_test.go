//go:build cgo && linux

package dcgm_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/internal/gpu/dcgm"
	"github.com/gigawatch/gigawatch/collector/internal/gpu/dcgm/double"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// The library is loaded once in a process, and so there is one world, which
// each test fills anew.
var (
	library string
	world   *double.World
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if probe := os.Getenv("DCGM_TEST_LIBRARY"); probe != "" {
		if probe == "by its name" {
			probe = ""
		}
		_, err := dcgm.Open(dcgm.Config{Library: probe})
		fmt.Println("error:", err)
		return 0
	}
	dir, err := os.MkdirTemp("", "dcgm")
	if err == nil {
		defer os.RemoveAll(dir)
		library, err = double.Build(dir)
	}
	if errors.Is(err, double.ErrNoCompiler) && os.Getenv("CI") != "true" {
		fmt.Println("skip: the double of libdcgm.so.4 cannot be built:", err)
		return 0
	}
	if err == nil {
		file := filepath.Join(dir, "world")
		os.Setenv("DCGM_DOUBLE", file)
		world, err = double.Create(file)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// An engine is a world with a clock of its own and a socket to knock at.
type engine struct {
	*double.World
	t      *testing.T
	clock  time.Time
	socket string
	closed func()
}

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newEngine(t *testing.T, gpus int) *engine {
	t.Helper()
	world.Reset()
	e := &engine{World: world, t: t, clock: start, socket: filepath.Join(t.TempDir(), "dcgm")}
	e.Now = start.UnixMicro()
	for range gpus {
		e.AddGPU(start.Add(-time.Hour))
	}
	e.up()
	return e
}

// up has the engine listen.
func (e *engine) up() {
	e.t.Helper()
	l, err := net.Listen("unix", e.socket)
	if err != nil {
		e.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	e.closed = func() { l.Close(); <-done }
	e.Down = 0
	e.t.Cleanup(func() { l.Close() })
}

// kill ends the engine; what it knew is lost.
func (e *engine) kill() {
	e.closed()
	e.Down = 1
	e.Restart()
}

func (e *engine) pass(d time.Duration) {
	e.clock = e.clock.Add(d)
	e.Now = e.clock.UnixMicro()
}

func (e *engine) open(change ...func(*dcgm.Config)) *dcgm.Driver {
	e.t.Helper()
	c := dcgm.Config{Address: "unix://" + e.socket, Library: library, Since: e.clock, Logger: slog.New(slog.DiscardHandler)}
	for _, f := range change {
		f(&c)
	}
	d, err := dcgm.Open(c)
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() {
		if err := d.Close(); err != nil {
			e.t.Error(err)
		}
	})
	return d
}

func (e *engine) read(d *dcgm.Driver, r *gpu.Reading) {
	e.t.Helper()
	if err := d.Read(context.Background(), e.clock, r); err != nil {
		e.t.Fatal(err)
	}
}

// next is the reading a second later.
func (e *engine) next(d *dcgm.Driver, r *gpu.Reading) {
	e.t.Helper()
	e.pass(time.Second)
	e.read(d, r)
}

// recover reads, once a second, until it succeeds, and returns how long that
// took.
func (e *engine) recover(d *dcgm.Driver, r *gpu.Reading) time.Duration {
	e.t.Helper()
	began, limit := e.clock, time.Now().Add(20*time.Second)
	for time.Now().Before(limit) {
		if d.Read(context.Background(), e.clock, r) == nil {
			return e.clock.Sub(began)
		}
		time.Sleep(5 * time.Millisecond) // dialling goes on in a goroutine
		e.pass(time.Second)
	}
	e.t.Fatal("it does not recover")
	return 0
}

func value(b gpu.Board, s gpu.Slot) float64 { return s.Def().Value(b.Values[s]) }

func missing(b gpu.Board) bool {
	for _, v := range b.Values {
		if v != metric.Missing {
			return false
		}
	}
	return true
}

func codes(r gpu.Reading) []uint32 {
	var c []uint32
	for _, e := range r.Events {
		c = append(c, e.Code)
	}
	return c
}
