package rule

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// direct is the way past Alertmanager, to whom pages people: a webhook that is
// spoken to as Alertmanager would.
type direct struct {
	endpoint Endpoint
	page     string
	client   *http.Client
	receiver *receiver
	note     func(*receiver, *http.Response, error)
	tried    func()
	external map[string]string

	mu      sync.Mutex // guards what waits and what was sent
	waiting map[string]*waiting
	told    map[string]time.Time // when a key was last sent
	wake    chan struct{}
}

// waiting is one that was not taken yet.
type waiting struct {
	Message
	next    time.Time
	backoff time.Duration
	until   time.Time
}

const (
	directEvery   = 15 * time.Minute // a key is sent at most once in it
	directFor     = time.Hour        // it is tried
	directFirst   = 5 * time.Second  // after which it is tried again, and ever slower
	directSlowest = time.Minute
	mostWaiting   = 1000
)

func newDirect(c DeliveryConfig, r *receiver, note func(*receiver, *http.Response, error)) (*direct, error) {
	x := &direct{endpoint: c.Direct, page: c.Page, receiver: r, note: note, external: byName(c.External), waiting: map[string]*waiting{}, told: map[string]time.Time{}, wake: make(chan struct{}, 1)}
	var err error
	if x.client, err = c.Direct.Client(); err != nil {
		return nil, fmt.Errorf("direct webhook: %w", err)
	}
	if c.Transport != nil {
		x.client = &http.Client{Transport: c.Transport}
	}
	return x, nil
}

// take queues an alert that begins or ends; one that goes on was sent.
func (x *direct) take(m *Message) {
	key, now := m.Key(), time.Now()
	x.mu.Lock()
	defer x.mu.Unlock()
	if m.Ended {
		if w := x.waiting[key]; w != nil {
			delete(x.waiting, key) // nobody was told of it
		}
		return
	}
	if at, ok := x.told[key]; !m.Fresh || ok && now.Sub(at) < directEvery {
		return
	}
	if len(x.waiting) >= mostWaiting {
		x.receiver.failures.Inc()
		return
	}
	for k, at := range x.told {
		if now.Sub(at) >= directEvery {
			delete(x.told, k)
		}
	}
	x.told[key] = now
	x.waiting[key] = &waiting{Message: *m, next: now, backoff: directFirst, until: now.Add(directFor)}
	select {
	case x.wake <- struct{}{}:
	default:
	}
}

func (x *direct) run(ctx context.Context) {
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-x.wake:
		case <-every.C:
		}
		for key, m := range x.due(time.Now()) {
			x.settle(key, x.post(ctx, m), time.Now())
		}
	}
}

func (x *direct) due(now time.Time) map[string]Message {
	x.mu.Lock()
	defer x.mu.Unlock()
	out := map[string]Message{}
	for key, w := range x.waiting {
		if !w.next.After(now) {
			out[key] = w.Message
		}
	}
	return out
}

func (x *direct) settle(key string, taken bool, now time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	w := x.waiting[key]
	if w == nil {
		return
	}
	if taken || now.After(w.until) {
		delete(x.waiting, key)
		return
	}
	w.next, w.backoff = now.Add(w.backoff), min(2*w.backoff, directSlowest)
}

// post sends one in the form of Alertmanager's webhook.
func (x *direct) post(ctx context.Context, m Message) (taken bool) {
	labels := byName(m.Labels)
	for name, value := range x.external {
		if labels[name] == "" {
			labels[name] = value
		}
	}
	fingerprint := fmt.Sprintf("%016x", promLabels(m.Labels).Hash())
	b, err := json.Marshal(map[string]any{
		"version": "4", "status": "firing", "receiver": "direct", "groupKey": fingerprint, "truncatedAlerts": 0, "externalURL": x.page,
		"groupLabels": map[string]string{"alertname": labels["alertname"]}, "commonLabels": labels, "commonAnnotations": byName(m.Annotations),
		"alerts": []any{map[string]any{
			"status": "firing", "labels": labels, "annotations": byName(m.Annotations), "startsAt": m.StartsAt.UTC(), "endsAt": time.Time{},
			"generatorURL": x.page, "fingerprint": fingerprint,
		}},
	})
	if err != nil {
		x.note(x.receiver, nil, err)
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, x.endpoint.URL, bytes.NewReader(b))
	if err != nil {
		x.note(x.receiver, nil, err)
		return false
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := x.client.Do(request)
	x.note(x.receiver, response, err)
	x.tried()
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20)) // so that the connection can be used again
	_ = response.Body.Close()
	return response.StatusCode/100 == 2
}
