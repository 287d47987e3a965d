package job

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"
)

// How often the kubelet is asked, how long it may think, how much it may say.
const (
	kubeletEvery   = 5 * time.Second
	kubeletTimeout = 4 * time.Second
	kubeletBytes   = 16 << 20
)

// kubelet asks the kubelet which pod has which device. It asks beside the
// reading, so that a slow kubelet delays nobody, and connects anew each time, so
// that one that was restarted is found again at once.
type kubelet struct {
	socket         string
	job            *regexp.Regexp
	client         *http.Client
	every, timeout time.Duration
	ctx            context.Context
	cancel         context.CancelFunc
	done           sync.WaitGroup

	mu     sync.Mutex
	busy   bool
	asked  time.Time
	answer answer
	err    error
}

func newKubelet(socket string, job *regexp.Regexp) *kubelet {
	k := &kubelet{socket: strings.TrimPrefix(socket, "unix://"), job: job, every: kubeletEvery, timeout: kubeletTimeout, err: errors.New("it has not answered yet")}
	k.ctx, k.cancel = context.WithCancel(context.Background())
	t := &http.Transport{DisableKeepAlives: true, DisableCompression: true, Protocols: new(http.Protocols)}
	t.Protocols.SetUnencryptedHTTP2(true)
	t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", k.socket)
	}
	k.client = &http.Client{Transport: t}
	return k
}

func (k *kubelet) name() string { return "kubelet " + k.socket }

func (k *kubelet) close() {
	k.cancel()
	k.done.Wait()
}

func (k *kubelet) find(now time.Time) (answer, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.busy && now.Sub(k.asked) >= k.every && k.ctx.Err() == nil {
		k.busy, k.asked = true, now
		k.done.Go(func() { k.ask(now) })
	}
	return k.answer, k.err
}

// ask asks once; what is answered is as of then.
func (k *kubelet) ask(now time.Time) {
	ctx, cancel := context.WithTimeout(k.ctx, k.timeout)
	defer cancel()
	held, err := k.list(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.busy, k.err = false, err
	if err == nil {
		k.answer = answer{held: held, at: now}
	}
}

// list is what pods hold now.
func (k *kubelet) list(ctx context.Context) (held []holding, err error) {
	err = listPods(ctx, k.client, func(p *pod) error {
		h := holding{job: k.jobOf(p.name), tenant: p.namespace}
		for _, h.device = range p.devices {
			if held = append(held, h); len(held) > maxHoldings {
				return fmt.Errorf("pods hold more than %d devices", maxHoldings)
			}
		}
		return nil
	})
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("%w: run as root", err)
	}
	return held, err
}

// jobOf is the job that a pod belongs to.
func (k *kubelet) jobOf(pod string) string {
	if k.job == nil {
		return pod
	}
	m := k.job.FindStringSubmatch(pod)
	switch {
	case len(m) > 1 && m[1] != "":
		return m[1]
	case len(m) > 0 && m[0] != "":
		return m[0]
	}
	return pod
}
