package fault

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats-server/v2/server/ats"

	"github.com/gigawatch/gigawatch/aggregator/internal/bus"
)

// TestAFlippedBitInABlockOfTheBusIsHealedFromTheSpools flips a bit in the file in which the server
// keeps the ledger lane, or cuts it, while it is down: what it loses it does not say. The lane's reader notices by
// the numbers what it had read, or would have; of an end that nobody has read there is no trace, and
// the collectors send all of it.
func TestAFlippedBitInABlockOfTheBusIsHealedFromTheSpools(t *testing.T) {
	ats.Register()
	defer ats.Unregister()
	lost := 0
	for _, x := range []struct {
		name  string
		at    float64 // of the file
		cut   bool    // it ends there
		crash bool    // and its index was not written any more
		holes int     // that are noticed
	}{
		{"what nobody has read yet", 0.6, false, true, 0},
		{"what nobody has read yet, and the server ended as it should", 0.6, false, false, 1},
		{"the newest", 0.999, false, true, 0},
		{"what was read", 0.05, false, true, 1},
		{"the end, cut off", 0.6, true, true, 0},
		{"nearly all, cut off", 0.05, true, true, 1},
		{"nothing", -1, false, false, 0},
		{"nothing, and the server was killed", -1, false, true, 0},
	} {
		t.Run(x.name, func(t *testing.T) {
			dir := t.TempDir()
			today(t, func(t *testing.T) {
				r := newRun(t, options{Seed: 1, Hosts: 2, GPUs: 2, Interval: 30 * time.Second, Hours: 1})
				r.server = &real{dir: dir}
				r.server.open(t)
				defer func() { r.server.close() }()
				defer func() {
					if r.reading != nil {
						r.kill(false)
					}
				}()
				for range 20 {
					r.live()
				}
				r.kill(false)
				for range 60 { // nobody reads, and all goes on
					time.Sleep(r.o.Interval)
					synctest.Wait()
					r.step++
					r.world.Step(time.Now())
					for _, c := range r.collectors {
						c.step()
						c.settle()
					}
				}
				r.arrive() // else it has more than it says
				before := r.stored()
				r.server.close()
				damage(t, dir, x.at, x.cut, x.crash)
				r.server.open(t)
				for _, c := range r.collectors {
					c.linked = false
				}
				gone := before - r.stored()
				r.open() // before the agents are there again, as it does that has the bus within
				r.live()
				r.live()
				noticed := r.counted("gigawatch_stream_ledger_stream_gaps_total")
				for range 20 {
					r.live()
				}
				r.heal()
				t.Logf("%d of %d messages are gone, %d holes noticed, difference %d mJ", gone, before, noticed, r.sum.difference)
				lost += int(gone)
				if r.sum.difference != 0 || noticed != x.holes {
					t.Errorf("difference %d mJ; %d holes noticed, want %d", r.sum.difference, noticed, x.holes)
				}
				if x.at < 0 && gone != 0 {
					t.Errorf("the server lost %d messages by itself", gone)
				}
			})
		})
	}
	if lost == 0 {
		t.Error("the server lost nothing: nothing was tried")
	}
}

// stored is how many messages the server says that the lane has.
func (r *run) stored() uint64 {
	s, err := r.server.js.Stream(r.t.Context(), bus.Ledger)
	if err != nil {
		r.t.Fatal(err)
	}
	return s.CachedInfo().State.Msgs
}

// counted is what a counter of the aggregator says.
func (r *run) counted(name string) int {
	var b bytes.Buffer
	r.set.WritePrometheus(&b)
	m := regexp.MustCompile(`(?m)^` + name + ` (\d+)`).FindSubmatch(b.Bytes())
	if m == nil {
		r.t.Fatalf("there is no %s", name)
	}
	n, _ := strconv.Atoi(string(m[1]))
	return n
}

// damage flips a bit of the newest block of the ledger lane, or cuts it there.
func damage(t *testing.T, dir string, at float64, cut, crash bool) {
	files, err := filepath.Glob(filepath.Join(dir, "*/jetstream/*/streams", bus.Ledger, "msgs", "*.blk"))
	if err != nil || len(files) != 1 {
		t.Fatalf("blocks %v, %v", files, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil || len(b) < 10_000 {
		t.Fatal(fmt.Errorf("%d bytes, %w", len(b), err))
	}
	switch n := int(at * float64(len(b))); {
	case at < 0:
	case cut:
		b = b[:n]
	default:
		b[n] ^= 4
	}
	if err := os.WriteFile(files[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	if crash {
		if err := os.Remove(filepath.Join(filepath.Dir(files[0]), "index.db")); err != nil {
			t.Fatal(err)
		}
	}
}
