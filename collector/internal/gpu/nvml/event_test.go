//go:build cgo

package nvml

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	nvidia "github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/google/go-cmp/cmp"
)

// Each XID comes once, with whose it is and when.
func TestXIDs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := h100("GPU-1"), h100("GPU-2")
		h, d := run(t, a, b)
		if r := read(t, d); len(r.Events) > 0 {
			t.Errorf("%v", r.Events)
		}
		time.Sleep(3*time.Second + time.Millisecond)
		start := time.Now().UnixMicro()
		h.xid(b, 48)
		h.xid(b, 94)
		stranger := h100("GPU-3")
		stranger.h, stranger.index = h, 9
		h.xid(stranger, 79)
		h.events <- nvidia.EventData{Device: a, EventType: nvidia.EventTypePState, EventData: 2}
		synctest.Wait()
		var r gpu.Reading
		if err := d.Read(t.Context(), time.Now(), &r); err != nil {
			t.Fatal(err)
		}
		want := []gpu.Event{
			{PCI: "0000:1c:00.0", UUID: "GPU-2", Code: 48, Time: start},
			{PCI: "0000:1c:00.0", UUID: "GPU-2", Code: 94, Time: start},
			{PCI: "0000:24:00.0", Code: 79, Time: start},
		}
		if diff := cmp.Diff(want, r.Events); diff != "" {
			t.Error(diff)
		}
		if err := d.Read(t.Context(), time.Now(), &r); err != nil || len(r.Events) > 0 {
			t.Errorf("again: %v, %v", r.Events, err)
		}
	})
}

// A storm fills the queue and no more; how many did not fit is said.
func TestStormOfXIDs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := h100("GPU-1")
		h, d := run(t, b)
		for range queuedXIDs + 44 {
			h.xid(b, 31)
		}
		synctest.Wait()
		r := read(t, d)
		if len(r.Events) != queuedXIDs {
			t.Errorf("%d events", len(r.Events))
		}
		if said := strings.Join(r.Refused, "\n"); said != "44 XIDs were lost: more came between two readings than are kept" {
			t.Errorf("refused:\n%s", said)
		}
	})
}

// Closing ends the wait, within the time of one, and before the library goes.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, h100("GPU-1"))
		d, err := open(Config{}, h)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		start := time.Now()
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took > waitFor || !h.freed.Load() || !h.down.Load() {
			t.Errorf("took %v, events freed %v, library down %v", took, h.freed.Load(), h.down.Load())
		}
	})
}

// failing is a set whose wait fails at once, as a lost board makes it.
type failing struct {
	*host
	waits int
}

func (f *failing) EventSetCreate() (nvidia.EventSet, nvidia.Return) { return f, nvidia.SUCCESS }
func (f *failing) Wait(uint32) (nvidia.EventData, nvidia.Return) {
	f.waits++
	return nvidia.EventData{}, nvidia.ERROR_GPU_IS_LOST
}

func TestWaitThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &failing{host: newHost(t, h100("GPU-1"))}
		d, err := open(Config{}, h)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10*time.Second + time.Millisecond)
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if h.waits > 12 {
			t.Errorf("waited %d times in 10 s", h.waits)
		}
	})
}

// A board that reports none says so; the others are heard.
func TestBoardWithoutXIDs(t *testing.T) {
	a, b := h100("GPU-1"), h100("GPU-2")
	a.eventTypes = nvidia.EventTypePState
	_, d := run(t, a, b)
	if diff := cmp.Diff([]string{"0000:1b:00.0 reports no XIDs by NVML (not supported); the kernel's log has them"}, read(t, d).Refused); diff != "" {
		t.Error(diff)
	}
	if a.registered != 0 || b.registered != 1 {
		t.Errorf("registered %d and %d times", a.registered, b.registered)
	}
}
