package wire_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var update = flag.Bool("update", false, "write the vectors in testdata anew")

// A vector is what a message says, in JSON; beside it lies the message.
type vector struct {
	About       string
	Inline      bool
	Site, Agent string
	Lane        metric.Lane
	Flags       metric.Flags
	Incarnation uint64
	Sequence    uint64
	Skipped     uint64
	Time        int64
	Boottime    int64
	Interval    int64
	LayoutID    string
	Layout      vectorLayout
	Ticks       []json.RawMessage // an array of the values of each: null where missing
}

type vectorLayout struct {
	Simulated bool
	Entities  []metric.Entity
	Columns   []metric.Column
}

func vectorOf(about string, b *metric.Batch, inline bool) *vector {
	v := &vector{
		About: about, Inline: inline, Site: b.Site, Agent: b.Agent, Lane: b.Lane, Flags: b.Flags,
		Incarnation: b.Incarnation, Sequence: b.Sequence, Skipped: b.Skipped,
		Time: b.Time, Boottime: b.Boottime, Interval: b.Interval,
		LayoutID: fmt.Sprintf("%016x", compile(b.Layout).ID),
		Layout:   vectorLayout(*b.Layout),
	}
	for i := range b.Ticks {
		var tick []string
		at := 0
		for _, c := range b.Layout.Columns {
			for range c.Count {
				r := b.Tick(i)[at]
				at++
				text := fmt.Sprint(int64(r))
				if c.Form == metric.Float {
					number, _ := json.Marshal(r.Float())
					text = string(number)
				}
				if r == metric.Missing {
					text = "null"
				}
				tick = append(tick, text)
			}
		}
		v.Ticks = append(v.Ticks, json.RawMessage("["+strings.Join(tick, ",")+"]"))
	}
	return v
}

func (v *vector) batch() (*metric.Batch, error) {
	l := metric.Layout(v.Layout)
	b := &metric.Batch{
		Site: v.Site, Agent: v.Agent, Lane: v.Lane, Flags: v.Flags,
		Incarnation: v.Incarnation, Sequence: v.Sequence, Skipped: v.Skipped,
		Time: v.Time, Boottime: v.Boottime, Interval: v.Interval, Ticks: len(v.Ticks), Layout: &l,
	}
	for _, tick := range v.Ticks {
		var values []*json.Number
		if err := json.Unmarshal(tick, &values); err != nil {
			return nil, err
		}
		for _, c := range l.Columns {
			for _, n := range values[:c.Count] {
				r := metric.Missing
				if n != nil {
					i, err := n.Int64()
					r = metric.Raw(i)
					if c.Form == metric.Float {
						var f float64
						f, err = n.Float64()
						r = metric.Of(f)
					}
					if err != nil {
						return nil, err
					}
				}
				b.Values = append(b.Values, r)
			}
			values = values[c.Count:]
		}
	}
	return b, nil
}

