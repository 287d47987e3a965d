package wire_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
	"github.com/klauspost/compress/snappy"
	"github.com/prometheus/prometheus/prompb"
)

const inlineEvery = 60 // batches

// costs are bytes a sample, all in.
func costs(b *metric.Batch) float64 {
	l := compile(b.Layout)
	lean, err := wire.Append(nil, b, l, false)
	if err != nil {
		panic(err)
	}
	full, err := wire.Append(nil, b, l, true)
	if err != nil {
		panic(err)
	}
	return (float64(len(lean)) + float64(len(full)-len(lean))/inlineEvery) / float64(len(b.Values))
}

func TestHostCostsLessThanItsBudget(t *testing.T) {
	if got := costs(newHost(1).batch(1)); got > 1.5 {
		t.Errorf("%.3f bytes a sample", got)
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	for _, ticks := range []int{1, 10} {
		b := newHost(1).batch(ticks)
		l := compile(b.Layout)
		message, err := wire.Append(nil, b, l, true)
		if err != nil {
			t.Fatal(err)
		}
		dst, values := make([]byte, 0, wire.MaxMessage), make([]metric.Raw, 0, len(b.Values))
		var m wire.Message
		if err := m.Parse(message); err != nil {
			t.Fatal(err)
		}
		for name, f := range map[string]func(){
			"Append": func() { dst, _ = wire.Append(dst[:0], b, l, false) },
			"Parse":  func() { _ = m.Parse(message) },
			"Values": func() { values, _ = m.Values(values[:0], l) },
		} {
			if n := testing.AllocsPerRun(100, f); n != 0 {
				t.Errorf("%s of %d ticks allocates %v times", name, ticks, n)
			}
		}
	}
}

// measure runs f, which handles the samples of one message of size bytes, and
// reports per sample.
func measure(b *testing.B, samples, size int, perSample float64, f func()) {
	b.ReportAllocs()
	b.SetBytes(int64(size))
	for b.Loop() {
		f()
	}
	n := float64(b.N) * float64(samples)
	b.ReportMetric(perSample, "B/sample")
	b.ReportMetric(n/b.Elapsed().Seconds(), "samples/s")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/n, "ns/sample")
}

