package account_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// What record k says of who holds a board holds until record k+1, and no longer.
func TestAllocationHoldsUntilTheNextRecord(t *testing.T) {
	s := account.NewState(account.Config{})
	a, b := []claim{{0, "a", "x", 1e6}}, []claim{{0, "b", "y", 1e6}}
	e := newEmitter(t, s, "n1", node("n1", 1, a...))
	e.send(noon, values([]int64{0}, 0, a...)...)
	e.send(noon+10*second, values([]int64{100}, 150, a...)...)
	e.layout = node("n1", 1, b...) // b begins, and a record is taken at once
	e.send(noon+13*second, values([]int64{130}, 200, b...)...)
	e.send(noon+20*second, values([]int64{200}, 300, b...)...)
	e.layout = node("n1", 1) // and ends
	e.send(noon+21*second, values([]int64{211}, 315)...)
	e.send(noon+30*second, values([]int64{220}, 335)...)
	want := map[string][2]uint64{"a/x": {130, 200}, "b/y": {81, 115}, "unallocated": {9, 20}}
	if d := cmp.Diff(want, drawn(s)); d != "" {
		t.Error(d)
	}
	checkJobs(t, s)
}

// Where records are missing, the allocation is known of both ends only.
func TestHolesAreAttributedWhereBothEndsAgree(t *testing.T) {
	a, b := []claim{{0, "a", "", 1e6}}, []claim{{0, "b", "", 1e6}}
	gap := func(e *emitter, s *account.State, at int64) {
		e.sequence += 3
		s.Apply(&metric.Batch{Site: "s1", Agent: e.name, Lane: metric.Ledger, Flags: metric.Gap, Incarnation: e.incarnation, Sequence: e.sequence, Skipped: 3, Time: at, Ticks: 1, Layout: &metric.Layout{}}, at)
	}
	for name, tc := range map[string]struct {
		between func(e *emitter, s *account.State)
		after   int64 // s
		same    string
		other   string
	}{
		"nothing was missing":               {func(*emitter, *account.State) {}, 10, "a", "a"},
		"records were given up":             {func(e *emitter, s *account.State) { gap(e, s, noon+15*second) }, 20, "a", "unknown"},
		"the agent began again":             {func(e *emitter, _ *account.State) { e.incarnation++ }, 10, "a", "unknown"},
		"the agent began with no spool":     {func(e *emitter, _ *account.State) { e.incarnation, e.sequence, e.flags = 2, 0, metric.Fresh }, 10, "a", "unknown"},
		"the agent was stopped for a while": {func(*emitter, *account.State) {}, 60, "a", "unknown"},
	} {
		for other, want := range map[bool]string{false: tc.same, true: tc.other} {
			t.Run(fmt.Sprintf("%s, another job: %t", name, other), func(t *testing.T) {
				s := account.NewState(account.Config{})
				e := newEmitter(t, s, "n1", node("n1", 1, a...))
				e.send(noon, values([]int64{0}, 0, a...)...)
				e.send(noon+10*second, values([]int64{0}, 0, a...)...)
				tc.between(e, s)
				next := a
				if other {
					next = b
				}
				e.layout = node("n1", 1, next...)
				e.send(noon+(10+tc.after)*second, values([]int64{100}, 150, next...)...)
				if d := cmp.Diff(map[string][2]uint64{want: {100, 150}}, drawn(s)); d != "" {
					t.Error(d)
				}
				checkJobs(t, s)
			})
		}
	}
}

// A board that was not read while it changed hands has drawn what nobody can
// share out; one that did not change hands is its holder's.
func TestBoardThatIsNotReadForAWhile(t *testing.T) {
	a, b := []claim{{0, "a", "", 1e6}, {1, "a", "", 1e6}}, []claim{{0, "b", "", 1e6}, {1, "a", "", 1e6}}
	s := account.NewState(account.Config{})
	e := newEmitter(t, s, "n1", node("n1", 2, a...))
	e.send(noon, values([]int64{0, 0}, 0, a...)...)
	e.send(noon+10*second, values([]int64{missed, missed}, 300, a...)...)
	e.layout = node("n1", 2, b...)
	e.send(noon+20*second, values([]int64{missed, missed}, 600, b...)...)
	e.layout = node("n1", 2, a...)
	e.send(noon+30*second, values([]int64{300, 300}, 900, a...)...)
	e.send(noon+40*second, values([]int64{400, 400}, 1200, a...)...)
	got := drawn(s)
	if got["unknown"][0] != 300 || got["a"][0] != 300+200 || got["b"][0] != 0 {
		t.Errorf("boards: %v", got)
	}
	// The rest: 300 a tick for the first two, as no board showed anything; 300 less
	// of what came at once was owed, and is paid since.
	var node uint64
	for name, x := range got {
		if name != "beyond" {
			node += x[1]
		}
	}
	if node-got["beyond"][1] != 1200 {
		t.Errorf("the host drew 1200 mJ, and jobs were given %v", got)
	}
	checkBooks(t, s)
	checkJobs(t, s)
}

