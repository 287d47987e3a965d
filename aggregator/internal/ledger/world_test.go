package ledger

import (
	"crypto/sha256"
	"fmt"
	"log/slog"

	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

const second = int64(1000)

// start is ten minutes before a whole hour.
var start = time.Date(2026, 11, 22, 11, 50, 0, 0, time.UTC).UnixMilli()

// A board of a host, and what is true of it.
type board struct {
	count     uint64 // its register
	epoch     int64
	truth     uint64 // mJ since the first reading
	read      uint64 // truth at the last reading
	unseen    uint64 // spent between a reading and a reset: nobody can know it
	baseline  bool
	perSecond uint64
}

// A host has boards, an agent and its spool.
type host struct {
	name   string
	boards []*board
	layout *metric.Layout
	life   uint64 // incarnation
	next   uint64
	spool  []*metric.Batch
	sent   uint64
	down   int // ticks
	cut    int // ticks for which nothing gets through
	skew   int64
	booted int64
	fresh  bool
}

type world struct {
	rng   *rand.Rand
	now   int64
	hosts []*host
	// the bus: a stream that may be wiped
	stream int
	bus    []message
	held   []message
}

type message struct {
	b       *metric.Batch
	arrived int64
}

func newWorld(seed uint64, hosts, boards int) *world {
	w := &world{rng: rand.New(rand.NewPCG(seed, 7)), now: start, stream: 1}
	for i := range hosts {
		h := &host{name: fmt.Sprintf("n%03d", i), life: 1, fresh: true, booted: start - 1000*second}
		es := metric.Place{Hall: "h1", Rack: fmt.Sprintf("r%d", i/4), Host: h.name}.Entities()
		for g := range boards {
			h.boards = append(h.boards, &board{epoch: 1, count: uint64(w.rng.IntN(1e9)), perSecond: uint64(100_000 + w.rng.IntN(600_000))})
			es = append(es, metric.Entity{Kind: metric.GPU, Name: uuid(i*boards + g), Parent: 2,
				Labels: []metric.Pair{{Name: "gpu", Value: fmt.Sprint(g)}, {Name: "model", Value: "H200"}}})
		}
		h.layout = &metric.Layout{Simulated: true, Entities: es, Columns: []metric.Column{
			{Metric: metric.GPUEnergyJoules, Form: metric.Int, First: 3, Count: boards},
			{Metric: metric.GPUPowerWatts, Form: metric.Float, First: 3, Count: boards},
			{Metric: metric.CounterEpoch, Form: metric.Int, Point: metric.EpochPoint(metric.GPUEnergyJoules, 0), First: 3, Count: boards},
		}}
		w.hosts = append(w.hosts, h)
	}
	return w
}

func uuid(n int) string { return fmt.Sprintf("GPU-%08x-0000-4000-8000-%012x", n, n*7919) }

// spend lets time pass: the boards draw power.
func (w *world) spend(ms int64) {
	w.now += ms
	for _, h := range w.hosts {
		for _, b := range h.boards {
			mj := b.perSecond * uint64(ms) / 1000
			b.count += mj
			if b.baseline {
				b.truth += mj
			}
		}
	}
}

// reset begins a board's register anew.
func (b *board) reset() {
	b.unseen += b.truth - b.read
	b.read = b.truth
	b.count, b.epoch = 0, b.epoch+1
}

// record reads the boards of h into its spool.
func (w *world) record(h *host) {
	h.next++
	b := &metric.Batch{
		Site: "s1", Agent: h.name, Lane: metric.Ledger, Incarnation: h.life, Sequence: h.next,
		Time: w.now + h.skew, Boottime: (w.now - h.booted) * 1e6, Ticks: 1, Layout: h.layout,
	}
	if h.fresh {
		b.Flags, h.fresh = metric.Fresh, false
	}
	for _, g := range h.boards {
		b.Values = append(b.Values, metric.Raw(g.count))
		g.baseline, g.read = true, g.truth
	}
	for _, g := range h.boards {
		b.Values = append(b.Values, metric.Of(float64(g.perSecond)/1000))
	}
	for _, g := range h.boards {
		b.Values = append(b.Values, metric.Raw(g.epoch))
	}
	h.spool = append(h.spool, b)
}

func (w *world) publish(b *metric.Batch) { w.bus = append(w.bus, message{b, w.now}) }

// acknowledge frees the spool up to sequence, and has the rest sent again.
func (h *host) acknowledge(sequence uint64) {
	h.spool = slices.DeleteFunc(h.spool, func(b *metric.Batch) bool { return b.Sequence <= sequence })
	h.sent = max(sequence, 0)
}

func (w *world) identity() string { return fmt.Sprintf("LEDGER/%d", w.stream) }

// wipe loses the bus's store.
func (w *world) wipe() { w.bus, w.stream = nil, w.stream+1 }

// books are a ledger at its end of the bus.
type books struct {
	*Ledger
	disk *memory
	at   uint64 // last message read
}

func config() Config { return Config{Logger: slog.New(slog.DiscardHandler), Cache: 1 << 20} }

func openBooks(t testing.TB, w *world, d *memory) *books {
	t.Helper()
	l, err := open(config(), d)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	b := &books{l, d, 0}
	if stream, n := l.Position(); stream == w.identity() && n <= uint64(len(w.bus)) {
		b.at = n
	}
	return b
}

// read applies the next message of the bus; false if there is none.
func (b *books) read(w *world) bool {
	if b.at >= uint64(len(w.bus)) {
		return false
	}
	m := w.bus[b.at]
	b.at++
	b.Apply(m.b, time.UnixMilli(m.arrived), w.identity(), b.at)
	return true
}

// verify holds the books against the truth: nothing more than was spent, and,
// when all has come in, nothing less than could be seen.
func (w *world) verify(t testing.TB, b *books, settled bool) {
	t.Helper()
	have := map[string]uint64{}
	for x := range func(yield func(account.Balance) bool) { b.state.Balances("s1", yield) } {
		have[x.Device.Name] = x.Counted
	}
	for i, h := range w.hosts {
		for g, x := range h.boards {
			got, want := have[uuid(i*len(h.boards)+g)], x.truth-x.unseen
			if got > want || settled && got+(x.truth-x.read) != want {
				t.Errorf("board %d of %s: booked %d, could be seen %d, unseen %d, not read yet %d", g, h.name, got, want, x.unseen, x.truth-x.read)
			}
		}
	}
}

// resum gives the bytes of a slot their checksum again.
func resum(b []byte) []byte { return withSum(b[:len(b)-sha256.Size]) }
