package account_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A claim is a job's share of a board of a host, or with board -1 of the host.
type claim struct {
	board       int
	job, tenant string
	share       int64
}

// node is the layout of a host with boards: energies, then the energy of the
// host, then the mark that its jobs are known, then the shares of the claims.
func node(host string, boards int, claims ...claim) *metric.Layout {
	l := &metric.Layout{Entities: metric.Place{Hall: "h1", Rack: "r1", Host: host}.Entities()}
	for g := range boards {
		l.Entities = append(l.Entities, metric.Entity{Kind: metric.GPU, Name: fmt.Sprintf("GPU-%s-%d", host, g), Parent: 2,
			Labels: []metric.Pair{{Name: "gpu", Value: fmt.Sprint(g)}}})
	}
	if boards > 0 {
		l.Columns = append(l.Columns, metric.Column{Metric: metric.GPUEnergyJoules, Form: metric.Int, First: 3, Count: boards})
	}
	l.Columns = append(l.Columns,
		metric.Column{Metric: metric.HostEnergyJoules, Form: metric.Int, First: 2, Count: 1},
		metric.Column{Metric: metric.CounterQuality, Form: metric.Int, Point: metric.EpochPoint(metric.JobHostShare, 0), First: 2, Count: 1})
	for _, c := range claims {
		e := metric.Entity{Kind: metric.Job, Name: c.job, Parent: 3 + c.board}
		if c.tenant != "" {
			e.Labels = []metric.Pair{{Name: "tenant", Value: c.tenant}}
		}
		m := metric.JobGPUShare
		if c.board < 0 {
			m, e.Parent = metric.JobHostShare, 2
		}
		l.Columns = append(l.Columns, metric.Column{Metric: m, Form: metric.Int, First: len(l.Entities), Count: 1})
		l.Entities = append(l.Entities, e)
	}
	return l
}

// values are those of one tick of node.
func values(gpus []int64, host int64, claims ...claim) []int64 {
	v := append(slices.Clone(gpus), host, 0)
	for _, c := range claims {
		v = append(v, c.share)
	}
	return v
}

// drawn is what each job drew in all open hours, and what no job did under the
// name of its allocation: boards and host.
func drawn(s *account.State) map[string][2]uint64 {
	sums := map[string][2]uint64{}
	for _, r := range s.OpenHours("s1") {
		s.JobRows("s1", r.Number, func(_ string, j *account.Job, r *account.JobRow) {
			name := j.Name
			if j.Allocation != account.Allocated {
				name = j.Allocation.String()
			} else if j.Tenant != "" {
				name += "/" + j.Tenant
			}
			x := sums[name]
			sums[name] = [2]uint64{x[0] + r.GPU, x[1] + r.Node}
		})
	}
	for name, x := range sums {
		if x == [2]uint64{} {
			delete(sums, name)
		}
	}
	return sums
}

// checkJobs holds what jobs were given against what devices drew, host by host
// and hour by hour.
func checkJobs(t interface{ Errorf(string, ...any) }, s *account.State) {
	for _, r := range s.OpenHours("s1") {
		sums := map[string][2]uint64{}
		add := func(host string, boards, node uint64) {
			x := sums[host]
			sums[host] = [2]uint64{x[0] + boards, x[1] + node}
		}
		s.Rows("s1", r.Number, (r.Number+1)*hour, func(d *account.Device, p *account.Place, r *account.Row) {
			switch d.Quantity {
			case account.GPUEnergy:
				add(p.Host, r.Amount, 0)
			case account.HostEnergy:
				add(p.Host, 0, r.Amount)
			}
		})
		s.JobRows("s1", r.Number, func(host string, j *account.Job, r *account.JobRow) {
			if j.Allocation == account.Beyond {
				add(host, 0, r.Node)
			} else {
				add(host, -r.GPU, -r.Node)
			}
		})
		for host, x := range sums {
			if x != [2]uint64{} {
				t.Errorf("hour %d, host %s: boards drew %d mJ and the host %d mJ that no job was given", r.Number-noon/hour, host, int64(x[0]), int64(x[1]))
			}
		}
	}
}

