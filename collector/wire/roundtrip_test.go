package wire_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// through sends b over the wire and says what is different on the other side.
func through(b *metric.Batch, inline bool) (message []byte, diff string, err error) {
	l, err := wire.Compile(b.Layout)
	if err != nil {
		return nil, "", err
	}
	message, err = wire.Append(nil, b, l, inline)
	if err != nil {
		return nil, "", err
	}
	var m wire.Message
	if err := m.Parse(message); err != nil {
		return message, "", err
	}
	if inline {
		if l, err = m.Layout(); err != nil {
			return message, "", err
		}
	}
	got, err := m.Batch(l)
	if err != nil {
		return message, "", err
	}
	values := b.Values
	if slices.Equal(values, got.Values) { // there may be many
		values, got.Values = nil, nil
	}
	want := *b
	want.Values = values
	return message, cmp.Diff(&want, got, cmpopts.EquateEmpty()), nil
}

func check(t *testing.T, b *metric.Batch) []byte {
	t.Helper()
	var messages [2][]byte
	for i, inline := range []bool{false, true} {
		message, diff, err := through(b, inline)
		if err != nil {
			t.Fatalf("inline %v: %v", inline, err)
		}
		if diff != "" {
			t.Fatalf("inline %v: sent - got +\n%s", inline, diff)
		}
		again, _, _ := through(b, inline)
		if string(again) != string(message) {
			t.Fatalf("inline %v: the same batch gave other bytes", inline)
		}
		messages[i] = message
	}
	return messages[0]
}

// small is a batch of one column over n entities, each tick n values of v.
func small(form metric.Form, n int, v ...metric.Raw) *metric.Batch {
	l := &metric.Layout{Columns: []metric.Column{{Metric: 100, Form: form, First: 0, Count: n}}}
	for i := range n {
		l.Entities = append(l.Entities, metric.Entity{Kind: metric.GPU, Name: fmt.Sprint(i), Parent: -1})
	}
	return &metric.Batch{Site: "s", Agent: "a", Lane: metric.Telemetry, Sequence: 1, Ticks: len(v) / n, Layout: l, Values: v}
}

func floats(v ...float64) (r []metric.Raw) {
	for _, f := range v {
		r = append(r, metric.Of(f))
	}
	return r
}

