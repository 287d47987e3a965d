package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/aggregator/internal/names"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// tenancyCommand makes the books of a site with two tenants in December 2025, and
// sets BOOKS to their folder; with hidden, names are not sealed.
func tenancyCommand(ts *testscript.TestScript, _ bool, args []string) {
	dir, err := os.MkdirTemp("/dev/shm", "gigawatch-test-")
	if err != nil {
		dir, err = os.MkdirTemp(ts.MkAbs("."), "books-")
	}
	ts.Check(err)
	ts.Defer(func() { _ = os.RemoveAll(dir) })
	ts.Check(makeTenancy(dir, len(args) > 0 && args[0] == "hidden"))
	ts.Setenv("BOOKS", dir)
}

// makeTenancy has three hosts of two boards: one is acme's, one is zeta's for a day,
// one is nobody's. Boards draw 1 kWh an hour, hosts 3, the facility 12 in all.
func makeTenancy(dir string, hide bool) (err error) {
	const hours, boards = 744, 2
	d, err := ledger.OpenDir(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	l, err := ledger.Open(ledger.Config{Dir: d, Account: account.Config{Interval: 3_600_000}, Logger: quietly(), Names: names.NewKeeper(dir, time.Now), Hide: hide})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	layout := func(n int64) *metric.Layout {
		x := &metric.Layout{Entities: []metric.Entity{
			{Kind: metric.Meter, Name: "grid", Parent: -1, Labels: []metric.Pair{{Name: "role", Value: metric.RoleGridInput}}},
			{Kind: metric.Meter, Name: "ups", Parent: -1, Labels: []metric.Pair{{Name: "role", Value: metric.RoleUPSOutput}}},
			{Kind: metric.Hall, Name: "h1", Parent: -1}, {Kind: metric.Rack, Name: "r1", Parent: 2},
			{Kind: metric.Host, Name: "n1", Parent: 3}, {Kind: metric.Host, Name: "n2", Parent: 3}, {Kind: metric.Host, Name: "n3", Parent: 3},
		}}
		for host := range 3 {
			for g := range boards {
				x.Entities = append(x.Entities, metric.Entity{Kind: metric.GPU, Name: fmt.Sprintf("GPU-%d-%d", host, g), Parent: 4 + host,
					Labels: []metric.Pair{{Name: "gpu", Value: fmt.Sprint(g)}, {Name: "model", Value: "NVIDIA H100 80GB HBM3"}}})
			}
		}
		x.Columns = []metric.Column{
			{Metric: metric.MeterEnergyJoules, Form: metric.Int, First: 0, Count: 2}, {Metric: metric.CounterEpoch, Form: metric.Int, Point: metric.EpochPoint(metric.MeterEnergyJoules, 0), First: 0, Count: 2},
			{Metric: metric.GPUEnergyJoules, Form: metric.Int, First: 7, Count: 3 * boards}, {Metric: metric.HostEnergyJoules, Form: metric.Int, First: 4, Count: 3},
			{Metric: metric.CounterQuality, Form: metric.Int, Point: metric.EpochPoint(metric.JobHostShare, 0), First: 4, Count: 3},
		}
		first := len(x.Entities)
		for g := range 2 * boards {
			if g < boards || n < 24 {
				job := [][2]string{{"run-1", "acme"}, {"run-2", "zeta"}}[g/boards]
				x.Entities = append(x.Entities, metric.Entity{Kind: metric.Job, Name: job[0], Parent: 7 + g, Labels: []metric.Pair{{Name: "tenant", Value: job[1]}}})
			}
		}
		x.Columns = append(x.Columns, metric.Column{Metric: metric.JobGPUShare, Form: metric.Int, First: first, Count: len(x.Entities) - first})
		return x
	}
	began := time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC)
	var now *metric.Layout
	for n := range int64(hours + 6) {
		at := began.Add(time.Duration(n) * time.Hour)
		if n == 0 || n == 24 {
			now = layout(n)
		}
		b := &metric.Batch{Site: "vilvoorde", Agent: "all", Lane: metric.Ledger, Incarnation: 1, Sequence: uint64(n + 1), Time: at.UnixMilli(), Boottime: at.UnixNano(), Ticks: 1, Layout: now}
		if n == 0 {
			b.Flags = metric.Fresh
		}
		const kWh = metric.MillijoulesPerKWh
		m := metric.Raw(min(n, hours))
		b.Values = append(b.Values, 12*kWh*m, 10*kWh*m, 1, 1)
		for range 3 * boards {
			b.Values = append(b.Values, kWh*m)
		}
		b.Values = append(b.Values, 3*kWh*m, 3*kWh*m, 3*kWh*m, 0, 0, 0)
		for range now.Columns[len(now.Columns)-1].Count {
			b.Values = append(b.Values, 1_000_000)
		}
		if o := l.Apply(b, at, "L/1", uint64(n+1)); o.Verdict != account.Accepted {
			return errors.New(o.Reason)
		}
		if n%20 == 0 || n >= hours {
			if _, err := l.Commit(at); err != nil {
				return err
			}
		}
	}
	for n := range 3 {
		if _, err := l.Commit(began.Add((hours + 6 + time.Duration(n)) * time.Hour)); err != nil {
			return err
		}
	}
	return nil
}
