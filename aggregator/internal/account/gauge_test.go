package account_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// showing is the layout of a host with a board that two jobs hold, three quarters and
// one, and its gauges.
func showing() *metric.Layout {
	l := node("n1", 1, claim{0, "a", "", 750_000}, claim{0, "b", "", 250_000})
	for _, m := range []metric.Number{metric.GPUSMActive, metric.GPUTensorActive, metric.GPUPowerLimit} {
		l.Columns = append(l.Columns, metric.Column{Metric: m, Form: metric.Float, First: 3, Count: 1})
	}
	return l
}

// means are what boards showed to each job, in all open hours.
func means(s *account.State) map[string][account.Gauges]account.Mean {
	out := map[string][account.Gauges]account.Mean{}
	for _, r := range s.OpenHours("s1") {
		s.JobRows("s1", r.Number, func(_ string, j *account.Job, r *account.JobRow) {
			x := out[j.Name+j.Allocation.String()]
			for k := range x {
				x[k].Sum, x[k].Known = x[k].Sum+r.Means[k].Sum, x[k].Known+r.Means[k].Known
			}
			out[j.Name+j.Allocation.String()] = x
		})
	}
	return out
}

// What boards show is kept by who holds them: of the time to the reading before, where
// that is not long ago, and of nothing that cannot be.
func TestWhatBoardsShowIsKeptOfJobs(t *testing.T) {
	s := account.NewState(account.Config{})
	e := newEmitter(t, s, "n1", showing())
	none := math.NaN()
	mj := int64(0)
	for _, x := range []struct {
		at                float64 // seconds
		sm, tensor, limit float64
	}{
		{0, 1, 1, 700},       // the first says nothing of a time
		{10, 0.5, 0.25, 700}, // 10 s
		{20, 0.9, none, 300}, // 10 s; a limit that was lowered bounds no energy of before
		{30, 1.5, 0.1, -1},   // 10 s, and two that cannot be
		{3600, 1, 1, 700},    // who was silent for long shows a moment
		{3610, 0.7, 0.3, 0},  // 10 s
	} {
		mj += int64(600_000 * 10)
		v := values([]int64{mj}, 2*mj, claim{share: 750_000}, claim{share: 250_000})
		if alarms := e.send(noon+int64(x.at)*second, append(v, watts(x.sm), watts(x.tensor), watts(x.limit))...); len(alarms) > 0 {
			t.Errorf("at %v s: %v", x.at, alarms)
		}
	}
	of := func(sm, smMs, tensor, tensorMs, limit, limitMs uint64) [account.Gauges]account.Mean {
		return [account.Gauges]account.Mean{{Sum: sm, Known: smMs}, {Sum: tensor, Known: tensorMs}, {Sum: limit, Known: limitMs}}
	}
	want := map[string][account.Gauges]account.Mean{
		"ajob": of((500+900+700)*7500, 3*7500, (250+100+300)*7500, 3*7500, 1000*7500, 3*7500),
		"bjob": of((500+900+700)*2500, 3*2500, (250+100+300)*2500, 3*2500, 1000*2500, 3*2500),
	}
	got := means(s)
	for name, m := range got {
		if m == ([account.Gauges]account.Mean{}) {
			delete(got, name)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	back, err := account.Decode(s.Append(nil), account.Config{})
	if err != nil {
		t.Fatal(err)
	}
	got = means(back)
	for name := range got {
		if _, ok := want[name]; !ok {
			delete(got, name)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("as it comes back:\n%s", d)
	}
}
