package ledger

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// gigasite is a site of 12,500 hosts of 8 boards with three hours open: 112,500
// accounts.
func gigasite(tb testing.TB) (*Ledger, []*metric.Batch) { return gigasiteOf(tb, 0) }

// gigasiteOf is one whose boards are each shared by a number of jobs.
func gigasiteOf(tb testing.TB, jobs int) (*Ledger, []*metric.Batch) {
	l, err := open(config(), newMemory(nil))
	if err != nil {
		tb.Fatal(err)
	}
	l.cache = newCache(64 << 20)
	batches := make([]*metric.Batch, 12_500)
	for i := range batches {
		host := fmt.Sprintf("n%05d", i+1)
		es := metric.Place{Hall: fmt.Sprintf("h%02d", i/512), Rack: fmt.Sprintf("r%04d", i/8), Host: host}.Entities()
		for g := range 8 {
			es = append(es, metric.Entity{Kind: metric.GPU, Name: uuid(i*8 + g), Parent: 2,
				Labels: []metric.Pair{{Name: "gpu", Value: fmt.Sprint(g)}, {Name: "model", Value: "NVIDIA H200"}}})
		}
		batches[i] = &metric.Batch{
			Site: "s1", Agent: host, Lane: metric.Ledger, Incarnation: 1, Ticks: 1, Time: start, Boottime: 1e12, Values: make([]metric.Raw, 27),
			Layout: &metric.Layout{Entities: es, Columns: []metric.Column{
				{Metric: metric.GPUEnergyJoules, Form: metric.Int, First: 3, Count: 8},
				{Metric: metric.GPUPowerWatts, Form: metric.Float, First: 3, Count: 8},
				{Metric: metric.CounterEpoch, Form: metric.Int, Point: metric.EpochPoint(metric.GPUEnergyJoules, 0), First: 3, Count: 8},
				{Metric: metric.HostEnergyJoules, Form: metric.Int, First: 2, Count: 1},
				{Metric: metric.HostPowerWatts, Form: metric.Float, First: 2, Count: 1},
				{Metric: metric.CounterEpoch, Form: metric.Int, Point: metric.EpochPoint(metric.HostEnergyJoules, 0), First: 2, Count: 1},
			}},
		}
		x := batches[i].Layout
		for g := range 8 {
			for k := range jobs {
				x.Entities = append(x.Entities, metric.Entity{Kind: metric.Job, Name: fmt.Sprint(i/4*jobs + k), Parent: 3 + g, Labels: []metric.Pair{{Name: "tenant", Value: fmt.Sprint("t", i%40)}}})
				batches[i].Values = append(batches[i].Values, metric.Raw(1_000_000/jobs))
			}
		}
		if jobs > 0 {
			x.Columns = append(x.Columns, metric.Column{Metric: metric.JobGPUShare, Form: metric.Int, First: 11, Count: 8 * jobs})
		}
	}
	for _, at := range []int64{0, 10, 590, 600, 4200, 4210} {
		forward(l, batches, start+at*second)
	}
	return l, batches
}

// forward applies the next record of every host, read at the given time.
func forward(l *Ledger, batches []*metric.Batch, at int64) {
	for i, b := range batches {
		b.Sequence++
		b.Time, b.Boottime = at, (at-start)*1e6+1e12
		for g := range 8 {
			b.Values[g] = metric.Raw(1e9 + int64(i) + (at-start)*int64(600+g))
			b.Values[8+g] = metric.Of(float64(600 + g))
		}
		b.Values[24], b.Values[25] = metric.Raw(1e10+(at-start)*6000), metric.Of(6000)
		l.Apply(b, time.UnixMilli(at), "L", l.sequence+1)
	}
}

func BenchmarkApply(b *testing.B) {
	for _, jobs := range []int{0, 1, 7} {
		b.Run(fmt.Sprintf("jobs=%d", jobs), func(b *testing.B) { benchmarkApply(b, jobs) })
	}
}