func TestValuesComeBackAsTheyWere(t *testing.T) {
	const missing = metric.Missing
	most, least := metric.Raw(math.MaxInt64), metric.Raw(math.MinInt64+1)
	for name, tc := range map[string]struct {
		form   metric.Form
		n      int
		values []metric.Raw
		bytes  int // of the blocks; 0: any
	}{
		"zeros":                       {metric.Int, 8, make([]metric.Raw, 8), 1},
		"one small number":            {metric.Int, 1, []metric.Raw{111}, 1},
		"one number":                  {metric.Int, 1, []metric.Raw{112}, 3},
		"one negative number":         {metric.Int, 1, []metric.Raw{-1}, 2},
		"one float":                   {metric.Float, 1, floats(45), 1},
		"one decimal":                 {metric.Float, 1, floats(612.345), 4},
		"a constant":                  {metric.Int, 8, []metric.Raw{7, 7, 7, 7, 7, 7, 7, 7}, 1},
		"megabytes":                   {metric.Int, 4, []metric.Raw{1 << 20, 3 << 20, 2 << 20, 9 << 20}, 4},
		"nanoseconds, read in µs":     {metric.Int, 2, []metric.Raw{123_000, 1_000}, 4},
		"sparse nanoseconds":          {metric.Int, 4, []metric.Raw{0, 0, 1e9, 0}, 3},
		"all missing":                 {metric.Int, 3, []metric.Raw{missing, missing, missing}, 1},
		"all missing floats":          {metric.Float, 3, []metric.Raw{missing, missing, missing}, 1},
		"some missing":                {metric.Int, 3, []metric.Raw{missing, 5, missing}, 3},
		"missing beside zero":         {metric.Float, 3, []metric.Raw{0, 0, missing}, 3},
		"missing beside numbers":      {metric.Int, 9, []metric.Raw{missing, 1000001, 1000002, missing, 1000003, 1000004, 1000005, 1000006, missing}, 0},
		"the extremes":                {metric.Int, 3, []metric.Raw{least, most, 0}, 0},
		"the extremes, one at a time": {metric.Int, 1, []metric.Raw{least}, 0},
		"the extremes over time":      {metric.Int, 1, []metric.Raw{least, most, least, missing, most}, 0},
		"floats of all sizes":         {metric.Float, 6, floats(math.MaxFloat64, -math.MaxFloat64, 5e-324, -5e-324, 0, 1), 0},
		"subnormal":                   {metric.Float, 1, floats(5e-324), 0},
		"integers at the edge":        {metric.Float, 4, floats(1<<53, 1<<53-1, -(1 << 53), 0), 0},
		"integers past the edge":      {metric.Float, 2, floats(1<<53+2, 1<<60), 0},
		"decimals that are not":       {metric.Float, 2, floats(0.1+0.2, math.Pi), 0},
		"six decimals":                {metric.Float, 3, floats(0.000001, 123.456789, -1.5), 0},
		"seven decimals":              {metric.Float, 2, floats(0.0000001, 1), 0},
		"once a float32":              {metric.Float, 4, floats(float64(float32(0.1)), float64(float32(0.2)), float64(float32(0.3)), float64(float32(3.3))), 0},
		"negative decimals":           {metric.Float, 4, floats(-12.5, -0.5, 11.5, 0), 0},
		"a counter over time":         {metric.Int, 2, []metric.Raw{1_000_000, 5_000_000, 1_000_700, 5_000_650, 1_001_401, 5_001_300}, 14},
		"a steady counter":            {metric.Int, 1, []metric.Raw{1e12 + 1, 1e12 + 2, 1e12 + 3, 1e12 + 4, 1e12 + 5}, 0},
		"a counter that starts again": {metric.Int, 1, []metric.Raw{1e15, 1e15 + 7, 0, 7}, 0},
		"power over time":             {metric.Float, 2, floats(612.345, 598.001, 612.4, 598.002, 611.999, 597), 0},
		"a gap in time":               {metric.Int, 2, []metric.Raw{missing, 5e9, 7e9 + 1, missing, 7e9 + 3, 5e9 + 9}, 0},
		"an entity that never was":    {metric.Int, 2, []metric.Raw{missing, 5e9 + 1, missing, 5e9 + 2, missing, 5e9 + 3}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := small(tc.form, tc.n, tc.values...)
			message := check(t, b)
			if tc.bytes == 0 {
				return
			}
			nothing := *b
			nothing.Ticks, nothing.Values = 0, nil
			if got := len(message) - len(check(t, &nothing)); got != tc.bytes {
				t.Errorf("%d bytes of blocks, want %d", got, tc.bytes)
			}
		})
	}
}

func TestFloatsThatAreNotFiniteAreMissing(t *testing.T) {
	for _, f := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1)} {
		for _, n := range []int{1, 2} {
			b := small(metric.Float, n, floats(1, 1)[:n]...)
			b.Values[0] = metric.Raw(math.Float64bits(f))
			l := compile(b.Layout)
			message, err := wire.Append(nil, b, l, false)
			if err != nil {
				t.Fatal(err)
			}
			var m wire.Message
			if err := m.Parse(message); err != nil {
				t.Fatal(err)
			}
			if got, err := m.Values(nil, l); err != nil || got[0] != metric.Missing {
				t.Errorf("%v came back as %v, %v", f, got, err)
			}
		}
	}
}

func TestHostComesBack(t *testing.T) {
	for _, ticks := range []int{1, 2, 10, 60} {
		h := newHost(uint64(ticks))
		message := check(t, h.batch(ticks))
		n := h.layout.Width() * ticks
		t.Logf("%d ticks of %d values: %d bytes, %.2f bytes a value", ticks, h.layout.Width(), len(message), float64(len(message))/float64(n))
	}
}
