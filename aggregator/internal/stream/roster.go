package stream

import (
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// A lane remembers each agent's layouts and place. Names may come and go, so
// that one which is silent for forgetAfter by the lane's own time is forgotten,
// and of those that are not, maxAgents are told apart. An agent that was
// forgotten is a new one when it speaks again: it is taken from the next batch
// that carries its layout, which is within a minute on the telemetry lane and at
// once on the ledger's.
const (
	forgetAfter = 24 * time.Hour
	maxAgents   = 1 << 16 // as many as the accounts tell apart at a site
	sweepEvery  = 10 * time.Minute
)

const metricAgents = "gigawatch_stream_agents"

// roster is what a lane knows of each agent. Its lane's goroutine alone calls
// of; others may look.
type roster[T any] struct {
	most  int
	swept time.Time

	mu      sync.RWMutex // guards members; heard is the lane's own
	members map[string]*member[T]
}

type member[T any] struct {
	heard time.Time
	known T
}

func newRoster[T any](lane string, set *metrics.Set) *roster[T] {
	r := &roster[T]{most: maxAgents, members: map[string]*member[T]{}}
	set.NewGauge(metricAgents+`{lane="`+lane+`"}`, func() float64 {
		r.mu.RLock()
		defer r.mu.RUnlock()
		return float64(len(r.members))
	})
	return r
}

// of is what is known of an agent that spoke at the given time, as made by fresh
// if it is a new one; nil if there is no room for it.
func (r *roster[T]) of(key string, now time.Time, fresh func() T) *T {
	if now.Sub(r.swept) >= sweepEvery || r.swept.Sub(now) >= sweepEvery {
		r.sweep(now)
	}
	m := r.members[key]
	if m == nil {
		if len(r.members) >= r.most {
			return nil
		}
		m = &member[T]{known: fresh()}
		r.mu.Lock()
		r.members[key] = m
		r.mu.Unlock()
	}
	m.heard = now
	return &m.known
}

// sweep forgets who has been silent.
func (r *roster[T]) sweep(now time.Time) {
	r.swept = now
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, m := range r.members {
		if m.heard.After(now) { // by a clock that has been set back
			m.heard = now
		}
		if now.Sub(m.heard) >= forgetAfter {
			delete(r.members, key)
		}
	}
}

// look hands what is known of an agent to f; it does nothing if that is nothing.
// The lane's goroutine changes what f sees only under change.
func (r *roster[T]) look(key string, f func(*T)) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if m := r.members[key]; m != nil {
		f(&m.known)
	}
}

// change makes a change that others may be looking at.
func (r *roster[T]) change(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}
