package fault

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/agent"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
)

// sent are records by their number, as they were published.
type sent map[uint64][]byte

func (s sent) Publish(_ string, b []byte) error {
	for one := range wire.Messages(b) {
		var m wire.Message
		if err := m.Parse(one); err != nil {
			return err
		}
		s[m.Sequence] = bytes.Clone(one)
	}
	return nil
}

// TestFilesOfTheSpoolCannotLie cuts the files of a collector's spool at their bytes and flips their
// bits: it starts, sends what it has as it was, takes records, and what is missing is a gap.
func TestFilesOfTheSpoolCannotLie(t *testing.T) {
	flips, every := int(number("FAULT_FLIPS", 300)), number("FAULT_CUTS", 0) == 1
	seed := number("FAULT_SEED", uint64(time.Now().UnixNano()))
	t.Logf("FAULT_SEED=%d", seed)
	rng := rand.New(rand.NewPCG(seed, 4))
	virtual(t, func(t *testing.T) {
		layout := &metric.Layout{Entities: metric.Place{Hall: "h", Rack: "r", Host: "n1"}.Entities(),
			Columns: []metric.Column{{Metric: metric.HostEnergyJoules, Form: metric.Int, First: 2, Count: 1}}}
		open := func(d *device) (*agent.Recorder, error) {
			return agent.OpenRecorder(agent.RecorderConfig{Site: siteName, Agent: "n1", Dir: "/spool", SyncEvery: -1, Disk: drawer{d}, Logger: slog.New(slog.DiscardHandler), MaxBytes: 16_000})
		}
		const records = 60
		disk := newDevice(rng)
		c, err := open(disk)
		if err != nil {
			t.Fatal(err)
		}
		for i := range records {
			if err := c.Record(time.Now().Add(time.Duration(i)*10*time.Second), 0, metric.HourEdge, layout, []metric.Raw{metric.Raw(1000 * i)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		all := func(d *device) (sent, uint64, error) {
			c, err := open(d)
			if err != nil {
				return nil, 0, err
			}
			out := sent{}
			if err := c.Pump(out, time.Now(), 2*records); err != nil {
				return nil, 0, err
			}
			last, _ := c.Standing()
			return out, last, c.Record(time.Now(), 0, 0, layout, []metric.Raw{1})
		}
		want, _, err := all(disk.kill())
		if err != nil || len(want) != records {
			t.Fatalf("%d records, %v", len(want), err)
		}
		var v verdicts
		judge := func(file, what string, damage func([]byte) []byte) {
			d := disk.kill()
			f := d.names[file]
			f.data = damage(f.data)
			f.synced = slices.Clone(f.data)
			v.tried++
			got, last, err := all(d)
			if err != nil {
				v.stopped++
				t.Errorf("%s %s: %v", file, what, err)
				return
			}
			at, same := uint64(0), 0
			for _, n := range slices.Sorted(maps.Keys(got)) {
				var m wire.Message
				if err := m.Parse(got[n]); err != nil {
					t.Fatal(err)
				}
				switch {
				case bytes.Equal(got[n], want[n]):
					same++
					if at+1 != n && at != 0 {
						t.Errorf("%s %s: %d comes after %d", file, what, n, at)
					}
				case m.Flags&metric.Gap == 0 || at+m.Skipped != n && at != 0:
					v.silent++
					t.Errorf("%s %s: record %d is not what it was", file, what, n)
				}
				at = n
			}
			switch {
			case at != last:
				v.silent++
				t.Errorf("%s %s: it ends at %d, and says %d", file, what, at, last)
			case same == records:
				v.harmless++
			default:
				v.healed++
			}
		}
		files := slices.Sorted(maps.Keys(disk.names))
		for _, file := range files {
			size := len(disk.names[file].data)
			step := 1 + size/40
			if every {
				step = 1
			}
			for n := 0; n < size; n += step {
				judge(file, fmt.Sprintf("cut to %d of %d bytes", n, size), func(b []byte) []byte { return b[:n] })
			}
		}
		kinds := map[string]*verdicts{"": &v}
		cuts := told(t, 16, kinds, verdicts{})
		for range flips {
			file := pick(rng, files)
			bit := rng.IntN(8 * len(disk.names[file].data))
			judge(file, fmt.Sprintf("with bit %d flipped", bit), func(b []byte) []byte { b[bit/8] ^= 1 << (bit % 8); return b })
		}
		told(t, 17, kinds, cuts)
		t.Logf("%v; noticed is what is missing and told as a gap, or was the end", v)
	})
}
