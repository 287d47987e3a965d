package wire_test

import (
	"flag"
	"fmt"
	"math"
	"testing"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
	"pgregory.net/rapid"
)

// rapid's own hundred sequences miss what one in thousands shows.
func init() { _ = flag.Set("rapid.checks", "1000") }

func TestAnyBatchComesBack(t *testing.T) { rapid.Check(t, anyBatchComesBack) }

func FuzzRoundTrip(f *testing.F) { f.Fuzz(rapid.MakeFuzz(anyBatchComesBack)) }

func anyBatchComesBack(t *rapid.T) {
	b := anyBatch(t)
	message, diff, err := through(b, rapid.Bool().Draw(t, "inline"))
	if err != nil || diff != "" {
		t.Fatalf("%v\n%s", err, diff)
	}
	again, _, _ := through(b, message[16]&0x80 != 0)
	if string(again) != string(message) {
		t.Fatal("the same batch gave other bytes")
	}
}

func anyBatch(t *rapid.T) *metric.Batch {
	name := rapid.StringMatching(`[A-Za-z0-9_-]{1,63}`)
	b := &metric.Batch{
		Site: name.Draw(t, "site"), Agent: name.Draw(t, "agent"),
		Lane:        rapid.SampledFrom([]metric.Lane{metric.Telemetry, metric.Ledger}).Draw(t, "lane"),
		Flags:       metric.Flags(rapid.Byte().Draw(t, "flags")),
		Incarnation: rapid.Uint64().Draw(t, "incarnation"),
		Sequence:    rapid.Uint64().Draw(t, "sequence"),
		Skipped:     rapid.Uint64().Draw(t, "skipped"),
		Time:        rapid.Int64().Draw(t, "time"),
		Boottime:    rapid.Int64().Draw(t, "boottime"),
		Interval:    rapid.Int64Min(0).Draw(t, "interval"),
		Ticks:       rapid.OneOf(rapid.Just(1), rapid.IntRange(0, 12)).Draw(t, "ticks"),
		Layout:      anyLayout(t),
	}
	b.Values = make([]metric.Raw, b.Ticks*b.Layout.Width())
	at := 0
	for _, c := range b.Layout.Columns {
		anyColumn(t, b, at, c)
		at += c.Count
	}
	return b
}

func anyLayout(t *rapid.T) *metric.Layout {
	text := rapid.StringN(1, 12, metric.MaxText)
	l := &metric.Layout{Simulated: rapid.Bool().Draw(t, "simulated")}
	for i := range rapid.IntRange(0, 20).Draw(t, "entities") {
		e := metric.Entity{
			Kind:   metric.EntityKind(rapid.Byte().Draw(t, "kind")),
			Name:   text.Draw(t, "name"),
			Parent: rapid.IntRange(-1, i-1).Draw(t, "parent"),
		}
		for j := range rapid.IntRange(0, 3).Draw(t, "labels") {
			e.Labels = append(e.Labels, metric.Pair{Name: fmt.Sprint("l", j), Value: rapid.SampledFrom([]string{"", "a", "b", "long enough"}).Draw(t, "label")})
		}
		l.Entities = append(l.Entities, e)
	}
	if len(l.Entities) == 0 {
		return l
	}
	for range rapid.IntRange(0, 12).Draw(t, "columns") {
		first := rapid.IntRange(0, len(l.Entities)-1).Draw(t, "first")
		l.Columns = append(l.Columns, metric.Column{
			Metric: metric.Number(rapid.Uint16().Draw(t, "metric")),
			Form:   rapid.SampledFrom([]metric.Form{metric.Int, metric.Float}).Draw(t, "form"),
			Point:  rapid.Uint32().Draw(t, "point"),
			First:  first,
			Count:  rapid.IntRange(1, len(l.Entities)-first).Draw(t, "count"),
		})
	}
	return l
}

// anyColumn fills the column c, which is at at in each tick, with values of one
// habit, some of them missing perhaps.
func anyColumn(t *rapid.T, b *metric.Batch, at int, c metric.Column) {
	of := metric.Of
	decimals := math.Pow10(rapid.IntRange(0, 8).Draw(t, "decimals"))
	value := rapid.SampledFrom([]*rapid.Generator[metric.Raw]{
		rapid.Map(rapid.Float64(), of),
		rapid.Map(rapid.Float32(), func(f float32) metric.Raw { return of(float64(f)) }),
		rapid.Map(rapid.Int32(), func(n int32) metric.Raw { return of(float64(n) / decimals) }),
		rapid.Map(rapid.Float64Range(-5e-320, 5e-320), of),
		rapid.SampledFrom(floats(0, 1, 5e-324, -5e-324, math.MaxFloat64, -math.MaxFloat64, 1<<53, 1<<53+2)),
	}).Draw(t, "floats")
	if c.Form == metric.Int {
		scale := rapid.SampledFrom([]metric.Raw{1, 10, 1000, 1e6, 1e9, 512, 1 << 10, 1 << 20, 1 << 30}).Draw(t, "scale")
		value = rapid.SampledFrom([]*rapid.Generator[metric.Raw]{
			rapid.Map(rapid.Int64(), func(n int64) metric.Raw { return metric.Raw(n) }),
			rapid.Map(rapid.Int32(), func(n int32) metric.Raw { return metric.Raw(n) * scale }),
			rapid.Map(rapid.IntRange(0, 3), func(n int) metric.Raw { return metric.Raw(n) * scale }),
			rapid.SampledFrom([]metric.Raw{0, 1, -1, math.MaxInt64, math.MinInt64 + 1}),
		}).Draw(t, "integers")
	}
	same, climbs, missing := rapid.Bool().Draw(t, "same"), rapid.Bool().Draw(t, "climbs"), rapid.IntRange(0, 3).Draw(t, "missing")
	w := b.Layout.Width()
	first := value.Draw(t, "first")
	for k := range b.Ticks {
		for i := range c.Count {
			v := &b.Values[k*w+at+i]
			switch {
			case missing == 1 && rapid.IntRange(0, 4).Draw(t, "this") == 0, missing == 2 && i == 0:
				*v = metric.Missing
			case climbs && c.Form == metric.Int:
				*v = first/2 + metric.Raw(i*1000+k*7)
			case same:
				*v = first
			default:
				*v = value.Draw(t, "value")
			}
		}
	}
}

// A column of more values than a block holds, in all combinations with ticks.
func TestLongColumnsComeBack(t *testing.T) {
	for _, n := range []int{7, 511, 512, 513, 1500} {
		for _, ticks := range []int{1, 2, 3, 100, wire.MaxTicks} {
			if n*ticks > 100_000 {
				continue
			}
			values := make([]metric.Raw, n*ticks)
			for i := range values {
				values[i] = metric.Raw(i%n*1000 + i/n*(i%n%7))
				if i%97 == 3 {
					values[i] = metric.Missing
				}
			}
			check(t, small(metric.Int, n, values...))
		}
	}
}
