package job

import (
	"fmt"
	"slices"
	"testing"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"github.com/gigawatch/gigawatch/collector/internal/tree"
	"github.com/google/go-cmp/cmp"
)

func aRegister(root string) *register {
	boards := boardsOf(4, map[int][]gpu.Instance{1: mig()})
	boards[2].UUID = "AMD-8a2c000011112222"
	boards[3].PCI, boards[3].Serial = "0001:C1:00.0", boards[0].Serial // on one card with board 0
	r := &register{tree: tree.Under(root)}
	r.use(boards)
	return r
}

func TestDevices(t *testing.T) {
	r := aRegister(t.TempDir())
	board := func(i int) thing { return thing{board: i, size: Whole} }
	first, second := thing{1, "1", 428_571}, thing{1, "2", 571_429}
	for name, tc := range map[string]struct {
		want    thing
		verdict verdict
	}{
		"0": {board(0), ours}, "3": {board(3), ours}, "4": {thing{}, nowhere}, "00": {thing{}, nowhere}, "+1": {thing{}, nowhere}, "-1": {thing{}, nowhere},
		"1.1": {first, ours}, "1.2": {second, ours}, "1.3": {thing{1, "3", 0}, ours}, "1.": {thing{}, nowhere}, ".1": {thing{}, nowhere}, "9.1": {thing{}, nowhere},
		uuid(0): {board(0), ours}, "gpu-8A2C0000-1111-2222-3333-000000000000": {board(0), ours}, uuid(0) + "::12": {board(0), ours}, uuid(0) + "-7": {board(0), ours},
		"GPU-8a2c0000-1111-2222-3333-00000000000f": {thing{}, elsewhere}, "GPU-": {thing{}, elsewhere},
		"AMD-8a2c000011112222": {board(2), ours}, "GPU-8a2c000011112222": {board(2), ours},
		"MIG-1": {first, ours}, "mig-2::0": {second, ours}, "MIG-3": {thing{}, inside},
		"MIG-" + uuid(1) + "/2/0": {second, ours}, "MIG-" + uuid(1) + "/2": {second, ours}, "MIG-" + uuid(1) + "/5/0": {thing{}, inside}, "MIG-" + uuid(0) + "/1/0": {thing{}, inside},
		"0000:10:00.0": {board(0), ours}, "00000000:11:00.0": {board(1), ours}, "12:00.0": {board(2), ours}, "0001:c1:00.0": {board(3), ours}, "0000:10:00.0-slice-3": {board(0), ours},
		"0000:c1:00.0": {thing{}, elsewhere}, "0000:10:00.1": {thing{}, elsewhere}, "1:2:3": {thing{}, nowhere}, "0000:10:00.": {thing{}, nowhere},
		"1653021000001": {board(1), ours}, "1653021000000": {thing{}, nowhere}, // of two
		"nvidia0": {board(0), ours}, "nvidia1/gi2": {second, ours}, "nvidia1/gi2/vgpu0": {second, ours}, "nvidia0/gi9": {thing{0, "9", 0}, ours},
		"nvidia9": {thing{}, nowhere}, "nvidia1/gi": {thing{}, nowhere}, "nvidia": {thing{}, nowhere}, "nvidia01": {thing{}, nowhere}, "nvidiactl": {thing{}, nowhere},
		"nvidia2/1g12gb-19-6": {thing{2, "1g12gb-19-6", 142_857}, ours}, "nvidia2/9-0-4": {thing{2, "9-0-4", 0}, ours}, "nvidia2/99g-1": {thing{2, "99g-1", Whole}, ours}, "nvidia2/-1g": {thing{2, "-1g", 0}, ours},
		"card0": {thing{}, nowhere}, "": {thing{}, nowhere}, "all": {thing{}, nowhere}, "\xff": {thing{}, nowhere}, "amdgpu_xcp_3": {thing{}, nowhere},
	} {
		got, v := r.find(name)
		if d := cmp.Diff(tc.want, got, cmp.AllowUnexported(thing{})); d != "" || v != tc.verdict {
			t.Errorf("%q: verdict %d, not %d\n%s", name, v, tc.verdict, d)
		}
	}
}

