package rule

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/durable"
)

// direct is the way past Alertmanager, to whom pages people: a webhook that is
// spoken to as Alertmanager would. What waits and what was told is on disk before it
// is sent: a restart neither loses it nor, but for the moment between the receiver's
// word and the disk's, tells it again.
type direct struct {
	endpoint Endpoint
	page     string
	file     string // "": nothing is kept
	log      *slog.Logger
	client   *http.Client
	receiver *receiver
	note     func(*receiver, *http.Response, error)
	tried    func()
	external map[string]string

	mu      sync.Mutex // guards what waits and what was sent
	waiting map[string]*waiting
	told    map[string]told
	dirty   bool
	wake    chan struct{}
}

// waiting is one that was not taken yet.
type waiting struct {
	Message
	next    time.Time
	backoff time.Duration
	until   time.Time
}

// told is when a key was last taken, and of which beginning of it.
type told struct {
	At     int64 `json:"at"`     // ms since 1970
	Starts int64 `json:"starts"` // likewise
	Seen   int64 `json:"seen"`   // when it was last said to fire
}

const (
	directEvery   = 15 * time.Minute // a key is sent at most once in it
	directFor     = time.Hour        // it is tried
	directFirst   = 5 * time.Second  // after which it is tried again, and ever slower
	directSlowest = time.Minute
	mostWaiting   = 1000
	mostTold      = 10_000
)

func newDirect(c DeliveryConfig, r *receiver, note func(*receiver, *http.Response, error)) (*direct, error) {
	x := &direct{endpoint: c.Direct, page: c.Page, file: c.DirectFile, log: c.Logger, receiver: r, note: note, external: byName(c.External), waiting: map[string]*waiting{}, told: map[string]told{}, wake: make(chan struct{}, 1)}
	var err error
	if x.client, err = c.Direct.Client(); err != nil {
		return nil, fmt.Errorf("direct webhook: %w", err)
	}
	if c.Transport != nil {
		x.client = &http.Client{Transport: c.Transport}
	}
	if err := x.load(time.Now()); err != nil {
		return nil, fmt.Errorf("direct webhook: %w", err)
	}
	return x, nil
}

// short is the key as a file can hold it.
func (m *Message) short() string { return fmt.Sprintf("%.16x", sha256.Sum256([]byte(m.Key()))) }

// take queues an alert of whose beginning nobody was told, as often as it is said to
// fire.
func (x *direct) take(m *Message) {
	key, now := m.short(), time.Now()
	x.mu.Lock()
	defer x.mu.Unlock()
	if m.Ended {
		if x.waiting[key] != nil {
			delete(x.waiting, key) // nobody was told of it
			x.dirty = true
		}
		return
	}
	if t, ok := x.told[key]; ok {
		t.Seen = now.UnixMilli()
		x.told[key] = t
		if t.Starts == m.StartsAt.UnixMilli() || now.Sub(time.UnixMilli(t.At)) < directEvery {
			return
		}
	}
	if x.waiting[key] != nil {
		return
	}
	if len(x.waiting) >= mostWaiting {
		x.receiver.failures.Inc()
		return
	}
	x.waiting[key] = &waiting{Message: *m, next: now, backoff: directFirst, until: now.Add(directFor)}
	x.dirty = true
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
			x.save()
			return
		case <-x.wake:
		case <-every.C:
		}
		x.save()
		for key, m := range x.due(time.Now()) {
			x.settle(key, x.post(ctx, m), time.Now())
			x.save()
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
	if taken && w != nil {
		x.forget(now)
		if len(x.told) < mostTold {
			x.told[key] = told{now.UnixMilli(), w.StartsAt.UnixMilli(), now.UnixMilli()}
		}
	}
	switch {
	case w == nil:
	case taken || now.After(w.until): // said to fire again, it is tried again
		delete(x.waiting, key)
		x.dirty = true
	default:
		w.next, w.backoff = now.Add(w.backoff), min(2*w.backoff, directSlowest)
	}
}

// forget lets go of what is long over.
func (x *direct) forget(now time.Time) {
	maps.DeleteFunc(x.told, func(_ string, t told) bool {
		return now.Sub(time.UnixMilli(t.At)) >= directEvery && now.Sub(time.UnixMilli(t.Seen)) >= forgotten
	})
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

// directHeading begins the file.
const directHeading = "gigawatch-direct 1 "

type keptDirect struct {
	Told    map[string]told `json:"told"`
	Waiting []keptWaiting   `json:"waiting"`
}

type keptWaiting struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	Starts      int64             `json:"starts"`
	Until       int64             `json:"until"`
}

// save puts what changed on disk. It is sent even where that fails: better twice
// than not at all.
func (x *direct) save() {
	if x.file == "" {
		return
	}
	x.mu.Lock()
	if !x.dirty {
		x.mu.Unlock()
		return
	}
	x.dirty = false
	kept := keptDirect{Told: maps.Clone(x.told), Waiting: []keptWaiting{}}
	for _, w := range x.waiting {
		kept.Waiting = append(kept.Waiting, keptWaiting{byName(w.Labels), byName(w.Annotations), w.StartsAt.UnixMilli(), w.until.UnixMilli()})
	}
	x.mu.Unlock()
	b, err := json.Marshal(kept)
	if err == nil {
		err = durable.Replace(x.file, summed(directHeading, b), 0o600)
	}
	if err != nil {
		x.log.Warn("what waits for the direct webhook is not kept on disk", "error", err)
		x.mu.Lock()
		x.dirty = true
		x.mu.Unlock()
	}
}

// load takes up what was kept. A file that cannot be used is put aside: what stands
// is told again.
func (x *direct) load(now time.Time) error {
	if x.file == "" {
		return nil
	}
	var kept keptDirect
	whole, err := readKept(x.file, "what was told the direct way", x.log, func(b []byte) error {
		rest, err := summedBy(directHeading, b)
		if err != nil {
			return err
		}
		return json.Unmarshal(rest, &kept)
	})
	if err != nil || !whole {
		return err
	}
	for key, t := range kept.Told {
		if len(x.told) < mostTold {
			t.Seen = now.UnixMilli()
			x.told[key] = t
		}
	}
	for _, w := range kept.Waiting[:min(len(kept.Waiting), mostWaiting)] {
		m := Message{Labels: pairs(w.Labels), Annotations: pairs(w.Annotations), StartsAt: time.UnixMilli(w.Starts), Direct: true}
		x.waiting[m.short()] = &waiting{Message: m, next: now, backoff: directFirst, until: time.UnixMilli(w.Until)}
	}
	return nil
}
