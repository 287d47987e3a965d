package job

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	podresources "k8s.io/kubelet/pkg/apis/podresources/v1"
)

// How often the kubelet is asked, how long it may think, how much it may say.
const (
	kubeletEvery   = 5 * time.Second
	kubeletTimeout = 4 * time.Second
	kubeletBytes   = 16 << 20
)

// kubelet asks the kubelet which pod has which device. It asks beside the
// reading, so that a slow kubelet delays nobody.
type kubelet struct {
	socket string
	job    *regexp.Regexp

	mu    sync.Mutex
	conn  *grpc.ClientConn
	busy  bool
	asked time.Time
	held  []holding
	at    time.Time // of held
	err   error
}

func newKubelet(socket string, job *regexp.Regexp) *kubelet {
	return &kubelet{socket: socket, job: job, err: errors.New("it has not answered yet")}
}

func (k *kubelet) name() string { return "kubelet " + k.socket }

func (k *kubelet) find(now time.Time) ([]holding, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.busy && now.Sub(k.asked) >= kubeletEvery {
		k.busy, k.asked = true, now
		go k.ask()
	}
	return k.held, k.err
}

func (k *kubelet) ask() {
	ctx, cancel := context.WithTimeout(context.Background(), kubeletTimeout)
	defer cancel()
	held, err := k.list(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.busy, k.err = false, err
	if err == nil {
		k.held = held
	}
}

func (k *kubelet) list(ctx context.Context) ([]holding, error) {
	if k.conn == nil {
		conn, err := grpc.NewClient("unix://"+k.socket, grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(kubeletBytes)))
		if err != nil {
			return nil, fmt.Errorf("connect to the kubelet: %w", err)
		}
		k.conn = conn
	}
	r, err := podresources.NewPodResourcesListerClient(k.conn).List(ctx, &podresources.ListPodResourcesRequest{})
	if err != nil {
		return nil, fmt.Errorf("ask for pod resources: %w", err)
	}
	var held []holding
	for _, pod := range r.GetPodResources() {
		for _, c := range pod.GetContainers() {
			for _, d := range c.GetDevices() {
				if !accelerator(d.GetResourceName()) {
					continue
				}
				for _, id := range d.GetDeviceIds() {
					held = append(held, holding{job: k.jobOf(pod.GetName()), tenant: pod.GetNamespace(), device: id})
				}
			}
			for _, claim := range c.GetDynamicResources() { // dynamic resource allocation names pools and devices
				for _, res := range claim.GetClaimResources() {
					if accelerator(res.GetDriverName()) {
						held = append(held, holding{job: k.jobOf(pod.GetName()), tenant: pod.GetNamespace(), device: res.GetDeviceName()})
					}
				}
			}
		}
	}
	return held, nil
}

// accelerator reports whether a resource is a GPU: nvidia.com/gpu,
// nvidia.com/mig-1g.10gb, nvidia.com/gpu.shared, amd.com/gpu, habana.ai/gaudi,
// gpu.nvidia.com.
func accelerator(resource string) bool {
	vendor, kind, _ := strings.Cut(resource, "/")
	switch vendor {
	case "nvidia.com", "amd.com":
		return strings.HasPrefix(kind, "gpu") || strings.HasPrefix(kind, "mig-")
	case "habana.ai":
		return true
	case "gpu.nvidia.com", "gpu.amd.com":
		return true
	}
	return false
}

// jobOf is the job that a pod belongs to.
func (k *kubelet) jobOf(pod string) string {
	if k.job == nil {
		return pod
	}
	m := k.job.FindStringSubmatch(pod)
	switch {
	case m == nil:
		return pod
	case len(m) > 1 && m[1] != "":
		return m[1]
	}
	return m[0]
}