func TestWhoHoldsABoardGetsItsEnergy(t *testing.T) {
	const half, third = 500_000, 333_333
	for name, tc := range map[string]struct {
		claims []claim
		drew   []int64 // by each board of two
		host   int64
		want   map[string][2]uint64
	}{
		"nobody: it stands idle": {nil, []int64{100, 200}, 400, map[string][2]uint64{"unallocated": {300, 400}}},
		"one job, one board": {[]claim{{0, "a", "x", 1e6}}, []int64{100, 200}, 400,
			map[string][2]uint64{"a/x": {100, 150}, "unallocated": {200, 250}}}, // of two boards, half of the rest
		"all of it": {[]claim{{0, "a", "x", 1e6}, {1, "a", "x", 1e6}}, []int64{100, 200}, 400, map[string][2]uint64{"a/x": {300, 400}}},
		"two jobs share a board in time": {[]claim{{0, "a", "", half}, {0, "b", "", half}}, []int64{101, 0}, 101,
			map[string][2]uint64{"a": {51, 51}, "b": {50, 50}}}, // of equal remainders the first comes first
		"instances of a board, 3/7 and 4/7": {[]claim{{0, "a", "", 428_571}, {0, "b", "", 571_429}}, []int64{700, 0}, 700,
			map[string][2]uint64{"a": {300, 300}, "b": {400, 400}}},
		"instances whose shares are cut short": {[]claim{{0, "a", "", 428_571}, {0, "b", "", 571_428}}, []int64{7_000_000, 0}, 7_000_000,
			map[string][2]uint64{"a": {2_999_997, 2_999_997}, "b": {3_999_996, 3_999_996}, "unallocated": {7, 7}}},
		"two instances of one job": {[]claim{{0, "a", "", 428_571}, {0, "a", "", 571_429}}, []int64{700, 0}, 700, map[string][2]uint64{"a": {700, 700}}},
		"a third each": {[]claim{{0, "a", "", third}, {0, "b", "", third}, {0, "c", "", third}}, []int64{10, 0}, 10,
			map[string][2]uint64{"a": {4, 4}, "b": {3, 3}, "c": {3, 3}}},
		"more claimed than there is": {[]claim{{0, "a", "", 1e6}, {0, "b", "", 1e6}}, []int64{100, 0}, 100, map[string][2]uint64{"a": {50, 50}, "b": {50, 50}}},
		"one job of two tenants' names": {[]claim{{0, "1", "x", 1e6}, {1, "1", "y", 1e6}}, []int64{100, 200}, 300,
			map[string][2]uint64{"1/x": {100, 100}, "1/y": {200, 200}}},
		"shares of the host": {[]claim{{-1, "a", "", 750_000}, {0, "b", "", 1e6}, {1, "a", "", 1e6}}, []int64{100, 200}, 400,
			map[string][2]uint64{"a": {200, 275}, "b": {100, 100}, "unallocated": {0, 25}}},
		"a host held without its boards": {[]claim{{-1, "a", "", 1e6}}, []int64{100, 200}, 400, map[string][2]uint64{"a": {0, 100}, "unallocated": {300, 300}}},
		"a share that is missing": {[]claim{{0, "a", "", missed}, {1, "b", "", 1e6}}, []int64{100, 200}, 400,
			map[string][2]uint64{"unknown": {100, 150}, "b": {200, 250}}},
		"a share of nothing": {[]claim{{0, "a", "", 0}, {1, "b", "", 1e6}}, []int64{100, 200}, 300,
			map[string][2]uint64{"unallocated": {100, 100}, "b": {200, 200}}},
		"a share that is none": {[]claim{{0, "a", "", -1}, {1, "b", "", 1e6}}, []int64{100, 200}, 300,
			map[string][2]uint64{"unknown": {100, 100}, "b": {200, 200}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := account.NewState(account.Config{})
			e := newEmitter(t, s, "n1", node("n1", 2, tc.claims...))
			alarms := e.send(noon, values([]int64{0, 0}, 0, tc.claims...)...)
			var sum int64
			for _, c := range tc.claims {
				if c.board == 0 {
					sum += max(0, c.share)
				}
			}
			if want := sum > 1e6; slices.Contains(kinds(alarms), account.Overclaimed) != want {
				t.Errorf("raises %v", alarms)
			}
			e.send(noon+10*second, values(tc.drew, tc.host, tc.claims...)...)
			if d := cmp.Diff(tc.want, drawn(s)); d != "" {
				t.Error(d)
			}
			checkBooks(t, s)
			checkJobs(t, s)
		})
	}
}

