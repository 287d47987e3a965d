package host

import (
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// The machine that the tests run on: what can be read must make sense.
func TestThisMachine(t *testing.T) {
	c := &capture{t: t}
	c.open()
	t.Log(c.s.Describe())
	c.read()
	time.Sleep(50 * time.Millisecond)
	_, got := c.read()
	for _, name := range []string{"host_load1 n1", "host_memory_used_bytes n1", "host_memory_total_bytes n1", "host_cpu_usage_ratio n1"} {
		if got[name] == "missing" || got[name] == "" || name != "host_load1 n1" && name != "host_cpu_usage_ratio n1" && got[name] == "0" {
			t.Errorf("%s is %q", name, got[name])
		}
	}
}

// BenchmarkRead takes the dearest of readings, with all that is read seldom.
func BenchmarkRead(b *testing.B) {
	b.Run("this machine", func(b *testing.B) { benchmarkRead(b, "/") })
	b.Run("two sockets", func(b *testing.B) { benchmarkRead(b, unpack(b, "intel").root) })
}

func benchmarkRead(b *testing.B, root string) {
	s, err := New(Config{Root: root, Place: metric.Place{Host: "n1"}})
	if err != nil {
		b.Fatal(err)
	}
	var values []metric.Raw
	b.ReportAllocs()
	for b.Loop() {
		s.slowAt = time.Time{}
		if _, values, err = s.Read(b.Context(), time.Now(), values[:0]); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(values)), "values")
}
