package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

var (
	stormHosts   = flag.Int("storm.hosts", 1250, "hosts of 8 GPUs of the simulated site")
	stormClients = flag.Int("storm.clients", 10_000, "who ask all at once, from one address")
	stormFor     = flag.Duration("storm.for", 90*time.Second, "for how long, and for how long it is looked before")
)

// storms are questions about the whole site that are made to hurt, and one that is not.
var storms = []string{
	`sum(gpu_power_watts)`,
	`count_over_time({__name__=~".+"}[1h])`,
	`sum by (host) (max_over_time(gpu_power_watts[1h:1s]))`,
	`gpu_power_watts * on (uuid) group_right () gpu_power_watts`,
	`quantile_over_time(0.5, gpu_temperature_celsius[1d])`,
	`label_replace(gpu_power_watts, "x", "$1$1$1$1$1$1$1$1", "host", "(.*)")`,
	`sum_over_time(sum_over_time(sum_over_time(vector(1)[1h:10s])[1h:10s])[2h:1m])`,
	`{__name__=~".+",host!~"(a|b|c)*d"}`,
}

// stormPause is how long each waits before it asks again: the machine they share with
// the aggregator must be left time for it.
const stormPause = 5 * time.Second

// A storm is many clients that ask in a loop, each by a connection of its own.
type storm struct {
	mu      sync.Mutex
	answers map[string]int // by code; "refused": the connection was
}

func (s *storm) count(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[what]++
}

func (s *storm) rage(ctx context.Context, base string, clients int) {
	var asking sync.WaitGroup
	defer asking.Wait()
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}, Timeout: 10 * time.Second}
	for i := range clients {
		asking.Go(func() {
			client := http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, MaxIdleConns: 1}}
			defer client.CloseIdleConnections()
			pause := time.Duration(i) * stormPause / time.Duration(clients) // not all in one moment
			for n := i; ; n++ {
				select {
				case <-time.After(pause):
				case <-ctx.Done():
					return
				}
				s.count(asked(ctx, &client, base+"/api/v1/query?query="+url.QueryEscape(storms[n%len(storms)])))
				pause = stormPause
			}
		})
	}
}

// asked asks, and says in a word what came of it.
func asked(ctx context.Context, client *http.Client, at string) string {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return err.Error()
	}
	r, err := client.Do(q)
	switch {
	case ctx.Err() != nil:
		return "cut off at the end"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, syscall.EPIPE):
		return "refused"
	case err != nil:
		return "no answer"
	}
	defer r.Body.Close()
	if _, err := io.Copy(io.Discard, r.Body); err != nil && ctx.Err() == nil {
		return "cut"
	}
	return strconv.Itoa(r.StatusCode)
}

// withstood is how an aggregator was while it was looked at.
type withstood struct {
	fresh         float64         // s, the largest p99 of telemetry
	looked, blind int             // how often it was asked for that, and did not say
	alive, floor  []time.Duration // answers of /healthz, and of a server that does nothing else
	dead          int             // that were not 200
	cores, memory float64         // GiB, the most since it began
}

// watch looks at p until ctx ends, each time by a new connection, as a probe does.
func watch(ctx context.Context, p *process) (w withstood) {
	idle := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }))
	defer idle.Close()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	began, before := time.Now(), usageOf(p.t, p.cmd.Process.Pid)
	for n := 0; ctx.Err() == nil; n++ {
		at := time.Now()
		r, err := client.Get(p.url + "/healthz")
		if err != nil || r.StatusCode != http.StatusOK {
			w.dead++
		}
		if err == nil {
			r.Body.Close()
		}
		w.alive = append(w.alive, time.Since(at))
		at = time.Now()
		if r, err := client.Get(idle.URL); err == nil {
			r.Body.Close()
			w.floor = append(w.floor, time.Since(at))
		}
		if n%10 == 0 {
			w.looked++
			if fresh, ok := p.shows(`gigawatch_stream_freshness_seconds{quantile="0.99"}`); !ok || math.IsNaN(fresh) {
				w.blind++
			} else {
				w.fresh = max(w.fresh, fresh)
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	after := usageOf(p.t, p.cmd.Process.Pid)
	w.cores, w.memory = (after.cpu-before.cpu)/time.Since(began).Seconds(), gib(after.peak)
	slices.Sort(w.alive)
	slices.Sort(w.floor)
	return w
}

func (w *withstood) row(what string) string {
	ms := func(d []time.Duration) string {
		if len(d) == 0 {
			return "none"
		}
		return fmt.Sprintf("%.1f / %.0f", d[len(d)/2].Seconds()*1000, d[len(d)*99/100].Seconds()*1000)
	}
	return fmt.Sprintf("| %s | %.2f | %s | %s | %d of %d | %.2f | %.2f |", what, w.fresh, ms(w.alive), ms(w.floor), w.dead, len(w.alive), w.cores, w.memory)
}

// BenchmarkStorm asks an aggregator, while it takes in a site, more than it can answer.
func BenchmarkStorm(b *testing.B) {
	bin, err := filepath.Abs(*siteBin)
	if err != nil {
		b.Fatal(err)
	}
	b.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	for range b.N {
		dir, address := b.TempDir(), freePort(b)
		p := start(b, "all-in-one", "-hosts", "0", "-data", filepath.Join(dir, "data"), "-listen", "127.0.0.1:0", "-bus", address)
		fleet := startSimulator(b, filepath.Join(bin, "collector"), address, *stormHosts)
		p.await(2*time.Minute, "all hosts report", func() bool { return p.own("gigawatch_stream_telemetry_samples_total") > float64(100*8*20**stormHosts) })
		calm, stop := context.WithTimeout(b.Context(), *stormFor)
		before := watch(calm, p)
		stop()
		raging, stop := context.WithTimeout(b.Context(), *stormFor)
		s := storm{answers: map[string]int{}}
		var storming sync.WaitGroup
		storming.Go(func() { s.rage(raging, p.url, *stormClients) })
		during := watch(raging, p)
		stop()
		storming.Wait()
		off := fleet.end(b, p)
		lost := p.own("gigawatch_stream_telemetry_batches_lost_total") + p.own("gigawatch_recording_ticks_dropped_total")
		p.stop()
		fmt.Printf("\n| %d GPUs | freshness p99, the worst, s | /healthz p50 / p99 ms | of an idle server | not answered | cores | RSS GiB |\n|---|---|---|---|---|---|---|\n%s\n%s\n",
			8**stormHosts, before.row("nobody asks"), during.row(fmt.Sprintf("%d ask", *stormClients)))
		injected := 0
		for _, what := range slices.Sorted(maps.Keys(s.answers)) {
			fmt.Printf("answered %s: %d\n", what, s.answers[what])
			injected += s.answers[what]
		}
		fmt.Printf("batches lost: %.0f; mJ off the truth: %.0f\nsoak: {\"row\":21,\"injected\":%d,\"mj\":%.0f}\n", lost, off, injected, off)
		for what, w := range map[string]*withstood{"before": &before, "during": &during} {
			if w.dead > 0 || w.fresh > 5 || 10*w.blind > w.looked {
				b.Errorf("%s the storm: %d of %d /healthz not answered, freshness %.2f s, which %d of %d times it did not say", what, w.dead, len(w.alive), w.fresh, w.blind, w.looked)
			}
		}
		b.ReportMetric(during.fresh, "s-p99")
		b.ReportMetric(off, "mJ-off")
	}
}