func TestClaimsThatAreTooManyAreRaisedOnce(t *testing.T) {
	s := account.NewState(account.Config{})
	claims := []claim{{0, "a", "", 1e6}, {0, "b", "", 1e6}}
	e := newEmitter(t, s, "n1", node("n1", 1, claims...))
	raised := 0
	for i := range int64(6) {
		raised += len(e.send(noon+i*10*second, values([]int64{i * 100}, i*100, claims...)...))
	}
	if raised != 1 {
		t.Errorf("raised %d times", raised)
	}
}

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

// The rest of a host is what its own counter shows beyond its boards, whenever
// either of them is read.
func TestRestOfAHostWhoseCounterIsCoarse(t *testing.T) {
	s := account.NewState(account.Config{})
	a := claim{0, "a", "", 1e6}
	e := newEmitter(t, s, "n1", node("n1", 1, a))
	shown := int64(0)
	for i := range int64(361) { // an hour of 6 mJ a tick on the board, 8 mJ on the host, which counts by 480
		if i%60 == 0 {
			shown = i * 8
		}
		e.send(noon+i*10*second, values([]int64{i * 6}, shown, a)...)
	}
	if d := cmp.Diff(map[string][2]uint64{"a": {360 * 6, 360 * 8}}, drawn(s)); d != "" {
		t.Error(d)
	}
	checkJobs(t, s)
}

func TestHostThatShowsLessThanItsBoardsDrew(t *testing.T) {
	s := account.NewState(account.Config{})
	a := claim{0, "a", "", 1e6}
	e := newEmitter(t, s, "n1", node("n1", 1, a))
	var raised []account.AlarmKind
	for i := range int64(361) {
		raised = append(raised, kinds(e.send(noon+i*10*second, values([]int64{i * 6}, i*5, a)...))...)
	}
	if n := len(raised); n < 3 || n > 4 || raised[0] != account.Shortfall {
		t.Errorf("raises %v", raised)
	}
	if d := cmp.Diff(map[string][2]uint64{"a": {360 * 6, 360 * 6}, "beyond": {0, 360}}, drawn(s)); d != "" {
		t.Error(d)
	}
	// What was given up is not paid for by what comes later.
	for i := int64(361); i < 400; i++ {
		e.send(noon+i*10*second, values([]int64{360*6 + (i-360)*6}, 360*5+(i-360)*60, a)...)
	}
	if got := drawn(s)["a"][1]; got < 360*6+39*60-100*6 {
		t.Errorf("of the host it was given %d mJ", got)
	}
	checkJobs(t, s)
}

