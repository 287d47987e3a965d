package store_test

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/store"
)

// The steady state of a site, which no short benchmark shows: hours of samples
// as fast as they can be appended, with blocks being cut. A hundred thousand
// GPUs, and what the process needs for them:
//
//	go test -tags dedupelabels -run '^$' -bench Steady -benchtime 1x -timeout 3h ./aggregator/internal/store -steady.hosts 12500 -steady.for 3h20m
//
// GOGC and GOMEMLIMIT are taken from the environment.
var (
	steadyHosts  = flag.Int("steady.hosts", 50, "hosts of BenchmarkSteady")
	steadyGPUs   = flag.Int("steady.gpus", 8, "GPUs a host")
	steadyFor    = flag.Duration("steady.for", 10*time.Minute, "simulated time")
	steadyBlock  = flag.Duration("steady.block", 0, "length of blocks; 0: the default")
	steadyMerge  = flag.Duration("steady.merge", 0, "length of merged blocks; 0: the default")
	steadyBeat   = flag.Duration("steady.heartbeat", 0, "heartbeat; 0: the default")
	steadyDuring = flag.Duration("steady.during", 2*time.Minute, "simulated time that may pass while a block is cut")
	steadyDir    = flag.String("steady.dir", "", "directory to keep; empty: a temporary one")
	steadyHeap   = flag.String("steady.heap", "", "file for a heap profile at the end; see -test.memprofilerate")
	steadyLate   = flag.Float64("steady.late", 0, "share of the hosts whose every tenth tick comes an hour late")
)

func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// status is the lines of /proc/self/status that count memory, in bytes.
func status() map[string]float64 {
	m := map[string]float64{}
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return m
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if k, v, ok := strings.Cut(s.Text(), ":"); ok {
			if n, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(v), " kB"), 64); err == nil {
				m[k] = n * 1024
			}
		}
	}
	return m
}

// live is the heap in use after a collection.
func live() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

func diskUse(dir string) (n float64) {
	_ = filepath.Walk(dir, func(_ string, i os.FileInfo, err error) error {
		if err == nil && !i.IsDir() {
			n += float64(i.Size())
		}
		return nil
	})
	return n
}

func BenchmarkSteady(b *testing.B) {
	for b.Loop() {
		steady(b)
	}
}

