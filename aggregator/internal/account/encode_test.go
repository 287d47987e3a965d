package account_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// lively is a state in which everything that a state can hold is held.
func lively(t *testing.T) (*account.State, []*emitter) {
	s := account.NewState(account.Config{})
	a := newEmitter(t, s, "n1", board("n1", "GPU-1", "GPU-2"))
	a.boot = noon - 5000*second
	l := meters("grid_input", "ups_output")
	l.Entities = append(l.Entities, metric.Entity{Kind: metric.Zone, Name: "DE", Parent: -1, Labels: []metric.Pair{{Name: "provider", Value: "p"}, {Name: "tier", Value: "1"}}})
	l.Columns = append(l.Columns, metric.Column{Metric: metric.GridCarbonIntensity, Form: metric.Float, First: 2, Count: 1})
	b := newEmitter(t, s, "plant", l)
	for i := range int64(40) {
		at := noon + (i-20)*10*second
		a.send(at, 1e9+i*1e6, 1e9+i*2e6, watts(100), watts(200), 1, 1)
		b.send(at, i*5e6, i*4e6, watts(380))
	}
	at := noon + 200*second
	a.send(at, 0, 1e6, watts(100), watts(200), 1, 2) // one set aside, one begun anew
	lone := newEmitter(t, s, "n2", board("n2", "GPU-3"))
	lone.sequence = 6
	s.Apply(lone.batch(at, 1, watts(1), 1), at) // waits
	c := newEmitter(t, s, "n3", node("n3", 2))
	for i := range int64(40) { // jobs of which some have ended
		cs := []claim{{0, fmt.Sprint("job", i/7), "x", 400_000}, {0, "other", "", 300_000}, {1, fmt.Sprint("job", i/7), "x", 1e6}}
		c.layout = node("n3", 2, cs...)
		c.send(noon+(i-20)*10*second, values([]int64{i * 1000, i * 1001}, i*1900, cs...)...)
	}
	cs := []claim{{0, "last", "", 1e6}}
	c.layout = node("n3", 2, cs...)
	c.send(noon+200*second, values([]int64{missed, 42e3}, 80e3, cs...)...) // it changed hands unread
	s.Freeze(noon+3*hour, noon, 1)
	a.send(at+10*second, missed, missed, watts(100), watts(200), 1, 2)
	return s, []*emitter{a, b, c}
}

