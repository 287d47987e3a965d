package agent

import (
	"log/slog"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/wire"
)

// heads are messages as they were published, without their values.
type heads []wire.Message

func (h *heads) Publish(_ string, b []byte) error {
	return parts(b, func(m wire.Message) { *h = append(*h, m) })
}

// The first record of a life says which life it follows, as long as something of that is kept.
func TestALifeSaysWhichItFollows(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	layout := &metric.Layout{Entities: metric.Place{Hall: "h", Rack: "r", Host: "n1"}.Entities(),
		Columns: []metric.Column{{Metric: metric.HostEnergyJoules, Form: metric.Int, First: 2, Count: 1}}}
	life := func(records int, then func(*Recorder, heads)) {
		r, err := OpenRecorder(RecorderConfig{Site: "s1", Agent: "n1", Dir: dir, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		for range records {
			if err := r.Record(now, 0, 0, layout, []metric.Raw{1}); err != nil {
				t.Fatal(err)
			}
		}
		var sent heads
		if err := r.Pump(&sent, now, 100); err != nil {
			t.Fatal(err)
		}
		then(r, sent)
	}
	var first, second uint64
	life(2, func(_ *Recorder, sent heads) {
		first = sent[0].Incarnation
		if sent[0].Flags&metric.Fresh == 0 || sent[0].Skipped != 0 || sent[1].Flags&(metric.Fresh|metric.Began) != 0 {
			t.Errorf("the first life: %+v", sent)
		}
	})
	life(2, func(r *Recorder, sent heads) {
		x, y := sent[2], sent[3]
		if sent[0].Flags&metric.Oldest == 0 || sent[1].Flags&metric.Oldest != 0 {
			t.Errorf("what is sent first is the oldest: %+v", sent)
		}
		second = x.Incarnation
		if x.Flags&metric.Began == 0 || x.Incarnation-x.Skipped != first || y.Flags&metric.Began != 0 || y.Skipped != 0 {
			t.Errorf("the second life, after %d: %+v and %+v", first, x, y)
		}
		if err := r.Heard(&sent, wire.Ack{Incarnation: second, Sequence: 4}, now); err != nil {
			t.Fatal(err)
		}
	})
	life(1, func(_ *Recorder, sent heads) {
		x := sent[len(sent)-1]
		if follows := x.Incarnation - x.Skipped; x.Flags&metric.Began == 0 || follows != second && x.Skipped != 0 {
			t.Errorf("the third life, after %d: %+v", second, x)
		}
	})
}