// each runs f as benchmarks of one, ten and sixty ticks of a host.
func each(b *testing.B, f func(b *testing.B, batch *metric.Batch, l *wire.Layout, message []byte)) {
	for _, ticks := range []int{1, 10, 60} {
		b.Run(fmt.Sprintf("ticks=%d", ticks), func(b *testing.B) {
			batch := newHost(1).batch(ticks)
			l := compile(batch.Layout)
			message, err := wire.Append(nil, batch, l, false)
			if err != nil {
				b.Fatal(err)
			}
			f(b, batch, l, message)
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	each(b, func(b *testing.B, batch *metric.Batch, l *wire.Layout, message []byte) {
		dst := make([]byte, 0, wire.MaxMessage)
		measure(b, len(batch.Values), len(message), costs(batch), func() { dst, _ = wire.Append(dst[:0], batch, l, false) })
	})
}

func BenchmarkParse(b *testing.B) {
	each(b, func(b *testing.B, batch *metric.Batch, l *wire.Layout, message []byte) {
		var m wire.Message
		measure(b, len(batch.Values), len(message), costs(batch), func() { _ = m.Parse(message) })
	})
}

func BenchmarkValues(b *testing.B) {
	each(b, func(b *testing.B, batch *metric.Batch, l *wire.Layout, message []byte) {
		var m wire.Message
		if err := m.Parse(message); err != nil {
			b.Fatal(err)
		}
		dst := make([]metric.Raw, 0, len(batch.Values))
		measure(b, len(batch.Values), len(message), costs(batch), func() { dst, _ = m.Values(dst[:0], l) })
	})
}

func BenchmarkLayout(b *testing.B) {
	batch := newHost(1).batch(1)
	message, err := wire.Append(nil, batch, compile(batch.Layout), true)
	if err != nil {
		b.Fatal(err)
	}
	var m wire.Message
	if err := m.Parse(message); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Layout(); err != nil {
			b.Fatal(err)
		}
	}
}

// The same samples by other means, for the scale of the figures.

func BenchmarkOtherJSON(b *testing.B) {
	batch := newHost(1).batch(1)
	var text []byte
	size := len(asJSON(batch))
	measure(b, len(batch.Values), size, float64(size)/float64(len(batch.Values)), func() { text = asJSON(batch) })
	_ = text
}

func BenchmarkOtherVarint(b *testing.B) {
	batch := newHost(1).batch(1)
	var dst []byte
	size := len(asVarints(nil, batch))
	measure(b, len(batch.Values), size, float64(size)/float64(len(batch.Values)), func() { dst = asVarints(dst[:0], batch) })
}

func BenchmarkOtherRemoteWrite(b *testing.B) {
	batch := newHost(1).batch(1)
	var dst []byte
	request := asRemoteWrite(batch)
	size := len(pack(nil, request))
	measure(b, len(batch.Values), size, float64(size)/float64(len(batch.Values)), func() { dst = pack(dst, request) })
}

// readings are the metrics of one entity by their names and labels.
type readings struct {
	Kind    string             `json:"kind"`
	Name    string             `json:"name"`
	Metrics map[string]float64 `json:"metrics"`
}

func asJSON(b *metric.Batch) []byte {
	all := make([]readings, len(b.Layout.Entities))
	for i, e := range b.Layout.Entities {
		all[i] = readings{e.Kind.String(), e.Name, map[string]float64{}}
	}
	at := 0
	for _, c := range b.Layout.Columns {
		d := metric.Lookup(c.Metric)
		name := d.Name
		for i := range d.Labels {
			if d.Kind != metric.State {
				name += "." + d.LabelValue(c.Point, i)
			}
		}
		for i := range c.Count {
			all[c.First+i].Metrics[name] = d.Value(b.Values[at])
			at++
		}
	}
	text, err := json.Marshal(struct {
		Site     string     `json:"site"`
		Agent    string     `json:"agent"`
		Time     int64      `json:"time"`
		Sequence uint64     `json:"sequence"`
		Entities []readings `json:"entities"`
	}{b.Site, b.Agent, b.Time, b.Sequence, all})
	if err != nil {
		panic(err)
	}
	return text
}

// asVarints is each value less the one before it, and nothing that says what
// they are.
func asVarints(dst []byte, b *metric.Batch) []byte {
	var before metric.Raw
	for _, v := range b.Values {
		dst = binary.AppendVarint(dst, int64(v-before))
		before = v
	}
	return dst
}

// asRemoteWrite is the batch as Prometheus' remote write 1.0 has it.
func asRemoteWrite(b *metric.Batch) *prompb.WriteRequest {
	w := &prompb.WriteRequest{}
	l, at := b.Layout, 0
	for _, c := range l.Columns {
		d := metric.Lookup(c.Metric)
		for i := range c.Count {
			labels := []prompb.Label{{Name: "__name__", Value: d.Name}, {Name: "site", Value: b.Site}}
			for k := c.First + i; k >= 0; k = l.Entities[k].Parent {
				e := &l.Entities[k]
				labels = append(labels, prompb.Label{Name: e.Kind.NameLabel(), Value: e.Name})
				for _, p := range e.Labels {
					labels = append(labels, prompb.Label{Name: p.Name, Value: p.Value})
				}
			}
			for k := range d.Labels {
				labels = append(labels, prompb.Label{Name: d.Labels[k].Name, Value: d.LabelValue(c.Point, k)})
			}
			w.Timeseries = append(w.Timeseries, prompb.TimeSeries{Labels: labels, Samples: []prompb.Sample{{Value: d.Value(b.Values[at]), Timestamp: b.Time}}})
			at++
		}
	}
	return w
}

func pack(dst []byte, w *prompb.WriteRequest) []byte {
	plain, err := w.Marshal()
	if err != nil {
		panic(err)
	}
	return snappy.Encode(dst[:cap(dst)], plain)
}
