//go:build cgo

package nvml

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	nvidia "github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/google/go-cmp/cmp"
)

// Energy and power are the whole board's; its instances are counted.
func TestInstances(t *testing.T) {
	for name, x := range map[string]struct {
		mig  int
		want metric.Raw
	}{"whole": {0, 0}, "in seven": {7, 7}, "in three": {3, 3}, "of one piece": {-1, 0}} {
		b := h100("GPU-1")
		b.mig = x.mig
		if x.mig > 0 {
			b.returns["nvmlDeviceGetUtilizationRates"] = nvidia.ERROR_NOT_SUPPORTED
		}
		_, d := run(t, b)
		r := read(t, d)
		if got := r.Boards[0].Values[gpu.Partitions]; got != x.want || len(r.Boards) != 1 || r.Boards[0].Values[gpu.Energy] != 5_400_000_123 {
			t.Errorf("%s: %d partitions, %d boards", name, got, len(r.Boards))
		}
	}
}

// dividedBoard has an instance of three slices and one of four, of which two are
// not in use.
func dividedBoard() (b *fake) {
	b = h100("GPU-1")
	b.mig = 1
	b.parts = []*fake{nil, {uuid: "MIG-a", gi: 1, slices: 3}, nil, {uuid: "MIG-b", gi: 2, ci: 4, slices: 2}, nil, nil, nil}
	return b
}

// attach lets the instances of b answer.
func attach(h *host, b *fake) {
	for _, p := range b.parts {
		if p != nil {
			p.h, p.returns = h, map[string]nvidia.Return{}
		}
	}
}

// What an instance does not say is unknown, and the rest is told.
func TestWhatInstancesSay(t *testing.T) {
	whole := []gpu.Instance{{UUID: "MIG-a", Index: 1, Parts: 3, Of: 7}, {UUID: "MIG-b", Index: 2, Compute: 4, Parts: 2, Of: 7}}
	for name, x := range map[string]struct {
		change func(*host, *fake)
		want   gpu.Instance // the second
	}{
		"all":                     {func(h *host, b *fake) {}, whole[1]},
		"no uuid":                 {func(h *host, b *fake) { b.returns["nvmlDeviceGetUUID"] = nvidia.ERROR_UNKNOWN }, gpu.Instance{Index: 2, Compute: 4, Parts: 2, Of: 7}},
		"no GPU instance":         {func(h *host, b *fake) { b.returns["nvmlDeviceGetGpuInstanceId"] = nvidia.ERROR_NOT_SUPPORTED }, gpu.Instance{UUID: "MIG-b", Index: gpu.Unlisted, Parts: 2, Of: 7}},
		"no compute instance":     {func(h *host, b *fake) { b.returns["nvmlDeviceGetComputeInstanceId"] = nvidia.ERROR_INVALID_ARGUMENT }, gpu.Instance{UUID: "MIG-b", Index: gpu.Unlisted, Parts: 2, Of: 7}},
		"no attributes":           {func(h *host, b *fake) { b.returns["nvmlDeviceGetAttributes_v2"] = nvidia.ERROR_NO_PERMISSION }, gpu.Instance{UUID: "MIG-b", Index: 2, Compute: 4}},
		"no slice":                {func(h *host, b *fake) { b.slices = 0 }, gpu.Instance{UUID: "MIG-b", Index: 2, Compute: 4}},
		"more slices than it has": {func(h *host, b *fake) { b.slices = 8 }, gpu.Instance{UUID: "MIG-b", Index: 2, Compute: 4}},
		"attributes of old":       {func(h *host, b *fake) { h.lacks["nvmlDeviceGetAttributes_v2"] = true }, whole[1]},
		"a library without sizes": {func(h *host, b *fake) {
			h.lacks["nvmlDeviceGetAttributes_v2"], h.lacks["nvmlDeviceGetAttributes"] = true, true
		}, gpu.Instance{UUID: "MIG-b", Index: 2, Compute: 4}},
	} {
		t.Run(name, func(t *testing.T) {
			b := dividedBoard()
			h := newHost(t, b)
			attach(h, b)
			x.change(h, b.parts[3])
			d, err := open(Config{}, h)
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			got := read(t, d).Boards[0]
			if len(got.Instances) != 2 || got.Values[gpu.Partitions] != 2 {
				t.Fatalf("%+v", got.Instances)
			}
			if diff := cmp.Diff(x.want, got.Instances[1]); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if !strings.HasPrefix(name, "a library") && got.Instances[0] != whole[0] {
				t.Errorf("the first: %+v", got.Instances[0])
			}
		})
	}
}

// That nothing is known of a board's instances is not that it has none.
func TestInstancesThatCannotBeRead(t *testing.T) {
	unlisted := []gpu.Instance{{Index: gpu.Unlisted}}
	for _, symbol := range []string{"nvmlDeviceGetMigMode", "nvmlDeviceGetMaxMigDeviceCount", "nvmlDeviceGetMigDeviceHandleByIndex"} {
		for _, ret := range []nvidia.Return{nvidia.ERROR_UNKNOWN, nvidia.ERROR_NO_PERMISSION, nvidia.ERROR_GPU_IS_LOST} {
			t.Run(symbol+" "+words(ret), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := dividedBoard()
					h, d := run(t, b)
					attach(h, b)
					later := func(ret nvidia.Return) gpu.Board {
						b.returns[symbol] = ret
						time.Sleep(relistEvery)
						return read(t, d).Boards[0]
					}
					lost := ret == nvidia.ERROR_GPU_IS_LOST
					got := later(ret)
					if got.Values[gpu.Partitions] != metric.Missing || got.Absent != lost || !lost && !cmp.Equal(got.Instances, unlisted) {
						t.Errorf("at first: %+v, absent %t", got.Instances, got.Absent)
					}
					known := later(nvidia.SUCCESS)
					if known.Values[gpu.Partitions] != 2 || len(known.Instances) != 2 {
						t.Errorf("then: %+v", known.Instances)
					}
					if got := later(ret); got.Values[gpu.Partitions] != metric.Missing || !cmp.Equal(got.Instances, known.Instances) {
						t.Errorf("it forgets what it knew: %+v", got.Instances)
					}
					b.mig, b.parts = 0, nil
					if got := later(nvidia.SUCCESS); got.Values[gpu.Partitions] != 0 || got.Instances != nil {
						t.Errorf("it is whole: %+v", got.Instances)
					}
				})
			})
		}
	}
}

// Instances are looked for when the rest is that moves rarely.
func TestInstancesAreReadRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := dividedBoard()
		h, d := run(t, b)
		attach(h, b)
		read(t, d)
		asked := b.parts[1].asked
		for range slowEvery/time.Second - 1 {
			time.Sleep(time.Second)
			if n := len(read(t, d).Boards[0].Instances); n != 2 {
				t.Fatalf("%d instances", n)
			}
		}
		if n := b.parts[1].asked - asked; n > 0 || asked == 0 {
			t.Errorf("an instance was asked %d times at first, and %d times within half a minute", asked, n)
		}
		time.Sleep(time.Second)
		if read(t, d); b.parts[1].asked == asked {
			t.Error("it is not asked again")
		}
	})
}
