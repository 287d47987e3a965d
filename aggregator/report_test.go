package main

import (
	"errors"
	"os"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// monthCommand makes the books of a site whose meters were read once an hour in
// December 2025, and sets BOOKS to their folder: one in memory where there is such
// a file system.
func monthCommand(ts *testscript.TestScript, _ bool, args []string) {
	dir, err := quickFolder(ts.MkAbs("."))
	ts.Check(err)
	ts.Defer(func() { _ = os.RemoveAll(dir) })
	ts.Check(makeMonth(dir, unsigned))
	ts.Setenv("BOOKS", dir)
}

// quickFolder is a new one in memory, where there is such a file system, else below
// other.
func quickFolder(other string) (dir string, err error) {
	if dir, err = os.MkdirTemp("/dev/shm", "gigawatch-test-"); err != nil {
		dir, err = os.MkdirTemp(other, "books-")
	}
	return dir, err
}

// makeMonth has 110 MWh of the grid, 10 of generation on the site and 2 of a
// generator, 100 of IT, 60 m³ of water of which 40 are potable, and 30 MWh of heat.
// after is called whenever it was made durable.
func makeMonth(dir string, after func(*ledger.Ledger) error) (err error) {
	d, err := ledger.OpenDir(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	l, err := ledger.Open(ledger.Config{Dir: d, Account: account.Config{Interval: 3_600_000}, Logger: quietly()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	const hours = 744
	meters := []struct {
		name, role string
		register   metric.Number
		total      int64
	}{
		{"grid", metric.RoleGridInput, metric.MeterEnergyJoules, 110_000 * metric.MillijoulesPerKWh},
		{"pv", metric.RoleOnsiteGeneration, metric.MeterEnergyJoules, 10_000 * metric.MillijoulesPerKWh},
		{"diesel", metric.RoleGeneratorOutput, metric.MeterEnergyJoules, 2_000 * metric.MillijoulesPerKWh},
		{"ups", metric.RoleUPSOutput, metric.MeterEnergyJoules, 100_000 * metric.MillijoulesPerKWh},
		{"water", metric.RoleWaterTotal, metric.MeterWater, 60_000_000},
		{"tap", metric.RoleWaterPotable, metric.MeterWater, 40_000_000},
		{"heat", metric.RoleHeatReuse, metric.MeterHeatJoules, 30_000 * metric.MillijoulesPerKWh},
	}
	layout := &metric.Layout{}
	for i, m := range meters {
		layout.Entities = append(layout.Entities, metric.Entity{Kind: metric.Meter, Name: m.name, Parent: -1, Labels: []metric.Pair{{Name: "role", Value: m.role}}})
		layout.Columns = append(layout.Columns, metric.Column{Metric: m.register, Form: metric.Int, First: i, Count: 1},
			metric.Column{Metric: metric.CounterEpoch, Form: metric.Int, Point: metric.EpochPoint(m.register, 0), First: i, Count: 1})
	}
	began := time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC)
	for n := range int64(hours + 6) {
		at := began.Add(time.Duration(n) * time.Hour)
		b := &metric.Batch{Site: "vilvoorde", Agent: "plant", Lane: metric.Ledger, Incarnation: 1, Sequence: uint64(n + 1), Time: at.UnixMilli(), Boottime: at.UnixNano(), Ticks: 1, Layout: layout}
		if n == 0 {
			b.Flags = metric.Fresh
		}
		for _, m := range meters {
			b.Values = append(b.Values, metric.Raw(m.total/hours*min(n, hours)), 1)
		}
		if o := l.Apply(b, at, "L/1", uint64(n+1)); o.Verdict != account.Accepted {
			return errors.New(o.Reason)
		}
		if n%20 == 0 || n >= hours {
			if _, err := l.Commit(at); err != nil {
				return err
			}
			if err := after(l); err != nil {
				return err
			}
		}
	}
	for n := range 4 { // the last has the state know that the last hour is sealed
		if _, err := l.Commit(began.Add((hours + 6 + time.Duration(min(n, 2))) * time.Hour)); err != nil {
			return err
		}
		if err := after(l); err != nil {
			return err
		}
	}
	return nil
}

// unsigned leaves books as they are.
func unsigned(*ledger.Ledger) error { return nil }

// spoilCommand changes one byte in the middle of a file.
func spoilCommand(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		b, err := os.ReadFile(ts.MkAbs(name))
		ts.Check(err)
		b[len(b)/2] ^= 1
		ts.Check(os.Chmod(ts.MkAbs(name), 0o600))
		ts.Check(os.WriteFile(ts.MkAbs(name), b, 0o600))
	}
}
