//go:build browser

package browser_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/sim"
	"github.com/gigawatch/gigawatch/plugin/handshake"
)

const id = handshake.PluginID

// lacks skips the test for want of something, or fails where CI demands it.
func lacks(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

// dist is the folder of the built plugin.
func dist(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../dist")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"module.js", "plugin.json", "gpx_gigawatch_linux_amd64"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			lacks(t, "the plugin is not built: make plugin")
		}
	}
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		lacks(t, "the plugin is built for linux/amd64")
	}
	return dir
}

// startProgram starts the plugin's back end as Grafana does.
func startProgram(t *testing.T, path string) *handshake.Program {
	t.Helper()
	p, err := handshake.Start(path, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

// printed keeps what an aggregator prints, and tells its address once.
type printed struct {
	mu      sync.Mutex
	text    []byte
	address chan string
	told    bool
}

func (p *printed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text = append(p.text, b...)
	if m := regexp.MustCompile(`(?m)^page +(http://\S+?)/?$`).FindSubmatch(p.text); m != nil && !p.told {
		p.told = true
		p.address <- string(m[1])
	}
	return len(b), nil
}

// startAggregator runs a simulated site and is its address.
func startAggregator(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "aggregator")
	if out, err := exec.Command("go", "build", "-tags", "dedupelabels", "-o", path, "../../aggregator").CombinedOutput(); err != nil {
		t.Fatalf("build the aggregator: %v\n%s", err, out)
	}
	dir, hosts, gpus := t.TempDir(), 8, 4
	if *past > 0 {
		livePast(t, path, dir, sim.Config{Hosts: hosts, GPUs: gpus, Seed: 2}, *past)
	}
	out := &printed{address: make(chan string, 1)}
	cmd := exec.Command(path, "all-in-one", "-hosts", fmt.Sprint(hosts), "-gpus", fmt.Sprint(gpus), "-seed", "3", "-data", dir, "-listen", "127.0.0.1:0")
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended already, which Wait says
		if err := cmd.Wait(); err != nil {
			t.Errorf("the aggregator ended: %v", err)
		}
	})
	select {
	case address := <-out.address:
		return address
	case <-time.After(time.Minute):
		out.mu.Lock()
		defer out.mu.Unlock()
		t.Fatalf("the aggregator does not say its address; it says: %s", out.text)
		return ""
	}
}
