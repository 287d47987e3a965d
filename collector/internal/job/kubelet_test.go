package job

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/collector/internal/gpu"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	podresources "k8s.io/kubelet/pkg/apis/podresources/v1"
)

// A fakeKubelet is a gRPC server that answers as a test wants.
type fakeKubelet struct {
	podresources.UnimplementedPodResourcesListerServer
	mu     sync.Mutex
	pods   []*podresources.PodResources
	err    error
	wait   time.Duration
	asked  int
	server *grpc.Server
}

func (k *fakeKubelet) List(ctx context.Context, _ *podresources.ListPodResourcesRequest) (*podresources.ListPodResourcesResponse, error) {
	k.mu.Lock()
	k.asked++
	pods, err, wait := k.pods, k.err, k.wait
	k.mu.Unlock()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(wait):
	}
	return &podresources.ListPodResourcesResponse{PodResources: pods}, err
}

func (k *fakeKubelet) set(change func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change()
}

// start listens on the socket; stop ends it as a restart does.
func (k *fakeKubelet) start(t *testing.T, socket string) {
	t.Helper()
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	k.server = grpc.NewServer(grpc.MaxSendMsgSize(64 << 20))
	podresources.RegisterPodResourcesListerServer(k.server, k)
	go k.server.Serve(l)
	t.Cleanup(k.server.Stop)
}

func (k *fakeKubelet) stop() { k.server.Stop() }

// A box holds what a container of a pod has.
type box = podresources.ContainerResources

func aPod(namespace, name string, boxes ...*box) *podresources.PodResources {
	return &podresources.PodResources{Name: name, Namespace: namespace, Containers: boxes}
}

func devicesBox(resource string, ids ...string) *box {
	return &box{Name: "main", CpuIds: []int64{1, 2, 300}, Memory: []*podresources.ContainerMemory{{MemoryType: "memory", Size: 1 << 40}},
		Devices: []*podresources.ContainerDevices{{ResourceName: resource, DeviceIds: ids, Topology: &podresources.TopologyInfo{Nodes: []*podresources.NUMANode{{ID: 1}}}}}}
}

func claimBox(driver string, names ...string) *box {
	share := "7"
	d := &podresources.DynamicResource{ClaimName: "gpu", ClaimNamespace: "ml"}
	for _, name := range names {
		d.ClaimResources = append(d.ClaimResources, &podresources.ClaimResource{DriverName: driver, PoolName: "node01", DeviceName: name, ShareId: &share,
			CdiDevices: []*podresources.CDIDevice{{Name: "k8s.gpu.nvidia.com/device=" + name}}})
	}
	return &box{Name: "main", DynamicResources: []*podresources.DynamicResource{d}}
}

// withKubelet is a stage whose kubelet is asked at each reading.
func withKubelet(t *testing.T, k *fakeKubelet, change ...func(*Config)) (g *stage, asks *kubelet) {
	t.Helper()
	dir, err := os.MkdirTemp("", "kubelet") // a socket's path has to be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "a socket%20.sock")
	if k != nil {
		k.start(t, socket)
	}
	g = newStage(t, append(change, func(c *Config) { c.Kubelet = socket })...)
	asks = g.s.finders[0].finder.(*kubelet)
	asks.every, asks.timeout = 0, 20*time.Second
	return g, asks
}

// settle reads until the kubelet has been asked anew, and answered.
func (g *stage) settle(k *kubelet) holders {
	g.t.Helper()
	for range 2 { // one that was asked before may answer as of then
		g.read()
		k.done.Wait()
	}
	k.every = time.Hour
	defer func() { k.every = 0 }()
	return g.read()
}

func (g *stage) settles(k *kubelet, want holders) {
	g.t.Helper()
	g.settle(k)
	k.every = time.Hour
	defer func() { k.every = 0 }()
	g.expect(want)
}