func benchmarkApply(b *testing.B, jobs int) {
	l, batches := gigasiteOf(b, jobs)
	at, i := start+4210*second, 0
	b.ReportAllocs()
	for b.Loop() {
		if i%len(batches) == 0 {
			at += 10 * second
		}
		x := batches[i%len(batches)]
		x.Sequence++
		x.Time, x.Boottime = at, (at-start)*1e6+1e12
		for g := range 8 {
			x.Values[g] += 6_000_000
		}
		x.Values[24] += 60_000_000
		if o := l.Apply(x, time.UnixMilli(at), "L", l.sequence+1); o.Verdict != account.Accepted || len(o.Alarms) > 0 {
			b.Fatal(o)
		}
		i++
	}
}

func BenchmarkSnapshot(b *testing.B) {
	l, _ := gigasite(b)
	size := 0
	b.Run("encode", func(b *testing.B) {
		for b.Loop() {
			l.buffer = l.state.Append(l.buffer[:0])
			size = len(l.buffer)
		}
		b.ReportMetric(float64(size)/1e6, "MB")
	})
	b.Run("encode+sha256", func(b *testing.B) {
		for b.Loop() {
			body, err := l.encode()
			if err != nil {
				b.Fatal(err)
			}
			l.buffer = withSum(body)
		}
	})
	b.Run("decode", func(b *testing.B) {
		raw := l.state.Append(nil)
		for b.Loop() {
			if _, err := account.Decode(raw, account.Config{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkCommit is what agents wait for: encoded, summed, written, synced,
// renamed.
func BenchmarkCommit(b *testing.B) {
	l, _ := gigasite(b)
	d, err := openFolder(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer d.root.Close()
	if err := d.MkdirAll(ledgerDir); err != nil {
		b.Fatal(err)
	}
	l.disk, l.opened = d, start
	for b.Loop() {
		l.changed = true
		if _, err := l.Commit(time.UnixMilli(start)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	l, _ := gigasite(b)
	l.state.Freeze(start+3*hourMs, start, 1)
	ref := l.state.Closing()[0]
	b.Run("content", func(b *testing.B) {
		for b.Loop() {
			l.state.Content(ref)
		}
	})
	h := l.state.Content(ref)
	var file []byte
	b.Run("encode+sha256", func(b *testing.B) {
		for b.Loop() {
			file = appendHour(file[:0], h)
			sha256.Sum256(file)
		}
		b.ReportMetric(float64(len(file))/1e6, "MB")
	})
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			if _, err := readHour(file); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkEnergy(b *testing.B) {
	l, _ := gigasite(b)
	if _, err := l.Commit(time.UnixMilli(start + 4210*second)); err != nil {
		b.Fatal(err)
	}
	first := (start / hourMs) * hourMs
	for _, bench := range []struct {
		name     string
		by       account.Level
		from, to int64
	}{
		{"gpu/sealed", account.ByGPU, first, first + hourMs}, {"gpu/open", account.ByGPU, first + 2*hourMs, first + 3*hourMs},
		{"rack/sealed", account.ByRack, first, first + hourMs}, {"site/all", account.BySite, 0, first + 3*hourMs},
	} {
		b.Run(bench.name, func(b *testing.B) {
			for b.Loop() {
				lines, err := l.Energy(account.Question{Site: "s1", By: bench.by, Boundary: metric.GPUs, From: bench.from, To: bench.to})
				if err != nil || len(lines) == 0 {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("kpi/open", func(b *testing.B) {
		for b.Loop() {
			if _, err := l.KPI("s1", "pue", first, first+3*hourMs); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// A gigasite's books fit in what the machine can spare.
func TestMemoryOfAGigasite(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a gigasite")
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	l, batches := gigasite(t)
	raw := l.state.Append(nil)
	for _, b := range batches { // the layouts are not the books
		b.Layout, b.Values = nil, nil
	}
	s, err := account.Decode(raw, account.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(s.Append(nil), raw) {
		t.Error("a gigasite does not come back as it was")
	}
	l, raw, batches = nil, nil, nil
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := float64(after.HeapAlloc-before.HeapAlloc) / 112_500
	t.Logf("%.0f bytes an account with three open hours", each)
	if each > 360 {
		t.Errorf("an account with its three open hours takes %.0f bytes", each)
	}
	runtime.KeepAlive(s)
}
