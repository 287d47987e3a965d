package report_test

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"

	"github.com/gigawatch/gigawatch/aggregator/internal/account"
	"github.com/gigawatch/gigawatch/aggregator/internal/ledger"
	"github.com/gigawatch/gigawatch/aggregator/internal/report"
	"github.com/gigawatch/gigawatch/collector/metric"
)

// A floor is hosts of eight boards beside the meters of a plant: what each board and
// host counts in an hour, and whose job holds the boards of a host in it.
type floor struct {
	plant
	hosts      int
	board      int64                                   // mJ an hour
	host       int64                                   // mJ an hour
	holds      func(host int, n int64) (j account.Job) // in the n-th hour; no name: nobody
	model      string
	noCounters bool                                           // hosts have none
	shows      func(gpu int, n int64) [account.Gauges]float64 // nil: boards show nothing besides
}

// gauges are what a floor's boards show besides.
var gauges = [account.Gauges]metric.Number{account.SMActive: metric.GPUSMActive, account.TensorActive: metric.GPUTensorActive, account.PowerLimit: metric.GPUPowerLimit}

const boardsOf = 8

// perAgent bounds the hosts that one agent tells of.
const perAgent = 128

// hostLayout is some hosts, and who holds them.
func (f *floor) hostLayout(first, hosts int, n int64) *metric.Layout {
	l := &metric.Layout{Entities: []metric.Entity{{Kind: metric.Hall, Name: "h1", Parent: -1}, {Kind: metric.Rack, Name: "r1", Parent: 0}}}
	for i := range hosts {
		l.Entities = append(l.Entities, metric.Entity{Kind: metric.Host, Name: fmt.Sprintf("n%04d", first+i), Parent: 1})
	}
	boards := len(l.Entities)
	for i := range hosts {
		for g := range boardsOf {
			l.Entities = append(l.Entities, metric.Entity{Kind: metric.GPU, Name: fmt.Sprintf("GPU-%d-%d", first+i, g), Parent: 2 + i,
				Labels: []metric.Pair{{Name: "gpu", Value: fmt.Sprint(g)}, {Name: "model", Value: f.model}}})
		}
	}
	l.Columns = []metric.Column{{Metric: metric.GPUEnergyJoules, Form: metric.Int, First: boards, Count: hosts * boardsOf}}
	if f.shows != nil {
		for _, m := range gauges {
			l.Columns = append(l.Columns, metric.Column{Metric: m, Form: metric.Float, First: boards, Count: hosts * boardsOf})
		}
	}
	if !f.noCounters {
		l.Columns = append(l.Columns, metric.Column{Metric: metric.HostEnergyJoules, Form: metric.Int, First: 2, Count: hosts})
	}
	l.Columns = append(l.Columns, metric.Column{Metric: metric.CounterQuality, Form: metric.Int, Point: metric.EpochPoint(metric.JobHostShare, 0), First: 2, Count: hosts})
	claims := len(l.Entities)
	for i := range hosts {
		j := f.holds(first+i, n)
		for g := range boardsOf {
			if j.Name == "" {
				continue
			}
			e := metric.Entity{Kind: metric.Job, Name: j.Name, Parent: boards + i*boardsOf + g}
			if j.Tenant != "" {
				e.Labels = []metric.Pair{{Name: "tenant", Value: j.Tenant}}
			}
			l.Entities = append(l.Entities, e)
		}
	}
	if k := len(l.Entities) - claims; k > 0 {
		l.Columns = append(l.Columns, metric.Column{Metric: metric.JobGPUShare, Form: metric.Int, First: claims, Count: k})
	}
	return l
}

// sealFloor lets hosts and meters be read for so many hours, and all hours be sealed.
func (f *floor) sealFloor(from time.Time, hours int64) {
	t := f.t
	t.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(800))
	f.dir = folder(t)
	lock, err := ledger.OpenDir(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(ledger.Config{Dir: lock, Account: account.Config{Interval: 3_600_000}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	meters := f.layout()
	hosts := make([]*metric.Layout, (f.hosts+perAgent-1)/perAgent)
	who, record := "", uint64(0)
	for n := int64(0); n <= hours+5; n++ {
		now := from.Add(time.Duration(n) * time.Hour)
		if is := f.whoHolds(n); n == 0 || is != who { // from here on
			for i := range hosts {
				hosts[i] = f.hostLayout(i*perAgent, min(perAgent, f.hosts-i*perAgent), n)
			}
			who = is
		}
		type told struct {
			agent  string
			layout *metric.Layout
			values []metric.Raw
		}
		all := []told{{"meters-1", meters, f.meterValues(n, hours)}}
		for i, l := range hosts {
			all = append(all, told{fmt.Sprintf("hosts-%d", i), l, f.hostValues(n, l)})
		}
		for _, x := range all {
			record++
			b := &metric.Batch{Site: f.site.Token, Agent: x.agent, Lane: metric.Ledger, Incarnation: 1, Sequence: uint64(n + 1), Time: now.UnixMilli(),
				Boottime: (n*3600 + 1e6) * 1e9, Ticks: 1, Layout: x.layout, Values: x.values}
			if n == 0 {
				b.Flags = metric.Fresh
			}
			if o := l.Apply(b, now, "L/1", record); o.Verdict != account.Accepted || o.Reason != "" {
				t.Fatalf("record %d of %s: %v, %s", n, x.agent, o.Verdict, o.Reason)
			}
		}
		if n%4 == 0 || n >= hours {
			if _, err := l.Commit(now); err != nil {
				t.Fatal(err)
			}
		}
	}
	for n := range 3 {
		if _, err := l.Commit(from.Add(time.Duration(hours+6+int64(n)) * time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
}

func (f *floor) whoHolds(n int64) (s string) {
	for i := range f.hosts {
		j := f.holds(i, n)
		s += j.Name + "/" + j.Tenant + " "
	}
	return s
}

func (f *floor) hostValues(n int64, l *metric.Layout) (v []metric.Raw) {
	for i := range l.Columns {
		for at := range l.Columns[i].Count {
			if k := slices.Index(gauges[:], l.Columns[i].Metric); k >= 0 {
				v = append(v, metric.Of(f.shows(at%boardsOf, n)[k])) // NaN is missing
				continue
			}
			switch l.Columns[i].Metric {
			case metric.GPUEnergyJoules:
				v = append(v, metric.Raw(f.board*n))
			case metric.HostEnergyJoules:
				v = append(v, metric.Raw(f.host*n))
			case metric.JobGPUShare:
				v = append(v, 1_000_000)
			default:
				v = append(v, 0)
			}
		}
	}
	return v
}

// jobInput is what a job statement on a floor is made of.
func (f *floor) jobInput(year int, from time.Time, hours int64) report.JobInput {
	in := f.input(year)
	return report.JobInput{Site: in.Site, Basis: in.Basis, Ledger: in.Ledger.(report.Hourly), Books: in.Books, From: from, To: from.Add(time.Duration(hours) * time.Hour)}
}
