package job

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/internal/gpu/amd"
	"github.com/gigawatch/gigawatch/collector/metric"
	podresources "k8s.io/kubelet/pkg/apis/podresources/v1"
)

// A drawn driver reads boards that a test makes up.
type drawn struct{ boards []gpu.Board }

func (d *drawn) Name() string { return "drawn" }
func (d *drawn) Close() error { return nil }
func (d *drawn) Read(_ context.Context, _ time.Time, r *gpu.Reading) error {
	r.Boards = append(r.Boards[:0], d.boards...)
	return nil
}

// watched has the stage take its boards from a GPU source, as a collector does.
func (g *stage) watched(d gpu.Driver) (read func()) {
	g.t.Helper()
	s, err := gpu.New(gpu.Config{Driver: d, Place: metric.Place{Host: "n1"}, Root: g.root})
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { s.Close() })
	read = func() {
		g.t.Helper()
		if _, _, err := s.Read(g.t.Context(), time.Now(), nil); err != nil {
			g.t.Fatal(err)
		}
		g.boards = s.Boards()
	}
	read()
	return read
}

// From the driver's word on an instance to the share of the pod that holds it by
// its uuid: its slices over the board's, in millionths.
func TestInstancesFromTheDriverToThePod(t *testing.T) {
	sizes := []int{1, 1, 2, 3}
	d := &drawn{}
	for i, of := range []int{7, 4} {
		b := gpu.Board{UUID: uuid(i), Index: i, Model: "NVIDIA A100-SXM4-80GB", PCI: fmt.Sprintf("0000:%02x:00.0", 0x10+i)}
		b.Clear()
		b.Values[gpu.Power] = metric.Of(300)
		for k, n := range sizes {
			if of == 7 || k == 2 {
				b.Instances = append(b.Instances, gpu.Instance{UUID: fmt.Sprintf("MIG-%d-%d", i, k), Index: k + 3, Parts: n, Of: of})
			}
		}
		d.boards = append(d.boards, b)
	}
	fake := &fakeKubelet{}
	g, k := withKubelet(t, fake)
	read := g.watched(d)
	for i, of := range []int64{7, 4} {
		for part, n := range sizes {
			if of == 4 && part != 2 {
				continue
			}
			fake.set(func() {
				fake.pods = []*podresources.PodResources{aPod("ml", "a", devicesBox("nvidia.com/gpu", fmt.Sprintf("MIG-%d-%d", i, part)))}
			})
			held := g.settle(k)
			share, ok := held[fmt.Sprintf("%d a/ml", i)]
			if want := Whole * int64(n) / of; !ok || len(held) != 1 || share < want || share > want+1 {
				t.Errorf("MIG-%d-%d, %d slices of %d: %v, want %d", i, part, n, of, held, want)
			}
		}
	}
	all := podsOf(d.boards[0].Instances)
	fake.set(func() { fake.pods = all })
	var sum int64
	for _, share := range g.settle(k) {
		sum += share
	}
	if sum != Whole {
		t.Errorf("all of board 0 is held, and the shares sum to %d", sum)
	}

	// It is divided anew, and the driver could not tell how.
	d.boards[0].Instances = []gpu.Instance{{Index: gpu.Unlisted}}
	read()
	fake.set(func() { fake.pods = all[:1] })
	if held := g.settle(k); held["0 a0/ml"] != missing || held["1 a0/ml"] != missing {
		t.Errorf("a pod may hold a part of either board: %v", held)
	}
}

func podsOf(instances []gpu.Instance) (pods []*podresources.PodResources) {
	for i, in := range instances {
		pods = append(pods, aPod("ml", fmt.Sprintf("a%d", i), devicesBox("nvidia.com/gpu", in.UUID)))
	}
	return pods
}

// Of AMD likewise, from the kernel's files on.
func TestPartitionsFromTheKernelToThePod(t *testing.T) {
	g, k := withKubelet(t, &fakeKubelet{pods: []*podresources.PodResources{
		aPod("ml", "a", devicesBox("amd.com/cpx_nps1", "0000:1b:00.0", "amdgpu_xcp_2")),
		aPod("ml", "b", devicesBox("amd.com/gpu", "amdgpu_xcp_13")),
		aPod("ml", "c", claimBox("gpu.amd.com", "gpu-10-137"))}})
	g.unpack("../../gpu/amd/testdata/mi300x-cpx")
	d, err := amd.Open(amd.Config{Root: g.root})
	if err != nil {
		t.Fatal(err)
	}
	g.watched(d)
	if !slices.ContainsFunc(g.boards, func(b gpu.Identity) bool { return len(b.Instances) == 8 }) {
		t.Fatalf("boards %+v", g.boards)
	}
	g.settles(k, holders{"0 a/ml": 250_000, "1 b/ml": 125_000, "1 c/ml": 125_000})
}