// A BMC may be read by another agent, at other times.
func TestHostThatAnotherAgentReads(t *testing.T) {
	s := account.NewState(account.Config{})
	a, b := []claim{{0, "a", "", 1e6}}, []claim{{0, "b", "", 1e6}}
	boards := func(cs ...claim) *metric.Layout {
		l := node("n1", 1, cs...)
		l.Columns = slices.Delete(l.Columns, 1, 2)
		return l
	}
	read := func(v int64, cs ...claim) []int64 { x := values([]int64{v}, 0, cs...); return slices.Delete(x, 1, 2) }
	e := newEmitter(t, s, "n1", boards(a...))
	bmc := newEmitter(t, s, "bmc", &metric.Layout{
		Entities: []metric.Entity{{Kind: metric.Host, Name: "n1", Parent: -1}},
		Columns:  []metric.Column{{Metric: metric.HostEnergyJoules, Form: metric.Int, First: 0, Count: 1}},
	})
	tick := func(i, gpu, host int64, cs []claim) {
		e.layout = boards(cs...)
		e.send(noon+i*10*second, read(gpu, cs...)...)
		bmc.send(noon+i*10*second+4*second, host)
	}
	for i := range int64(10) {
		tick(i, i*100, i*150, a)
	}
	tick(10, 1000, 1500, b) // the BMC's interval lies across the change
	for i := int64(11); i < 20; i++ {
		tick(i, i*100, i*150, b)
	}
	got := drawn(s)
	if got["a"][0] != 1000 || got["b"][0] != 900 || got["unknown"][1] != 50 || got["beyond"][1] != 0 {
		t.Errorf("given %v", got)
	}
	if n := got["a"][1] + got["b"][1] + got["unknown"][1] + got["unrecorded"][1]; n != 19*150 {
		t.Errorf("%d mJ of the host are given, %v", n, got)
	}
	checkJobs(t, s)
	// Its agent falls silent: who holds the host is not known any more.
	for i := int64(20); i < 30; i++ {
		bmc.send(noon+i*10*second+4*second, i*150)
	}
	if got := drawn(s)["unknown"][1]; got < 50+6*150 {
		t.Errorf("unknown jobs drew %d mJ", got)
	}
	checkJobs(t, s)
}

func TestMoreJobsThanAreToldApart(t *testing.T) {
	for name, tc := range map[string]struct {
		c    account.Config
		jobs int
	}{
		"on a host in an hour": {account.Config{JobsOfHost: 100}, 110},
		"of a site in an hour": {account.Config{JobRows: 100}, 110},
		"at one time":          {account.Config{JobNames: 100}, 110},
		"or nearly":            {account.Config{JobsOfHost: 100}, 90},
	} {
		t.Run(name, func(t *testing.T) {
			s := account.NewState(tc.c)
			var e *emitter
			var raised []account.AlarmKind
			for i := range tc.jobs {
				c := claim{0, fmt.Sprint("job", i), "", 1e6}
				if e == nil {
					e = newEmitter(t, s, "n1", node("n1", 1, c))
				}
				e.layout = node("n1", 1, c)
				raised = append(raised, kinds(e.send(noon+int64(i)*10*second, values([]int64{int64(i) * 100}, int64(i)*150, c)...))...)
			}
			got := drawn(s)
			full := tc.jobs > 100
			if slices.Contains(raised, account.Full) != full || (got["unknown"][0] > 0) != full {
				t.Errorf("raises %d alarms; unknown jobs drew %v", len(raised), got["unknown"])
			}
			if n := len(got); n < min(tc.jobs-1, 90) || n > 102 {
				t.Errorf("%d jobs are told apart", n)
			}
			checkJobs(t, s)
		})
	}
}