func TestStateComesBackAsItWas(t *testing.T) {
	s, es := lively(t)
	first := s.Append(nil)
	back, err := account.Decode(first, account.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if again := back.Append(nil); !bytes.Equal(first, again) {
		t.Fatal("what was read is written otherwise")
	}
	// It goes on as the first one does, what comes late and what was set aside
	// included.
	for i := range int64(50) {
		at := noon + 300*second + i*10*second
		cs := []claim{{0, "last", "", 1e6}}
		if i > 20 {
			cs = []claim{{1, "job0", "x", 1e6}, {1, "next", "", 1e6}}
		}
		if es[2].layout = node("n3", 2, cs...); i == 30 {
			for _, r := range s.Closing() {
				s.Drop(r)
				back.Drop(r)
			}
		}
		for _, b := range []*metric.Batch{
			es[0].batch(at, 1e9+(50+i)*1e6, 2e6+i*1e6, watts(100), watts(200), 1, 2), es[1].batch(at, (50+i)*5e6, (50+i)*4e6, watts(390)),
			es[2].batch(at, values([]int64{43e3 + i*1000, 43e3 + i*1001}, 90e3+i*1900, cs...)...),
		} {
			x, y := s.Apply(b, at), back.Apply(b, at)
			if x.Verdict != account.Accepted || fmt.Sprint(x) != fmt.Sprint(y) {
				t.Fatalf("record %d: %v and %v", i, x, y)
			}
		}
	}
	if !bytes.Equal(s.Append(nil), back.Append(nil)) {
		t.Error("they went apart")
	}
	checkJobs(t, s)
	frozen := s.Freeze(noon+3*hour, noon, 9)
	if again := back.Freeze(noon+3*hour, noon, 9); len(frozen) == 0 || fmt.Sprint(frozen) != fmt.Sprint(again) {
		t.Errorf("frozen %v and %v", frozen, again)
	}
	for _, r := range frozen {
		if x, y := s.Content(r), back.Content(r); fmt.Sprint(x) != fmt.Sprint(y) {
			t.Errorf("%+v has another content", r)
		}
	}
}

// A state of the version before, which knew no jobs, is read: all that it holds
// is of no record of jobs.
func TestStateOfTheVersionBeforeIsRead(t *testing.T) {
	b, err := os.ReadFile("testdata/state.v1")
	if err != nil {
		t.Fatal(err)
	}
	s, err := account.Decode(b, account.Config{})
	if err != nil {
		t.Fatal(err)
	}
	checkBooks(t, s)
	checkJobs(t, s)
	var boards uint64
	for x := range func(yield func(account.Balance) bool) { s.Balances("s1", yield) } {
		if x.Device.Quantity == account.GPUEnergy {
			boards += x.Counted + x.Estimated
		}
	}
	if got := drawn(s); len(got) != 1 || got["unrecorded"][0] != boards || boards == 0 {
		t.Errorf("boards drew %d mJ, and jobs were given %v", boards, got)
	}
	again, err := account.Decode(s.Append(nil), account.Config{})
	if err != nil || !bytes.Equal(again.Append(nil), s.Append(nil)) {
		t.Errorf("it is not the same when read again: %v", err)
	}
	exercise(t, b)
}

// One of version 2, which kept no quarters of meters, goes on likewise.
func TestStateOfVersion2IsRead(t *testing.T) {
	b, err := os.ReadFile("testdata/state.v2")
	if err != nil {
		t.Fatal(err)
	}
	s, err := account.Decode(b, account.Config{})
	if err != nil {
		t.Fatal(err)
	}
	checkJobs(t, s)
	for _, r := range s.OpenHours("s1") {
		for _, h := range s.Fronts("s1", r.Number, noon+9*hour) {
			if len(h.Meters) != 0 || h.Summary.Sums[account.GridInput].IsZero() {
				t.Errorf("hour %d has quarters of %d meters", h.Number-noon/hour, len(h.Meters))
			}
		}
	}
	again, err := account.Decode(s.Append(nil), account.Config{})
	if err != nil || !bytes.Equal(again.Append(nil), s.Append(nil)) {
		t.Errorf("it is not the same when read again: %v", err)
	}
	exercise(t, b)
}

func TestStateThatIsCutOrChangedIsRefusedOrHarmless(t *testing.T) {
	s, _ := lively(t)
	b := s.Append(nil)
	for n := range b {
		if _, err := account.Decode(b[:n], account.Config{}); err == nil {
			t.Fatalf("the first %d of %d bytes are a state", n, len(b))
		}
	}
	if _, err := account.Decode(append([]byte{account.Format + 1}, b[1:]...), account.Config{}); !errors.Is(err, account.ErrFormat) {
		t.Errorf("a newer format: %v", err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 5_000 {
		x := bytes.Clone(b)
		x[rng.IntN(len(x))] ^= 1 << rng.IntN(8)
		exercise(t, x)
	}
}

// exercise decodes bytes that nobody vouches for, and if they are a state, uses
// it.
func exercise(t *testing.T, b []byte) {
	s, err := account.Decode(b, account.Config{})
	if err != nil {
		return
	}
	again, err := account.Decode(s.Append(nil), account.Config{})
	if err != nil {
		t.Fatalf("what was read is written so that it cannot be read: %v", err)
	}
	if !bytes.Equal(again.Append(nil), s.Append(nil)) {
		t.Fatal("it is not the same when read again")
	}
	e := &emitter{t: t, s: s, name: "n1", layout: board("n1", "GPU-1", "GPU-2"), incarnation: 1 << 60, flags: metric.Fresh}
	for i := range int64(3) {
		s.Apply(e.batch(noon+i*10*second, i, i, watts(1), watts(1), i, 1), noon+i*10*second)
	}
	cs := []claim{{0, "last", "", 7}, {1, "job5", "x", 1e6}}
	e = &emitter{t: t, s: s, name: "n3", layout: node("n3", 2, cs...), incarnation: 1 << 60, flags: metric.Fresh}
	for i := range int64(3) {
		s.Apply(e.batch(noon+i*10*second, values([]int64{i, i}, i, cs...)...), noon+i*10*second)
	}
	for _, r := range s.Freeze(noon+9*hour, 0, 3) {
		s.Content(r)
		s.Drop(r)
	}
	for _, site := range s.Sites() {
		for _, r := range s.OpenHours(site) {
			s.Summarize(site, r.Number, noon)
			s.Rows(site, r.Number, noon, func(*account.Device, *account.Place, *account.Row) {})
			s.JobRows(site, r.Number, func(string, *account.Job, *account.JobRow) {})
		}
	}
}

func FuzzStateDecode(f *testing.F) {
	s := account.NewState(account.Config{})
	f.Add(s.Append(nil))
	t := &testing.T{}
	s, _ = lively(t)
	f.Add(s.Append(nil))
	for _, name := range []string{"testdata/state.v1", "testdata/state.v2"} {
		if b, err := os.ReadFile(name); err == nil {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) { exercise(t, b) })
}

func TestSameBatchesGiveTheSameBytes(t *testing.T) {
	a, _ := lively(t)
	b, _ := lively(t)
	if !bytes.Equal(a.Append(nil), b.Append(nil)) {
		t.Error("two states of the same batches differ")
	}
}
