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

	job      int // that holds all of its boards but the last of several; 0: none
	recorded int // the same, by its newest record
}

type world struct {
	rng   *rand.Rand
	now   int64
	hosts []*host
	lots  *rand.Rand     // of jobs, so that what else happens does not depend on them
	jobs  int            // so far: none begins twice
	drawn map[int]uint64 // mJ, by job, between records that say so
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
	w := &world{rng: rand.New(rand.NewPCG(seed, 7)), lots: rand.New(rand.NewPCG(seed, 8)), now: start, stream: 1, drawn: map[int]uint64{}}
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
		w.allot(h, true)
	}
	return w
}

func uuid(n int) string { return fmt.Sprintf("GPU-%08x-0000-4000-8000-%012x", n, n*7919) }

// allot gives the boards of h to a new job, or to nobody.
func (w *world) allot(h *host, job bool) {
	n := len(h.boards)
	l := &metric.Layout{Simulated: true, Entities: slices.Clone(h.layout.Entities[:3+n]), Columns: slices.Clone(h.layout.Columns[:3])}
	if h.job = 0; job {
		w.jobs++
		h.job = w.jobs
		held := max(1, n-1)
		for g := range held {
			l.Entities = append(l.Entities, metric.Entity{Kind: metric.Job, Name: fmt.Sprint(h.job), Parent: 3 + g,
				Labels: []metric.Pair{{Name: "tenant", Value: fmt.Sprint("t", h.job%3)}}})
		}
		l.Columns = append(l.Columns, metric.Column{Metric: metric.JobGPUShare, Form: metric.Int, First: 3 + n, Count: held})
	}
	h.layout = l
}

// spend lets time pass: the boards draw power.
func (w *world) spend(ms int64) {
	w.now += ms
	for _, h := range w.hosts {
		for g, b := range h.boards {
			mj := b.perSecond * uint64(ms) / 1000
			b.count += mj
			if !b.baseline {
				continue
			}
			if b.truth += mj; g < max(1, len(h.boards)-1) {
				w.drawn[h.recorded] += mj
			} else {
				w.drawn[0] += mj
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
	for range h.layout.Width() - len(b.Values) {
		b.Values = append(b.Values, 1_000_000)
	}
	h.recorded = h.job
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

// verifyJobs holds what jobs were given against what was drawn while records say
// that they held the boards: never more, and of most jobs all of it. It returns
// how many were given all.
func (w *world) verifyJobs(t testing.TB, b *books) (whole int) {
	t.Helper()
	q := account.Question{Site: "s1", By: account.ByJob, Boundary: metric.GPUs, From: start - start%hourMs, To: w.now - w.now%hourMs + 24*hourMs}
	lines, err := b.Energy(q)
	if err != nil {
		t.Fatal(err)
	}
	var sum account.Amount
	for _, l := range lines {
		if sum, err = sum.Add(l.Energy); err != nil {
			t.Fatal(err)
		}
		if l.Allocation != account.Allocated {
			continue
		}
		var n int
		if _, err := fmt.Sscan(l.Job, &n); err != nil || l.Tenant != fmt.Sprint("t", n%3) {
			t.Errorf("job %q of tenant %q: %v", l.Job, l.Tenant, err)
		}
		mj, err := l.Energy.Total()
		mj -= l.Energy[metric.EstimatedProfile]
		if err != nil || mj > w.drawn[n] {
			t.Errorf("job %d was given %d mJ, and drew %d", n, mj, w.drawn[n])
		}
		if mj == w.drawn[n] {
			whole++
		}
	}
	q.By = account.BySite
	all, err := b.Energy(q)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := total(t, sum), total(t, all[0].Energy); len(lines) == 0 || got != lines[0].Recorded || want != lines[0].Drawn {
		t.Errorf("jobs and nobody were given %d mJ of the site's %d; lines %+v", got, want, lines)
	}
	return whole
}

func total(t testing.TB, a account.Amount) uint64 {
	t.Helper()
	mj, err := a.Total()
	if err != nil {
		t.Fatal(err)
	}
	return mj
}

// resum gives the bytes of a slot their checksum again.
func resum(b []byte) []byte { return withSum(b[:len(b)-sha256.Size]) }
