package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/loopback"
)

// process is an aggregator of its own, with everything on loopback.
type process struct {
	t    testing.TB
	cmd  *exec.Cmd
	url  string // of the page
	args []string
	http *http.Client

	mu  sync.Mutex
	log strings.Builder
}

// freePort is one for what must come back under the same address.
func freePort(t testing.TB) string { return loopback.Free(t) }

// start runs the aggregator with these arguments and waits until it answers.
func start(t testing.TB, args ...string) *process {
	t.Helper()
	return startFor(t, http.DefaultClient, args...)
}

// startFor is start where an own client asks.
func startFor(t testing.TB, client *http.Client, args ...string) *process {
	t.Helper()
	p := &process{t: t, args: args, http: client, cmd: exec.Command("aggregator", args...)}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stderr = p
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	found := make(chan string, 1)
	go func() {
		s := bufio.NewScanner(out)
		for s.Scan() {
			if u, ok := strings.CutPrefix(s.Text(), "page      "); ok {
				found <- strings.TrimSuffix(u, "/")
			}
		}
	}()
	select {
	case p.url = <-found:
	case <-time.After(time.Minute):
		t.Fatalf("the aggregator did not come up:\n%s", p.output())
	}
	p.await(time.Minute, "it answers", func() bool {
		r, err := p.http.Get(p.url + "/healthz")
		if err == nil {
			r.Body.Close()
		}
		return err == nil && r.StatusCode == http.StatusOK
	})
	return p
}

// Write keeps what the process logs.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(b)
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// kill ends the process as a power cut of its own would.
func (p *process) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// stop ends it as Ctrl-C does and wants exit code 0.
func (p *process) stop() {
	p.t.Helper()
	p.cmd.Process.Signal(os.Interrupt)
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("the aggregator ended with %v:\n%s", err, p.output())
	}
}

// await polls until ok.
func (p *process) await(limit time.Duration, what string, ok func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if ok() {
			return
		}
	}
	p.t.Fatalf("waited %s in vain: %s\n%s", limit, what, p.output())
}

// get decodes the JSON answer to a path.
func (p *process) get(path string, into any) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+path, nil)
	if err != nil {
		return err
	}
	r, err := p.http.Do(req)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	if r.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", path, r.Status, b)
	}
	return json.Unmarshal(b, into)
}

// instant is the values of a PromQL expression now, by one of its labels.
func (p *process) instant(expr, label string) map[string]float64 {
	var a struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	out := map[string]float64{}
	if err := p.get("/api/v1/query?query="+strings.NewReplacer("{", "%7B", "}", "%7D", `"`, "%22", " ", "%20", "+", "%2B").Replace(expr), &a); err != nil {
		return out
	}
	for _, r := range a.Data.Result {
		if v, err := strconv.ParseFloat(fmt.Sprint(r.Value[1]), 64); err == nil {
			out[r.Metric[label]] = v
		}
	}
	return out
}

// own is one of the aggregator's own metrics, summed over its labels.
func (p *process) own(name string) float64 {
	sum, _ := p.shows(name)
	return sum
}

// shows is the sum of what p says of itself by a name, if it says anything.
func (p *process) shows(name string) (sum float64, ok bool) {
	r, err := p.http.Get(p.url + "/metrics")
	if err != nil {
		return 0, false
	}
	defer r.Body.Close()
	s := bufio.NewScanner(r.Body)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		full, value, _ := strings.Cut(s.Text(), " ")
		if base, _, _ := strings.Cut(full, "{"); full == name || base == name {
			if v, err := strconv.ParseFloat(value, 64); err == nil {
				sum, ok = sum+v, true
			}
		}
	}
	return sum, ok
}
