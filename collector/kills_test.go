//go:build cgo && linux

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Collectors are killed at any moment, most of them before they have read or sent
// anything, and now and then the aggregator with the bus in it: every millijoule
// that the boards' counters counted is in the ledger once, and none is estimated.
// GIGAWATCH_KILLS says how many kills.
func TestKilledCollectorsLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	kills, _ := strconv.Atoi(os.Getenv("GIGAWATCH_KILLS"))
	kills = max(kills, 12)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed: %d", seed)
	s := newSite(t)
	for i := range min(8, kills/3) {
		s.newHost(fmt.Sprintf("k%d", i), 2).collect()
	}
	for _, h := range s.hosts {
		h.awaits(h.all("ok")...)
		for n := range h.boards {
			h.catches(n)
		}
	}
	for _, h := range s.hosts {
		h.draw(load)
	}
	var all sync.WaitGroup
	for i, h := range s.hosts {
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		of := kills/len(s.hosts) + min(1, max(0, kills%len(s.hosts)-i))
		all.Go(func() {
			for range of {
				// A life is mostly shorter than what it takes to be heard.
				time.Sleep(time.Duration(random.ExpFloat64() * float64(1500*time.Millisecond)))
				h.collector.kill()
				h.collect()
			}
		})
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	pulled := 0
	for over := false; !over; {
		select {
		case <-done:
			over = true
		case <-time.After(10 * time.Second):
			s.aggregator.kill()
			s.start()
			pulled++
		}
	}
	for _, h := range s.hosts {
		h.awaits(h.all("ok")...)
		h.draw(0)
		for n, b := range h.boards {
			h.catches(n)
			if j, ok := h.ledger(n); !ok || j.total != j.counted {
				t.Errorf("%s: of %d mJ %d were counted", b.UUID(), j.total, j.counted)
			}
		}
	}
	t.Logf(`soak: {"row":1,"injected":%d}`, kills)
	t.Logf(`soak: {"row":2,"injected":%d}`, pulled)
	t.Logf("%d collectors killed, %d aggregators; 0 mJ of difference", kills, pulled)
}