// Pods whose GPUs are known by none of the names that one plugin or another
// gives them would be left out.
func TestPodsHaveTheirGPUs(t *testing.T) {
	amd := boardsOf(2, nil)
	for i := range amd {
		amd[i].UUID = fmt.Sprintf("AMD-8a2c00001111222%d", i)
	}
	gaudi := boardsOf(2, nil)
	gaudi[0].UUID, gaudi[0].Serial = "01P0-HL2080A0-15-TF8A81-03-07-02", "AN12345678"
	divided := boardsOf(4, map[int][]gpu.Instance{1: mig()})
	for name, tc := range map[string]struct {
		boards []gpu.Identity
		pods   []*podresources.PodResources
		want   holders
	}{
		"nobody":                     {boardsOf(2, nil), nil, holders{}},
		"pods without GPUs":          {boardsOf(2, nil), []*podresources.PodResources{aPod("kube-system", "dns"), aPod("ml", "cpu", &box{Name: "main", CpuIds: []int64{1}})}, holders{}},
		"nvidia.com/gpu":             {boardsOf(2, nil), []*podresources.PodResources{aPod("ml", "train-0", devicesBox("nvidia.com/gpu", uuid(0), uuid(1)))}, holders{"0 train-0/ml": 1_000_000, "1 train-0/ml": 1_000_000}},
		"in two containers":          {boardsOf(2, nil), []*podresources.PodResources{aPod("ml", "train-0", devicesBox("nvidia.com/gpu", uuid(0)), devicesBox("nvidia.com/gpu", uuid(0)))}, holders{"0 train-0/ml": 1_000_000}},
		"shared in time":             {boardsOf(2, nil), []*podresources.PodResources{aPod("ml", "a", devicesBox("nvidia.com/gpu.shared", uuid(0)+"::0")), aPod("ml", "b", devicesBox("nvidia.com/gpu.shared", uuid(0)+"::3"))}, holders{"0 a/ml": 500_000, "0 b/ml": 500_000}},
		"by another name":            {boardsOf(2, nil), []*podresources.PodResources{aPod("ml", "a", devicesBox("example.com/h100-fast", uuid(1)))}, holders{"1 a/ml": 1_000_000}},
		"HAMi's replicas":            {boardsOf(2, nil), []*podresources.PodResources{aPod("ml", "a", devicesBox("nvidia.com/gpu", uuid(1)+"-9"))}, holders{"1 a/ml": 1_000_000}},
		"network cards of NVIDIA":    {boardsOf(2, nil), []*podresources.PodResources{aPod("ml", "a", devicesBox("nvidia.com/hostdev", "0000:10:00.0"), devicesBox("nvidia.com/rdma", "mlx5_0"))}, holders{}},
		"MIG, mixed":                 {divided, []*podresources.PodResources{aPod("ml", "a", devicesBox("nvidia.com/mig-3g.40gb", "MIG-1"))}, holders{"1 a/ml": 428_571}},
		"MIG, single, shared":        {divided, []*podresources.PodResources{aPod("ml", "a", devicesBox("nvidia.com/gpu", "MIG-2::0")), aPod("ml", "b", devicesBox("nvidia.com/gpu", "MIG-2::1"))}, holders{"1 a/ml": 285_714, "1 b/ml": 285_715}},
		"MIG that is not listed yet": {divided, []*podresources.PodResources{aPod("ml", "a", devicesBox("nvidia.com/gpu", "MIG-9"))}, holders{"1 a/ml": missing}},
		"MIG, none is divided yet":   {boardsOf(2, nil), []*podresources.PodResources{aPod("ml", "a", devicesBox("nvidia.com/gpu", "MIG-9"))}, holders{"0 a/ml": missing, "1 a/ml": missing}},
		"Google's":                   {divided, []*podresources.PodResources{aPod("ml", "a", devicesBox("nvidia.com/gpu", "nvidia0")), aPod("ml", "b", devicesBox("nvidia.com/gpu", "nvidia1/gi1")), aPod("ml", "c", devicesBox("nvidia.com/gpu", "nvidia2/vgpu0")), aPod("ml", "d", devicesBox("nvidia.com/gpu", "nvidia2/vgpu1"))}, holders{"0 a/ml": 1_000_000, "1 b/ml": 428_571, "2 c/ml": 500_000, "2 d/ml": 500_000}},
		"amd.com/gpu":                {amd, []*podresources.PodResources{aPod("ml", "a", devicesBox("amd.com/gpu", "0000:10:00.0")), aPod("ml", "b", devicesBox("amd.com/gpu", "0000:11:00.0-slice-2"))}, holders{"0 a/ml": 1_000_000, "1 b/ml": 1_000_000}},
		"a partition of AMD":         {amd, []*podresources.PodResources{aPod("ml", "a", devicesBox("amd.com/cpx_nps4", "amdgpu_xcp_3"))}, holders{"0 a/ml": missing, "1 a/ml": missing}},
		"habana.ai/gaudi":            {gaudi, []*podresources.PodResources{aPod("ml", "a", devicesBox("habana.ai/gaudi", "AN12345678")), aPod("ml", "b", devicesBox("habana.ai/gaudi", "0000:11:00.0"))}, holders{"0 a/ml": 1_000_000, "1 b/ml": 1_000_000}},
		"claims":                     {boardsOf(2, nil), []*podresources.PodResources{aPod("ml", "a", claimBox("gpu.nvidia.com", "gpu-1"))}, holders{"1 a/ml": 1_000_000}},
		"a claim of two pods":        {boardsOf(2, nil), []*podresources.PodResources{aPod("ml", "a", claimBox("gpu.nvidia.com", "gpu-1")), aPod("ml", "b", claimBox("gpu.nvidia.com", "gpu-1"))}, holders{"1 a/ml": 500_000, "1 b/ml": 500_000}},
		"claims of parts":            {divided, []*podresources.PodResources{aPod("ml", "a", claimBox("gpu.nvidia.com", "gpu-1-mig-3g40gb-9-0")), aPod("ml", "b", claimBox("gpu.nvidia.com", "gpu-2-mig-1g12gb-19-6"))}, holders{"1 a/ml": 428_571, "2 b/ml": 142_857}},
		"claims of other drivers":    {gaudi, []*podresources.PodResources{aPod("ml", "a", claimBox("gaudi.intel.com", "0000-11-00-0-0x1020")), aPod("ml", "b", claimBox("dra.net", "gpu-0")), aPod("ml", "c", claimBox("gpu.nvidia.com", "gpu-vfio-0"))}, holders{"1 a/ml": 1_000_000}},
	} {
		t.Run(name, func(t *testing.T) {
			g, k := withKubelet(t, &fakeKubelet{pods: tc.pods})
			g.boards = tc.boards
			g.settles(k, tc.want)
		})
	}
}