func steady(b *testing.B) {
	f := newFleet(*steadyHosts, *steadyGPUs)
	of := live()
	debug.FreeOSMemory()
	dir := *steadyDir
	if dir == "" {
		dir = b.TempDir()
	}
	c := store.Config{
		Dir: dir, Block: *steadyBlock, MaxBlock: *steadyMerge, Heartbeat: *steadyBeat, OutOfOrder: 2 * time.Hour, Creations: 1 << 30,
		Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return epoch.Add(1000 * time.Hour) },
	}
	s, err := store.Open(c)
	if err != nil {
		b.Fatal(err)
	}
	s.DB().DisableCompactions() // a block is cut when simulated time says so
	w := s.Writer()
	start, series := processor(), 0.0
	fmt.Printf("%9s %9s %9s %8s %9s %9s %9s %9s %8s %8s\n", "time", "series", "live", "B/series", "RSS", "anon", "file", "disk", "cpu", "moving")
	show := func(t int64, note string) {
		m, heap := status(), 0.0
		if note == "" {
			heap = live() - of
		}
		series = float64(s.DB().Head().NumSeries())
		fmt.Printf("%9s %9.0f %8.2fM %8.0f %8.2fM %8.2fM %8.2fM %8.2fM %8s %s\n", time.Duration(t-at(0))*time.Millisecond, series, heap/1e6, heap/series,
			m["VmRSS"]/1e6, m["RssAnon"]/1e6, m["RssFile"]/1e6, diskUse(dir)/1e6, (processor() - start).Round(100*time.Millisecond), note)
	}
	peak := watch(b)
	var compacting chan error
	var began, moved, offered int64
	var moving, storing time.Duration // processor time is taken of the whole, wall time of the parts
	end := at(0) + steadyFor.Milliseconds()
	ticks := int64(0)
	for t := at(0); t < end; t += 1000 {
		for k := range f.agents {
			m := &f.agents[k]
			if !w.Due(m.key, t) {
				continue
			}
			t0 := time.Now()
			moved += int64(f.move(m))
			t1 := time.Now()
			if err := w.Append(m.key, m.layout, "dc1", t, m.values); err != nil {
				b.Fatal(err)
			}
			if late := float64(k) < *steadyLate*float64(len(f.agents)); late && ticks%10 == 0 && t-at(0) > 3700_000 {
				if err := w.Append(m.key, m.layout, "dc1", t-3600_000-1, m.values); err != nil {
					b.Fatal(err)
				}
			}
			moving += t1.Sub(t0)
			storing += time.Since(t1)
			offered += int64(len(m.values))
		}
		t1 := time.Now()
		if err := w.Commit(); err != nil {
			b.Fatal(err)
		}
		storing += time.Since(t1)
		ticks++
		if (t-at(0))%60_000 == 0 {
			s.DB().ForceHeadMMap() // as it is each minute
		}
		if (t-at(0))%600_000 == 180_000 || t == at(20) {
			show(t, "")
		}
		select {
		case err := <-compacting:
			if err != nil {
				b.Fatal(err)
			}
			show(t, fmt.Sprintf("cut in %v", time.Duration(t-began)*time.Millisecond))
			compacting = nil
		default:
		}
		head := s.DB().Head()
		block := head.MaxTime() - head.MinTime()
		switch {
		case compacting == nil && block > blockLength()*3/2:
			show(t, "most so far: "+peak())
			compacting, began = make(chan error, 1), t
			go func() { compacting <- s.DB().Compact(b.Context()) }()
		case compacting != nil && t-began >= steadyDuring.Milliseconds():
			show(t, "cutting")
			if err := <-compacting; err != nil {
				b.Fatal(err)
			}
			show(t, "cut; most since the last: "+peak())
			compacting = nil
		}
	}
	if compacting != nil {
		if err := <-compacting; err != nil {
			b.Fatal(err)
		}
	}
	show(end, "")
	fmt.Println("most at the end:", peak())
	if *steadyHeap != "" {
		if err := writeHeap(*steadyHeap); err != nil {
			b.Fatal(err)
		}
	}
	m := status()
	seconds := steadyFor.Seconds()
	used := processor() - start
	b.ReportMetric(m["VmHWM"]/1e6, "MB-most")
	b.ReportMetric(m["VmHWM"]/series, "most-B/series")
	b.ReportMetric(float64(used.Nanoseconds())/float64(offered), "cpu-ns/value")
	b.ReportMetric(used.Seconds()/seconds, "cores")
	b.ReportMetric(float64(storing.Nanoseconds())/float64(offered), "store-ns/value")
	b.ReportMetric(float64(moving.Nanoseconds())/float64(offered), "fleet-ns/value")
	b.ReportMetric(float64(moved)/float64(offered), "moved/value")
	var samples, bytes float64
	for _, block := range s.DB().Blocks() {
		samples += float64(block.Meta().Stats.NumSamples)
		bytes += float64(block.Size())
		fmt.Printf("block %v: %d series, %d samples, %d chunks, %.1f MB, %.2f B a sample\n", time.Duration(block.MaxTime()-block.MinTime())*time.Millisecond,
			block.Meta().Stats.NumSeries, block.Meta().Stats.NumSamples, block.Meta().Stats.NumChunks, float64(block.Size())/1e6, float64(block.Size())/float64(block.Meta().Stats.NumSamples))
	}
	if samples > 0 {
		b.ReportMetric(bytes/samples, "disk-B/sample")
	}
	closing := time.Now()
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	fmt.Printf("closed in %v\n", time.Since(closing))
	runtime.GC()
	again := processor()
	if s, err = store.Open(c); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric((processor() - again).Seconds(), "reopen-cpu-s")
	fmt.Printf("opened again in %v of processor time, with %d series\n", processor()-again, s.DB().Head().NumSeries())
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// watch reads the memory in use five times a second; what it returns says the
// most since it was last asked.
func watch(b *testing.B) func() string {
	most := map[string]float64{}
	var mu sync.Mutex
	ctx, cancel := context.WithCancel(b.Context())
	b.Cleanup(cancel)
	go func() {
		for tick := time.NewTicker(200 * time.Millisecond); ctx.Err() == nil; <-tick.C {
			m := status()
			mu.Lock()
			for _, k := range []string{"VmRSS", "RssAnon", "RssFile"} {
				most[k] = max(most[k], m[k])
			}
			mu.Unlock()
		}
	}()
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		s := fmt.Sprintf("RSS %.0fM, anon %.0fM, file %.0fM", most["VmRSS"]/1e6, most["RssAnon"]/1e6, most["RssFile"]/1e6)
		clear(most)
		return s
	}
}

func writeHeap(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(pprof.WriteHeapProfile(f), f.Close())
}

func blockLength() int64 {
	if *steadyBlock != 0 {
		return steadyBlock.Milliseconds()
	}
	return time.Hour.Milliseconds()
}