// examples are the vectors as the code would write them.
func examples() map[string]*vector {
	chain := metric.Place{Hall: "h01", Rack: "r003", Host: "n00017"}.Entities()
	gpu := func(i string) metric.Entity {
		return metric.Entity{Kind: metric.GPU, Name: "GPU-" + i, Parent: 2, Labels: []metric.Pair{{Name: "gpu", Value: i}, {Name: "model", Value: "NVIDIA H200"}}}
	}
	const form, whole = metric.Float, metric.Int
	l := &metric.Layout{Entities: append(chain, gpu("0"), gpu("1")), Columns: []metric.Column{
		{Metric: metric.GPUPowerWatts, Form: form, First: 3, Count: 2},
		{Metric: metric.GPUEnergyJoules, Form: whole, First: 3, Count: 2},
		{Metric: metric.GPUECCErrors, Form: whole, Point: 0, First: 3, Count: 2},
		{Metric: metric.GPUECCErrors, Form: whole, Point: 1, First: 3, Count: 2},
		{Metric: metric.GPUECCErrors, Form: whole, Point: 2, First: 3, Count: 2},
		{Metric: metric.HostLoad1, Form: form, First: 2, Count: 1},
		{Metric: metric.HostMemoryUsed, Form: whole, First: 2, Count: 1},
	}}
	batch := func(l *metric.Layout, ticks ...[]metric.Raw) *metric.Batch {
		b := &metric.Batch{
			Site: "ber1", Agent: "n00017", Lane: metric.Telemetry, Incarnation: 1_795_000_000_123, Sequence: 4711,
			Time: 1_795_000_060_000, Boottime: 61_234_567_890, Ticks: len(ticks), Layout: l,
		}
		if len(ticks) > 1 {
			b.Interval = 1000
		}
		for _, t := range ticks {
			b.Values = append(b.Values, t...)
		}
		return b
	}
	of, no := metric.Of, metric.Missing
	tick := func(s int64) []metric.Raw {
		r := metric.Raw(s)
		return []metric.Raw{of(612.345 + float64(s)), of(598.7), 512_345_678_901 + r*612_345, 498_765_432_109 + r*598_700, 0, 0, 3, 0, 0, 0, of(31.25), (1<<20 + r) << 10}
	}
	hour := batch(&metric.Layout{Entities: l.Entities, Columns: []metric.Column{
		{Metric: metric.GPUEnergyJoules, Form: whole, First: 3, Count: 2},
		{Metric: metric.CounterEpoch, Form: whole, Point: metric.EpochPoint(metric.GPUEnergyJoules, 0), First: 3, Count: 2},
	}}, []metric.Raw{512_345_678_901, no, 1_795_000_000_123, 1_794_999_999_000})
	hour.Lane, hour.Flags = metric.Ledger, metric.HourEdge|metric.Fresh
	gap := batch(&metric.Layout{})
	gap.Lane, gap.Flags, gap.Skipped = metric.Ledger, metric.Gap, 360
	newer := batch(&metric.Layout{Entities: append(metric.Place{Host: "n1"}.Entities(),
		metric.Entity{Kind: 99, Name: "pump-1", Parent: 0, Labels: []metric.Pair{{Name: "loop", Value: "a"}}}, metric.Entity{Kind: 99, Name: "pump-2", Parent: 0, Labels: []metric.Pair{{Name: "loop", Value: "b"}}}),
		Columns: []metric.Column{
			{Metric: 777, Form: form, Point: 1 << 31, First: 1, Count: 2},
			{Metric: metric.HostLoad1, Form: form, First: 0, Count: 1},
			{Metric: 65535, Form: whole, First: 1, Count: 2},
		}}, []metric.Raw{of(1.5), of(-2.25), of(3), 77, 1 << 40})
	newer.Flags = 0x80
	least := metric.Raw(math.MinInt64 + 1)
	extremes := batch(&metric.Layout{Simulated: true, Entities: l.Entities, Columns: []metric.Column{
		{Metric: metric.GPUEnergyJoules, Form: whole, First: 3, Count: 2},
		{Metric: metric.GPUPowerWatts, Form: form, First: 3, Count: 2},
		{Metric: metric.GPUTemperature, Form: form, First: 3, Count: 2},
		{Metric: metric.GPUMemoryTemperature, Form: form, First: 3, Count: 2},
	}},
		[]metric.Raw{least, math.MaxInt64, of(5e-324), of(-math.MaxFloat64), of(0.1 + 0.2), no, no, no},
		[]metric.Raw{math.MaxInt64, no, of(math.Pi), of(0), of(1e22), of(float64(float32(0.1))), no, no})
	return map[string]*vector{
		"host":     vectorOf("one tick of a small host, with its layout", batch(l, tick(0)), true),
		"ticks":    vectorOf("three ticks, layout by name", batch(l, tick(1), tick(2), tick(3)), false),
		"ledger":   vectorOf("counters at the turn of an hour, one of them not read", hour, true),
		"gap":      vectorOf("no readings, for 360 that were given up", gap, true),
		"newer":    vectorOf("metrics, an entity kind and a flag that are not known here", newer, true),
		"extremes": vectorOf("the ends of both forms, and what is missing", extremes, true),
	}
}

func TestVectorsBothWays(t *testing.T) {
	for name, v := range examples() {
		path := filepath.Join("testdata", name)
		if *update {
			b, _ := v.batch()
			message, err := wire.Append(nil, b, compile(b.Layout), v.Inline)
			if err != nil {
				t.Fatal(err)
			}
			text, _ := json.MarshalIndent(v, "", "  ")
			for ext, content := range map[string][]byte{".bin": message, ".json": append(text, '\n')} {
				if err := os.WriteFile(path+ext, content, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
		t.Run(name, func(t *testing.T) { checkVector(t, path) })
	}
}

func checkVector(t *testing.T, path string) {
	message, err := os.ReadFile(path + ".bin")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var v vector
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	want, err := v.batch()
	if err != nil {
		t.Fatal(err)
	}
	l := compile(want.Layout)
	if written, err := wire.Append(nil, want, l, v.Inline); err != nil || !bytes.Equal(written, message) {
		t.Errorf("written: %x, %v\nwant     %x", written, err, message)
	}
	var m wire.Message
	if err := m.Parse(message); err != nil {
		t.Fatal(err)
	}
	if v.Inline {
		if l, err = m.Layout(); err != nil {
			t.Fatal(err)
		}
	}
	if id := fmt.Sprintf("%016x", m.LayoutID); m.Inline != v.Inline || id != v.LayoutID {
		t.Errorf("layout %s, inline %v; want %s, %v", id, m.Inline, v.LayoutID, v.Inline)
	}
	got, err := m.Batch(l)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("want - got +\n%s", diff)
	}
}
