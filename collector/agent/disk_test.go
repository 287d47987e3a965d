package agent

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// An agent whose disk takes nothing reads and sends on in both lanes, and says so; when
// the disk has room again nothing is missing.
func TestADiskThatTakesNothing(t *testing.T) {
	virtual(t, func(t *testing.T, s *stage) {
		var blocks []string
		for _, lane := range []string{"telemetry", "ledger"} { // nothing can be written under this name
			block := filepath.Join(s.config.Spool.Dir, lane, "incarnation.tmp")
			if err := os.MkdirAll(filepath.Join(block, "x"), 0o700); err != nil {
				t.Fatal(err)
			}
			blocks = append(blocks, block)
		}
		s.start(Scheduled{Source: &fake{name: "well", gpus: []string{"GPU-a"}}})
		until(60)
		list := s.take(metric.Telemetry)
		if d := cmp.Diff(upTo(1, 60), sequences(list)); d != "" {
			t.Error(d)
		}
		for i, h := range list {
			is, _ := h.value(metric.AgentSourceStale, metric.DiskSensor)
			refused, _ := h.value(metric.AgentSourceFailures, metric.DiskSensor)
			if well, _ := h.value(metric.AgentSourceStale, "well"); is != 1 || refused < 2 || well != 0 {
				t.Fatalf("second %d: the disk is %d and refused %d; the source is %d", i, is, refused, well)
			}
		}
		s.cut(true) // what is read now is in memory only
		until(100)
		for _, block := range blocks {
			if err := os.RemoveAll(block); err != nil {
				t.Fatal(err)
			}
		}
		s.cut(false)
		until(600)
		list = s.take(metric.Telemetry)
		if is, _ := list[len(list)-1].value(metric.AgentSourceStale, metric.DiskSensor); is != 0 {
			t.Errorf("there is room again, and the disk is %d", is)
		}
		records := s.take(metric.Ledger)
		seen := map[uint64]bool{}
		for _, h := range records {
			seen[h.Sequence] = true
		}
		for n := uint64(1); n <= uint64(len(seen)); n++ {
			if !seen[n] {
				t.Errorf("record %d is missing of %d", n, len(seen))
			}
		}
		if len(seen) < 60 {
			t.Errorf("%d records in ten minutes", len(seen))
		}
	})
}
