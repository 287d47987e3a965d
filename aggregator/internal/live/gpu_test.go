package live_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gigawatch/gigawatch/collector/metric"
)

// board is a machine with one GPU that says everything a verdict rests on.
func board(name string) *machine {
	m := newMachine(name, "h01", "r1")
	m.layout.Columns = nil
	for _, c := range []struct {
		metric metric.Number
		labels []string
	}{
		{metric.GPUTemperature, nil}, {metric.GPUPowerWatts, nil}, {metric.GPUState, nil},
		{metric.GPUECCErrors, []string{"corrected", "volatile"}}, {metric.GPUECCErrors, []string{"uncorrected", "volatile"}},
		{metric.GPURowRemapPending, nil}, {metric.GPURowRemapFailed, nil}, {metric.GPURecoveryAction, nil},
		{metric.GPUXIDEvents, []string{"79"}}, {metric.GPUSlowdownSeconds, []string{"thermal"}},
	} {
		d := metric.Lookup(c.metric)
		point := uint32(0)
		if c.labels != nil {
			point, _ = d.Point(c.labels...)
		}
		m.layout.Columns = append(m.layout.Columns, metric.Column{Metric: c.metric, Form: d.Form, Point: point, First: 3, Count: 1})
	}
	return m
}

// Places of a board's values.
const (
	celsius = iota
	watts
	state
	corrected
	uncorrected
	pending
	failed
	action
	xids
	slow
)

// a board's values in good health, but for pairs of place and value.
func values(change ...metric.Raw) []metric.Raw {
	v := []metric.Raw{metric.Of(60), metric.Of(700), metric.GPUOk, 5000, 0, 0, 0, 0, 12, 3e9}
	for i := 0; i < len(change); i += 2 {
		v[change[i]] = change[i+1]
	}
	return v
}

func TestTheWorstGPUsComeFirstAndSayWhy(t *testing.T) {
	p := newPresent(t, nil)
	// Best first, so that the order is not the one they came in. What counters
	// said when they were first heard is no news.
	now := [][]metric.Raw{
		values(celsius, metric.Of(40)),
		values(),
		values(celsius, metric.Of(86)),
		values(corrected, 5007),
		values(slow, 9e9),
		values(xids, 13),
		values(pending, 1),
		values(action, 2),
		values(uncorrected, 1),
		values(failed, 1),
		values(state, metric.GPUStale),
		values(state, metric.GPULost, celsius, metric.Missing, watts, metric.Missing, corrected, metric.Missing, xids, metric.Missing),
	}
	boards := make([]*machine, len(now))
	for i := range boards {
		boards[i] = board(fmt.Sprintf("n%02d", i))
	}
	for n := range 10 {
		for i, m := range boards {
			v := values()
			if n > 5 {
				v = now[i]
			}
			p.says(m, n, 100, v...)
		}
	}
	var got []string
	for _, g := range p.status(10).Worst {
		got = append(got, g.Host+" "+g.State+": "+strings.Join(g.Why, ", "))
	}
	want := []string{
		"n10 stale: stale", "n11 lost: lost",
		"n09 ok: row remap failed",
		"n08 ok: 1 uncorrected ECC error since the driver was loaded",
		"n07 ok: asks for a reboot",
		"n06 ok: row remap waits for a reset",
		"n05 ok: 1 XID event in the last minutes",
		"n04 ok: slowed by heat for 6 s",
		"n02 ok: 86 °C",
		"n03 ok: 7 corrected ECC errors in the last minutes",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// why is what the first of the worst GPUs has against it.
func (p *present) why(n int) string { return strings.Join(p.status(n).Worst[0].Why, ", ") }

func TestOldNewsOfAGPUIsForgottenAndNoCounterIsNewTwice(t *testing.T) {
	p := newPresent(t, nil)
	m := board("n1")
	n := 0
	run := func(seconds int, v []metric.Raw) {
		for range seconds {
			p.says(m, n, 100, v...)
			n++
		}
	}
	run(310, values())
	run(10, values(xids, 14))
	if got := p.why(n); got != "2 XID events in the last minutes" {
		t.Errorf("after two events: %q", got)
	}
	run(610, values(xids, 14))
	if got := p.why(n); got != "" {
		t.Errorf("ten minutes later: %q", got)
	}

	// Lost for a while, its counters are not read; then they are as they were.
	lost := values(state, metric.GPULost, corrected, metric.Missing, xids, metric.Missing, slow, metric.Missing)
	run(700, lost)
	if got := p.why(n); got != "lost" {
		t.Errorf("while it is lost: %q", got)
	}
	run(5, values(xids, 14))
	if got := p.why(n); got != "" {
		t.Errorf("back again: %q", got)
	}

	// A new column makes a new layout, with the event it is for.
	more := board("n1")
	d := metric.Lookup(metric.GPUXIDEvents)
	more.layout.Columns = append(more.layout.Columns, metric.Column{Metric: d.Number, Form: d.Form, Point: 48, First: 3, Count: 1})
	m = more
	run(5, append(values(xids, 14), 1))
	if got := p.why(n); got != "1 XID event in the last minutes" {
		t.Errorf("after a first event of its kind: %q", got)
	}

	// The driver is loaded again: its counters begin at zero.
	m = board("n1")
	run(700, values(xids, 15))
	run(5, values(xids, 0, corrected, 0, slow, 0))
	if got := p.why(n); got != "" {
		t.Errorf("after a new start: %q", got)
	}
	run(5, values(xids, 0, corrected, 3, slow, 0))
	if got := p.why(n); got != "3 corrected ECC errors in the last minutes" {
		t.Errorf("after errors since a new start: %q", got)
	}
}

func TestAGPUOfASilentHostIsNotAmongTheWorst(t *testing.T) {
	p := newPresent(t, nil)
	a, b := board("n1"), board("n2")
	for n := range 30 {
		p.says(a, n, 100, values()...)
		if n < 5 {
			p.says(b, n, 100, values(failed, 1)...)
		}
	}
	if got := p.status(30).Worst; len(got) != 1 || got[0].Host != "n1" || *got[0].Celsius != 60 || got[0].UUID != "GPU-n1" || got[0].Model != "H200" || got[0].Rack != "r1" {
		t.Errorf("%+v", got)
	}
}
