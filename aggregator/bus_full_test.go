package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/gigawatch/gigawatch/aggregator/internal/bus"
)

const insideMounts = "GIGAWATCH_INSIDE_MOUNTS"

// A bus whose stream has reached its limit, and then one whose disk is full, takes
// nothing and says nothing. That is noticed within a minute, the agents keep what they
// have, and when there is room every millijoule is in the ledger once.
func TestABusThatIsFullLosesNothing(t *testing.T) {
	if os.Getenv(insideMounts) == "" {
		t.Parallel()
		unshare := []string{"-m"}
		if os.Getuid() != 0 {
			unshare = []string{"-U", "-r", "-m"}
		}
		probe := exec.Command("unshare", append(unshare, "--", "mount", "-t", "tmpfs", "-o", "size=1m", "none", t.TempDir())...)
		if out, err := probe.CombinedOutput(); err != nil {
			if os.Getenv("CI") == "true" && os.Getuid() == 0 {
				t.Fatalf("a small disk cannot be made: %v: %s", err, out)
			}
			t.Skipf("a small disk cannot be made: %v: %s", err, out)
		}
		cmd := exec.Command("unshare", append(unshare, "--", os.Args[0], "-test.run=^TestABusThatIsFullLosesNothing$", "-test.v", "-test.count=1", "-test.timeout=10m")...)
		cmd.Env = append(os.Environ(), insideMounts+"=yes")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("with a small disk: %v\n%s", err, out)
		}
		t.Logf("with a small disk:\n%s", out)
		return
	}
	dir := t.TempDir()
	disk := filepath.Join(dir, "bus")
	if err := os.Mkdir(disk, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("none", disk, "tmpfs", 0, "size=24m"); err != nil {
		t.Fatal(err)
	}
	defer syscall.Unmount(disk, syscall.MNT_DETACH)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed: %d", seed)
	w := &fullWorld{newKillWorldIn(t, dir, seed), nil}
	w.aggregator = start(t, "serve", "-config", w.config)
	w.speak("hours of the past", func() bool { return w.now.Sub(w.began) > 3*time.Hour })
	w.rest()

	// The lane keeps two days, read or not: a limit that is too low is reached.
	w.limit(int64(w.state().Bytes) + 20_000)
	w.stuck("its limit")
	w.limit(64 << 20)
	w.speak("the bus takes again", func() bool { return w.shown() == 0 })
	w.rest()

	ballast := w.fill(filepath.Join(disk, "ballast"))
	w.stuck("its disk")
	took := w.state().LastSeq
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		w.step()
	}
	t.Logf("with room again, and not started anew, the bus took %d messages", w.state().LastSeq-took)
	w.restartBus(false)
	w.speak("the bus takes again", func() bool { return w.shown() == 0 })
	w.rest()
	w.aggregator.stop()
	w.checkDisk("the disk was full")
	t.Log(`soak: {"row":5,"injected":2}`)
}

// fullWorld is a site whose bus gets full.
type fullWorld struct {
	*killWorld
	aggregator *process
}

// step is ten minutes of the site, unless much waits for the bus.
func (w *fullWorld) step() {
	w.pump()
	if w.behind() < 200 {
		w.tell()
	}
	time.Sleep(50 * time.Millisecond)
}

// rest says nothing new until all is durable.
func (w *fullWorld) rest() {
	w.t.Helper()
	for until := time.Now().Add(90 * time.Second); !w.durable(); time.Sleep(50 * time.Millisecond) {
		if w.pump(); time.Now().After(until) {
			w.t.Fatalf("%d records wait in vain\n%s", w.behind(), w.aggregator.output())
		}
	}
}

// behind is how many records wait for the bus.
func (w *fullWorld) behind() (n uint64) {
	for _, a := range w.agents {
		last, durable := a.Standing()
		n += last - durable
	}
	return n
}

// speak lets the site go on until ok.
func (w *fullWorld) speak(what string, ok func() bool) {
	w.t.Helper()
	for until := time.Now().Add(90 * time.Second); !ok(); w.step() {
		if time.Now().After(until) {
			w.t.Fatalf("waited in vain: %s; %d records wait\n%s", what, w.behind(), w.aggregator.output())
		}
	}
}

// shown is what the aggregator shows of the bus: 1 while it keeps nothing.
func (w *fullWorld) shown() float64 {
	return w.aggregator.own(`gigawatch_bus_stream_stuck{stream="LEDGER"}`)
}

// stuck waits until it is told that the bus keeps nothing, and by an alert, and checks
// that the agents do.
func (w *fullWorld) stuck(why string) {
	w.t.Helper()
	began := time.Now()
	w.speak("nothing is kept because of "+why, func() bool { return w.shown() == 1 })
	w.t.Logf("%s: noticed after %v", why, time.Since(began).Round(time.Second))
	w.speak("the alert", func() bool {
		var a struct {
			Data struct {
				Alerts []struct{ Labels map[string]string }
			}
		}
		if err := w.aggregator.get("/api/v1/alerts", &a); err != nil {
			return false
		}
		for _, x := range a.Data.Alerts {
			if x.Labels["alertname"] == "BusKeepsNothing" && x.Labels["stream"] == bus.Ledger {
				return true
			}
		}
		return false
	})
	if w.durable() {
		w.t.Errorf("%s: nothing waits for the bus", why)
	}
}

func (w *fullWorld) lane() jetstream.Stream {
	w.t.Helper()
	js, err := jetstream.New(w.conn)
	if err != nil {
		w.t.Fatal(err)
	}
	s, err := js.Stream(w.t.Context(), bus.Ledger)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *fullWorld) state() jetstream.StreamState { return w.lane().CachedInfo().State }

// limit is what an operator sets with NATS's own tools.
func (w *fullWorld) limit(bytes int64) {
	w.t.Helper()
	c := w.lane().CachedInfo().Config
	c.MaxBytes = bytes
	js, err := jetstream.New(w.conn)
	if err == nil {
		_, err = js.UpdateStream(w.t.Context(), c)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// fill takes all room that there is.
func (w *fullWorld) fill(file string) string {
	w.t.Helper()
	f, err := os.Create(file)
	if err != nil {
		w.t.Fatal(err)
	}
	defer f.Close()
	for piece := 64 << 10; piece > 0; {
		switch _, err := f.Write(make([]byte, piece)); {
		case errors.Is(err, syscall.ENOSPC):
			piece /= 2
		case err != nil:
			w.t.Fatal(fmt.Errorf("fill the disk: %w", err))
		}
	}
	return file
}
