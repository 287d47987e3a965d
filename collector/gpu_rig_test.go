//go:build cgo && linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/gpu/dcgm/double"
	"github.com/gigawatch/gigawatch/collector/loopback"
)

// programs are the collector, the aggregator and the double of libdcgm.so.4,
// built as they are shipped.
func programs(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	_, err := double.Build(dir)
	if errors.Is(err, double.ErrNoCompiler) && os.Getenv("CI") != "true" {
		t.Skip("the double of libdcgm.so.4 cannot be built:", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-trimpath", "-tags", "dedupelabels", "-ldflags", "-X main.version=test", "-o", dir+"/",
		"github.com/gigawatch/gigawatch/collector", "github.com/gigawatch/gigawatch/aggregator")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the programs: %v\n%s", err, out)
	}
	return dir
}

// await polls until ok.
func await(t *testing.T, limit time.Duration, what func() string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); ; time.Sleep(250 * time.Millisecond) {
		if ok() {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain: %s", limit, what())
		}
	}
}

// patience is how long anything may take on a busy machine; what is awaited
// comes within seconds.
const patience = 60 * time.Second

// A process is a program that runs.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}

	mu   sync.Mutex
	said strings.Builder
}

func launch(t *testing.T, env []string, path string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(path, args...), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = p, p
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.cmd.Wait(); close(p.ended) }()
	t.Cleanup(p.kill)
	return p
}

// Write keeps what the program says.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.Write(b)
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String()
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// kill ends the program as a power cut of its own would.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.ended
}

// children are the processes that process parent started and that are there.
func children(parent int) (pids []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if f := procStat(pid); len(f) > 1 && f[0] != "Z" && f[1] == strconv.Itoa(parent) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// procStat is the state, the parent and so on of a process; nil if it is gone.
func procStat(pid int) []string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	_, rest, _ := strings.Cut(string(b), ") ") // after its name
	return strings.Fields(rest)
}

// there says whether a process is.
func there(pid int) bool {
	f := procStat(pid)
	return f != nil && f[0] != "Z"
}

// A site is an aggregator with the bus in it, and hosts that send to it.
type site struct {
	t          *testing.T
	programs   string
	dir        string
	bus        string
	url        string
	aggregator *process
	hosts      []*host
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, programs: programs(t), dir: t.TempDir(), bus: loopback.Free(t)}
	listen := loopback.Free(t)
	s.url = "http://" + listen
	s.write("aggregator.yaml", "data: %s\nlisten: %s\nsites: [{name: s1}]\nbus: {embedded: {listen: %q}}\n", filepath.Join(s.dir, "data"), listen, s.bus)
	s.start()
	return s
}

func (s *site) write(name, format string, args ...any) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, fmt.Appendf(nil, format, args...), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// start starts the aggregator and waits until it answers.
func (s *site) start() {
	s.t.Helper()
	s.aggregator = launch(s.t, nil, filepath.Join(s.programs, "aggregator"), "serve", "-config", filepath.Join(s.dir, "aggregator.yaml"))
	await(s.t, patience, s.aggregator.output, func() bool { return s.get("/healthz", nil) == nil })
}

// get decodes the JSON answer to a path.
func (s *site) get(path string, into any) error {
	c := http.Client{Timeout: 10 * time.Second}
	r, err := c.Get(s.url + path)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	switch {
	case err != nil:
		return err
	case r.StatusCode != http.StatusOK:
		return fmt.Errorf("%s: %s: %s", path, r.Status, b)
	case into == nil:
		return nil
	}
	return json.Unmarshal(b, into)
}

// ask is the values of a PromQL expression now, by the values of some of its
// labels with / between them; nil without an answer.
func (s *site) ask(expr string, labels ...string) map[string]float64 {
	var a struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	if s.get("/api/v1/query?query="+url.QueryEscape(expr), &a) != nil {
		return nil
	}
	values := map[string]float64{}
	for _, r := range a.Data.Result {
		var key []string
		for _, l := range labels {
			key = append(key, r.Metric[l])
		}
		if v, err := strconv.ParseFloat(fmt.Sprint(r.Value[1]), 64); err == nil {
			values[strings.Join(key, "/")] = v
		}
	}
	return values
}

// joules are what the ledger has of one GPU, in millijoules.
type joules struct{ total, counted int64 }

// energy is the ledger's, by UUID; nil without an answer.
func (s *site) energy() map[string]joules {
	var a struct {
		Data struct {
			Lines []struct {
				UUID        string
				Millijoules *int64           `json:",string"`
				Parts       map[string]exact `json:"millijoules_by_quality"`
			}
		}
	}
	if s.get("/api/v1/energy?site=s1&by=gpu&boundary=gpu", &a) != nil {
		return nil
	}
	of := map[string]joules{}
	for _, l := range a.Data.Lines {
		if l.Millijoules != nil {
			of[l.UUID] = joules{*l.Millijoules, int64(l.Parts["measured"] + l.Parts["counter_bridged"])}
		}
	}
	return of
}

type exact int64

func (e *exact) UnmarshalText(b []byte) error {
	n, err := strconv.ParseInt(string(b), 10, 64)
	*e = exact(n)
	return err
}

// findings are what health has against a host and its GPUs: cause to state, by
// the GPU's index, or "host". What the verdict of each is stands under "".
func (s *site) findings(host string) map[string]map[string]string {
	var a struct {
		Data struct {
			Sites []struct {
				Subjects []struct {
					Host, GPU, State string
					Findings         []struct {
						Cause, State string
						Count        int
					}
				}
			}
		}
	}
	if s.get("/api/v1/health?site=s1", &a) != nil || len(a.Data.Sites) != 1 {
		return nil
	}
	of := map[string]map[string]string{}
	for _, x := range a.Data.Sites[0].Subjects {
		if x.Host != host {
			continue
		}
		of[or(x.GPU, "host")] = map[string]string{"": x.State}
		for _, f := range x.Findings {
			is := f.State
			if f.Count > 1 {
				is += fmt.Sprintf(" ×%d", f.Count)
			}
			of[or(x.GPU, "host")][f.Cause] = is
		}
	}
	return of
}

func or(s, empty string) string {
	if s == "" {
		return empty
	}
	return s
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
