package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

// An aggregator that is killed wherever it changes its disk or acknowledges goes
// on with exactly what its disk says: for each agent the joules up to the record
// that its watermark names, never less than was acknowledged, and its books are
// in order. GIGAWATCH_KILLS says how many kills, else each point has one; the bus
// is now and then started anew, and now and then without what it had.
func TestAnAggregatorKilledAnywhereLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	const most = 100 // of one site: each kill is checked against all that the disk has
	kills, _ := strconv.Atoi(os.Getenv("GIGAWATCH_KILLS"))
	for n := 0; n < max(kills, 1); n += most {
		t.Run(fmt.Sprint("site ", n/most+1), func(t *testing.T) {
			t.Parallel()
			killOneSite(t, min(most, kills-n))
		})
	}
}

func killOneSite(t *testing.T, kills int) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed: %d", seed)
	first, learned := newKillWorld(t, seed).learn()
	for _, point := range []string{"after write state", "before sync state", "before rename state", "after rename state", "before sync folder ledger",
		"after write hour", "before sync hour", "after rename hour", "after sync folder hours",
		"before append leaves", "after append leaves", "after sync leaves", "before append hashes", "before acknowledge", "after acknowledge"} {
		if !slices.Contains(learned, point) {
			t.Fatalf("nothing is killed %s: it is not passed", point)
		}
	}
	w := newKillWorld(t, seed)
	kills = max(kills, len(first)+len(learned))
	killed := map[string]int{}
	restarts, wipes := 0, 0
	for n := range kills {
		switch {
		case n%17 == 16:
			w.restartBus(true)
			wipes++
		case n%7 == 6:
			w.restartBus(false)
			restarts++
		}
		var point string
		if n < len(first) {
			if point = first[n]; !w.killAt(point, 1) { // a kill before it took it away
				t.Logf("   0 killed %s", point)
				continue
			}
		} else {
			i := n - len(first)
			if point = learned[i%len(learned)]; !w.killAt(point, 1+i/len(learned)%3) {
				t.Fatalf("nothing was killed %s", point)
			}
		}
		killed[point]++
		w.checkDisk(point)
		if t.Failed() {
			t.Fatalf("after kill %d, %s", n+1, point)
		}
	}
	w.finish()
	for _, point := range slices.Sorted(maps.Keys(killed)) {
		t.Logf("%4d killed %s", killed[point], point)
	}
	t.Logf(`soak: {"row":2,"injected":%d}`, kills)
	t.Logf(`soak: {"row":3,"injected":%d}`, restarts)
	t.Logf(`soak: {"row":4,"injected":%d}`, wipes)
	t.Logf("%d kills at %d points, bus started anew %d times and without its store %d times, %d records, %.1f days of the site; 0 mJ of difference",
		kills, len(killed), restarts, wipes, w.sent, w.now.Sub(w.began).Hours()/24)
}