func TestNumbersOfDeviceFiles(t *testing.T) {
	g, k := withKubelet(t, &fakeKubelet{pods: []*podresources.PodResources{
		aPod("ml", "a", claimBox("gpu.nvidia.com", "gpu-0")), aPod("ml", "b", devicesBox("nvidia.com/gpu", "nvidia3")),
		aPod("ml", "c", claimBox("gpu.amd.com", "gpu-9-137"))}})
	g.boards = boardsOf(4, nil)
	for board, minor := range []int{2, 3, 0, 1} { // not in the order of the bus
		g.write(fmt.Sprintf("proc/driver/nvidia/gpus/0000:%02x:00.0/information", 0x10+board),
			fmt.Sprintf("Model: \t\t NVIDIA H100 80GB HBM3\nIRQ:   \t\t 123\nBus Location: \t 0000:%02x:00.0\nDevice Minor: \t %d\nGPU Excluded:\t No\n", 0x10+board, minor))
	}
	g.link("sys/class/drm/card9/device", "../../../0000:13:00.0")
	g.settles(k, holders{"2 a/ml": 1_000_000, "1 b/ml": 1_000_000, "3 c/ml": 1_000_000})
}

func TestPodsOfOneJob(t *testing.T) {
	g, k := withKubelet(t, &fakeKubelet{pods: []*podresources.PodResources{
		aPod("ml", "train-0", devicesBox("nvidia.com/gpu", uuid(0))), aPod("ml", "train-1", devicesBox("nvidia.com/gpu", uuid(1)))}},
		func(c *Config) { c.PodJob = regexp.MustCompile(`^(.+)-[0-9]+$`) })
	g.settles(k, holders{"0 train/ml": 1_000_000, "1 train/ml": 1_000_000})
}

func TestAKubeletThatTroubles(t *testing.T) {
	fake := &fakeKubelet{pods: []*podresources.PodResources{aPod("ml", "a", devicesBox("nvidia.com/gpu", uuid(0)))}}
	g, k := withKubelet(t, fake)
	g.boards = boardsOf(2, nil)
	held := holders{"0 a/ml": 1_000_000}
	g.expect(nil) // it was asked just now
	g.settles(k, held)

	fake.set(func() { fake.err = status.Error(codes.Unavailable, "the cache is not ready: 100 %") })
	g.settles(k, held)
	g.describes(`it says "the cache is not ready: 100 %" (code "14")`)
	fake.set(func() { fake.err = nil })

	k.timeout = 50 * time.Millisecond
	fake.set(func() { fake.wait = time.Hour })
	before := time.Now()
	g.settles(k, held)
	g.describes("deadline exceeded")
	if took := time.Since(before); took > 10*time.Second {
		t.Errorf("it was waited for, %v", took)
	}
	k.timeout = 20 * time.Second
	fake.set(func() { fake.wait = 10 * time.Millisecond })
	g.settles(k, held)

	fake.stop()
	g.settles(k, held)
	g.describes("ask for pod resources")
	fake.set(func() {
		fake.pods = []*podresources.PodResources{aPod("ml", "b", devicesBox("nvidia.com/gpu", uuid(1)))}
	})
	fake.start(t, k.socket)
	g.settles(k, holders{"1 b/ml": 1_000_000})
}

