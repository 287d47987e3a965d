package job

import (
	"bufio"
	"bytes"
	"strings"
	"testing"

	podresources "k8s.io/kubelet/pkg/apis/podresources/v1"

	"google.golang.org/protobuf/proto"
)

func FuzzDrop(f *testing.F) {
	f.Add("job=4711\ntenant=physics\ngpus=0,1,GPU-8a2c\ngpu_share=0.5\nhost_share=0.25\n")
	f.Add("gpus=\n")
	f.Add("# x\r\n\r\n gpus = 0 , 1\t2\nhost_share=1e-9\n")
	f.Add("gpu_share=0x1p-3\ngpus=0\n")
	f.Fuzz(func(t *testing.T, text string) {
		held, err := parseDrop("file", text)
		if err != nil && held != nil {
			t.Error("holdings and an error")
		}
		if len(held) > maxDevices+1 {
			t.Errorf("%d holdings", len(held))
		}
		for _, h := range held {
			if h.share < 0 || h.share > Whole || h.unclear || h.nothing() && len(held) > 1 {
				t.Errorf("%+v", h)
			}
		}
	})
}

func FuzzMapping(f *testing.F) {
	f.Add("0", "4711 1000\n", false)
	f.Add("1.1", "job1\n\njob2\r\njob3", true)
	f.Fuzz(func(t *testing.T, name, text string, fresh bool) {
		held, err := parseMapping(name, text, fresh)
		if err != nil && held != nil || len(held) > maxJobs {
			t.Errorf("%d holdings, %v", len(held), err)
		}
		for _, h := range held {
			if h.job == "" || h.device != name || strings.ContainsAny(h.job+h.tenant, " \n\t") {
				t.Errorf("%+v", h)
			}
		}
	})
}

func FuzzEnviron(f *testing.F) {
	f.Add([]byte("SLURM_JOB_ID=4711\x00SLURM_JOB_GPUS=0,1\x00"))
	f.Add([]byte("SLURM_STEP_GPUS=3\x00CUDA_VISIBLE_DEVICES=MIG-1\x00SLURM_JOB_ACCOUNT=a"))
	f.Add(append(bytes.Repeat([]byte("x"), 40<<10), "\x00SLURM_JOB_ID=1"...))
	f.Fuzz(func(t *testing.T, env []byte) {
		w, err := parseEnviron(bytes.NewReader(env))
		if err != nil {
			t.Fatal(err)
		}
		// The same, read simply.
		var want words
		for v := range bytes.SplitSeq(env, []byte{0}) {
			if len(v) < 16<<10 {
				want.take(v)
			}
		}
		if w != want {
			t.Errorf("%+v, not %+v", w, want)
		}
		for _, whole := range []bool{true, false} {
			if d := w.devices(whole); len(d) > maxDevices {
				t.Errorf("%d devices", len(d))
			}
		}
	})
}

func FuzzDevice(f *testing.F) {
	for _, s := range []string{"0", "1.1", uuid(0), "MIG-1::0", "MIG-" + uuid(1) + "/2/0", "0000:10:00.0-slice-1", "nvidia1/gi2", "nvidia2/1g12gb-19-6", "card0", "GPU-1-2-3-4-5-6"} {
		f.Add(s)
	}
	r := aRegister(f.TempDir())
	f.Fuzz(func(t *testing.T, device string) {
		x, v := r.find(device)
		if v != ours && x != (thing{}) || v == ours && (x.board < 0 || x.board > 3 || x.size < 0 || x.size > Whole || x.part == "" && x.size != Whole) {
			t.Errorf("%q: %+v, verdict %d", device, x, v)
		}
	})
}

func FuzzPodResources(f *testing.F) {
	answer := func(pods ...*podresources.PodResources) []byte {
		b, err := proto.Marshal(&podresources.ListPodResourcesResponse{PodResources: pods})
		if err != nil {
			f.Fatal(err)
		}
		return b
	}
	f.Add(answer())
	f.Add(answer(aPod("ml", "a", devicesBox("nvidia.com/gpu", uuid(0), "MIG-1"), claimBox("gpu.nvidia.com", "gpu-1-mig-1g10gb-19-0")), aPod("", "")))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) >= 1<<24 {
			return
		}
		head := []byte{0, 0, byte(len(b) >> 16), byte(len(b) >> 8), byte(len(b))}
		var got []pod
		err := readPods(bufio.NewReader(bytes.NewReader(append(head, b...))), func(p *pod) error {
			got = append(got, *p)
			return nil
		})
		var want podresources.ListPodResourcesResponse
		if wrong := proto.Unmarshal(b, &want); wrong != nil || err != nil {
			return // ours takes more, such as text that is none; what both take they take alike
		}
		if len(got) != len(want.PodResources) {
			t.Fatalf("%d pods, not %d", len(got), len(want.PodResources))
		}
		for i, p := range want.PodResources {
			if got[i].name != p.Name || got[i].namespace != p.Namespace {
				t.Errorf("pod %q of %q, not %q of %q", got[i].name, got[i].namespace, p.Name, p.Namespace)
			}
			var devices pod
			for _, c := range p.Containers {
				for _, d := range c.Devices {
					for _, id := range d.DeviceIds {
						if accelerator(d.ResourceName, id) {
							devices.add(id)
						}
					}
				}
				for _, d := range c.DynamicResources {
					for _, r := range d.ClaimResources {
						if name, ok := claimed(r.DriverName, r.DeviceName); ok {
							devices.add(name)
						}
					}
				}
			}
			if len(devices.devices) != len(got[i].devices) {
				t.Errorf("devices %q, not %q", got[i].devices, devices.devices)
			}
		}
	})
}
