package account_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

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