// However claims, readings and holes fall, jobs are given what boards and hosts
// drew, to the millijoule, and a state that is read again goes on alike.
func TestJobsAreGivenWhatWasDrawn(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := account.NewState(account.Config{JobsOfHost: rapid.SampledFrom([]int{3, 4096}).Draw(r, "jobs")})
		boards := rapid.IntRange(0, 4).Draw(r, "boards")
		e := newEmitter(t, s, "n1", node("n1", boards))
		gpus := make([]int64, boards)
		var host int64
		var claims []claim
		at := noon - 20*second
		for range rapid.IntRange(2, 40).Draw(r, "records") {
			if rapid.IntRange(0, 2).Draw(r, "change") == 0 {
				claims = nil
				for range rapid.IntRange(0, 6).Draw(r, "claims") {
					claims = append(claims, claim{rapid.IntRange(-1, boards-1).Draw(r, "board"), rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(r, "job"),
						rapid.SampledFrom([]string{"", "t"}).Draw(r, "tenant"), rapid.SampledFrom([]int64{0, 1, 142_857, 500_000, 999_999, 1e6, 2e6, missed}).Draw(r, "share")})
				}
				e.layout = node("n1", boards, claims...)
			}
			at += rapid.SampledFrom([]int64{0, 1, 10_000, 10_007, 60_000, hour}).Draw(r, "step")
			drew := int64(0)
			shown := slices.Clone(gpus)
			for g := range gpus {
				d := rapid.Int64Range(0, 1_000).Draw(r, "drew")
				gpus[g] += d
				drew += d
				if shown[g] = gpus[g]; rapid.IntRange(0, 5).Draw(r, "unread") == 0 {
					shown[g] = missed
				}
			}
			host += drew + rapid.Int64Range(-100, 500).Draw(r, "rest")
			host = max(host, 0)
			h := host
			if rapid.IntRange(0, 5).Draw(r, "unread host") == 0 {
				h = missed
			}
			switch rapid.IntRange(0, 12).Draw(r, "hole") {
			case 0:
				e.incarnation++
			case 1:
				e.sequence += 2
				s.Apply(&metric.Batch{Site: "s1", Agent: e.name, Lane: metric.Ledger, Flags: metric.Gap, Incarnation: e.incarnation, Sequence: e.sequence, Skipped: 2, Time: at, Ticks: 1, Layout: &metric.Layout{}}, at)
			}
			b := e.batch(at, values(shown, h, claims...)...)
			if o := s.Apply(b, at); o.Verdict != account.Accepted {
				r.Fatalf("%v: %s", o.Verdict, o.Reason)
			}
			checkJobs(r, s)
			if rapid.IntRange(0, 9).Draw(r, "seal") == 0 {
				for _, ref := range s.Freeze(at, 0, 1) {
					if err := shared(s.Content(ref)); err != nil {
						r.Fatal(err)
					}
					s.Drop(ref)
				}
			}
			if rapid.IntRange(0, 9).Draw(r, "restart") == 0 {
				was := s.Append(nil)
				back, err := account.Decode(was, account.Config{JobsOfHost: 4096})
				if err != nil || !slices.Equal(back.Append(nil), was) {
					r.Fatalf("it does not come back: %v", err)
				}
				s, e.s = back, back
			}
		}
	})
}

// shared says what is wrong with the jobs of an hour.
func shared(h *account.Hour) error {
	sums := map[string][2]uint64{}
	for _, r := range h.Rows {
		host := h.Places[r.Place].Host
		x := sums[host]
		switch h.Devices[r.Device].Quantity {
		case account.GPUEnergy:
			x[0] += r.Amount
		case account.HostEnergy:
			x[1] += r.Amount
		}
		sums[host] = x
	}
	for _, r := range h.Shares {
		x := sums[h.Hosts[r.Host]]
		x[0] -= r.GPU
		if h.Jobs[r.Job].Allocation == account.Beyond {
			x[1] += r.Node
		} else {
			x[1] -= r.Node
		}
		sums[h.Hosts[r.Host]] = x
	}
	for host, x := range sums {
		if x != [2]uint64{} {
			return fmt.Errorf("host %s: %d and %d mJ were not given", host, int64(x[0]), int64(x[1]))
		}
	}
	return nil
}

func TestNamesOfJobsAreBounded(t *testing.T) {
	s := account.NewState(account.Config{})
	e := newEmitter(t, s, "n1", node("n1", 1))
	long := claim{0, strings.Repeat("j", metric.MaxText), strings.Repeat("t", metric.MaxText), 1e6}
	e.layout = node("n1", 1, long)
	e.send(noon, values([]int64{0}, 0, long)...)
	e.send(noon+10*second, values([]int64{100}, 100, long)...)
	if got := drawn(s)[long.job+"/"+long.tenant]; got[0] != 100 {
		t.Errorf("given %v", drawn(s))
	}
	long.job += "j"
	e.layout = node("n1", 1, long)
	if o := s.Apply(e.batch(noon+20*second, values([]int64{100}, 100, long)...), noon); o.Verdict != account.Invalid {
		t.Errorf("a longer name is %v", o.Verdict)
	}
}
