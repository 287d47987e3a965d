package ledger

import (
	"fmt"
	"log/slog"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
	"github.com/gigawatch/gigawatch/collector/sim"
)

// A replay feeds a simulated site to books, as its agents would: a record every
// ten seconds, and one when the boards of a host change hands.
type replay struct {
	t        testing.TB
	world    *sim.World
	books    *Ledger
	began    time.Time
	now      time.Time
	sequence []uint64
	layouts  []*metric.Layout
	n        uint64
	read     func(i int, l *metric.Layout, v []metric.Raw) // if not nil, told of each record
}

func newReplay(t testing.TB, c sim.Config, l *Ledger) *replay {
	t.Helper()
	c.Site = "fra1"
	c.Start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	w, err := sim.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return &replay{t: t, world: w, books: l, began: c.Start, now: c.Start, sequence: make([]uint64, w.Agents()), layouts: make([]*metric.Layout, w.Agents())}
}

// run lets d pass, and commits every ten minutes and at the end.
func (r *replay) run(d time.Duration) {
	r.t.Helper()
	for end := r.now.Add(d); r.now.Before(end); {
		r.now = r.now.Add(time.Second)
		r.world.Step(r.now)
		seconds := int(r.now.Sub(r.began) / time.Second)
		for i := range r.world.Agents() {
			if l := r.world.Agent(i).Ledger; seconds%10 == 0 || l != r.layouts[i] {
				r.record(i, l)
			}
		}
		if seconds%600 == 0 {
			r.commit()
		}
	}
	r.commit()
}

func (r *replay) record(i int, l *metric.Layout) {
	v, ok := r.world.Ledger(i, nil)
	if !ok {
		return
	}
	if r.layouts[i] = l; r.read != nil {
		r.read(i, l, v)
	}
	r.sequence[i]++
	r.n++
	o := r.books.Apply(&metric.Batch{
		Site: "fra1", Agent: r.world.Agent(i).Name, Lane: metric.Ledger, Incarnation: 1, Sequence: r.sequence[i],
		Time: r.now.UnixMilli(), Boottime: r.now.Sub(r.began).Nanoseconds() + 1e12, Ticks: 1, Layout: l, Values: v,
	}, r.now, "L/1", r.n)
	if o.Verdict != account.Accepted {
		r.t.Fatalf("%s: %v, %s", r.world.Agent(i).Name, o.Verdict, o.Reason)
	}
}

func (r *replay) commit() {
	r.t.Helper()
	if _, err := r.books.Commit(r.now); err != nil {
		r.t.Fatal(err)
	}
}

// given is what each job or tenant was given of boards and of hosts.
func given(t testing.TB, l *Ledger, by account.Level, from int64) map[string][2]int64 {
	t.Helper()
	sums := map[string][2]int64{}
	for i, b := range []metric.Boundary{metric.GPUs, metric.Hosts} {
		lines, err := l.Energy(account.Question{Site: "fra1", By: by, Boundary: b, From: from - from%hourMs, To: from + 24*hourMs - from%hourMs})
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range lines {
			if x.Reason != "" || x.Recorded != x.Drawn || x.HeldMillis == 0 {
				t.Errorf("line %+v", x)
			}
			name := x.Job
			if by == account.ByTenant {
				if name = x.Tenant; x.Allocation == account.Unattributed {
					name = "unknown"
				}
			}
			s := sums[name]
			if s[i] += int64(total(t, x.Energy)); i == 0 {
				s[i] -= int64(x.Energy[metric.EstimatedProfile])
			}
			sums[name] = s
		}
	}
	maps.DeleteFunc(sums, func(_ string, x [2]int64) bool { return x == [2]int64{} })
	return sums
}

// truly is what the world gives them.
func truly(truth sim.Truth, by account.Level) map[string][2]int64 {
	sums := map[string][2]int64{}
	for _, j := range append(truth.Jobs, truth.Unallocated, truth.Unknown) {
		name := j.Job
		if by == account.ByTenant && name != "unknown" {
			name = j.Tenant
		}
		x := sums[name]
		sums[name] = [2]int64{x[0] + j.GPUEnergy, x[1] + j.HostEnergy}
	}
	maps.DeleteFunc(sums, func(_ string, x [2]int64) bool { return x == [2]int64{} })
	return sums
}