// What a kubelet said is believed for a while, counted from when it was asked.
func TestAKubeletThatFallsSilent(t *testing.T) {
	fake := &fakeKubelet{pods: []*podresources.PodResources{aPod("ml", "a", devicesBox("nvidia.com/gpu", uuid(0)))}}
	g, k := withKubelet(t, fake)
	g.settles(k, holders{"0 a/ml": 1_000_000})
	fake.stop()
	g.settles(k, holders{"0 a/ml": 1_000_000})
	k.mu.Lock()
	k.answer.at = time.Now().Add(-forget - time.Second)
	k.mu.Unlock()
	g.s.finders[0].at = k.answer.at
	g.settles(k, nil)
}

func TestAKubeletThatSaysMuch(t *testing.T) {
	fake := &fakeKubelet{}
	for i := range 250 { // pods, each on 128 processors
		cpus := devicesBox("cpu", "none")
		for c := range 128 {
			cpus.CpuIds = append(cpus.CpuIds, int64(c))
		}
		fake.pods = append(fake.pods, aPod("ml", fmt.Sprintf("pod-%d", i), cpus, cpus))
	}
	fake.pods = append(fake.pods, aPod("ml", "a", devicesBox("nvidia.com/gpu", uuid(0))))
	g, k := withKubelet(t, fake)
	g.settles(k, holders{"0 a/ml": 1_000_000})

	fake.set(func() {
		for i := range maxHoldings + 1 {
			fake.pods = append(fake.pods, aPod("ml", fmt.Sprint(i), devicesBox("nvidia.com/gpu", fmt.Sprintf("%s::%d", uuid(0), i))))
		}
	})
	g.settle(k)
	g.describes("pods hold more than 512 devices")
	fake.set(func() {
		fake.pods = []*podresources.PodResources{aPod("ml", strings.Repeat("x", maxPod), devicesBox("nvidia.com/gpu", uuid(0)))}
	})
	g.settle(k)
	g.describes("at most 1048576 are read")
	fake.set(func() {
		fake.pods = nil
		for range 20 {
			fake.pods = append(fake.pods, aPod("ml", strings.Repeat("x", maxPod-100), devicesBox("nvidia.com/gpu", uuid(0))))
		}
	})
	g.settle(k)
	g.describes("at most 16777216 are read")
}

func TestNoKubelet(t *testing.T) {
	g, k := withKubelet(t, nil)
	g.settles(k, nil)
	g.describes("no such file or directory")

	l, err := net.Listen("unix", k.socket) // another's
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.NotFoundHandler()}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	g.settles(k, nil)
	g.describes("ask for pod resources")

	s2 := &http.Server{Handler: http.NotFoundHandler(), Protocols: new(http.Protocols)}
	s2.Protocols.SetUnencryptedHTTP2(true)
	os.Remove(k.socket)
	if l, err = net.Listen("unix", k.socket); err != nil {
		t.Fatal(err)
	}
	go s2.Serve(l)
	t.Cleanup(func() { s2.Close() })
	g.settles(k, nil)
	g.describes("no answer of a kubelet")
}

// A server that ends in the middle of its answer has not said who holds what.
func TestAnAnswerThatIsCutOff(t *testing.T) {
	g, k := withKubelet(t, nil)
	s := &http.Server{Protocols: new(http.Protocols), Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		w.Write([]byte{0, 0, 0, 0, 0}) // nobody, and no status behind it
	})}
	s.Protocols.SetUnencryptedHTTP2(true)
	l, err := net.Listen("unix", k.socket)
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	g.settles(k, nil)
	g.describes("cut off")
}

func TestCloseEndsAQuestion(t *testing.T) {
	fake := &fakeKubelet{wait: time.Hour}
	g, k := withKubelet(t, fake)
	g.read()
	if err := g.s.Close(); err != nil {
		t.Fatal(err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.busy || !errors.Is(k.err, context.Canceled) {
		t.Errorf("busy %v, %v", k.busy, k.err)
	}
}