// Of a GPU instance that is divided itself each compute instance is a part, and
// its own name stands for all of them.
func TestDevicesOfADividedInstance(t *testing.T) {
	boards := boardsOf(1, map[int][]gpu.Instance{0: {
		{UUID: "MIG-a", Index: 1, Compute: 0, Parts: 1, Of: 7}, {UUID: "MIG-b", Index: 1, Compute: 1, Parts: 2, Of: 7}, {UUID: "MIG-c", Index: 5, Parts: 2, Of: 7},
		{UUID: "MIG-d", Index: gpu.Unlisted}, {Index: gpu.Unlisted}}})
	r := &register{tree: tree.Under(t.TempDir())}
	r.use(boards)
	for name, want := range map[string]thing{
		"MIG-a": {0, "1/0", 142_857}, "MIG-b": {0, "1/1", 285_714}, "MIG-c": {0, "5", 285_714}, "0.1": {0, "1", 428_571}, "0.5": {0, "5", 285_714},
		"MIG-" + uuid(0) + "/1/1": {0, "1/1", 285_714}, "MIG-" + uuid(0) + "/1": {0, "1", 428_571}, "MIG-" + uuid(0) + "/5/0": {0, "5", 285_714},
		"MIG-d": {0, "mig-d", 142_857}, // alike with the one that nobody knows
	} {
		got, v := r.find(name)
		if d := cmp.Diff(want, got, cmp.AllowUnexported(thing{})); d != "" || v != ours {
			t.Errorf("%q: verdict %d\n%s", name, v, d)
		}
	}
	if got, v := r.find("0.-1"); v == ours && got.part == "" {
		t.Errorf("an instance without a name is %+v", got)
	}
}

// ROCm and Slurm number the partitions of all boards through.
func TestNumbersOfPartitions(t *testing.T) {
	part := func(i, of int, name string) gpu.Instance { return gpu.Instance{UUID: name, Index: i, Parts: 1, Of: of} }
	boards := boardsOf(4, map[int][]gpu.Instance{
		0: {part(0, 2, "0000:10:00.0"), part(1, 2, "amdgpu_xcp_0")},
		2: {part(0, 2, "0000:12:00.0"), part(1, 2, "amdgpu_xcp_7")}})
	for i := range boards {
		boards[i].UUID = fmt.Sprintf("AMD-8a2c00001111222%d", i)
	}
	r := &register{tree: tree.Under(t.TempDir())}
	r.use(boards)
	half := func(board int, part string) thing { return thing{board, part, 500_000} }
	whole := func(board int) thing { return thing{board: board, size: Whole} }
	for name, want := range map[string]thing{
		"0": half(0, "0"), "1": half(0, "1"), "2": whole(1), "3": half(2, "0"), "4": half(2, "1"), "5": whole(3),
		"0000:10:00.0": half(0, "0"), "amdgpu_xcp_0": half(0, "1"), "amdgpu_xcp_7": half(2, "1"), "12:00.0": half(2, "0"), "0000:13:00.0": whole(3),
		boards[0].UUID: whole(0), "0000:10:00.0-slice-1": half(0, "0"),
	} {
		got, v := r.find(name)
		if d := cmp.Diff(want, got, cmp.AllowUnexported(thing{})); d != "" || v != ours {
			t.Errorf("%q: verdict %d\n%s", name, v, d)
		}
	}
	boards = slices.Clone(boards)
	boards[2].Instances = []gpu.Instance{{Index: gpu.Unlisted}}
	r.use(boards)
	for name, want := range map[string]verdict{"2": ours, "3": nowhere, "5": nowhere, "amdgpu_xcp_7": nowhere} {
		if got, v := r.find(name); v != want {
			t.Errorf("%q: %+v, verdict %d, where it is not known into what board 2 is divided", name, got, v)
		}
	}
}

func TestSizesOfInstances(t *testing.T) {
	in := func(parts, of int) gpu.Instance { return gpu.Instance{Parts: parts, Of: of} }
	for name, tc := range map[string]struct {
		list []gpu.Instance
		want []int64
	}{
		"none":                          {nil, []int64{}},
		"3/7 and 4/7":                   {[]gpu.Instance{in(3, 7), in(4, 7)}, []int64{428_571, 571_429}},
		"3/7 twice":                     {[]gpu.Instance{in(3, 7), in(3, 7)}, []int64{428_571, 428_571}},
		"quarters":                      {[]gpu.Instance{in(1, 4), in(1, 4), in(2, 4)}, []int64{250_000, 250_000, 500_000}},
		"more than there is":            {[]gpu.Instance{in(4, 7), in(4, 7)}, []int64{500_000, 500_000}},
		"nobody knows":                  {[]gpu.Instance{in(0, 0), in(0, 7), in(0, 0)}, []int64{333_333, 333_333, 333_334}},
		"one is not known":              {[]gpu.Instance{in(3, 7), in(0, 0)}, []int64{428_571, 571_429}},
		"one is not known, none's left": {[]gpu.Instance{in(7, 7), in(0, 0)}, []int64{1_000_000, 0}},
		"impossible ones":               {[]gpu.Instance{in(9, 7), in(-1, 7), in(1, -7)}, []int64{333_333, 333_333, 333_334}},
		"of different wholes":           {[]gpu.Instance{in(1, 7), in(1, 4)}, []int64{142_857, 857_143}},
		"enormous ones":                 {[]gpu.Instance{in(1<<60, 1<<62), in(1, 2)}, []int64{500_000, 500_000}},
	} {
		if d := cmp.Diff(tc.want, sizesOf(tc.list)); d != "" {
			t.Errorf("%s:\n%s", name, d)
		}
	}
}