// A job of four GPUs runs for ten minutes and more: what it is given is what the
// registers of its boards moved on by while it held them, to the millijoule. What
// nobody held is idle and shows, all of it together is the site's, and a second
// life of the books says the same.
func TestAJobGetsTheEnergyOfItsBoards(t *testing.T) {
	path := t.TempDir()
	dir, err := OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	l, err := Open(Config{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	r := newReplay(t, sim.Config{Hosts: 12, GPUs: 4, Seed: 5, Faults: sim.Faults{Off: true}}, l)
	type register struct {
		job  string
		last [4]int64
	}
	host, want := map[int]*register{}, map[string]int64{}
	r.read = func(i int, l *metric.Layout, v []metric.Raw) {
		if i >= 12 {
			return
		}
		x := host[i]
		if x == nil {
			x = &register{}
			host[i] = x
		}
		for g := range 4 { // the first column
			if r.sequence[i] > 0 {
				want[x.job] += int64(v[g]) - x.last[g]
			}
			x.last[g] = int64(v[g])
		}
		x.job = ""
		for _, e := range l.Entities {
			if e.Kind == metric.Job {
				x.job = e.Name
			}
		}
	}
	r.run(2 * time.Hour)
	// The aggregator starts anew in the middle of it all.
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if l, err = Open(Config{Dir: dir, Logger: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	r.books = l
	r.run(time.Hour + 17*time.Second)
	truth, from := r.world.Truth(), r.began.UnixMilli()
	got := given(t, l, account.ByJob, from)
	boards := map[string]int64{}
	for name, x := range got {
		boards[name] = x[0]
	}
	if d := cmp.Diff(want, boards); d != "" {
		t.Errorf("by the registers (-) and as given (+):\n%s", d)
	}
	for _, by := range []account.Level{account.ByJob, account.ByTenant} {
		if d := cmp.Diff(truly(truth, by), given(t, l, by, from)); d != "" {
			t.Errorf("by %v, in truth (-) and as given (+):\n%s", by, d)
		}
	}
	lasted := 0
	for _, j := range truth.Jobs {
		if j.GPUs == 4 && j.End != nil && j.End.Sub(*j.Begin) >= 10*time.Minute && j.Begin.After(r.began) {
			lasted++
		}
	}
	if lasted == 0 || got[""][0] == 0 {
		t.Errorf("%d jobs of four GPUs came and went in ten minutes or more, and nobody drew %d mJ: the test proves little", lasted, got[""][0])
	}
	var sum [2]int64
	for _, x := range got {
		sum[0] += x[0]
		sum[1] += x[1]
	}
	for i, b := range []metric.Boundary{metric.GPUs, metric.Hosts} {
		lines, err := l.Energy(account.Question{Site: "fra1", Boundary: b, From: from, To: from + 9*hourMs})
		if err != nil || int64(total(t, lines[0].Energy)) != sum[i] {
			t.Errorf("%v: the site drew %d mJ, and was given to jobs and nobody %d, %v", b, total(t, lines[0].Energy), sum[i], err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Check(path); err != nil {
		t.Error(err)
	}
}

// Boards fall silent, restart and come back while jobs come and go: of boards
// every job is given what the world says, of hosts all is given, and what nobody
// can know is of unknown jobs.
func TestJobsOfASiteWhereThingsBreak(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			l, err := open(config(), newMemory(nil))
			if err != nil {
				t.Fatal(err)
			}
			r := newReplay(t, sim.Config{Hosts: 20, GPUs: 3, Seed: seed, Faults: sim.Faults{Every: 15 * time.Second}}, l)
			r.run(3 * time.Hour)
			want, got := truly(r.world.Truth(), account.ByJob), given(t, l, account.ByJob, r.began.UnixMilli())
			var sum int64
			for name, x := range want {
				if got[name][0] != x[0] {
					t.Errorf("job %q was given %d mJ of boards, want %d", name, got[name][0], x[0])
				}
			}
			for _, x := range got {
				sum += x[1]
			}
			lines, err := l.Energy(account.Question{Site: "fra1", Boundary: metric.Hosts, From: r.began.UnixMilli(), To: r.began.UnixMilli() + 9*hourMs})
			if err != nil {
				t.Fatal(err)
			}
			if mj := int64(total(t, lines[0].Energy)); sum < mj || sum > mj+mj/100 { // and what boards drew beyond their hosts' counters
				t.Errorf("hosts drew %d mJ, and %d were given", mj, sum)
			}
			if want["unknown"][0] == 0 {
				t.Error("nothing was unknown: the test proves little")
			}
			if _, err := check(l.disk.(*memory)); err != nil {
				t.Error(err)
			}
		})
	}
}

// What comes late for an hour that is sealed restates it by jobs, too.
func TestLateRecordsRestateJobs(t *testing.T) {
	w := newWorld(8, 2, 2)
	b := openBooks(t, w, newMemory(w.rng))
	lone := w.hosts[1]
	step := func() {
		w.spend(10 * second)
		for _, h := range w.hosts {
			if w.lots.IntN(200) == 0 {
				w.allot(h, w.lots.IntN(4) > 0)
			}
			w.record(h)
			for _, x := range h.spool {
				if h.cut == 0 {
					w.publish(x)
				}
			}
		}
		for b.read(w) {
		}
		if _, err := b.Commit(time.UnixMilli(w.now)); err != nil {
			t.Fatal(err)
		}
		for _, h := range w.hosts {
			if d, ok := b.Durable("s1", h.name); ok && h.cut == 0 {
				h.acknowledge(d.Sequence)
			}
		}
	}
	for range 30 {
		step()
	}
	lone.cut = 1
	for range 6 * 60 * 5 {
		step()
	}
	before := w.verifyJobs(t, b)
	lone.cut = 0
	for range 6 * 30 {
		step()
	}
	sum, err := check(b.disk)
	if err != nil || sum.Restatements < 3 {
		t.Errorf("%v, %v", sum, err)
	}
	// All is there, and all of it to the millijoule, but for jobs that still run.
	after := w.verifyJobs(t, b)
	if after <= before || after < w.jobs-2 {
		t.Errorf("of %d jobs %d were given all before, and %d after", w.jobs, before, after)
	}
	q := account.Question{Site: "s1", By: account.ByJob, Boundary: metric.GPUs, From: start - start%hourMs, To: start - start%hourMs + 3*hourMs}
	lines, err := b.Energy(q)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range lines {
		if !x.Final {
			t.Errorf("not final: %+v", x)
		}
	}
	b = openBooks(t, w, b.disk)
	if again, err := b.Energy(q); err != nil || fmt.Sprint(again) != fmt.Sprint(lines) {
		t.Errorf("after a restart: %+v, before %+v, %v", again, lines, err)
	}
}
