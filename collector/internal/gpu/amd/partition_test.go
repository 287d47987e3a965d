package amd

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/google/go-cmp/cmp"
)

// A board that is divided is one board still, and its joules are there once.
func TestMI300XInPartitions(t *testing.T) {
	m := unpack(t, "mi300x-cpx", shape{8, 3872, 10, 24}.table(743, 90_000_000*joule))
	m.open()
	b := m.read()
	if len(b) != 2 {
		t.Fatalf("%d boards, want 2", len(b))
	}
	for i := range b {
		got := values(b[i])
		if got[gpu.Partitions] != 8 || got[gpu.Power] != 742 || got[gpu.Energy] != 90e6 {
			t.Errorf("board %d: %v partitions, %v W, %v J", i, got[gpu.Partitions], got[gpu.Power], got[gpu.Energy])
		}
	}
}

func TestModesOfPartition(t *testing.T) {
	const mode = "sys/devices/pci0000:15/0000:15:01.0/0000:1b:00.0/current_compute_partition"
	for text, want := range map[string]metric.Raw{"SPX": 0, "DPX": 2, "TPX": 3, "QPX": 4, "CPX": 1, "UNKNOWN": metric.Missing} {
		m := unpack(t, "mi300x", nil)
		m.write(mode, text+"\n")
		m.open()
		if got := m.read()[0].Values[gpu.Partitions]; got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}

// The partitions' names are those that AMD's Kubernetes plugin gives out.
func TestNamesOfPartitions(t *testing.T) {
	m := unpack(t, "mi300x-cpx", nil)
	m.open()
	for i, b := range m.read() {
		want := []gpu.Instance{{UUID: b.PCI, Index: 0, Parts: 1, Of: 8}}
		for k := range 7 {
			want = append(want, gpu.Instance{UUID: fmt.Sprintf("amdgpu_xcp_%d", 7*i+k), Index: k + 1, Parts: 1, Of: 8})
		}
		if diff := cmp.Diff(want, b.Instances); diff != "" {
			t.Errorf("board %d (-want +got):\n%s", i, diff)
		}
	}
}

// In other modes the platform devices that are of no use stay, and the compute
// driver does not show them.
func TestPartitionsInHalves(t *testing.T) {
	m := unpack(t, "mi300x-cpx", nil)
	m.write("sys/devices/pci0000:15/0000:15:01.0/0000:1b:00.0/current_compute_partition", "DPX\n")
	for n := 4; n <= 9; n++ {
		m.remove(fmt.Sprintf("sys/class/kfd/kfd/topology/nodes/%d", n))
	}
	m.open()
	want := []gpu.Instance{{UUID: "0000:1b:00.0", Index: 0, Parts: 1, Of: 2}, {UUID: "amdgpu_xcp_0", Index: 1, Parts: 1, Of: 2}}
	if diff := cmp.Diff(want, m.read()[0].Instances); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What cannot be read leaves what was known; what was never known is not
// nothing.
func TestPartitionsThatCannotBeRead(t *testing.T) {
	const mode = "sys/devices/pci0000:15/0000:15:01.0/0000:1b:00.0/current_compute_partition"
	synctest.Test(t, func(t *testing.T) {
		m := unpack(t, "mi300x-cpx", nil)
		m.write(mode, "UNKNOWN\n")
		m.remove("sys/class/drm/renderD130")
		m.open()
		later := func(text string) gpu.Board {
			t.Helper()
			m.write(mode, text+"\n")
			time.Sleep(2 * relistEvery)
			return m.read()[0]
		}
		for _, step := range []struct {
			mode      string
			want      metric.Raw
			instances int
		}{{"UNKNOWN", metric.Missing, 1}, {"CPX", 8, 8}, {"UNKNOWN", metric.Missing, 8}, {"QPX", 4, 4}, {"SPX", 0, 0}, {"UNKNOWN", metric.Missing, 0}} {
			b := later(step.mode)
			if b.Values[gpu.Partitions] != step.want || len(b.Instances) != step.instances {
				t.Errorf("%s: %d partitions, instances %+v", step.mode, b.Values[gpu.Partitions], b.Instances)
			}
			switch {
			case step.instances == 1 && b.Instances[0] != (gpu.Instance{Index: gpu.Unlisted}):
				t.Errorf("%s: %+v", step.mode, b.Instances)
			case step.instances == 8 && (b.Instances[2].UUID != "" || b.Instances[3].UUID != "amdgpu_xcp_2"):
				t.Errorf("%s: one of them has no name: %+v", step.mode, b.Instances)
			case step.instances == 4 && (b.Instances[0].UUID != "0000:1b:00.0" || b.Instances[1].UUID != ""):
				t.Errorf("%s: eight nodes are not four partitions: %+v", step.mode, b.Instances)
			}
		}
	})
}
