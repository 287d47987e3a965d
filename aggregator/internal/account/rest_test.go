package account_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

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

// What another agent says of a host that has one is not taken, of its jobs
// either.
func TestAnotherAgentsWordOnJobsIsNotTaken(t *testing.T) {
	s := account.NewState(account.Config{})
	a, b := claim{0, "a", "", 1e6}, claim{0, "b", "", 1e6}
	e, clone := newEmitter(t, s, "n1", node("n1", 1, a)), newEmitter(t, s, "clone", node("n1", 1, b))
	for i := range int64(20) {
		e.send(noon+i*10*second, values([]int64{i * 100}, i*150, a)...)
		clone.send(noon+i*10*second+3*second, values([]int64{i * 100}, i*150, b)...)
	}
	if d := cmp.Diff(map[string][2]uint64{"a": {1900, 19 * 150}}, drawn(s)); d != "" {
		t.Error(d)
	}
	checkJobs(t, s)
}