// Without a record of jobs nothing is said of them; once one was there, that
// nobody holds a board is known, too.
func TestWhetherJobsAreRecorded(t *testing.T) {
	claims := []claim{{0, "a", "", 1e6}}
	unmarked := func(cs ...claim) *metric.Layout { // as sources are that do not mark their answers
		l := node("n1", 1, cs...)
		l.Columns = slices.Delete(l.Columns, 2, 3)
		return l
	}
	read := func(v int64, cs ...claim) []int64 { x := values([]int64{v}, v, cs...); return slices.Delete(x, 2, 3) }
	s := account.NewState(account.Config{})
	e := newEmitter(t, s, "n1", unmarked())
	e.send(noon, read(0)...)
	e.send(noon+10*second, read(1)...)
	e.layout = unmarked(claims...)
	e.send(noon+20*second, read(10, claims...)...)
	e.send(noon+30*second, read(110, claims...)...)
	e.layout = unmarked()
	e.send(noon+40*second, read(1110)...)
	e.send(noon+50*second, read(11110)...)
	want := map[string][2]uint64{"unrecorded": {10, 10}, "a": {1100, 1100}, "unallocated": {10000, 10000}}
	if d := cmp.Diff(want, drawn(s)); d != "" {
		t.Error(d)
	}
	e.incarnation++ // and has no jobs to record any more
	e.send(noon+60*second, read(111110)...)
	e.send(noon+70*second, read(1111110)...)
	want["unknown"], want["unrecorded"] = [2]uint64{100000, 100000}, [2]uint64{1000010, 1000010}
	if d := cmp.Diff(want, drawn(s)); d != "" {
		t.Error(d)
	}
	checkJobs(t, s)
}

func TestRecordOfJobsThatFallsSilent(t *testing.T) {
	claims := []claim{{0, "a", "", 1e6}}
	s := account.NewState(account.Config{})
	e := newEmitter(t, s, "n1", node("n1", 2, claims...))
	for i, mark := range []int64{0, missed, int64(metric.QualityMissing), 0} {
		v := values([]int64{int64(i) * 100, int64(i) * 10}, int64(i)*200, claims...)
		v[3] = mark
		e.send(noon+int64(i)*10*second, v...)
	}
	want := map[string][2]uint64{"a": {100, 145}, "unallocated": {10, 55}, "unknown": {220, 400}}
	if d := cmp.Diff(want, drawn(s)); d != "" {
		t.Error(d)
	}
	checkJobs(t, s)
}

// Restarts, and what is estimated of them, are of who held the board.
func TestResiduesFollowTheAllocation(t *testing.T) {
	a, b := claim{0, "a", "", 1e6}, claim{0, "b", "", 1e6}
	l := func(cs ...claim) *metric.Layout {
		l := node("n1", 1, cs...)
		l.Columns = append(l.Columns, metric.Column{Metric: metric.CounterEpoch, Form: metric.Int, Point: metric.EpochPoint(metric.GPUEnergyJoules, 0), First: 3, Count: 1},
			metric.Column{Metric: metric.GPUPowerWatts, Form: metric.Float, First: 3, Count: 1})
		return l
	}
	s := account.NewState(account.Config{})
	e := newEmitter(t, s, "n1", l(a))
	v := func(gpu, epoch int64, cs ...claim) []int64 {
		return append(values([]int64{gpu}, missed, cs...), epoch, watts(100))
	}
	e.send(noon, v(1e9, 1, a)...)
	e.send(noon+10*second, v(1e9+1e6, 1, a)...)
	e.layout = l(b)
	e.send(noon+20*second, v(400_000, 2, b)...) // began anew 4 s ago
	got := map[string]account.Amount{}
	s.JobRows("s1", noon/hour, func(_ string, j *account.Job, r *account.JobRow) {
		x := got[j.Name]
		x[r.Quality] += r.GPU
		got[j.Name] = x
	})
	want := map[string]account.Amount{"a": {metric.Measured: 1e6 + 400_000, metric.EstimatedProfile: 600_000}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	checkJobs(t, s)
}

func TestBoardThatMovesToAnotherHost(t *testing.T) {
	s := account.NewState(account.Config{})
	a, b := claim{0, "a", "", 1e6}, claim{0, "b", "", 1e6}
	there := node("n2", 1, b)
	there.Entities[3].Name = "GPU-n1-0"
	e1, e2 := newEmitter(t, s, "n1", node("n1", 1, a)), newEmitter(t, s, "n2", there)
	e1.send(noon, values([]int64{0}, 0, a)...)
	e1.send(noon+10*second, values([]int64{100}, 100, a)...)
	e2.send(noon+600*second, values([]int64{1000}, 0, b)...)
	e2.send(noon+610*second, values([]int64{1100}, 100, b)...)
	got := drawn(s)
	if got["a"][0] != 100 || got["unknown"][0] != 900 || got["b"][0] != 100 {
		t.Errorf("given %v", got)
	}
	checkJobs(t, s)
}
